"""The bodies of the journal's record kinds: what the box writes and everyone else reads.

Readers use only what they need and ignore keys they do not know. Masses travel as whole milligrams beside the
indicator's own text.

    genesis   suite, public_key (hex), unit_code, sw
    boot      reason ("start"), found {jobs_unknown: n, journal, behind, moved}, clock {wall, source}
    refusal   code (message key), values, waste_code, label ""
    print     rid (of the weighing), copy, state ("printed"|"failed"|"unknown"), by ("printer"|"operator"), detail
    reprint   rid (of the weighing), copy, reason
    lease_ask waste_code, from, until (local days YYYY-MM-DD, both meant), count, why; see leases.py
    clock     reason ("back"|"ahead"|"synchronised"), before, after, step_ms, synchronised (whether the kernel says so)
    notes     after, upto, notes [{n, hash, what, at, code, text, reference}], receipt {hash, seq, stored_at}
    merge     head (hex), seq, records: the newest record of a branch that was fetched back, and how many records it has
              beside this one
    alarm     what ("record_wrong"|"record_mended"|"cloned"), seq, text
    decision  about ("moved"|"cloned"|"refill"), who, reason
    condition, telemetry_gap   see conditions.py
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hazgate_protocols.mass import Mass

STABLE_BY_DEVICE = "device"
STABLE_BY_WINDOW = "window"


class BodyError(ValueError):
    """A body that does not say what its kind must say; the text names the key."""


@dataclass(frozen=True, slots=True)
class WeighingBody:
    """One bag weighed and numbered (record kind "weighing")."""

    label: str  # the 37-character digital identification code
    unit_code: str  # unified social credit code, 18 characters
    unit_name: str
    waste_code: str  # 900-214-08
    waste_name: str
    category: str  # HW08
    hazards: tuple[str, ...]  # T C I R In
    produced_on: str  # YYYY-MM-DD, local date of Asia/Shanghai; the label number carries the same
    container: str  # container id
    volume_l: int
    weight_mg: int  # the weight that counts: net where the indicator says net, else gross
    weight_text: str  # the indicator's own digits
    weight_unit: str
    mode: str  # gross | net | "" when the indicator does not say
    tare_mg: int | None
    stable_by: str  # device | window
    scale: str  # id of the scale in the configuration
    label_side_mm: int
    labels: int  # labels per container
    hazards_raw: str = ""  # as the catalogue writes them: "T,I" is not "T/I"; "" when the unit named them itself
    findings: tuple[str, ...] = ()  # warnings that did not block, e.g. "edition_not_loaded"

    def as_json(self) -> dict[str, Any]:
        """The body as canonical JSON wants it."""
        return {
            "label": self.label,
            "unit": {"code": self.unit_code, "name": self.unit_name},
            "waste": {
                "code": self.waste_code,
                "name": self.waste_name,
                "category": self.category,
                "hazards": list(self.hazards),
                **({"hazards_raw": self.hazards_raw} if self.hazards_raw else {}),
            },
            "produced_on": self.produced_on,
            "container": {"id": self.container, "volume_l": self.volume_l},
            "weight": {
                "mg": self.weight_mg,
                "text": self.weight_text,
                "unit": self.weight_unit,
                "mode": self.mode,
                "tare_mg": self.tare_mg,
                "stable_by": self.stable_by,
                "scale": self.scale,
            },
            "print": {"side_mm": self.label_side_mm, "labels": self.labels},
            "findings": list(self.findings),
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> WeighingBody:
        """Raises BodyError that names what is missing or wrong; does not judge codes or quantities."""
        try:
            unit, waste, weight, printing = body["unit"], body["waste"], body["weight"], body["print"]
            found = cls(
                label=_text(body, "label"),
                unit_code=_text(unit, "code"),
                unit_name=_text(unit, "name"),
                waste_code=_text(waste, "code"),
                waste_name=_text(waste, "name"),
                category=_text(waste, "category"),
                hazards=_texts(waste, "hazards"),
                hazards_raw=_text(waste, "hazards_raw") if "hazards_raw" in waste else "",
                produced_on=_text(body, "produced_on"),
                container=_text(body["container"], "id"),
                volume_l=_whole(body["container"], "volume_l"),
                weight_mg=_whole(weight, "mg"),
                weight_text=_text(weight, "text"),
                weight_unit=_text(weight, "unit"),
                mode=_text(weight, "mode"),
                tare_mg=None if weight["tare_mg"] is None else _whole(weight, "tare_mg"),
                stable_by=_text(weight, "stable_by"),
                scale=_text(weight, "scale"),
                label_side_mm=_whole(printing, "side_mm"),
                labels=_whole(printing, "labels"),
                findings=_texts(body, "findings"),
            )
        except KeyError as exc:
            raise BodyError(f"weighing lacks {exc.args[0]!r}") from exc
        except TypeError as exc:
            raise BodyError("weighing has a part that is no object") from exc
        try:
            mass = Mass.of(found.weight_text, found.weight_unit)
        except ValueError as exc:
            raise BodyError(f"weighing weight: {exc}") from exc
        if mass.mg != found.weight_mg:
            raise BodyError(f"weighing weight: {found.weight_text} {found.weight_unit} is not {found.weight_mg} mg")
        return found

    @property
    def mass(self) -> Mass:
        """The weight that counts."""
        return Mass(self.weight_mg)


def _text(part: dict[str, Any], key: str) -> str:
    if not isinstance(part[key], str):
        raise BodyError(f"weighing {key!r} is no text")
    return part[key]  # type: ignore[no-any-return] # the check above is the type


def _texts(part: dict[str, Any], key: str) -> tuple[str, ...]:
    if not isinstance(part[key], list) or not all(isinstance(item, str) for item in part[key]):
        raise BodyError(f"weighing {key!r} is no list of texts")
    return tuple(part[key])


def _whole(part: dict[str, Any], key: str) -> int:
    if type(part[key]) is not int:
        raise BodyError(f"weighing {key!r} is no whole number")
    return part[key]  # type: ignore[no-any-return] # the check above is the type
