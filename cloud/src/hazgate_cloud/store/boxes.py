"""Registered boxes and the notes to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store.schema import boxes, heads, notes, records, storable
from hazgate_protocols.uplink import Note
from hazgate_protocols.uplink.messages import NOTES_MAX

_AT_ONCE = 500
NOTE_CHARS_KEPT = 400  # of each text; the wire cuts further
_ALL = select(boxes).order_by(boxes.c.box)
_ONE = select(boxes).where(boxes.c.box == bindparam("of_box"))
_RECEIPT = (
    update(boxes)
    .where(boxes.c.box == bindparam("of_box"))
    .values(receipt_hash=bindparam("newest_hash"))
    .returning(boxes.c.notes_last)
)
_HEARD = update(boxes).where(boxes.c.box == bindparam("of_box")).values(notes_after=bindparam("heard"))
_NOTE = insert(notes)
_ONE_NOTE_MORE = update(boxes).where(boxes.c.box == bindparam("of_box")).values(notes_last=boxes.c.notes_last + 1)
_LAST_NOTE = select(boxes.c.notes_last).where(boxes.c.box == bindparam("of_box"))
_NEXT_NOTES = (
    select(notes)
    .where(notes.c.box == bindparam("of_box"), notes.c.n > bindparam("after"))
    .order_by(notes.c.n)
    .limit(NOTES_MAX)
)


class BoxExistsError(Exception):
    """A box of this name is registered already."""


@dataclass(frozen=True, slots=True)
class BoxRow:
    """A box and how far it got."""

    registered: RegisteredBox
    registered_at: str
    receipt_hash: bytes | None
    notes_last: int
    notes_after: int
    relearning_since: str | None = None
    need_since: str | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """A box whose records cannot be stored for want of the one before."""

    box: str
    since: str


@dataclass(frozen=True, slots=True)
class Last:
    """The newest stored record of a box."""

    box: str
    seq: int
    hash: bytes
    stored_at: str


def add_box(tx: Connection, box: RegisteredBox, at: str) -> None:
    """Raises BoxExistsError."""
    if find_box(tx, box.box) is not None:
        raise BoxExistsError(f"add box {box.box}: a box of this name is registered already")
    tx.execute(
        insert(boxes).values(
            box=box.box,
            public_key=box.public_key,
            unit_code=box.unit_code,
            name=box.name,
            registered_at=at,
            notes_last=0,
            notes_after=0,
        )
    )


def find_box(tx: Connection, box: str) -> BoxRow | None:
    """The box, None when nobody registered it."""
    found = _rows(tx, box)
    return found[0] if found else None


def all_boxes(tx: Connection) -> list[BoxRow]:
    """Every box by name."""
    return _rows(tx, None)


def remember_receipt(tx: Connection, row: BoxRow, receipt_hash: bytes) -> int | None:
    """Notes the newest receipt given, and tells the number of the box's newest note; writes, and tells, only when it is
    another one than before."""
    if row.receipt_hash == receipt_hash:
        return None
    return int(tx.execute(_RECEIPT, {"of_box": row.registered.box, "newest_hash": receipt_hash}).scalar_one())


def add_note(
    tx: Connection, box: str, record_hash: bytes, what: str, at: str, *, code: str = "", text: str = "", ref: str = ""
) -> int:
    """The number of the new note: one more than the last of this box."""
    n = _next_number(tx, box)
    tx.execute(
        _NOTE,
        {
            "box": box,
            "n": n,
            "hash": record_hash,
            "what": what,
            "at": at,
            "code": storable(code, NOTE_CHARS_KEPT),
            "text": storable(text, NOTE_CHARS_KEPT),
            "reference": storable(ref, NOTE_CHARS_KEPT),
        },
    )
    return n


def add_note_each(
    tx: Connection, about: Sequence[tuple[str, bytes]], what: str, at: str, *, code: str, ref: str
) -> None:
    """The same note to many different boxes, each about a record of its own; as add_note(), in a few statements."""
    for start in range(0, len(about), _AT_ONCE):
        some = dict(about[start : start + _AT_ONCE])
        tx.execute(update(boxes).where(boxes.c.box.in_(some)).values(notes_last=boxes.c.notes_last + 1))
        numbered = tx.execute(select(boxes.c.box, boxes.c.notes_last).where(boxes.c.box.in_(some))).all()
        same = {"what": what, "at": at, "code": code, "text": "", "reference": ref}
        tx.execute(insert(notes), [{"box": box, "n": n, "hash": some[box], **same} for box, n in numbered])


def notes_after(tx: Connection, box: str, after: int) -> tuple[Note, ...]:
    """The next notes behind this number, as many as one answer may carry."""
    found = tx.execute(_NEXT_NOTES, {"of_box": box, "after": after}).mappings()
    return tuple(
        Note(
            n=row["n"],
            hash=row["hash"],
            what=row["what"],
            at=row["at"],
            code=row["code"],
            text=row["text"],
            reference=row["reference"],
        )
        for row in found
    )


def hear_notes_after(tx: Connection, row: BoxRow, after: int) -> bool:
    """Keeps what the box says it holds. A box ahead of us means that this store went back to an older copy: the notes
    it was not known to hold get new numbers behind the box's, or it would never take them. Whether it went back."""
    box = row.registered.box
    if after > row.notes_last:
        unheard = tx.execute(
            select(notes.c.n).where(notes.c.box == box, notes.c.n > row.notes_after).order_by(notes.c.n)
        ).scalars()
        numbers = list(unheard)
        tx.execute(update(boxes).where(boxes.c.box == box).values(notes_last=after))
        renumber(tx, box, numbers)
    if after != row.notes_after:
        tx.execute(_HEARD, {"of_box": box, "heard": after})
    return after > row.notes_last


