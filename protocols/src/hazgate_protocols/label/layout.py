"""Where everything stands on a label: boxes and text runs in dots, before anything is drawn.

HJ 1276-2022: border line at least 1 mm, at least 3 mm blank outside it, characters at least 3, 5 or 6 mm by size of
label. "Character height" is taken as the blackened height of an ideograph (国): its em square is larger still. Codes
and the weight are enlarged until their digits alone have that height, where they fit. The arrangement (substance and
hazards above, precautions and code across, origin beside the QR code below) follows the standard's sample as recalled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hazgate_protocols.label.document import CHARACTER_MM, LabelDocument
from hazgate_protocols.label.errors import LabelError
from hazgate_protocols.label.fields import (
    CAPTION,
    ENLARGED,
    HAZARD_HEADING,
    ID_SEGMENTS,
    ONE_LINE,
    SHORTENABLE,
    TITLE,
    Glyphs,
    check_document,
)
from hazgate_protocols.label.pictograms import HAZARDS
from hazgate_protocols.label.placed import Box, HazardMark, Layout, Run
from hazgate_protocols.label.qr import QUIET_MODULES, qr_modules
from hazgate_protocols.label.wrap import Measure, shorten, wrap

BLANK_MM = 3  # outside the border
BORDER_MM = 1
DOTS_PER_MM = (8, 12)  # "203 dpi" and "300 dpi" heads are exactly 8 and 12 dots/mm
ID_LINES = ((0,), (1, 2, 3))  # segments on each printed line
QR_MODULE_MM_MIN = 0.5  # below that, hand scanners miss wiped labels
PICTOGRAM_MM_MIN = {1: 7, 2: 7, 3: 5}  # by rows of pictograms; three rows only where all five hazards meet
LINES_MAX = 12
TALL_SAMPLE = "国危gj(（"  # the tallest ink of ordinary text


class Face(Measure, Glyphs, Protocol):
    """What the layout asks of a font (fonts.LabelFace)."""

    def ink(self, size: int, sample: str = ...) -> tuple[int, int]:
        """Dots blackened above and below the baseline."""
        ...

    def extent(self, text: str, size: int) -> tuple[int, int]:
        """Dots this very text may touch above and below the baseline."""
        ...


def lay_out(document: LabelDocument, *, side_mm: int, dots_per_mm: int, face: Face) -> Layout:
    """Place every field. Raises LabelError when a field may not be cut and does not fit, is empty or has no glyph."""
    if side_mm not in CHARACTER_MM:
        raise ValueError(f"lay out label: side {side_mm} mm; HJ 1276 knows {sorted(CHARACTER_MM)}")
    if dots_per_mm not in DOTS_PER_MM:
        raise ValueError(f"lay out label: {dots_per_mm} dots/mm; heads have {DOTS_PER_MM}")
    check_document(document, face)
    return _Composer(document, side_mm, dots_per_mm, face).compose()


@dataclass(slots=True)
class _Cell:
    field: str
    caption: tuple[str, ...]
    left: int
    value_left: int
    value_width: int
    size: int
    lines: list[str]
    cut: bool = False

    def shorten(self, most: int, face: Measure) -> None:
        """Keep at most so many lines."""
        if len(self.lines) > most:
            self.lines = shorten(self.lines, most, width=self.value_width, size=self.size, face=face)
            self.cut = True


@dataclass(slots=True)
class _Row:
    cells: list[_Cell]
    right: int  # where the row's cells end
    height: int = 0
    top: int = 0


class _Composer:
    """One label being placed; every length in dots."""

    def __init__(self, document: LabelDocument, side_mm: int, dots_per_mm: int, face: Face) -> None:
        self._document = document
        self._face = face
        self._dots_per_mm = dots_per_mm
        self._side = side_mm * dots_per_mm
        self._blank = BLANK_MM * dots_per_mm
        self._border = BORDER_MM * dots_per_mm
        self._rule = max(2, dots_per_mm // 4)
        self._character = CHARACTER_MM[side_mm] * dots_per_mm
        self._body = self._size_for("国")
        self._figure = self._size_for("0")
        self._pad = max(3, self._body // 9)
        self._gap = self._body // 4
        self._left = self._top = self._blank + self._border
        self._inner = self._side - 2 * self._left
        self._right = self._left + self._inner
        self._caption_width = face.width("废物名称", self._body) + 2 * self._gap
        self._runs: list[Run] = []
        self._rules: list[Box] = []
        self._qr = qr_modules(document.qr_payload)
        self._qr_modules = len(self._qr) + 2 * QUIET_MODULES

    def compose(self) -> Layout:
        split = self._right - self._hazard_column()
        qr_split = self._right - self._qr_column()
        upper = [
            self._row(["waste_name"], split),
            self._row(["category"], split),
            *self._code_rows(split),
            self._row(["main_components"], split),
            self._row(["harmful_components"], split),
        ]
        middle = [self._row(["precautions"], self._right), self._row(["digital_id"], self._right)]
        lower = [self._row([field], qr_split) for field in ("unit_name", "contact", "produced_on", "weight", "remarks")]
        title_size = self._body * 9 // 4
        title_height = self._fit(upper, middle, lower, title_size * 5 // 4)
        top = self._top + title_height
        for row in upper + middle + lower:
            row.top = top
            top += row.height
            self._place_row(row)
        copy_box = self._place_title(title_size, title_height)
        hazards = self._place_hazards(Box(split, upper[0].top, self._right - split, _height(upper)))
        qr_box, module = self._place_qr(Box(qr_split, lower[0].top, self._right - qr_split, _height(lower)))
        cells = [cell for row in upper + middle + lower for cell in row.cells]
        outer = Box(self._blank, self._blank, self._side - 2 * self._blank, self._side - 2 * self._blank)
        self._rules += [
            Box(split, upper[0].top, self._rule, _height(upper)),
            Box(qr_split, lower[0].top, self._rule, _height(lower)),
        ]
        return Layout(
            side_dots=self._side,
            dots_per_mm=self._dots_per_mm,
            character_dots=self._character,
            border=outer,
            border_dots=self._border,
            rules=tuple(self._rules),
            runs=tuple(self._runs),
            hazards=hazards,
            qr=self._qr,
            qr_box=qr_box,
            qr_module_dots=module,
            copy_box=copy_box,
            shortened=tuple(cell.field for cell in cells if cell.cut),
        )

    def _size_for(self, sample: str) -> int:
        """The smallest em size whose sample blackens at least the required character height."""
        size = self._character
        while sum(self._face.ink(size, sample)) < self._character:
            size += 1
        return size

    def _hazard_column(self) -> int:
        """Width of the pictograms' column: two words of three ideographs side by side when there are two."""
        word = self._face.width("腐蚀性", self._body)
        columns, _ = self._hazard_grid()
        return max(self._inner * 25 // 100, columns * (word + self._gap) + self._rule)

    def _qr_column(self) -> int:
        """Width of the QR code's column: modules as large as 31 % of the width allow, never under half a millimetre."""
        module = max(self._inner * 31 // 100 // self._qr_modules, self._qr_module_min())
        width = module * self._qr_modules + self._rule
        if width > self._inner * 35 // 100:
            raise LabelError(
                "qr_payload",
                f"needs {self._qr_modules} modules with quiet zone, too many for this label",
                "configure a shorter address for QR codes",
            )
        return width

    def _code_rows(self, right: int) -> list[_Row]:
        """Code and form side by side, or below each other where the form's words are long."""
        try:
            return [self._row(["waste_code", "physical_form"], right)]
        except LabelError:
            return [self._row(["waste_code"], right), self._row(["physical_form"], right)]

    def _row(self, fields: list[str], right: int) -> _Row:
        cells: list[_Cell] = []
        left = self._left
        for number, field in enumerate(fields):
            end = right
            if number + 1 < len(fields):  # what follows in the row takes only what it needs
                rest = self._face.width(getattr(self._document, fields[number + 1]), self._body) + 3 * self._gap
                end = right - self._caption_width - rest
            cells.append(self._cell(field, left, end))
            left = end
        return _Row(cells, right)

    def _cell(self, field: str, left: int, right: int) -> _Cell:
        text: str = getattr(self._document, field)
        value_left = left + self._caption_width + self._gap
        width = right - self._gap - value_left
        for size in (self._figure, self._body) if field in ENLARGED else (self._body,):
            lines = self._break(field, text, width, size)
            too_wide = any(self._face.width(line, size) > width for line in lines)
            too_long = len(lines) > (1 if field in ONE_LINE else LINES_MAX)
            if not too_wide and (not too_long or field in SHORTENABLE):
                cell = _Cell(field, CAPTION[field], left, value_left, width, size, lines)
                cell.shorten(LINES_MAX, self._face)
                return cell
        raise LabelError(field, f"{text[:60]!r} does not fit its cell", "shorten it: this field is never cut")

    def _break(self, field: str, text: str, width: int, size: int) -> list[str]:
        if field == "digital_id":
            segments = _segments(text)
            return [" ".join(segments[number] for number in line) for line in ID_LINES]
        return wrap(text, width=width, size=size, face=self._face)

    def _pitch(self, size: int) -> int:
        """From baseline to baseline, so that nothing of ordinary text touches the line below."""
        if size == self._body:
            return sum(self._face.ink(size, TALL_SAMPLE))
        return self._face.ink(size, "0")[0] + self._face.ink(size, "g")[1] + self._pad

    def _needs(self, row: _Row) -> int:
        most = max(
            max(len(cell.caption) * self._pitch(self._body), len(cell.lines) * self._pitch(cell.size))
            for cell in row.cells
        )
        return most + 2 * self._pad + self._rule

    def _fit(self, upper: list[_Row], middle: list[_Row], lower: list[_Row], title: int) -> int:
        """Give every row its height so that all is exactly full; returns the title's height. Shortens what may be."""
        blocks = ((upper, self._hazards_need()), (middle, 0), (lower, self._qr_modules * self._qr_module_min()))
        while True:
            for block, least in blocks:
                for row in block:
                    row.height = self._needs(row)
                _share(block, max(0, least + 2 * self._rule - _height(block)))
            spare = self._inner - title - sum(_height(block) for block, _ in blocks)
            if spare >= 0:
                break
            self._shorten_one([cell for block, _ in blocks for row in block for cell in row.cells])
        rows = upper + middle + lower
        for_title = min(spare // 4, title // 3)
        _share(rows, spare - for_title)
        return title + for_title

    def _shorten_one(self, cells: list[_Cell]) -> None:
        """Take a line from the longest field that may lose one."""
        by_field = {cell.field: cell for cell in cells}
        longest = max((by_field[field] for field in SHORTENABLE), key=lambda cell: len(cell.lines))
        if len(longest.lines) == 1:
            whole = max(
                (cell for cell in cells if cell.field not in SHORTENABLE + ENLARGED), key=lambda cell: len(cell.lines)
            )
            text = getattr(self._document, whole.field)
            raise LabelError(whole.field, f"{len(text)} characters do not fit", "shorten it: this field is never cut")
        longest.shorten(len(longest.lines) - 1, self._face)

    def _place_row(self, row: _Row) -> None:
        inside = row.height - self._rule  # the rule above belongs to the row
        top = row.top + self._rule
        self._rules.append(Box(self._left, row.top, row.right - self._left, self._rule))
        for cell in row.cells:
            if cell.left > self._left:
                self._rules.append(Box(cell.left, row.top, self._rule, row.height))
            divider = cell.left + self._caption_width
            self._rules.append(Box(divider, row.top, self._rule, row.height))
            self._place_lines(cell.field, "caption", list(cell.caption), cell.left, self._body, top, inside)
            self._place_lines(cell.field, "value", cell.lines, cell.value_left, cell.size, top, inside)

    def _place_lines(
        self, field: str, role: str, lines: list[str], left: int, size: int, top: int, height: int
    ) -> None:
        """Lines in a cell, centred by height; captions centred by width as well."""
        pitch = self._pitch(size)
        above, below = self._face.ink(size, "国" if size == self._body else "0")
        baseline = top + (height - pitch * (len(lines) - 1) - above - below) // 2 + above
        for line in lines:
            start = left
            if role == "caption":
                start += (self._caption_width - self._face.width(line, size)) // 2
            # The digital id is drawn segment by segment: the gaps help the eye and are not part of the code.
            for piece in line.split(" ") if field == "digital_id" and role == "value" else [line]:
                if piece:
                    self._run(field, role, piece, start, baseline, size)
                start += self._face.width(piece, size) + size * 2 // 5
            baseline += pitch

    def _run(
        self, field: str, role: str, text: str, left: int, baseline: int, size: int, *, bold: bool = False,
        inverse: bool = False,
    ) -> Run:  # fmt: skip
        above, below = self._face.extent(text, size)
        box = Box(left, baseline - above, self._face.width(text, size), above + below)
        run = Run(field, role, text, left, baseline, size, box, bold, inverse)
        self._runs.append(run)
        return run

    def _place_title(self, size: int, height: int) -> Box | None:
        above, below = self._face.ink(size)
        baseline = self._top + (height - above - below) // 2 + above
        step = self._face.width("国", size) + size // 3
        left = self._left + (self._inner - step * len(TITLE) + size // 3) // 2
        for number, character in enumerate(TITLE):
            self._run("title", "title", character, left + number * step, baseline, size, bold=True)
        if self._document.copy == 0:
            return None
        text = f"补打 {self._document.copy}"
        above, below = self._face.ink(self._body)
        width = self._face.width(text, self._body) + 4 * self._gap
        if width > left - self._left - 2 * self._gap:
            raise LabelError(
                "copy", f"{self._document.copy} reprints do not fit the mark", "void this label and weigh anew"
            )
        tall = above + below + 4 * self._pad
        box = Box(self._right - self._gap - width, self._top + (height - tall) // 2, width, tall)
        baseline = box.top + 2 * self._pad + above
        self._run("copy", "copy", text, box.left + 2 * self._gap, baseline, self._body, bold=True, inverse=True)
        return box

    def _hazard_grid(self) -> tuple[int, int]:
        """(columns, rows) of pictograms."""
        count = len(self._document.hazard_characteristics)
        columns = 1 if count == 1 else 2
        return columns, -(-count // columns)

    def _hazards_need(self) -> int:
        _, rows = self._hazard_grid()
        line = self._pitch(self._body)
        return line + 2 * self._pad + rows * (PICTOGRAM_MM_MIN[rows] * self._dots_per_mm + line + self._pad) + self._pad

    def _place_hazards(self, cell: Box) -> tuple[HazardMark, ...]:
        line = self._pitch(self._body)
        above, below = self._face.ink(self._body)
        head = line + 2 * self._pad
        self._rules.append(Box(cell.left, cell.top, cell.width, self._rule))
        width = self._face.width(HAZARD_HEADING, self._body)
        self._run(
            "hazard_characteristics", "caption", HAZARD_HEADING, cell.left + (cell.width - width) // 2,
            cell.top + self._rule + (head - above - below) // 2 + above, self._body,
        )  # fmt: skip
        self._rules.append(Box(cell.left, cell.top + head, cell.width, self._rule))
        columns, rows = self._hazard_grid()
        area = Box(cell.left + self._rule, cell.top + head + self._rule, cell.width - self._rule, cell.height - head)
        each_width = area.width // columns
        each_height = (area.height - self._pad) // rows
        side = min(each_width - self._gap, each_height - line - self._pad)
        marks: list[HazardMark] = []
        codes = self._document.hazard_characteristics
        for number, code in enumerate(codes):
            row, column = divmod(number, columns)
            in_row = min(columns, len(codes) - row * columns)
            middle = area.left + (area.width - in_row * each_width) // 2 + column * each_width + each_width // 2
            top = area.top + row * each_height + (each_height - side - line) // 2
            marks.append(HazardMark(code, Box(middle - side // 2, top, side, side)))
            word = HAZARDS[code].word
            left = middle - self._face.width(word, self._body) // 2
            self._run("hazard_characteristics", "hazard", word, left, top + side + self._pad + above, self._body)
        return tuple(marks)

    def _qr_module_min(self) -> int:
        return -(-int(QR_MODULE_MM_MIN * 100) * self._dots_per_mm // 100)

    def _place_qr(self, cell: Box) -> tuple[Box, int]:
        module = min(cell.width - self._rule, cell.height - 2 * self._rule) // self._qr_modules
        side = module * self._qr_modules
        left = cell.left + self._rule + (cell.width - self._rule - side) // 2
        self._rules.append(Box(cell.left, cell.top, cell.width, self._rule))
        return Box(left, cell.top + self._rule + (cell.height - self._rule - side) // 2, side, side), module


def _segments(digital_id: str) -> list[str]:
    segments: list[str] = []
    for length in ID_SEGMENTS:
        start = sum(len(segment) for segment in segments)
        segments.append(digital_id[start : start + length])
    return segments


def _height(rows: list[_Row]) -> int:
    return sum(row.height for row in rows)


def _share(rows: list[_Row], dots: int) -> None:
    """Spread dots over the rows as evenly as whole dots allow."""
    for number, row in enumerate(rows):
        row.height += dots // len(rows) + (1 if number < dots % len(rows) else 0)
