"""Breaking text into lines, with a face of fixed widths: one dot an ASCII character, two an ideograph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.label.wrap import CLOSING, shorten, wrap


class Grid:
    def width(self, text: str, size: int) -> int:
        return size * sum(1 if ord(character) < 0x2E80 and character != "…" else 2 for character in text)


FACE = Grid()
TEXT = st.text(st.sampled_from("废物油国，。（）、ab1 -./"), max_size=80)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("废油", ["废油"]),
        ("废矿物油与含油", ["废矿物", "油与含", "油"]),
        ("废矿物，油", ["废矿", "物，油"]),
        ("油液（含水）", ["油液", "（含", "水）"]),
        ("HW08 废矿物油", ["HW08", "废矿物", "油"]),
        ("13800000000", ["138000", "00000"]),
    ],
)
def test_lines_break_where_a_reader_expects(text: str, lines: list[str]) -> None:
    """Between ideographs, at spaces, never before a comma or after an opening bracket; six dots wide."""
    assert wrap(text, width=6, size=1, face=FACE) == lines


@given(TEXT, st.integers(min_value=4, max_value=30))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    """All characters but spaces come out in order, and no line is too wide."""
    lines = wrap(text, width=width, size=1, face=FACE)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(FACE.width(line, 1) <= width for line in lines)


@given(TEXT, st.integers(min_value=4, max_value=30), st.integers(min_value=1, max_value=4))
def test_shortening_keeps_the_beginning_and_says_so(text: str, width: int, most: int) -> None:
    """At most the lines asked for, within the width; an ellipsis exactly when something was left out."""
    lines = wrap(text, width=width, size=1, face=FACE)
    kept = shorten(lines, most, width=width, size=1, face=FACE)
    assert len(kept) <= most
    assert all(FACE.width(line, 1) <= width for line in kept)
    assert kept[-1].endswith("…") == (len(lines) > most)
    if len(lines) > most:
        assert not kept[-1][:-1].endswith(tuple(CLOSING))
