"""Held weighings: flagged, kept from the core, and what a person decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hazgate_cloud.domain.acts import Act, ActRefusedError, Person, Ruling, why_not_released
from hazgate_cloud.domain.delivery import State
from hazgate_cloud.domain.rules import Verdict, judge, submission
from hazgate_cloud.store import audit, outbox
from hazgate_cloud.store.boxes import add_note, find_box
from hazgate_cloud.store.schema import UNIT_CHARS, WASTE_CHARS, bags, flags, mentions, records, rulings, storable
from hazgate_cloud.store.schema import outbox as outbox_rows
from hazgate_protocols.journal.record import WEIGHING, Record

REJECTED_CODE = "rejected"  # of the note `refused` that tells the box; its own word would leave older boxes waiting


@dataclass(frozen=True, slots=True)
class Ruled:
    """A decision about a held record."""

    what: Ruling
    at: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What an act led to. fresh: False when the same had been decided before, and nothing was changed."""

    box: str
    ruled: Ruled
    fresh: bool


def release(tx: Connection, record_hash: bytes, person: Person, at: str) -> Done:
    """Queues a held weighing to the core, once. Raises ActRefusedError."""
    record, verdict, before = _held(tx, "release", record_hash, Ruling.RELEASED)
    if before is not None:
        return Done(record.box, before, fresh=False)
    obstacle = why_not_released(
        verdict, bool(outbox.held_rids(tx, [record.rid])), _submitted_of_label(tx, verdict.label, record_hash)
    )
    if obstacle is not None or verdict.weighing is None:
        raise ActRefusedError(f"release {record_hash.hex()}: {obstacle}")
    _settle_label(tx, record, verdict, record_hash)
    ruled = _rule(tx, record_hash, Ruling.RELEASED, person, at)
    outbox.enqueue(tx, [(record_hash, submission(record, verdict.weighing, record_hash))], at)
    add_note(tx, record.box, record_hash, Ruling.RELEASED.value, at, text=_told(person))
    return Done(record.box, ruled, fresh=True)


def reject(tx: Connection, record_hash: bytes, person: Person, at: str) -> Done:
    """Settles a held weighing: it never goes to the core. Raises ActRefusedError."""
    record, _, before = _held(tx, "reject", record_hash, Ruling.REJECTED)
    if before is not None:
        return Done(record.box, before, fresh=False)
    ruled = _rule(tx, record_hash, Ruling.REJECTED, person, at)
    add_note(tx, record.box, record_hash, State.REFUSED.value, at, code=REJECTED_CODE, text=_told(person))
    return Done(record.box, ruled, fresh=True)


def ruled_about(tx: Connection, hashes: Sequence[bytes]) -> dict[bytes, Ruled]:
    """The decisions about these records."""
    found = tx.execute(select(rulings).where(rulings.c.hash.in_(hashes)))
    return {row.hash: Ruled(Ruling(row.what), row.at, row.who, row.reason) for row in found}


def held_records(tx: Connection, limit: int, *, every: bool = False) -> list[dict[str, Any]]:
    """Flagged weighings, the one stored last first; those a person decided about only when `every` is set."""
    query = (
        select(
            records.c.hash, records.c.box, records.c.seq, records.c.stored_at, records.c.body,
            rulings.c.what, rulings.c.at, rulings.c.who, rulings.c.reason,
        )
        .join(rulings, rulings.c.hash == records.c.hash, isouter=True)
        .where(records.c.hash.in_(select(flags.c.hash)))
        .order_by(records.c.position.desc())
        .limit(limit)
    )  # fmt: skip
    if not every:
        query = query.where(rulings.c.hash.is_(None))
    rows = tx.execute(query).all()
    why = flags_of(tx, [row.hash for row in rows])
    out = []
    for row in rows:
        body = Record.decode(row.body).body
        weight = body.get("weight")
        weight = weight if isinstance(weight, dict) else {}
        ruling = None if row.what is None else {"what": row.what, "at": row.at, "by": row.who, "reason": row.reason}
        out.append(
            {
                "hash": row.hash.hex(),
                "box": row.box,
                "seq": row.seq,
                "stored_at": row.stored_at,
                "label": _shown(body.get("label")),
                "weight": f"{_shown(weight.get('text'))} {_shown(weight.get('unit'))}".strip(),
                "flags": why[row.hash],
                "ruling": ruling,
            }
        )
    return out


