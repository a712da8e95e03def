"""The job's bytes against the TSPL manual, and the status byte."""

from __future__ import annotations

import pytest
from PIL import Image

from hazgate_protocols.label.tspl import PrinterStatus, decode_status, encode_job, raster


def blank(side: int) -> Image.Image:
    return Image.new("1", (side, side), 1)


def test_a_job_is_the_manuals_commands_around_the_raster() -> None:
    """Exact bytes of a 10 mm label with one black dot at the top left: bit 0 burns."""
    image = blank(80)
    image.putpixel((0, 0), 0)
    rows = bytearray(b"\xff" * 800)
    rows[0] = 0x7F
    assert encode_job(image, side_mm=10, gap_mm=2, copies=2) == (
        b"SIZE 10 mm,10 mm\r\nGAP 2 mm,0 mm\r\nDENSITY 8\r\nSPEED 4\r\nDIRECTION 1\r\nCLS\r\n"
        b"BITMAP 0,0,10,80,0," + bytes(rows) + b"\r\nPRINT 1,2\r\n"
    )


def test_a_width_of_no_whole_byte_is_padded_with_white() -> None:
    """11 mm at 12 dots are 132 dots = 16.5 bytes: the last half byte of every row is 1111, never a black edge."""
    assert raster(Image.new("1", (132, 2), 0)) == (bytes(16) + b"\x0f") * 2


@pytest.mark.parametrize(
    ("image", "changes"),
    [
        (Image.new("L", (80, 80), 255), {}),
        (blank(81), {}),
        (Image.new("1", (80, 88), 1), {}),
        (blank(80), {"copies": 0}),
        (blank(80), {"copies": 11}),
        (blank(80), {"gap_mm": -1}),
        (blank(80), {"density": 16}),
        (blank(80), {"speed": 0}),
        (blank(80), {"head_mm": 9}),
    ],
)
def test_a_job_that_would_not_print_as_meant_is_refused(image: Image.Image, changes: dict[str, int]) -> None:
    """Wrong mode, size, count, a label wider than the head: ValueError before any byte is made."""
    with pytest.raises(ValueError, match="encode TSPL job"):
        encode_job(image, **({"side_mm": 10, "gap_mm": 2} | changes))


@pytest.mark.parametrize(
    ("byte", "ready", "busy", "faults", "words"),
    [
        (0x00, True, False, PrinterStatus(0), "ready"),
        (0x20, False, True, PrinterStatus(0), "busy"),
        (0x05, False, False, PrinterStatus.PAPER_OUT | PrinterStatus.HEAD_OPEN, "head open, paper out"),
        (0x24, False, True, PrinterStatus.PAPER_OUT, "paper out, busy"),
        (0x80, False, False, PrinterStatus.OTHER_ERROR, "other error"),
    ],
)
def test_a_status_byte_means_what_the_manual_says(
    byte: int, ready: bool, busy: bool, faults: PrinterStatus, words: str
) -> None:
    """Bits add up; only 00 is ready."""
    status = decode_status(byte)
    assert (status.ready, status.busy, status.faults, status.words) == (ready, busy, faults, words)


def test_every_status_byte_has_a_meaning_and_only_zero_is_ready() -> None:
    """All 256 values decode; anything else is our own mistake."""
    assert [byte for byte in range(256) if decode_status(byte).ready] == [0]
    for wrong in (-1, 256):
        with pytest.raises(ValueError, match="no byte"):
            decode_status(wrong)
