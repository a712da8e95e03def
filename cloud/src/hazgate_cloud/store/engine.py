"""Opening the database and its two kinds of transaction: any number of readers, one writer.

Settings that differ between engines stand here and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionError

from hazgate_cloud.store import postgresql

BUSY_MS = 5_000
TRIES = 5  # lock not had in time, deadlock, serialisation failure, server gone; another worker was first
_PAUSE_S = 0.02
_WRITES = "hazgate_writes"
# READ COMMITTED would show each statement a state of its own.
_ONE_STATE: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
T = TypeVar("T")


# PostgreSQL's word for a table that is not there and for one that may not be touched: the store's state, not ours.
_NOT_TO_BE_USED = ("42P01", "42501")


class StoreUnavailableError(Exception):
    """The database did not take the transaction; trying again later may help. Nothing of it counts as stored: a server
    that was lost while it committed may have kept it, and the repetition finds that out."""


class Database:
    """The open store. Its methods block; call them off the event loop."""

    def __init__(self, engine: Engine, *, rng: random.Random | None = None) -> None:
        self.engine = engine
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._writer = threading.Lock()
        self._refused = ""  # why the last transaction was not taken; "" when it was
        self.is_sqlite = engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url: str, password: str | None = None) -> Database:
        """Opens the database (SQLite: creates it, file 0600 in a folder 0700); its schema is migrate.upgrade()'s. A
        PostgreSQL server is asked on first use."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            return cls(postgresql.engine_for(parsed, password))
        if parsed.get_backend_name() != "sqlite":
            raise ValueError(f"database {parsed.render_as_string()}: allowed are sqlite and postgresql+psycopg")
        if parsed.database in (None, "", ":memory:"):
            raise ValueError(f"database {url}: records need a file to live in")
        _private_file(Path(str(parsed.database)))
        engine = create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine)

    @property
    def name(self) -> str:
        """Its address as people may see it: without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store and changes nothing."""
        with self.engine.connect() as plain:
            connection = plain if self.is_sqlite else plain.execution_options(**_ONE_STATE)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def write(self, *, patient: bool = False) -> Iterator[Connection]:
        """One transaction, the only one that writes at that time; when the block ends without an exception its changes
        survive a power cut. patient: it may take and wait as long as it must."""
        with self._writer, self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                if not self.is_sqlite:
                    if patient:
                        postgresql.let_take_long(connection)
                    postgresql.take_writer_lock(connection)
                yield connection

    def written(self, act: Callable[[Connection], T]) -> T:
        """act's result, committed. Repeats act a few times on conflicts. Raises StoreUnavailableError when the database
        cannot write, and the database's own error when it is the content that it refuses."""
        for attempt in range(1, TRIES + 1):
            try:
                with self.write() as connection:
                    result = act(connection)
                self._refused = ""
                return result
            except SQLAlchemyError as exc:
                unavailable = _is_of_the_store(exc)
                if not (unavailable or isinstance(exc, IntegrityError)):
                    raise
                if attempt < TRIES:
                    time.sleep(self._rng.random() * _PAUSE_S * 2**attempt)
                elif unavailable:
                    self._refused = cause_of(exc)
                    raise StoreUnavailableError(f"write to the store: {self._refused}; nothing was stored") from exc
                else:
                    raise
        raise AssertionError("unreachable")

    def trouble(self) -> str:
        """Why the store cannot be used: it does not answer now, or did not take the last transaction; "" when all is
        well."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT count(*) FROM boxes"))
        except SQLAlchemyError as exc:
            return cause_of(exc)
        return self._refused

    def close(self) -> None:
        """Lets go of every connection."""
        self.engine.dispose()


def _is_of_the_store(exc: Exception) -> bool:
    """Whether it is the store that cannot, and not the content that it refuses."""
    if isinstance(exc, ProgrammingError):
        return getattr(exc.orig, "sqlstate", None) in _NOT_TO_BE_USED
    # InternalError: a server that became a standby, or found its files damaged.
    return isinstance(exc, OperationalError | InternalError | NoConnectionError | postgresql.UnfitServerError)


def cause_of(exc: Exception) -> str:
    """Why, in one line: the driver speaks in several."""
    return " ".join(str(exc.orig if isinstance(exc, DBAPIError) else exc).split())


def _private_file(path: Path) -> None:
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    # Created before SQLite does it: its WAL and index files take over the mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    for pragma in (
        "PRAGMA journal_mode=WAL",
        # Measured: WAL with NORMAL loses acknowledged rows at nearly every power cut, FULL at none.
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA busy_timeout={BUSY_MS}",
    ):
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read lock half way through fails without waiting.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
