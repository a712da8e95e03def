"""TB: the ThingsBoard IoT gateway as the peer a box is compared with, in a virtual environment of its own.

Everything optional is off (statistics, remote shell and configuration, gRPC, version check), its log is quiet, its
storage is its SQLite and records come in by the cheapest connector possible: the figures are its best case.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.broker import Broker
from benchmarks.children import BenchError, Child, Memory, ensure_environment, free_port, tree_memory, wait_for_port

NAME = "ThingsBoard gateway"
REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements" / "bench-peer.txt"
START_S_MAX = 60.0
BURST_S_MAX = 60.0
SETTLE_S = 6.0  # from its first record until it is weighed: start-up garbage is gone by then
_CONNECTOR = Path(__file__).with_name("peer_connector.py")
_QUIET_LOGGERS = (
    "service",
    "storage",
    "database",
    "connector",
    "converter",
    "tb_connection",
    "extension",
    "tb_gateway",
)
# The gateway has no switch for its question about a newer version, so the question is made empty.
_LAUNCH = """
import sys
from thingsboard_gateway.tb_utility.tb_loader import TBModuleLoader
TBModuleLoader.find_paths()
TBModuleLoader.PATHS.insert(0, sys.argv.pop())
from thingsboard_gateway.tb_utility.tb_updater import TBUpdater
TBUpdater.check_for_new_version = lambda updater: None
from thingsboard_gateway.tb_gateway import daemon
daemon()
"""
_NO_LIMITS = {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""}
_SESSION = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 100,
    "rateLimits": _NO_LIMITS,
    "gatewayRateLimits": _NO_LIMITS,
}


@dataclass(frozen=True, slots=True)
class PeerRun:
    """One start of the peer: seconds from its start, memory when idle."""

    accepting_s: float
    stored_s: float  # the first record is committed in its own SQLite
    arrived_s: float  # the first record is at the cloud's broker
    idle: Memory


def ensure_peer(folder: Path, say: Callable[[str], None]) -> Path:
    """The interpreter of an environment with the pinned peer."""
    return ensure_environment(folder, REQUIREMENTS, f"{NAME} {peer_version()} (about half a minute)", say)


def peer_version() -> str:
    """The pinned version; raises BenchError when the pin is gone."""
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if name == "thingsboard-gateway":
            return version.split()[0]
    raise BenchError(f"read {REQUIREMENTS.name}: no thingsboard-gateway in it; run tools/lock")


def run_peer(interpreter: Path, folder: Path, settle_s: float = SETTLE_S) -> PeerRun:
    """Start the peer, give it one record as soon as it accepts, wait for the record, let it idle, weigh it."""
    with Broker(folder) as broker, _Cloud(broker.port) as cloud, _running(interpreter, folder, broker.port) as running:
        peer, port, home = running
        accepting_s = wait_for_port(port, peer, START_S_MAX)
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(_record(1))
            stored_at = _wait_until(lambda: _stored(home) >= 1, peer, "store the first record")
            _wait_until(lambda: cloud.first_at is not None, peer, "deliver the first record")
            arrived_at = cloud.first_at or 0.0
            time.sleep(settle_s)
            idle = tree_memory(peer.pid)
        return PeerRun(accepting_s, stored_at - peer.started_at, arrived_at - peer.started_at, idle)


@contextmanager
def peer_bursts(interpreter: Path, folder: Path, count: int) -> Iterator[Callable[[], float]]:
    """A call that offers so many records at once; records a second from the first byte sent until the last is committed
    in the peer's SQLite. Its cloud is away, so that it has nothing else to do."""
    with ExitStack() as cloud_side:
        broker = cloud_side.enter_context(Broker(folder))
        cloud = cloud_side.enter_context(_Cloud(broker.port))
        with _running(interpreter, folder, broker.port) as (peer, port, home):
            wait_for_port(port, peer, START_S_MAX)
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(_record(1))  # it asks for its limits once, before it stores as fast as it can
                _read_answers(line, 1)
                _wait_until(lambda: cloud.first_at is not None, peer, "deliver the first record")
                cloud_side.close()
                yield lambda: _burst(peer, line, home, count)


def _burst(peer: Child, line: socket.socket, home: Path, count: int) -> float:
    at_ms, before = time.time_ns() // 1_000_000, _stored(home)
    # A time of its own for each: the peer merges records of one device that share a millisecond.
    records = b"".join(_record(number, at_ms + number) for number in range(count))
    started_at = time.perf_counter()
    sending = threading.Thread(target=line.sendall, args=(records,), daemon=True)
    sending.start()
    _read_answers(line, count)
    stored_at = _wait_until(lambda: _stored(home) >= before + count, peer, "store a burst", BURST_S_MAX)
    sending.join()
    return count / (stored_at - started_at)


