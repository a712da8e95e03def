"""Waste codes, hazard characteristics and the editions of the catalogue."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.codes import catalogue as module
from hazgate_protocols.codes.catalogue import Catalogue, Edition, Waste, catalogue
from hazgate_protocols.codes.hazards import CHARACTERISTICS, Hazards, HazardsError
from hazgate_protocols.codes.waste_code import CATEGORIES, WasteCode, WasteCodeError

IN_2024 = date(2024, 12, 31)
IN_2025 = date(2025, 1, 1)


def listed() -> dict[str, Waste]:
    """The 2021 edition."""
    table = catalogue().editions[0].listed
    assert table is not None
    return table


def test_both_ways_of_writing_a_code_mean_the_same() -> None:
    """With and without hyphens, one value; printed with them."""
    code = WasteCode.parse("900-214-08")
    assert code == WasteCode.parse("90021408")
    assert (str(code), code.digits, code.category, code.by_testing) == ("900-214-08", "90021408", "HW08", False)


@pytest.mark.parametrize(
    "text",
    ["", "900-21408", "900214-08", "900-214-8", "9002140", "900214088", " 90021408", "90021408\n", "９0021408", "HW08"],
)
def test_any_other_way_of_writing_is_refused_with_the_right_one(text: str) -> None:
    """Half-hyphenated, full-width, padded: refused, and the message shows how to write it."""
    with pytest.raises(WasteCodeError, match="900-214-08"):
        WasteCode.parse(text)


@pytest.mark.parametrize("category", ["00", "41", "44", "51", "99"])
def test_a_category_that_does_not_exist_is_refused(category: str) -> None:
    """HW41 to HW44 and everything above HW50 are no categories."""
    with pytest.raises(WasteCodeError, match=f"category {category}"):
        WasteCode.parse(f"900-214-{category}")


@given(st.integers(0, 999999), st.sampled_from(CATEGORIES))
def test_every_well_formed_code_goes_round(first: int, category: int) -> None:
    """parse(str(code)) and parse(code.digits) give the code back."""
    code = WasteCode(f"{first:06d}{category:02d}")
    assert WasteCode.parse(str(code)) == WasteCode.parse(code.digits) == code


@given(st.text(max_size=20))
def test_no_text_makes_the_check_raise(text: str) -> None:
    """A configuration or a scanner may bring any text: it is judged."""
    if not catalogue().findings(text, IN_2025):
        assert text in {str(WasteCode.parse(text)), WasteCode.parse(text).digits}


def test_the_catalogue_has_the_official_totals_and_every_row_agrees_with_itself() -> None:
    """467 codes of 46 categories; digits 7-8 equal the category; characteristics parse; counts match the list."""
    table = resources.files("hazgate_protocols.codes") / "data" / "waste_catalogue.csv"
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["waste_code"] for row in rows}) == len(listed()) == 467
    for row in rows:
        code = WasteCode.parse(row["waste_code"])
        assert code.category == row["category_code"], row
        waste = listed()[code.digits]
        assert waste.category_name == row["category_name"] == catalogue().categories[code.category]
        assert waste.hazards.raw == row["hazard_characteristics"]
        assert set(waste.hazards.codes) <= set(CHARACTERISTICS)
        assert waste.hazards.codes
        assert waste.description.strip()
        assert waste.edition == "2021"
    counts = Counter(row["category_code"] for row in rows)
    categories = resources.files("hazgate_protocols.codes") / "data" / "waste_categories.csv"
    with categories.open(encoding="utf-8") as file:
        assert {row["category_code"]: int(row["codes_in_2021_edition"]) for row in csv.DictReader(file)} == counts
    assert sorted(counts) == [f"HW{number:02d}" for number in CATEGORIES]
    assert len(counts) == 46


def test_oil_waste_is_found_with_its_row() -> None:
    """The code most met at producers of used oil."""
    waste = catalogue().waste(WasteCode.parse("900-214-08"), IN_2024)
    assert waste is not None
    assert waste.category_name == "废矿物油与含矿物油废物"
    assert waste.hazards.codes == ("T", "I")
    assert "润滑油" in waste.description


@pytest.mark.parametrize(
    ("raw", "certain", "possible", "any_of"),
    [
        ("T", ("T",), (), ()),
        ("T,I", ("T",), ("I",), ()),
        ("T，I", ("T",), ("I",), ()),
        ("T/I", (), (), ("T", "I")),
        ("In", ("In",), (), ()),
        ("T/C/I/R/In", (), (), ("T", "C", "I", "R", "In")),
        ("T,I,R", ("T",), ("I", "R"), ()),
    ],
)
def test_comma_and_slash_mean_different_things(
    raw: str, certain: tuple[str, ...], possible: tuple[str, ...], any_of: tuple[str, ...]
) -> None:
    """After a comma only the first is certain; with slashes one or more; In is one characteristic."""
    parsed = Hazards.parse(raw)
    assert (parsed.raw, parsed.certain, parsed.possible, parsed.any_of) == (raw, certain, possible, any_of)
    assert parsed.codes == certain + possible + any_of


@pytest.mark.parametrize("raw", ["", "X", "T,", "I/n", "T,T", "T,I/R", "t", "TI"])
def test_other_characteristics_are_refused(raw: str) -> None:
    """Nothing is guessed from letters that are not the catalogue's."""
    with pytest.raises(HazardsError):
        Hazards.parse(raw)


