"""When the box asks the collector for label numbers, and for how many. Pure: what is held comes in, asks come out.

For every waste of the configuration the box wants a range on each of the coming HORIZON_DAYS. It asks

    first     when it holds none for today
    horizon   when what it holds ends before RENEW_BEFORE_DAYS from now
    low       when few are left for today: more of them from today to the end of what it holds

and never while an ask of the same waste and of shared days is open. An ask is open until it is answered. Refused, it
stays open for the rest of that local day; stored by the collector but not answered at all (an older collector keeps it
and does nothing), it stays open for the rest of the day on which it was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hazgate_protocols.codes.label_number import SEQUENCE_MAX
from hazgate_protocols.journal.leases import GRANTED, Days, LeaseAsk, LeasedRange

HORIZON_DAYS = 60  # with RENEW_BEFORE_DAYS: cut off at any moment, a box goes on for 45 days, and asks every 16 days
RENEW_BEFORE_DAYS = 45
LOW_LEFT = 20  # of today
LAST_DAY = date(2099, 12, 31)  # label numbers carry a date of this century


@dataclass(frozen=True, slots=True)
class Lease:
    """A range this box was granted. note: the number of the note that granted it."""

    note: int
    waste_code: str
    range: LeasedRange


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask in the chain. answer: "", "granted" or "none"; stored: whether the collector holds it by receipt."""

    waste_code: str
    days: Days
    asked_on: date
    stored: bool
    answer: str = ""
    answered_on: date | None = None
    why_none: str = ""

    def is_open(self, today: date) -> bool:
        """Whether asking for the same again would be of no use yet."""
        if self.answer == GRANTED:
            return False
        if self.answer:
            return self.answered_on == today
        return not self.stored or self.asked_on == today


def wanted(
    today: date,
    waste_codes: Iterable[str],
    *,
    a_day: int,
    leases: Sequence[Lease],
    asked: Sequence[Asked],
    left: dict[str, int],
) -> list[LeaseAsk]:
    """What to ask for now. left: by waste, how many numbers this box may still give today."""
    if not 2000 <= today.year < LAST_DAY.year:
        return []  # the clock is not set; asking for such days would only waste an answer
    found: list[LeaseAsk] = []
    for code in waste_codes:
        own = [lease.range for lease in leases if lease.waste_code == code]
        until = covered_until(today, own)
        horizon = today + timedelta(days=HORIZON_DAYS)
        asks = []
        if until is None:
            asks.append(LeaseAsk(code, Days(today, horizon), a_day, "first"))
        else:
            if left.get(code, 0) <= low_at([held for held in own if today in held.days]):
                asks.append(LeaseAsk(code, Days(today, until), a_day, "low"))
            if until < today + timedelta(days=RENEW_BEFORE_DAYS):
                start = until + timedelta(days=1)
                # As many a day as today, when low numbers have led to more.
                count = max(a_day, min(SEQUENCE_MAX, sum(r.last + 1 - r.first for r in own if today in r.days)))
                asks.append(LeaseAsk(code, Days(start, horizon), count, "horizon"))
        found += [ask for ask in asks if open_ask(today, ask, asked) is None]
    return found


def low_at(ranges_today: Sequence[LeasedRange]) -> int:
    """From how few left on more is asked for. A small last grant was all there was: half of it is used up first."""
    if not ranges_today:
        return 0
    newest = ranges_today[-1]
    return min(LOW_LEFT, (newest.last + 1 - newest.first) // 2)


def open_ask(today: date, ask: LeaseAsk, asked: Iterable[Asked]) -> Asked | None:
    """An earlier ask that this one would only repeat."""
    return next(
        (
            item
            for item in asked
            if item.waste_code == ask.waste_code and item.days.meet(ask.days) and item.is_open(today)
        ),
        None,
    )


def covered_until(today: date, own: Iterable[LeasedRange]) -> date | None:
    """The last day up to which every day from today on has a range; None when today has none."""
    until: date | None = None
    for held in sorted(own, key=lambda held: held.days.first):
        start = today if until is None else until + timedelta(days=1)
        if held.days.first <= start <= held.days.last:
            until = held.days.last
    return until