@contextmanager
def _running(interpreter: Path, folder: Path, broker_port: int) -> Iterator[tuple[Child, int, Path]]:
    """The peer from its exec on, with the port of its connector and its folder."""
    port = free_port()
    home = folder / f"peer-{port}"
    _furnish(home, broker_port, port)
    command: list[str | Path] = [interpreter, "-c", _LAUNCH, home / "extensions"]
    with Child(command, home / "out.log", cwd=home, env={"TB_GW_CONFIG_DIR": f"{home / 'config'}/"}) as peer:
        yield peer, port, home
    shutil.rmtree(home)


def _read_answers(line: socket.socket, count: int) -> None:
    line.settimeout(START_S_MAX)
    while count > 0:
        got = line.recv(65536)
        if not got:
            raise BenchError(f"offer a burst to {NAME}: it closed the connection")
        count -= got.count(b"\n")


class _Cloud:
    """The cloud's side: answers the gateway's question for its limits and notes when telemetry arrives."""

    def __init__(self, port: int) -> None:
        self.first_at: float | None = None
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cloud")
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._port = port

    def __enter__(self) -> _Cloud:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._ready.wait(START_S_MAX):
            raise BenchError("subscribe as the peer's cloud: the broker did not answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe([("v1/gateway/#", 1), ("v1/devices/#", 1)])

    def _on_subscribe(self, *_: object) -> None:
        self._ready.set()

    def _on_message(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        if message.topic.startswith("v1/devices/me/rpc/request/"):
            number = message.topic.rpartition("/")[2]
            client.publish(f"v1/devices/me/rpc/response/{number}", json.dumps(_SESSION), qos=1)
        elif message.topic == "v1/gateway/telemetry" and self.first_at is None:
            self.first_at = time.perf_counter()


def _record(seq: int, at_ms: int | None = None) -> bytes:
    record = {
        "ts": time.time_ns() // 1_000_000 if at_ms is None else at_ms,
        "seq": seq,
        "kg": "123.45",
        "code": "900-041-49",
        "id": f"01JD{seq:022d}",
        "pad": "x" * 200,
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _stored(home: Path) -> int:
    """How many rows were ever committed."""
    # Delivered rows are deleted, but AUTOINCREMENT's counter remembers that a row was committed.
    try:
        connection = sqlite3.connect(f"file:{home / 'data' / 'data.db'}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return 0  # not made yet
    try:
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    except sqlite3.OperationalError:
        return 0  # no tables yet
    finally:
        connection.close()
    return 0 if found is None else int(found[0])


def _wait_until(is_done: Callable[[], bool], peer: Child, what: str, timeout_s: float = START_S_MAX) -> float:
    end = time.perf_counter() + timeout_s
    while time.perf_counter() < end:
        if is_done():
            return time.perf_counter()
        peer.check_alive()
        time.sleep(0.005)
    raise BenchError(f"{what} in {NAME}: not done after {timeout_s:g} s; see {peer.log.name}")


def _furnish(home: Path, broker_port: int, port: int) -> None:
    """Configuration, connector and empty storage of one gateway in a fresh folder."""
    for name in ("config", "data", "logs", "extensions/line"):
        (home / name).mkdir(parents=True)
    shutil.copy(_CONNECTOR, home / "extensions" / "line" / "line_connector.py")
    (home / "extensions" / "line" / "__init__.py").touch()
    gateway: dict[str, Any] = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": broker_port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False, "statsSendPeriodInSeconds": 3600},
            "minPackSendDelayMS": 1,
            "checkConnectorsConfigurationInSeconds": 3600,
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 1,
            "deviceFiltering": {"enable": False},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
        },
        "storage": {"type": "sqlite", "data_file_path": f"{home / 'data'}/"},
        "grpc": {"enabled": False},
        "connectors": [{"type": "line", "name": "line", "configuration": "line.json", "class": "LineConnector"}],
    }
    handler = {"class": "logging.FileHandler", "filename": str(home / "logs" / "all.log"), "level": "WARNING"}
    quiet = {"handlers": ["file"], "level": "WARNING", "propagate": False}
    logs: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"file": handler},
        "loggers": dict.fromkeys(_QUIET_LOGGERS, quiet),
        "root": {"level": "ERROR", "handlers": ["file"]},
    }
    for name, content in (
        ("tb_gateway.json", gateway),
        ("line.json", {"name": "line", "port": port}),
        ("logs.json", logs),
    ):
        (home / "config" / name).write_text(json.dumps(content), encoding="utf-8")
