"""Breaking one field's text into lines: between ideographs, not inside words, no line that begins with a comma."""

from __future__ import annotations

from typing import Protocol

# Marks that belong to what stands before or after them.
CLOSING = "，。；：、！？）》」』】”’,.;:!?)]}%/"
OPENING = "（《「『【“‘([{"
ELLIPSIS = "…"


class Measure(Protocol):
    """What wrapping needs of a font."""

    def width(self, text: str, size: int) -> int:
        """Advance in dots at this em size."""
        ...


def wrap(text: str, *, width: int, size: int, face: Measure) -> list[str]:
    """Lines no wider than `width` dots. A word wider than a line is cut anywhere. At least one line, perhaps empty."""
    lines = [""]
    for piece in _pieces(" ".join(text.split())):
        if face.width(lines[-1] + piece, size) <= width:
            lines[-1] += piece
            continue
        lines[-1] = lines[-1].rstrip()
        piece = piece.lstrip()
        if face.width(piece, size) <= width:
            lines.append(piece)
            continue
        lines.append("")
        for character in piece:
            if lines[-1] and face.width(lines[-1] + character, size) > width:
                lines.append("")
            lines[-1] += character
    return [line for line in lines if line] or [""]


def shorten(lines: list[str], most: int, *, width: int, size: int, face: Measure) -> list[str]:
    """At most `most` lines; when something is left out, the last line kept ends with an ellipsis."""
    if len(lines) <= most:
        return lines
    kept = lines[:most]
    last = kept[-1]
    while last and face.width(last + ELLIPSIS, size) > width:
        last = last[:-1]
    return [*kept[:-1], last.rstrip(CLOSING + OPENING + " ") + ELLIPSIS]


def _pieces(text: str) -> list[str]:
    """The text in pieces between which a line may end."""
    pieces: list[str] = []
    for character in text:
        if pieces and _sticks(pieces[-1], character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _sticks(before: str, character: str) -> bool:
    if character in CLOSING or before[-1] in OPENING:
        return True
    wide = ord(character) >= 0x2E80  # ideographs and full-width forms
    return not wide and character != " " and ord(before[-1]) < 0x2E80 and before[-1] != "/"
