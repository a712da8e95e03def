"""Samples that wait to be sent, in a SQLite file of their own: bounded, and never in the way of the journal.

A sample is numbered when it is written; numbers are never given twice in one spool, and a new file is a new spool.
Synchronous is NORMAL: a power cut may take the last samples, and the next start accounts for the time since the last
that is left. Writing blocks and is for a thread; reading has a connection of its own and is for the event loop.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from hazgate_protocols.journal.conditions import PointGap
from hazgate_protocols.uplink.telemetry import BATCH_POINTS_MAX, Batch, PointFacts, Sample

log = logging.getLogger(__name__)

SPOOL_FILE = "telemetry.sqlite3"
SAMPLES_HELD_MAX = 200_000  # some 30 MB; four points a minute for a month
GIVE_UP_SHARE = 20  # at the bound one part in so many is given up, the oldest
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (number INTEGER PRIMARY KEY, said TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS points (point TEXT PRIMARY KEY, last_at TEXT NOT NULL, crossing TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS samples (
  n INTEGER PRIMARY KEY AUTOINCREMENT, point TEXT NOT NULL, at TEXT NOT NULL, value TEXT, quality TEXT NOT NULL,
  said_at TEXT NOT NULL, note TEXT NOT NULL, facts INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Oldest:
    """The samples to be given up: their numbers, and what that means point by point."""

    first: int
    last: int
    points: tuple[PointGap, ...]


class Spool:
    """The open file. `lost` is why an older file was set aside, "" for none."""

    def __init__(self, folder: Path, *, new_id: str, now: datetime, held_max: int = SAMPLES_HELD_MAX) -> None:
        """new_id: 16 hex digits, used when a new file is begun. Raises sqlite3.Error, OSError."""
        self._path = folder / SPOOL_FILE
        self._held_max = held_max
        self._lock = threading.Lock()
        self.lost = ""
        try:
            self._open(new_id)
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError) and "disk I/O" not in str(exc):
                raise  # full or locked: the file itself may be good
            aside = self._path.with_name(f"{SPOOL_FILE}.{now:%Y%m%dT%H%M%S}.bad")
            log.error("telemetry %s: %s; set aside as %s, a new one is begun", self._path, exc, aside.name)
            self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(SPOOL_FILE + suffix).unlink(missing_ok=True)
            self.lost = str(exc)
            self._open(new_id)

    def _open(self, new_id: str) -> None:
        self._path.touch(mode=0o600)
        self._writing = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=2000"):
                self._writing.execute(f"PRAGMA {pragma}")
            if self._writing.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("the check of the file fails")
            self._writing.executescript(_SCHEMA)
            if self._writing.execute("SELECT count(*) FROM spool").fetchone()[0] == 0:
                self._writing.execute("INSERT INTO spool VALUES (?)", (new_id,))
            self.id: str = self._writing.execute("SELECT id FROM spool").fetchone()[0]
        except BaseException:
            self._writing.close()
            raise
        self._reading = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._reading.execute("PRAGMA query_only=ON")

    def add(self, samples: Sequence[tuple[Sample, PointFacts]]) -> None:
        """Append them, in one transaction. Raises sqlite3.Error: then none is kept."""
        with self._lock, self._transaction():
            for sample, facts in samples:
                said = json.dumps(asdict(facts), sort_keys=True)
                self._writing.execute("INSERT OR IGNORE INTO facts (said) VALUES (?)", (said,))
                row = (sample.point, sample.at, sample.value, str(sample.quality), sample.said_at, sample.note, said)
                self._writing.execute(
                    "INSERT INTO samples (point, at, value, quality, said_at, note, facts)"
                    " VALUES (?, ?, ?, ?, ?, ?, (SELECT number FROM facts WHERE said = ?))",
                    row,
                )
                self._writing.execute(
                    "INSERT INTO points VALUES (?, ?, '') ON CONFLICT (point) DO UPDATE SET last_at = excluded.last_at",
                    (sample.point, sample.at),
                )

    def keep_crossing(self, point: str, limit: str) -> None:
        """Remember an open crossing over a restart; "" ends it."""
        with self._lock, self._transaction():
            self._writing.execute(
                "INSERT INTO points VALUES (?, '', ?) ON CONFLICT (point) DO UPDATE SET crossing = excluded.crossing",
                (point, limit),
            )

    def points(self) -> dict[str, tuple[str, str]]:
        """Of each point ever kept here: the time of its last sample ("" for none), and its open crossing."""
        return {
            row[0]: (row[1], row[2]) for row in self._reading.execute("SELECT point, last_at, crossing FROM points")
        }

    def batch_after(self, settled: int, most: int) -> Batch | None:
        """The oldest samples behind this number, as many as one batch may carry; None when there is none."""
        rows = self._reading.execute(
            "SELECT s.n, s.point, s.at, s.value, s.quality, s.said_at, s.note, f.said FROM samples s"
            " JOIN facts f ON f.number = s.facts WHERE s.n > ? ORDER BY s.n LIMIT ?",
            (settled, most),
        ).fetchall()
        samples: list[Sample] = []
        points: dict[str, PointFacts] = {}
        for row in rows:
            if samples and row[0] != rows[0][0] + len(samples):
                break  # numbers of one batch have no hole: what lies between was given up
            facts = PointFacts(**json.loads(row[7]))
            if points.setdefault(row[1], facts) != facts or len(points) > BATCH_POINTS_MAX:
                if points[row[1]] == facts:
                    del points[row[1]]
                break  # a new meaning, or a point too many: the next batch's
            samples.append(Sample(*row[1:7]))
        return Batch(self.id, rows[0][0], tuple(samples), points) if samples else None

    def newest(self) -> int:
        """Number of the newest sample, 0 for none ever."""
        found = self._reading.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
        return 0 if found is None else int(found[0])

    def waiting(self) -> int:
        """Samples held."""
        return int(self._reading.execute("SELECT count(*) FROM samples").fetchone()[0])

    def drop(self, upto: int) -> None:
        """Forget the samples up to this number: settled, or given up and accounted for."""
        with self._lock, self._transaction():
            self._writing.execute("DELETE FROM samples WHERE n <= ?", (upto,))

    def too_many(self) -> Oldest | None:
        """At the bound: the oldest, to be given up once that is on record; None below it."""
        held = self.waiting()
        if held < self._held_max:
            return None
        count = max(1, held // GIVE_UP_SHARE)
        rows = self._reading.execute(
            "SELECT point, min(at), max(at), count(*), min(n), max(n) FROM"
            " (SELECT * FROM samples ORDER BY n LIMIT ?) GROUP BY point ORDER BY point",
            (count,),
        ).fetchall()
        gaps = tuple(PointGap(row[0], row[1], row[2], row[3]) for row in rows)
        return Oldest(min(row[4] for row in rows), max(row[5] for row in rows), gaps)

    def close(self) -> None:
        """Never raises."""
        with self._lock:
            self._reading.close()
            self._writing.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._writing)


class _Transaction:
    """BEGIN to COMMIT, or ROLLBACK and the error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
