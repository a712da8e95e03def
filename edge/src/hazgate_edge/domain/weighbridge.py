"""A vehicle on a weighbridge: its phases as a table, where it stands, what belongs on its ticket.

The weight's own life (rest, staleness, once booked never again before the platform was empty) is the pan's. This table
adds the vehicle: a weight may be booked only from SETTLED, and SETTLED is reached only while the whole vehicle is known
to stand on the platform, or where nothing was configured that could know. All events are seen anew at every look:

    CLEAR      the platform is empty
    ROLLING    loaded, and moving or not known to stand fully on it
    IN_PLACE   loaded and fully on by its sensors, not at rest
    AT_REST    loaded, at rest, and fully on (or no sensors)
    NOTHING    no weight to use
    BOOKED     the weight has become a record (or one axle of a vehicle was kept)

    phase        CLEAR   ROLLING   IN_PLACE     AT_REST   NOTHING   BOOKED
    EMPTY        EMPTY   COMING    POSITIONED   SETTLED   EMPTY     -
    COMING       EMPTY   COMING    POSITIONED   SETTLED   COMING    -
    POSITIONED   EMPTY   COMING    POSITIONED   SETTLED   COMING    -
    SETTLED      EMPTY   COMING    POSITIONED   SETTLED   COMING    BOOKED
    BOOKED       EMPTY   LEAVING   LEAVING      BOOKED    BOOKED    -
    LEAVING      EMPTY   LEAVING   LEAVING      LEAVING   LEAVING   -

"Booked" from any other phase is a mistake of the program. The program starts in LEAVING: what stands there may be on
record already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hazgate_edge.domain.view import Phase, Say
from hazgate_protocols.journal.vehicle import TareBasis
from hazgate_protocols.mass import Mass

# Own rules: no standard or manual gives these numbers.
TARES_KEPT = 5  # the newest tares of a plate that a new one is judged by
TARE_DIVISIONS = 3  # a tare may differ from their median by so many divisions,
TARE_PERCENT = 2  # or by this share of the median, whichever is more: a full tank is about 2 % of an empty lorry
TARE_OLD = timedelta(days=30)  # an older newest tare says little of the vehicle
OPEN_FOR = timedelta(hours=24)  # an older open ticket is no longer paired: the lorry has long been elsewhere
SENSORS_FRESH_MS = 1000  # as with weights: what was seen earlier is not known any more

TARE_OUTLIER = "tare_outlier"
TARE_AGED = "tare_old"
NET_ZERO = "net_zero"
AXLE_SUM = "axle_sum"  # axles weighed one after the other do not give a whole vehicle's legal weight


class Stage(StrEnum):
    """Where the vehicle is."""

    EMPTY = "empty"
    COMING = "coming"
    POSITIONED = "positioned"
    SETTLED = "settled"
    BOOKED = "booked"
    LEAVING = "leaving"


class Event(StrEnum):
    """What can be seen of it."""

    CLEAR = "clear"
    ROLLING = "rolling"
    IN_PLACE = "in_place"
    AT_REST = "at_rest"
    NOTHING = "nothing"
    BOOKED = "booked"


_APPROACH = {
    Event.CLEAR: Stage.EMPTY,
    Event.ROLLING: Stage.COMING,
    Event.IN_PLACE: Stage.POSITIONED,
    Event.AT_REST: Stage.SETTLED,
    Event.NOTHING: Stage.COMING,
}
_SEEN = tuple(_APPROACH)

TABLE: dict[tuple[Stage, Event], Stage] = {
    **{(stage, event): after for stage in (Stage.EMPTY, Stage.COMING, Stage.POSITIONED, Stage.SETTLED)
       for event, after in _APPROACH.items()},
    (Stage.EMPTY, Event.NOTHING): Stage.EMPTY,
    (Stage.SETTLED, Event.BOOKED): Stage.BOOKED,
    **{(Stage.BOOKED, event): Stage.BOOKED for event in _SEEN},
    (Stage.BOOKED, Event.CLEAR): Stage.EMPTY,
    (Stage.BOOKED, Event.ROLLING): Stage.LEAVING,
    (Stage.BOOKED, Event.IN_PLACE): Stage.LEAVING,
    **{(Stage.LEAVING, event): Stage.LEAVING for event in _SEEN},
    (Stage.LEAVING, Event.CLEAR): Stage.EMPTY,
}  # fmt: skip

START = Stage.LEAVING


@dataclass(frozen=True, slots=True)
class Position:
    """What the sensors at the platform's ends said at one moment: True = nothing hangs over this end."""

    front_on: bool
    rear_on: bool
    at_ns: int  # monotonic


