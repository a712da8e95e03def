"""ESC/POS: a raster for receipt printers, and the four status bytes.

Sources: Epson TM manuals and the public ESC/POS descriptions of Bixolon, HPRT and Custom printers (ESC @, GS v 0,
ESC d, GS V, DLE EOT n). A set bit burns a dot. A receipt printer has no gap sensor and a head of 48 or 72 mm: it prints
slips, never the label of HJ 1276.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hazgate_protocols.label.raster import check_job, one_is_black, row_bytes
from hazgate_protocols.label.status import PrinterStatus

if TYPE_CHECKING:
    from PIL import Image

REQUESTS = tuple(bytes([0x10, 0x04, number]) for number in (1, 2, 3, 4))  # answered with one byte each, also off-line
FIXED_MASK, FIXED = 0x93, 0x12  # bits that never change: a byte without them is no answer
ROWS_MAX = 960  # of one GS v 0; more at once overflows small buffers
FEED_LINES = 4  # from the head to the cutter
_FEED_KEY, _COVER_OPEN, _PAPER_STOP, _OFFLINE_ERROR = 0x08, 0x04, 0x20, 0x40
_CUTTER, _FATAL, _HOT = 0x08, 0x20, 0x40
_OFFLINE = 0x08
_PAPER_END = 0x60  # 0Ch, near its end, is no fault


def encode_job(image: Image.Image, *, copies: int = 1, head_dots: int | None = None, cutter: bool = True) -> bytes:
    """One print job for a mode "1" image, each copy fed out and cut. Raises ValueError like raster.check_job."""
    check_job(image, language="ESC/POS", head_dots=head_dots, copies=copies)
    width, dots = row_bytes(image), one_is_black(image)
    slip = bytearray()
    for top in range(0, image.height, ROWS_MAX):
        rows = min(ROWS_MAX, image.height - top)
        slip += b"\x1dv0\0" + width.to_bytes(2, "little") + rows.to_bytes(2, "little")
        slip += dots[top * width : (top + rows) * width]
    slip += bytes((0x1B, 0x64, FEED_LINES))
    if cutter:
        slip += b"\x1dVB\0"
    return b"\x1b@" + bytes(slip) * copies


def decode_status(answers: tuple[bytes, ...]) -> PrinterStatus | None:
    """The meaning of the four answers in the order of REQUESTS; None when one is missing or no status byte.

    The last byte of each answer counts: earlier ones were late. ESC/POS has no "printing now".
    """
    if len(answers) != len(REQUESTS) or not all(answers):
        return None
    if any(answer[-1] & FIXED_MASK != FIXED for answer in answers):
        return None
    printer, offline, error, paper = (answer[-1] for answer in answers)
    flags = (
        (offline & _COVER_OPEN, PrinterStatus.COVER_OPEN),
        (offline & _PAPER_STOP or paper & _PAPER_END, PrinterStatus.PAPER_OUT),
        (offline & _FEED_KEY, PrinterStatus.BUSY),
        (error & _CUTTER, PrinterStatus.JAM),
        (error & _FATAL, PrinterStatus.OTHER_ERROR),
        (error & _HOT, PrinterStatus.HEAD_HOT),
    )
    status = PrinterStatus(0)
    for value, flag in flags:
        status |= flag if value else PrinterStatus(0)
    if offline & _OFFLINE_ERROR and not error & (_CUTTER | _FATAL | _HOT):
        status |= PrinterStatus.OTHER_ERROR
    if printer & _OFFLINE and not status:
        status |= PrinterStatus.OFFLINE
    return status