def note_need(tx: Connection, row: BoxRow, since: str | None) -> None:
    """Keeps since when the box is asked for a record it does not send; None: it is not any more. Writes on change."""
    if (row.need_since is None) != (since is None):
        tx.execute(update(boxes).where(boxes.c.box == row.registered.box).values(need_since=since))


def needs_before(tx: Connection, at: str) -> list[Lack]:
    """Boxes that have been asked in vain since this time or longer."""
    query = select(boxes.c.box, boxes.c.need_since).where(boxes.c.need_since <= at).order_by(boxes.c.box)
    return [Lack(row.box, row.need_since) for row in tx.execute(query)]


def last_stored(tx: Connection) -> list[Last]:
    """The newest record of every box that has one."""
    query = select(heads.c.box, heads.c.seq, heads.c.hash, records.c.stored_at).join(
        records, records.c.hash == heads.c.hash
    )
    newest: dict[str, Last] = {}
    for row in tx.execute(query.order_by(heads.c.box, records.c.stored_at, heads.c.seq)):
        newest[row.box] = Last(row.box, row.seq, row.hash, row.stored_at)
    return list(newest.values())


def renumber(tx: Connection, box: str, numbers: Sequence[int]) -> None:
    """Gives these notes new numbers behind the last, in order."""
    for old in numbers:
        content = dict(tx.execute(select(notes).where(notes.c.box == box, notes.c.n == old)).mappings().one())
        tx.execute(delete(notes).where(notes.c.box == box, notes.c.n == old))
        tx.execute(insert(notes).values({**content, "n": _next_number(tx, box)}))


def reconcile_notes(tx: Connection, box: str, after: int, upto: int, kept: set[tuple[int, str, str]]) -> None:
    """The box's journal says which notes (number, hash in hex, what) it took as after+1 … upto. Notes of ours with
    such a number but other content were never taken (this store went back, and used the number again): renumber."""
    found = tx.execute(
        select(notes.c.n, notes.c.hash, notes.c.what)
        .where(notes.c.box == box, notes.c.n > after, notes.c.n <= upto)
        .order_by(notes.c.n)
    )
    renumber(tx, box, [n for n, record_hash, what in found.all() if (n, record_hash.hex(), what) not in kept])


def _next_number(tx: Connection, box: str) -> int:
    # The update locks the box's row, so that two workers never give one number twice.
    tx.execute(_ONE_NOTE_MORE, {"of_box": box})
    return int(tx.execute(_LAST_NOTE, {"of_box": box}).scalar_one())


def _rows(tx: Connection, box: str | None) -> list[BoxRow]:
    found = tx.execute(_ALL) if box is None else tx.execute(_ONE, {"of_box": box})
    return [row_of(row) for row in found.mappings()]


def row_of(row: RowMapping) -> BoxRow:
    """The box in a row with all of its columns."""
    return BoxRow(
        registered=RegisteredBox(row["box"], row["public_key"], row["unit_code"], row["name"]),
        registered_at=row["registered_at"],
        receipt_hash=row["receipt_hash"],
        notes_last=row["notes_last"],
        notes_after=row["notes_after"],
        relearning_since=row["relearning_since"],
        need_since=row["need_since"],
    )
