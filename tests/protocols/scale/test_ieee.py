"""A binary float becomes the digits the display shows, or nothing; checked against the machine's own floats."""

from __future__ import annotations

import struct
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.scale.ieee import TooCoarseError, float32_count


@given(count=st.integers(-(2**23), 2**23), places=st.integers(0, 6))
def test_every_number_of_the_display_survives_the_way_through_a_float(count: int, places: int) -> None:
    """The nearest float of a decimal of up to 2^23 last places gives that decimal again."""
    sent = struct.pack(">f", float(Decimal(count).scaleb(-places)))
    if count and abs(struct.unpack(">f", sent)[0]) < 2**-126:
        return
    assert float32_count(sent, places) == count


@given(bits=st.binary(min_size=4, max_size=4), places=st.integers(0, 6))
def test_a_count_is_the_exact_binary_value_rounded_once(bits: bytes, places: int) -> None:
    """Decimal(float) is exact; half to even; what is refused has its neighbour farther off than the last place."""
    (number,) = struct.unpack(">f", bits)
    exact = Decimal(number)
    try:
        count = float32_count(bits, places)
    except TooCoarseError:
        above = int.from_bytes(bits, "big") + 1
        step = Decimal(struct.unpack(">f", above.to_bytes(4, "big"))[0]) - exact
        assert abs(step) > Decimal(1).scaleb(-places) or abs(number) < 2**-126 or not step.is_finite()
        return
    if count is None:
        assert not exact.is_finite()
        return
    assert count == int(exact.scaleb(places).to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("bits", "places", "count"),
    [
        ("42FB3333", 2, 12560),
        ("C2FB3333", 2, -12560),
        ("42FB3333", 6, None),
        ("4B7FFFFF", 0, (1 << 24) - 1),
        ("4B800000", 0, None),
        ("80000000", 2, 0),
    ],
)
def test_the_limit_is_where_24_bits_end(bits: str, places: int, count: int | None) -> None:
    """125.60 has room for five places, not for six; below 2^24 every whole number has its float."""
    if count is None:
        with pytest.raises(TooCoarseError):
            float32_count(bytes.fromhex(bits), places)
    else:
        assert float32_count(bytes.fromhex(bits), places) == count
