"""What the store demands of a PostgreSQL server, and how a session is set up. docs/operations/postgresql.md says it to
people.

A session is refused, not repaired: who switched durability off on the server would believe in it elsewhere too.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

CONNECT_S = 3
STATEMENT_MS = 30_000
LOCK_MS = 5_000
IDLE_MS = 20_000  # of an open transaction: a collector that hangs in one lets go of the writer's lock after it
LOST_LINK_MS = 10_000  # without an answer from the other machine
POOL = 5
POOL_OVERFLOW = 45  # readers: as many as the web server has threads; the server must allow so many
POOL_S = 5.0

# One writer at a time, over all collectors: then positions are in the order of the commits, two branches of a chain
# never miss each other, and verify sees what the collector saw (docs/adr/0016).
WRITER_LOCK = 0x68617A67617465  # "hazgate"

_MUST = {
    # "local" and "remote_write" lose the last receipts when a standby takes over.
    "synchronous_commit": ("on", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "server_encoding": ("UTF8",),
}


class UnfitServerError(SQLAlchemyError):
    """The server, or this role or database on it, does not keep what it commits: which setting, and what it must be."""


def engine_for(url: URL, password: str | None) -> Engine:
    """The engine; connects on first use. password goes to the driver alone, never into an address or a log."""
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=POOL,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_S,
        pool_pre_ping=True,  # a connection that a restart of the server cut is replaced before it is used
        hide_parameters=True,  # records carry people's names: not into errors, and not into logs
        connect_args={
            **({} if password is None else {"password": password}),
            "connect_timeout": CONNECT_S,
            "application_name": "hazgate-cloud",
            "target_session_attrs": "read-write",  # of several hosts the one that is not a standby
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": LOST_LINK_MS,
            "client_encoding": "UTF8",
        },
    )
    event.listen(engine, "connect", _set_up)
    return engine


def take_writer_lock(connection: Connection) -> None:
    """Waits, at most LOCK_MS, until no other transaction writes; lets go at the end of this one."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def let_take_long(connection: Connection) -> None:
    """For this transaction alone: statements over a whole table, and waiting for another one that does the same."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def unfit(settings: dict[str, str]) -> str:
    """What is wrong with a server of these settings; "" when it keeps what it commits."""
    wrong = [
        f"{name} is {settings.get(name)!r}, and must be {' or '.join(allowed)}"
        for name, allowed in _MUST.items()
        if settings.get(name) not in allowed
    ]
    return "; ".join(wrong)


def _set_up(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        found = {name: str(cursor.execute(f"SHOW {name}").fetchone()[0]) for name in _MUST}
        if wrong := unfit(found):
            connection.close()
            raise UnfitServerError(f"PostgreSQL: {wrong}; change it for the server, the database and the role")
        for name, value in (
            # Set again as found: a session that does so does not follow a later change of the server's files.
            ("synchronous_commit", found["synchronous_commit"]),
            ("statement_timeout", str(STATEMENT_MS)),
            ("lock_timeout", str(LOCK_MS)),
            ("idle_in_transaction_session_timeout", str(IDLE_MS)),
            ("timezone", "UTC"),
        ):
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()
