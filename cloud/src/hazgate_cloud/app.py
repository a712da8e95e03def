"""Wires the collector together and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.config import Config, read_database_password, read_password
from hazgate_cloud.keeper.checkpointer import Checkpointer
from hazgate_cloud.keeper.folder import Folder
from hazgate_cloud.keeper.keeper import Keeper
from hazgate_cloud.keys import Keyring, own_key
from hazgate_cloud.store.boxes import all_boxes
from hazgate_cloud.store.certificates import Authority, issue_missing
from hazgate_cloud.store.engine import Database, StoreUnavailableError, cause_of
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.journal.suite import DEFAULT, SuiteMissingError

ASGIApplication = Callable[..., Any]

log = structlog.get_logger()

SHUTDOWN_S = 5
KEEPALIVE_S = 15  # two of them without a word and the link counts as lost
MQTT_QUEUE_MAX = 1_000  # messages; what the client library cannot hold is dropped and sent again by its box


class StartError(Exception):
    """The collector cannot start: what failed, why, and what to do."""


def open_store(config: Config) -> Database:
    """The store of this configuration, brought to this program's schema. Raises ConfigError for a password that cannot
    be read, StoreUnavailableError for a server that is not there or not fit."""
    config.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database.open(config.database_url, read_database_password(config))
    try:
        upgrade(database)
    except SQLAlchemyError as exc:
        database.close()
        raise StoreUnavailableError(
            f"open the store {database.name}: {cause_of(exc)}; nothing was changed, and boxes keep their records"
        ) from exc
    return database


def certify(config: Config, database: Database, now: datetime) -> int:
    """Issues the certificates that are missing; how many. Both keys are made when there are none."""
    keys = Authority(own_key(config.authority_key_file), own_key(config.key_file).public())
    return database.written(lambda tx: issue_missing(tx, keys, now))


async def run(config: Config) -> None:
    """Serves until SIGTERM or SIGINT. Then, in order: takes nothing new, lets the web server finish, finishes what the
    store is at, closes. What was in flight is sent again by its sender."""
    import aiomqtt

    from hazgate_cloud.api.app import Api, build
    from hazgate_cloud.collector.memory import collect_seldom, switch_often
    from hazgate_cloud.collector.mqtt import BrokerLink
    from hazgate_cloud.collector.telemetry import Samples
    from hazgate_cloud.forwarder.checkpoints import CheckpointCourier
    from hazgate_cloud.forwarder.core_client import CoreClient
    from hazgate_cloud.forwarder.forwarder import Forwarder

    password = read_password(config.broker)
    keys = Keyring(config.key_file_of)
    signer = keys.of(DEFAULT)
    listener = _listener(config)
    database = open_store(config)
    certify(config, database, _now())
    writer, presence = Writer(), Presence()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def connect() -> aiomqtt.Client:
        return aiomqtt.Client(
            config.broker.host,
            config.broker.port,
            username=config.broker.username,
            password=password,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=MQTT_QUEUE_MAX,
            # Else Nagle and delayed acknowledgements hold a receipt behind its PUBACK for some 40 ms (measured).
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    try:
        _require_keys_for_boxes(database, keys)
        async with CoreClient(config.core.url, config.core.timeout_s) as core:
            collector = Collector(database, signer, _now, lambda: _call(loop, forwarder.wake), keys.of)
            link = BrokerLink(connect, collector, writer, presence, _now, Samples(database, keys.of, _now))
            spread = random.Random()  # noqa: S311 - spreads retries, keeps no secret
            forwarder = Forwarder(database, writer, core, _now, spread, link.announce, link.worked_s)
            courier = CheckpointCourier(database, writer, core, _now, spread)
            checkpointer = Checkpointer(database, signer, Folder(config.checkpoint_folder), _now)
            keeper = Keeper(
                database,
                writer,
                checkpointer,
                presence,
                _now,
                is_busy=link.is_busy,
                on_made=courier.wake,
            )
            api = Api(
                database,
                presence,
                config.public_url,
                lambda: link.trouble,
                lambda: forwarder.trouble,
                lambda: keeper.trouble or courier.trouble,
            )
            collect_seldom()
            switch_often()
            async with asyncio.TaskGroup() as group:
                server = group.create_task(_serve(build(api), listener, stop))
                work = [group.create_task(link.run()), group.create_task(forwarder.run())]
                work += [group.create_task(courier.run()), group.create_task(keeper.run())]
                log.info("collector started", listen=f"http://{config.listen.host}:{listener.getsockname()[1]}")
                await stop.wait()
                for task in work:
                    task.cancel()
                await server
    finally:
        listener.close()
        writer.close()
        database.close()
    log.info("collector stopped")


async def _serve(web: ASGIApplication, listener: socket.socket, stop: asyncio.Event) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are this program's own business

    options = uvicorn.Config(
        web, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=SHUTDOWN_S
    )
    server = Server(options)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
    stop.set()


def _require_keys_for_boxes(database: Database, keys: Keyring) -> None:
    """A key or a suite that is missing is said at the start, not at the first push. Raises StartError, KeyFileError."""
    with database.read() as tx:
        boxes = all_boxes(tx)
    for box in boxes:
        try:
            keys.of(box.registered.suite)
        except SuiteMissingError as exc:
            raise StartError(
                f"box {box.registered.box} is of suite {box.registered.suite.name}: {exc}; run this collector where "
                "OpenSSL 3 is as in Debian 12"
            ) from exc


def _listener(config: Config) -> socket.socket:
    where = config.listen
    try:
        return socket.create_server((where.host, where.port), reuse_port=False)
    except OSError as exc:
        raise StartError(
            f"listen on {where.host}:{where.port}: {exc.strerror}; free the port or change listen.port"
        ) from exc


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the next start finds the submission in the outbox
        loop.call_soon_threadsafe(act)


def _now() -> datetime:
    return datetime.now(UTC)
