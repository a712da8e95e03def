"""Branches of a box's chain: which one the box may not know of, which are merged, and a branch's records page by page.

A box whose disk went back or was copied makes a second branch. It is told the head it lacks (`other`), fetches the
records back, and says so in a record of kind merge; a merged head is not told again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select

from hazgate_cloud.domain.intake import Entry
from hazgate_cloud.store.schema import heads, merges, records, seals
from hazgate_protocols.journal.chain import HASH_BYTES
from hazgate_protocols.journal.record import MERGE, Record
from hazgate_protocols.uplink import Branch
from hazgate_protocols.uplink.messages import GIVE_PLAIN_BYTES

_OTHER = (
    select(heads.c.hash, heads.c.seq)
    .where(
        heads.c.box == bindparam("of_box"),
        heads.c.hash != bindparam("pushed"),
        heads.c.hash.not_in(select(merges.c.head).where(merges.c.box == bindparam("of_box"))),
    )
    .order_by(heads.c.seq.desc(), heads.c.hash)
    .limit(1)
)
_MERGED = select(merges.c.head).where(merges.c.box == bindparam("of_box"), merges.c.head == bindparam("merged_head"))
_AT = select(records.c.seq).where(records.c.hash == bindparam("record_hash"), records.c.box == bindparam("of_box"))
_BELOW = select(records.c.hash, records.c.prev, records.c.body).where(
    records.c.box == bindparam("of_box"), records.c.seq > bindparam("above"), records.c.seq <= bindparam("upto_seq")
)
_SEAL = select(seals.c.seal).where(seals.c.hash == bindparam("record_hash"))


def other_head(tx: Connection, box: str, pushed: bytes) -> Branch | None:
    """The newest head of this box that is neither `pushed` nor merged. It may descend from `pushed`: the box knows."""
    found = tx.execute(_OTHER, {"of_box": box, "pushed": pushed}).first()
    return None if found is None else Branch(found.hash, found.seq)


def note_merge(tx: Connection, entry: Entry) -> None:
    """Keeps what a record of kind merge says. One that names no hash says nothing."""
    head = merged_head(entry.record)
    if head is None:
        return
    key = {"of_box": entry.record.box, "merged_head": head}
    if tx.execute(_MERGED, key).first() is None:
        tx.execute(insert(merges).values(box=entry.record.box, head=head, hash=entry.hash))


def merged_head(record: Record) -> bytes | None:
    """Which head a merge record names, None for any other record or a text that is no hash."""
    text = record.body.get("head")
    if record.kind != MERGE or not isinstance(text, str) or len(text) != 2 * HASH_BYTES:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def page(tx: Connection, box: str, upto: bytes, n: int) -> tuple[bytes, Sequence[bytes], bytes | None]:
    """(prev, bodies oldest first, the box's seal over upto) of at most n records of this box that end with upto.

    Fewer where they are large or the chain begins; none, with prev = upto, when upto is not held.
    """
    seq = tx.execute(_AT, {"record_hash": upto, "of_box": box}).scalar()
    if seq is None:
        return upto, (), None
    rows = {row.hash: row for row in tx.execute(_BELOW, {"of_box": box, "above": seq - n, "upto_seq": seq})}
    bodies: list[bytes] = []
    at, size = upto, 0
    while at in rows and len(bodies) < n:
        size += len(rows[at].body)
        if bodies and size > GIVE_PLAIN_BYTES:
            break
        bodies.append(rows[at].body)
        at = rows[at].prev
    return at, tuple(reversed(bodies)), tx.execute(_SEAL, {"record_hash": upto}).scalar()
