"""How indicators write numbers: digits without a point, zero-padded, blank-padded, and even parity."""

from __future__ import annotations

from decimal import Decimal

from hazgate_simulators.scale.physics import Indication, Range


def counts(number: Decimal) -> int:
    """The magnitude in units of its own last place: -2.50 is 250."""
    return abs(int(number.scaleb(-int(number.as_tuple().exponent))))


def magnitude(number: Decimal) -> str:
    """The number without its sign, with its decimals: -2.50 is '2.50'."""
    return f"{abs(number):f}"


def zeros(number: Decimal, width: int) -> str | None:
    """The magnitude with leading zeros in exactly width characters; None when it is too long for the field."""
    text = magnitude(number).rjust(width, "0")
    return text if len(text) == width else None


def blanks(number: Decimal, width: int, *, signed: bool = False) -> str | None:
    """The magnitude, or with signed the number with its minus, right-aligned; None when it is too long."""
    text = (f"{number:f}" if signed and number < 0 else magnitude(number)).rjust(width)
    return text if len(text) == width else None


def xor(octets: bytes) -> int:
    """All bytes combined by exclusive or."""
    value = 0
    for byte in octets:
        value ^= byte
    return value


def xor_hex(octets: bytes) -> bytes:
    """Their exclusive or as two capital hex characters, the high half first."""
    return f"{xor(octets):02X}".encode()


def is_shown(indication: Indication) -> bool:
    """Whether the display shows a number at all."""
    return indication.ready and indication.range is Range.INSIDE
