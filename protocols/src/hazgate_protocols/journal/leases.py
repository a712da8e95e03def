"""Label number leases: what a box asks for (record kind "lease_ask") and what a collector's note "lease" grants.

A label's sequence is shared by all boxes of a unit per waste code and day. A lease gives one box a range of it on some
days; two leases of one unit and waste that share a day share no number. What is granted is never taken back and never
freed: not by a void, not by a day without a bag, not by the box asking again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from hazgate_protocols.codes.label_number import SEQUENCE_MAX
from hazgate_protocols.codes.waste_code import WasteCode, WasteCodeError
from hazgate_protocols.journal.bodies import BodyError

GRANTED = "granted"  # the note's code: its reference names the range
NONE = "none"  # none granted; its text says why. Asking again the same day is of no use
DAYS_MAX = 92  # of one lease
_WHY_CHARS_MAX = 40
_REFERENCE = re.compile(r"([0-9]{1,3})-([0-9]{1,3}) ([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Days:
    """Local days (Asia/Shanghai), both meant."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 2000 <= self.first.year <= self.last.year <= 2099:
            raise ValueError(f"days {self}: not of this century")
        if not 0 <= (self.last - self.first).days < DAYS_MAX:
            raise ValueError(f"days {self}: allowed are 1 to {DAYS_MAX} days in order")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"

    def meet(self, other: Days) -> bool:
        """Whether they share a day."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class LeasedRange:
    """Sequence numbers first to last on these days. As text, the note's reference: "101-200 2026-11-23..2026-12-31"."""

    first: int
    last: int
    days: Days

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last <= SEQUENCE_MAX:
            raise ValueError(f"numbers {self.first}-{self.last}: allowed are 1 to {SEQUENCE_MAX} in order")

    def __str__(self) -> str:
        return f"{self.first}-{self.last} {self.days}"

    @classmethod
    def parse(cls, text: str) -> LeasedRange:
        """Raises ValueError for anything but the text of a range."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise ValueError(f"lease {text[:80]!r}: wanted is FIRST-LAST YYYY-MM-DD..YYYY-MM-DD")
        days = Days(date.fromisoformat(found[3]), date.fromisoformat(found[4]))
        return cls(int(found[1]), int(found[2]), days)

    def covers(self, number: int, day: date) -> bool:
        """Whether this number of this day lies in it."""
        return self.first <= number <= self.last and day in self.days

    def meets(self, other: LeasedRange) -> bool:
        """Whether they share a number on some day."""
        return self.first <= other.last and other.first <= self.last and self.days.meet(other.days)


@dataclass(frozen=True, slots=True)
class LeaseAsk:
    """The body of a lease_ask. count: how many numbers a day are wanted; fewer may be granted."""

    waste_code: str
    days: Days
    count: int
    why: str  # first | horizon | low

    def as_json(self) -> dict[str, Any]:
        """The body as canonical JSON wants it."""
        return {
            "waste_code": self.waste_code,
            "from": self.days.first.isoformat(),
            "until": self.days.last.isoformat(),
            "count": self.count,
            "why": self.why,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> LeaseAsk:
        """Raises BodyError that names what is missing or wrong."""
        for key, kind in (("waste_code", str), ("from", str), ("until", str), ("count", int), ("why", str)):
            if type(body.get(key)) is not kind:
                raise BodyError(f"lease_ask {key!r} is missing or no {kind.__name__}")
        if not 1 <= body["count"] <= SEQUENCE_MAX:
            raise BodyError(f"lease_ask count {body['count']}: allowed are 1 to {SEQUENCE_MAX}")
        try:
            waste_code = str(WasteCode.parse(body["waste_code"]))
            days = Days(_day(body["from"]), _day(body["until"]))
        except (WasteCodeError, ValueError) as exc:
            raise BodyError(f"lease_ask: {exc}") from exc
        return cls(waste_code, days, body["count"], body["why"][:_WHY_CHARS_MAX])


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if found.isoformat() != text:  # fromisoformat takes 20261123 and week dates too
        raise ValueError(f"day {text[:20]!r}: wanted is YYYY-MM-DD")
    return found
