"""Frames equal the bytes which manuals and captures show, quoted here one by one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hazgate_simulators.scale.encoders import StGs, ToledoContinuous, YaohuaTf0
from hazgate_simulators.scale.physics import Indication, Range
from hazgate_simulators.scale.registers import DIVISION_CODES, GROSS, STATUS, LaumasRegisters
from simulators.scale.situations import indication

YAOHUA = {
    "captured empty weighbridge": (indication("0", "1"), "02 2B 30 30 30 30 30 30 30 31 42 03"),
    "captured person of 85 kg": (indication("85", "1"), "02 2B 30 30 30 30 38 35 30 31 36 03"),
    "captured 70 kg": (indication("70", "1"), "02 2B 30 30 30 30 37 30 30 31 43 03"),
    "captured 2.05 kg": (indication("2.05", "0.01"), "02 2B 30 30 30 32 30 35 32 31 45 03"),
    "negative with one decimal": (indication("-12.5", "0.1"), "02 2D 30 30 30 31 32 35 31 31 41 03"),
    "most decimals": (indication("12.3456", "0.0001"), "02 2B 31 32 33 34 35 36 34 31 38 03"),
    "steps of ten": (indication("1230", "10"), "02 2B 30 30 31 32 33 30 30 31 42 03"),
    "check letter E": (indication("432.1", "0.1"), "02 2B 30 30 34 33 32 31 31 31 45 03"),
    "in motion looks the same": (indication("85", "1", stable=False), "02 2B 30 30 30 30 38 35 30 31 36 03"),
}

TOLEDO = {
    "captured 200 kg": (indication("200", "20"), "02 31 30 20 20 20 20 32 30 30 20 20 20 20 30 30 0D 1E"),
    "three decimals": (indication("1.234", "0.001"), "02 2D 30 20 20 20 31 32 33 34 20 20 20 20 20 30 0D 1A"),
    "net with tare": (
        indication("133.40", "0.02", tare="10.00"),
        "02 34 31 20 20 31 32 33 34 30 20 20 31 30 30 30 0D 51",
    ),
    "motion": (indication("30150", "2", stable=False), "02 32 38 20 20 33 30 31 35 30 20 20 20 20 20 30 0D 7E"),
    "one decimal": (indication("456.0", "0.2"), "02 33 30 20 20 20 34 35 36 30 20 20 20 20 20 30 0D 0F"),
    "overload": (
        indication("150000", "2", within=Range.OVER),
        "02 32 34 20 39 39 39 39 39 39 20 20 20 20 20 30 0D 45",
    ),
    "pounds": (indication("500", "2", unit="lb"), "02 32 20 20 20 20 20 35 30 30 20 20 20 20 20 30 0D 3A"),
    "grams": (indication("2500", "2", unit="g"), "02 32 30 21 20 20 32 35 30 30 20 20 20 20 20 30 0D 17"),
    "not zeroed": (indication("1200", "2", ready=False), "02 32 70 20 20 20 31 32 30 30 20 20 20 20 20 30 0D 5C"),
}

ST_GS = {
    "captured DS-166": ("ds166", indication("13.88", "0.01"), "53 54 2C 47 53 2C 2B 20 20 31 33 2E 38 38 6B 67 0D 0A"),
    "overload": (
        "ds166",
        indication("200", "0.01", within=Range.OVER),
        "4F 4C 2C 47 53 2C 2B 20 39 39 39 39 39 39 6B 67 0D 0A",
    ),
    "captured NHB": (
        "nhb",
        indication("20.7", "0.1", unit="g"),
        "53 54 2C 47 53 20 20 20 20 32 30 2E 37 67 20 20 0D 0A",
    ),
    "captured NHB moving": (
        "nhb",
        indication("96.9", "0.1", unit="g", stable=False),
        "55 53 2C 47 53 20 20 20 20 39 36 2E 39 67 20 20 0D 0A",
    ),
    "captured QHW": (
        "qhw",
        indication("245.6", "0.2", unit="g"),
        "53 54 2C 47 53 2C 20 20 20 32 34 35 2E 36 20 67 0D 0A",
    ),
}

# Registers 40007 to 40011: status, gross, net.
LAUMAS = {
    "stable": (indication("125.60", "0.01"), "08 00 00 00 31 10 00 00 31 10"),
    "net negative": (indication("1.00", "0.01", tare="4.00"), "0D 00 00 00 00 64 00 00 01 2C"),
    "overload": (indication("200", "0.01", within=Range.OVER), "00 04 00 0F 42 3F 00 0F 42 3F"),
    "zero": (indication("0", "0.01", near_zero=True), "18 00 00 00 00 00 00 00 00 00"),
}


def hexes(octets: bytes | None) -> str:
    return "silence" if octets is None else octets.hex(" ").upper()


@pytest.mark.parametrize(("seen", "wire"), YAOHUA.values(), ids=YAOHUA.keys())
def test_yaohua_frames_are_those_of_captures_and_manual(seen: Indication, wire: str) -> None:
    """Sign, six digits, decimals digit and XOR check are byte for byte as on the wire."""
    assert hexes(YaohuaTf0().encode(seen)) == wire


@pytest.mark.parametrize(
    "seen",
    [
        indication("200", "0.01", within=Range.OVER),
        indication("-9", "0.01", within=Range.UNDER),
        indication("1", "1", ready=False),
    ],
    ids=["overload", "underload", "not zeroed"],
)
def test_yaohua_is_silent_where_its_frame_has_no_words(seen: Indication) -> None:
    """The frame has no status, so nothing is sent rather than a number that is no weight."""
    assert YaohuaTf0().encode(seen) is None


@pytest.mark.parametrize(("seen", "wire"), TOLEDO.values(), ids=TOLEDO.keys())
def test_toledo_frames_are_those_of_capture_and_manual(seen: Indication, wire: str) -> None:
    """Status bytes, digits, tare and CHK are byte for byte as on the wire."""
    assert hexes(ToledoContinuous().encode(seen)) == wire


def test_a_toledo_frame_without_chk_ends_with_cr() -> None:
    """CHK is a terminal setting; the frame before it stays the same."""
    assert hexes(ToledoContinuous(check=False).encode(indication("1200", "2"))) == (
        "02 32 30 20 20 20 31 32 30 30 20 20 20 20 20 30 0D"
    )


def test_a_negative_toledo_weight_has_its_sign_in_status_b() -> None:
    """The digits carry no sign; bit 1 of status B does, and the whole frame sums to 0 modulo 128."""
    frame = ToledoContinuous().encode(indication("-12.4", "0.2"))
    assert frame is not None
    assert frame[2] & 0x02
    assert frame[4:10] == b"   124"
    assert sum(frame) % 128 == 0


@pytest.mark.parametrize(("spelling", "seen", "wire"), ST_GS.values(), ids=ST_GS.keys())
def test_st_gs_lines_are_those_of_captures(spelling: str, seen: Indication, wire: str) -> None:
    """Each spelling is byte for byte as its device sends it."""
    assert hexes(StGs(spelling).encode(seen)) == wire


def test_an_unknown_st_gs_spelling_is_refused_with_the_known_ones() -> None:
    """A typing mistake is no new dialect."""
    with pytest.raises(ValueError, match="ds166, nhb, qhw"):
        StGs("ds167")


@pytest.mark.parametrize(("seen", "wire"), LAUMAS.values(), ids=LAUMAS.keys())
def test_laumas_registers_are_those_of_the_manual(seen: Indication, wire: str) -> None:
    """Status, gross and net stand at 40007 to 40011, high word first, signs in the status."""
    registers = LaumasRegisters().image(seen)[STATUS : STATUS + 5]
    assert b"".join(register.to_bytes(2, "big") for register in registers).hex(" ").upper() == wire


def test_laumas_division_codes_follow_the_table() -> None:
    """0 = 100, 1 = 50, 2 = 20, 3 = 10, 6 = 1, 9 = 0.1, 10 = 0.05, 18 = 0.0001."""
    codes = {str(division): code for division, code in DIVISION_CODES.items()}
    wanted = {"1E+2": 0, "5E+1": 1, "2E+1": 2, "1E+1": 3, "5": 4, "2": 5, "1": 6, "0.5": 7, "0.2": 8, "0.1": 9}
    assert codes.items() >= (wanted | {"0.05": 10, "0.0001": 18}).items()


def test_a_gross_above_65535_counts_uses_the_high_word() -> None:
    """125,600 counts are 0001 EA60."""
    registers = LaumasRegisters().image(indication("1256.00", "0.01"))
    assert registers[GROSS : GROSS + 2] == [0x0001, 0xEAA0]
    assert Decimal(registers[GROSS] << 16 | registers[GROSS + 1]) / 100 == Decimal(1256)
