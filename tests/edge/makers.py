"""Things the edge tests are made of: a clock that stands where it is put, a journal in a folder, weighings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hazgate_edge.domain.stability import Rule
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, LabelNumber
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.mass import Mass

BOX = "box-test-01"
UNIT = "91130606MA0TETT01H"
DEV = {"profile": "yaohua-tf0", "profile_digest": "ab" * 32, "sw": "test", "config_digest": "cd" * 32}
WHO = {"operator": "张三", "shift": ""}
DAY = date(2026, 11, 23)


@dataclass
class StandingClock:
    """Time moves only when told."""

    now: datetime = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    mono: int = field(default=1_000_000_000)

    def wall(self) -> datetime:
        return self.now

    def mono_ns(self) -> int:
        return self.mono

    def boot(self) -> str:
        return "test-boot"

    def pass_ms(self, milliseconds: int) -> int:
        """Move on; returns the new monotonic time."""
        self.mono += milliseconds * 1_000_000
        self.now += timedelta(milliseconds=milliseconds)
        return self.mono


def journal_in(folder: Path, *, signer: Signer | None = None, box: str = BOX) -> Journal:
    """A founded journal."""
    clock = StandingClock()
    journal = Journal(
        folder / "journal.sqlite3", box=box, signer=signer or Signer.from_secret(bytes(range(32))), clock=clock
    )
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    return journal


def weighing(
    request: str, *, kilograms: str = "12.34", waste: str = "900-214-08", first: int = 1, last: int = 999
) -> NewWeighing:
    """A weighing waiting for its number."""
    mass = Mass.of(kilograms, "kg")

    def body(number: int) -> WeighingBody:
        return WeighingBody(
            label=str(LabelNumber.make(UNIT, waste, DAY, number)),
            unit_code=UNIT,
            unit_name="保定示范机械有限公司",
            waste_code=waste,
            waste_name="废矿物油",
            category="HW08",
            hazards=("T", "I"),
            produced_on=DAY.isoformat(),
            container="bag-50",
            volume_l=50,
            weight_mg=mass.mg,
            weight_text=kilograms,
            weight_unit="kg",
            mode="gross",
            tare_mg=None,
            stable_by="window",
            scale="platform-1",
            label_side_mm=100,
            labels=1,
        )

    return NewWeighing(
        request=request,
        waste_code=waste,
        produced_on=DAY.isoformat(),
        label_stem=str(LabelNumber.make(UNIT, waste, DAY, 1))[:-SEQUENCE_CHARS],
        first=first,
        last=last,
        body=body,
        who=WHO,
        dev=DEV,
        raw=("022b30303132333432314203",),
    )


def weigh(journal: Journal, request: str, **given: str | int) -> tuple[str, str]:
    """Weigh now; (rid, label)."""
    new = weighing(request, **given)  # type: ignore[arg-type] # the keywords of weighing()
    return journal.write_now(lambda: journal.do_weigh(new))


RULE = Rule(samples=5, span_ms=400, tolerance=Mass.of("0.01", "kg"), gap_ms=1000)
