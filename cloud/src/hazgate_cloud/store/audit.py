"""The log of what people did: appended to, hash-chained, never changed."""

from __future__ import annotations

from sqlalchemy import Connection, Row, insert, select

from hazgate_cloud.domain.acts import Act, AuditRow, Person, audit_row
from hazgate_cloud.store.schema import audit
from hazgate_protocols.journal.chain import ROOT


def append(tx: Connection, act: Act, subject: str, person: Person, at: str, result: str) -> AuditRow:
    """Writes the next row. Of two writers at once one meets the unique `prev` and is repeated by Database.written()."""
    number, prev = head(tx)
    row = audit_row(number + 1, prev, at, act, subject, person, result)
    tx.execute(
        insert(audit).values(
            number=row.number,
            hash=row.hash,
            prev=row.prev,
            at=row.at,
            act=row.act,
            subject=row.subject,
            body=row.body,
        )
    )
    return row


def head(tx: Connection) -> tuple[int, bytes]:
    """Number and hash of the newest row; (0, ROOT) when there is none."""
    newest = tx.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).one_or_none()
    return (0, ROOT) if newest is None else (newest.number, newest.hash)


def about(tx: Connection, subject: str) -> list[AuditRow]:
    """What was done about this record or push, oldest first."""
    found = tx.execute(select(audit).where(audit.c.subject == subject).order_by(audit.c.number))
    return [as_row(row) for row in found]


def as_row(row: Row[tuple[object, ...]]) -> AuditRow:
    """A row as it stands in the table."""
    return AuditRow(row.number, row.prev, row.at, row.act, row.subject, row.body)
