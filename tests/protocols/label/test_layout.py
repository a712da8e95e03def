"""Where things stand on a label, measured in the boxes the layout returns."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hazgate_protocols.label.document import CHARACTER_MM, LabelDocument
from hazgate_protocols.label.errors import LabelError
from hazgate_protocols.label.fields import FIELDS, SHORTENABLE
from hazgate_protocols.label.fonts import open_face
from hazgate_protocols.label.layout import lay_out
from hazgate_protocols.label.placed import Box, Layout

EVERY_SIZE = [(side, dots) for side in (100, 150, 200) for dots in (8, 12)]
WHOLE = [field for field, _ in FIELDS if field not in SHORTENABLE and field != "hazard_characteristics"]


def laid_out(document: LabelDocument, font_path: Path, side_mm: int = 100, dots_per_mm: int = 8) -> Layout:
    return lay_out(document, side_mm=side_mm, dots_per_mm=dots_per_mm, face=open_face(font_path))


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
def test_every_field_of_a_usual_label_is_printed_whole(
    document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """Captions and values of all HJ 1276 fields are there, in the standard's order, nothing shortened."""
    layout = laid_out(document, font_path, side_mm, dots_per_mm)
    captions: list[str] = []
    for run in layout.runs:
        if run.role == "caption" and run.field not in captions:
            captions.append(run.field)
    assert sorted(captions) == sorted(field for field, _ in FIELDS)
    without_hazards = [field for field in captions if field != "hazard_characteristics"]
    assert without_hazards == [field for field, _ in FIELDS if field != "hazard_characteristics"]
    assert layout.shortened == ()
    for field, caption in FIELDS:
        assert layout.text_of(field, "caption") == "".join(caption)
        if field != "hazard_characteristics":
            assert layout.text_of(field) == getattr(document, field)
    assert layout.text_of("hazard_characteristics", "hazard") == "毒性易燃性"
    assert layout.text_of("title", "title") == "危险废物"
    assert layout.copy_box is None


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
@pytest.mark.parametrize("which", ["document", "long_document"])
def test_nothing_overlaps_or_leaves_the_border(
    which: str, font_path: Path, side_mm: int, dots_per_mm: int, request: pytest.FixtureRequest
) -> None:
    """Text, pictograms and QR code lie inside the border line and never on one another or on a rule."""
    assert_clear(laid_out(request.getfixturevalue(which), font_path, side_mm, dots_per_mm))


LENGTHS = st.sampled_from([1, 2, 8, 14, 15, 30, 60, 200])


