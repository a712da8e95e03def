"""The drawing process: labels in, printer bytes or pictures out. `python -m hazgate_edge.printing.draw`

One JSON request a line on standard input; per request one answer on standard output: a byte (0 drawn, 1 refused),
four bytes of length (big endian), then the bytes, or the refusal's text. In front of printer bytes stands one line of
JSON that says which picture they print. Ends when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hazgate_protocols.label.document import LabelDocument

if TYPE_CHECKING:
    from PIL import Image

    from hazgate_protocols.label.printer_profile import PrinterProfile

ANSWER_HEAD = 5


def answer(request: dict[str, Any]) -> bytes:
    """Draw one label: as "job" for a printer (`sha256 width height drawn_by` and a line feed before the job), as
    "slip" (a proof slip for a receipt printer, in the same form), or as "png" (full colour, for screens)."""
    from hazgate_protocols.label.fonts import find_font
    from hazgate_protocols.label.picture import Picture
    from hazgate_protocols.label.printer_profile import encode_slip, profile_from_json
    from hazgate_protocols.label.raster import zero_is_black
    from hazgate_protocols.label.render import drawn_by, render, to_png
    from hazgate_protocols.label.slip import render_slip

    given = request["document"]
    document = LabelDocument(**{**given, "hazard_characteristics": tuple(given["hazard_characteristics"])})
    profile = profile_from_json(request["profile"])
    font = Path(request["font"]) if request["font"] else find_font()
    side_mm, dots_per_mm = request["side_mm"], profile.dots_per_mm
    if request["form"] == "png":
        coloured = render(document, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=font, colour="full-colour")
        return to_png(coloured, dots_per_mm)
    if request["form"] == "slip":
        image = render_slip(
            document, width_dots=profile.head_dots, dots_per_mm=dots_per_mm, side_mm=side_mm, font_path=font
        )
        job = encode_slip(profile, image)
    else:
        if (why := profile.refusal_of(side_mm)) is not None:  # before the work: it may be a huge one
            raise ValueError(f"print label: {why}")
        image = render(document, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=font, colour="black-layer")
        job = _job(request, document, profile, image, font)
    picture = Picture(image.width, image.height, zero_is_black(image))
    head = {
        "sha256": picture.digest().hex(),
        "width": picture.width,
        "height": picture.height,
        "drawn_by": drawn_by(font),
    }
    return json.dumps(head).encode() + b"\n" + job


def _job(
    request: dict[str, Any], document: LabelDocument, profile: PrinterProfile, image: Image.Image, font: Path
) -> bytes:
    """The drawn black layer as this printer takes it; for a folder, the files with their names."""
    from hazgate_edge.printing.files import files_job
    from hazgate_protocols.label.printer_profile import Language, encode_label, turned_by
    from hazgate_protocols.label.render import render, to_pdf, to_png

    side_mm, labels, turn = request["side_mm"], request["labels"], request["turn"]
    if profile.language not in (Language.PNG, Language.PDF):
        return encode_label(profile, image, side_mm=side_mm, gap_mm=request["gap_mm"], labels=labels, turn=turn)
    if profile.colour == "full-colour":
        image = render(
            document, side_mm=side_mm, dots_per_mm=profile.dots_per_mm, font_path=font, colour="full-colour-dots"
        )
    image = turned_by(image, turn)
    name = f"{document.digital_id}-{document.copy}"
    if profile.language is Language.PDF:
        return files_job([f"{name}.pdf"], to_pdf(image, profile.dots_per_mm, pages=labels))
    sheets = [f"{name}-{sheet}of{labels}.png" for sheet in range(1, labels + 1)]
    return files_job(sheets, to_png(image, profile.dots_per_mm))


def main() -> None:
    """Serve until the input ends, or until nobody reads the answers any more: the box was killed."""
    try:
        _serve()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is unsent would fail again at the exit


def _serve() -> None:
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        try:
            code, body = 0, answer(json.loads(line))
        except (ValueError, LookupError, OSError) as exc:
            code, body = 1, f"{type(exc).__name__}: {exc}".encode()
        out.write(bytes([code]) + len(body).to_bytes(4, "big") + body)
        out.flush()


if __name__ == "__main__":
    main()
