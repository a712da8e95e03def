"""hazgate's side of figure (a): the box's own journal, in this process."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.bare import remove_database
from benchmarks.spread import percentile
from hazgate_edge.clock import SystemClock
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_edge.sync.dialogue import BATCH_BYTES
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, SEQUENCE_MAX, label_stem
from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, WeighingBody
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink.messages import Push, encode_push

UNIT_CODE = "91320500MA0000000W"
WASTE_CODE = "900-214-08"
_FIRST_DAY = date(2026, 1, 1)
DEV = {"profile": "st-gs", "profile_digest": "0" * 64, "sw": "bench", "config_digest": "0" * 64}
_LIGHTEST, _SPREAD, _STEP = 500, 12_000, 7919  # in divisions of 10 g: every bag weighs something else


@contextmanager
def journal_weighings(folder: Path) -> Iterator[Callable[[], None]]:
    """A call that commits one weighing to a box's journal, durably.

    It is what a press of the button costs: label number, canonical record, chain hash, bag and print job in one
    transaction. The seal over the head follows when the writer comes to rest.
    """
    path, numbers = folder / "journal.db", itertools.count()
    with _journal(path) as journal:
        yield lambda: _weigh(journal, next(numbers))
    remove_database(path)


@contextmanager
def journal_weighings_from_a_loop(folder: Path) -> Iterator[Callable[[], None]]:
    """The same as the agent does it: awaited on an event loop, written by the journal's own thread."""
    path, numbers = folder / "journal-loop.db", itertools.count()
    with _journal(path) as journal, asyncio.Runner() as runner:
        yield lambda: runner.run(_weigh_awaited(journal, next(numbers)))
    remove_database(path)


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of weighings offered together: how many a second were answered as durable, and the answer's p99."""

    per_s: float
    answer_p99_ms: float


@contextmanager
def journal_bursts(folder: Path, offered: int) -> Iterator[Callable[[float], Burst]]:
    """A call that offers bursts of so many weighings for some seconds, each when the one before is through.

    As the agent does it: each weighing awaits its own answer on the event loop, the writer takes what has gathered.
    """
    path, numbers = folder / "journal-burst.db", itertools.count()
    with _journal(path) as journal, asyncio.Runner() as runner:
        yield lambda seconds: runner.run(_bursts(journal, numbers, offered, seconds))
    remove_database(path)


async def _bursts(journal: Journal, numbers: Iterator[int], offered: int, seconds: float) -> Burst:
    answers_s: list[float] = []
    start = time.perf_counter()

    async def one(offered_at: float) -> None:
        await _weigh_awaited(journal, next(numbers))
        answers_s.append(time.perf_counter() - offered_at)

    while (elapsed := time.perf_counter() - start) < seconds:
        offered_at = time.perf_counter()
        await asyncio.gather(*(one(offered_at) for _ in range(offered)))
    return Burst(len(answers_s) / elapsed, percentile(answers_s, 99) * 1000)


@dataclass
class _PassingClock:
    """Minutes lie between two bags, as at a real scale, and no two spans are the same."""

    system: SystemClock
    passed: timedelta = timedelta()

    def wall(self) -> datetime:
        return self.system.wall() + self.passed

    def mono_ns(self) -> int:
        return self.system.mono_ns() + self.passed // timedelta(microseconds=1) * 1000

    def boot(self) -> str:
        return self.system.boot()


def push_bytes(folder: Path, records: int, rounds: int) -> list[float]:
    """Bytes a record of pushes with so many weighings, as the box sends them: header, seal and compression included."""
    path, clock, sizes = folder / "journal-push.db", _PassingClock(SystemClock.of_this_machine()), []
    journal = Journal(path, box="box-bench", signer=Signer.generate(), clock=clock)
    for number in range(rounds * records):
        clock.passed += timedelta(seconds=random.uniform(20, 400))
        new = weighing(number)
        journal.write_now(lambda new=new: journal.do_weigh(new))  # type: ignore[misc]
    for first in range(rounds):
        page = journal.after(first * records, records, BATCH_BYTES)
        bodies = tuple(record.body for record in page)
        push = Push(secrets.token_hex(8), page[0].prev, bodies, journal.seal(page[-1].hash))
        sizes.append(len(encode_push(push)) / len(page))
    journal.close()
    remove_database(path)
    return sizes


async def _weigh_awaited(journal: Journal, number: int) -> None:
    new = weighing(number)
    await journal.write(lambda: journal.do_weigh(new))


@contextmanager
def _journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path, box="box-bench", signer=Signer.generate(), clock=SystemClock.of_this_machine())
    try:
        journal.write_now(lambda: journal.do_found(unit_code=UNIT_CODE, dev=DEV))
        yield journal
    finally:
        journal.close()


def _weigh(journal: Journal, number: int) -> None:
    new = weighing(number)
    journal.write_now(lambda: journal.do_weigh(new))


def weighing(number: int, unit_code: str = UNIT_CODE) -> NewWeighing:
    """The weighing of this number, before it is booked."""
    # A unit has SEQUENCE_MAX numbers a waste and day, so a fast disk moves on to the next day.
    day = _FIRST_DAY + timedelta(days=number // SEQUENCE_MAX)

    stem = label_stem(unit_code, WASTE_CODE, day)
    divisions = _LIGHTEST + number * _STEP % _SPREAD
    shown = f"{divisions // 100}.{divisions % 100:02d}"
    frame = f"ST,GS,+{shown:>8}kg\r\n".encode().hex()

    def body(sequence: int) -> WeighingBody:
        return WeighingBody(
            label=f"{stem}{sequence:0{SEQUENCE_CHARS}d}",
            unit_code=unit_code,
            unit_name="苏州示例精密制造有限公司",
            waste_code=WASTE_CODE,
            waste_name="废矿物油",
            category="HW08 废矿物油与含矿物油废物",
            hazards=("T", "I"),
            produced_on=day.isoformat(),
            container="drum-200",
            volume_l=200,
            weight_mg=divisions * 10_000,
            weight_text=shown,
            weight_unit="kg",
            mode="gross",
            tare_mg=None,
            stable_by=STABLE_BY_DEVICE,
            scale="scale-1",
            label_side_mm=150,
            labels=1,
        )

    who: dict[str, Any] = {"operator": "张工", "shift": ""}
    return NewWeighing(
        request=f"bench-{number}",
        waste_code=WASTE_CODE,
        produced_on=day.isoformat(),
        label_stem=stem,
        first=1,
        last=SEQUENCE_MAX,
        body=body,
        who=who,
        dev=dict(DEV),
        raw=(frame, frame),
    )
