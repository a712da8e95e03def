"""The same four mistakes in every profile: ten times, sign, unit, checksum. The profile's own transcripts catch each.

Planted in the profile object, variant by variant, so that a new profile is held to it without a line of test code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from typing import Any

import pytest

from hazgate_profiles import registry
from hazgate_profiles.registry import ProfileError, Registry
from hazgate_profiles.transcripts import read_transcript
from hazgate_protocols.scale.spec import Check, Fields, LineVariant, Lookup, Number, Profile, Says

TRANSCRIPTS = files("hazgate_profiles") / "transcripts"
OTHER_UNIT = {
    "kg": "g",
    "g": "kg",
    "t": "kg",
    "lb": "kg",
    "oz": "g",
    "gn": "g",
    "mg": "g",
    "pcs": "kg",
    "percent": "kg",
}
Change = Callable[[Any], Any]


def _ten_times(part: Any) -> Any:
    if isinstance(part, Number):
        if isinstance(part.decimals, Lookup):
            moved = {key: value + 1 if type(value) is int else value for key, value in part.decimals.map.items()}
            return replace(part, decimals=replace(part.decimals, map=moved))
        if part.form == "ascii-decimal":  # the point is in the text: what can be mistaken is where the text begins
            return replace(part, span=(part.span[0] + 1, part.span[1]))
        return replace(part, decimals=part.decimals + 1 if type(part.decimals) is int else 1)
    if isinstance(part, LineVariant) and "(?P<weight>" in part.regex:
        regex = part.regex.replace("(?P<places>", "(?:")
        return replace(part, regex=regex, decimals=(part.decimals or 0) + 1)
    return part


def _sign(part: Any) -> Any:
    if isinstance(part, Number) and part.sign is not None:
        return replace(part, sign=replace(part.sign, map=dict.fromkeys(part.sign.map, "+")))
    if isinstance(part, LineVariant) and "(?P<sign>" in part.regex:
        return replace(part, regex=part.regex.replace("(?P<sign>", "(?P<sign>)(?:"))
    return part


def _unit(part: Any) -> Any:
    if isinstance(part, Lookup):
        return replace(part, map={key: _other(value) for key, value in part.map.items()})
    if isinstance(part, Fields | LineVariant | Says) and isinstance(part.unit, str) and part.unit != "option":
        return replace(part, unit=_other(part.unit))
    if isinstance(part, Profile) and isinstance(part.options.get("default_unit"), str) and _relies_on_unit(part):
        return replace(part, options={**part.options, "default_unit": _other(part.options["default_unit"])})
    return part


def _relies_on_unit(profile: Profile) -> bool:
    """Whether an example leaves the unit to the profile; where all of them set it, the site alone decides."""
    return any(
        "default_unit" not in case.options
        for file in profile.transcripts
        for case in read_transcript(TRANSCRIPTS / file).cases
    )


def _other(value: Any) -> Any:
    return OTHER_UNIT.get(value, value) if isinstance(value, str) else value


def _no_check(part: Any) -> Any:
    return replace(part, check=None) if _checked(part) else part


def _late_check(part: Any) -> Any:
    if not _checked(part):
        return part
    check: Check = part.check
    return replace(part, check=replace(check, over=(check.over[0] + 1, check.over[1])))


def _checked(part: Any) -> bool:
    return is_dataclass(part) and hasattr(part, "kind") and isinstance(getattr(part, "check", None), Check)


MISTAKES: dict[str, Change] = {
    "ten times": _ten_times,
    "sign lost": _sign,
    "another unit": _unit,
    "checksum dropped": _no_check,
    "checksum of other bytes": _late_check,
}


def _changed(value: Any, change: Change) -> Any:
    """The tree with the change made everywhere it can be made."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: _changed(getattr(value, item.name), change) for item in fields(value)}
        kept = {name: part for name, part in parts.items() if part is not getattr(value, name)}
        return change(replace(value, **kept) if kept else value)
    if isinstance(value, tuple):
        items = tuple([_changed(item, change) for item in value])
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        entries = {key: _changed(item, change) for key, item in value.items()}
        return entries if any(entries[key] is not value[key] for key in value) else value
    return value


def _planted() -> Iterator[Any]:
    for name in registry.available():
        profile = registry.load(name)
        for mistake, change in MISTAKES.items():
            wrong = _changed(profile, change)
            if wrong != profile:
                yield pytest.param(name, wrong, id=f"{name}: {mistake}")


PLANTED = list(_planted())


@pytest.mark.parametrize(("name", "wrong"), PLANTED)
def test_a_mistake_planted_in_any_profile_is_caught_by_its_transcripts(name: str, wrong: Profile) -> None:
    """As it is the profile is proven; with the mistake it is not given out."""
    Registry().verify(registry.load(name))
    with pytest.raises(ProfileError, match=f"profile {name}: .* fail"):
        Registry().verify(wrong)


@pytest.mark.parametrize("name", registry.available())
def test_mistakes_can_be_planted_in_every_profile(name: str) -> None:
    """No profile escapes: its unit or its decimals can be wrong, and its checksum where it has one."""
    planted = {param.id.removeprefix(f"{name}: ") for param in PLANTED if param.values[0] == name}
    assert planted & {"ten times", "another unit"}
    frame = registry.load(name).frame
    assert ("checksum dropped" in planted) == (getattr(frame, "check", None) is not None)
