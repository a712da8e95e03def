"""Rows that the writer still owes the database: records until the commit, lines of the list of weighings for longer.

A durable commit pays for pages. A weighing commits its record alone, one page as a rule; its line in `bag` follows with
the next write of another kind, in a quiet moment, or when LINES_MAX are owed. The line follows from the record, so a
power cut costs nothing: after the start it is made again. Readers add the lines that are owed (`reads.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from hazgate_edge.journal.rows import Line
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import WEIGHING, Record

LINES_MAX = 200
_ROWS_AT_ONCE = (64, 16, 4, 1)  # a statement for each: SQLite keeps them prepared
_RECORD_COLUMNS = ("seq", "hash", "prev", "rid", "kind", "body", "request")


class Unwritten:
    """What is owed. Used on the writer's thread; `committed` may be read from any."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._records: list[tuple[Any, ...]] = []
        self._lines: list[Line] = []
        self._mark = (0, 0)
        self.committed: tuple[Line, ...] = ()  # lines whose records are committed and which may not yet be in `bag`

    @property
    def owed(self) -> tuple[Line, ...]:
        """The lines owed, oldest first."""
        return tuple(self._lines)

    def add_record(self, row: tuple[Any, ...]) -> None:
        """Owe a record until the commit: seq, hash, prev, rid, kind, body, request."""
        self._records.append(row)

    def add_line(self, line: Line) -> None:
        """Owe the line of a weighing whose record is written or owed."""
        self._lines.append(line)

    def mark(self) -> None:
        """A call begins."""
        self._mark = len(self._records), len(self._lines)

    def forget_call(self, *, written: bool) -> None:
        """The call failed. written: everything owed before it has been written out by `write_all`."""
        records, lines = (0, 0) if written else self._mark
        del self._records[records:]
        del self._lines[lines:]

    def write_before_call(self) -> None:
        """Write what calls before this one owe."""
        records, lines = self._mark
        self._write(self._records[:records], self._lines[:lines])
        del self._records[:records]
        del self._lines[:lines]
        self._mark = 0, 0

    def write_all(self) -> None:
        """Write everything owed: from here on the tables are complete."""
        self._write(self._records, self._lines)
        self._records.clear()
        self._lines.clear()

    def write_for_commit(self) -> None:
        """Write what must not outlive the transaction, and the lines when there are many."""
        if len(self._lines) >= LINES_MAX:
            self.write_all()
        else:
            self._write(self._records, ())
            self._records.clear()

    def publish(self) -> None:
        """The transaction is committed: readers may know."""
        if self.committed or self._lines:
            self.committed = tuple(self._lines)

    def load(self) -> None:
        """Forget everything owed and find out from the tables what is: the weighings behind the last line."""
        self._records.clear()
        self._lines = [
            line_of(Record.decode(body), request or "")
            for body, request in self._database.execute(
                "SELECT body, request FROM record WHERE seq > (SELECT ifnull(max(seq), 0) FROM bag) AND kind = ?"
                " ORDER BY seq",
                (WEIGHING,),
            )
        ]

    def _write(self, records: Sequence[tuple[Any, ...]], lines: Sequence[Line]) -> None:
        self._insert("record", _RECORD_COLUMNS, records)
        self._insert("bag", Line._fields, lines)

    def _insert(self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        done = 0
        while done < len(rows):
            left = len(rows) - done
            count = next(size for size in _ROWS_AT_ONCE if size <= left)
            values = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
            flat = [value for row in rows[done : done + count] for value in row]
            self._database.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}", flat)
            done += count


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
