"""What comes out of a scanner's bytes or keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# The largest QR symbol holds 4296 alphanumeric characters (ISO/IEC 18004, version 40-L): no code can be longer.
SCAN_BYTES_MAX = 4296


class Flaw(StrEnum):
    """Why something that was sent is no scan."""

    TOO_LONG = "too_long"  # no symbol holds that much: noise, or keys that were held down
    INCOMPLETE = "incomplete"  # it broke off: no end came
    SLOW = "slow"  # keys with pauses between them: a person types, or the system was too busy to be trusted
    UNMAPPED = "unmapped"  # a key that stands for no printable character, or with Ctrl or Alt
    LOST = "lost"  # the kernel says that key strokes were dropped


@dataclass(frozen=True, slots=True)
class Scan:
    """One scanned code. symbology: the AIM identifier without its bracket ("Q1"), "" when none was sent."""

    content: bytes
    symbology: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The scanner's word on a command, not a scan."""

    done: bool
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadScan:
    """Bytes or keys that make no scan. raw: their beginning."""

    flaw: Flaw
    raw: bytes


ScanEvent = Scan | Answer | BadScan