def flags_of(tx: Connection, hashes: Sequence[bytes]) -> dict[bytes, list[dict[str, str]]]:
    """Why each of these records is held; an empty list for one that is not."""
    why: dict[bytes, list[dict[str, str]]] = {record_hash: [] for record_hash in hashes}
    for flag in tx.execute(select(flags).where(flags.c.hash.in_(hashes)).order_by(flags.c.hash, flags.c.code)):
        why[flag.hash].append({"code": flag.code, "text": flag.text, "at": flag.at})
    return why


def _held(tx: Connection, act: str, record_hash: bytes, wanted: Ruling) -> tuple[Record, Verdict, Ruled | None]:
    what = f"{act} {record_hash.hex()}"
    row = tx.execute(select(records.c.body, records.c.box).where(records.c.hash == record_hash)).one_or_none()
    if row is None:
        raise ActRefusedError(f"{what}: no such record is held; `hazgate-cloud held list` shows those that are")
    record = Record.decode(row.body)
    flagged = tx.execute(select(flags.c.hash).where(flags.c.hash == record_hash).limit(1)).scalar()
    if record.kind != WEIGHING or flagged is None:
        raise ActRefusedError(
            f"{what}: this {record.kind} breaks no rule and is not held back; nothing is to be decided"
        )
    before = ruled_about(tx, [record_hash]).get(record_hash)
    if before is not None and before.what is not wanted:
        raise ActRefusedError(f"{what}: {before.who} {before.what} it at {before.at} ({before.reason}), and that stays")
    box = find_box(tx, row.box)
    if box is None:
        raise AssertionError(f"record {record_hash.hex()} of a box that is not registered")
    return record, judge(record, box.registered.unit_code), before


def _submitted_of_label(tx: Connection, label: str, record_hash: bytes) -> list[bytes]:
    """Other weighings of this label number that are on their way, or accepted. One the core refused has no effect."""
    if not label:
        return []
    query = (
        select(outbox_rows.c.hash)
        .join(mentions, mentions.c.hash == outbox_rows.c.hash)
        .join(records, records.c.hash == outbox_rows.c.hash)
        .where(mentions.c.about == label, records.c.kind == WEIGHING, outbox_rows.c.hash != record_hash)
        .where(outbox_rows.c.state != State.REFUSED.value)
        .order_by(outbox_rows.c.number)
    )
    return list(tx.execute(query).scalars())


def _settle_label(tx: Connection, record: Record, verdict: Verdict, record_hash: bytes) -> None:
    """The label's bag is from now on the released weighing: its trace is the one that leads to the core. The update
    also locks the label's row, so that of two releases at once the second sees the first."""
    weighing = verdict.weighing
    if weighing is None:
        raise AssertionError("an unreadable weighing was released")
    tx.execute(
        update(bags)
        .where(bags.c.label == verdict.label)
        .values(
            hash=record_hash,
            box=record.box,
            unit_code=storable(weighing.unit_code, UNIT_CHARS),
            waste_code=storable(weighing.waste_code, WASTE_CHARS),
            weight_mg=weighing.weight_mg,
            weight_text=f"{weighing.weight_text} {weighing.weight_unit}",
            weighed_at=storable(str(record.t["wall"])),
        )
    )


def _rule(tx: Connection, record_hash: bytes, what: Ruling, person: Person, at: str) -> Ruled:
    act = Act.RELEASE if what is Ruling.RELEASED else Act.REJECT
    row = audit.append(tx, act, record_hash.hex(), person, at, what.value)
    tx.execute(
        insert(rulings).values(
            hash=record_hash,
            what=what.value,
            at=at,
            who=person.name,
            reason=person.reason,
            position=select(func.max(records.c.position)).scalar_subquery(),
            audit=row.number,
        )
    )
    return Ruled(what, at, person.name, person.reason)


def _told(person: Person) -> str:
    return f"{person.reason} ({person.name})"


def _shown(value: object) -> str:
    return value[:80] if isinstance(value, str) else ""
