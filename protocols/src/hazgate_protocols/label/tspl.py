"""TSPL printer language: a label raster as a job, and the status byte.

Sources: TSC TSPL/TSPL2 programming manual (SIZE, GAP, DENSITY, SPEED, DIRECTION, CLS, BITMAP, PRINT, `<ESC>!?`);
polarity (bit 0 = black in BITMAP mode 0) checked by a measured round trip. Only this smallest set of commands is sent:
one printer model drops a whole job for a single command it does not know.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

STATUS_REQUEST = b"\x1b!?"  # answered with one byte, also while printing
DOTS_PER_MM = (8, 12)
COPIES_MAX = 10
DENSITY, SPEED_INCH_PER_S = 8, 4  # middle of 0..15; 4 inch/s is slow enough for thermal transfer on every model


class PrinterStatus(IntFlag):
    """The bits of the status byte; they add up. No answer at all is not this type but None: unknown, never ready."""

    HEAD_OPEN = 0x01
    JAM = 0x02
    PAPER_OUT = 0x04
    RIBBON_OUT = 0x08
    PAUSED = 0x10
    BUSY = 0x20
    COVER_OPEN = 0x40
    OTHER_ERROR = 0x80

    @property
    def ready(self) -> bool:
        """Idle and nothing wrong."""
        return self == 0

    @property
    def busy(self) -> bool:
        """Printing now."""
        return PrinterStatus.BUSY in self

    @property
    def faults(self) -> PrinterStatus:
        """What a person must put right: all but BUSY."""
        return PrinterStatus(int(self) & ~int(PrinterStatus.BUSY))

    @property
    def words(self) -> str:
        """For logs: "paper out, head open", "busy" or "ready"."""
        return ", ".join(
            flag.name.lower().replace("_", " ") for flag in PrinterStatus if flag in self and flag.name
        ) or ("ready")


def decode_status(byte: int) -> PrinterStatus:
    """The meaning of one status byte; every value 0..255 has one."""
    if not 0 <= byte <= 0xFF:
        raise ValueError(f"decode printer status: {byte} is no byte")
    return PrinterStatus(byte)


def encode_job(
    image: Image.Image, *, side_mm: int, gap_mm: int, copies: int = 1, density: int = DENSITY,
    speed: int = SPEED_INCH_PER_S, head_mm: int | None = None,
) -> bytes:  # fmt: skip
    """One print job for a square mode "1" image of side_mm x 8 or x 12 dots.

    head_mm: width of the print head when known; a wider label is refused, because the printer would silently cut it.
    Raises ValueError for an image, size or count that cannot be printed as meant.
    """
    sides = [side_mm * dots_per_mm for dots_per_mm in DOTS_PER_MM]
    if image.mode != "1" or image.width != image.height or image.width not in sides:
        raise ValueError(
            f"encode TSPL job: image {image.width} x {image.height} mode {image.mode!r} is no black layer of "
            f"{side_mm} mm; expected mode '1' and a side of {sides} dots"
        )
    if head_mm is not None and side_mm > head_mm:
        raise ValueError(f"encode TSPL job: label of {side_mm} mm is wider than the print head of {head_mm} mm")
    if not 1 <= copies <= COPIES_MAX:
        raise ValueError(f"encode TSPL job: {copies} copies; allowed are 1 to {COPIES_MAX}")
    if not 0 <= gap_mm <= 25 or not 0 <= density <= 15 or not 1 <= speed <= 12:
        raise ValueError(f"encode TSPL job: gap {gap_mm} mm, density {density} or speed {speed} inch/s out of range")
    row_bytes = -(-image.width // 8)
    head = (
        f"SIZE {side_mm} mm,{side_mm} mm\r\nGAP {gap_mm} mm,0 mm\r\nDENSITY {density}\r\nSPEED {speed}\r\n"
        f"DIRECTION 1\r\nCLS\r\nBITMAP 0,0,{row_bytes},{image.height},0,"
    )
    return head.encode("ascii") + raster(image) + f"\r\nPRINT 1,{copies}\r\n".encode("ascii")


def raster(image: Image.Image) -> bytes:
    """Rows of a mode "1" image as TSPL wants them: bit 0 = black, as Pillow has it; rows padded with white (1)."""
    from PIL import Image

    row_bytes = -(-image.width // 8)
    if row_bytes * 8 == image.width:
        return image.tobytes()
    padded = Image.new("1", (row_bytes * 8, image.height), 1)  # Pillow would pad with 0, which prints a black edge
    padded.paste(image, (0, 0))
    return padded.tobytes()
