"""What the API and the pages read from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, desc, func, select

from hazgate_cloud.domain.alarming import family
from hazgate_cloud.domain.trace import Decision, Delivery, Flag, Other, Sending, StoredRecord, Way
from hazgate_cloud.store.alarms import listed
from hazgate_cloud.store.schema import (
    attempts,
    bags,
    boxes,
    flags,
    heads,
    mentions,
    outbox,
    quarantine,
    records,
    rulings,
)
from hazgate_protocols.journal.bodies import BodyError, WeighingBody
from hazgate_protocols.journal.record import WEIGHING, Record

RELATED_MAX = 200
SENDINGS_MAX = 50


def way_of(tx: Connection, label: str) -> Way | None:
    """Everything about the bag with this label number; None when no record claims it."""
    own = tx.execute(
        select(bags.c.hash, boxes.c.name).join(boxes, boxes.c.box == bags.c.box).where(bags.c.label == label)
    ).one_or_none()
    if own is None:
        return None
    found = _record(tx.execute(select(records).where(records.c.hash == own.hash)).one())
    weighing = WeighingBody.from_json(found.record.body)
    about = [found.record.rid, found.hash.hex(), label]
    linked = [
        _record(row)
        for row in tx.execute(
            select(records)
            .join(mentions, mentions.c.hash == records.c.hash)
            .where(mentions.c.about.in_(about), records.c.hash != found.hash)
            .order_by(records.c.seq, records.c.position)
            .limit(RELATED_MAX)
        )
    ]
    return Way(
        label=label,
        own=found,
        weighing=weighing,
        box_name=own.name,
        flags=_flags(tx, found.hash),
        # A box speaks about its own records only.
        related=tuple(item for item in linked if item.record.kind != WEIGHING and item.record.box == found.record.box),
        delivery=_delivery(tx, found.hash),
        same_label=tuple(_other(tx, item) for item in linked if item.record.kind == WEIGHING),
        decision=_decision(tx, found.hash),
    )


def record_by_hash(tx: Connection, record_hash: bytes) -> StoredRecord | None:
    """One record."""
    row = tx.execute(select(records).where(records.c.hash == record_hash)).one_or_none()
    return None if row is None else _record(row)


def prev_of(tx: Connection, record_hash: bytes) -> bytes:
    """The parent of a held record."""
    return bytes(tx.execute(select(records.c.prev).where(records.c.hash == record_hash)).scalar_one())


def newest_bags(tx: Connection, limit: int) -> list[dict[str, Any]]:
    """The bags stored last, newest first, with the state of their submission."""
    query = (
        select(
            bags.c.label,
            bags.c.box,
            bags.c.waste_code,
            bags.c.weight_text,
            bags.c.weighed_at,
            records.c.stored_at,
            outbox.c.state,
            rulings.c.what,
        )
        .join(records, records.c.hash == bags.c.hash)
        .join(outbox, outbox.c.hash == bags.c.hash, isouter=True)
        .join(rulings, rulings.c.hash == bags.c.hash, isouter=True)
        .order_by(desc(records.c.position))
        .limit(limit)
    )
    out = []
    for row in tx.execute(query).mappings():
        ruling = row["what"]
        shown = {key: row[key] for key in row if key != "what"}
        out.append({**shown, "state": row["state"] or ruling or "flagged"})
    return out


def boxes_with_heads(tx: Connection) -> list[dict[str, Any]]:
    """Every box with its newest record and how many branches its chain has."""
    newest = (
        select(records.c.box, func.max(records.c.seq).label("seq"), func.max(records.c.stored_at).label("stored_at"))
        .group_by(records.c.box)
        .subquery()
    )
    branches = select(heads.c.box, func.count().label("branches")).group_by(heads.c.box).subquery()
    query = (
        select(
            boxes.c.box,
            boxes.c.name,
            boxes.c.unit_code,
            boxes.c.registered_at,
            newest.c.seq,
            newest.c.stored_at,
            branches.c.branches,
        )
        .join(newest, newest.c.box == boxes.c.box, isouter=True)
        .join(branches, branches.c.box == boxes.c.box, isouter=True)
        .order_by(boxes.c.box)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def newest_alarms(tx: Connection, limit: int) -> list[dict[str, Any]]:
    """Alarms, the one that was raised last first; `open` until somebody took note, `family` as in domain/alarming."""
    return [{**row, "family": family(row["kind"])} for row in listed(tx, limit, every=True)]


def newest_quarantine(tx: Connection, limit: int) -> list[dict[str, Any]]:
    """Refused pushes without their raw bytes."""
    query = (
        select(
            quarantine.c.digest,
            quarantine.c.box,
            quarantine.c.code,
            quarantine.c.reason,
            func.length(quarantine.c.raw).label("size"),
            quarantine.c.first_at,
            quarantine.c.last_at,
            quarantine.c.count,
            quarantine.c.outcome,
            quarantine.c.outcome_at,
        )
        .order_by(desc(quarantine.c.last_at))
        .limit(limit)
    )
    return [{**row, "digest": row["digest"].hex()} for row in tx.execute(query).mappings()]


def _record(row: Row[Any]) -> StoredRecord:
    return StoredRecord(row.hash, Record.decode(row.body), row.stored_at)


def _other(tx: Connection, item: StoredRecord) -> Other:
    try:
        weighing = WeighingBody.from_json(item.record.body)
        weight = f"{weighing.weight_text} {weighing.weight_unit}"
    except BodyError:  # held back for that; it is listed all the same
        weight = ""
    name = tx.execute(select(boxes.c.name).where(boxes.c.box == item.record.box)).scalar_one()
    return Other(item, weight, name, _flags(tx, item.hash), _decision(tx, item.hash), _delivery(tx, item.hash))


def _flags(tx: Connection, record_hash: bytes) -> tuple[Flag, ...]:
    rows = tx.execute(select(flags).where(flags.c.hash == record_hash).order_by(flags.c.code))
    return tuple(Flag(row.code, row.text, row.at) for row in rows)


def _decision(tx: Connection, record_hash: bytes) -> Decision | None:
    row = tx.execute(select(rulings).where(rulings.c.hash == record_hash)).one_or_none()
    return None if row is None else Decision(row.what, row.at, row.who, row.reason)


def _delivery(tx: Connection, record_hash: bytes) -> Delivery | None:
    row = tx.execute(select(outbox).where(outbox.c.hash == record_hash)).one_or_none()
    if row is None:
        return None
    tries: Sequence[Row[Any]] = tx.execute(
        select(attempts).where(attempts.c.outbox == row.number).order_by(desc(attempts.c.number)).limit(SENDINGS_MAX)
    ).all()
    return Delivery(
        state=row.state,
        queued_at=row.queued_at,
        settled_at=row.settled_at or "",
        reference=row.reference,
        code=row.code,
        text=row.text,
        sendings=tuple(
            Sending(item.method, item.at, item.status, item.outcome, item.detail) for item in reversed(tries)
        ),
    )
