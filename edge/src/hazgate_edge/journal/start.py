"""Before a journal is used: is its newest part what was written? If not, it is set aside, never deleted.

SQLite's own check overlooks most flipped bits (250 of 300 in our measurement); the chain overlooks none. Only the
newest records are walked here, for a quick start; `hazgate-edge verify` walks them all.

A journal that was set aside goes on counting: the label numbers found in its bytes are not given again.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hazgate_edge.journal.database import SCHEMA, JournalError, connect
from hazgate_edge.journal.failure import PRIMARY_CODE
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import GENESIS, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, Suite, suite_named, suite_of_key

log = logging.getLogger(__name__)

TAIL_RECORDS = 1000
SET_ASIDE = "set-aside"
_PARTS = ("-shm", "-wal", "")  # the database last: what has no database yet is a setting aside that was cut off
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
QUICK_CHECK_BYTES_MAX = 64 << 20  # a larger file is left to the nightly check: this one reads it whole
_SCAN_BYTES = 1 << 20
_DIGITS_OF_LABEL = 19  # behind the unit's 18 characters: waste 8, date 8, sequence 3


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a journal. usable: it can go on being used, since the collector holds the damaged record."""

    text: str
    usable: bool = False


def require_suite_of(path: Path, suite: Suite) -> None:
    """Raises JournalError when the chain in this journal was begun in another suite than the configuration's.

    Says nothing about a journal that does not exist or whose first record cannot be read: that is for `fault_in`.
    """
    begun = _begun_in(path)
    if begun is not None and begun is not suite:
        raise JournalError(
            f"journal {path}: its chain was begun with suite {begun.name}, the configuration says {suite.name}; a chain"
            f" never changes its suite: write suite: {begun.name} again, or give the box a new name and an empty data"
            " folder (日志的密码套件不能更改)"
        )


def _begun_in(path: Path) -> Suite | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        database = connect(path)
        try:
            row = database.execute("SELECT body FROM record WHERE seq = 1").fetchone()
        finally:
            database.close()
        first = Record.decode(row[0]) if row is not None else None
    except (sqlite3.Error, ValueError, TypeError, AttributeError):  # SQLite quotes a damaged schema, whatever its bytes
        return None
    return suite_named(first.body.get("suite")) if first is not None and first.kind == GENESIS else None


def fault_in(path: Path, *, box: str, public_key: bytes, tail: int = TAIL_RECORDS) -> Fault | None:
    """What is wrong with the newest records, None when nothing is, or when there is no journal yet.

    A newer schema is no fault here (opening says so). Raises sqlite3.Error when the disk cannot be read: that says
    nothing about the journal.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    database = None
    try:
        database = connect(path)
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 or version > SCHEMA:
            return None
        if path.stat().st_size <= QUICK_CHECK_BYTES_MAX:
            said = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                return Fault(f"SQLite finds its pages damaged: {said}")
        return _walk(database, box, public_key, tail)
    except sqlite3.Error as exc:
        if getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE in _DAMAGE:
            return Fault(f"SQLite cannot read it: {exc}")
        raise
    except (TypeError, ValueError, KeyError, OverflowError) as exc:
        return Fault(f"a column holds what was never written there: {exc}")
    finally:
        if database is not None:
            database.close()


def _walk(database: sqlite3.Connection, box: str, public_key: bytes, tail: int) -> Fault | None:
    newest, held = (
        database.execute(sql).fetchone()[0] for sql in ("SELECT max(seq) FROM record", "SELECT received_seq FROM sync")
    )
    if newest is None:
        return None
    first = max(1, newest - tail + 1)
    prev: bytes = ROOT
    if first > 1:
        row = database.execute("SELECT hash FROM record WHERE seq = ?", (first - 1,)).fetchone()
        if row is None:
            return Fault(f"record {first - 1} is missing", usable=first - 1 <= held)
        prev = row[0]
    suite = suite_of_key(public_key) or DEFAULT
    expected, bags = first, dict(database.execute("SELECT seq, label FROM bag WHERE seq >= ?", (first,)))
    for seq, digest, parent, body, seal in database.execute(
        "SELECT seq, hash, prev, body, seal FROM record WHERE seq >= ? ORDER BY seq", (first,)
    ):
        if seq != expected:
            return Fault(f"record {expected} is missing", usable=seq <= held)
        if parent != prev:
            return Fault(f"record {seq} does not name the record before it as its parent", usable=seq <= held)
        if link(prev, body, suite) != digest:
            return Fault(f"record {seq} has other bytes than were hashed", usable=seq <= held)
        wrong = wrong_content(seq, body, digest, seal, box, public_key, bags.pop(seq, None))
        if wrong:
            return Fault(f"record {seq} {wrong}", usable=seq <= held)
        prev, expected = digest, seq + 1
    if bags:
        return Fault(f"the list of weighings names {min(bags)}, which is no record")
    return None


def wrong_content(
    seq: int, body: bytes, digest: bytes, seal: bytes | None, box: str, public_key: bytes, label: str | None
) -> str:
    """What a record with the right hash says that it must not say, "" for nothing. label: as the list has it."""
    try:
        record = Record.decode(body)
    except RecordError as exc:
        return f"is no record: {exc}"
    if (record.seq, record.box) != (seq, box):
        return f"says it is {record.seq} of {record.box}"
    if record.kind == GENESIS and record.body.get("public_key") != public_key.hex():
        return "names another key than this box has"
    if label is not None and record.body.get("label") != label:
        return f"says label {record.body.get('label')}, the list of weighings {label}"
    if seal is not None and not chain_seal_holds(public_key, box, digest, seal):
        return "carries a seal that this box's key did not make"
    return ""


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a journal with all its parts, durably; returns its new name. A kill in between is made good by the next
    `finish_setting_aside`."""
    target = path.with_name(f"{path.stem}-{SET_ASIDE}-{now:%Y%m%dT%H%M%S%fZ}{path.suffix}")
    _move(path, target)
    return target


def finish_setting_aside(path: Path) -> None:
    """After a start: a log without its database was cut off on its way; its database follows it."""
    for found in path.parent.glob(f"{path.stem}-{SET_ASIDE}-*{path.suffix}-*"):
        target = Path(str(found).removesuffix("-wal").removesuffix("-shm"))
        if not target.exists():
            _move(path, target)


def _move(path: Path, target: Path) -> None:
    for part in _PARTS:
        source = Path(f"{path}{part}")
        if source.exists():
            source.rename(f"{target}{part}")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def numbers_aside(path: Path, unit_code: str) -> dict[str, int]:
    """Label stem -> the highest sequence found in journals set aside beside `path`.

    Their bytes are searched, not their tables: a damaged file still gives its numbers (each stands in three places).
    """
    numbers: dict[str, int] = {}
    pattern = re.compile(re.escape(unit_code.encode()) + rb"(?=(\d{%d}))" % _DIGITS_OF_LABEL)
    overlap = len(unit_code) + _DIGITS_OF_LABEL - 1
    for found in sorted(path.parent.glob(f"{path.stem}-{SET_ASIDE}-*")):
        kept = b""
        with found.open("rb") as file:
            while block := file.read(_SCAN_BYTES):
                for digits in pattern.findall(kept + block):
                    stem, number = unit_code + digits[:-3].decode(), int(digits[-3:])
                    numbers[stem] = max(number, numbers.get(stem, 0))
                kept = (kept + block)[-overlap:]
    return numbers
