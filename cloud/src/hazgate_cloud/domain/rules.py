"""When a weighing counts: the business rules. A weighing that breaks one is kept, flagged and held back from the core."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from hazgate_protocols.core_api import Submission
from hazgate_protocols.journal.bodies import BodyError, WeighingBody
from hazgate_protocols.journal.record import Record
from hazgate_protocols.mass import Mass

# HJ 1276-2022: unit 18, waste code 8, date 8, sequence 3; no separators.
LABEL_PATTERN = re.compile(r"([0-9A-Z]{18})([0-9]{8})([0-9]{8})([0-9]{3})")
WASTE_PATTERN = re.compile(r"[0-9]{3}-[0-9]{3}-[0-9]{2}")
# HJ 1259-2022, 4: quantities in tonnes. Six places are one gram; GB/T 8170 rounds a half to the even digit.
TONNES_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken: a stable code and the reason in words."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """weighing is None when the body says no weighing; label is "" when there is none to go by."""

    weighing: WeighingBody | None
    label: str
    findings: tuple[Finding, ...]


def judge(record: Record, unit_code: str) -> Verdict:
    """The verdict on a weighing record of a box registered for unit_code. Never raises."""
    claimed = record.body.get("label")
    label = claimed if isinstance(claimed, str) and LABEL_PATTERN.fullmatch(claimed) else ""
    try:
        weighing = WeighingBody.from_json(record.body)
    except BodyError as exc:
        return Verdict(None, label, (Finding("body_invalid", str(exc)),))
    found = [*_label_findings(weighing), *_weight_findings(weighing)]
    if weighing.unit_code != unit_code:
        found.append(
            Finding("unit_wrong", f"weighed for unit {weighing.unit_code}, the box is registered for {unit_code}")
        )
    if not WASTE_PATTERN.fullmatch(weighing.waste_code):
        found.append(Finding("waste_code_invalid", f"waste code {weighing.waste_code!r} is not like 900-214-08"))
    return Verdict(weighing, label, tuple(found))


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
        hazard_characteristics=",".join(weighing.hazards),
        produced_on=weighing.produced_on,
        quantity_t=f"{tonnes(weighing.mass):f}",
        weighed_at=str(record.t["wall"]),
        box=record.box,
        record_hash=record_hash.hex(),
    )


def _label_findings(weighing: WeighingBody) -> list[Finding]:
    match = LABEL_PATTERN.fullmatch(weighing.label)
    if match is None:
        return [Finding("label_malformed", f"label number {weighing.label!r} is not 18 + 8 + 8 + 3 characters")]
    unit, waste, day, _number = match.groups()
    found: list[Finding] = []
    if unit != weighing.unit_code:
        found.append(Finding("label_unit_wrong", f"the label number names unit {unit}, not {weighing.unit_code}"))
    if waste != weighing.waste_code.replace("-", ""):
        found.append(Finding("label_waste_wrong", f"the label number names waste {waste}, not {weighing.waste_code}"))
    try:
        produced = date.fromisoformat(weighing.produced_on)
    except ValueError:
        found.append(Finding("date_invalid", f"produced on {weighing.produced_on!r} is not a date YYYY-MM-DD"))
    else:
        if f"{produced:%Y%m%d}" != day or produced.isoformat() != weighing.produced_on:
            found.append(Finding("label_date_wrong", f"the label number names {day}, not {weighing.produced_on}"))
    return found


def _weight_findings(weighing: WeighingBody) -> list[Finding]:
    if weighing.weight_mg <= 0:
        return [Finding("weight_not_positive", f"weight {weighing.weight_text} {weighing.weight_unit}")]
    if tonnes(weighing.mass) == 0:
        return [Finding("weight_below_gram", f"weight {weighing.weight_mg} mg is nothing in tonnes of six places")]
    return []
