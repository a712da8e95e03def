"""Stores on PostgreSQL for tests: one server a test process, a database of its own a test, copied from a template."""

from __future__ import annotations

import atexit
import contextlib
import functools
from collections.abc import Iterator

from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_simulators.demo.postgres import new_folder
from servers.postgres import Cluster


@functools.cache
def cluster() -> Cluster:
    """The server of this test process; it ends with it."""
    made = Cluster(new_folder())
    atexit.register(made.remove)
    made.start()
    return made


@functools.cache
def template() -> str:
    """A database with the program's schema."""
    name = cluster().create()
    opened = Database.open(cluster().url(name))
    upgrade(opened)
    opened.close()
    return name


@contextlib.contextmanager
def empty_store() -> Iterator[Database]:
    """A store with the program's schema and nothing in it."""
    name = cluster().create(template())
    opened = Database.open(cluster().url(name))
    yield opened
    opened.close()
    cluster().drop(name)
