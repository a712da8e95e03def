"""Fonts for labels: where Debian keeps them, which characters they hold, how wide and tall they draw.

Coverage is read from the font's own character map (OpenType specification, table `cmap`, formats 4 and 12) and not
guessed from a drawing, because a missing glyph drawn as a box looks like the character 口.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hazgate_protocols.label.errors import FontNotFoundError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

# Debian 12: (path, package), best small text first. WenQuanYi Micro Hei draws the cleanest 3 mm characters at 203 dpi.
FONT_PLACES = (
    (Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"), "fonts-wqy-microhei"),
    (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), "fonts-noto-cjk"),
    (Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"), "fonts-wqy-zenhei"),
)
# Faces of Noto Sans CJK share code points but not shapes: 2 is simplified Chinese, 0 would be Japanese.
FACE_INDEX = {"NotoSansCJK-Regular.ttc": 2}
FONT_BYTES_MAX = 64 * 1024 * 1024
BLACK_FROM = 128  # coverage of 0..255 from which a dot is black: one threshold, never a dither
SPACES = " \u3000"


def find_font(places: tuple[tuple[Path, str], ...] = FONT_PLACES) -> Path:
    """The first font with Chinese that is installed. Raises FontNotFoundError with the package to install."""
    for path, _ in places:
        if path.is_file():
            return path
    looked = ", ".join(f"{path} (package {package})" for path, package in places)
    raise FontNotFoundError(
        f"find label font: none of {looked} is there; install one, e.g. apt-get install {places[0][1]}"
    )


class LabelFace:
    """One font in all sizes: what the layout measures with and the drawing draws with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = FACE_INDEX.get(path.name, 0)
        self._fonts: dict[int, FreeTypeFont] = {}
        self._ink: dict[tuple[int, str], tuple[int, int]] = {}

    def font(self, size: int) -> FreeTypeFont:
        """The font whose em square is `size` dots. A label uses about six sizes."""
        from PIL import ImageFont

        if size not in self._fonts:
            # Basic layout: the same advance on every machine, whether libraqm is installed or not.
            self._fonts[size] = ImageFont.truetype(
                str(self._path), size, index=self._index, layout_engine=ImageFont.Layout.BASIC
            )
        return self._fonts[size]

    def width(self, text: str, size: int) -> int:
        """Advance of the text in dots, rounded up."""
        return int(-(-self.font(size).getlength(text) // 1))

    def ink(self, size: int, sample: str = "国") -> tuple[int, int]:
        """(dots above, dots below) the baseline that a short fixed sample blackens after the threshold; remembered."""
        key = (size, sample)
        if key not in self._ink:
            from PIL import Image, ImageDraw

            image = Image.new("L", (size * 2 * len(sample), size * 3), 0)
            baseline = size * 2
            ImageDraw.Draw(image).text((size // 2, baseline), sample, fill=255, font=self.font(size), anchor="ls")
            box = image.point(lambda value: 255 if value >= BLACK_FROM else 0).getbbox()
            self._ink[key] = (0, 0) if box is None else (baseline - box[1], max(0, box[3] - baseline))
        return self._ink[key]

    def extent(self, text: str, size: int) -> tuple[int, int]:
        """(dots above, dots below) the baseline that this text may touch, faint edges included."""
        _, top, _, bottom = self.font(size).getbbox(text, anchor="ls")
        return max(0, int(-top)), max(0, int(bottom))

    def first_missing(self, text: str) -> str | None:
        """The first character this font cannot draw (control characters among them), None when all are there."""
        covered = covered_codepoints(self._path, self._index)
        for character in text:
            if character in SPACES:
                continue
            if unicodedata.category(character)[0] in "CZ" or ord(character) not in covered:
                return character
        return None


class Codepoints:
    """A set of Unicode code points as a bitmap: 136 KiB where a Python set of a Chinese font takes megabytes."""

    def __init__(self) -> None:
        self._bits = bytearray(0x110000 // 8)

    def add(self, code: int) -> None:
        self._bits[code >> 3] |= 1 << (code & 7)

    def __contains__(self, code: int) -> bool:
        return bool(self._bits[code >> 3] >> (code & 7) & 1)


@lru_cache(maxsize=4)
def open_face(path: Path) -> LabelFace:
    """The font at this path, opened once. Raises FontNotFoundError when it is not a font we can read."""
    try:
        covered_codepoints(path, FACE_INDEX.get(path.name, 0))
    except OSError as error:
        raise FontNotFoundError(f"open label font {path}: {error}; install fonts-wqy-microhei") from error
    except (struct.error, ValueError) as error:
        raise FontNotFoundError(f"open label font {path}: not an OpenType font ({error}); name another file") from error
    return LabelFace(path)


@lru_cache(maxsize=4)
def covered_codepoints(path: Path, index: int) -> Codepoints:
    """Every code point to which the font's Unicode character map gives a glyph."""
    if path.stat().st_size > FONT_BYTES_MAX:
        raise ValueError(f"larger than {FONT_BYTES_MAX} bytes")
    return _codepoints(path.read_bytes(), index)


def _codepoints(font: bytes, index: int) -> Codepoints:
    start = 0
    if font[:4] == b"ttcf":
        (faces,) = struct.unpack_from(">I", font, 8)
        if not index < faces:
            raise ValueError(f"face {index} of {faces}")
        (start,) = struct.unpack_from(">I", font, 12 + 4 * index)
    (tables,) = struct.unpack_from(">H", font, start + 4)
    for table in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, start + 12 + 16 * table)
        if tag == b"cmap":
            return _read_cmap(font, offset)
    raise ValueError("no character map")


def _read_cmap(font: bytes, cmap: int) -> Codepoints:
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    found = Codepoints()
    read = 0
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)
        if platform == 0 or (platform == 3 and encoding in (1, 10)):  # the Unicode maps
            (form,) = struct.unpack_from(">H", font, cmap + offset)
            if form == 4:
                _read_format_4(font, cmap + offset, found)
                read += 1
            elif form == 12:
                _read_format_12(font, cmap + offset, found)
                read += 1
    if read == 0:
        raise ValueError("no Unicode character map of format 4 or 12")
    return found


def _read_format_4(font: bytes, at: int, found: Codepoints) -> None:
    (doubled,) = struct.unpack_from(">H", font, at + 6)
    segments = doubled // 2
    ends = struct.unpack_from(f">{segments}H", font, at + 14)
    starts = struct.unpack_from(f">{segments}H", font, at + 16 + doubled)
    deltas = struct.unpack_from(f">{segments}H", font, at + 16 + 2 * doubled)
    ranges_at = at + 16 + 3 * doubled
    ranges = struct.unpack_from(f">{segments}H", font, ranges_at)
    for segment, (first, last) in enumerate(zip(starts, ends, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            if ranges[segment] == 0:
                glyph = (code + deltas[segment]) & 0xFFFF
            else:
                glyph_at = ranges_at + 2 * segment + ranges[segment] + 2 * (code - first)
                glyph = struct.unpack_from(">H", font, glyph_at)[0] if glyph_at + 2 <= len(font) else 0
            if glyph:
                found.add(code)


def _read_format_12(font: bytes, at: int, found: Codepoints) -> None:
    (groups,) = struct.unpack_from(">I", font, at + 12)
    for group in range(groups):
        first, last, glyph = struct.unpack_from(">III", font, at + 16 + 12 * group)
        if last > 0x10FFFF or first > last:
            raise ValueError(f"character group {first:X}..{last:X}")
        for code in range(first if glyph else first + 1, last + 1):
            found.add(code)
