"""CPCL, the language of mobile label printers: a label raster as a job, and the status byte.

Source: Zebra CPCL programming manual (session line, PAGE-WIDTH, EG, FORM, PRINT, ESC h). A set bit burns a dot. The
session line's 200 is the resolution of its own units and stays 200 on these printers of 8 dots/mm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hazgate_protocols.label.raster import check_job, one_is_black, row_bytes
from hazgate_protocols.label.status import PrinterStatus

if TYPE_CHECKING:
    from PIL import Image

STATUS_REQUEST = b"\x1bh"
ROWS_MAX = 64  # of one EG: mobile printers buffer little
_BITS = (
    (0x01, PrinterStatus.BUSY),
    (0x02, PrinterStatus.PAPER_OUT),
    (0x04, PrinterStatus.HEAD_OPEN),  # the latch
    (0x08, PrinterStatus.BATTERY_LOW),
)
_WAS_RESET = 0x10  # says only that it was switched on since someone last cleared it
_KNOWN = 0x1F


def encode_job(image: Image.Image, *, copies: int = 1, head_dots: int | None = None) -> bytes:
    """One print job for a mode "1" image. Raises ValueError like raster.check_job."""
    check_job(image, language="CPCL", head_dots=head_dots, copies=copies)
    width, dots = row_bytes(image), one_is_black(image)
    job = bytearray(b"! 0 200 200 %d %d\r\nPAGE-WIDTH %d\r\n" % (image.height, copies, image.width))
    for top in range(0, image.height, ROWS_MAX):
        rows = min(ROWS_MAX, image.height - top)
        strip = dots[top * width : (top + rows) * width]
        job += b"EG %d %d 0 %d %b\r\n" % (width, rows, top, strip.hex().upper().encode("ascii"))
    return bytes(job) + b"FORM\r\nPRINT\r\n"


def decode_status(byte: int) -> PrinterStatus:
    """The meaning of one status byte; a bit the manual does not name is an error."""
    if not 0 <= byte <= 0xFF:
        raise ValueError(f"decode printer status: {byte} is no byte")
    status = PrinterStatus(0)
    for bit, flag in _BITS:
        if byte & bit:
            status |= flag
    return status | (PrinterStatus.OTHER_ERROR if byte & ~_KNOWN else PrinterStatus(0))
