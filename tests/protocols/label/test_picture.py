"""A label's picture as bits: the digest, the one PNG form, and that they are what the printer gets."""

from __future__ import annotations

import hashlib
import io
import random
import zlib
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, WeighingBody
from hazgate_protocols.label.fonts import find_font
from hazgate_protocols.label.picture import SIDE_DOTS_MAX, Picture, PictureError, decode_png, encode_png
from hazgate_protocols.label.render import drawn_by, render
from hazgate_protocols.label.tspl import encode_job, raster
from hazgate_protocols.label.weighing import TEXTS, PrintedError, PrintedPicture, label_of_weighing, texts_of

LABEL = "91310000MA1FL5G08P9002140820260309001"
BODY = WeighingBody(
    label=LABEL, unit_code=LABEL[:18], unit_name="上海示例机械有限公司", waste_code="900-214-08", waste_name="废矿物油",
    category="HW08", hazards=("T", "I"), produced_on="2026-03-09", container="drum-50", volume_l=50,
    weight_mg=12_340_000, weight_text="12.34", weight_unit="kg", mode="", tare_mg=None, stable_by=STABLE_BY_DEVICE,
    scale="scale-1", label_side_mm=100, labels=1,
)  # fmt: skip
SAID = dict.fromkeys(TEXTS, "") | {"category": "HW08 废矿物油", "qr_payload": f"https://h.example/t/{LABEL}"}


def small(width: int = 10, height: int = 3, seed: int = 1) -> Picture:
    """A picture whose rows end within a byte."""
    image = Image.new("1", (width, height), 1)
    rng = random.Random(seed)
    for _ in range(width * height // 3):
        image.putpixel((rng.randrange(width), rng.randrange(height)), 0)
    return Picture(width, height, raster(image))


@pytest.fixture(scope="module")
def label() -> Picture:
    image = render(
        label_of_weighing(BODY, SAID, 0), side_mm=100, dots_per_mm=8, font_path=find_font(), colour="black-layer"
    )
    return Picture(image.width, image.height, raster(image))


def test_the_digest_is_the_documents(label: Picture) -> None:
    """docs/wire/evidence.md, section 8, by hand; size and dots both count."""
    by_hand = b"hazgate label picture v1\0" + bytes((0, 0, 3, 32, 0, 0, 3, 32)) + label.rows
    assert label.digest() == hashlib.sha256(by_hand).digest()
    assert Picture(16, 2, b"\xff" * 4).digest() != Picture(8, 4, b"\xff" * 4).digest()


def test_the_digest_is_over_the_very_bytes_the_printer_gets(label: Picture) -> None:
    """The rows stand in the printer's job as they are."""
    image = Image.frombytes("1", (label.width, label.height), label.rows)
    job = encode_job(image, side_mm=100, gap_mm=2, copies=2)
    assert job.partition(b",0,100,800,0,")[2].removesuffix(b"\r\nPRINT 1,2\r\n") == label.rows


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 2), (10, 3), (17, 40)])
def test_a_picture_survives_its_png_and_looks_the_same_to_others(width: int, height: int) -> None:
    """Our reader and Pillow both get the same dots back."""
    picture = small(width, height)
    assert decode_png(encode_png(picture)) == picture
    with Image.open(io.BytesIO(encode_png(picture))) as shown:
        assert (shown.mode, shown.size) == ("1", (width, height))
        assert raster(shown) == picture.rows


def test_the_code_on_a_decoded_picture_is_the_labels(label: Picture) -> None:
    """From the PNG of an evidence file back to the label number, by another program's QR reader."""
    with Image.open(io.BytesIO(encode_png(decode_png(encode_png(label))))) as shown:
        (found,) = zxingcpp.read_barcodes(shown.convert("L"))
    assert found.text == SAID["qr_payload"]
    assert found.text.endswith(LABEL)


def test_any_changed_byte_of_a_png_is_refused() -> None:
    """One form only, and every byte of it is under a checksum or compared."""
    png = encode_png(small())
    for at in range(len(png)):
        for change in (0x01, 0x20, 0x80):
            with pytest.raises(PictureError):
                decode_png(png[:at] + bytes([png[at] ^ change]) + png[at + 1 :])
    for other in (b"", png[:-1], png + b"\0", png[:40]):
        with pytest.raises(PictureError):
            decode_png(other)


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("head", "lines", "says"),
    [
        ((9, 2, 8, 0, 0, 0, 0), bytes(20), "not 1 bit greyscale"),
        ((9, 2, 1, 3, 0, 0, 0), bytes(6), "not 1 bit greyscale"),
        ((9, 2, 1, 0, 0, 0, 1), bytes(6), "not 1 bit greyscale"),
        ((8, 2, 1, 0, 0, 0, 0), b"\0\xff\1\xff", "a row is filtered"),
        ((9, 2, 1, 0, 0, 0, 0), bytes(6), "spare dots"),
        ((8, 2, 1, 0, 0, 0, 0), bytes(3), "more or fewer dots"),
        ((8, 2, 1, 0, 0, 0, 0), bytes(5), "more or fewer dots"),
        ((SIDE_DOTS_MAX + 1, 2, 1, 0, 0, 0, 0), bytes(5), "a side has 1 to"),
        ((8, 0, 1, 0, 0, 0, 0), b"", "a side has 1 to"),
    ],
)
def test_other_good_pngs_are_refused_by_name(head: tuple[int, ...], lines: bytes, says: str) -> None:
    """Greyscale of 8 bits, palettes, interlace, filters, black spare dots, wrong sizes, bombs."""
    ihdr = head[0].to_bytes(4, "big") + head[1].to_bytes(4, "big") + bytes(head[2:])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    with pytest.raises(PictureError, match=says):
        decode_png(png)


def test_a_picture_that_cannot_be_is_refused() -> None:
    """Sizes that do not fit the bytes, and black spare dots."""
    for width, height, rows in ((8, 2, b"\xff"), (0, 1, b""), (9, 1, b"\xff\x00"), (8, SIDE_DOTS_MAX + 1, b"")):
        with pytest.raises(PictureError):
            Picture(width, height, rows)


def test_a_label_is_the_same_from_its_two_records() -> None:
    """What the print record keeps is exactly what the weighing record lacks."""
    document = label_of_weighing(BODY, SAID, 2)
    printed = PrintedPicture("00" * 32, 800, 800, 1, "x", texts_of(document))
    again = PrintedPicture.from_json(printed.as_json())
    assert again == printed
    assert label_of_weighing(BODY, again.texts, 2) == document
    with pytest.raises(KeyError, match="contact"):
        label_of_weighing(BODY, {key: text for key, text in SAID.items() if key != "contact"}, 0)


@pytest.mark.parametrize("key", ["sha256", "width", "height", "labels", "drawn_by", "texts"])
@pytest.mark.parametrize("value", [None, True, 1.5, ["x"], {"contact": 7}])
def test_a_picture_of_nonsense_is_named(key: str, value: object) -> None:
    """A print record may come from a hostile box."""
    good = PrintedPicture("00" * 32, 800, 800, 1, "x", SAID).as_json()
    with pytest.raises(PrintedError, match=key):
        PrintedPicture.from_json({**good, key: value})
    with pytest.raises(PrintedError, match="no object"):
        PrintedPicture.from_json("picture")


def test_what_decides_about_the_dots_is_named() -> None:
    """Versions, and the font by name and digest."""
    font = find_font()
    named = drawn_by(font)
    assert named.endswith(hashlib.sha256(Path(font).read_bytes()).hexdigest()[:16])
    assert all(word in named for word in ("Pillow ", "FreeType ", "segno ", font.name))
