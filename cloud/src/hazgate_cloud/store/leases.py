"""Label number leases: granting them, learning again what was granted, asking what is leased.

Everything here runs in the transaction that stores the record it follows from. The wire's side of it stands in
docs/wire/hz-1.md, the reasons in docs/adr/0011-label-number-leases.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from hazgate_cloud.domain.intake import Entry
from hazgate_cloud.domain.leases import Lease, choose_range, not_leased, sharers
from hazgate_cloud.store.alarms import raise_alarm
from hazgate_cloud.store.boxes import BoxRow, add_note
from hazgate_cloud.store.schema import bags, boxes, lease_units, leases, records
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, LabelNumber, label_stem
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.leases import GRANTED, NONE, Days, LeaseAsk, LeasedRange
from hazgate_protocols.journal.record import LEASE_ASK, NOTES, Record

NOTE = "lease"
LAST_DAY = date(2099, 12, 31)  # a label number carries a date of this century
WENT_BACK = (
    "the collector went back to an older copy and may lack leases it has given; it grants again when every box of the "
    "unit was heard, or a person says so"
)
_NEWEST_NOTES = 5  # records looked at for the last note a box holds: a copied disk makes branches
_OF_UNIT = select(leases).where(
    leases.c.unit_code == bindparam("of_unit"),
    leases.c.until_day >= bindparam("from_on"),
    leases.c.from_day <= bindparam("upto"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """A grant that a box's notes record names: what some collector once told it."""

    ask: bytes
    range: LeasedRange


class Leasing:
    """The leases of one box's unit while its newly stored records are projected, in order.

    What the batch's notes records name is learned first, so that nothing is granted over it; for the weighings it
    counts from its record on, as it does when `verify` reads the records again.
    """

    def __init__(self, tx: Connection, box: BoxRow, entries: Sequence[Entry], at: str) -> None:
        self._tx, self._box, self._at = tx, box, at
        self._name, self._unit = box.registered.box, box.registered.unit_code
        self._ahead: set[bytes] = set()
        self._answered: set[str] = set()
        self._numbers = _label_numbers(entries)
        self._known: list[tuple[bytes, Lease]] | None = None  # with the record that brought it
        for entry in entries:
            if entry.record.kind == NOTES:
                self._learn(entry)

    def reach(self, entry: Entry) -> None:
        """The next record of the batch: answers it when it asks for numbers."""
        self._ahead.discard(entry.hash)
        if entry.record.kind == LEASE_ASK and entry.hash.hex() not in self._answered:
            self._answer(entry)

    def not_leased(self, label: str) -> str:
        """Why this box may not give this label number, "" when it may or when the number is not its unit's."""
        number = self._numbers[label]
        if number.unit != self._unit:
            return ""
        if self._known is None:
            days = [item.produced_on for item in self._numbers.values()]
            rows = leases_on(self._tx, self._unit, min(days), max(days))
            self._known = [(row.known_by, lease_of(row)) for row in rows]
        if not self._known:
            return ""
        return not_leased(number, self._name, [lease for known_by, lease in self._known if known_by not in self._ahead])

    def _answer(self, entry: Entry) -> None:
        try:
            ask = LeaseAsk.from_json(entry.record.body)
        except BodyError as exc:
            self._tell(entry.hash, NONE, f"not understood: {exc}")
            return
        lock_unit(self._tx, self._unit)
        if unheard(self._tx, self._unit):
            self._tell(entry.hash, NONE, WENT_BACK)
            return
        rows = leases_on(self._tx, self._unit, ask.days.first, ask.days.last, ask.waste_code)
        found = choose_range(
            ask,
            [lease_of(row).range for row in rows],
            used_numbers(self._tx, self._unit, ask.waste_code, ask.days),
            sharers=sharers(self._name, _boxes_of(self._tx, self._unit), {row.box for row in rows}),
        )
        if found is None:
            self._tell(entry.hash, NONE, f"no number of {ask.waste_code} is free on {ask.days}")
            return
        _keep(self._tx, entry.hash, entry.hash, self._name, self._unit, ask.waste_code, found, self._at)
        self._known = None
        self._tell(entry.hash, GRANTED, f"numbers of {ask.waste_code}", str(found))

    def _tell(self, ask: bytes, code: str, text: str, reference: str = "") -> None:
        add_note(self._tx, self._name, ask, NOTE, self._at, code=code, text=text, ref=reference)

    def _learn(self, entry: Entry) -> None:
        """Grants that the box was told of and that are not held here: this store once went back."""
        self._answered |= {note["hash"] for note in lease_notes(entry.record) if isinstance(note.get("hash"), str)}
        unknown = [told for told in told_in(entry.record) if not _held(self._tx, told)]
        if not unknown:
            return
        self._ahead.add(entry.hash)
        lock_unit(self._tx, self._unit)
        for told in unknown:
            waste_code = _asked_waste(self._tx, told.ask)
            if waste_code is None:
                continue  # its ask is not held: another branch's, and no box uses it without its ask
            # New notes may have taken the lost ones' numbers before the box was heard: this shows it all the same.
            self._box = store_went_back(self._tx, self._box, self._at)
            self._raise_overlaps(told, waste_code)
            _keep(self._tx, told.ask, entry.hash, self._name, self._unit, waste_code, told.range, self._at)
            text = f"the box was granted numbers that this store did not hold: {told.range} of {waste_code}"
            raise_alarm(self._tx, "lease_learned", self._name, "", text, self._at)

    def _raise_overlaps(self, told: Told, waste_code: str) -> None:
        days = told.range.days
        for row in leases_on(self._tx, self._unit, days.first, days.last, waste_code):
            if row.box != self._name and lease_of(row).range.meets(told.range):
                text = (
                    f"boxes {row.box} and {self._name} both have numbers of {told.range} of {waste_code}: "
                    "of two bags with one number the first counts, the second is held back"
                )
                raise_alarm(self._tx, "lease_overlap", self._name, told.ask.hex(), text, self._at)


