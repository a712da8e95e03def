"""Frames of bytes to readings: offsets and bit tables, compiled once from the variants of a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal, cast

from hazgate_protocols.scale.ieee import TooCoarseError, float32_count
from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec_bytes import BINARY_WIDTHS, Lookup, Number, Test, Variant

Meaning = Callable[[bytes, bytes], Reading | Reject]
"""(frame, raw) to what it says; raw are the bytes as they were on the wire."""
Getter = Callable[[bytes], Any]


class _RefusedError(Exception):
    """A field rule does not hold; never leaves this module."""


class _NoNumberError(Exception):
    """The device sent the mark of a float that is no number; never leaves this module."""


def compile_variants(
    variants: Sequence[Variant], guards: Sequence[Test], options: Options, pattern: str | None = None
) -> Meaning:
    """One function for all variants; it never raises, whatever the bytes, given the frame's length."""
    guard = _compile_tests(guards)
    looks = re.compile(pattern.encode("ascii")).fullmatch if pattern is not None else None
    ways = [(_compile_tests(variant.when), _compile_variant(variant, options)) for variant in variants]

    def meaning(frame: bytes, raw: bytes) -> Reading | Reject:
        if not guard(frame):
            return Reject(Reason.CONTENT, raw, "status bytes are not as the profile demands")
        if looks is not None and looks(frame) is None:
            return Reject(Reason.CONTENT, raw, "the frame does not look as the profile demands")
        for applies, read in ways:
            if applies(frame):
                try:
                    return read(frame, raw)
                except _RefusedError as refusal:
                    return Reject(Reason.CONTENT, raw, str(refusal))
        return Reject(Reason.CONTENT, raw, "no variant of the profile fits")

    return meaning


def _compile_tests(tests: Sequence[Test]) -> Callable[[bytes], bool]:
    rules = [
        (
            test.at,
            int(test.mask, 16),
            int(test.equals if test.equals is not None else test.differs or "", 16),
            test.equals is not None,
        )
        for test in tests
    ]

    def holds(frame: bytes) -> bool:
        return all((frame[at] & mask == value) is wanted for at, mask, value, wanted in rules)

    return holds


def _compile_variant(variant: Variant, options: Options) -> Callable[[bytes, bytes], Reading]:
    parts, status = variant.fields, variant.status
    weight = _compile_number(parts.weight, "weight", options)
    unit = _compile_rule(options.default_unit if parts.unit == "option" else parts.unit, "unit")
    stable = _compile_rule(parts.stable, "stable")
    mode = _compile_rule(parts.mode, "mode", Mode)
    zero = _compile_rule(parts.zero, "zero")
    tare = _compile_number(parts.tare, "tare", options)
    gross = _compile_number(parts.gross, "gross", options)
    net = _compile_number(parts.net, "net", options)

    def read(frame: bytes, raw: bytes) -> Reading:
        return Reading(
            weight(frame), unit(frame), stable(frame), mode(frame), status,
            zero(frame), tare(frame), gross(frame), net(frame), raw,
        )  # fmt: skip

    numbers = (parts.weight, parts.tare, parts.gross, parts.net)
    if not any(number is not None and number.form == "float32" for number in numbers):
        return read

    def read_float(frame: bytes, raw: bytes) -> Reading:
        try:
            return read(frame, raw)
        except _NoNumberError:  # infinity, not-a-number: how a transmitter says that it has no weight
            return Reading(None, unit(frame), None, None, Status.ERROR, raw=raw)

    return read_float


def _compile_rule(rule: object, name: str, kind: Callable[[Any], object] | None = None) -> Getter:
    """A constant or a table of all 256 values of the byte (of two bytes: of the keys there are)."""
    if not isinstance(rule, Lookup):
        return lambda _: rule
    if rule.width == 2:
        return _compile_wide(rule, name, kind)
    at, mask = rule.at, int(rule.mask, 16)
    shift = (mask & -mask).bit_length() - 1
    entries: dict[int, Any] = {}
    for key, value in rule.map.items():
        if isinstance(value, Lookup):
            entries[key] = _Deeper(_compile_rule(value, name, kind))
        else:
            entries[key] = kind(value) if kind is not None and value is not None else value
    plain = [entries.get((byte & mask) >> shift, _MISSING) for byte in range(256)]

    def get(frame: bytes) -> Any:
        value = plain[frame[at]]
        if value is _MISSING:
            raise _RefusedError(f"{name}: the profile has no entry for {frame[at]:02X} at offset {at}")
        return value.get(frame) if type(value) is _Deeper else value

    return get


