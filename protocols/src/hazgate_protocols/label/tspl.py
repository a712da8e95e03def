"""TSPL printer language: a label raster as a job, the status byte and the status text of newer models.

Sources: TSC TSPL/TSPL2 programming manual (SIZE, GAP, DENSITY, SPEED, DIRECTION, CLS, BITMAP, PRINT, `<ESC>!?`);
polarity (bit 0 = black in BITMAP mode 0) checked by a measured round trip. Only this smallest set of commands is sent:
one printer model drops a whole job for a single command it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hazgate_protocols.label.raster import COPIES_MAX, row_bytes, zero_is_black
from hazgate_protocols.label.status import PrinterStatus

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["STATUS_REQUEST", "TEXT_REQUEST", "PrinterStatus", "decode_status", "decode_text", "encode_job", "raster"]

STATUS_REQUEST = b"\x1b!?"  # answered with one byte, also while printing
TEXT_REQUEST = b"\x1b!S"  # newer TSC models: answered with STX, four characters, ETX CR LF, also while printing
TEXT_BYTES = 8
DOTS_PER_MM = (8, 12)
DENSITY, SPEED_INCH_PER_S = 8, 4  # middle of 0..15; 4 inch/s is slow enough for thermal transfer on every model


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
    head = (
        f"SIZE {side_mm} mm,{side_mm} mm\r\nGAP {gap_mm} mm,0 mm\r\nDENSITY {density}\r\nSPEED {speed}\r\n"
        f"DIRECTION 1\r\nCLS\r\nBITMAP 0,0,{row_bytes(image)},{image.height},0,"
    )
    return head.encode("ascii") + raster(image) + f"\r\nPRINT 1,{copies}\r\n".encode("ascii")


def raster(image: Image.Image) -> bytes:
    """Rows of a mode "1" image as TSPL wants them: bit 0 = black, as Pillow has it; rows padded with white (1)."""
    return zero_is_black(image)


# TSC TSPL/TSPL2 manual, `<ESC>!S`. First character: what the printer does. Pausing is certain; the letters for what
# waits or works are as listed there; the last two of the media column are recalled.
_DOES = {
    "@": PrinterStatus(0),
    "`": PrinterStatus.PAUSED,
    "B": PrinterStatus.BUSY,  # backing the label
    "C": PrinterStatus.BUSY,  # cutting
    "E": PrinterStatus.OTHER_ERROR,
    "F": PrinterStatus.BUSY,  # feeding
    "K": PrinterStatus.PAUSED,  # waits for its key
    "L": PrinterStatus.LABEL_WAITING,
    "P": PrinterStatus.BUSY,  # printing
    "W": PrinterStatus.BUSY,  # imaging
}
_HEAD_BITS = {
    0x01: PrinterStatus.HEAD_HOT,
    0x02: PrinterStatus.HEAD_HOT,  # the motor
    0x08: PrinterStatus.JAM,  # the cutter
    0x10: PrinterStatus.OTHER_ERROR,  # memory
}
_MEDIA_BITS = {
    0x01: PrinterStatus.PAPER_OUT,
    0x02: PrinterStatus.JAM,
    0x04: PrinterStatus.RIBBON_OUT,
    0x08: PrinterStatus.JAM,  # of the ribbon
    0x20: PrinterStatus.HEAD_OPEN,
}


def decode_text(answer: bytes) -> PrinterStatus | None:
    """The meaning of the newest whole answer to TEXT_REQUEST; None when there is none. What it cannot name is an
    error of the printer, never "ready"."""
    start = answer.rfind(b"\x02")
    while start >= 0 and len(answer) - start < TEXT_BYTES:
        start = answer.rfind(b"\x02", 0, start)
    frame = answer[start : start + TEXT_BYTES]
    if start < 0 or frame[5:] != b"\x03\r\n" or not all(0x40 <= byte <= 0x7F for byte in frame[1:5]):
        return None
    status = _DOES.get(chr(frame[1]), PrinterStatus.OTHER_ERROR)
    return status | _bits(frame[3], _HEAD_BITS) | _bits(frame[4], _MEDIA_BITS)


def _bits(character: int, meanings: dict[int, PrinterStatus]) -> PrinterStatus:
    status = PrinterStatus(0)
    for bit in (1 << place for place in range(6)):
        if character & bit:
            status |= meanings.get(bit, PrinterStatus.OTHER_ERROR)
    return status
