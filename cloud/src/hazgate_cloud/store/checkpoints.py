"""Checkpoints in the store: making the next, telling the boxes, and how far file and core got."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from hazgate_cloud.domain.daily import local_day
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.store import audit, boxes
from hazgate_cloud.store.schema import anchors, checkpoints, heads, records
from hazgate_cloud.store.schema import boxes as box_rows
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.checkpoint import Checkpoint, Head, Statement
from hazgate_protocols.journal.record import NOTES, Record, RecordError
from hazgate_protocols.journal.seal import Signer

ANCHORED = "anchored"
WAITING, ACCEPTED, REFUSED, UNSUPPORTED = "waiting", "accepted", "refused", "unsupported"
_AT_ONCE = 500
_NEWS_LOOKED_AT = 20  # newest records of a box that are looked into before it counts as having news


@dataclass(frozen=True, slots=True)
class Newest:
    """The last checkpoint; number 0: there is none."""

    number: int
    hash: bytes
    date: str | None


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint just stored, and the boxes that have a note about it."""

    checkpoint: Checkpoint
    told: tuple[str, ...]


def newest(tx: Connection) -> Newest:
    """The checkpoint made last."""
    row = tx.execute(
        select(checkpoints.c.number, checkpoints.c.hash, checkpoints.c.date)
        .order_by(checkpoints.c.number.desc())
        .limit(1)
    ).one_or_none()
    return Newest(0, ROOT, None) if row is None else Newest(row.number, row.hash, row.date)


def draft(tx: Connection, signer: Signer, now: datetime) -> Checkpoint:
    """The next checkpoint, sealed and not stored, over what this transaction sees.

    Records are counted before the heads are read: where the two do not see the same state, the count is the smaller.
    """
    last = newest(tx)
    held = tx.execute(select(func.count()).select_from(records)).scalar_one()
    audit_n, audited = audit.head(tx)
    named = [Head(row.box, row.seq, row.hash) for row in tx.execute(select(heads))]
    return checkpoint.make(
        signer,
        named,
        n=last.number + 1,
        date=local_day(now).isoformat(),
        at=stamp(now),
        prev=last.hash,
        records=held,
        audit_n=audit_n,
        audit=audited,
    )


def store(tx: Connection, made: Checkpoint) -> Anchored | None:
    """Stores a draft and writes its notes. None when the store has gone on since: another collector made this one."""
    said = made.said
    if newest(tx).hash != said.prev:
        return None
    _insert(tx, made, said)
    return Anchored(made, _anchor(tx, made))


def take_back(tx: Connection, made: Checkpoint, at: str) -> bool:
    """Stores a checkpoint that this store had once and lost, from its file, with its core's answer to be asked for
    again. Only the one that follows the last; False for any other. Whether it holds is for the caller to know."""
    said, last = made.said, newest(tx)
    if (last.number + 1, last.hash) != (said.n, said.prev):
        return False
    _insert(tx, made, said, filed_at=at)
    return True


def hash_of(data: bytes) -> bytes:
    """The hash of the checkpoint in a file of the store's own."""
    return checkpoint.decode(data).hash


def encoded(tx: Connection, number: int) -> bytes | None:
    """The file of a checkpoint."""
    return tx.execute(select(checkpoints.c.encoded).where(checkpoints.c.number == number)).scalar()


def unfiled(tx: Connection, limit: int) -> list[bytes]:
    """Checkpoints whose file is not written yet, the oldest first."""
    query = select(checkpoints.c.encoded).where(checkpoints.c.filed_at.is_(None)).order_by(checkpoints.c.number)
    return list(tx.execute(query.limit(limit)).scalars())


def mark_filed(tx: Connection, hash_: bytes, at: str) -> None:
    """Its file is written."""
    tx.execute(update(checkpoints).where(checkpoints.c.hash == hash_).values(filed_at=at))


def listing(tx: Connection, limit: int) -> list[dict[str, Any]]:
    """Checkpoints, the newest first, and how far they got."""
    query = select(*(column for column in checkpoints.c if column.name != "encoded"))
    return [dict(row) for row in tx.execute(query.order_by(checkpoints.c.number.desc()).limit(limit)).mappings()]


def lacking(tx: Connection, hashes: Iterable[bytes]) -> set[bytes]:
    """Which of these checkpoints the store does not have."""
    wanted = set(hashes)
    if not wanted:
        return wanted
    return wanted - set(tx.execute(select(checkpoints.c.hash).where(checkpoints.c.hash.in_(wanted))).scalars())


