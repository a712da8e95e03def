"""What the weighbridge shows and offers to a terminal, beside domain/view.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hazgate_edge.domain.view import Refused, Say


@dataclass(frozen=True, slots=True)
class TicketCard:
    """One ticket made ready for a page: texts in the scale's unit, "" for what is not known yet."""

    ticket: str
    plate: str
    state: str  # open | late | closed | given_up
    opened_at: str  # RFC 3339 UTC
    closed_at: str
    unit: str
    first: str
    second: str
    gross: str
    tare: str
    net: str
    manifest: str
    warnings: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class VehicleWeighed:
    """Saved: the record is durable on this box."""

    rid: str
    card: TicketCard


@dataclass(frozen=True, slots=True)
class AxleKept:
    """One axle is remembered; nothing is saved before the vehicle is finished."""

    axles: int
    sum: str


class Office(Protocol):
    """What a terminal may ask of a box whose scale weighs vehicles."""

    async def weigh_vehicle(
        self, *, plate: str, corrected: bool, ticket: str, manifest: str, operator: str, request: str
    ) -> VehicleWeighed | Refused:
        """Book what is settled on the platform (or the axles kept). ticket: the open ticket to close, "" for the one
        the plate has or a new one, "new" to give that up and begin anew. The same request answers the same."""
        ...

    async def keep_axle(self, *, operator: str) -> AxleKept | Refused:
        """Remember the settled axle."""
        ...

    async def drop_axles(self) -> None:
        """Forget the axles kept: the vehicle begins anew."""
        ...

    async def tickets(self, limit: int = 50) -> list[TicketCard]:
        """Open tickets first, then the newest others."""
        ...
