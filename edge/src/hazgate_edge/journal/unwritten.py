"""Rows that the writer still owes the database: records until the commit, lines of the list of weighings for longer.

A durable commit pays for pages. A weighing commits its record alone, one page as a rule; its line in `bag` follows with
the next write of another kind, in a quiet moment, with a group of GROUP_LINES weighings, or when LINES_MAX are owed.
The line follows from the record, so a power cut costs nothing: after the start it is made again. Readers add the lines
that are owed (`reads.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from hazgate_edge.journal.rows import Line
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import WEIGHING, Record

LINES_MAX = 200
GROUP_LINES = 16  # so many weighings in one commit bring their lines along: the pages are shared
_ROWS_AT_ONCE = (64, 16, 4, 1)
_RECORD = ("record", ("seq", "hash", "prev", "rid", "kind", "body", "request"))
_LINE = ("bag", Line._fields)


def _inserts(table: str, columns: tuple[str, ...]) -> dict[int, str]:
    """A statement for each number of rows at once, so that SQLite keeps them prepared."""
    row = f"({', '.join('?' * len(columns))})"
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - our own tables
    return {count: head + ", ".join([row] * count) for count in _ROWS_AT_ONCE}


_INSERT_RECORDS = _inserts(*_RECORD)
_INSERT_LINES = _inserts(*_LINE)


class Unwritten:
    """What is owed. Used on the writer's thread; `committed` may be read from any."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._records: list[tuple[Any, ...]] = []
        self._lines: list[Line] = []  # only ever grows, until another list takes its place
        self._labels: set[str] = set()  # of the lines
        self._new_from = 0  # lines from here on are not committed
        self._mark = (0, 0)
        self._committed = (self._lines, 0)

    @property
    def owed(self) -> list[Line]:
        """The lines owed, oldest first."""
        return self._lines

    @property
    def committed(self) -> list[Line]:
        """Lines whose records are committed and which may not yet be in `bag`, oldest first. For any thread."""
        lines, count = self._committed
        return lines[:count]

    def add_record(self, row: tuple[Any, ...]) -> None:
        """Owe a record until the commit: seq, hash, prev, rid, kind, body, request."""
        self._records.append(row)

    def add_line(self, line: Line) -> None:
        """Owe the line of a weighing whose record is written or owed. Raises sqlite3.IntegrityError, here or at the
        commit, when a weighing carries its label already: the index alone fires when the record is long committed."""
        if line.label in self._labels:
            raise sqlite3.IntegrityError(_given_before(line.label))
        self._lines.append(line)
        self._labels.add(line.label)

    def mark(self) -> None:
        """A call begins."""
        self._mark = len(self._records), len(self._lines)

    def forget_call(self, *, written: bool) -> None:
        """The call failed. written: everything owed before it has been written out by `write_before_call`."""
        records, lines = (0, 0) if written else self._mark
        del self._records[records:]
        self._owe(self._lines[:lines])

    def write_before_call(self) -> None:
        """Write what calls before this one owe."""
        records, lines = self._mark
        self._insert(_INSERT_RECORDS, self._records[:records])
        self._insert(_INSERT_LINES, self._lines[:lines])
        del self._records[:records]
        self._owe(self._lines[lines:])
        self._mark = 0, 0

    def write_all(self) -> None:
        """Write everything owed: from here on the tables are complete."""
        self._insert(_INSERT_RECORDS, self._records)
        self._records.clear()
        if self._lines:
            self._insert(_INSERT_LINES, self._lines)
            self._owe([])

    def write_for_commit(self) -> None:
        """Write what must not outlive the transaction, and the lines when there are many."""
        fresh = self._lines[self._new_from :]
        if len(self._lines) >= LINES_MAX or len(fresh) >= GROUP_LINES:
            self.write_all()
            return
        if fresh:
            marks = ",".join("?" * len(fresh))  # only question marks are put in
            found = self._database.execute(
                f"SELECT label FROM bag WHERE label IN ({marks})",  # noqa: S608
                [line.label for line in fresh],
            ).fetchone()
            if found is not None:
                raise sqlite3.IntegrityError(_given_before(found[0]))
        if self._records:
            self._insert(_INSERT_RECORDS, self._records)
            self._records.clear()

    def publish(self) -> None:
        """The transaction is committed: readers may know."""
        self._committed = (self._lines, len(self._lines))
        self._new_from = len(self._lines)

    def load(self) -> None:
        """Forget everything owed and find out from the tables what is: the weighings behind the last line."""
        self._records.clear()
        found = self._database.execute(
            "SELECT body, request FROM record WHERE seq > (SELECT ifnull(max(seq), 0) FROM bag) AND kind = ?"
            " ORDER BY seq",
            (WEIGHING,),
        )
        self._owe([line_of(Record.decode(body), request or "") for body, request in found])

    def _owe(self, lines: list[Line]) -> None:
        self._lines = lines
        self._new_from = 0  # to look for the label of an owed line once more does no harm
        self._labels = {line.label for line in lines}

    def _insert(self, statements: dict[int, str], rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) == 1:
            self._database.execute(statements[1], rows[0])
            return
        done = 0
        for count, statement in statements.items():
            while len(rows) - done >= count:
                self._database.execute(statement, list(chain.from_iterable(rows[done : done + count])))
                done += count


def _given_before(label: str) -> str:
    return f"label {label} was given before; nothing is booked"


def line_of(record: Record, request: str) -> Line:
    """The line of a weighing; raises BodyError for a record whose body is none."""
    body = WeighingBody.from_json(record.body)
    return line_from(record.seq, record.rid, request, body, record.t["wall"])


def line_from(seq: int, rid: str, request: str, body: WeighingBody, weighed_at: str) -> Line:
    """The same where the parts are at hand."""
    return Line(
        seq,
        rid,
        body.label,
        request,
        body.waste_code,
        body.waste_name,
        f"{body.weight_text} {body.weight_unit}",
        weighed_at,
        body.produced_on,
    )
