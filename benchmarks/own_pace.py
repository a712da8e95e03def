"""hazgate at a steady pace: journal, dialogue and uplink as the box runs them, against the installed collector.

No scale takes a thousand bags a second, so the records come from here; from the journal on everything is the box's.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.bare import WARM_UP, paced
from benchmarks.chain import UNIT_CODE, Chain, Receipts, journal_path
from benchmarks.own_journal import DEV, weighing
from hazgate_edge.clock import SystemClock
from hazgate_edge.config import Broker as BrokerAddress
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.mqtt import Uplink

RECEIPT_S_MAX = 60.0


class Pace:
    """A journal with its uplink, and an ear for its receipts."""

    def __init__(self, journal: Journal, uplink: Uplink, receipts: Receipts) -> None:
        self._journal = journal
        self._uplink = uplink
        self._receipts = receipts
        self._numbers = itertools.count()

    async def latencies_ms(self, rate_per_s: float, count: int) -> list[float]:
        """From each weighing's planned time to its receipt at the box's side of the broker; the warm-up is left out."""
        planned_at: list[float] = []
        writing: list[asyncio.Task[int]] = []
        async with asyncio.TaskGroup() as tasks:
            async for _ in paced(rate_per_s, WARM_UP + count):
                planned_at.append(time.perf_counter())
                writing.append(tasks.create_task(self._weigh()))
        seqs = [task.result() for task in writing]
        await self._receipts.upto(max(seqs), RECEIPT_S_MAX)
        came_at = self._receipts.all_came_at(seqs)
        return [(came_at[seq] - at) * 1000 for seq, at in zip(seqs, planned_at, strict=True)][WARM_UP:]

    async def _weigh(self) -> int:
        new = weighing(next(self._numbers), UNIT_CODE)

        def book() -> int:
            self._journal.do_weigh(new)
            return self._journal.head_seq

        seq = await self._journal.write(book)
        self._uplink.wake()
        return seq


@asynccontextmanager
async def running_pace(chain: Chain, name: str) -> AsyncIterator[Pace]:
    """A founded journal whose collector holds it."""
    folder = chain.folder / name
    clock = SystemClock.of_this_machine()
    journal = Journal(journal_path(folder), box=name, signer=load_or_make(folder), clock=clock)
    try:
        await journal.write(lambda: journal.do_found(unit_code=UNIT_CODE, dev=DEV))
        dialogue = Dialogue(
            journal,
            collector_key=bytes.fromhex(chain.collector_key),
            dev=DEV,
            token=lambda: secrets.token_hex(8),
            jitter=random.random,
        )
        address = BrokerAddress(host="127.0.0.1", port=chain.broker_port)
        uplink = Uplink(address, name, dialogue, wall=clock.wall, jitter=random.random)
        async with Receipts.of(chain, name) as receipts:
            running = asyncio.create_task(uplink.run())
            try:
                await receipts.upto(1, RECEIPT_S_MAX)
                yield Pace(journal, uplink, receipts)
            finally:
                running.cancel()
    finally:
        journal.close()
