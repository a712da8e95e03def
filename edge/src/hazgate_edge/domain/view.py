"""What the box shows and offers to a terminal: snapshots out, four acts in. The terminal knows nothing else of the box.

Sentences travel as a key and parameters; the terminal's catalogue says them in the operator's language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence for the operator: a key of the message catalogue ("SCALE-01") with its parameters."""

    key: str
    values: dict[str, str] = field(default_factory=dict)


class Light(StrEnum):
    """State of a device or link."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    OFF = "off"  # not configured or not known yet


@dataclass(frozen=True, slots=True)
class Chip:
    """One device or link in the top bar: name is scale, printer or network."""

    name: str
    light: Light
    say: Say | None = None


class Phase(StrEnum):
    """Where the pan is in the life of one weighing (domain/weighing.py has the table)."""

    NO_WEIGHT = "no_weight"  # nothing current to show: stale, damaged, link down
    EMPTY = "empty"
    MOVING = "moving"
    SETTLED = "settled"
    BOOKED = "booked"  # saved; the bag is still on the pan
    REFUSED = "refused"  # overload, underload, wrong unit: a reading, but no weight to use


@dataclass(frozen=True, slots=True)
class Numbers:
    """A waste's label numbers on this box, mentioned only when today's or the days to come run low. left: of today; 0:
    none, no bag of it now."""

    waste_code: str
    left: int
    say: Say


@dataclass(frozen=True, slots=True)
class Scanned:
    """The last code a scanner or a photo brought. rid: the bag's record, "" when it is none of this box; label: its
    number, "" when it is no label at all."""

    number: int  # counts up with every scan since the box started
    at: str  # RFC 3339 UTC
    scanner: str  # its id, "photo" for a photo
    rid: str
    label: str
    say: Say


@dataclass(frozen=True, slots=True)
class Live:
    """What the terminal shows ten times a second.

    weight: the indicator's own digits, "" when there is none to show. age_ms: since the frame arrived; a weight
    older than 1000 ms is never sent. blocked: why the main button is dead, most important first; empty = it lives
    (a chosen waste is the page's own business and not counted here).
    """

    number: int  # counts up with every snapshot; the page's watchdog looks at it
    phase: Phase
    weight: str
    unit: str
    mode: str
    stable: bool | None
    age_ms: int | None
    blocked: tuple[Say, ...]
    chips: tuple[Chip, ...]
    pending: int  # records without receipt
    refused: int  # records the collector or the core refuses
    confirmed_at: str  # RFC 3339 of the newest receipt, "" when none
    records_version: int  # changes when the list of records changed
    numbers: tuple[Numbers, ...] = ()  # wastes whose label numbers run low or have run out
    scanned: Scanned | None = None  # the last scan, however long ago


@dataclass(frozen=True, slots=True)
class Waste:
    """A waste of this unit, offered as a tile."""

    code: str  # 900-214-08
    name: str
    category: str  # HW08
    hazards: tuple[str, ...]
    containers: tuple[str, ...]  # ids of containers used for it, the usual one first


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of container: its volume decides the label's size."""

    id: str
    name: str
    volume_l: int


class PrintState(StrEnum):
    """What is known of a label."""

    QUEUED = "queued"
    PRINTING = "printing"
    PRINTED = "printed"
    FAILED = "failed"  # surely not printed
    UNKNOWN = "unknown"  # may or may not be printed: the operator is asked


class SyncState(StrEnum):
    """How far a record is."""

    KEPT = "kept"  # 待传: on this box only
    RECEIVED = "received"  # 云端已收: our cloud holds it (receipt)
    ACCEPTED = "accepted"  # 已确认: the core holds it (acknowledgement)
    REFUSED = "refused"  # 拒收: flagged by the collector or refused by the core


@dataclass(frozen=True, slots=True)
class Row:
    """One weighing in the list of records."""

    rid: str
    label: str
    waste_code: str
    waste_name: str
    weight: str  # "12.50 kg"
    weighed_at: str  # RFC 3339 UTC
    print_state: PrintState
    print_say: Say | None
    copies: int  # reprints so far
    sync: SyncState
    sync_at: str  # RFC 3339 of the receipt or acknowledgement, "" when none
    sync_text: str  # the refusal in the other side's words, "" when none


@dataclass(frozen=True, slots=True)
class Weighed:
    """Saved: the record is durable on this box."""

    rid: str
    label: str
    weight: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not saved, and why."""

    say: Say


class Box(Protocol):
    """What a terminal may ask of the box."""

    @property
    def box_id(self) -> str: ...

    @property
    def site_name(self) -> str: ...

    @property
    def unit_name(self) -> str: ...

    @property
    def operators(self) -> tuple[str, ...]: ...

    @property
    def trace_url(self) -> str:
        """Base address of the cloud's trace page, "" when there is none."""
        ...

    def live(self) -> Live:
        """The current snapshot; cheap, never waits."""
        ...

    def wastes(self) -> tuple[Waste, ...]: ...

    def containers(self) -> tuple[Container, ...]: ...

    async def weigh(self, *, waste_code: str, container: str, operator: str, request: str) -> Weighed | Refused:
        """Save the settled weight now on the pan and queue its label. `request`: the page's own key of this press;
        the same key again gives the same answer (a double tap books once)."""
        ...

    async def rows(self, limit: int = 200) -> list[Row]:
        """Today's weighings, newest first."""
        ...

    async def row(self, rid: str) -> Row | None: ...

    async def label_png(self, rid: str) -> bytes | None:
        """The label as a full-colour PNG, None for an unknown rid."""
        ...

    async def answer_print(self, *, rid: str, printed: bool, operator: str) -> Refused | None:
        """The operator's answer to "did the label come out?" for a job in state unknown."""
        ...

    async def print_again(self, *, rid: str, reason: str, operator: str) -> Refused | None:
        """Failed labels go out as the original; printed ones as a numbered copy with the reason."""
        ...

    async def scan(self, *, text: str, scanner: str) -> Scanned | None:
        """A code read outside of the agent (a photo), judged as if a scanner had read it. None for the same again."""
        ...
