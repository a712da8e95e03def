"""The digital identification code of a label (HJ 1276-2022): unit, waste code, date, sequence; 37 characters.

Total length and meaning of the segments come from material of an environment bureau, 18 and 8 from the standards of
those codes; the sequence's three digits are what remains (37 - 34). The standard's own text was not reached, so the
lengths stand here once and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from hazgate_protocols.codes import credit_code
from hazgate_protocols.codes.waste_code import DIGITS as WASTE_CHARS
from hazgate_protocols.codes.waste_code import WasteCode, WasteCodeError

UNIT_CHARS = credit_code.CHARS
DATE_CHARS = 8
SEQUENCE_CHARS = 3
CHARS = UNIT_CHARS + WASTE_CHARS + DATE_CHARS + SEQUENCE_CHARS  # 37
SEQUENCE_MAX = 10**SEQUENCE_CHARS - 1  # containers of one waste code, unit and day

# A date of this century: the standard holds from 2023, and a shifted reading must not look like a date.
_PATTERN = re.compile(
    rf"({credit_code.PATTERN_TEXT})([0-9]{{{WASTE_CHARS}}})"
    rf"(20[0-9]{{2}})([0-9]{{2}})([0-9]{{2}})([0-9]{{{SEQUENCE_CHARS}}})"
)
_FIND_CHARS_MAX = 4296  # what the largest QR symbol holds


class LabelNumberError(ValueError):
    """Text or parts that make no label number, with the reason."""


@dataclass(frozen=True, slots=True, order=True)
class LabelNumber:
    """One label's number. It says nothing of weight, and a void label does not free it."""

    unit: str  # unified social credit code; a wrong check character is let pass, see credit_code.findings
    waste: WasteCode
    produced_on: date  # local date of production or collection
    sequence: int  # 1..SEQUENCE_MAX, shared by all terminals of the unit per waste code and day

    def __post_init__(self) -> None:
        if not credit_code.PATTERN.fullmatch(self.unit):
            raise LabelNumberError(f"label number: {credit_code.findings(self.unit)[0]}")
        if not 2000 <= self.produced_on.year <= 2099:
            raise LabelNumberError(f"label number: date {self.produced_on} is not of this century")
        if self.sequence > SEQUENCE_MAX:
            raise LabelNumberError(
                f"label number: {self.waste} on {self.produced_on} would be container {self.sequence}; "
                f"a day has {SEQUENCE_MAX} numbers and they never start again before the next day"
            )
        if self.sequence < 1:
            raise LabelNumberError(f"label number: sequence {self.sequence}; it counts from 1")

    @classmethod
    def make(cls, unit: str, waste: WasteCode | str, produced_on: date, sequence: int) -> LabelNumber:
        """From its parts; raises LabelNumberError, also for a sequence below 1 or above SEQUENCE_MAX."""
        try:
            return cls(unit, WasteCode.parse(waste) if isinstance(waste, str) else waste, produced_on, sequence)
        except WasteCodeError as exc:
            raise LabelNumberError(f"label number: {exc}") from exc

    @classmethod
    def parse(cls, text: str) -> LabelNumber:
        """The number of exactly these 37 characters, upper case; raises LabelNumberError."""
        match = _PATTERN.fullmatch(text)
        if not match:
            raise LabelNumberError(
                f"label number {text[:80]!r} ({len(text)} characters): it is {CHARS} characters, unit {UNIT_CHARS}, "
                f"waste code {WASTE_CHARS}, date {DATE_CHARS}, sequence {SEQUENCE_CHARS}"
            )
        unit, waste, year, month, day, sequence = match.groups()
        try:
            return cls.make(unit, waste, date(int(year), int(month), int(day)), int(sequence))
        except LabelNumberError:
            raise
        except ValueError as exc:
            raise LabelNumberError(f"label number {text}: no date {year}-{month}-{day}") from exc

    @classmethod
    def find(cls, text: str) -> LabelNumber | None:
        """The last number in a scanned text (an address that carries it, in either case); None if there is none."""
        tail = text[-_FIND_CHARS_MAX:]
        tail = "".join(char.upper() if char.isascii() else char for char in tail)  # keeps the length
        for start in range(len(tail) - CHARS, -1, -1):
            if _PATTERN.match(tail, start):
                try:
                    return cls.parse(tail[start : start + CHARS])
                except LabelNumberError:
                    continue
        return None

    def __str__(self) -> str:
        return f"{self.unit}{self.waste.digits}{self.produced_on:%Y%m%d}{self.sequence:0{SEQUENCE_CHARS}d}"


@lru_cache(maxsize=1024)
def label_stem(unit: str, waste: WasteCode | str, produced_on: date) -> str:
    """The label number of this unit, waste and day without its sequence. Raises LabelNumberError."""
    return str(LabelNumber.make(unit, waste, produced_on, 1))[:-SEQUENCE_CHARS]
