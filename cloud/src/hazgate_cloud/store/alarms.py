"""Alarms and the quarantine: what people must look at. Both are bounded."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from hazgate_cloud.domain.acts import push_digest
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
