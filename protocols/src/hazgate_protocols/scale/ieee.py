"""IEEE 754 single precision as counts of a decimal's last place, by integers alone: no binary float ever exists here.

What the transmitter shows are decimal digits; what it sends is the nearest binary number to them (125.60 becomes
125.599998474...) or a finer, unrounded result. So "the digits as sent" are not in the bytes. They are found again by a
rule that has one answer: the exact binary value, rounded once to the places the site says the display has, a tie to the
even digit. Where 24 bits of mantissa cannot tell one last place from the next, digits would be made up: refused.
"""

from __future__ import annotations

_MANTISSA_BITS = 23
_EXPONENT_BIAS = 127 + _MANTISSA_BITS
_EXPONENT_TOP = 0xFF


class TooCoarseError(ValueError):
    """The number is finite but its bits do not hold the digits asked for."""


def float32_count(bits: bytes, places: int) -> int | None:
    """The number in units of 10^-places, from 4 bytes, sign bit first; None for infinity and not-a-number.

    Raises TooCoarseError when neighbouring floats are farther apart than the last place (125.60 has 7 digits to spare,
    300000.25 with two places has none), and for subnormal numbers: no weight is 10^-38, but the words of 125.5 in the
    wrong order are.
    """
    word = int.from_bytes(bits, "big")
    exponent = word >> _MANTISSA_BITS & _EXPONENT_TOP
    mantissa = word & (1 << _MANTISSA_BITS) - 1
    if exponent == _EXPONENT_TOP:
        return None
    if exponent == 0:
        if mantissa:
            raise TooCoarseError("a subnormal number is no weight; is the word order right?")
        return 0
    power = exponent - _EXPONENT_BIAS  # the value is whole * 2^power
    scale: int = 10**places
    whole = (1 << _MANTISSA_BITS | mantissa) * scale
    if power > 0 or scale > 1 << -power:
        raise TooCoarseError(f"single precision cannot tell {places} places of so large a number")
    half = 1 << -power >> 1
    count, rest = divmod(whole, 1 << -power)
    if rest > half or (half and rest == half and count & 1):
        count += 1
    return -count if word >> 31 else count
