"""The drawn label, measured in black dots and read back by a QR decoder that is not ours."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from hazgate_protocols.label.document import CHARACTER_MM, LabelDocument
from hazgate_protocols.label.errors import FontNotFoundError, LabelError
from hazgate_protocols.label.fonts import covered_codepoints, find_font, open_face
from hazgate_protocols.label.layout import lay_out
from hazgate_protocols.label.pictograms import HAZARDS, pictogram_ink
from hazgate_protocols.label.qr import qr_modules
from hazgate_protocols.label.render import Colour, draw, render, to_pdf, to_png

EVERY_SIZE = [(side, dots) for side in (100, 150, 200) for dots in (8, 12)]
BOTH: tuple[Colour, Colour] = ("black-layer", "full-colour")


@pytest.mark.fault(57)
@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
@pytest.mark.parametrize("colour", BOTH)
def test_the_qr_code_of_a_drawn_label_reads_back(
    document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int, colour: Colour
) -> None:
    """zxing-cpp finds exactly one symbol, a full QR code of level Q or better, with the payload."""
    image = render(document, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=font_path, colour=colour)
    assert image.size == (side_mm * dots_per_mm, side_mm * dots_per_mm)
    assert image.mode == ("1" if colour == "black-layer" else "RGB")
    (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert found.text == document.qr_payload
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.ec_level in ("Q", "H")


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
def test_border_and_blank_margin_are_as_wide_as_the_standard_wants(
    document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """Counted in dots on all four sides: at least 3 mm of nothing, then at least 1 mm of black all along."""
    image = render(document, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=font_path, colour="black-layer")
    side = image.width
    blank, border = 3 * dots_per_mm, dots_per_mm
    for turn in range(4):
        turned = image.rotate(90 * turn)
        assert turned.crop((0, 0, side, blank)).convert("L").getextrema() == (255, 255)
        line = turned.crop((blank, blank, side - blank, blank + border))
        assert line.convert("L").getextrema() == (0, 0)


@pytest.mark.parametrize(("side_mm", "dots_per_mm"), EVERY_SIZE)
def test_characters_measured_in_black_dots_have_the_required_height(
    document: LabelDocument, font_path: Path, side_mm: int, dots_per_mm: int
) -> None:
    """The inked rows of a name of full ideographs, of the code's digits and of the weight: 24 dots at 3 mm, 203 dpi."""
    document = replace(document, waste_name="国国国")
    face = open_face(font_path)
    layout = lay_out(document, side_mm=side_mm, dots_per_mm=dots_per_mm, face=face)
    image = draw(layout, face, "black-layer")
    wanted = CHARACTER_MM[side_mm] * dots_per_mm
    for field in ("waste_name", "digital_id"):
        run = next(run for run in layout.runs if run.field == field and run.role == "value")
        box = run.box
        rows = ImageChops.invert(image.crop((box.left, box.top, box.right, box.bottom)).convert("L")).getbbox()
        assert rows is not None
        assert rows[3] - rows[1] >= wanted, field


def test_full_colour_is_black_on_the_standards_orange(document: LabelDocument, font_path: Path) -> None:
    """Corner orange (255, 150, 0), border black, and the pictograms' own background colours appear."""
    document = replace(document, hazard_characteristics=("T", "C", "I", "R"))
    image = render(document, side_mm=100, dots_per_mm=8, font_path=font_path, colour="full-colour")
    assert image.getpixel((0, 0)) == (255, 150, 0)
    assert image.getpixel((28, 400)) == (0, 0, 0)
    colours = {pixel for _, pixel in image.getcolors(maxcolors=1 << 20) or []}
    assert {(255, 255, 255), (255, 0, 0), (255, 255, 0)} <= colours


def test_a_reprint_says_so_and_is_otherwise_the_same_label(document: LabelDocument, font_path: Path) -> None:
    """The mark 补打 n is blank on black in the title row; nothing below the title changes."""
    face = open_face(font_path)
    original = lay_out(document, side_mm=100, dots_per_mm=8, face=face)
    copy = lay_out(replace(document, copy=3), side_mm=100, dots_per_mm=8, face=face)
    assert copy.text_of("copy", "copy") == "补打 3"
    assert copy.copy_box is not None
    different = ImageChops.difference(
        draw(original, face, "black-layer").convert("L"), draw(copy, face, "black-layer").convert("L")
    ).getbbox()
    mark = copy.copy_box
    assert different == (mark.left, mark.top, mark.right, mark.bottom)
    drawn = draw(copy, face, "black-layer").convert("L").crop(different)
    black = drawn.histogram()[0]
    assert black > 0.6 * mark.width * mark.height
    assert drawn.histogram()[255] > 100