class Bridge:
    """One weighbridge's stage. sensors: whether position sensors are configured; without them nobody looks."""

    def __init__(self, *, sensors: bool) -> None:
        self._sensors = sensors
        self.stage = START

    def look(self, pan: Phase, *, steady: bool, position: Position | None, now_ns: int) -> Stage:
        """The stage after one look at pan and sensors. steady: the current weight is at rest."""
        self.stage = TABLE[self.stage, self._event(pan, steady, position, now_ns)]
        return self.stage

    def booked(self) -> None:
        """The settled weight is a record, or an axle kept; KeyError for booking what may not be booked."""
        self.stage = TABLE[self.stage, Event.BOOKED]

    def where(self, position: Position | None, now_ns: int) -> Say | None:
        """Why the vehicle does not count as fully on the platform, None when it does."""
        if not self._sensors:
            return None
        # Silent sensors are not good ones: nobody knows where the vehicle stands.
        if position is None or now_ns - position.at_ns > SENSORS_FRESH_MS * 1_000_000:
            return Say("VEH-01")
        if not position.front_on:
            return Say("VEH-02")
        return None if position.rear_on else Say("VEH-03")

    def _event(self, pan: Phase, steady: bool, position: Position | None, now_ns: int) -> Event:
        if pan is Phase.EMPTY:
            return Event.CLEAR
        if pan in (Phase.NO_WEIGHT, Phase.REFUSED):
            return Event.NOTHING
        if self.where(position, now_ns) is not None:
            return Event.ROLLING
        if steady and pan in (Phase.SETTLED, Phase.BOOKED):
            return Event.AT_REST
        return Event.IN_PLACE if self._sensors else Event.ROLLING


def is_green(stage: Stage, *, sensors_known: bool) -> bool:
    """The traffic light: green when the next vehicle may come or this one may go; red whenever anything is unclear."""
    return sensors_known and stage in (Stage.EMPTY, Stage.BOOKED, Stage.LEAVING)


@dataclass(frozen=True, slots=True)
class Tare:
    """An earlier tare of a plate."""

    mg: int
    at: datetime


def basis(tares: Sequence[Tare]) -> TareBasis:
    """What a new tare is judged by: the newest TARES_KEPT, oldest first. An even median is the lower of the two."""
    kept = tares[-TARES_KEPT:]
    if not kept:
        return TareBasis()
    ordered = sorted(tare.mg for tare in kept)
    newest = kept[-1].at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return TareBasis(len(kept), ordered[(len(ordered) - 1) // 2], newest)


def judge_tare(tare_mg: int, history: TareBasis, *, division: Mass, now: datetime) -> tuple[str, ...]:
    """tare_outlier, tare_old, both or neither; a plate without history is not judged. Warnings, never blocks."""
    if history.median_mg is None:
        return ()
    found = []
    # In hundredths, so that two per cent stays exact.
    allowed = max(TARE_DIVISIONS * division.mg * 100, TARE_PERCENT * history.median_mg)
    if abs(tare_mg - history.median_mg) * 100 > allowed:
        found.append(TARE_OUTLIER)
    if now - datetime.fromisoformat(history.newest_at) > TARE_OLD:
        found.append(TARE_AGED)
    return tuple(found)
