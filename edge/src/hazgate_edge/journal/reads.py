"""Reading the journal: a connection of its own, which sees only what is committed.

The newest weighings may be committed without their line in the list (`unwritten.py`): the writer's memory adds it, and
is asked before the table, so that a line written in between is seen twice and never not at all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal.database import connect
from hazgate_edge.journal.failure import Failure, failure_of
from hazgate_edge.journal.finding import find_records
from hazgate_edge.journal.rows import REQUESTS_KEPT, Bag, Line, PrintJob, Stored, SyncState, say_of
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import Record, RecordError

_BAG = """
SELECT b.seq, b.rid, b.label, b.waste_code, b.waste_name, b.weight, b.weighed_at, ifnull(j.state, 'queued'),
       ifnull(j.say, ''), ifnull(j.copy, 0), b.core, b.core_at, b.core_text
FROM bag b LEFT JOIN print_job j
  ON j.bag = b.seq AND j.copy = (SELECT max(copy) FROM print_job k WHERE k.bag = b.seq)
"""


class JournalReads:
    """Everything that can be asked of a journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._reading = threading.Lock()
        self._awaiting_from = 0
        self._pending = (0, 0, 0)  # weighings after the first and up to the second record
        self._printing_from = 0
        self.broken: BaseException | None = None  # what forbids to go on without a fresh start

    def after(self, seq: int, limit: int, bytes_max: int) -> list[Stored]:
        """Records after seq, oldest first: at most `limit`, and at least one however long it is."""
        out: list[Stored] = []
        size = 0
        for row in self._read(
            "SELECT seq, hash, prev, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit
        ):
            size += len(row[3])
            if out and size > bytes_max:
                break
            out.append(Stored(*row))
        return out

    def hash_at(self, seq: int) -> bytes:
        """The hash of record seq; ROOT for 0."""
        if seq == 0:
            return ROOT
        return bytes(self._read("SELECT hash FROM record WHERE seq = ?", seq)[0][0])

    def seq_of(self, digest: bytes, *, hint: int | None = None) -> int | None:
        """Where a hash lies in our own chain, None when it is not ours. Without a right hint the chain is walked."""
        if digest == ROOT:
            return 0
        if hint is not None and self._read("SELECT 1 FROM record WHERE seq = ? AND hash = ?", hint, digest):
            return hint
        return self.seqs_of([digest], near=hint or 0).get(digest)

    def seqs_of(self, digests: Collection[bytes], *, near: int) -> dict[bytes, int]:
        """Where hashes lie in our own chain; those that are not ours are left out. near: where to look first."""
        head = self._read("SELECT ifnull(max(seq), 0) FROM record")[0][0]
        return find_records(self._read, digests, near=near, head=head)

    def sync_state(self) -> SyncState:
        """What the collector is known to hold."""
        return SyncState(*self._read("SELECT received_seq, received_at, notes_upto FROM sync")[0])

    def owed_lines(self) -> list[Line]:
        """Committed weighings, oldest first, whose line may not be in the table yet."""
        return []

    def bags(self, produced_on: str, limit: int) -> list[Bag]:
        """A day's weighings among the newest `limit`, newest first."""
        owed = self.owed_lines()
        rows = self._read(
            f"{_BAG} WHERE b.produced_on = ? AND b.seq > ? ORDER BY b.seq DESC", produced_on, self._floor(limit)
        )
        listed = rows[0][0] if rows else 0
        fresh = [_fresh_bag(line) for line in reversed(owed) if line.produced_on == produced_on and line.seq > listed]
        return [*fresh, *map(self._bag, rows)][:limit]

    def _floor(self, limit: int) -> int:
        rows = self._read("SELECT seq FROM bag ORDER BY seq DESC LIMIT 1 OFFSET ?", limit)
        return int(rows[0][0]) if rows else 0

    def bag(self, *, rid: str = "", label: str = "") -> Bag | None:
        """One weighing by record id or label number."""
        owed = [line for line in self.owed_lines() if (line.label == label if label else line.rid == rid)]
        where, value = ("b.label = ?", label) if label else ("b.rid = ?", rid)
        return self._newest_bag(owed, f"{where} ORDER BY b.seq DESC LIMIT 1", value)

    def bag_of_request(self, request: str) -> Bag | None:
        """The weighing a press has already led to."""
        owed = [line for line in self.owed_lines() if line.request == request]
        where = "b.request = ? AND b.seq > ? ORDER BY b.seq DESC LIMIT 1"
        return self._newest_bag(owed, where, request, self._floor(REQUESTS_KEPT))

    def _newest_bag(self, owed: list[Line], where: str, *values: Any) -> Bag | None:
        rows = self._read(f"{_BAG} WHERE {where}", *values)  # where is one of ours
        if rows:
            return self._bag(rows[0])
        return _fresh_bag(owed[-1]) if owed else None

    def bags_after(self, seq: int) -> int:
        """How many weighings lie after record seq."""
        owed = self.owed_lines()
        # Asked ten times a second, so only what came and what went since the last time is counted.
        below, newest, count = self._pending
        if seq < below:
            below, newest, count = seq, seq, 0
        gone, come, listed = self._read(
            "SELECT (SELECT count(*) FROM bag WHERE seq > ? AND seq <= ?),"
            " (SELECT count(*) FROM bag WHERE seq > ?), (SELECT max(seq) FROM bag)",
            below,
            min(seq, newest),
            max(seq, newest),
        )[0]
        count += come - gone
        self._pending = (seq, max(seq, newest, listed or 0), count)
        return int(count) + sum(line.seq > max(seq, listed or 0) for line in owed)

    def awaits_core(self) -> bool:
        """Whether a weighing has no word from the core yet."""
        owed = self.owed_lines()
        # The core's word is final, so what lies below the oldest open weighing need not be looked at again.
        oldest, newest = self._read(
            "SELECT (SELECT seq FROM bag WHERE seq >= ? AND core IN ('', 'unknown') ORDER BY seq LIMIT 1),"
            " (SELECT max(seq) FROM bag)",
            self._awaiting_from,
        )[0]
        self._awaiting_from = oldest or newest or self._awaiting_from
        return oldest is not None or any(line.seq > (newest or 0) for line in owed)

    def unanswered(self) -> int:
        """How many labels wait for the operator's word whether they came out."""
        return int(self._read("SELECT count(*) FROM print_job WHERE state = 'unknown'")[0][0])

    def refused(self) -> int:
        """How many weighings the collector holds back or the core refuses."""
        return int(self._read("SELECT count(*) FROM bag WHERE core IN ('refused', 'flagged')")[0][0])

    def open_jobs(self) -> list[PrintJob]:
        """Labels still to print, oldest first, at most 100."""
        owed = self.owed_lines()
        newest = self._read("SELECT max(seq) FROM bag")[0][0] or 0
        jobs = self._jobs(
            "b.seq >= ? AND ifnull(j.state, 'queued') IN ('queued', 'printing', 'failed')"
            # a newer copy has taken the place of an older label
            " AND ifnull(j.copy, 0) = (SELECT ifnull(max(copy), 0) FROM print_job k WHERE k.bag = b.seq)"
            " ORDER BY b.seq, j.copy LIMIT 100",
            self._printing_from,
        )
        self._printing_from = jobs[0].bag if jobs else newest
        fresh = [line for line in owed if line.seq > newest and all(job.bag != line.seq for job in jobs)]
        return [*jobs, *map(self._fresh_job, fresh[: 100 - len(jobs)])]

    def reopen_jobs(self) -> None:
        """An older label was queued again: open_jobs must look at all of them once."""
        self._printing_from = 0

    def last_job(self, rid: str) -> PrintJob | None:
        """The newest print job of a weighing."""
        owed = [line for line in self.owed_lines() if line.rid == rid]
        jobs = self._jobs("b.rid = ? ORDER BY b.seq DESC, j.copy DESC LIMIT 1", rid)
        jobs += map(self._fresh_job, owed)
        return jobs[0] if jobs else None

    def last_number(self, label_stem: str) -> int:
        """The last sequence given for a label stem (unit, waste, day), 0 for none."""
        owed = [line.label for line in self.owed_lines() if line.label.startswith(label_stem)]
        last = self._read(
            "SELECT max(label) FROM bag WHERE label BETWEEN ? AND ?", f"{label_stem}000", f"{label_stem}999"
        )[0][0]
        return max((int(label[len(label_stem) :]) for label in [*owed, last] if label), default=0)

    def newest_time(self) -> str:
        """The wall time on the newest record, "" when there is none or none to be read."""
        rows = self._read("SELECT body FROM record ORDER BY seq DESC LIMIT 1")
        try:
            return str(Record.decode(rows[0][0]).t["wall"]) if rows else ""
        except RecordError:
            return ""

    def weighing(self, rid: str) -> Record | None:
        """The record of a weighing by its id."""
        owed = [line.seq for line in self.owed_lines() if line.rid == rid]
        rows = self._read(
            "SELECT r.body FROM bag b JOIN record r USING (seq) WHERE b.rid = ? ORDER BY seq DESC LIMIT 1", rid
        ) or [row for seq in owed for row in self._read("SELECT body FROM record WHERE seq = ?", seq)]
        return Record.decode(rows[0][0]) if rows else None

    def chain(self) -> Iterator[tuple[int, bytes, bytes, bytes, bytes | None]]:
        """(seq, hash, prev, body, seal) from the first record on, for verification."""
        at = 0
        while rows := self._read(
            "SELECT seq, hash, prev, body, seal FROM record WHERE seq > ? ORDER BY seq LIMIT 500", at
        ):
            yield from rows
            at = rows[-1][0]

    def _jobs(self, where: str, *values: Any) -> list[PrintJob]:
        sql = (  # where is one of ours
            "SELECT b.seq, ifnull(j.copy, 0), b.rid, ifnull(j.state, 'queued'), ifnull(j.say, ''), r.body"
            " FROM bag b LEFT JOIN print_job j ON j.bag = b.seq JOIN record r ON r.seq = b.seq"
            " WHERE "
        )
        return [
            PrintJob(row[0], row[1], row[2], PrintState(row[3]), say_of(row[4]), Record.decode(row[5]).body)
            for row in self._read(sql + where, *values)
        ]

    def _fresh_job(self, line: Line) -> PrintJob:
        body = Record.decode(self._read("SELECT body FROM record WHERE seq = ?", line.seq)[0][0]).body
        return PrintJob(line.seq, 0, line.rid, PrintState.QUEUED, None, body)

    def _bag(self, row: Any) -> Bag:
        seq, rid, label, waste_code, waste_name, weight, weighed_at, state, say, copies, core, core_at, core_text = row
        return Bag(
            seq=seq,
            rid=rid,
            label=label,
            waste_code=waste_code,
            waste_name=waste_name,
            weight=weight,
            weighed_at=weighed_at,
            print_state=PrintState(state),
            print_say=say_of(say),
            copies=copies,
            core=core,
            core_at=core_at,
            core_text=core_text,
        )

    def _read(self, sql: str, *values: Any) -> list[Any]:
        try:
            with self._reading:
                return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as exc:
            if failure_of(exc) is Failure.BROKEN:
                self._on_broken(exc)
            raise

    def _on_broken(self, why: BaseException) -> None:
        self.broken = self.broken or why


def _fresh_bag(line: Line) -> Bag:
    """A weighing of which nothing is known but itself."""
    return Bag(
        seq=line.seq,
        rid=line.rid,
        label=line.label,
        waste_code=line.waste_code,
        waste_name=line.waste_name,
        weight=line.weight,
        weighed_at=line.weighed_at,
        print_state=PrintState.QUEUED,
        print_say=None,
        copies=0,
        core="",
        core_at="",
        core_text="",
    )