def for_core(tx: Connection, now: str) -> tuple[bytes, int] | None:
    """The oldest checkpoint the core has not answered for, with the tries so far, when it is due. One at a time and in
    order, so that a core can hold them against each other."""
    row = tx.execute(
        select(checkpoints.c.encoded, checkpoints.c.core_tries, checkpoints.c.core_not_before)
        .where(checkpoints.c.core_state == WAITING)
        .order_by(checkpoints.c.number)
        .limit(1)
    ).one_or_none()
    return None if row is None or row.core_not_before > now else (row.encoded, row.core_tries)


def core_said(tx: Connection, hash_: bytes, state: str, at: str, *, reference: str = "", text: str = "") -> bool:
    """Keeps the core's word about a checkpoint; False when another worker had kept one before."""
    change = update(checkpoints).where(checkpoints.c.hash == hash_, checkpoints.c.core_state == WAITING)
    values = {"core_state": state, "core_at": at, "core_reference": reference, "core_text": text}
    return bool(tx.execute(change.values(values)).rowcount)


def core_later(tx: Connection, hash_: bytes, not_before: str, text: str) -> None:
    """One more try without a plain answer; the next is not before."""
    change = update(checkpoints).where(checkpoints.c.hash == hash_, checkpoints.c.core_state == WAITING)
    tx.execute(change.values(core_tries=checkpoints.c.core_tries + 1, core_not_before=not_before, core_text=text))


def anchors_named(record: Record) -> dict[bytes, str]:
    """The checkpoints that a box's record of notes says it was told of, with their numbers as told."""
    listed = record.body.get("notes") if record.kind == NOTES else None
    out = {}
    for note in listed if isinstance(listed, list) else []:
        if isinstance(note, dict) and note.get("what") == ANCHORED:
            try:
                named = bytes.fromhex(str(note.get("reference")))
            except ValueError:
                named = b""
            out[named] = str(note.get("code"))[:20]
    return out


def _insert(tx: Connection, made: Checkpoint, said: Statement, filed_at: str | None = None) -> None:
    tx.execute(
        insert(checkpoints).values(
            number=said.n,
            hash=made.hash,
            prev=said.prev,
            date=said.date,
            at=said.at,
            encoded=made.encode(),
            filed_at=filed_at,
            core_state=WAITING,
            core_tries=0,
            core_not_before=said.at,
            core_reference="",
            core_text="",
        )
    )


def _anchor(tx: Connection, made: Checkpoint) -> tuple[str, ...]:
    """Tells each box with news which checkpoint covers its head, so that its chain holds the checkpoint's hash."""
    before = {row.box: row for row in tx.execute(select(anchors))}
    receipts = {row.box: row.receipt_hash for row in tx.execute(select(box_rows.c.box, box_rows.c.receipt_hash))}
    branches: dict[str, list[Head]] = {}
    for head in made.heads:
        branches.setdefault(head.box, []).append(head)
    chosen: list[Head] = []
    for box, own in branches.items():
        # A forked box is told of the branch it got its last receipt on; else of the longest.
        head = max(own, key=lambda item: (item.hash == receipts.get(box), item.seq, item.hash))
        last = before.get(box)
        if last is not None and (last.hash == head.hash or not _has_news(tx, box, last.seq)):
            continue
        chosen.append(head)
    said = made.said
    about = [(head.box, head.hash) for head in chosen]
    boxes.add_note_each(tx, about, ANCHORED, said.at, code=str(said.n), ref=made.hash.hex())
    again = [head.box for head in chosen if head.box in before]
    for start in range(0, len(again), _AT_ONCE):
        tx.execute(delete(anchors).where(anchors.c.box.in_(again[start : start + _AT_ONCE])))
    if chosen:
        tx.execute(
            insert(anchors),
            [{"box": head.box, "number": said.n, "hash": head.hash, "seq": head.seq} for head in chosen],
        )
    return tuple(head.box for head in chosen)


def _has_news(tx: Connection, box: str, above: int) -> bool:
    """Whether the box wrote anything but that it was told of checkpoints: a sleeping box is not woken daily by the
    record in which it kept yesterday's note."""
    query = select(records.c.kind, records.c.body).where(records.c.box == box, records.c.seq > above)
    rows = tx.execute(query.limit(_NEWS_LOOKED_AT)).all()
    return len(rows) == _NEWS_LOOKED_AT or any(row.kind != NOTES or not _only_anchors(row.body) for row in rows)


def _only_anchors(body: bytes) -> bool:
    try:
        listed = Record.decode(body).body.get("notes")
    except RecordError:
        return False
    return isinstance(listed, list) and all(isinstance(note, dict) and note.get("what") == ANCHORED for note in listed)
