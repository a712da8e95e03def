"""Which other weighings claim a label number, for the evidence file: the file is about one of them only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from hazgate_cloud.store.held import flags_of, ruled_about
from hazgate_cloud.store.schema import mentions, outbox, records
from hazgate_protocols.evidence import claims
from hazgate_protocols.journal.record import WEIGHING, Record

WHY_CHARS_MAX = 200


def claims_of(tx: Connection, label: str, own: bytes) -> dict[str, Any]:
    """The values of the line `claims`: other weighings of this label number, of any box, in the order of storing."""
    others = (mentions.c.about == label, records.c.kind == WEIGHING, records.c.hash != own)
    both = mentions.join(records, records.c.hash == mentions.c.hash)
    count = tx.execute(select(func.count()).select_from(both).where(*others)).scalar_one()
    rows = tx.execute(
        select(records.c.hash, records.c.body, records.c.stored_at)
        .select_from(both)
        .where(*others)
        .order_by(records.c.position)
        .limit(claims.CLAIMS_MAX)
    ).all()
    hashes = [row.hash for row in rows]
    why, rulings = flags_of(tx, hashes), ruled_about(tx, hashes)
    queued = tx.execute(select(outbox.c.hash, outbox.c.state).where(outbox.c.hash.in_(hashes)))
    sent = {row.hash: row.state for row in queued}
    listed = []
    for row in rows:
        ruling = rulings.get(row.hash)
        reasons = [f"{flag['code']}: {flag['text']}" for flag in why[row.hash]]
        if ruling is not None:
            reasons.insert(0, f"{ruling.what.value} by {ruling.who}: {ruling.reason}")
        listed.append(
            {
                "hash": row.hash.hex(),
                **claims.facts(Record.decode(row.body)),
                "stored_at": row.stored_at,
                "state": ruling.what.value if ruling else claims.HELD if why[row.hash] else claims.COUNTED,
                "core": sent.get(row.hash, ""),
                "why": "; ".join(reasons)[:WHY_CHARS_MAX],
            }
        )
    return {"count": count, "claims": listed}
