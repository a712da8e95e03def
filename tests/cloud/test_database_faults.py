"""The database fails, falls back, fills up, is fed poison or has two masters: what the collector then does."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text, update
from sqlalchemy.exc import InternalError

from cloud.fakebox import Clock, FakeBox, label_of, weighing_body
from cloud.test_collector import alarm_kinds, count, faults, have, need
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.store import postgresql, schema
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.migrate import upgrade
from hazgate_protocols.journal.record import WEIGHING
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Have, decode_answer
from hazgate_simulators.demo.postgres import new_folder
from servers.postgres import running_cluster
from servers.stores import cluster
from storage.depth import SOAK

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Register = Callable[[FakeBox], FakeBox]


@pytest.fixture
def worker(database: Database, collector_key: Signer, clock: Clock) -> Iterator[Collector]:
    """A second collector on the same store, with connections of its own."""
    other = Database.open(database.engine.url.render_as_string(hide_password=False))
    yield Collector(other, collector_key, clock)
    other.close()


# -- 75, 76: crashes -----------------------------------------------------------------------------------------------


@pytest.mark.fault(75)
def test_a_receipt_that_died_with_its_collector_is_given_again(
    collector: Collector, worker: Collector, box: FakeBox, database: Database
) -> None:
    """Stored, and the answer lost: the repetition gets the same receipt, to the letter, and adds no row."""
    box.weigh(1)
    lost = collector.handle(box.name, box.push())
    assert worker.handle(box.name, box.push()) == lost
    assert count(database, schema.records) == 2


@pytest.mark.fault(76)
@on_postgresql
def test_a_collector_cut_off_before_its_commit_leaves_nothing(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """The server ends the session within the transaction, each time: no receipt and no row; then it goes on."""
    box.weigh(1)

    def cut(connection: Connection) -> None:
        session = connection.connection.driver_connection
        assert session is not None
        with cluster().connect(str(database.engine.url.database)) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (session.info.backend_pid,))

    event.listen(database.engine, "commit", cut)
    with pytest.raises(StoreUnavailableError, match="nothing was stored"):
        collector.handle(box.name, box.push())
    event.remove(database.engine, "commit", cut)
    assert count(database, schema.records) == 0
    assert have(collector, box, box.push()).hash == box.head


# -- 77, 78: the server --------------------------------------------------------------------------------------------


@pytest.mark.fault(77)
def test_a_server_that_restarts_costs_nothing_but_the_wait(collector_key: Signer, clock: Clock) -> None:
    """Connections of before the restart are replaced unseen, after an orderly one and after kill -9."""
    with running_cluster() as server:
        database = Database.open(server.url("postgres"))
        upgrade(database)
        collector, box = _begun(database, collector_key, clock)
        for number, end in enumerate((server.stop, server.kill), 1):
            end()
            assert database.trouble()
            box.weigh(number)
            with pytest.raises(StoreUnavailableError):
                collector.handle(box.name, box.push())
            server.start()
            assert have(collector, box, box.push()).hash == box.head
            assert database.trouble() == ""
        assert faults(database) == []
        database.close()


@pytest.mark.fault(78)
def test_a_copy_that_misses_the_last_commits_is_filled_again_by_its_boxes(collector_key: Signer, clock: Clock) -> None:
    """Receipts were given for what the copy never had: the box is asked for it and sends it, and nothing is doubled."""
    with running_cluster() as server:
        database = Database.open(server.url("postgres"))
        upgrade(database)
        collector, box = _begun(database, collector_key, clock)
        box.weigh_and_print(1)
        assert have(collector, box, box.push()).seq == 3
        standby = server.back_up(new_folder())
        try:
            for number in range(2, 6):
                box.weigh_and_print(number)
                assert have(collector, box, box.push(2 * number - 1)).hash == box.head
            server.kill()
            standby.start()
            database.close()
            database = Database.open(standby.url("postgres"))
            collector = Collector(database, collector_key, clock)
            box.weigh(6)
            ladder = need(collector, box, box.push(len(box.bodies) - 1)).ladder
            assert ladder[0] == box.hashes[2]
            assert have(collector, box, box.push(3)).hash == box.head
            assert faults(database) == []
            assert alarm_kinds(database) == []
            with database.read() as tx:
                labels = set(tx.execute(select(schema.bags.c.label)).scalars())
            assert labels == {label_of(number) for number in range(1, 7)}
        finally:
            database.close()
            standby.remove()


# -- 79: conflicts -------------------------------------------------------------------------------------------------


@pytest.mark.fault(79)
@on_postgresql
def test_a_deadlock_is_tried_again(database: Database, register: Register) -> None:
    """Another session holds what we want and wants what we hold; the server ends our transaction, and its repetition
    succeeds."""
    register(FakeBox("gate-01")), register(FakeBox("gate-02"))
    name = str(database.engine.url.database)
    with cluster().connect(name) as other:
        # Whose wait is looked at first is the victim: ours.
        other.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")
        other.execute("SET deadlock_timeout = '30s'")
        other.autocommit = False
        other.execute("UPDATE boxes SET name = 'other' WHERE box = 'gate-02'")
        holding = threading.Event()
        tries: list[int] = []

        def meet() -> None:
            holding.wait(10)
            other.execute("UPDATE boxes SET name = 'other' WHERE box = 'gate-01'")
            other.commit()

        against = threading.Thread(target=meet)
        against.start()

        def act(tx: Connection) -> None:
            tries.append(1)
            tx.execute(update(schema.boxes).where(schema.boxes.c.box == "gate-01").values(name="ours"))
            holding.set()
            tx.execute(update(schema.boxes).where(schema.boxes.c.box == "gate-02").values(name="ours"))

        fresh = Database.open(database.engine.url.render_as_string(hide_password=False))
        fresh.written(act)
        fresh.close()
        against.join(10)
    assert len(tries) == 2
    with database.read() as tx:
        assert set(tx.execute(select(schema.boxes.c.name)).scalars()) == {"ours"}


@pytest.mark.fault(79)
@on_postgresql
def test_a_serialisation_failure_is_tried_again(database: Database, register: Register) -> None:
    """A row that another session changed after our transaction began its one view: refused by the server, repeated."""
    register(FakeBox("gate-01"))
    tries: list[int] = []
    with cluster().connect(str(database.engine.url.database)) as other:

        def strict(connection: Connection) -> None:
            if not tries:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")

        def act(tx: Connection) -> None:
            tries.append(1)
            tx.execute(select(schema.boxes.c.name)).all()
            if len(tries) == 1:
                other.execute("UPDATE boxes SET name = 'other'")
            tx.execute(update(schema.boxes).values(name="ours"))

        event.listen(database.engine, "begin", strict)
        database.written(act)
        event.remove(database.engine, "begin", strict)
    assert len(tries) == 2
    with database.read() as tx:
        assert tx.execute(select(schema.boxes.c.name)).scalar_one() == "ours"


@on_postgresql
def test_a_writer_that_hangs_lets_go(database: Database, monkeypatch: pytest.MonkeyPatch, box: FakeBox) -> None:
    """A collector that stands still in a transaction is cut off by the server; the others wait no longer than that."""
    monkeypatch.setattr(postgresql, "IDLE_MS", 200)
    hung = Database.open(database.engine.url.render_as_string(hide_password=False))
    standing = hung.write()
    standing.__enter__()
    database.written(lambda tx: tx.execute(update(schema.boxes).values(name="ours")))
    with pytest.raises(InternalError, match="idle-in-transaction timeout"):
        standing.__exit__(None, None, None)
    hung.close()


# -- 80: full ------------------------------------------------------------------------------------------------------


@pytest.mark.fault(80)
def test_a_full_disk_gives_no_receipts_until_there_is_room(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """Refused whole and said by health; reading goes on; with room again the same push is taken."""
    for number in range(1, 60):
        box.weigh(number)
    with _full(database):
        with pytest.raises(StoreUnavailableError, match="full"):
            collector.handle(box.name, box.push())
        assert "full" in database.trouble()
        assert count(database, schema.records) == 0
    assert have(collector, box, box.push()).hash == box.head
    assert database.trouble() == ""
    assert faults(database) == []


class _full:  # noqa: N801 - reads as a state
    """The store cannot grow. SQLite: no page more. PostgreSQL: the error of a server whose disk is full."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        if self._database.is_sqlite:
            event.listen(self._database.engine, "begin", _no_page_more)
        else:
            self._run(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN RAISE 'could not extend file: disk full' USING ERRCODE = '53100'; END$$",
                "CREATE TRIGGER full_disk BEFORE INSERT ON records EXECUTE FUNCTION refuse()",
            )

    def __exit__(self, *_: object) -> None:
        if self._database.is_sqlite:
            event.remove(self._database.engine, "begin", _no_page_more)
            self._database.engine.dispose()  # the bound is a connection's own
        else:
            self._run("DROP TRIGGER full_disk ON records")

    def _run(self, *statements: str) -> None:
        with cluster().connect(str(self._database.engine.url.database)) as other:
            for statement in statements:
                other.execute(statement.encode())


