"""Label number leases in the journal: tables that follow from the records, and the next number out of what was granted.

A number is given at most once and nothing frees it: within a range the next number is one more than the highest that
stands on any label, and neither a label that failed, nor a reprint, nor a void, nor a refusal lowers that.
"""

from __future__ import annotations

import importlib.resources
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from hazgate_edge.clock import local_date
from hazgate_edge.domain.leasing import Asked, Lease, wanted
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.leases import GRANTED, NONE, Days, LeaseAsk, LeasedRange
from hazgate_protocols.journal.record import LEASE_ASK, NOTES, Record

NOTE = "lease"
KINDS = (LEASE_ASK, NOTES)
TABLES = ("lease", "lease_ask")
_OF_LEASES = "SELECT seq, hash, body FROM record WHERE kind IN (?, ?) ORDER BY seq"

Rows = Callable[..., Sequence[Any]]  # runs a query with its values


def project(database: sqlite3.Connection, seq: int, digest: bytes, record: Record) -> None:
    """Brings about what a record of our own chain means for the leases. For every record appended, in order, also for
    one that comes back from the collector."""
    if record.kind == LEASE_ASK:
        _keep_ask(database, seq, digest, record)
    elif record.kind == NOTES:
        for note in record.body["notes"]:
            if note.get("what") == NOTE:
                _keep_answer(database, note, _day_of(record))


def derive(database: sqlite3.Connection) -> None:
    """Both tables anew from the records."""
    for table in TABLES:
        database.execute(f"DELETE FROM {table}")  # noqa: S608 - one of ours
    for seq, digest, body in database.execute(_OF_LEASES, KINDS).fetchall():
        project(database, seq, digest, Record.decode(body))


def derived(rows: Rows) -> list[tuple[Any, ...]]:
    """What `content` must be, from the records alone; for a journal that is only read."""
    beside = sqlite3.connect(":memory:")
    try:
        beside.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY)")
        beside.executescript(importlib.resources.files(__package__).joinpath("schema_0002.sql").read_text("utf-8"))
        for seq, digest, body in rows(_OF_LEASES, *KINDS):
            project(beside, seq, digest, Record.decode(body))
        return content(lambda sql, *values: beside.execute(sql, values).fetchall())
    finally:
        beside.close()


