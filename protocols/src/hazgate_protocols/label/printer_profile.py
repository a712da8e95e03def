"""What a printer is: the shape of the printer profiles, and a label in the language of one.

These dataclasses are the schema of `printers/*.yaml` in hazgate_profiles. A label wider than the head is refused here,
in words: the printer itself would cut it without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from hazgate_protocols.label.document import CHARACTER_MM
from hazgate_protocols.label.status import PrinterStatus

if TYPE_CHECKING:
    from PIL import Image


class Language(StrEnum):
    """What a printer understands; png and pdf go to a folder."""

    TSPL = "tspl"
    ZPL = "zpl"
    ESCPOS = "escpos"
    CPCL = "cpcl"
    PNG = "png"
    PDF = "pdf"


class StatusSpeech(StrEnum):
    """How a printer is asked for its status."""

    TSPL_BYTE = "tspl-byte"  # ESC ! ?
    TSPL_TEXT = "tspl-text"  # ESC ! S
    ZPL_HS = "zpl-hs"  # ~HS, and ~HQES when that stays unanswered
    ESCPOS_DLE = "escpos-dle"  # DLE EOT 1 to 4
    CPCL_H = "cpcl-h"  # ESC h
    NONE = "none"  # it never answers: every label is confirmed by a person


# Which questions a printer of a language can take for such.
SPEECHES = {
    Language.TSPL: (StatusSpeech.TSPL_BYTE, StatusSpeech.TSPL_TEXT, StatusSpeech.NONE),
    Language.ZPL: (StatusSpeech.ZPL_HS, StatusSpeech.NONE),
    Language.ESCPOS: (StatusSpeech.ESCPOS_DLE, StatusSpeech.NONE),
    Language.CPCL: (StatusSpeech.CPCL_H, StatusSpeech.NONE),
    Language.PNG: (StatusSpeech.NONE,),
    Language.PDF: (StatusSpeech.NONE,),
}
LINKS = ("tcp", "file", "usb", "serial", "cups", "folder")
_FILES = (Language.PNG, Language.PDF)


@dataclass(frozen=True, slots=True)
class Answer:
    """A worked example: bytes the printer answers with (hex; four groups split by "/" for DLE EOT), and what that
    means as PrinterStatus.words, or "no answer"."""

    hex: str
    means: str

    def __post_init__(self) -> None:
        bytes.fromhex(self.hex.replace("/", ""))


@dataclass(frozen=True, slots=True)
class PrinterMatch:
    """What it may be sold as, and what its IEEE 1284 device id says of the model."""

    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrinterProfile:
    """One kind of printer. sides_mm: the labels of HJ 1276 it can print; empty for one that prints only slips.

    head_dots 0: no head, a page of any size. trust: assumed < manual < bench < field.
    """

    id: str
    title: dict[Literal["zh", "en"], str]
    trust: Literal["assumed", "manual", "bench", "field"]
    source: tuple[str, ...]
    language: Language
    head_dots: int
    dots_per_mm: Literal[8, 12]
    status: StatusSpeech
    links: tuple[Literal["tcp", "file", "usb", "serial", "cups", "folder"], ...]
    sides_mm: tuple[int, ...]
    answers: tuple[Answer, ...] = ()
    match: PrinterMatch = PrinterMatch()
    compress: bool = True  # ZPL: Z64
    cutter: bool = True  # ESC/POS
    colour: Literal["black-layer", "full-colour"] = "black-layer"
    notes: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,38}", self.id):
            raise ValueError(f"id {self.id!r}: small letters, digits and dashes")
        if not self.source or not self.links:
            raise ValueError("a printer profile names its sources and at least one link")
        allowed = SPEECHES[self.language]
        if self.status not in allowed:
            raise ValueError(f"status {self.status}: a {self.language} printer has {', '.join(allowed)}")
        if (self.language in _FILES) != (self.links == ("folder",)) or (self.language in _FILES) != (
            not self.head_dots
        ):
            raise ValueError("png and pdf have head_dots 0 and the one link folder, a printer neither")
        if self.colour != "black-layer" and self.language not in _FILES:
            raise ValueError("colour full-colour: a thermal head prints the black layer on pre-printed stock")
        for side in self.sides_mm:
            if side not in CHARACTER_MM:
                raise ValueError(f"sides_mm: {side}; HJ 1276 knows {sorted(CHARACTER_MM)}")
            if self.language is Language.ESCPOS:
                raise ValueError("sides_mm: a receipt printer prints no label; leave it empty")
            if (why := self.too_narrow_for(side)) is not None:
                raise ValueError(f"sides_mm: {why}")
        if self.status is not StatusSpeech.NONE and not self.answers:
            raise ValueError("a printer that answers has at least one worked answer")

    @property
    def head_mm(self) -> int:
        """Width of the head in whole millimetres."""
        return self.head_dots // self.dots_per_mm

    @property
    def prints_labels(self) -> bool:
        """Whether it can print any label of HJ 1276."""
        return bool(self.sides_mm)

    @property
    def busy_is_seen(self) -> bool:
        """Whether its status tells printing from idle, so that "printed" can ever be said."""
        return self.status not in (StatusSpeech.NONE, StatusSpeech.ESCPOS_DLE)

    def too_narrow_for(self, side_mm: int) -> str | None:
        """Why a label of this side does not pass under the head; None when it does."""
        if self.head_dots == 0 or side_mm * self.dots_per_mm <= self.head_dots:
            return None
        return f"a label of {side_mm} mm is wider than the print head of {self.head_mm} mm"

    def refusal_of(self, side_mm: int) -> str | None:
        """Why this printer prints no label of this side; None when it does."""
        if side_mm not in CHARACTER_MM:
            raise ValueError(f"label of {side_mm} mm: HJ 1276 knows {sorted(CHARACTER_MM)}")
        if self.language is Language.ESCPOS:
            return (
                f"a receipt printer of {self.head_mm} mm prints no label of HJ 1276 (100 mm at least), only proof "
                "slips; use a label printer"
            )
        why = self.too_narrow_for(side_mm)
        if why is None and side_mm not in self.sides_mm:
            why = f"profile {self.id} prints no label of {side_mm} mm, only {', '.join(map(str, self.sides_mm))} mm"
        return None if why is None else f"{why}; use a wider printer"


def profile_from_json(tree: dict[str, Any]) -> PrinterProfile:
    """The profile that dataclasses.asdict() and JSON made a tree of. Raises ValueError."""
    from hazgate_protocols.scale.building import Builder

    builder = Builder()
    profile: PrinterProfile = builder.build(PrinterProfile, tree, ())
    if builder.mistakes:
        place, why = builder.mistakes[0]
        raise ValueError(f"read printer profile: {'.'.join(map(str, place))}: {why}")
    return profile


def encode_label(
    profile: PrinterProfile, image: Image.Image, *, side_mm: int, gap_mm: int, labels: int, turn: int = 0
) -> bytes:
    """A drawn black layer as one job for this printer. turn: degrees clockwise, as the stock is fed.

    Raises ValueError for what this printer cannot print as it is meant; png and pdf are no jobs (label.render).
    """
    if (why := profile.refusal_of(side_mm)) is not None:
        raise ValueError(f"print label: {why}")
    side_dots = side_mm * profile.dots_per_mm
    if image.size != (side_dots, side_dots):
        raise ValueError(
            f"encode label: image {image.width} x {image.height}, but {side_mm} mm at {profile.dots_per_mm} dots/mm "
            f"are {side_dots} x {side_dots} dots"
        )
    turned = turned_by(image, turn)
    if profile.language is Language.TSPL:
        from hazgate_protocols.label import tspl

        return tspl.encode_job(turned, side_mm=side_mm, gap_mm=gap_mm, copies=labels)
    if profile.language is Language.ZPL:
        from hazgate_protocols.label import zpl

        return zpl.encode_job(turned, copies=labels, head_dots=profile.head_dots, compress=profile.compress)
    if profile.language is Language.CPCL:
        from hazgate_protocols.label import cpcl

        return cpcl.encode_job(turned, copies=labels, head_dots=profile.head_dots)
    raise ValueError(f"encode label: {profile.language} is no language of a label printer")


def encode_slip(profile: PrinterProfile, image: Image.Image) -> bytes:
    """A drawn proof slip as one job: for receipt printers only."""
    if profile.language is not Language.ESCPOS:
        raise ValueError(f"encode slip: profile {profile.id} is no receipt printer")
    from hazgate_protocols.label import escpos

    return escpos.encode_job(image, head_dots=profile.head_dots, cutter=profile.cutter)


def turned_by(image: Image.Image, degrees: int) -> Image.Image:
    """The image turned clockwise by 0, 90, 180 or 270 degrees, dot for dot."""
    from PIL import Image

    turns = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    if degrees == 0:
        return image
    if degrees not in turns:
        raise ValueError(f"turn label: {degrees} degrees; allowed are 0, 90, 180, 270")
    return image.transpose(turns[degrees])


def meaning_of(speech: StatusSpeech, answers: tuple[bytes, ...]) -> PrinterStatus | None:
    """What answers to a status question mean; None: no answer, or none of this printer's language."""
    from hazgate_protocols.label import cpcl, escpos, tspl, zpl

    whole = b"".join(answers)
    if speech is StatusSpeech.ESCPOS_DLE:
        return escpos.decode_status(answers)
    if speech is StatusSpeech.ZPL_HS:
        status = zpl.decode_host_status(whole)
        return zpl.decode_errors(whole) if status is None else status
    if speech is StatusSpeech.TSPL_TEXT:
        return tspl.decode_text(whole)
    if not whole or speech is StatusSpeech.NONE:
        return None
    # ZPL and its like answer in lines; as a byte it would be two impossible states, one right after the other.
    if b"\r\n" in whole:
        return None
    # Late answers to earlier questions may come along: the last byte is the newest.
    return tspl.decode_status(whole[-1]) if speech is StatusSpeech.TSPL_BYTE else cpcl.decode_status(whole[-1])
