"""The tickets of a weighbridge, projected from its records: which are open, what closed them, each plate's tares.

Nothing here is stored by itself: after a start the same records give the same tickets. A first weighing opens a ticket;
a second closes it; a newer first weighing of the same plate gives the older open ticket up. An open ticket older than
OPEN_FOR stays in the list and is not paired any more.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from hazgate_edge.domain.weighbridge import OPEN_FOR, TARES_KEPT, Tare
from hazgate_protocols.journal.vehicle import SECOND, FirstWeighing, VehicleBody

TICKETS_KEPT = 2_000  # the newest; older ones leave the list, never the journal
PLATES_KEPT = 5_000  # plates whose tares are remembered, the most recently seen
RECORDS_READ = 20_000  # newest vehicle weighings looked at at the start: years of an ordinary gate


@dataclass(frozen=True, slots=True)
class Ticket:
    """One vehicle's way through: its first weighing, and its second once there is one."""

    ticket: str
    plate: str
    opened_at: datetime
    first: VehicleBody
    first_rid: str
    second: VehicleBody | None = None
    second_rid: str = ""
    closed_at: datetime | None = None
    given_up: bool = False  # a newer first weighing of the plate took its place

    @property
    def is_open(self) -> bool:
        """Whether a second weighing is still wanted."""
        return self.second is None and not self.given_up

    def pairs_at(self, now: datetime) -> bool:
        """Whether a second weighing may close it now."""
        return self.is_open and now - self.opened_at <= OPEN_FOR


@dataclass(frozen=True, slots=True)
class Kept:
    """A vehicle weighing as the journal holds it."""

    rid: str
    at: datetime
    body: VehicleBody
    request: str = ""


class Tickets:
    """Fold records in the order of their times; ask at any time."""

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self._tares: OrderedDict[str, deque[Tare]] = OrderedDict()
        self._requests: OrderedDict[str, str] = OrderedDict()  # press -> ticket
        for one in kept:
            self.fold(one)

    def fold(self, kept: Kept) -> Ticket | None:
        """What a record brings about; the ticket it belongs to, None for a second weighing of an unknown one."""
        body = kept.body
        if kept.request:
            self._requests[kept.request] = body.ticket
        if body.weighing == SECOND:
            return self._close(kept)
        before = self.open_of(body.plate)
        if before is not None:
            self._tickets[before.ticket] = replace(before, given_up=True)
        ticket = Ticket(body.ticket, body.plate, kept.at, body, kept.rid)
        self._tickets[body.ticket] = ticket
        self._forget()
        return ticket

    def open_of(self, plate: str) -> Ticket | None:
        """The open ticket of a plate, whatever its age."""
        return next((ticket for ticket in self.open() if ticket.plate == plate), None)

    def open(self) -> list[Ticket]:
        """Open tickets, newest first."""
        return [ticket for ticket in reversed(self._tickets.values()) if ticket.is_open]

    def newest(self, limit: int) -> list[Ticket]:
        """Tickets of every state, newest first."""
        return [ticket for _, ticket in zip(range(limit), reversed(self._tickets.values()), strict=False)]

    def ticket(self, ticket: str) -> Ticket | None:
        """One by its id."""
        return self._tickets.get(ticket)

    def of_request(self, request: str) -> Ticket | None:
        """The ticket a press has already led to."""
        return self._tickets.get(self._requests.get(request, ""))

    def tares(self, plate: str) -> tuple[Tare, ...]:
        """The newest tares of a plate, oldest first."""
        return tuple(self._tares.get(plate, ()))

    def _close(self, kept: Kept) -> Ticket | None:
        body = kept.body
        if body.tare_mg is not None:
            tares = self._tares.setdefault(body.plate, deque(maxlen=TARES_KEPT))
            tares.append(Tare(body.tare_mg, kept.at))
            self._tares.move_to_end(body.plate)
        opened = self._tickets.get(body.ticket)
        if opened is None or opened.plate != body.plate:
            return None
        closed = replace(opened, second=body, second_rid=kept.rid, closed_at=kept.at)
        self._tickets[body.ticket] = closed
        self._forget()
        return closed

    def _forget(self) -> None:
        for many, most in ((self._tickets, TICKETS_KEPT), (self._tares, PLATES_KEPT), (self._requests, TICKETS_KEPT)):
            while len(many) > most:
                many.popitem(last=False)


def first_named(ticket: Ticket) -> FirstWeighing:
    """The first weighing as the second record names it."""
    at = ticket.opened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return FirstWeighing(ticket.first_rid, ticket.first.load.mg, at)
