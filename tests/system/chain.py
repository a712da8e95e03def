"""A box's way up without its scale: real journal and uplink, a faulty link, a real broker, collector and store."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
from sqlalchemy import func, select

from edge.makers import BOX, DEV, UNIT, StandingClock, weighing
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.collector.mqtt import BrokerLink
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.collector.telemetry import Samples
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.verify import verify
from hazgate_cloud.store.writer import Writer
from hazgate_edge.config import Broker
from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.mqtt import Uplink
from hazgate_edge.telemetry.sending import Sender
from hazgate_protocols.journal.seal import Signer
from hazgate_simulators.demo.broker import Mosquitto
from hazgate_simulators.link.faults import state_of
from hazgate_simulators.link.link import FaultyLink

WASTES = ("900-214-08", "900-041-49", "900-249-08", "336-064-17", "900-039-49", "900-252-12", "900-249-49")
COLLECTOR_KEY = Signer.from_secret(b"c" * 32)
BOX_KEY = Signer.from_secret(bytes(range(32)))
SOON_S = 30.0
KEEPALIVE_S = 2


class Chain:
    """One box and its collector. Waits are those of the box, only shorter."""

    def __init__(
        self,
        folder: Path,
        *,
        broker_settings: tuple[str, ...] = (),
        answer_wait_s: float = 1.0,
        connect_timeout_s: float = 1.0,
        telemetry: Sender | None = None,
    ) -> None:
        self.telemetry = telemetry
        folder.mkdir(exist_ok=True)
        self.broker = Mosquitto(folder / "broker", settings=broker_settings)
        self.database = Database.open(f"sqlite:///{folder / 'store' / 'collector.db'}")
        upgrade(self.database)
        known = RegisteredBox(BOX, BOX_KEY.public(), UNIT, "")
        self.database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
        self.journal = Journal(folder / "journal.sqlite3", box=BOX, signer=BOX_KEY, clock=StandingClock())
        self.journal.write_now(lambda: self.journal.do_found(unit_code=UNIT, dev=DEV))
        self.answer_wait_s = answer_wait_s
        self.connect_timeout_s = connect_timeout_s
        self.weighed = 0
        self.link = FaultyLink("127.0.0.1", self.broker.port)
        self._writer = Writer()
        self._collecting: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None

    def dialogue(self) -> Dialogue:
        """A box's dialogue on this journal."""
        return Dialogue(
            self.journal,
            collector_key=COLLECTOR_KEY.public(),
            dev=DEV,
            token=lambda: secrets.token_hex(8),
            jitter=random.Random(7).random,
            answer_wait_s=self.answer_wait_s,
        )

    def uplink_at(self, port: int) -> Uplink:
        """A box's uplink over a port, not running yet."""
        rng = random.Random(7)
        dialogue = self.dialogue()
        return Uplink(
            Broker(host="127.0.0.1", port=port),
            BOX,
            dialogue,
            wall=lambda: datetime.now(UTC),
            jitter=rng.random,
            keepalive_s=KEEPALIVE_S,
            connect_timeout_s=self.connect_timeout_s,
            telemetry=self.telemetry,
        )

    async def start(self) -> None:
        """Broker, link, collector, box."""
        await asyncio.to_thread(self.broker.start)
        await self.link.start()
        self.collect()
        self.uplink = self.uplink_at(self.link.port)
        self._sending = asyncio.create_task(self.uplink.run())

    def collect(self) -> None:
        """The collector takes pushes."""

        def connect() -> aiomqtt.Client:
            version = aiomqtt.ProtocolVersion.V5
            return aiomqtt.Client("127.0.0.1", self.broker.port, protocol=version, clean_start=True)

        collector = Collector(self.database, COLLECTOR_KEY, lambda: datetime.now(UTC))
        samples = Samples(self.database, lambda _suite: COLLECTOR_KEY, lambda: datetime.now(UTC))
        link = BrokerLink(connect, collector, self._writer, Presence(), lambda: datetime.now(UTC), samples)
        self._collecting = asyncio.create_task(link.run())

    async def stop_collecting(self) -> None:
        """The collector leaves the broker."""
        await _ended(self._collecting)

    async def stop(self) -> None:
        """Everything, also after a failed start."""
        await _ended(self._sending)
        await _ended(self._collecting)
        await self.link.stop()
        await asyncio.to_thread(self.broker.stop)
        self.close()

    def close(self) -> None:
        """Journal and store."""
        self._writer.close()
        self.database.close()
        self.journal.close()

    async def weigh(self, count: int = 1, **more: Any) -> None:
        """So many bags; each must be answered soon, whatever the link does."""
        for _ in range(count):
            waste, number = WASTES[self.weighed // 999], self.weighed
            new = weighing(f"press-{number:08d}", waste=waste)._replace(**more)
            async with asyncio.timeout(5):
                await self.journal.write(lambda new=new: self.journal.do_weigh(new))  # type: ignore[misc]
            self.weighed += 1
        self.uplink.wake()

    @property
    def received(self) -> int:
        """The newest record with a receipt."""
        return self.journal.sync_state().received_seq

    async def until(self, true: Callable[[], bool], what: str, within_s: float = SOON_S) -> None:
        """Waits for a condition; the box's uplink must be alive all the while."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while not true():
            assert self._sending is not None
            if self._sending.done():
                self._sending.result()
            assert loop.time() < end, f"never: {what}; {self.received} of {self.journal.head_seq}, {self.uplink.say()}"
            await asyncio.sleep(0.02)

    async def until_settled(self, within_s: float = SOON_S) -> None:
        """Every record has its receipt; the store holds each once, with one effect, and verifies."""
        await self.until(lambda: self.received == self.journal.head_seq, "all received", within_s)
        with self.database.read() as tx:
            records = tx.execute(
                select(func.count(), func.count(schema.records.c.seq.distinct())).select_from(schema.records)
            ).one()
            bags = tx.execute(select(func.count()).select_from(schema.bags)).scalar_one()
            queued = tx.execute(select(func.count()).select_from(schema.outbox)).scalar_one()
            order = list(tx.execute(select(schema.records.c.seq).order_by(schema.records.c.position)).scalars())
            faults = verify(tx).faults
        head = self.journal.head_seq
        assert tuple(records) == (head, head)
        assert order == list(range(1, head + 1)), "stored in the chain's order"
        assert (bags, queued) == (self.weighed, self.weighed)
        assert faults == []

    async def play(self, fault: str) -> None:
        """A fault of the link by name."""
        await self.link.set(state_of(fault))


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def running(chain: Chain) -> AsyncIterator[Chain]:
    """The chain, started, and stopped afterwards."""
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()