def _compile_wide(rule: Lookup, name: str, kind: Callable[[Any], object] | None) -> Getter:
    at, mask = rule.at, int(rule.mask.replace(" ", ""), 16)
    shift = (mask & -mask).bit_length() - 1
    entries = {key: _compile_rule(value, name, kind) for key, value in rule.map.items()}

    def get(frame: bytes) -> Any:
        entry = entries.get(((frame[at] << 8 | frame[at + 1]) & mask) >> shift)
        if entry is None:
            raise _RefusedError(f"{name}: the profile has no entry for {frame[at : at + 2]!r} at offset {at}")
        return entry(frame)

    return get


class _Deeper:
    """A lookup as the value of a lookup."""

    __slots__ = ("get",)

    def __init__(self, get: Getter) -> None:
        self.get = get


_MISSING = object()


def _compile_number(number: Number | None, name: str, options: Options) -> Getter:
    if number is None:
        return lambda _: None
    if number.form == "ascii-decimal":
        return _compile_decimal(number, name)
    if number.form == "float32":
        integer = _compile_float(number, name, options)
    else:
        integer = _compile_integer(number, name, options)
    if options.word_order == "little" and BINARY_WIDTHS.get(number.form) == 4:
        integer = _words_turned(number, integer)
    places = _compile_rule(options.decimals if number.decimals == "option" else number.decimals, f"{name} decimals")
    sign = _compile_rule(number.sign if number.sign is not None else "+", f"{name} sign")
    # The value of a binary number has no zeros inside it that could already have been counted.
    append = options.dummy_zeros == "append" or number.form in BINARY_WIDTHS
    most = number.max

    def get(frame: bytes) -> Decimal:
        value = integer(frame)
        if most is not None and abs(value) > most:
            raise _RefusedError(f"{name} {value} is more than {most}, the most the device can mean")
        if sign(frame) == "-":
            value = -value
        count = places(frame)
        if count < 0:
            return Decimal(value * 10**-count if append else value)
        # An integer has no negative zero, so "-0.00" becomes 0.00; scaleb keeps the places: 250 with 2 is 2.50.
        return Decimal(value).scaleb(-count)

    return get


def _compile_decimal(number: Number, name: str) -> Getter:
    """Digits with the point in place, from either end."""
    start, stop = number.span
    step = -1 if number.reverse else 1
    pad = number.pad.encode()
    fits = re.compile(rb"[0-9]+(?:\.[0-9]{0,%d})?" % cast(int, number.decimals)).fullmatch
    sign = _compile_rule(number.sign if number.sign is not None else "+", f"{name} sign")
    most = number.max

    def get(frame: bytes) -> Decimal:
        text = frame[start:stop][::step].lstrip(pad)
        if fits(text) is None:
            raise _RefusedError(f"{name}: {frame[start:stop]!r} is not a number")
        value = Decimal(text.decode("ascii"))
        if most is not None and value > most:
            raise _RefusedError(f"{name} {value} is more than {most}, the most the device can mean")
        return -value if sign(frame) == "-" and value else value

    return get


def _compile_integer(number: Number, name: str, options: Options) -> Callable[[bytes], int]:
    start, stop = number.span
    reverse = options.bcd_order == "low_first" if number.reverse == "option" else number.reverse
    step = -1 if reverse else 1
    if number.form == "bcd":

        def packed(frame: bytes) -> int:
            text = frame[start:stop][::step].hex()
            if not text.isdecimal():
                raise _RefusedError(f"{name}: {frame[start:stop].hex()} is not packed digits")
            return int(text)

        return packed
    if number.form == "ascii-int":
        pad = number.pad.encode()

        def digits(frame: bytes) -> int:
            text = frame[start:stop][::step]
            if pad:
                text = text.lstrip(pad)
            if not text.isdigit():  # of bytes: ASCII digits only, and at least one
                raise _RefusedError(f"{name}: {frame[start:stop]!r} is not a row of digits")
            return int(text)

        return digits
    signed = number.form.startswith("int")
    order: Literal["little", "big"] = "little" if number.form.endswith("-le") else "big"
    return lambda frame: int.from_bytes(frame[start:stop], order, signed=signed)


def _compile_float(number: Number, name: str, options: Options) -> Callable[[bytes], int]:
    """The count of the last place."""
    start, stop = number.span
    places = options.decimals if number.decimals == "option" else number.decimals
    assert isinstance(places, int)  # noqa: S101 - Number and the options check it

    def count(frame: bytes) -> int:
        try:
            found = float32_count(frame[start:stop], places)
        except TooCoarseError as exc:
            raise _RefusedError(f"{name} {frame[start:stop].hex(' ')}: {exc}") from None
        if found is None:
            raise _NoNumberError
        return found

    return count


def _words_turned(number: Number, integer: Callable[[bytes], int]) -> Callable[[bytes], int]:
    """For devices that send the low word first."""
    start, stop = number.span
    middle = start + 2
    return lambda frame: integer(frame[:start] + frame[middle:stop] + frame[start:middle] + frame[stop:])
