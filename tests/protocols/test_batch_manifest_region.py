"""Ledger batch codes, manifest numbers and regions."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.codes import manifest_number, regions
from hazgate_protocols.codes.batch_code import BatchCode, BatchCodeError, BatchKind
from hazgate_protocols.codes.manifest_number import ManifestNumber, ManifestNumberError

TODAY = date(2026, 11, 23)


def test_the_standards_own_batch_code_is_read() -> None:
    """HJ 1259's example."""
    assert BatchCode.parse("HWCS20211031001") == BatchCode(BatchKind.PRODUCE, date(2021, 10, 31), 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HWCK20211031001", BatchKind.STORE_OUT),
        ("HWCKLY20211031001", BatchKind.EXPORT_USE),
        ("HWCKCZ20211031001", BatchKind.EXPORT_DISPOSE),
    ],
)
def test_out_of_the_store_is_not_taken_for_export(text: str, kind: BatchKind) -> None:
    """HWCK begins HWCKLY and HWCKCZ; the whole prefix counts."""
    assert BatchCode.parse(text).kind is kind


@given(st.sampled_from(BatchKind), st.dates(), st.integers(1, 999_999))
def test_every_batch_code_goes_round(kind: BatchKind, day: date, serial: int) -> None:
    """Also past 999, where the serial widens."""
    code = BatchCode(kind, day, serial)
    assert BatchCode.parse(str(code)) == code


def test_the_batch_after_999_widens() -> None:
    """Unlike the label number nothing fixes the length."""
    assert [str(BatchCode(BatchKind.STORE_IN, date(2024, 1, 2), n)) for n in (1, 999, 1000)] == [
        "HWRK20240102001",
        "HWRK20240102999",
        "HWRK202401021000",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HWXX20211031001",
        "HWCS20211031",
        "HWCS2021103101",
        "HWCS20211031000",
        "HWCS202110310001",
        "HWCS20210229001",
        "HWCS202110311000000",
        "hwcs20211031001",
        "HWCS20211031001\n",
        "HWWW20211031001",
    ],
)
def test_anything_else_is_no_batch_code(text: str) -> None:
    """Unknown prefix, short or zero-padded serial, a day that does not exist."""
    with pytest.raises(BatchCodeError):
        BatchCode.parse(text)


@pytest.mark.parametrize("serial", [0, -1, 1_000_000])
def test_a_serial_out_of_bounds_is_refused(serial: int) -> None:
    """What could not be read back is not made."""
    with pytest.raises(BatchCodeError):
        BatchCode(BatchKind.PRODUCE, date(2024, 1, 2), serial)


def test_a_manifest_number_of_baoding_is_split() -> None:
    """Year, province, city, serial; the region is the city's code."""
    number = ManifestNumber.parse("20241306000123")
    assert number == ManifestNumber(2024, "13", "06", 123)
    assert (str(number), number.region) == ("20241306000123", "130600")


@given(
    st.integers(1000, 9999),
    st.sampled_from(sorted(manifest_number.PROVINCES)),
    st.integers(0, 99),
    st.integers(1, manifest_number.SERIAL_MAX),
)
def test_every_manifest_number_goes_round(year: int, province: str, city: int, serial: int) -> None:
    """Always 14 digits."""
    number = ManifestNumber(year, province, f"{city:02d}", serial)
    assert len(str(number)) == 14
    assert ManifestNumber.parse(str(number)) == number


@pytest.mark.parametrize(
    "text",
    ["", "2024130600012", "202413060001234", "20249906000123", "20241306000000", "２0241306000123", "2024130600012A"],
)
def test_a_malformed_manifest_number_blocks(text: str) -> None:
    """Length, province, serial 0, foreign digits."""
    (found,) = manifest_number.findings(text, TODAY)
    assert (found.key, found.blocks) == (manifest_number.MALFORMED, True)
    with pytest.raises(ManifestNumberError):
        ManifestNumber.parse(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("20241306000123", []),
        ("20271306000123", []),
        ("20281306000123", [manifest_number.YEAR]),
        ("20211306000123", [manifest_number.YEAR]),
        ("2017130600000123", [manifest_number.OLD_FORM]),
    ],
)
def test_old_and_odd_manifest_numbers_only_warn(text: str, keys: list[str]) -> None:
    """The form before 2022 and a year that cannot be are said, and do not block."""
    found = manifest_number.findings(text, TODAY)
    assert [one.key for one in found] == keys
    assert not any(one.blocks for one in found)


@pytest.mark.parametrize(
    "parts", [(999, "13", "06", 1), (2024, "99", "06", 1), (2024, "13", "6", 1), (2024, "13", "06", 0)]
)
def test_a_manifest_number_that_could_not_be_read_back_is_not_made(parts: tuple[int, str, str, int]) -> None:
    """Each part has its bound."""
    with pytest.raises(ManifestNumberError):
        ManifestNumber(*parts)


def test_baoding_has_25_codes_of_which_its_own_bureau_has_20() -> None:
    """The city, 24 below it; three of Xiong'an and Dingzhou answer to others."""
    everything = regions.regions()
    assert len(everything) == 25
    assert {one.code for one in everything if one.jurisdiction == regions.XIONGAN} == {"130629", "130632", "130638"}
    assert [one.name for one in everything if one.jurisdiction == regions.DINGZHOU] == ["定州市"]
    own = regions.of_the_bureau()
    assert len(own) == 20
    assert [sum(one.kind == kind for one in own) for kind in ("district", "county", "county_level_city")] == [5, 12, 3]


def test_both_datums_are_kept_apart() -> None:
    """GCJ-02 lies some 550 m east of WGS-84 here; mixing them puts a lorry on the wrong street."""
    for one in regions.regions():
        assert 0.005 < one.lon_gcj02 - one.lon < 0.0075
        assert 114 < one.lon < 117
        assert 38 < one.lat < 40


@pytest.mark.parametrize(
    ("code", "name", "reason"),
    [
        ("130606", "莲池区", ""),
        ("130600", "保定市", ""),
        ("130601", "保定市", "placeholder"),
        ("130603", "莲池区", "merged 2015"),
        ("130604", "莲池区", "merged 2015"),
        ("130621", "满城区", "county became district"),
        ("130622", "清苑区", "county became district"),
        ("130625", "徐水区", "county became district"),
        ("130671", "竞秀区", "statistical-office code of 高新区"),
        ("130672", "高碑店市", "statistical-office code of 白沟新城"),
        ("139001", "定州市", "other code of 定州"),
        ("130682", "定州市", ""),
    ],
)
def test_old_and_special_codes_stand_for_todays_regions(code: str, name: str, reason: str) -> None:
    """What appears in old and in company data is understood and said."""
    match = regions.find(code)
    assert match is not None
    assert (match.region.name, match.alias_reason) == (name, reason)


@pytest.mark.parametrize("code", ["", "13", "139002", "110101", "130699"])
def test_other_codes_are_unknown(code: str) -> None:
    """Xinji (139002) too: it is not Baoding's."""
    assert regions.find(code) is None
