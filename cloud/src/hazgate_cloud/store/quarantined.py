"""The quarantine as people use it: looking at refused pushes, discarding one, feeding one to the collector again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from hazgate_cloud.domain.acts import Act, ActRefusedError, Person
from hazgate_cloud.store import audit
from hazgate_cloud.store.schema import quarantine

DISCARDED, REPLAYED = "discarded", "replayed"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused push. outcome: "" while it waits, else what a person did."""

    digest: bytes
    box: str
    code: str
    reason: str
    raw: bytes
    first_at: str
    last_at: str
    count: int
    outcome: str
    outcome_at: str


def find(tx: Connection, digest: bytes) -> Quarantined:
    """Raises ActRefusedError when there is none."""
    row = tx.execute(select(quarantine).where(quarantine.c.digest == digest)).mappings().one_or_none()
    if row is None:
        raise ActRefusedError(
            f"push {digest.hex()}: none of this digest is kept; `hazgate-cloud quarantine list` shows those that are"
        )
    return Quarantined(**{**row, "outcome": row["outcome"] or "", "outcome_at": row["outcome_at"] or ""})


def discard(tx: Connection, digest: bytes, person: Person, at: str) -> bool:
    """Marks a push as looked into and of no use; its bytes stay. False when it was so already."""
    found = find(tx, digest)
    if found.outcome == DISCARDED:
        return False
    if found.outcome:
        raise ActRefusedError(f"discard {digest.hex()}: it was {found.outcome} at {found.outcome_at}, and is stored")
    audit.append(tx, Act.DISCARD, digest.hex(), person, at, DISCARDED)
    _mark(tx, digest, DISCARDED, at)
    return True


def note_replay(tx: Connection, digest: bytes, person: Person, at: str, result: str, *, taken: bool) -> None:
    """Writes down that a push was fed to the collector again, and what came of it."""
    audit.append(tx, Act.REPLAY, digest.hex(), person, at, result)
    if taken:
        _mark(tx, digest, REPLAYED, at)


def _mark(tx: Connection, digest: bytes, outcome: str, at: str) -> None:
    tx.execute(update(quarantine).where(quarantine.c.digest == digest).values(outcome=outcome, outcome_at=at))
