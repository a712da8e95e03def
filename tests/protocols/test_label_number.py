"""The label's 37 characters."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.codes import label_number
from hazgate_protocols.codes.credit_code import ALPHABET, check_character
from hazgate_protocols.codes.label_number import LabelNumber, LabelNumberError
from hazgate_protocols.codes.waste_code import CATEGORIES, WasteCode

EXAMPLE = "91130606MA0TETT01H9002140820240315001"
UNIT = "91130606MA0TETT01H"

units = st.builds(
    lambda head, tail: (first := "91" + head + tail) + check_character(first),
    st.text(st.sampled_from("0123456789"), min_size=6, max_size=6),
    st.text(st.sampled_from(ALPHABET), min_size=9, max_size=9),
)
wastes = st.builds(lambda n, c: WasteCode(f"{n:06d}{c:02d}"), st.integers(0, 999999), st.sampled_from(CATEGORIES))
numbers = st.builds(
    LabelNumber,
    units,
    wastes,
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(1, label_number.SEQUENCE_MAX),
)


def test_the_worked_example_has_the_parts_of_the_standard() -> None:
    """18 + 8 + 8 + 3 = 37."""
    number = LabelNumber.parse(EXAMPLE)
    assert number == LabelNumber.make(UNIT, "900-214-08", date(2024, 3, 15), 1)
    assert str(number) == EXAMPLE
    assert len(EXAMPLE) == label_number.CHARS == 37


@given(numbers)
def test_every_number_goes_round(number: LabelNumber) -> None:
    """One number, one text of 37 characters."""
    assert len(str(number)) == 37
    assert LabelNumber.parse(str(number)) == number


@pytest.mark.parametrize("sequence", [1000, 1001, 100000])
def test_the_number_after_999_is_refused_and_never_wraps(sequence: int) -> None:
    """The day's numbers end; the message says so."""
    assert str(LabelNumber.make(UNIT, "90021408", date(2024, 3, 15), 999)).endswith("999")
    with pytest.raises(LabelNumberError, match="999 numbers"):
        LabelNumber.make(UNIT, "90021408", date(2024, 3, 15), sequence)


@pytest.mark.parametrize("sequence", [0, -1])
def test_numbers_count_from_one(sequence: int) -> None:
    """000 is no container."""
    with pytest.raises(LabelNumberError, match="from 1"):
        LabelNumber.make(UNIT, "90021408", date(2024, 3, 15), sequence)
    with pytest.raises(LabelNumberError, match="from 1"):
        LabelNumber.parse(EXAMPLE[:-3] + "000")


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE[:-1],
        EXAMPLE + "1",
        EXAMPLE + "\n",
        EXAMPLE.lower(),
        EXAMPLE.replace("20240315", "20240230"),
        EXAMPLE.replace("20240315", "19990315"),
        EXAMPLE.replace("90021408", "90021441"),
        EXAMPLE.replace("MA0T", "MAOT"),
        EXAMPLE.replace("001", "００１"),
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    """Length, case, alphabet, a day that does not exist, a category that does not exist."""
    with pytest.raises(LabelNumberError):
        LabelNumber.parse(text)


def test_a_unit_with_a_wrong_check_character_still_gets_numbers() -> None:
    """Some real codes fail the check; that is a warning elsewhere and no reason to stop a factory."""
    assert LabelNumber.make(UNIT[:-1] + "G", "90021408", date(2024, 3, 15), 1).unit.endswith("G")


@pytest.mark.parametrize("unit", ["", UNIT[:-1], UNIT.lower()])
def test_a_malformed_unit_gets_no_numbers(unit: str) -> None:
    """The reason is the credit code's own finding."""
    with pytest.raises(LabelNumberError, match="credit code"):
        LabelNumber.make(unit, "90021408", date(2024, 3, 15), 1)


@given(
    numbers,
    st.sampled_from(["", "HTTPS://A.CN/T/", "https://trace.example/t/", "1", "910000", "\x02", "ﬁß"]),
    st.sampled_from(["", "?a=1", "/", "\r\n", " ", "#T"]),
    st.booleans(),
)
def test_a_number_is_found_in_what_a_scanner_sends(number: LabelNumber, before: str, after: str, lower: bool) -> None:
    """Bare, in an address, with line ends, in a scanner's lower case."""
    text = before + str(number) + after
    assert LabelNumber.find(text.lower() if lower else text) == number


def test_the_last_of_several_numbers_is_found() -> None:
    """An address may carry another number in front of the label's own."""
    other = EXAMPLE[:-3] + "002"
    assert str(LabelNumber.find(f"https://x.cn/{EXAMPLE}/{other}?q")) == other
    assert str(LabelNumber.find(f"https://x.cn/{EXAMPLE}/{other[:-3]}000")) == EXAMPLE


@given(st.text(max_size=80))
def test_other_text_holds_no_number(text: str) -> None:
    """A drum's other barcode gives nothing, and never an exception."""
    assert LabelNumber.find(text) is None


def test_a_scan_of_any_length_is_searched_within_bounds() -> None:
    """Only as much as the largest QR symbol holds is looked at."""
    assert LabelNumber.find("9" * 1_000_000) is None
    assert LabelNumber.find(EXAMPLE + "-" * 5000) is None
    assert LabelNumber.find("-" * 5000 + EXAMPLE) == LabelNumber.parse(EXAMPLE)