def store_went_back(tx: Connection, box: BoxRow, at: str) -> BoxRow:
    """A box has heard what this store never told: until each box was heard again, any may have leases that are not held
    here. A box that is still being listened to since the last time says nothing new."""
    if box.relearning_since is not None:
        return box
    tx.execute(update(boxes).where(boxes.c.relearning_since.is_(None)).values(relearning_since=at))
    raise_alarm(tx, "store_went_back", box.registered.box, "", f"notes are missing: {WENT_BACK}", at)
    return replace(box, relearning_since=at)


def stop_relearning(tx: Connection, box: str, notes_after: int, fresh: Sequence[Entry]) -> None:
    """Called with each push of a box that is being listened to. Once its journal here reaches the last note it holds,
    every grant it was told of is held here too."""
    if notes_after > max((_upto(entry.record) for entry in fresh if entry.record.kind == NOTES), default=0):
        stored = tx.execute(
            select(records.c.body)
            .where(records.c.box == box, records.c.kind == NOTES)
            .order_by(records.c.seq.desc())
            .limit(_NEWEST_NOTES)
        ).scalars()
        if notes_after > max((_upto(Record.decode(body)) for body in stored), default=0):
            return
    tx.execute(update(boxes).where(boxes.c.box == box).values(relearning_since=None))


def unheard(tx: Connection, unit_code: str) -> list[str]:
    """The boxes without which nothing is granted in this unit since the store went back."""
    listening = _boxes_of(tx, unit_code)
    return sorted(box for box, unheard in listening.items() if unheard) if len(listening) > 1 else []


def resume(tx: Connection, unit_code: str) -> list[str]:
    """Grants in this unit again although these boxes were not heard since the store went back: a person says so."""
    lock_unit(tx, unit_code)
    waiting = unheard(tx, unit_code)
    tx.execute(update(boxes).where(boxes.c.box.in_(waiting)).values(relearning_since=None))
    return waiting


