"""The national catalogue of hazardous wastes: editions as data, chosen by the date the waste was produced.

Read when first asked for (`catalogue()`); importing this module reads nothing. An edition may be known without its
table (2025): then a well-formed code that the newest loaded edition does not list is only warned about, because it may
be one of the new ones; a code that edition does list is taken, though a later edition may have dropped it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from hazgate_protocols.codes import _tables
from hazgate_protocols.codes.finding import Finding
from hazgate_protocols.codes.hazards import Hazards
from hazgate_protocols.codes.waste_code import WasteCode, WasteCodeError

MALFORMED = "waste_code_malformed"
NOT_LISTED = "waste_code_not_listed"
EDITION_NOT_LOADED = "edition_not_loaded"
NEAREST_MAX = 3


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of the catalogue and the production dates it holds for; `listed` is None when its table is missing."""

    name: str
    valid_from: date
    valid_to: date | None
    listed: dict[str, Waste] | None  # by the 8 digits

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on this day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Waste:
    """One row of the catalogue."""

    code: WasteCode
    category_name: str  # 废矿物油与含矿物油废物
    industry: str
    description: str
    hazards: Hazards
    edition: str


class Catalogue:
    """The editions, oldest first."""

    def __init__(self, editions: list[Edition], categories: dict[str, str]) -> None:
        self.editions = editions
        self.categories = categories  # HW08 -> name

    def edition_on(self, day: date) -> Edition | None:
        """The edition in force on this day, None before the oldest known one."""
        return next((edition for edition in self.editions if edition.holds_on(day)), None)

    def waste(self, code: WasteCode, day: date) -> Waste | None:
        """The row of this code on this day, from the newest loaded edition where that day's table is missing.

        None when it is not listed, also for 900-000-NN, whose characteristics come from the test report.
        """
        table = self._table_on(day)
        return table.get(code.digits) if table is not None else None

    def findings(self, text: str, day: date) -> list[Finding]:
        """What speaks against using this code for waste produced on this day; empty when nothing does."""
        try:
            code = WasteCode.parse(text)
        except WasteCodeError as exc:
            nearest = self.nearest(text)
            return [Finding(MALFORMED, _with_nearest(str(exc), nearest), blocks=True, nearest=nearest)]
        if code.by_testing or self.waste(code, day) is not None:
            return []
        edition = self.edition_on(day)
        if edition is None:
            said = f"waste code {code}: no edition of {day} is loaded, so it cannot be checked"
            return [Finding(EDITION_NOT_LOADED, said, blocks=False)]
        nearest = self.nearest(text)
        if edition.listed is None:
            said = f"waste code {code}: edition {edition.name} not loaded, and no older edition lists it; it may be new"
            return [Finding(EDITION_NOT_LOADED, _with_nearest(said, nearest), blocks=False, nearest=nearest)]
        said = f"waste code {code}: not in edition {edition.name}, in force on {day}"
        return [Finding(NOT_LISTED, _with_nearest(said, nearest), blocks=True, nearest=nearest)]

    def nearest(self, text: str) -> tuple[str, ...]:
        """The listed codes that look most like this text, best first, at most NEAREST_MAX."""
        import difflib

        digits = "".join(char for char in text[:64] if char in "0123456789")
        return tuple(
            str(WasteCode(found)) for found in difflib.get_close_matches(digits, self._all_digits, NEAREST_MAX, 0.6)
        )

    def _table_on(self, day: date) -> dict[str, Waste] | None:
        edition = self.edition_on(day)
        if edition is not None and edition.listed is None:
            older = [one.listed for one in self.editions if one.valid_from <= day and one.listed is not None]
            return older[-1] if older else None
        return edition.listed if edition else None

    @cached_property
    def _all_digits(self) -> list[str]:
        return sorted({digits for edition in self.editions for digits in edition.listed or ()})


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue shipped with this package; the first call reads it (some milliseconds)."""
    editions = [
        Edition(
            name=row["edition"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            listed=_listed(row["table"], row["edition"]) if row["table"] else None,
        )
        for row in _tables.rows("catalogue_editions.csv")
    ]
    categories = {row["category_code"]: row["category_name"] for row in _tables.rows("waste_categories.csv")}
    return Catalogue(sorted(editions, key=lambda edition: edition.valid_from), categories)


def _listed(table: str, edition: str) -> dict[str, Waste]:
    wastes = (
        Waste(
            code=WasteCode.parse(row["waste_code"]),
            category_name=row["category_name"],
            industry=row["industry_source"],
            description=row["description"],
            hazards=Hazards.parse(row["hazard_characteristics"]),
            edition=row["edition"],
        )
        for row in _tables.rows(table)
        if row["edition"] == edition
    )
    return {waste.code.digits: waste for waste in wastes}


def _with_nearest(said: str, nearest: tuple[str, ...]) -> str:
    return f"{said}; nearest are {', '.join(nearest)}" if nearest else said
