"""The transactional outbox to the core: rows are written with the record they are about (domain/delivery.py has the
states)."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, false, func, insert, select, true, union_all, update

from hazgate_cloud.domain.delivery import State
from hazgate_cloud.store.bulk import insert_new
from hazgate_cloud.store.schema import attempts, outbox
from hazgate_protocols.core_api import Answer, Submission

REPLY_BYTES_KEPT = 2_048
_OF_RIDS = select(outbox.c.rid).where(outbox.c.rid.in_(bindparam("rids", expanding=True)))
_IS_OPEN = outbox.c.settled_at.is_(None)  # as the index says it
_OPEN = (State.QUEUED.value, State.SENT.value, State.UNKNOWN.value)


def _may_go() -> ColumnElement[bool]:
    """Open, of a unit that is not `busy`, and either the oldest of its unit that keeps the order, or stepped aside.

    Behind a backlog most of the outbox is open, so the units are found by stepping through the index of open rows from
    one to the next, and not by reading all open rows for each try.
    """
    units = select(func.min(outbox.c.unit_code).label("unit")).where(_IS_OPEN).cte("units", recursive=True)
    step = select(func.min(outbox.c.unit_code)).where(_IS_OPEN, outbox.c.unit_code > units.c.unit).scalar_subquery()
    units = units.union_all(select(step).where(units.c.unit.is_not(None)))
    own = outbox.alias("own")
    of_unit = and_(own.c.settled_at.is_(None), own.c.unit_code == units.c.unit)
    first = select(func.min(own.c.number)).where(of_unit, own.c.stepped_aside == false()).scalar_subquery()
    idle = units.c.unit.not_in(bindparam("busy", expanding=True))
    oldest = select(first.label("number")).where(idle)
    aside = select(own.c.number).join(units, of_unit).where(idle, own.c.stepped_aside == true())
    return outbox.c.number.in_(union_all(oldest, aside))


# Every submission runs these: built once, for building costs more than running.
_DUE = (
    select(outbox.c.number, outbox.c.unit_code)
    .where(_may_go(), outbox.c.not_before <= bindparam("now"))
    .order_by(outbox.c.stepped_aside, outbox.c.number)
    .limit(bindparam("at_most"))
)
_NEXT_DUE = select(func.min(outbox.c.not_before)).where(_may_go())
_OLDEST_OF = select(func.min(outbox.c.number)).where(
    _IS_OPEN, outbox.c.unit_code == bindparam("of_unit"), outbox.c.stepped_aside == false()
)
_ROW = select(outbox).where(outbox.c.number == bindparam("of_number"))
_CLAIM = (
    update(outbox)
    .where(outbox.c.number == bindparam("of_number"), outbox.c.state == bindparam("seen_state"))
    .where(outbox.c.not_before == bindparam("seen_not_before"), outbox.c.not_before <= bindparam("now"))
    .where(outbox.c.state.in_(_OPEN))
    .values(state=State.SENT.value, not_before=bindparam("lease_until"), tries=outbox.c.tries + 1)
)
_ATTEMPT = insert(attempts)
_SETTLE = (
    update(outbox)
    .where(outbox.c.number == bindparam("of_number"), outbox.c.state.in_(_OPEN))
    .values(
        state=bindparam("new_state"),
        settled_at=bindparam("at"),
        reference=bindparam("said_reference"),
        code=bindparam("said_code"),
        text=bindparam("said_text"),
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed submission. ask: whether the core may hold it already, so that GET comes first."""

    number: int
    rid: str
    box: str
    unit_code: str
    hash: bytes
    submission: bytes
    ask: bool
    tries: int
    reached: int
    stepped_aside: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came of it. status None: no answer at all."""

    method: str
    at: str
    took_ms: int
    status: int | None
    answer: Answer
    reply: bytes


def enqueue(tx: Connection, queued: Sequence[tuple[bytes, Submission]], at: str) -> set[bytes]:
    """Queues submissions, each with its record's hash, in this order behind the others of their units. One whose rid is
    or was in the outbox is left out. The hashes of those that were queued."""
    rows = [
        {
            "hash": record_hash,
            "rid": submission.rid,
            "box": submission.box,
            "unit_code": submission.unit_code,
            "submission": submission.encode(),
        }
        for record_hash, submission in queued
    ]
    return insert_new(
        tx,
        outbox,
        rows,
        "rid",
        state=State.QUEUED.value,
        tries=0,
        reached=0,
        stepped_aside=False,
        not_before=at,
        queued_at=at,
        reference="",
        code="",
        text="",
    )


def held_rids(tx: Connection, rids: Collection[str]) -> set[str]:
    """Which of these rids have, or had, a submission in the outbox."""
    return set(tx.execute(_OF_RIDS, {"rids": list(rids)}).scalars()) if rids else set()


def due_numbers(tx: Connection, now: str, busy_units: Set[str], limit: int) -> list[tuple[int, str]]:
    """(number, unit) of what may be tried now: of each idle unit the oldest open one, or one that stepped aside."""
    chosen: dict[str, int] = {}
    for number, unit in tx.execute(_DUE, {"busy": sorted(busy_units), "now": now, "at_most": limit}):
        chosen.setdefault(unit, number)
    return [(number, unit) for unit, number in chosen.items()]


def next_due(tx: Connection, busy_units: Set[str]) -> str | None:
    """The earliest time something of an idle unit may be tried; None when there is nothing."""
    return tx.execute(_NEXT_DUE, {"busy": sorted(busy_units)}).scalar()


def claim_next(tx: Connection, unit: str, now: str, lease_until: str) -> Due | None:
    """Takes the unit's oldest open row that keeps the order for one try; None when there is none, or none that may be
    tried now."""
    number = tx.execute(_OLDEST_OF, {"of_unit": unit}).scalar()
    return None if number is None else claim(tx, number, now, lease_until)


def free_claims(tx: Connection, now: str) -> None:
    """Makes what a killed forwarder left in flight due at once. If another worker is in fact on it, the core is asked
    first and the rid keeps the repetition harmless."""
    tx.execute(
        update(outbox).where(outbox.c.state == State.SENT.value).values(state=State.UNKNOWN.value, not_before=now)
    )


def claim(tx: Connection, number: int, now: str, lease_until: str) -> Due | None:
    """Takes a row for one try; None when another worker was faster. Until lease_until nobody else takes it."""
    row = tx.execute(_ROW, {"of_number": number}).mappings().one()
    seen = {"of_number": number, "seen_state": row["state"], "seen_not_before": row["not_before"]}
    taken = tx.execute(_CLAIM, {**seen, "now": now, "lease_until": lease_until})
    if taken.rowcount != 1:
        return None
    return Due(
        number=number,
        rid=row["rid"],
        box=row["box"],
        unit_code=row["unit_code"],
        hash=row["hash"],
        submission=row["submission"],
        ask=row["state"] != State.QUEUED.value,
        tries=row["tries"] + 1,
        reached=row["reached"],
        stepped_aside=row["stepped_aside"],
    )


def keep_attempt(tx: Connection, number: int, attempt: Attempt) -> None:
    """Keeps one try with the first bytes of its reply."""
    tx.execute(
        _ATTEMPT,
        {
            "outbox": number,
            "method": attempt.method,
            "at": attempt.at,
            "took_ms": attempt.took_ms,
            "status": attempt.status,
            "outcome": attempt.answer.outcome.value,
            "detail": attempt.answer.detail,
            "reply": attempt.reply[:REPLY_BYTES_KEPT],
        },
    )


def settle(tx: Connection, number: int, state: State, answer: Answer, at: str) -> bool:
    """Writes the core's word; False when it was settled before (a late second worker): nothing is changed then."""
    said = {"said_reference": answer.reference, "said_code": answer.code, "said_text": answer.text}
    return tx.execute(_SETTLE, {"of_number": number, "new_state": state.value, "at": at, **said}).rowcount == 1


def postpone(tx: Connection, number: int, not_before: str, *, reached: int, stepped_aside: bool, detail: str) -> None:
    """Keeps a submission whose fate is unknown for a later try."""
    tx.execute(
        update(outbox)
        .where(outbox.c.number == number, outbox.c.state.in_(_OPEN))
        .values(
            state=State.UNKNOWN.value,
            not_before=not_before,
            reached=reached,
            stepped_aside=stepped_aside,
            text=detail,
        )
    )