def content(rows: Rows) -> list[tuple[Any, ...]]:
    """Both tables, to compare what is kept with what follows from the records."""
    return [(table, *row) for table in TABLES for row in rows(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608


def leases_from(rows: Rows, day: date, waste_code: str = "") -> list[Lease]:
    """What was granted for this day or later, in the order in which it is used up."""
    sql = "SELECT note, waste_code, first_number, last_number, from_day, until_day FROM lease WHERE until_day >= ?"
    if waste_code:
        found = rows(f"{sql} AND waste_code = ? ORDER BY note", day.isoformat(), waste_code)
    else:
        found = rows(f"{sql} ORDER BY note", day.isoformat())
    return [
        Lease(note, code, LeasedRange(first, last, Days(date.fromisoformat(start), date.fromisoformat(end))))
        for note, code, first, last, start, end in found
    ]


def asked_from(rows: Rows, day: date) -> list[Asked]:
    """What was asked for this day or later, the newest first."""
    found = rows(
        "SELECT waste_code, from_day, until_day, asked_on, seq <= (SELECT received_seq FROM sync), answer, answered_on,"
        " why_none FROM lease_ask WHERE until_day >= ? ORDER BY seq DESC",
        day.isoformat(),
    )
    return [
        Asked(
            waste_code=code,
            days=Days(date.fromisoformat(start), date.fromisoformat(end)),
            asked_on=date.fromisoformat(asked_on),
            stored=bool(stored),
            answer=answer,
            answered_on=date.fromisoformat(answered_on) if answered_on else None,
            why_none=why,
        )
        for code, start, end, asked_on, stored, answer, answered_on, why in found
    ]


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What a box holds and has asked for on a day. left: by waste, how many numbers it may still give that day."""

    today: date
    leases: list[Lease]
    asked: list[Asked]
    left: dict[str, int]

    def wanted(self, a_day: int) -> list[LeaseAsk]:
        """What to ask for now."""
        return wanted(self.today, self.left, a_day=a_day, leases=self.leases, asked=self.asked, left=self.left)


def read_state(
    rows: Rows, today: date, stems: Mapping[str, str], floors: Mapping[str, int], owed: Sequence[str] = ()
) -> LeaseState:
    """stems: by waste, today's label number without its sequence. floors: by stem, as in next_number. owed: labels that
    are given and not in the list of weighings yet."""
    held = leases_from(rows, today)
    left = {
        code: numbers_left(
            ranges_of(held, code, today), floors.get(stem, 0), partial(highest_given, rows, stem, owed=owed)
        )
        for code, stem in stems.items()
    }
    return LeaseState(today, held, asked_from(rows, today), left)


def highest_given(rows: Rows, stem: str, first: int, last: int, *, owed: Sequence[str] = ()) -> int:
    """The highest sequence from first to last on a label of this stem, 0 for none. owed: as in read_state."""
    low, high = (f"{stem}{number:0{SEQUENCE_CHARS}d}" for number in (first, last))
    found = rows("SELECT max(label) FROM bag WHERE label BETWEEN ? AND ?", low, high)[0][0]
    labels = [label for label in (found, *owed) if label and low <= label <= high]
    return max((int(label[len(stem) :]) for label in labels), default=0)


def ranges_of(leases: Sequence[Lease], waste_code: str, day: date) -> list[LeasedRange]:
    """A waste's ranges on one day, in order."""
    return [lease.range for lease in leases if lease.waste_code == waste_code and day in lease.range.days]


def next_number(
    ranges: Sequence[LeasedRange], floor: int, highest: Callable[[int, int], int]
) -> tuple[int, LeasedRange] | None:
    """The next number and its range, None when all are given. highest(first, last): the highest given among these, 0
    for none. floor: none up to this one is given (journals set aside)."""
    for held in ranges:
        number = max(held.first, floor + 1, highest(held.first, held.last) + 1)
        if number <= held.last:
            return number, held
    return None


def numbers_left(ranges: Sequence[LeasedRange], floor: int, highest: Callable[[int, int], int]) -> int:
    """How many numbers next_number would still give."""
    given = bytearray(max((held.last for held in ranges), default=0) + 1)  # ranges of our own may overlap
    for held in ranges:
        start = max(held.first, floor + 1, highest(held.first, held.last) + 1)
        given[start : held.last + 1] = b"\1" * max(0, held.last + 1 - start)
    return sum(given)


def _keep_ask(database: sqlite3.Connection, seq: int, digest: bytes, record: Record) -> None:
    try:
        ask = LeaseAsk.from_json(record.body)
    except BodyError:  # of a later version's making: the collector answers it, we cannot use it
        return
    database.execute(
        "INSERT INTO lease_ask (seq, hash, waste_code, from_day, until_day, asked_on) VALUES (?, ?, ?, ?, ?, ?)",
        (
            seq,
            digest,
            ask.waste_code,
            ask.days.first.isoformat(),
            ask.days.last.isoformat(),
            _day_of(record).isoformat(),
        ),
    )


def _keep_answer(database: sqlite3.Connection, note: dict[str, Any], today: date) -> None:
    """An answer to an ask of this chain; others (a copied disk hears its twin's) are nothing to us."""
    row = database.execute(
        "SELECT seq, waste_code, answer FROM lease_ask WHERE hash = ?", (bytes.fromhex(note["hash"]),)
    ).fetchone()
    if row is None:
        return
    seq, waste_code, answer = row
    found = None
    if note["code"] == GRANTED:
        try:
            found = LeasedRange.parse(note["reference"])
        except ValueError:
            note = {**note, "text": f"the answer cannot be read: {note['reference']}"}
    if found is not None:
        database.execute(
            "INSERT INTO lease (note, ask, waste_code, first_number, last_number, from_day, until_day)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                note["n"],
                seq,
                waste_code,
                found.first,
                found.last,
                found.days.first.isoformat(),
                found.days.last.isoformat(),
            ),
        )
    if found is not None or answer != GRANTED:  # a collector that went back may refuse what it had granted: it stays
        database.execute(
            "UPDATE lease_ask SET answer = ?, answered_on = ?, why_none = ? WHERE seq = ?",
            (GRANTED if found else NONE, today.isoformat(), "" if found else note["text"], seq),
        )


def _day_of(record: Record) -> date:
    return local_date(datetime.fromisoformat(record.t["wall"]))
