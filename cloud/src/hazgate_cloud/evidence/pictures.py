"""Drawing a bag's labels again, from the two records that say what they were.

The imaging library and the font are loaded only here, when somebody asks for evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hazgate_protocols.evidence.pictures import REDRAWN, SENT, printed_as
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import Record
from hazgate_protocols.label.document import LabelDocument
from hazgate_protocols.label.picture import Picture, PictureError, encode_png
from hazgate_protocols.label.weighing import PrintedError, PrintedPicture, label_of_weighing

PICTURES_MAX = 8  # the original and the first copies; each has some 20 kB
_DOTS_PER_MM = (8, 12)


class CannotRedrawError(Exception):
    """The label cannot be drawn again here; the text says why."""


def pictures_of(body: WeighingBody, prints: Iterable[tuple[bytes, Record]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The values of the file's picture lines for these print records, and remarks about what could not be shown."""
    lines: list[dict[str, Any]] = []
    remarks: list[str] = []
    seen: set[str] = set()
    for own, record in prints:
        if "picture" not in record.body:
            continue
        what = printed_as(record)
        try:
            told = PrintedPicture.from_json(record.body["picture"])
            if told.sha256 in seen:
                continue
            if len(lines) == PICTURES_MAX:
                raise CannotRedrawError(f"the file already has {PICTURES_MAX} pictures")
            seen.add(told.sha256)
            picture, by = redraw(body, told, record.body.get("copy"))
        except (PrintedError, CannotRedrawError) as exc:
            remarks.append(f"the picture of the {what} (record {record.seq}) is not in the file: {exc}")
            continue
        same = picture.digest().hex() == told.sha256
        if not same:
            remarks.append(
                f"the picture of the {what} (record {record.seq}) is a re-drawing and proves nothing: the box drew it "
                f"with {told.drawn_by}, here there is {by}"
            )
        lines.append(
            {
                "print": own.hex(),
                "png": encode_png(picture).hex(),
                "is": SENT if same else REDRAWN,
                "drawn_by": by,
            }
        )
    return lines, remarks


def redraw(body: WeighingBody, told: PrintedPicture, copy: object) -> tuple[Picture, str]:
    """The label with every installed font until one gives the dots that were sent, else with the first; and by what.

    Raises CannotRedrawError.
    """
    dots_per_mm = next((dots for dots in _DOTS_PER_MM if dots * body.label_side_mm == told.width == told.height), None)
    if dots_per_mm is None or not isinstance(copy, int):
        raise CannotRedrawError(f"{told.width} x {told.height} dots are no label of {body.label_side_mm} mm")
    try:
        from hazgate_protocols.label.fonts import FONT_PLACES, find_font

        document = label_of_weighing(body, told.texts, copy)
        fonts = [path for path, _ in FONT_PLACES if path.is_file()] or [find_font()]
        drawn = [_drawn(document, body.label_side_mm, dots_per_mm, fonts[0])]
        for font in fonts[1:]:
            if drawn[-1][0].digest().hex() == told.sha256:
                break
            drawn.append(_drawn(document, body.label_side_mm, dots_per_mm, font))
    except KeyError as exc:
        raise CannotRedrawError(f"the print record lacks the label's {exc.args[0]!r}") from exc
    # A print record may come from a hostile box: whatever the renderer says of its texts is an answer, not a failure.
    except (ImportError, LookupError, ValueError, OSError) as exc:
        raise CannotRedrawError(str(exc)) from exc
    return drawn[-1] if drawn[-1][0].digest().hex() == told.sha256 else drawn[0]


def _drawn(document: LabelDocument, side_mm: int, dots_per_mm: int, font: Path) -> tuple[Picture, str]:
    from hazgate_protocols.label.render import drawn_by, render
    from hazgate_protocols.label.tspl import raster

    image = render(document, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=font, colour="black-layer")
    try:
        return Picture(image.width, image.height, raster(image)), drawn_by(font)
    except PictureError as exc:
        raise CannotRedrawError(str(exc)) from exc
