"""Batch codes of the ledger (HJ 1259-2022, annex B): kind, date, serial, as HWCS20211031001.

The standard writes three digits for the serial and fixes neither length nor scope. Here it counts per unit, kind and
day and widens past 999 instead of failing: unlike the label number nothing fixes its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

SERIAL_CHARS_MIN = 3
SERIAL_CHARS_MAX = 6


class BatchCodeError(ValueError):
    """Text or parts that make no batch code, with the reason."""


class BatchKind(StrEnum):
    """The ledger's events; the value is the code's prefix."""

    PRODUCE = "HWCS"
    STORE_IN = "HWRK"
    STORE_OUT = "HWCK"
    SELF_USE = "HWZXLY"
    SELF_DISPOSE = "HWZXCZ"
    ENTRUST_USE = "HWWWLY"
    ENTRUST_DISPOSE = "HWWWCZ"
    EXPORT_USE = "HWCKLY"
    EXPORT_DISPOSE = "HWCKCZ"


# HWCK (out of the store) also begins HWCKLY and HWCKCZ (exported): the digits that must follow tell them apart.
_PATTERN = re.compile(
    rf"({'|'.join(BatchKind)})([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})([0-9]{{{SERIAL_CHARS_MIN},{SERIAL_CHARS_MAX}}})"
)


@dataclass(frozen=True, slots=True, order=True)
class BatchCode:
    """One batch of one kind of event; the serial counts from 1."""

    kind: BatchKind
    day: date
    serial: int

    def __post_init__(self) -> None:
        if not 1 <= self.serial < 10**SERIAL_CHARS_MAX:
            raise BatchCodeError(f"batch code: serial {self.serial} is not within 1 to {10**SERIAL_CHARS_MAX - 1}")

    @classmethod
    def parse(cls, text: str) -> BatchCode:
        """Raises BatchCodeError; a serial is padded to three digits and no more, so one batch has one text."""
        match = _PATTERN.fullmatch(text)
        if not match:
            raise BatchCodeError(f"batch code {text[:80]!r}: it is {', '.join(BatchKind)}, then YYYYMMDD and a serial")
        prefix, year, month, day, serial = match.groups()
        if len(serial) > SERIAL_CHARS_MIN and serial.startswith("0"):
            raise BatchCodeError(f"batch code {text}: serial {serial} has a needless leading zero")
        try:
            on = date(int(year), int(month), int(day))
        except ValueError as exc:
            raise BatchCodeError(f"batch code {text}: no date {year}-{month}-{day}") from exc
        return cls(BatchKind(prefix), on, int(serial))

    def __str__(self) -> str:
        return f"{self.kind}{self.day.year:04d}{self.day:%m%d}{self.serial:0{SERIAL_CHARS_MIN}d}"
