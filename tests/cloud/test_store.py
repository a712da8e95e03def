"""The store's engine settings, schema steps and private files."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hazgate_cloud.store import schema
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.migrate import upgrade

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@on_sqlite
def test_every_connection_is_wal_full_and_checks_references(database: Database) -> None:
    """Read back from several connections of the pool, readers and writers: NORMAL loses acknowledged rows."""
    for opened in (database.read, database.write):
        for _ in range(3):
            with opened() as outer, opened() if opened == database.read else database.read() as tx:
                for connection in (outer, tx):
                    assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
                    assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
                    assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_the_steps_from_empty_give_exactly_the_schema_of_the_program(database: Database) -> None:
    """No table, column, index or constraint differs; a second upgrade changes nothing."""
    upgrade(database)
    with database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), schema.metadata) == []


def test_a_step_cut_half_way_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps are one transaction: after a failure inside there is no table at all, and the next try succeeds."""
    opened = Database.open(f"sqlite:///{tmp_path / 'c.db'}")
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", lambda *_a, **_k: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            upgrade(opened)
    with opened.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one() == 0
    upgrade(opened)
    assert opened.trouble() == ""
    opened.close()


def test_a_store_of_a_newer_program_is_left_alone(database: Database) -> None:
    """An unknown step is an error before anything is written."""
    database.written(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(CommandError, match="9999"):
        upgrade(database)


@on_sqlite
def test_the_files_are_private(database: Database) -> None:
    """Folder 0700, database and its companions 0600."""
    path = Path(str(database.engine.url.database))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_memory_is_no_place_for_records() -> None:
    """A store that forgets is refused."""
    with pytest.raises(ValueError, match="need a file"):
        Database.open("sqlite://")


@pytest.mark.fault(80)
def test_a_store_that_cannot_write_says_so_and_stores_nothing(database: Database) -> None:
    """After its tries it raises; nothing of the act stays."""
    acts = []

    def act(tx: object) -> None:
        acts.append(tx)
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with pytest.raises(StoreUnavailableError, match="disk is full; nothing was stored"):
        database.written(act)
    assert len(acts) == 5


@pytest.mark.fault(79)
def test_a_conflict_is_tried_again(database: Database) -> None:
    """Another writer in the way for a moment costs a repetition, not the transaction."""
    tries = []

    def act(_tx: object) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        return "done"

    assert database.written(act) == "done"


def test_writers_wait_for_each_other(database: Database) -> None:
    """Two opened stores on one file, as two processes have it: no count is lost."""
    other = Database.open(str(database.engine.url))
    database.written(lambda tx: tx.execute(text("CREATE TABLE counter AS SELECT 0 AS n")))

    def count(store: Database) -> None:
        for _ in range(20):
            store.written(lambda tx: tx.execute(text("UPDATE counter SET n = (SELECT n FROM counter) + 1")))

    threads = [threading.Thread(target=count, args=(store,)) for store in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with other.read() as tx:
        assert tx.execute(text("SELECT n FROM counter")).scalar_one() == 40
    other.close()