def leases_on(tx: Connection, unit_code: str, first: date, last: date, waste_code: str = "") -> list[Row[Any]]:
    """The rows of a unit that hold on any of these days, in the order they were granted."""
    query = _OF_UNIT if not waste_code else _OF_UNIT.where(leases.c.waste_code == waste_code)
    given = {"of_unit": unit_code, "from_on": first.isoformat(), "upto": last.isoformat()}
    return list(tx.execute(query.order_by(leases.c.number), given).all())


def lease_of(row: Row[Any]) -> Lease:
    """A row as a value."""
    days = Days(date.fromisoformat(row.from_day), date.fromisoformat(row.until_day))
    return Lease(row.ask, row.box, row.waste_code, LeasedRange(row.first_number, row.last_number, days))


def used_numbers(tx: Connection, unit_code: str, waste_code: str, days: Days) -> set[int]:
    """The sequence numbers seen on labels of this waste on these days, whoever gave them."""
    low, high = label_stem(unit_code, waste_code, days.first), label_stem(unit_code, waste_code, days.last)
    labels = tx.execute(select(bags.c.label).where(bags.c.label.between(f"{low}000", f"{high}999"))).scalars()
    return {int(label[-SEQUENCE_CHARS:]) for label in labels}


def told_in(record: Record) -> Iterator[Told]:
    """The grants a notes record names, in its order; what cannot be read is left out."""
    for note in lease_notes(record):
        try:
            if note.get("code") == GRANTED:
                yield Told(bytes.fromhex(str(note["hash"])), LeasedRange.parse(str(note["reference"])))
        except (KeyError, ValueError):
            continue


def lease_notes(record: Record) -> list[dict[str, Any]]:
    """What a notes record says of leases; what is no note is left out."""
    listed = record.body.get("notes")
    found = [note for note in listed if isinstance(note, dict)] if isinstance(listed, list) else []
    return [note for note in found if note.get("what") == NOTE]


def lock_unit(tx: Connection, unit_code: str) -> None:
    """From here to the commit no other worker changes this unit's leases."""
    change = update(lease_units).where(lease_units.c.unit_code == unit_code).values(asks=lease_units.c.asks + 1)
    if not tx.execute(change).rowcount:
        tx.execute(insert(lease_units).values(unit_code=unit_code, asks=1))


def _keep(
    tx: Connection, ask: bytes, known_by: bytes, box: str, unit_code: str, waste_code: str, found: LeasedRange, at: str
) -> None:
    tx.execute(
        insert(leases).values(
            ask=ask,
            known_by=known_by,
            box=box,
            unit_code=unit_code,
            waste_code=waste_code,
            first_number=found.first,
            last_number=found.last,
            from_day=found.days.first.isoformat(),
            until_day=found.days.last.isoformat(),
            at=at,
        )
    )


def _held(tx: Connection, told: Told) -> bool:
    return any(lease_of(row).range == told.range for row in tx.execute(select(leases).where(leases.c.ask == told.ask)))


def _asked_waste(tx: Connection, ask: bytes) -> str | None:
    body = tx.execute(
        select(records.c.body).where(records.c.hash == ask, records.c.kind == LEASE_ASK)
    ).scalar_one_or_none()
    try:
        return None if body is None else LeaseAsk.from_json(Record.decode(body).body).waste_code
    except BodyError:
        return None


def _boxes_of(tx: Connection, unit_code: str) -> dict[str, bool]:
    """The unit's boxes, and whether each is still being listened to since this store went back."""
    found = tx.execute(select(boxes.c.box, boxes.c.relearning_since).where(boxes.c.unit_code == unit_code))
    return {row.box: row.relearning_since is not None for row in found}


def _upto(record: Record) -> int:
    upto = record.body.get("upto")
    return upto if type(upto) is int else 0


def _label_numbers(entries: Sequence[Entry]) -> dict[str, LabelNumber]:
    """The label numbers of the batch's weighings."""
    verdicts = [entry.verdict for entry in entries if entry.verdict is not None]
    return {verdict.label: verdict.number for verdict in verdicts if verdict.number is not None}
