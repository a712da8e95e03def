"""When a weighing counts: the business rules. One that breaks a rule is kept, flagged and held back from the core."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from hazgate_protocols.codes.label_number import LabelNumber, LabelNumberError
from hazgate_protocols.core_api import Submission
from hazgate_protocols.journal.bodies import BodyError, WeighingBody
from hazgate_protocols.journal.record import Record
from hazgate_protocols.mass import Mass

# HJ 1259-2022, 4: quantities in tonnes. Six places are one gram; GB/T 8170 rounds a half to the even digit.
TONNES_STEP = Decimal("0.000001")

UNTRUSTED_CLOCK = "untrusted"  # a record's t.source: the box knew that its clock was wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken: a stable code and the reason in words."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """weighing is None when the body says no weighing; number is None when there is none to go by."""

    weighing: WeighingBody | None
    label: str  # the number as text; "" for None
    number: LabelNumber | None
    findings: tuple[Finding, ...]


def judge(record: Record, unit_code: str) -> Verdict:
    """The verdict on a weighing record of a box registered for unit_code. Never raises."""
    number = _number(record.body.get("label"))
    label = "" if number is None else str(record.body["label"])
    try:
        weighing = WeighingBody.from_json(record.body)
    except BodyError as exc:
        return Verdict(None, label, number, (Finding("body_invalid", str(exc)),))
    found = [*_label_findings(weighing, number), *_weight_findings(weighing)]
    if record.t.get("source") == UNTRUSTED_CLOCK:
        text = f"the box's clock was not set; its time {str(record.t['wall'])[:30]} and the label's day may be wrong"
        found.append(Finding("clock_untrusted", text))
    if weighing.unit_code != unit_code:
        found.append(
            Finding("unit_wrong", f"weighed for unit {weighing.unit_code}, the box is registered for {unit_code}")
        )
    return Verdict(weighing, label, number, tuple(found))


def tonnes(mass: Mass) -> Decimal:
    """The quantity the core gets: tonnes of six places."""
    return (Decimal(mass.mg) / 10**9).quantize(TONNES_STEP, rounding=ROUND_HALF_EVEN)


def submission(record: Record, weighing: WeighingBody, record_hash: bytes) -> Submission:
    """What the core is told about a weighing that counts."""
    return Submission(
        rid=record.rid,
        digital_id=weighing.label,
        unit_code=weighing.unit_code,
        unit_name=weighing.unit_name,
        waste_code=weighing.waste_code,
        waste_name=weighing.waste_name,
        category_code=weighing.category,
        hazard_characteristics=weighing.hazards_raw or ",".join(weighing.hazards),
        produced_on=weighing.produced_on,
        quantity_t=f"{tonnes(weighing.mass):f}",
        weighed_at=str(record.t["wall"]),
        box=record.box,
        record_hash=record_hash.hex(),
    )


def _number(label: object) -> LabelNumber | None:
    try:
        return LabelNumber.parse(label) if isinstance(label, str) else None
    except LabelNumberError:
        return None


def _label_findings(weighing: WeighingBody, number: LabelNumber | None) -> list[Finding]:
    if number is None:
        return [Finding("label_malformed", f"label number {weighing.label[:80]!r} is none")]
    found: list[Finding] = []
    if number.unit != weighing.unit_code:
        text = f"the label number names unit {number.unit}, the record {weighing.unit_code}"
        found.append(Finding("label_unit_wrong", text))
    if str(number.waste) != weighing.waste_code:
        text = f"the label number names waste {number.waste}, the record {weighing.waste_code}"
        found.append(Finding("label_waste_wrong", text))
    if number.produced_on.isoformat() != weighing.produced_on:
        text = f"the label number names {number.produced_on}, the record {weighing.produced_on}"
        found.append(Finding("label_date_wrong", text))
    return found


def _weight_findings(weighing: WeighingBody) -> list[Finding]:
    if weighing.weight_mg <= 0:
        return [Finding("weight_not_positive", f"weight {weighing.weight_text} {weighing.weight_unit}")]
    if tonnes(weighing.mass) == 0:
        return [Finding("weight_below_gram", f"weight {weighing.weight_mg} mg is nothing in tonnes of six places")]
    return []
