"""The only place where the benchmarks touch hazgate itself: the box's journal in this process, real processes else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.bare import WARM_UP, remove_database
from hazgate_edge.clock import SystemClock
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_protocols.codes.label_number import SEQUENCE_MAX, LabelNumber
from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, WeighingBody
from hazgate_protocols.journal.seal import Signer

UNIT_CODE = "91320500MA0000000W"
WASTE_CODE = "900-214-08"
_FIRST_DAY = date(2026, 1, 1)
_DEV = {"profile": "st-gs", "profile_digest": "0" * 64, "sw": "bench", "config_digest": "0" * 64}
_FRAME = b"ST,GS,+  12.340kg\r\n"


def journal_commits_per_s(folder: Path, seconds: float) -> float:
    """How many weighings a second the box's journal takes, one after another, each durable before the next.

    Each is what a press of the button costs: label number, canonical record, chain hash, bag, print job and the seal
    over the new head, in one transaction.
    """
    path = folder / "journal.db"
    with _journal(path) as journal:
        for number in range(WARM_UP):
            _weigh(journal, number)
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            _weigh(journal, WARM_UP + count)
            count += 1
    remove_database(path)
    return count / elapsed


@contextmanager
def _journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path, box="box-bench", signer=Signer.generate(), clock=SystemClock.of_this_machine())
    try:
        journal.write_now(lambda: journal.do_found(unit_code=UNIT_CODE, dev=_DEV))
        yield journal
    finally:
        journal.close()


def _weigh(journal: Journal, number: int) -> None:
    weighing = _weighing(number)
    journal.write_now(lambda: journal.do_weigh(weighing))


def _weighing(number: int) -> NewWeighing:
    # A unit has SEQUENCE_MAX numbers a waste and day, so a fast disk moves on to the next day.
    day = _FIRST_DAY + timedelta(days=number // SEQUENCE_MAX)

    def body(sequence: int) -> WeighingBody:
        return WeighingBody(
            label=str(LabelNumber.make(UNIT_CODE, WASTE_CODE, day, sequence)),
            unit_code=UNIT_CODE,
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
        first=1,
        last=SEQUENCE_MAX,
        body=body,
        who=who,
        dev=dict(_DEV),
        raw=(_FRAME.hex(), _FRAME.hex()),
    )
