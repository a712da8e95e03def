"""PostgreSQL for tests: the demo's cluster, with connections and databases of the test's own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import psycopg
from psycopg import sql

from hazgate_simulators.demo import postgres
from hazgate_simulators.demo.postgres import USER, new_folder


class Cluster(postgres.Cluster):
    """A server over a folder."""

    def connect(self, database: str, user: str = USER) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that commits each statement, for the test's own use."""
        return psycopg.connect(host=str(self.folder), dbname=database, user=user, autocommit=True)

    def create(self, template: str = "template1", name: str = "") -> str:
        """The name of a new database, a copy of the template (to which nobody may be connected)."""
        name = name or f"store_{secrets.token_hex(6)}"
        with self.connect("postgres") as own:
            # file_copy would make a checkpoint each time; copying by the log is quicker for small databases.
            statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log"
            own.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Removes a database, cutting whoever is connected to it."""
        with self.connect("postgres") as own:
            own.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def running_cluster(**settings: str) -> Iterator[Cluster]:
    """A started cluster in a folder of its own, gone afterwards."""
    folder = new_folder()
    cluster = Cluster(folder, settings=settings)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
