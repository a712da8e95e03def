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
    vehicle_weighing  one of a vehicle's two weighings; see vehicle.py
    condition, telemetry_gap   see conditions.py
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from hazgate_protocols import canonical
from hazgate_protocols.mass import Mass

STABLE_BY_DEVICE = "device"
STABLE_BY_WINDOW = "window"


class BodyError(ValueError):
    """A body that does not say what its kind must say; the text names the key."""


class WeighingBody(NamedTuple):
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

    def as_text(self) -> canonical.Text:
        """The canonical text of as_json(), without making that: most of a weighing's time went into its encoding."""
        text, quote = canonical.text, canonical.quote
        before_label, before_day, before_weight = _unchanging(
            self.container,
            self.volume_l,
            self.findings,
            self.label_side_mm,
            self.labels,
            self.unit_code,
            self.unit_name,
            self.waste_code,
            self.waste_name,
            self.category,
            self.hazards,
            self.hazards_raw,
        )
        return canonical.Text(
            f"{before_label}{quote(self.label)}{before_day}{quote(self.produced_on)}{before_weight}"
            f'{{"mg":{text(self.weight_mg, 3)},"mode":{quote(self.mode)},"scale":{quote(self.scale)}'
            f',"stable_by":{quote(self.stable_by)}'
            f',"tare_mg":{"null" if self.tare_mg is None else text(self.tare_mg, 3)}'
            f',"text":{quote(self.weight_text)},"unit":{quote(self.weight_unit)}}}}}'
        )

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


@lru_cache(maxsize=64, typed=True)  # typed: true is not 1
def _unchanging(
    container: str,
    volume_l: int,
    findings: tuple[str, ...],
    side_mm: int,
    labels: int,
    unit_code: str,
    unit_name: str,
    waste_code: str,
    waste_name: str,
    category: str,
    hazards: tuple[str, ...],
    hazards_raw: str,
) -> tuple[str, str, str]:
    """A weighing's canonical text up to the label, from there to the day, and from there to the weight: the same from
    bag to bag of a waste."""
    text = canonical.text
    waste = {"code": waste_code, "name": waste_name, "category": category, "hazards": list(hazards)}
    if hazards_raw:
        waste["hazards_raw"] = hazards_raw
    within = {"id": container, "volume_l": volume_l}
    return (
        f'{{"container":{text(within, 2)},"findings":{text(list(findings), 2)},"label":',
        f',"print":{text({"side_mm": side_mm, "labels": labels}, 2)},"produced_on":',
        f',"unit":{text({"code": unit_code, "name": unit_name}, 2)},"waste":{text(waste, 2)},"weight":',
    )


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
