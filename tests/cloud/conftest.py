"""A store, a collector and a registered box for the tests of the cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.fakebox import UNIT, Clock, FakeBox
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_protocols.journal.seal import Signer
from servers.stores import empty_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collector_key() -> Signer:
    return Signer.from_secret(b"c" * 32)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store, once on each engine."""
    if request.param == "sqlite":
        opened = Database.open(f"sqlite:///{tmp_path / 'store' / 'collector.db'}")
        upgrade(opened)
        yield opened
        opened.close()
    else:
        with empty_store() as opened:
            yield opened


@pytest.fixture
def register(database: Database) -> Callable[[FakeBox], FakeBox]:
    """Registers a box with the store."""

    def add(box: FakeBox) -> FakeBox:
        known = RegisteredBox(box.name, box.signer.public(), UNIT, "东门称重点")
        database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
        return box

    return add


@pytest.fixture
def box(register: Callable[[FakeBox], FakeBox]) -> FakeBox:
    """A registered box with its first record written."""
    return register(FakeBox().begin())


@pytest.fixture
def collector(database: Database, collector_key: Signer, clock: Clock) -> Collector:
    return Collector(database, collector_key, clock)
