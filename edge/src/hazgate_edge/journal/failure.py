"""What an error from the disk or from SQLite means for the box.

full     no room: nothing of the transaction is there, nothing is damaged, room may come back
broken   the disk failed, or the file is damaged: what lies on the disk and what SQLite believes may differ. A failed
         sync must never be tried again as if nothing had been; only a fresh start, which reads everything again, may
         go on. A write that met this is not known to be absent: the list of weighings decides after the start.
other    anything else (a locked file, a rule of the schema)
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

PRIMARY_CODE = 0xFF  # an extended result code keeps its primary code in the lowest byte (sqlite.org/rescode.html)
_BROKEN = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}


class Failure(StrEnum):
    """Which of the three."""

    FULL = "full"
    BROKEN = "broken"
    OTHER = "other"


def failure_of(exc: BaseException) -> Failure:
    """How to take an error."""
    primary = getattr(exc, "sqlite_errorcode", None)
    if primary is None:
        return Failure.OTHER
    if primary & PRIMARY_CODE == sqlite3.SQLITE_FULL:
        return Failure.FULL
    return Failure.BROKEN if primary & PRIMARY_CODE in _BROKEN else Failure.OTHER
