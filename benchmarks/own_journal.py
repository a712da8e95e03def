"""hazgate's side of figure (a): the box's own journal, in this process."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.bare import remove_database
from benchmarks.spread import percentile
from hazgate_edge.clock import SystemClock
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, SEQUENCE_MAX, label_stem
from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, WeighingBody
from hazgate_protocols.journal.seal import Signer

UNIT_CODE = "91320500MA0000000W"
WASTE_CODE = "900-214-08"
_FIRST_DAY = date(2026, 1, 1)
DEV = {"profile": "st-gs", "profile_digest": "0" * 64, "sw": "bench", "config_digest": "0" * 64}
_FRAME = b"ST,GS,+  12.340kg\r\n"


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
    """What came of weighings offered together: how many a second were durable and answered, and the p99 of the answer."""

    per_s: float
    answer_p99_ms: float


@contextmanager
def journal_bursts(folder: Path, offered: int) -> Iterator[Callable[[float], Burst]]:
    """A call that offers bursts of so many weighings to a journal for some seconds, each burst when the last is through.

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
            weight_mg=12_340_000,
            weight_text="12.340",
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
        raw=(_FRAME.hex(), _FRAME.hex()),
    )
