"""ZPL II: a label raster as a job, plain or compressed, and the host status.

Sources: Zebra ZPL II programming guide (^XA, ^PW, ^LL, ^LH, ^FO, ^GF, ^PQ, ~HS, ~HQES); the Z64 form (zlib, base64,
CRC-16 of the base64 text) was checked by rendering both forms with an independent ZPL renderer, dot for dot. A set bit
burns a dot. The bits of ~HQES are recalled; any that is not known counts as an error.
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import TYPE_CHECKING

from hazgate_protocols.label.raster import check_job, one_is_black, row_bytes
from hazgate_protocols.label.status import PrinterStatus

if TYPE_CHECKING:
    from PIL import Image

HOST_STATUS = b"~HS"
ERROR_STATUS = b"~HQES"
FRAMES = 3  # lines of a host status, each STX ... ETX CR LF
ANSWER_BYTES_MAX = 512
_FRAME = re.compile(rb"\x02([^\x02\x03]*)\x03")
_FIRST_FIELDS, _SECOND_FIELDS = 12, 11
_ERRORS = re.compile(rb"ERRORS:\s+([01])\s+([0-9A-Fa-f]{8})\s+([0-9A-Fa-f]{8})")
_ERROR_BITS = {
    0x1: PrinterStatus.PAPER_OUT,
    0x2: PrinterStatus.RIBBON_OUT,
    0x4: PrinterStatus.HEAD_OPEN,
    0x8: PrinterStatus.JAM,  # the cutter
    0x10: PrinterStatus.HEAD_HOT,
    0x20: PrinterStatus.HEAD_HOT,  # the motor
    0x10000: PrinterStatus.PAUSED,
}


def crc16(text: bytes) -> int:
    """CRC-16 of polynomial 1021h from 0, not reflected: what stands behind a Z64 field."""
    crc = 0
    for byte in text:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def encode_job(image: Image.Image, *, copies: int = 1, head_dots: int | None = None, compress: bool = True) -> bytes:
    """One print job for a mode "1" image; compress: as Z64, about a tenth. Raises ValueError like raster.check_job."""
    check_job(image, language="ZPL", head_dots=head_dots, copies=copies)
    dots = one_is_black(image)
    if compress:
        packed = base64.b64encode(zlib.compress(dots, 6))
        field = b":Z64:%b:%04X" % (packed, crc16(packed))
    else:
        field = dots.hex().upper().encode("ascii")
    return b"^XA^PW%d^LL%d^LH0,0^FO0,0^GFA,%d,%d,%d,%b^FS^PQ%d^XZ\r\n" % (
        image.width, image.height, len(dots), len(dots), row_bytes(image), field, copies
    )  # fmt: skip


def is_whole(answer: bytes) -> bool:
    """Whether all three lines of a host status have come."""
    return len(_FRAME.findall(answer)) >= FRAMES


def decode_host_status(answer: bytes) -> PrinterStatus | None:
    """The meaning of ~HS; None when it is not whole or not of this form. The newest answer counts."""
    frames = [frame.decode("ascii", "replace").split(",") for frame in _FRAME.findall(answer)]
    for place in range(len(frames) - FRAMES, -1, -1):
        first, second = frames[place], frames[place + 1]
        if len(first) == _FIRST_FIELDS and len(second) == _SECOND_FIELDS:
            return _meaning(first, second)
    return None


def decode_errors(answer: bytes) -> PrinterStatus | None:
    """The meaning of ~HQES's line of errors; None when there is none."""
    found = _ERRORS.search(answer)
    if found is None:
        return None
    bits = int(found[2], 16) << 32 | int(found[3], 16)
    if found[1] == b"1" and bits == 0:
        return PrinterStatus.OTHER_ERROR
    status = PrinterStatus(0)
    for bit in (1 << place for place in range(64)):
        if bits & bit:
            status |= _ERROR_BITS.get(bit, PrinterStatus.OTHER_ERROR)
    return status


def _meaning(first: list[str], second: list[str]) -> PrinterStatus | None:
    """Fields by the guide: b paper out, c pause, eee formats waiting, f buffer full, h partial format, j RAM lost,
    l over temperature; o head up, p ribbon out, t label waiting, u labels left. "Too cold" (k) clears by itself."""
    try:
        numbers = [int(field, 16 if place == 0 else 10) for place, field in enumerate(first)]
        head_up, ribbon_out, label_waiting, left = (int(second[place]) for place in (2, 3, 7, 8))
    except ValueError:
        return None
    flags = (
        (numbers[1], PrinterStatus.PAPER_OUT),
        (numbers[2], PrinterStatus.PAUSED),
        (numbers[4] or numbers[5] or numbers[7], PrinterStatus.BUSY),
        (numbers[9], PrinterStatus.OTHER_ERROR),
        (numbers[11], PrinterStatus.HEAD_HOT),
        (head_up, PrinterStatus.HEAD_OPEN),
        (ribbon_out, PrinterStatus.RIBBON_OUT),
        (label_waiting, PrinterStatus.LABEL_WAITING),
        (left, PrinterStatus.BUSY),
    )
    status = PrinterStatus(0)
    for value, flag in flags:
        status |= flag if value else PrinterStatus(0)
    return status
