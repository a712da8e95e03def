"""Alarms and the quarantine: what people must look at. Both are bounded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, desc, func, insert, or_, select, update

from hazgate_cloud.domain.acts import Act, ActRefusedError, Person, push_digest
from hazgate_cloud.domain.alarming import PROOF_KINDS
from hazgate_cloud.store import audit
from hazgate_cloud.store.schema import alarms, quarantine, storable

QUARANTINE_ROWS_MAX = 2_000  # of at most 1 MiB each
QUARANTINE_ROWS_A_BOX_MAX = 100
ALARM_ROWS_MAX = 20_000
_TEXT_CHARS_MAX = 500


def raise_alarm(tx: Connection, kind: str, box: str, subject: str, text: str, at: str) -> None:
    """One row a kind, box and subject; a repetition counts up. At the bound the subjects of a kind share one row."""
    for key in (subject, ""):
        same = (alarms.c.kind == kind) & (alarms.c.box == box) & (alarms.c.subject == key)
        change = update(alarms).where(same).values(last_at=at, count=alarms.c.count + 1)
        if tx.execute(change).rowcount:
            return
        if tx.execute(select(func.count()).select_from(alarms)).scalar_one() < ALARM_ROWS_MAX or key == "":
            tx.execute(
                insert(alarms).values(
                    kind=kind,
                    box=box,
                    subject=key,
                    text=storable(text, _TEXT_CHARS_MAX),
                    first_at=at,
                    last_at=at,
                    count=1,
                )
            )
            return


def raise_once(tx: Connection, kind: str, box: str, subject: str, text: str, at: str) -> None:
    """As raise_alarm(), for a cause that is seen again and again: when it was raised before, nothing changes."""
    same = (alarms.c.kind == kind) & (alarms.c.box == box) & (alarms.c.subject == subject)
    if tx.execute(select(alarms.c.number).where(same)).scalar() is None:
        raise_alarm(tx, kind, box, subject, text, at)


def listed(tx: Connection, limit: int, *, every: bool = False) -> list[dict[str, Any]]:
    """Alarms, the one raised last first; those somebody took note of only when `every` is set."""
    query = select(alarms).order_by(desc(alarms.c.last_at), desc(alarms.c.number)).limit(limit)
    if not every:
        query = query.where(_open())
    rows = tx.execute(query).mappings()
    return [{**row, "open": row["acked_count"] is None or row["count"] > row["acked_count"]} for row in rows]


def open_proof_kinds(tx: Connection) -> dict[str, int]:
    """The open alarms that put the proof itself in doubt, counted by kind."""
    query = (
        select(alarms.c.kind, func.count().label("raised"))
        .where(_open(), alarms.c.kind.in_(PROOF_KINDS))
        .group_by(alarms.c.kind)
    )
    return {row.kind: row.raised for row in tx.execute(query)}


def acknowledge(tx: Connection, number: int, person: Person, at: str) -> bool:
    """Somebody took note: it is not shown as open until it is raised again. False when somebody had before. Raises
    ActRefusedError when there is no such alarm."""
    row = tx.execute(select(alarms).where(alarms.c.number == number)).one_or_none()
    if row is None:
        raise ActRefusedError(f"acknowledge alarm {number}: there is none; `hazgate-cloud alarms list` shows them")
    if row.acked_count is not None and row.count <= row.acked_count:
        return False
    result = f"{row.kind} of {row.box or 'the store'}, raised {row.count} times until {row.last_at}"
    audit.append(tx, Act.ACKNOWLEDGE, acknowledged_subject(number), person, at, result)
    tx.execute(update(alarms).where(alarms.c.number == number).values(acked_at=at, acked_count=row.count))
    return True


def acknowledged_subject(number: int) -> str:
    """What the audit row about an alarm is about."""
    return f"alarm-{number}"


def _open() -> ColumnElement[bool]:
    return or_(alarms.c.acked_count.is_(None), alarms.c.count > alarms.c.acked_count)


def keep_quarantined(tx: Connection, box: str, payload: bytes, code: str, reason: str, at: str) -> None:
    """Keeps a refused push raw and raises its alarm. The same bytes again count up and say the newest reason; at the
    bound the raw bytes are not kept any more, and the alarm quarantine_full says so. What people have dealt with
    does not count towards the bound."""
    digest = push_digest(box, payload)
    again = (
        update(quarantine)
        .where(quarantine.c.digest == digest)
        .values(code=code, reason=storable(reason, _TEXT_CHARS_MAX), last_at=at, count=quarantine.c.count + 1)
    )
    if not tx.execute(again).rowcount:
        rows = select(func.count()).select_from(quarantine).where(quarantine.c.outcome.is_(None))
        full = (
            tx.execute(rows).scalar_one() >= QUARANTINE_ROWS_MAX
            or tx.execute(rows.where(quarantine.c.box == box)).scalar_one() >= QUARANTINE_ROWS_A_BOX_MAX
        )
        if full:
            text = f"refused pushes of {box} are no longer kept: the quarantine is full"
            raise_alarm(tx, "quarantine_full", box, "", text, at)
        else:
            tx.execute(
                insert(quarantine).values(
                    digest=digest,
                    box=box,
                    code=code,
                    reason=storable(reason, _TEXT_CHARS_MAX),
                    raw=payload,
                    first_at=at,
                    last_at=at,
                    count=1,
                )
            )
    raise_alarm(tx, f"push_{code}", box, "", reason, at)
