"""A drawn label's dots as printers take them.

The polarity trap: Pillow's mode "1" has 1 = white. TSPL's BITMAP mode 0 burns where the bit is 0, so its bytes go out
as they are. ZPL, ESC/POS and CPCL burn where the bit is 1. The wrong way round prints a solid black label, which can
hurt the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

COPIES_MAX = 10
_INVERTED = bytes(byte ^ 0xFF for byte in range(256))


def row_bytes(image: Image.Image) -> int:
    """Bytes of one row of dots."""
    return -(-image.width // 8)


def zero_is_black(image: Image.Image) -> bytes:
    """Rows of a mode "1" image, bit 0 = black as Pillow has it; rows padded with white (1)."""
    from PIL import Image

    width = row_bytes(image) * 8
    if width == image.width:
        return image.tobytes()
    padded = Image.new("1", (width, image.height), 1)  # Pillow would pad with 0, which prints a black edge
    padded.paste(image, (0, 0))
    return padded.tobytes()


def one_is_black(image: Image.Image) -> bytes:
    """Rows of a mode "1" image, bit 1 = black; rows padded with white (0)."""
    return zero_is_black(image).translate(_INVERTED)


def check_job(image: Image.Image, *, language: str, head_dots: int | None, copies: int) -> None:
    """Raises ValueError for an image or count that cannot be printed as meant: a head cuts what is wider, unsaid."""
    if image.mode != "1" or not image.width or not image.height:
        raise ValueError(
            f"encode {language} job: image {image.width} x {image.height} mode {image.mode!r} is no black layer; "
            "expected mode '1'"
        )
    if head_dots is not None and image.width > head_dots:
        raise ValueError(
            f"encode {language} job: {image.width} dots are wider than the print head of {head_dots} dots; use a "
            "wider printer"
        )
    if not 1 <= copies <= COPIES_MAX:
        raise ValueError(f"encode {language} job: {copies} copies; allowed are 1 to {COPIES_MAX}")
