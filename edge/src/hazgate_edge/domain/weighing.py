"""The life of one weighing on the pan, as a table.

A bag may be booked only from SETTLED, and only once: after booking, and after a start of the program, the pan must
have been empty before the next bag counts, so that one bag never becomes two records.

    phase       empty weight   loaded, moving   loaded, settled   unusable reading   nothing current   booked
    NO_WEIGHT   EMPTY          MOVING           SETTLED           REFUSED            NO_WEIGHT         BOOKED
    EMPTY       EMPTY          MOVING           SETTLED           REFUSED            NO_WEIGHT         -
    MOVING      EMPTY          MOVING           SETTLED           REFUSED            NO_WEIGHT         BOOKED
    SETTLED     EMPTY          MOVING           SETTLED           REFUSED            NO_WEIGHT         BOOKED
    REFUSED     EMPTY          MOVING           SETTLED           REFUSED            NO_WEIGHT         BOOKED
    BOOKED      EMPTY          BOOKED           BOOKED            BOOKED             BOOKED            -

"Booked" comes when the record is durable, some time after the press from SETTLED: the load may move by then. From EMPTY
or BOOKED it is a mistake of the program. The program starts in BOOKED.
"""

from __future__ import annotations

from enum import StrEnum

from hazgate_edge.domain.view import Phase


class Event(StrEnum):
    """What can happen to the pan."""

    EMPTY = "empty"
    MOVING = "moving"
    SETTLED = "settled"
    UNUSABLE = "unusable"
    NOTHING = "nothing"
    BOOKED = "booked"


_FOLLOWS = {
    Event.EMPTY: Phase.EMPTY,
    Event.MOVING: Phase.MOVING,
    Event.SETTLED: Phase.SETTLED,
    Event.UNUSABLE: Phase.REFUSED,
    Event.NOTHING: Phase.NO_WEIGHT,
}
_FREE = (Phase.NO_WEIGHT, Phase.EMPTY, Phase.MOVING, Phase.SETTLED, Phase.REFUSED)

TABLE: dict[tuple[Phase, Event], Phase] = {
    **{(phase, event): after for phase in _FREE for event, after in _FOLLOWS.items()},
    **{(Phase.BOOKED, event): Phase.BOOKED for event in _FOLLOWS},
    (Phase.BOOKED, Event.EMPTY): Phase.EMPTY,
    **{(phase, Event.BOOKED): Phase.BOOKED for phase in _FREE if phase is not Phase.EMPTY},
}

START = Phase.BOOKED


def after(phase: Phase, event: Event) -> Phase:
    """The next phase; raises KeyError for booking what may not be booked."""
    return TABLE[phase, event]
