"""Number of a transfer manifest: 14 digits, year, province, city of origin, serial (transfer measures, article 15).

The national system issues it; we check and split it, and never invent one. There is no check digit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from hazgate_protocols.codes.finding import Finding

DIGITS = 14
FIRST_YEAR = 2022  # the measures are in force from 2022-01-01
SERIAL_MAX = 999_999
# First two digits of GB/T 2260.
_PROVINCES = (
    *range(11, 16),
    *range(21, 24),
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
)
PROVINCES = frozenset(str(province) for province in _PROVINCES)

MALFORMED = "manifest_number_malformed"
OLD_FORM = "manifest_number_old_form"
YEAR = "manifest_number_year"

_PATTERN = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{6})")
_OLD_PATTERN = re.compile(r"[0-9]{16}")  # national interface of 2017: year, 6-digit region, 6-digit serial


class ManifestNumberError(ValueError):
    """Text or parts that make no manifest number, with the reason."""


@dataclass(frozen=True, slots=True, order=True)
class ManifestNumber:
    """20241306000123: year 2024, Hebei (13), Baoding (06), serial 123 of that city and year."""

    year: int
    province: str
    city: str
    serial: int

    def __post_init__(self) -> None:
        if not 1000 <= self.year <= 9999:
            raise ManifestNumberError(f"manifest number: year {self.year} has not four digits")
        if self.province not in PROVINCES:
            raise ManifestNumberError(f"manifest number: no province {self.province!r}")
        if not re.fullmatch(r"[0-9]{2}", self.city):
            raise ManifestNumberError(f"manifest number: city {self.city!r} is not two digits")
        if not 1 <= self.serial <= SERIAL_MAX:
            raise ManifestNumberError(f"manifest number: serial {self.serial} is not within 1 to {SERIAL_MAX}")

    @classmethod
    def parse(cls, text: str) -> ManifestNumber:
        """Raises ManifestNumberError unless it is 14 digits with an existing province and a serial from 1."""
        match = _PATTERN.fullmatch(text)
        if not match:
            raise ManifestNumberError(f"manifest number {text[:80]!r}: it is {DIGITS} digits, as 20241306000123")
        year, province, city, serial = match.groups()
        return cls(int(year), province, city, int(serial))

    @property
    def region(self) -> str:
        """The six-digit region code of the city of origin: 130600."""
        return f"{self.province}{self.city}00"

    def __str__(self) -> str:
        return f"{self.year:04d}{self.province}{self.city}{self.serial:06d}"


def findings(text: str, today: date) -> list[Finding]:
    """Empty for a right number. The 16 digits of before 2022 and an odd year only warn: old papers carry them."""
    if _OLD_PATTERN.fullmatch(text):
        return [
            Finding(OLD_FORM, f"manifest number {text}: 16 digits, the form used before {FIRST_YEAR}", blocks=False)
        ]
    try:
        number = ManifestNumber.parse(text)
    except ManifestNumberError as exc:
        return [Finding(MALFORMED, str(exc), blocks=True)]
    if not FIRST_YEAR <= number.year <= today.year + 1:  # a manifest made at the turn of the year may run ahead of us
        said = f"manifest number {text}: year {number.year} is not within {FIRST_YEAR} to {today.year + 1}"
        return [Finding(YEAR, said, blocks=False)]
    return []