@given(
    lengths=st.fixed_dictionaries(dict.fromkeys((*SHORTENABLE, "unit_name", "contact", "physical_form"), LENGTHS)),
    hazards=st.lists(st.sampled_from(["T", "C", "I", "R", "In"]), min_size=1, max_size=5, unique=True),
    weight=st.sampled_from(["0.1 kg", "1234.56 kg", "123456.789 kg"]),
    unit_code=st.sampled_from(["91130606MA0TETT01H", "WWWWWWWWWWWWWWWWWW", "111111111111111111"]),
    side_mm=st.sampled_from([100, 150, 200]),
    copy=st.sampled_from([0, 1, 99]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_document_is_either_laid_out_clean_or_refused_by_name(
    document: LabelDocument,
    font_path: Path,
    lengths: dict[str, int],
    hazards: list[str],
    weight: str,
    unit_code: str,
    side_mm: int,
    copy: int,
) -> None:
    """Whatever the lengths: nothing overlaps and uncut fields are whole, or a field that is never cut is too long."""
    digital_id = unit_code + document.digital_id[18:]
    text = "废油（含水）、HW08 漆渣，少量 900" * 20
    tried = replace(
        document,
        **{field: text[:length] for field, length in lengths.items()},
        hazard_characteristics=tuple(hazards),
        weight=weight,
        copy=copy,
        digital_id=digital_id,
        qr_payload=digital_id,
    )
    try:
        layout = laid_out(tried, font_path, side_mm)
    except LabelError as error:
        refused = error.field
    else:
        refused = ""
    if refused:
        assert refused in ("unit_name", "contact", "physical_form")
        assert len(getattr(tried, refused)) >= 30, f"{refused} is short and was refused"
        return
    assert_clear(layout)
    assert layout.text_of("digital_id") == digital_id
    assert layout.text_of("weight") == weight


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
def test_no_text_is_smaller_than_the_standard_allows(
    long_document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """An ideograph in any run's size blackens at least 3, 5 or 6 mm; the title is at least twice that."""
    layout = laid_out(long_document, font_path, side_mm, dots_per_mm)
    face = open_face(font_path)
    wanted = CHARACTER_MM[side_mm] * dots_per_mm
    assert layout.character_dots == wanted
    for run in layout.runs:
        assert sum(face.ink(run.size)) >= wanted * (2 if run.role == "title" else 1), run.text


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
def test_codes_and_weight_stay_whole_when_all_else_is_long(
    long_document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """Only fields that may be shortened are, and those end in an ellipsis."""
    layout = laid_out(long_document, font_path, side_mm, dots_per_mm)
    for field in WHOLE:
        printed = layout.text_of(field).replace(" ", "")
        assert printed == getattr(long_document, field).replace(" ", ""), field
    assert set(layout.shortened) <= set(SHORTENABLE)
    for field in layout.shortened:
        assert layout.text_of(field).endswith("…")
        assert getattr(long_document, field).replace(" ", "").startswith(layout.text_of(field)[:-1].replace(" ", ""))


def test_a_very_long_remark_costs_the_other_fields_nothing(document: LabelDocument, font_path: Path) -> None:
    """A remark of thousands of characters is shortened; the others stay as they were."""
    layout = laid_out(replace(document, remarks="长" * 5000), font_path)
    assert layout.shortened == ("remarks",)


def test_an_ellipsis_of_the_writer_is_not_ours(document: LabelDocument, font_path: Path) -> None:
    """A whole text that ends in an ellipsis is not reported as shortened."""
    layout = laid_out(replace(document, remarks="待定…"), font_path)
    assert (layout.shortened, layout.text_of("remarks")) == ((), "待定…")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weight", "123456789012345678901234567890 kg"),
        ("waste_code", "900-214-08-900-214-08-900-214-08-900-214-08"),
        ("unit_name", "很长的单位名称" * 60),
        ("unit_name", "很长的单位名称" * 20),
        ("contact", "1" * 2000),
        ("digital_id", "91130606MA0TETT01H90021408202403150011"),
        ("digital_id", "91130606MA0TETT01H900214082024031500一"),
        ("unit_name", "   "),
        ("weight", ""),
        ("hazard_characteristics", ("X",)),
        ("hazard_characteristics", ("T", "T")),
        ("hazard_characteristics", ()),
        ("qr_payload", "HTTPS://TRACE.EXAMPLE/T/"),
        ("qr_payload", "HTTPS://TRACE.EXAMPLE/标签/91130606MA0TETT01H9002140820240315001"),
        ("qr_payload", "https://trace.example/" + "a" * 136 + "/91130606MA0TETT01H9002140820240315001"),
        ("qr_payload", "https://trace.example/" + "a" * 170 + "/91130606MA0TETT01H9002140820240315001"),
        ("copy", -1),
        ("copy", 10**9),
    ],
)
def test_a_field_that_cannot_be_printed_right_is_refused_by_name(
    document: LabelDocument, font_path: Path, field: str, value: object
) -> None:
    """LabelError carries the field; no label is better than a wrong one."""
    wrong = replace(document, **{field: value})  # type: ignore[arg-type] # any field, any wrong value
    with pytest.raises(LabelError, match=field) as refusal:
        laid_out(wrong, font_path)
    assert refusal.value.field == field


@pytest.mark.parametrize("character", ["\U00020bb7", "\ue000", "\n", "\u200b", "😀"])
def test_a_character_without_a_glyph_is_named_and_never_drawn_as_a_box(
    document: LabelDocument, font_path: Path, character: str
) -> None:
    """Rare ideographs, private use, controls and emoji are refused with the character's code point."""
    with pytest.raises(LabelError, match=f"U\\+{ord(character):04X}") as refusal:
        laid_out(replace(document, unit_name=f"保定{character}厂"), font_path)
    assert refusal.value.field == "unit_name"


def test_a_long_form_gets_a_row_of_its_own(document: LabelDocument, font_path: Path) -> None:
    """When code and form do not fit side by side they stand below each other, both whole."""
    layout = laid_out(replace(document, physical_form="半固态（膏状，含少量液体）"), font_path)
    code = next(run for run in layout.runs if run.field == "waste_code" and run.role == "value")
    form = next(run for run in layout.runs if run.field == "physical_form" and run.role == "value")
    assert form.box.top >= code.box.bottom
    assert layout.text_of("physical_form") == "半固态（膏状，含少量液体）"


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), [(60, 8), (100, 7), (101, 12)])
def test_sizes_outside_the_standard_are_our_own_mistake(
    document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """A size HJ 1276 does not know or a head that does not exist raises at once."""
    with pytest.raises(ValueError, match="lay out label"):
        laid_out(document, font_path, side_mm, dots_per_mm)


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def assert_clear(layout: Layout) -> None:
    """Everything inside the border line, nothing on anything else."""
    edge = layout.border_dots
    inside = Box(
        layout.border.left + edge,
        layout.border.top + edge,
        layout.border.width - 2 * edge,
        layout.border.height - 2 * edge,
    )
    things = [(f"{run.role} {run.text}", run.box) for run in layout.runs]
    things += [(mark.code, mark.box) for mark in layout.hazards] + [("qr", layout.qr_box)]
    for name, box in things:
        assert inside.holds(box), name
        for rule in layout.rules:
            assert not overlap(box, rule), f"{name} lies on a line"
    for (name, box), (other_name, other) in combinations(things, 2):
        assert not overlap(box, other), f"{name} lies on {other_name}"
