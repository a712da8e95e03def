"""AIM symbology identifiers: `]`, a letter for the symbology, a modifier (ISO/IEC 15424), in front of the content.

A scanner sends them only when it was told to. The names are for people; nothing is decided by them.
"""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(rb"\]([A-Za-z][0-9A-Za-z])")

# ISO/IEC 15424 by memory, checked against scanner manuals: those a waste store can meet.
NAMES = {
    "Q0": "QR Code",
    "Q1": "QR Code",
    "Q2": "QR Code",
    "Q3": "GS1 QR Code",
    "C0": "Code 128",
    "C1": "GS1-128",
    "d1": "Data Matrix",
    "d2": "GS1 Data Matrix",
    "E0": "EAN-13",
    "E4": "EAN-8",
    "A0": "Code 39",
    "I0": "Interleaved 2 of 5",
    "L0": "PDF417",
}


def without_identifier(content: bytes) -> tuple[str, bytes]:
    """("Q1", the rest) for content that begins with an identifier; ("", content) for any other."""
    found = _IDENTIFIER.match(content)
    return (found[1].decode(), content[found.end() :]) if found else ("", content)
