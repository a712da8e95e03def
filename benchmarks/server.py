"""The PostgreSQL server of a benchmark, and the environment of asyncpg, which the limits P and Q are measured with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from benchmarks.children import ensure_environment
from hazgate_simulators.demo.postgres import USER, Cluster

if TYPE_CHECKING:
    from benchmarks.bench import Bench

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements" / "bench.txt"
LIMIT_DATABASE = "postgres"  # where the limits make their tables


@contextmanager
def running_server() -> Iterator[Cluster]:
    """A server with Debian's settings, but for room in its log: a checkpoint in the middle would hit one side alone."""
    # On the disk the temporary files are on: the server's account has to reach it, so not below the scratch folder.
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="hazgate-bench-pg-")), settings={"max_wal_size": "4GB"})
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def new_database(cluster: Cluster, name: str) -> Iterator[str]:
    """The address of an empty database, which is gone afterwards: nobody may be connected to it by then."""
    _on(cluster, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield cluster.url(name)
    finally:
        _on(cluster, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def ensure_asyncpg(bench: Bench) -> Path:
    """The interpreter of an environment with asyncpg."""
    return ensure_environment(bench.peer_folder.with_name("limit"), REQUIREMENTS, "asyncpg", bench.say)


def _on(cluster: Cluster, statement: sql.Composed) -> None:
    with psycopg.connect(host=str(cluster.folder), user=USER, dbname=LIMIT_DATABASE, autocommit=True) as own:
        own.execute(statement)
