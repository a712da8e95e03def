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
from typing import Any

from hazgate_protocols.label.document import LabelDocument

ANSWER_HEAD = 5


def answer(request: dict[str, Any]) -> bytes:
    """Draw one label: as "tspl" (black layer for pre-printed stock; `sha256 width height drawn_by` and a line feed
    before the job) or as "png" (full colour)."""
    from hazgate_protocols.label.fonts import find_font
    from hazgate_protocols.label.picture import Picture
    from hazgate_protocols.label.render import drawn_by, render, to_png
    from hazgate_protocols.label.tspl import encode_job, raster

    given = request["document"]
    document = LabelDocument(**{**given, "hazard_characteristics": tuple(given["hazard_characteristics"])})
    font = Path(request["font"]) if request["font"] else find_font()
    as_tspl = request["form"] == "tspl"
    image = render(
        document,
        side_mm=request["side_mm"],
        dots_per_mm=request["dots_per_mm"],
        font_path=font,
        colour="black-layer" if as_tspl else "full-colour",
    )
    if as_tspl:
        job = encode_job(image, side_mm=request["side_mm"], gap_mm=request["gap_mm"], copies=request["labels"])
        picture = Picture(image.width, image.height, raster(image))
        head = {
            "sha256": picture.digest().hex(),
            "width": picture.width,
            "height": picture.height,
            "drawn_by": drawn_by(font),
        }
        return json.dumps(head).encode() + b"\n" + job
    return to_png(image, request["dots_per_mm"])


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
