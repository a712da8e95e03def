"""Reading from a journal that was set aside what the collector never got.

From the newest record with a receipt on, every record that still verifies is taken, as far as the chain holds; the
collector gets them as the branch they are. Behind a record that cannot be read no other can be joined to the chain:
those stay in the file, and how many there are is said.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hazgate_edge.journal.recovered import Link
from hazgate_edge.journal.start import SET_ASIDE
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import Record, RecordError
from hazgate_protocols.journal.suite import Suite

log = logging.getLogger(__name__)

MISSING_MAX = 200  # rows in a row that cannot be read, where the file does not tell its last number
RECORDS_MAX = 100_000  # of one file; a month of weighing has some ten thousand


@dataclass(frozen=True, slots=True)
class Tail:
    """What of a file was not sent. stranded: records that verify by themselves, behind one that cannot be read."""

    links: list[Link]
    stranded: int


def take_all(journal: Journal, path: Path) -> None:
    """Every file set aside beside `path` that was not read yet. For the program's start, before the event loop."""
    for found in sorted(path.parent.glob(f"{path.stem}-{SET_ASIDE}-*{path.suffix}")):
        if journal.salvaged(found.name):
            continue
        tail = unsent_tail(found, journal.box, journal.suite)
        links = tail.links

        def keep(name: str = found.name, links: list[Link] = links) -> None:
            if links:
                first, last = links[0], links[-1]
                whole = journal.holds(first.prev, first.record.seq - 1)
                needs = None if whole else first.prev
                journal.do_want(last.hash, last.record.seq, "aside", needs=needs)
                journal.do_keep(last.hash, links, needs=needs, unsent=True)
            journal.do_salvaged(name)

        journal.write_now(keep)
        log.warning("%s: %d records found that were not sent; they go out now", found.name, len(links))
        if tail.stranded:
            log.error(
                "%s: %d more records can be read, but one before them cannot: they stay in that file; keep it",
                found.name,
                tail.stranded,
            )


def unsent_tail(path: Path, box: str, suite: Suite) -> Tail:
    """What can be read. Never raises for damage: what cannot be read is not there."""
    links: list[Link] = []
    stranded = 0
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        at, seq = _received(database)
        newest = _number(database, "SELECT max(seq) FROM record")
        missing = 0
        whole = True
        while len(links) < RECORDS_MAX and (seq < newest if newest else missing < MISSING_MAX):
            seq += 1
            found = _record(database, seq, box, suite)
            if found is None:
                missing, whole = missing + 1, False
            elif whole and found.prev == at:
                links.append(found)
                at, missing = found.hash, 0
            else:
                whole, missing, stranded = False, 0, stranded + 1
    finally:
        database.close()
    return Tail(links, stranded)


def _received(database: sqlite3.Connection) -> tuple[bytes, int]:
    """The newest record with a receipt, as (hash, seq); (ROOT, 0) where that cannot be told."""
    seq = _number(database, "SELECT received_seq FROM sync")
    try:
        row = database.execute("SELECT hash FROM record WHERE seq = ?", (seq,)).fetchone()
    except sqlite3.Error:
        row = None
    return (bytes(row[0]), seq) if row and isinstance(row[0], bytes) else (ROOT, 0)


def _number(database: sqlite3.Connection, sql: str) -> int:
    try:
        row = database.execute(sql).fetchone()
    except sqlite3.Error:
        return 0
    return row[0] if row and type(row[0]) is int else 0


def _record(database: sqlite3.Connection, seq: int, box: str, suite: Suite) -> Link | None:
    """A record that is what its hash says, None otherwise."""
    try:
        row = database.execute("SELECT hash, prev, body FROM record WHERE seq = ?", (seq,)).fetchone()
        if row is None or link(row[1], row[2], suite) != row[0]:
            return None
        record = Record.decode(row[2])
    except (sqlite3.Error, RecordError, TypeError, ValueError):
        return None
    return Link(row[0], row[1], row[2], record) if (record.box, record.seq) == (box, seq) else None
