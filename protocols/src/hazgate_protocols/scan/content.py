"""What a scanned text is: a label of ours, or something else. Scanned text is hostile until it is one of ours.

Ours is exactly a label number, or exactly the configured address with a label number behind it: nothing in front,
nothing behind, nothing in between, so that no foreign code which merely contains a number opens a bag. The text is
never opened as an address and shown only shortened and without characters that could steer a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hazgate_protocols.codes import credit_code
from hazgate_protocols.codes.label_number import CHARS, LabelNumber, LabelNumberError
from hazgate_protocols.scan.aim import without_identifier

# The longest address that a label's QR code may carry (label/qr.py), with room for an identifier in front.
TEXT_BYTES_MAX = 256
SHOWN_CHARACTERS_MAX = 40


class Odd(StrEnum):
    """Why a text is no label of ours."""

    FOREIGN = "foreign"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"  # control characters, or bytes that are no ASCII text
    DAMAGED = "damaged"  # shaped like our label, and its parts do not hold together


@dataclass(frozen=True, slots=True)
class OwnLabel:
    """A label of the standard form. unit_is_ours: of this box's unit."""

    number: LabelNumber
    unit_is_ours: bool


@dataclass(frozen=True, slots=True)
class ForeignCode:
    """Anything else. shown: safe to put on a screen."""

    odd: Odd
    shown: str


def identify(content: bytes, *, base: str, unit: str) -> OwnLabel | ForeignCode:
    """base: what stands in front of the number in our QR codes, "" for nothing. unit: the box's own credit code.

    The case of letters is not looked at: a keyboard scanner with Caps Lock on swaps it, and the number has one case.
    """
    if len(content) > TEXT_BYTES_MAX:
        return ForeignCode(Odd.TOO_LONG, shown(content))
    if not content.isascii() or not content.decode("ascii").isprintable():
        return ForeignCode(Odd.UNPRINTABLE, shown(content))
    _, content = without_identifier(content)
    text = content.decode("ascii").upper()
    if base and text.startswith(base.upper()):
        text = text[len(base) :]
    if len(text) != CHARS:
        return ForeignCode(Odd.FOREIGN, shown(content))
    try:
        number = LabelNumber.parse(text)
    except LabelNumberError:
        # An EAN or a serial number of 37 characters is foreign; one that begins like a unit of ours is a bad reading.
        return ForeignCode(Odd.DAMAGED if text.startswith(unit) else Odd.FOREIGN, shown(content))
    if number.unit == unit:
        return OwnLabel(number, unit_is_ours=True)
    if credit_code.findings(number.unit):  # its check character is wrong: misread, or no label at all
        return ForeignCode(Odd.DAMAGED, shown(content))
    return OwnLabel(number, unit_is_ours=False)


def shown(content: bytes) -> str:
    """The text for a screen: at most SHOWN_CHARACTERS_MAX characters, every one printable."""
    text = content[: 4 * SHOWN_CHARACTERS_MAX].decode("utf-8", "replace")
    kept = "".join(char if char.isprintable() else "·" for char in text)
    cut = len(kept) > SHOWN_CHARACTERS_MAX or len(content) > 4 * SHOWN_CHARACTERS_MAX
    return kept[: SHOWN_CHARACTERS_MAX - 1] + "…" if cut else kept
