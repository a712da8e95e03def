"""A label's picture as bits: its digest, which the box's print record names, and the one PNG form that shows it.

Needs neither Pillow nor anything else, so that whoever verifies can look at exactly the bits that were sent.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

SIDE_DOTS_MAX = 4096  # a label of 200 mm has 2400 dots at 12 dots a millimetre
PNG_BYTES_MAX = 4 << 20

_DIGEST = b"hazgate label picture v1\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_SIZE = struct.Struct(">II")
# PNG specification (ISO/IEC 15948), IHDR: width, height, depth 1, greyscale, deflate, adaptive filters, no interlace.
_IHDR = struct.Struct(">IIBBBBB")
_KIND = (1, 0, 0, 0, 0)


class PictureError(ValueError):
    """Not a picture in our one form; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Black and white dots. rows: from the top, each of ceil(width / 8) bytes, the leftmost dot the highest bit;
    0 = black, as printers take it; the spare bits at a row's end are 1."""

    width: int
    height: int
    rows: bytes

    def __post_init__(self) -> None:
        if not 0 < self.width <= SIDE_DOTS_MAX or not 0 < self.height <= SIDE_DOTS_MAX:
            raise PictureError(f"{self.width} x {self.height} dots; a side has 1 to {SIDE_DOTS_MAX}")
        row_bytes = -(-self.width // 8)
        if len(self.rows) != row_bytes * self.height:
            raise PictureError(f"{len(self.rows)} bytes of dots for {self.width} x {self.height}")
        spare = (1 << (row_bytes * 8 - self.width)) - 1
        if any(last & spare != spare for last in self.rows[row_bytes - 1 :: row_bytes]):
            raise PictureError("spare dots at a row's end are black")

    def digest(self) -> bytes:
        """SHA-256 over the text "hazgate label picture v1", a zero byte, width and height (4 bytes each, big endian)
        and the rows."""
        return hashlib.sha256(_DIGEST + _SIZE.pack(self.width, self.height) + self.rows).digest()


def encode_png(picture: Picture) -> bytes:
    """The picture for people's eyes: 1 bit greyscale, every row unfiltered, IHDR, one IDAT, IEND and nothing else."""
    row_bytes = len(picture.rows) // picture.height
    lines = b"".join(
        b"\0" + picture.rows[at : at + row_bytes] for at in range(0, len(picture.rows), row_bytes)
    )  # 0: no filter
    return (
        _PNG
        + _chunk(b"IHDR", _IHDR.pack(picture.width, picture.height, *_KIND))
        + _chunk(b"IDAT", zlib.compress(lines, 9))
        + _chunk(b"IEND", b"")
    )


def decode_png(data: bytes) -> Picture:
    """The picture in a PNG of exactly encode_png()'s form. Raises PictureError for any other, also for good PNGs."""
    if len(data) > PNG_BYTES_MAX:
        raise PictureError(f"{len(data)} bytes; a label's picture has at most {PNG_BYTES_MAX}")
    if not data.startswith(_PNG):
        raise PictureError("no PNG")
    head, at = _take(data, len(_PNG), b"IHDR")
    packed, at = _take(data, at, b"IDAT")
    rest, at = _take(data, at, b"IEND")
    if len(head) != _IHDR.size or rest or at != len(data):
        raise PictureError("it has more or other chunks than IHDR, one IDAT, IEND")
    width, height, *kind = _IHDR.unpack(head)
    if tuple(kind) != _KIND:
        raise PictureError("it is not 1 bit greyscale without interlace")
    if not 0 < width <= SIDE_DOTS_MAX or not 0 < height <= SIDE_DOTS_MAX:
        raise PictureError(f"{width} x {height} dots; a side has 1 to {SIDE_DOTS_MAX}")
    line_bytes = 1 + -(-width // 8)
    lines = _unpacked(packed, line_bytes * height)
    if any(lines[::line_bytes]):
        raise PictureError("a row is filtered")
    return Picture(width, height, b"".join(lines[at + 1 : at + line_bytes] for at in range(0, len(lines), line_bytes)))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _take(data: bytes, at: int, name: bytes) -> tuple[bytes, int]:
    """The content of the chunk at this place, and the place behind it."""
    if len(data) < at + 12:
        raise PictureError("it is cut short")
    length = int.from_bytes(data[at : at + 4], "big")
    end = at + 12 + length
    content = data[at + 8 : end - 4]
    if data[at + 4 : at + 8] != name or data[at:end] != _chunk(name, content):
        raise PictureError(f"no sound {name.decode()} at byte {at}")
    return content, end


def _unpacked(packed: bytes, size: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        lines = inflate.decompress(packed, size + 1)
    except zlib.error as exc:
        raise PictureError(f"its dots cannot be unpacked: {exc}") from exc
    if len(lines) != size or not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise PictureError("it holds more or fewer dots than its size says")
    return lines
