"""Who gets which label numbers. Pure: what is leased and used comes in, a range or nothing comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from hazgate_protocols.codes.label_number import SEQUENCE_MAX, LabelNumber
from hazgate_protocols.journal.leases import LeaseAsk, LeasedRange


@dataclass(frozen=True, slots=True)
class Lease:
    """Numbers that one box of a unit may give for a waste. ask: the hash of the record that asked for them."""

    ask: bytes
    box: str
    waste_code: str
    range: LeasedRange


def choose_range(
    ask: LeaseAsk, leased: Iterable[LeasedRange], used: Iterable[int], *, sharers: int
) -> LeasedRange | None:
    """The range to grant, None when nothing is free on these days.

    leased: every lease of the unit and waste, of whatever days and box. used: numbers seen on labels of these days.
    At most the sharers' part of what is free is granted. Of what fits, the lowest free range is taken, else the largest
    there is: fewer numbers than asked for are better than none.
    """
    taken = bytearray(SEQUENCE_MAX + 2)  # 1 where a number may not be given; a wall at each end
    taken[0] = taken[-1] = 1
    for held in leased:
        if held.days.meet(ask.days):
            taken[held.first : held.last + 1] = b"\1" * (held.last + 1 - held.first)
    for number in used:
        taken[number] = 1
    gaps = list(_gaps(taken))
    free = sum(last + 1 - first for first, last in gaps)
    if not free:
        return None
    count = min(ask.count, max(1, free // sharers))
    fitting = [gap for gap in gaps if gap[1] + 1 - gap[0] >= count]
    first, last = fitting[0] if fitting else max(gaps, key=lambda gap: gap[1] - gap[0])
    return LeasedRange(first, min(last, first + count - 1), ask.days)


def sharers(box: str, boxes: Iterable[str], served: Set[str]) -> int:
    """Among how many what is free is divided. served: the boxes that have a lease of the waste on one of these days.

    With the asking box share all of the unit that have none. A box that asks for more leaves at least half to others.
    """
    others = set(boxes) - {box}
    waiting = len(others - served)
    return max(1 + waiting, 2) if others and box in served else 1 + waiting


def not_leased(number: LabelNumber, box: str, leases: Sequence[Lease]) -> str:
    """Why this box may not give this number, "" when it may. leases: of the number's unit, in any order.

    A unit whose boxes share the numbers by hand has no leases, and nothing is said here.
    """
    waste, day = str(number.waste), number.produced_on
    today = [lease for lease in leases if lease.waste_code == waste and day in lease.range.days]
    if any(lease.box == box and lease.range.covers(number.sequence, day) for lease in today):
        return ""
    for lease in today:
        if lease.box != box and lease.range.covers(number.sequence, day):
            return f"label number {number} lies in {lease.range}, which is leased to box {lease.box}"
    others = sorted({lease.box for lease in today if lease.box != box})
    if others:
        return f"label number {number} was not leased to box {box}, and {others[0]} has leases of this waste and day"
    return ""


def _gaps(taken: bytearray) -> Iterator[tuple[int, int]]:
    """First and last of every run of free numbers, the lowest run first."""
    at = 0
    while (first := taken.find(0, at)) >= 0:
        at = taken.index(1, first)
        yield first, at - 1
