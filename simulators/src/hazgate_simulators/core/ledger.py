"""What the simulated core holds: SQLite in a folder, every answer only after the disk has it."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS filed (
  number INTEGER PRIMARY KEY, rid TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL, reference TEXT NOT NULL,
  code TEXT NOT NULL, text TEXT NOT NULL, submission TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS heard (
  rid TEXT PRIMARY KEY, posts INTEGER NOT NULL, gets INTEGER NOT NULL, conflicts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoint (
  number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, prev TEXT NOT NULL, posts INTEGER NOT NULL,
  content TEXT NOT NULL);
"""


class Ledger:
    """Survives kill -9. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "core.db", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    def hear(self, rid: str, verb: str) -> None:
        """Counts a request about a rid; verb is posts or gets."""
        column = {"posts": "posts", "gets": "gets"}[verb]
        with self._lock:
            self._db.execute("INSERT INTO heard VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING", (rid,))
            self._db.execute(f"UPDATE heard SET {column} = {column} + 1 WHERE rid = ?", (rid,))  # noqa: S608 - two fixed names

    def file(self, rid: str, submission: dict[str, Any], outcome: str, code: str, text: str) -> dict[str, str]:
        """Files a submission, or says that it is held: the answer to give. The first word about a rid stays."""
        written = json.dumps(submission, ensure_ascii=False, sort_keys=True)
        with self._lock:
            held = self._db.execute(
                "SELECT outcome, reference, code, text, submission FROM filed WHERE rid = ?", (rid,)
            ).fetchone()
            if held is not None:
                if held[4] != written:
                    self._db.execute("UPDATE heard SET conflicts = conflicts + 1 WHERE rid = ?", (rid,))
                again = "duplicate" if held[0] == "accepted" else held[0]
                return _answer(again, held[1], held[2], held[3])
            number = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM filed").fetchone()[0]
            reference = f"CORE-{number:08d}" if outcome == "accepted" else ""
            self._db.execute(
                "INSERT INTO filed VALUES (?, ?, ?, ?, ?, ?, ?)",
                (number, rid, outcome, reference, code, text, written),
            )
            return _answer(outcome, reference, code, text)

    def find(self, rid: str) -> dict[str, str] | None:
        """What became of a rid; None: never filed."""
        with self._lock:
            row = self._db.execute("SELECT outcome, reference, code, text FROM filed WHERE rid = ?", (rid,)).fetchone()
        return None if row is None else _answer(*row)

    def listing(self) -> list[dict[str, Any]]:
        """Everything filed, in the order it came, with how often each rid was asked about."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, f.rid, outcome, reference, code, text, submission, posts, gets, conflicts"
                " FROM filed f LEFT JOIN heard h ON h.rid = f.rid ORDER BY number"
            ).fetchall()
        names = ("number", "rid", "outcome", "reference", "code", "text", "submission", "posts", "gets", "conflicts")
        return [{**dict(zip(names, row, strict=True)), "submission": json.loads(row[6])} for row in rows]

    def heard(self) -> dict[str, dict[str, int]]:
        """Posts and gets of every rid, filed or not."""
        with self._lock:
            rows = self._db.execute("SELECT rid, posts, gets FROM heard").fetchall()
        return {rid: {"posts": posts, "gets": gets} for rid, posts, gets in rows}

    def file_checkpoint(self, number: int, hash_: str, content: dict[str, Any]) -> dict[str, str]:
        """Files a checkpoint; refuses another one of a number, and one that does not follow the one before it."""
        reference = f"CP-{number:06d}"
        prev = json.loads(content["statement"])["prev"]
        with self._lock:
            held = self._db.execute("SELECT hash FROM checkpoint WHERE number = ?", (number,)).fetchone()
            if held is not None and held[0] == hash_:
                self._db.execute("UPDATE checkpoint SET posts = posts + 1 WHERE number = ?", (number,))
                return _answer("duplicate", reference, "", "")
            if held is not None:
                return _answer("refused", "", "C-002", f"another checkpoint {number} is held: {held[0]}")
            before = self._db.execute("SELECT hash FROM checkpoint WHERE number = ?", (number - 1,)).fetchone()
            if before is not None and before[0] != prev:
                return _answer("refused", "", "C-003", f"checkpoint {number - 1} held here is {before[0]}")
            self._db.execute(
                "INSERT INTO checkpoint VALUES (?, ?, ?, 1, ?)",
                (number, hash_, prev, json.dumps(content, ensure_ascii=False)),
            )
        return _answer("accepted", reference, "", "")

    def checkpoints(self) -> list[dict[str, Any]]:
        """Every checkpoint filed, by number."""
        with self._lock:
            rows = self._db.execute("SELECT number, hash, posts, content FROM checkpoint ORDER BY number").fetchall()
        return [{"number": row[0], "hash": row[1], "posts": row[2], **json.loads(row[3])} for row in rows]

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._db.close()


def _answer(outcome: str, reference: str, code: str, text: str) -> dict[str, str]:
    return {"outcome": outcome, "reference": reference, "code": code, "text": text}