def test_the_same_document_gives_the_same_dots(document: LabelDocument, font_path: Path) -> None:
    """A preview is the print: drawing twice gives identical bytes."""
    pictures = [
        to_png(render(document, side_mm=100, dots_per_mm=8, font_path=font_path, colour="black-layer"), 8)
        for _ in range(2)
    ]
    assert pictures[0] == pictures[1]


def test_every_hazard_has_a_drawing_of_its_own() -> None:
    """Five different pictograms with ink between a rim and a blot, inside their diamond."""
    drawings = {code: pictogram_ink(code, 96) for code in HAZARDS}
    assert len({drawing.tobytes() for drawing in drawings.values()}) == 5
    for code, drawing in drawings.items():
        share = sum(drawing.tobytes()) / 255 / (96 * 96 / 2)
        assert 0.15 < share < 0.85, code
        for corner in ((0, 0), (95, 0), (0, 95), (95, 95)):
            assert drawing.getpixel(corner) == 0, code


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
@settings(max_examples=25, deadline=None)
def test_any_ascii_payload_becomes_a_full_qr_code_of_level_q_or_better(payload: str) -> None:
    """Drawn alone at 4 dots a module with a quiet zone, it reads back as it was; never a Micro QR code."""
    modules = qr_modules(payload)
    image = Image.new("L", (len(modules) + 8, len(modules) + 8), 255)
    for row, line in enumerate(modules):
        for column, dark in enumerate(line):
            if dark:
                image.putpixel((column + 4, row + 4), 0)
    larger = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    (found,) = zxingcpp.read_barcodes(larger)
    assert found.text == payload
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.ec_level in ("Q", "H")


@pytest.mark.parametrize("dots_per_mm", [8, 12])
def test_png_and_pdf_carry_the_true_size(document: LabelDocument, font_path: Path, dots_per_mm: int) -> None:
    """PNG: whole dots per metre. PDF: one page of 100 mm, every pixel as drawn."""
    image = render(document, side_mm=100, dots_per_mm=dots_per_mm, font_path=font_path, colour="full-colour")
    png = to_png(image, dots_per_mm)
    at = png.index(b"pHYs") + 4
    assert int.from_bytes(png[at : at + 4], "big") == int.from_bytes(png[at + 4 : at + 8], "big") == dots_per_mm * 1000
    with Image.open(BytesIO(png)) as again:
        assert again.tobytes() == image.tobytes()
    pdf = to_pdf(image, dots_per_mm)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert box is not None
    assert [round(float(side) / 72 * 25.4, 3) for side in box.groups()] == [100.0, 100.0]
    picture = re.search(rb"/Subtype /Image .*?/Length (\d+) >>\nstream\n", pdf, re.DOTALL)
    assert picture is not None
    assert zlib.decompress(pdf[picture.end() : picture.end() + int(picture[1])]) == image.tobytes()
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n", pdf), start=1):
        assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)
    assert pdf[int(re.findall(rb"startxref\n(\d+)", pdf)[0]) :].startswith(b"xref")


def test_a_missing_font_names_the_package(tmp_path: Path) -> None:
    """The installer reads what to install."""
    with pytest.raises(FontNotFoundError, match="apt-get install fonts-wqy-microhei"):
        find_font(((tmp_path / "none.ttc", "fonts-wqy-microhei"),))


@pytest.mark.parametrize("content", [b"", b"no font", b"ttcf" + bytes(64), bytes(200)])
def test_a_file_that_is_no_font_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    """Damaged font files give the same clear error, never a crash in a parser."""
    path = tmp_path / "broken.ttc"
    path.write_bytes(content)
    with pytest.raises(FontNotFoundError, match=r"broken\.ttc"):
        open_face(path)


def test_coverage_is_what_the_font_really_draws(font_path: Path) -> None:
    """What we call covered does not draw as the font's box for missing characters; a sample of GB2312."""
    font = open_face(font_path).font(48)
    box = font.getmask("\U0010fffd", mode="L")
    missing = (box.size, bytes(box))
    covered = covered_codepoints(font_path, 0)
    first_level = [bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xF9, 8)]
    assert all(ord(character) in covered for character in first_level)
    assert 0x10FFFD not in covered
    for character in first_level:
        mask = font.getmask(character, mode="L")
        assert (mask.size, bytes(mask)) != missing, character


def test_the_document_alone_loads_no_picture_library() -> None:
    """The capture path imports label.document and the TSPL constants without Pillow and segno."""
    code = (
        "import sys, hazgate_protocols.label.document, hazgate_protocols.label.tspl, hazgate_protocols.label.errors; "
        "sys.exit(any(name.split('.')[0] in ('PIL', 'segno') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_label_error_says_what_to_do(document: LabelDocument, font_path: Path) -> None:
    """Operation, field, cause and next step stand in one sentence."""
    with pytest.raises(LabelError, match=r"draw label: field weight: is empty; .*fill it in"):
        render(replace(document, weight=""), side_mm=100, dots_per_mm=8, font_path=font_path, colour="black-layer")