@pytest.mark.parametrize("day", [date(2021, 1, 1), IN_2024, IN_2025, date(2030, 1, 1)])
@pytest.mark.parametrize("text", ["900-214-08", "90021408", "900-000-49", "336-064-17"])
def test_a_listed_code_and_waste_identified_by_testing_are_right_in_every_year(text: str, day: date) -> None:
    """Also from 2025 on, whose table is not loaded; 900-000-NN stands in no table."""
    assert catalogue().findings(text, day) == []


def test_an_unlisted_code_blocks_under_2021_and_warns_under_2025() -> None:
    """On the last day of the loaded edition it is an error; the day after it may be one of the new codes."""
    (before,) = catalogue().findings("900-999-08", IN_2024)
    (after,) = catalogue().findings("900-999-08", IN_2025)
    assert (before.key, before.blocks) == (module.NOT_LISTED, True)
    assert (after.key, after.blocks) == (module.EDITION_NOT_LOADED, False)
    assert "edition 2025 not loaded" in after.text
    assert before.nearest == after.nearest
    assert len(before.nearest) == module.NEAREST_MAX


def test_a_day_before_every_edition_warns_that_nothing_can_be_checked() -> None:
    """Even for a code the later edition lists."""
    (found,) = catalogue().findings("900-214-08", date(2020, 12, 31))
    assert (found.key, found.blocks) == (module.EDITION_NOT_LOADED, False)
    assert "no edition of 2020-12-31" in found.text


@pytest.mark.parametrize(
    ("typo", "meant"), [("90O-214-08", "900-214-08"), ("900-214-80", "900-214-08"), ("336-064-71", "336-064-17")]
)
def test_a_mistyped_code_is_answered_with_the_one_that_was_meant(typo: str, meant: str) -> None:
    """check-config prints the sentence: the nearest codes stand in it."""
    (found,) = catalogue().findings(typo, IN_2025)
    assert found.blocks
    assert meant in found.nearest
    assert meant in found.text


def test_an_edition_with_a_table_of_its_own_is_used_from_its_first_day() -> None:
    """When the 2025 table is loaded its codes count for 2025 and the dropped ones do not."""
    old, new = listed()["90021408"], listed()["90024908"]
    editions = [
        Edition("2021", date(2021, 1, 1), IN_2024, {"90021408": old}),
        Edition("2025", IN_2025, None, {"90024908": new}),
    ]
    both = Catalogue(editions, {})
    assert both.waste(old.code, IN_2024) == old
    assert both.waste(old.code, IN_2025) is None
    assert both.waste(new.code, IN_2025) == new
    assert [one.key for one in both.findings("900-214-08", IN_2025)] == [module.NOT_LISTED]
    assert [one.key for one in both.findings("900-249-08", IN_2024)] == [module.NOT_LISTED]


def test_importing_the_codes_reads_no_table_and_no_table_library() -> None:
    """The box's start-up pays nothing for the catalogue until a waste code is looked up."""
    script = (
        "import sys\n"
        "from hazgate_protocols.codes import batch_code, catalogue, credit_code, label_number\n"
        "from hazgate_protocols.codes import manifest_number, regions\n"
        "heavy = {'csv', 'difflib', 'importlib.resources'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert catalogue.catalogue.cache_info().currsize == 0\n"
    )
    # -S: site packages' own .pth files import libraries before our first line.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
