"""hazgate after an outage: a box with a backlog, the link's return, and weighing meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bare import paced
from benchmarks.chain import UNIT_CODE, Box, Chain, Receipts, journal_path, running_box
from benchmarks.children import BenchError, Memory, free_port, tree_memory
from benchmarks.devices import FIRST_DIVISIONS
from benchmarks.own_box import press
from benchmarks.own_journal import DEV, weighing
from benchmarks.press import settled_operator
from hazgate_edge.clock import SystemClock
from hazgate_edge.domain.view import PrintState
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal.rows import PrintJob
from hazgate_edge.journal.store import Journal
from hazgate_protocols.codes.label_number import SEQUENCE_MAX

DRAIN_S_MAX = 300.0
SETTLED_S_MAX = 15.0
PRESSES_PER_S = 8.0
STEADY_S = 6.0
BAG_ON_BEFORE_PRESS_S = 0.08
GROUP = 500


@dataclass(frozen=True, slots=True)
class DrainRun:
    """One drain: from the link's return on."""

    backlog: int
    first_s: float  # until the first receipt that covers a record of the backlog
    drained_s: float  # until the receipt that covers all of it
    steady_ms: list[float]  # press to "saved" while the link was away and nothing was sent
    draining_ms: list[float]  # the same during the drain
    before: Memory
    after: Memory

    @property
    def per_s(self) -> float:
        """Records a second from the link's return to the last receipt."""
        return self.backlog / self.drained_s


def first_number(index: int, backlog: int) -> int:
    """Where the backlog of the unit's box `index` begins, so that no two of them share a day: each counts a day's
    labels from 1, and a second box's would be held back and flagged, which is another work than to take them in."""
    per_day: int = SEQUENCE_MAX
    return index * (backlog // per_day + 1) * per_day


def make_backlog(folder: Path, box: str, count: int, start: int = 0) -> None:
    """A journal with that many weighings whose labels are printed and which no collector has seen. start: see
    first_number()."""
    journal = Journal(journal_path(folder), box=box, signer=load_or_make(folder), clock=SystemClock.of_this_machine())

    def some(first: int) -> None:
        for number in range(first, min(first + GROUP, count)):
            rid, _ = journal.do_weigh(weighing(start + number, UNIT_CODE))
            printed = PrintJob(journal.head_seq, 0, rid, PrintState.PRINTED, None, {})
            journal.do_set_job(printed, PrintState.PRINTED, None)

    try:
        journal.write_now(lambda: journal.do_found(unit_code=UNIT_CODE, dev=DEV))
        for first in range(0, count, GROUP):
            journal.write_now(lambda first=first: some(first))  # type: ignore[misc]
    finally:
        journal.close()


class Link:
    """The way to the broker: a relay on a port of its own that can be away."""

    def __init__(self, broker_port: int) -> None:
        self.port = free_port()
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def come(self) -> float:
        """From now on it carries; when that was."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return time.perf_counter()

    async def go(self) -> None:
        """From now on it refuses."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _serve(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        self._writers += [near_writer, far_writer]
        ways = [
            asyncio.create_task(_carry(near_reader, far_writer)),
            asyncio.create_task(_carry(far_reader, near_writer)),
        ]
        self._carrying.update(ways)
        await asyncio.wait(ways)
        self._carrying.difference_update(ways)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cut_off_box(chain: Chain, name: str) -> AsyncIterator[tuple[Box, Receipts, Link]]:
    """A running box whose link is away, and an ear at the broker."""
    link = Link(chain.broker_port)
    try:
        async with (
            Receipts.of(chain, name) as receipts,
            running_box(replace(chain, broker_port=link.port), name) as box,
        ):
            yield box, receipts, link
    finally:
        await link.go()


async def drain(chain: Chain, name: str, backlog: int, start: int = 0) -> DrainRun:
    """Let the link come back to a box with a backlog, press on meanwhile. start: see
    first_number()."""
    make_backlog(chain.folder / name, name, backlog, start)
    async with cut_off_box(chain, name) as (box, receipts, link):
        operator = await settled_operator(box.door, SETTLED_S_MAX)
        async with operator:
            await press(operator)  # the first starts the drawing process
        await box.printer.printed(1, SETTLED_S_MAX)
        steady_ms = await _presses_ms(box, asyncio.create_task(asyncio.sleep(STEADY_S)))
        before = tree_memory(box.child.pid)
        came_at = await link.come()
        first = asyncio.create_task(_first_at(receipts))
        draining_ms = await _presses_ms(box, asyncio.create_task(receipts.upto(backlog, DRAIN_S_MAX)))
        after = tree_memory(box.child.pid)
        return DrainRun(
            backlog,
            await first - came_at,
            receipts.came_at(backlog) - came_at,
            steady_ms,
            draining_ms,
            before,
            after,
        )


async def _first_at(receipts: Receipts) -> float:
    await receipts.upto(1, DRAIN_S_MAX)
    return receipts.came_at(1)


async def _presses_ms(box: Box, until: asyncio.Future[None]) -> list[float]:
    """Weigh bag after bag until then; from each press to its "saved", in ms."""
    took_ms = []
    async for number in paced(PRESSES_PER_S, 100_000):
        box.scale.swap(FIRST_DIVISIONS + number % 500 + 1)
        operator = await settled_operator(box.door, SETTLED_S_MAX)
        await asyncio.sleep(BAG_ON_BEFORE_PRESS_S)
        async with operator:
            took_ms.append((await press(operator)).took_s * 1000)
        if until.done():
            await until
            break
    if not took_ms:
        raise BenchError("press during the drain: it was over before the first press; take a larger backlog")
    return took_ms
