"""Opening a journal to look at it: read only, beside a running agent."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hazgate_edge.app import JOURNAL_FILE
from hazgate_edge.config import Config, load

# A weighing's line follows its record with the next other write (journal/unwritten.py); here the list is always whole.
_WHOLE_LIST = """
CREATE TEMP VIEW bag AS
SELECT seq, rid, label, request, waste_code, waste_name, weight, weighed_at, produced_on, core, core_at, core_text
FROM main.bag
UNION ALL
SELECT seq, rid, said ->> '$.body.label', request, said ->> '$.body.waste.code', said ->> '$.body.waste.name',
       (said ->> '$.body.weight.text') || ' ' || (said ->> '$.body.weight.unit'), said ->> '$.t.wall',
       said ->> '$.body.produced_on', '', '', ''
FROM (SELECT seq, rid, request, CAST(body AS TEXT) AS said FROM main.record
      WHERE kind = 'weighing' AND seq > (SELECT ifnull(max(seq), 0) FROM main.bag))
"""


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
    if any(column[1] == "request" for column in connection.execute("PRAGMA table_info(record)")):
        connection.execute(_WHOLE_LIST)
    connection.execute("PRAGMA query_only=ON")
    return OpenJournal(config, path, connection)
