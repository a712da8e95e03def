"""Drawing a label with Pillow: the black layer for pre-printed orange stock, or full colour for PDF and screens.

Every dot is black or not by one threshold; nothing is dithered. The same document, font file and Pillow version give
the same dots.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hazgate_protocols.label.document import LabelDocument
from hazgate_protocols.label.fonts import BLACK_FROM, LabelFace, open_face
from hazgate_protocols.label.layout import lay_out
from hazgate_protocols.label.pictograms import HAZARDS, diamond_mask, pictogram_ink
from hazgate_protocols.label.placed import Layout
from hazgate_protocols.label.qr import QUIET_MODULES

if TYPE_CHECKING:
    from PIL import Image

Colour = Literal["black-layer", "full-colour", "full-colour-dots"]  # dots: exactly the black layer's, on colour

ORANGE = (255, 150, 0)  # HJ 1276-2022
BLACK = (0, 0, 0)
PAGES_MAX = 10
POINTS_PER_INCH, MM_PER_INCH = 72, 25.4


def render(document: LabelDocument, *, side_mm: int, dots_per_mm: int, font_path: Path, colour: Colour) -> Image.Image:
    """The label, side_mm x dots_per_mm dots square: mode "1" (0 = black) for the black layer, RGB in full colour.

    Raises LabelError (names the field) and FontNotFoundError. Decoding the QR code before printing is the caller's.
    """
    face = open_face(font_path)
    layout = lay_out(document, side_mm=side_mm, dots_per_mm=dots_per_mm, face=face)
    return draw(layout, face, colour)


def draw(layout: Layout, face: LabelFace, colour: Colour) -> Image.Image:
    """Draw a finished layout."""
    from PIL import Image

    ink = _ink(layout, face)
    if colour == "black-layer":
        return ink.point(lambda value: 0 if value >= BLACK_FROM else 255).convert("1", dither=Image.Dither.NONE)
    size = (layout.side_dots, layout.side_dots)
    page = Image.new("RGB", size, ORANGE)
    for mark in layout.hazards:
        filling = Image.new("RGB", (mark.box.width, mark.box.height), HAZARDS[mark.code].background)
        page.paste(filling, (mark.box.left, mark.box.top), diamond_mask(mark.box.width))
    if colour == "full-colour-dots":
        ink = ink.point(lambda value: 255 if value >= BLACK_FROM else 0)
    page.paste(Image.new("RGB", size, BLACK), (0, 0), ink)
    return page


@lru_cache(maxsize=4)
def drawn_by(font_path: Path) -> str:
    """Everything besides the document that decides about the dots: versions, and the font's name and first digest
    bytes."""
    import segno
    from PIL import __version__, features

    font = hashlib.sha256(font_path.read_bytes()).hexdigest()[:16]
    freetype = features.version("freetype2")
    return f"Pillow {__version__}, FreeType {freetype}, segno {segno.__version__}, {font_path.name} {font}"


def to_png(image: Image.Image, dots_per_mm: int) -> bytes:
    """PNG that knows its true size (pHYs: dots per metre)."""
    out = BytesIO()
    dots_per_inch = dots_per_mm * MM_PER_INCH
    image.save(out, format="PNG", dpi=(dots_per_inch, dots_per_inch), optimize=True)
    return out.getvalue()


def to_pdf(image: Image.Image, dots_per_mm: int, pages: int = 1) -> bytes:
    """Pages of exactly the label's size with its dots unchanged. (Pillow would write colour as lossy JPEG.)."""
    width_pt, height_pt = (
        f"{dots / dots_per_mm / MM_PER_INCH * POINTS_PER_INCH:.4f}" for dots in (image.width, image.height)
    )
    dots = image.convert("RGB").tobytes()
    pixels = zlib.compress(dots, 9)
    content = f"q {width_pt} 0 0 {height_pt} 0 0 cm /Label Do Q".encode()
    picture = (
        f"<< /Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} /ColorSpace /DeviceRGB "
        f"/BitsPerComponent 8 /Interpolate false /Filter /FlateDecode /Length {len(pixels)} >>"
    ).encode()
    if not 1 <= pages <= PAGES_MAX:
        raise ValueError(f"write PDF: {pages} pages; allowed are 1 to {PAGES_MAX}")
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width_pt} {height_pt}] /Contents 3 0 R "
        "/Resources << /XObject << /Label 4 0 R >> >> >>"
    ).encode()
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        picture + b"\nstream\n" + pixels + b"\nendstream",
        *(page for _ in range(pages)),
    )
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table_at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table_at)
    return bytes(out)


def _ink(layout: Layout, face: LabelFace) -> Image.Image:
    """Coverage of black, mode L: 0 nothing, 255 black."""
    from PIL import Image, ImageDraw

    ink = Image.new("L", (layout.side_dots, layout.side_dots), 0)
    pen = ImageDraw.Draw(ink)
    border = layout.border
    pen.rectangle((border.left, border.top, border.right - 1, border.bottom - 1), fill=255)
    edge = layout.border_dots
    pen.rectangle((border.left + edge, border.top + edge, border.right - 1 - edge, border.bottom - 1 - edge), fill=0)
    for rule in layout.rules:
        pen.rectangle((rule.left, rule.top, rule.right - 1, rule.bottom - 1), fill=255)
    if layout.copy_box is not None:
        mark = layout.copy_box
        pen.rectangle((mark.left, mark.top, mark.right - 1, mark.bottom - 1), fill=255)
    for hazard in layout.hazards:
        ink.paste(pictogram_ink(hazard.code, hazard.box.width), (hazard.box.left, hazard.box.top))
    for run in layout.runs:
        pen.text(
            (run.left, run.baseline),
            run.text,
            fill=0 if run.inverse else 255,
            font=face.font(run.size),
            anchor="ls",
            stroke_width=max(1, run.size // 32) if run.bold and not run.inverse else 0,
        )
    module = layout.qr_module_dots
    for row, modules in enumerate(layout.qr, start=QUIET_MODULES):
        for column, dark in enumerate(modules, start=QUIET_MODULES):
            if dark:
                left, top = layout.qr_box.left + column * module, layout.qr_box.top + row * module
                pen.rectangle((left, top, left + module - 1, top + module - 1), fill=255)
    return ink
