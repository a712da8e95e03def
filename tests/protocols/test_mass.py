"""Exact mass."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.mass import MG_PER_UNIT, PLACES, Mass, UnitNotMetricError

units = st.sampled_from(sorted(PLACES))
milligrams = st.integers(-(10**15) + 1, 10**15 - 1)


@given(milligrams, units)
def test_a_mass_written_in_any_unit_reads_back_exactly(mg: int, unit: str) -> None:
    """text with every place of the unit, and to(), both give the same milligrams."""
    mass = Mass(mg)
    assert Mass.of(mass.text(unit, PLACES[unit]), unit) == mass
    assert Mass.of(mass.to(unit), unit) == mass
    assert mass.to(unit) * MG_PER_UNIT[unit] == mg


@given(st.integers(0, 10**12), st.integers(0, 6), st.sampled_from(["", "-", "+"]))
def test_the_indicators_digits_come_back_as_they_were(count: int, places: int, sign: str) -> None:
    """A number of kg with fixed places is printed with the same digits."""
    digits = f"{count:0{places + 1}d}"
    text = sign + (digits[:-places] + "." + digits[-places:] if places else digits)
    expected = text.lstrip("+") if count else text.lstrip("+-")  # there is no minus zero milligram
    assert Mass.of(text, "kg").text("kg", places) == expected


@pytest.mark.parametrize(
    ("text", "unit", "mg"),
    [
        ("12.34", "kg", 12_340_000),
        ("-0.5", "kg", -500_000),
        ("0.000001", "kg", 1),
        ("0.000000001", "t", 1),
        ("1", "mg", 1),
        ("1e3", "g", 1_000_000),
        ("-0", "kg", 0),
        ("999999999999999", "t", 999_999_999_999_999 * 10**9),
    ],
)
def test_known_weights_have_known_milligrams(text: str, unit: str, mg: int) -> None:
    """Fixed points of the scale."""
    assert Mass.of(text, unit) == Mass(mg)


@pytest.mark.parametrize("unit", ["lb", "lbs", "oz", "KG", "", "kN", "斤"])
def test_pounds_and_unknown_units_are_refused_and_never_converted(unit: str) -> None:
    """A pound is no whole number of milligrams; a unit in capitals is not guessed at."""
    with pytest.raises(UnitNotMetricError):
        Mass.of("1", unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "abc",
        "NaN",
        "Infinity",
        "-inf",
        "1_000",
        "１２",
        "٣",
        "1,5",
        "1 2",
        "0x10",
        "1" * 16,
        "1e99",
        "1e-99",
        "0.0000001",
        "1E999999999999999999999",
    ],
)
def test_text_that_is_no_plain_number_is_no_weight(text: str) -> None:
    """Also digits of other scripts, underscores, too many digits, and parts below a milligram."""
    with pytest.raises(ValueError, match="weight"):
        Mass.of(text, "kg")


def test_a_float_never_becomes_a_weight() -> None:
    """Neither as a number nor as milligrams; nor does a bool."""
    for wrong in (0.1, 1.0):
        with pytest.raises(TypeError):
            Mass.of(wrong, "kg")  # type: ignore[arg-type] # the misuse under test
        with pytest.raises(TypeError):
            Mass(wrong)  # type: ignore[arg-type] # the misuse under test
    with pytest.raises(TypeError):
        Mass(True)


@given(milligrams, units, st.integers(0, 12))
def test_printing_with_too_few_places_raises_instead_of_rounding(mg: int, unit: str, places: int) -> None:
    """The text is exact or there is none."""
    if abs(mg) * 10**places % MG_PER_UNIT[unit]:
        with pytest.raises(ValueError, match="does not fit"):
            Mass(mg).text(unit, places)
    else:
        text = Mass(mg).text(unit, places)
        assert Decimal(text) * MG_PER_UNIT[unit] == mg
        assert len(text.partition(".")[2]) == places


def test_places_count_from_zero() -> None:
    """Tens of kilograms are no places."""
    with pytest.raises(ValueError, match="places"):
        Mass(10**9).text("kg", -1)


def test_sums_of_any_size_stay_exact_in_any_decimal_context() -> None:
    """A year's total, or a caller's thread with two digits of precision, rounds nothing."""
    mass = Mass(10**40 + 1)
    with decimal.localcontext() as context:
        context.prec = 2
        assert str(mass.to("mg")) == str(10**40 + 1)
        assert mass.text("t", 9) == "1" + "0" * 31 + ".000000001"
        assert Mass(12_345_678).text("kg", 6) == "12.345678"


@given(milligrams, milligrams)
def test_arithmetic_is_that_of_whole_milligrams(a: int, b: int) -> None:
    """Sum, difference, sign and order."""
    assert Mass(a) + Mass(b) == Mass(a + b)
    assert Mass(a) - Mass(b) == Mass(a - b)
    assert -Mass(a) == Mass(-a)
    assert abs(Mass(a)) == Mass(abs(a))
    assert (Mass(a) < Mass(b)) == (a < b)
