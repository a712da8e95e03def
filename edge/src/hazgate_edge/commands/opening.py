"""Opening a journal to look at it: read only, beside a running agent."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hazgate_edge.app import JOURNAL_FILE
from hazgate_edge.config import Config, load


class NoJournalError(Exception):
    """There is nothing to look at yet."""


@dataclass(frozen=True)
class OpenJournal:
    """The configuration and a read-only connection."""

    config: Config
    path: Path
    database: sqlite3.Connection

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        return self.database.execute(sql, values).fetchall()


def open_journal(config_path: Path) -> OpenJournal:
    """Raises ConfigError, NoJournalError."""
    return opened(load(config_path))


def opened(config: Config) -> OpenJournal:
    """Raises NoJournalError."""
    path = config.data_folder / JOURNAL_FILE
    if not path.exists():
        raise NoJournalError(f"open {path}: no journal yet; it is made when the box first runs")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only=ON")
    return OpenJournal(config, path, connection)
