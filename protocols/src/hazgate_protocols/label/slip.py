"""A proof slip for receipt paper: what was weighed, for the file or the driver. It is no label and says so in black.

HJ 1276-2022 wants a label of 100 mm at least; the heads of receipt printers have 48 and 72 mm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hazgate_protocols.label.document import LabelDocument
from hazgate_protocols.label.errors import LabelError
from hazgate_protocols.label.fields import ID_SEGMENTS, check_document
from hazgate_protocols.label.fonts import BLACK_FROM, LabelFace, open_face
from hazgate_protocols.label.pictograms import HAZARDS
from hazgate_protocols.label.qr import QUIET_MODULES, qr_modules
from hazgate_protocols.label.wrap import wrap

if TYPE_CHECKING:
    from PIL import Image

TITLE = "称重凭条"
NO_LABEL = "不是危险废物标签"
CHARACTER_MM = 3  # clean on a 203 dpi head; below 2 mm ideographs fall apart (looked at)
MARGIN_MM = 2
QR_MODULE_MM = 0.5  # below that, hand scanners miss it; larger as two thirds of the paper's width allow
ROWS_MAX = 4000  # half a metre of paper
FIELDS = (
    ("waste_name", "废物名称"),
    ("waste_code", "废物代码"),
    ("category", "废物类别"),
    ("physical_form", "废物形态"),
    ("hazard_characteristics", "危险特性"),
    ("unit_name", "产生单位"),
    ("produced_on", "产生日期"),
    ("remarks", "备注"),
)


def render_slip(
    document: LabelDocument, *, width_dots: int, dots_per_mm: int, side_mm: int, font_path: Path
) -> Image.Image:
    """A mode "1" image (0 = black) of this width, as long as it takes. side_mm: the label the container needs.

    Raises LabelError (names the field) and FontNotFoundError.
    """
    face = open_face(font_path)
    check_document(document, face)
    needed = f"须另贴 {side_mm}×{side_mm} mm 标签"
    missing = face.first_missing(TITLE + NO_LABEL + needed + "".join(caption for _, caption in FIELDS))
    if missing is not None:
        raise LabelError("title", f"the font lacks {missing!r}", "install fonts-wqy-microhei")
    paper = _Paper(width_dots, dots_per_mm, face)
    body = paper.body
    paper.centred(TITLE if document.copy == 0 else f"{TITLE} 补打 {document.copy}", body * 3 // 2)
    paper.bar(NO_LABEL)
    paper.gap()
    paper.centred(document.weight, body * 2)
    paper.gap()
    for name, caption in FIELDS:
        value = getattr(document, name)
        if isinstance(value, tuple):
            value = "、".join(HAZARDS[code].word for code in value)
        if value.strip():
            paper.row(caption, value)
    paper.rule()
    cut = ID_SEGMENTS[0]
    paper.centred(document.digital_id[:cut], body)
    paper.centred(" ".join((document.digital_id[cut : cut + 8], document.digital_id[cut + 8 : cut + 16],
                            document.digital_id[cut + 16 :])), body)  # fmt: skip
    paper.symbol(qr_modules(document.qr_payload))
    paper.bar(needed)
    return paper.cut_off()


@dataclass(slots=True)
class _Paper:
    """Receipt paper, written from the top."""

    width: int
    dots_per_mm: int
    face: LabelFace
    body: int = field(init=False)
    _ink: Image.Image = field(init=False)
    _at: int = field(init=False)

    def __post_init__(self) -> None:
        from PIL import Image

        self.body = CHARACTER_MM * self.dots_per_mm + 2  # the em square of a 3 mm ideograph
        self._ink = Image.new("L", (self.width, ROWS_MAX), 0)
        self._at = MARGIN_MM * self.dots_per_mm

    @property
    def _margin(self) -> int:
        return self.dots_per_mm

    def gap(self) -> None:
        """A little blank."""
        self._take(self.body // 3)

    def rule(self) -> None:
        """A line across."""
        self.gap()
        self._box(self._margin, self._at, self.width - self._margin, self._at + 2)
        self._take(2)
        self.gap()

    def centred(self, text: str, size: int, *, inverse: bool = False) -> None:
        """Text in the middle, in as many lines as it takes."""
        for line in wrap(text, width=self.width - 4 * self._margin, size=size, face=self.face):
            self._line(line, (self.width - self.face.width(line, size)) // 2, size, inverse=inverse)

    def bar(self, text: str) -> None:
        """Blank text on a black bar."""
        lines = wrap(text, width=self.width - 4 * self._margin, size=self.body, face=self.face)
        self.gap()
        high = len(lines) * self._pitch(self.body) + self.body // 2
        self._box(self._margin, self._at, self.width - self._margin, self._at + high)
        self._take(self.body // 4)
        self.centred(text, self.body, inverse=True)
        self._take(self.body // 4)

    def row(self, caption: str, value: str) -> None:
        """A caption and its value beside it."""
        left = self._margin + self.face.width(FIELDS[0][1], self.body) + self.body // 2
        lines = wrap(value, width=self.width - self._margin - left, size=self.body, face=self.face)
        top = self._at
        self._line(caption, self._margin, self.body)
        self._at = top
        for line in lines:
            self._line(line, left, self.body)

    def symbol(self, modules: tuple[tuple[bool, ...], ...]) -> None:
        """The QR code with its quiet zone, in the middle."""
        across = len(modules) + 2 * QUIET_MODULES
        least = -(-int(QR_MODULE_MM * 100) * self.dots_per_mm // 100)
        module = max(least, self.width * 2 // 3 // across)
        if module * across > self.width:
            raise LabelError(
                "qr_payload", f"{across} modules are too many for this paper", "configure a shorter address"
            )
        left, top = (self.width - module * across) // 2, self._at
        for row, line in enumerate(modules, start=QUIET_MODULES):
            for column, dark in enumerate(line, start=QUIET_MODULES):
                if dark:
                    x, y = left + column * module, top + row * module
                    self._box(x, y, x + module, y + module)
        self._take(module * across)

    def cut_off(self) -> Image.Image:
        """What was written, black or not by one threshold."""
        from PIL import Image

        end = self._at + MARGIN_MM * self.dots_per_mm
        paper = self._ink.crop((0, 0, self.width, end))
        return paper.point(lambda value: 0 if value >= BLACK_FROM else 255).convert("1", dither=Image.Dither.NONE)

    def _pitch(self, size: int) -> int:
        return size * 5 // 4

    def _line(self, text: str, left: int, size: int, *, inverse: bool = False) -> None:
        from PIL import ImageDraw

        above, below = self.face.ink(size)
        pitch = self._pitch(size)
        baseline = self._at + (pitch - above - below) // 2 + above
        pen = ImageDraw.Draw(self._ink)
        pen.text((left, baseline), text, fill=0 if inverse else 255, font=self.face.font(size), anchor="ls")
        self._take(pitch)

    def _box(self, left: int, top: int, right: int, bottom: int) -> None:
        from PIL import ImageDraw

        ImageDraw.Draw(self._ink).rectangle((left, top, right - 1, bottom - 1), fill=255)

    def _take(self, dots: int) -> None:
        self._at += dots
        if self._at > ROWS_MAX - MARGIN_MM * self.dots_per_mm:
            raise LabelError("remarks", "the slip is longer than half a metre", "shorten the texts")
