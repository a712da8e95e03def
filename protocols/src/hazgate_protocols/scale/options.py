"""What a site may set of a profile, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from hazgate_protocols.scale.spec import UNITS, Block, Line, Profile, Value


class OptionError(ValueError):
    """A setting the profile does not offer, a value that is not allowed, or one that must be set and is not."""


ENQ_ACK_DC1 = "ENQ(05) -> ACK(06) -> DC1(11)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of one decoder.

    default_unit: for frames without a unit. decimals: where the device keeps the point to
    itself; in lines, which write it, the places every number must have. unit_id: Modbus
    address. checksum none: the device is set to send without it. dummy_zeros: whether fixed zeros stand inside the
    digits or must be appended. strip_high_bit: the port receives 7 bits + parity as 8. line_length: characters of
    every line without its end; pins the length where nothing else shows a lost character. address: the letter of a
    device that is asked by its address. device_id: the number a device puts into its frames; null takes any.
    bcd_order: whether the first byte of packed digits holds the last two or the first two. handshake: how the device
    wants to be asked, for those of the family that could be set otherwise; one is known. word_order: which half of
    a 32-bit number stands first, the high one (big) or the low one (little).
    """

    default_unit: str | None = None
    decimals: int | None = None
    unit_id: int | None = None
    checksum: Literal["required", "none"] = "required"
    dummy_zeros: Literal["included", "append"] = "included"
    strip_high_bit: bool = False
    line_length: int | None = None
    word_order: Literal["big", "little"] = "big"
    address: str | None = None
    device_id: int | None = None
    bcd_order: Literal["low_first", "high_first"] = "low_first"
    handshake: str = ENQ_ACK_DC1


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "default_unit": (lambda value: value in UNITS, ", ".join(UNITS)),
    "decimals": (_whole(0, 6), "a whole number from 0 to 6"),
    "unit_id": (_whole(1, 255), "a whole number from 1 to 247, or 255 over TCP"),
    "checksum": (lambda value: value in ("required", "none"), "required, none"),
    "dummy_zeros": (lambda value: value in ("included", "append"), "included, append"),
    "strip_high_bit": (lambda value: type(value) is bool, "true, false"),
    "line_length": (lambda value: value is None or _whole(4, 256)(value), "null or a whole number from 4 to 256"),
    "word_order": (lambda value: value in ("big", "little"), "big, little"),
    "address": (lambda value: isinstance(value, str) and len(value) == 1 and "A" <= value <= "Z", "a letter A to Z"),
    "device_id": (lambda value: value is None or _whole(0, 99)(value), "null or a whole number from 0 to 99"),
    "bcd_order": (lambda value: value in ("low_first", "high_first"), "low_first, high_first"),
    "handshake": (lambda value: value == ENQ_ACK_DC1, ENQ_ACK_DC1),
}
assert _ALLOWED.keys() == {item.name for item in fields(Options)}  # noqa: S101 - two lists of one thing


def resolve_options(profile: Profile, settings: Mapping[str, Value] | None = None) -> Options:
    """The profile's defaults with a site's settings; raises OptionError, naming key and what is allowed."""
    chosen = {**profile.options, **(settings or {})}
    for name, value in chosen.items():
        if name not in profile.options:
            raise OptionError(f"profile {profile.id}: no option {name!r}; {_offered(profile)}")
        _check_value(profile, name, value)
    return Options(**chosen)  # type: ignore[arg-type]  # the table above checked each value


def check_defaults(profile: Profile) -> None:
    """Raises OptionError unless a profile offers known options with allowed defaults; null = the site must set it."""
    for name, value in profile.options.items():
        if value is not None or name not in _ALLOWED:
            _check_value(profile, name, value)


def _check_value(profile: Profile, name: str, value: Value) -> None:
    if name not in _ALLOWED:
        raise OptionError(f"profile {profile.id}: option {name!r} is unknown; known: {', '.join(sorted(_ALLOWED))}")
    if name == "decimals" and value is None and isinstance(profile.frame, Line | Block):
        return  # the text has the point; unset leaves the number of places open
    allows, allowed = _ALLOWED[name]
    if not allows(value):
        problem = "must be set" if value is None else f"has the value {value!r}"
        raise OptionError(f"profile {profile.id}: option {name} {problem}; allowed: {allowed}")


def _offered(profile: Profile) -> str:
    return f"it offers {', '.join(sorted(profile.options))}" if profile.options else "it offers none"
