"""Waste code of the national catalogue: industry 3 digits, order 3, category 2, written 900-214-08.

Catalogue of hazardous wastes, article 5 (digits) and article 6 (900-000-NN for waste identified by testing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIGITS = 8
CATEGORIES = (*range(1, 41), *range(45, 51))  # HW41 to HW44 do not exist
_PATTERN = re.compile(r"([0-9]{3})-([0-9]{3})-([0-9]{2})|([0-9]{3})([0-9]{3})([0-9]{2})")


class WasteCodeError(ValueError):
    """Text that is no waste code, with the reason."""


@dataclass(frozen=True, slots=True, order=True)
class WasteCode:
    """A well-formed waste code of an existing category; whether an edition lists it is the catalogue's to say."""

    digits: str  # 90021408

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{8}", self.digits):
            raise WasteCodeError(f"waste code {self.digits!r}: write it as 900-214-08 or 90021408")
        if int(self.digits[6:]) not in CATEGORIES:
            raise WasteCodeError(
                f"waste code {self}: category {self.digits[6:]} (last two digits) does not exist; "
                "there are 01 to 40 and 45 to 50"
            )

    @classmethod
    def parse(cls, text: str) -> WasteCode:
        """The code of `900-214-08` or `90021408`, nothing else; raises WasteCodeError."""
        match = _PATTERN.fullmatch(text)
        if not match:
            raise WasteCodeError(f"waste code {text!r}: write it as 900-214-08 or 90021408")
        return cls("".join(part for part in match.groups() if part))

    @property
    def category(self) -> str:
        """HW08"""
        return f"HW{self.digits[6:]}"

    @property
    def by_testing(self) -> bool:
        """Whether it is 900-000-NN: waste identified by testing, legal though in no edition's table."""
        return self.digits.startswith("900000")

    def __str__(self) -> str:
        return f"{self.digits[:3]}-{self.digits[3:6]}-{self.digits[6:]}"
