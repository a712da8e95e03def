"""Other weighings that carry the same label number, as far as the collector knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hazgate_protocols.evidence.bundle import CLAIMS, Bundle, Part
from hazgate_protocols.evidence.report import Report
from hazgate_protocols.journal.record import Record

CLAIMS_MAX = 20  # listed in a file; `count` says how many there are
TEXT_CHARS_MAX = 80
_IN_VERDICT_MAX = 3

HELD, REJECTED, RELEASED, COUNTED = "held", "rejected", "released", "counted"
_BECAME = {
    HELD: "the collector holds it back from the core",
    REJECTED: "the collector held it back, and a person rejected it",
    RELEASED: "the collector held it back, and a person released it to the core",
    COUNTED: "the collector did not hold it back",
}


def facts(record: Record) -> dict[str, Any]:
    """What a claim says out of the weighing's own record."""
    weight = record.body.get("weight")
    weight = weight if isinstance(weight, dict) else {}
    return {
        "box": record.box,
        "seq": record.seq,
        "weight": f"{_text(weight.get('text'))} {_text(weight.get('unit'))}".strip(),
        "weighed_at": _text(record.t.get("wall")),
    }


def check(bundle: Bundle, own: bytes, shown: Sequence[tuple[bytes, Record]], report: Report) -> None:
    """Adds which other weighings claim the label number. own: the file's weighing; shown: the others of this number
    whose records are in the file, which the list must name as they are."""
    part = bundle.one(CLAIMS)
    if part is None:
        report.open(
            f"Whether another weighing carries this code: a file of version {bundle.parts[0]['v']} does not say. Have "
            "it made anew."
        )
        return
    listed: list[dict[str, Any]] = part["claims"]
    if not _are_sound(part, own, shown, report):
        return
    if not listed:
        report.open(
            "Whether another weighing carries this code: the collector says that it knew of none when it made this "
            "file. What a box had not yet sent to it, it could not know."
        )
        return
    for claim in listed:
        why = f" ({claim['why']})" if claim["why"] else ""
        core = f"; the core: {claim['core']}" if claim["core"] else ""
        report.open(
            f"Which weighing this code stands for on the drum: another weighing carries this code, says the collector: "
            f"{_weight(claim)}, record {claim['seq']} of box {claim['box']} ({claim['hash']}), weighed "
            f"{claim['weighed_at']} by that box's clock, held since {claim['stored_at']}; "
            f"{_BECAME[claim['state']]}{core}{why}."
        )
    if part["count"] > len(listed):
        report.open(f"What the other {part['count'] - len(listed)} weighings that carry this code say: not listed.")
    named = "; ".join(f"{_weight(claim)}, {claim['state']}" for claim in listed[:_IN_VERDICT_MAX])
    many = "Another weighing carries" if part["count"] == 1 else f"{part['count']} other weighings carry"
    more = "; ..." if part["count"] > _IN_VERDICT_MAX else ""
    report.caveat(
        f"{many} this code ({named}{more}): this file proves nothing of that. `hazgate-cloud evidence HASH` makes a "
        "file about it."
    )


def _are_sound(part: Part, own: bytes, shown: Sequence[tuple[bytes, Record]], report: Report) -> bool:
    listed = {claim["hash"]: claim for claim in part["claims"]}
    faults: list[str] = []
    if len(listed) != len(part["claims"]) or own.hex() in listed or part["count"] < len(listed):
        faults.append("it names a weighing twice, or the one the file is about, or more than it counts")
    faults += [f"{claim['state']!r} is nothing that can become of a weighing" for claim in part["claims"]
               if claim["state"] not in _BECAME]  # fmt: skip
    for record_hash, record in shown:
        claim = listed.get(record_hash.hex())
        if claim is None and part["count"] == len(listed):
            faults.append(f"record {record.seq} above carries this label number, and it is not named")
        elif claim is not None and any(claim[key] != told for key, told in facts(record).items()):
            faults.append(f"it does not say of record {record.seq} what that record says")
    for fault in faults:
        report.failed(fault, part)
    return not faults


def _weight(claim: dict[str, Any]) -> str:
    return claim["weight"] or "a weight that cannot be read"


def _text(value: object) -> str:
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else ""
