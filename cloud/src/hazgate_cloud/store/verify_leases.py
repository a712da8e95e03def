"""Proving the leases again: each follows from a record, was told to its box, and no number has two holders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select

from hazgate_cloud.domain.leases import Lease, not_leased
from hazgate_cloud.store.boxes import BoxRow
from hazgate_cloud.store.leases import NOTE, lease_notes, lease_of, told_in
from hazgate_cloud.store.schema import alarms, leases, notes
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, LabelNumber, label_stem
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.leases import GRANTED, LeaseAsk
from hazgate_protocols.journal.record import LEASE_ASK, NOTES, Record


@dataclass(frozen=True, slots=True)
class _Row:
    lease: Lease
    unit: str
    known_by: bytes

    @property
    def learned(self) -> bool:
        """Granted before the store went back, and named by the box's own journal since."""
        return self.known_by != self.lease.ask


class LeaseCheck:
    """Fed with every record in the order they were stored. Holds the leases and the numbers of leased days."""

    def __init__(self, tx: Connection, boxes: Mapping[str, BoxRow]) -> None:
        self._units = {name: box.registered.unit_code for name, box in boxes.items()}
        self._rows: dict[bytes, list[_Row]] = {}  # by the record that brought them; what is left at the end is a fault
        for row in tx.execute(select(leases).order_by(leases.c.number)):
            self._rows.setdefault(row.known_by, []).append(_Row(lease_of(row), row.unit_code, row.known_by))
        self._notes = {
            (row.box, row.hash): (row.code, row.reference)
            for row in tx.execute(select(notes).where(notes.c.what == NOTE).order_by(notes.c.n))
        }
        alarmed = select(alarms.c.box).where(alarms.c.kind == "lease_overlap")
        self._alarmed = set(tx.execute(alarmed).scalars())
        self._asks: dict[bytes, tuple[str, LeaseAsk | None]] = {}
        self._told: set[str] = set()  # hashes, in hex, that a notes record names an answer to
        self._known: dict[tuple[str, str], list[_Row]] = {}  # by unit and waste, of the records so far
        self._used: dict[str, set[int]] = {}
        self._keys: set[tuple[bytes, str]] = set()
        self._learned = 0

    def faults_of(self, record_hash: bytes, record: Record) -> Iterator[str]:
        """What is wrong with the leases this record brought."""
        brought = self._rows.pop(record_hash, [])
        if record.kind == LEASE_ASK:
            try:
                ask = LeaseAsk.from_json(record.body)
            except BodyError:
                ask = None
            self._asks[record_hash] = (record.box, ask)
            yield from self._faults_of_grants(record_hash, record.box, ask, brought)
        elif record.kind == NOTES:
            yield from self._faults_of_learned(record, brought)
        elif brought:
            yield "it asks for no label numbers, and has a lease"
        for row in brought:
            self._known.setdefault((row.unit, row.lease.waste_code), []).append(row)
            self._keys.add((row.lease.ask, str(row.lease.range)))
            self._learned += row.learned

    def use(self, label: str) -> None:
        """This label number has its bag."""
        self._used.setdefault(label[:-SEQUENCE_CHARS], set()).add(int(label[-SEQUENCE_CHARS:]))

    def not_leased(self, label: str, box: str) -> str:
        """As it had to be judged when the record came."""
        number = LabelNumber.parse(label)
        unit = self._units[box]
        if number.unit != unit:
            return ""
        known = self._known.get((unit, str(number.waste)), [])
        return not_leased(number, box, [row.lease for row in known])

    def faults_at_the_end(self) -> Iterator[str]:
        """Leases without a record, asks without an answer."""
        for known_by, rows in self._rows.items():
            for row in rows:
                yield f"lease {row.lease.range} of box {row.lease.box}: no record {known_by.hex()} brought it"
        for record_hash, (box, _) in self._asks.items():
            if (box, record_hash) not in self._notes and record_hash.hex() not in self._told:
                yield f"record {record_hash.hex()}: asks for label numbers, and its box was never answered"

    def told(self) -> str:
        """What was proved."""
        learned = f", {self._learned} of them learned again from the boxes' journals" if self._learned else ""
        return f"{len(self._keys)} leases of label numbers{learned}: each was asked for and told, none shares a number"

    def _faults_of_grants(
        self, record_hash: bytes, box: str, ask: LeaseAsk | None, brought: list[_Row]
    ) -> Iterator[str]:
        if len(brought) > 1:
            yield f"it was granted {len(brought)} leases: one ask is granted once"
        for row in brought:
            granted = row.lease.range
            if row.learned or row.unit != self._units.get(box) or row.lease.box != box:
                yield f"its lease {granted} is another box's or another record's"
            if ask is None or row.lease.waste_code != ask.waste_code or granted.days != ask.days:
                yield f"its lease {granted} is of another waste or of other days than it asked for"
            elif granted.last - granted.first >= ask.count:
                yield f"its lease {granted} is more than the {ask.count} it asked for"
            if self._notes.get((box, record_hash)) != (GRANTED, str(granted)):
                yield f"its lease {granted} is not what its box was told"
            for other in self._known.get((row.unit, row.lease.waste_code), []):
                if other.lease.range.meets(granted):
                    yield f"its lease {granted} shares numbers with {other.lease.range} of box {other.lease.box}"
            if self._was_used(row):
                yield f"its lease {granted} holds a number that was on a label before"

    def _faults_of_learned(self, record: Record, brought: list[_Row]) -> Iterator[str]:
        left = {(row.lease.ask, str(row.lease.range)): row for row in brought}
        self._told |= {str(note.get("hash")) for note in lease_notes(record)}
        for told in told_in(record):
            key = (told.ask, str(told.range))
            row = left.pop(key, None)
            asked = self._asks.get(told.ask)
            if row is None:
                if key not in self._keys and asked is not None and asked[1] is not None:
                    yield f"it names a lease {told.range} that is not held here"
                continue
            if asked is None or asked[1] is None or asked[1].waste_code != row.lease.waste_code:
                yield f"the lease {told.range} learned from it is of another waste than was asked for"
            for other in self._known.get((row.unit, row.lease.waste_code), []):
                shared = other.lease.box != row.lease.box and other.lease.range.meets(told.range)
                if shared and row.lease.box not in self._alarmed:
                    yield f"the lease {told.range} learned from it is box {other.lease.box}'s too, without an alarm"
        for row in left.values():
            yield f"a lease {row.lease.range} is said to be learned from it, and it names none such"

    def _was_used(self, row: _Row) -> bool:
        day, days = row.lease.range.days.first, row.lease.range.days
        while day <= days.last:
            stem = label_stem(row.unit, row.lease.waste_code, day)
            if any(row.lease.range.first <= number <= row.lease.range.last for number in self._used.get(stem, ())):
                return True
            day += timedelta(days=1)
        return False