def _no_page_more(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count = 1")  # below the present size: it stays at that


# -- 81: poison ----------------------------------------------------------------------------------------------------


def _poisons(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Pushes nobody should send: noise, damaged ones, and well-sealed ones with absurd contents."""
    yield "gate-66", b""
    yield "gate-66", b"\x28\xb5\x2f\xfd" + rng.randbytes(40)
    sound = FakeBox("gate-66").begin()
    sound.weigh_and_print(900)
    whole = sound.push()
    for _ in range(6):
        broken = bytearray(whole)
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        yield "gate-66", bytes(broken)
        yield "gate-66", whole[: rng.randrange(len(whole))]
    yield "gate-77", whole  # another box's
    yield "nobody", whole
    odd: Any
    for odd in (
        "\0" * 40,
        "\U0001f4a3" * 64,
        "'; DROP TABLE records; --",
        "x" * 8_000,
        2**53 - 1,
        None,
        [],
        {"\0": 1},
    ):
        absurd = FakeBox("gate-66").begin()
        base = weighing_body(901)
        key = rng.choice(sorted(base))
        absurd.write(WEIGHING, {**base, key: odd})
        absurd.write("print", {"rid": odd, "job": odd, "copy": odd, "state": odd, "by": odd, "detail": odd})
        absurd.write(
            "notes", {"after": odd, "upto": odd, "notes": [{"n": odd, "hash": odd, "what": odd}], "receipt": odd}
        )
        absurd.write("refusal", {"code": odd})
        yield "gate-66", absurd.push()


@pytest.mark.fault(81)
@pytest.mark.parametrize("seed", range(60 if SOAK else 3))
def test_one_poisonous_push_among_good_ones_stops_none(
    database: Database, collector: Collector, register: Register, seed: int
) -> None:
    """Every good push of the group gets its receipt, whatever stands beside it; nothing false is stored."""
    register(FakeBox("gate-66").begin()), register(FakeBox("gate-77").begin())
    good = [register(FakeBox(f"gate-0{number}", start=number).begin()) for number in (1, 2)]
    label = 0
    for name, poison in _poisons(random.Random(seed)):
        for box in good:
            label += 1
            box.weigh(label)
        first, _, last = collector.handle_many(
            [(good[0].name, good[0].push()), (name, poison), (good[1].name, good[1].push())]
        )
        for box, answer in zip(good, (first, last), strict=True):
            assert answer is not None
            said = decode_answer(answer.payload)
            assert isinstance(said, Have)
            assert said.hash == box.head
    assert faults(database) == []
    assert "push_collector_error" not in alarm_kinds(database), "a fault of ours, and not of the push"


# -- 82: two collectors --------------------------------------------------------------------------------------------


@pytest.mark.fault(82)
def test_two_collectors_at_once_on_one_store_agree(
    collector: Collector, worker: Collector, register: Register, database: Database
) -> None:
    """The same pushes, two branches of one chain and one label number from two boxes, at the same moment: equal
    receipts, every record once, each fork alarmed, each label with one effect."""
    receipts: dict[str, list[object]] = {}
    rounds = 40 if SOAK else 6
    for turn in range(rounds):
        box = register(FakeBox(f"gate-{turn:02d}", start=turn + 1).begin())
        have(collector, box, box.push())
        twin = box.copy(200 + turn)
        box.weigh(2 * turn + 1)
        twin.weigh(2 * turn + 1)  # the same label on the other branch
        jobs = [(collector, box), (worker, twin), (worker, box), (collector, twin)]
        start = threading.Barrier(len(jobs))

        def push(by: Collector, whose: FakeBox, start: threading.Barrier = start) -> None:
            start.wait(10)
            answer = by.handle(whose.name, whose.push(1))
            receipts.setdefault(f"{whose.name} {whose.head.hex()}", []).append(answer)

        threads = [threading.Thread(target=push, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(receipts) == 2 * rounds
    assert all(len(given) == 2 and given[0] is not None for given in receipts.values())
    assert count(database, schema.records) == 3 * rounds
    assert alarm_kinds(database).count("fork") == rounds
    assert count(database, schema.outbox) == count(database, schema.bags) == rounds
    assert faults(database) == []


@pytest.mark.fault(82)
def test_two_collectors_that_start_at_once_make_one_schema(database: Database) -> None:
    """Both bring an empty store to the program's schema; the second finds it done."""
    with _empty(database) as url:
        stores = [Database.open(url) for _ in range(3)]
        failed: list[Exception] = []

        def start(store: Database) -> None:
            try:
                upgrade(store)
            except Exception as exc:  # noqa: BLE001 - told below
                failed.append(exc)

        threads = [threading.Thread(target=start, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failed == []
        assert stores[0].trouble() == ""
        for store in stores:
            store.close()


class _empty:  # noqa: N801 - reads as a state
    """The address of a store without a schema, on the same engine."""

    def __init__(self, database: Database) -> None:
        self._of = database
        self._name = ""

    def __enter__(self) -> str:
        if self._of.is_sqlite:
            return f"{self._of.name}-empty"
        self._name = cluster().create()
        return cluster().url(self._name)

    def __exit__(self, *_: object) -> None:
        if self._name:
            cluster().drop(self._name)


# -- what a server must be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
@on_postgresql
def test_a_role_that_does_not_wait_for_the_disk_is_refused(database: Database, value: str) -> None:
    """Nothing is stored over such a session, health says which setting it is, and a corrected one is used at once."""
    name, setting = str(database.engine.url.database), "synchronous_commit"
    database.close()
    with cluster().connect(name) as other:
        other.execute(f"ALTER DATABASE {name} SET {setting} = {value}".encode())
        with pytest.raises(StoreUnavailableError, match=f"{setting} is '{value}', and must be on or remote_apply"):
            database.written(lambda tx: tx.execute(text("SELECT 1")))
        assert setting in database.trouble()
        other.execute(f"ALTER DATABASE {name} RESET {setting}".encode())
    assert database.written(lambda tx: tx.execute(text("SHOW synchronous_commit")).scalar_one()) == "on"
    assert database.trouble() == ""


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_sync_is_refused(setting: str) -> None:
    """Read back from a real server at the first connection."""
    with running_cluster(**{setting: "off"}) as server:
        database = Database.open(server.url("postgres"))
        with pytest.raises(postgresql.UnfitServerError, match=f"{setting} is 'off', and must be on"):
            upgrade(database)
        database.close()


@on_postgresql
def test_a_session_keeps_what_it_was_checked_for(database: Database) -> None:
    """A change of the server's files does not reach a session that is in use."""
    with cluster().connect(str(database.engine.url.database)) as other, database.engine.connect() as session:
        session.exec_driver_sql("SELECT 1")
        other.execute("ALTER SYSTEM SET synchronous_commit = off")
        other.execute("SELECT pg_reload_conf()")
        try:
            while other.execute("SHOW synchronous_commit").fetchone() != ("off",):
                pass  # the reload arrives by a signal
            assert session.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        finally:
            other.execute("ALTER SYSTEM RESET synchronous_commit")
            other.execute("SELECT pg_reload_conf()")
            while other.execute("SHOW synchronous_commit").fetchone() != ("on",):
                pass


@on_postgresql
def test_a_reader_sees_one_state_and_cannot_write(database: Database, register: Register) -> None:
    """What is committed between two questions of one reader stays unseen by the second."""
    with database.read() as tx:
        assert tx.execute(select(schema.boxes.c.box)).all() == []
        register(FakeBox("gate-01"))
        assert tx.execute(select(schema.boxes.c.box)).all() == []
    assert count(database, schema.boxes) == 1
    with pytest.raises(Exception, match="read-only transaction"), database.read() as tx:
        tx.execute(update(schema.boxes).values(name="x"))


def _begun(database: Database, key: Signer, clock: Clock) -> tuple[Collector, FakeBox]:
    from cloud.fakebox import UNIT
    from hazgate_cloud.domain.box import RegisteredBox
    from hazgate_cloud.store.boxes import add_box

    box = FakeBox().begin()
    known = RegisteredBox(box.name, box.signer.public(), UNIT, "")
    database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
    return Collector(database, key, clock), box
