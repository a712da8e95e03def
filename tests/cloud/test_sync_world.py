"""The real collector against a simple model of boxes, under loss, repetition, reordering, damage, copies and restores.

Whatever happens, in the end every record on any disk is held once, every label number has one effect, nothing is an
orphan, forks are alarmed, and the talk settles.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from cloud.fakebox import UNIT, Clock, FakeBox, label_of
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, Suite
from hazgate_protocols.uplink import Have, Need, decode_answer, decode_push
from servers.stores import cluster, template
from storage.depth import SOAK

KEYS = {suite.name: Signer.from_secret(b"c" * 32, suite) for suite in (DEFAULT, SM3_SM2)}
BOX_KEYS = {suite.name: Signer.from_secret(bytes(range(32)), suite) for suite in (DEFAULT, SM3_SM2)}
ROUNDS_MAX = 400
POSTGRES_EXAMPLES = 300 if SOAK else 10
picks = st.integers(0, 1 << 16)


@dataclass
class Edge:
    """A box's side of the talk, as DESIGN says it, at its simplest."""

    disk: FakeBox
    stored: int = 0  # durable: covered by a receipt
    cursor: int = 0
    waiting: str = ""
    settled: bool = False

    def crash(self) -> None:
        """Forgets what is not on the disk."""
        self.cursor, self.waiting, self.settled = self.stored, "", False

    def ask(self, word: str, size: int) -> bytes:
        """The next push."""
        self.waiting = word
        return self.disk.push(self.cursor, min(size, len(self.disk.bodies) - self.cursor), ask=word)

    def hear(self, answer: Have | Need) -> None:
        """Takes an answer; others' answers and late ones are nothing to it."""
        if answer.token != self.waiting:
            return
        self.waiting = ""
        mine = {own: index + 1 for index, own in enumerate(self.disk.hashes)} | {ROOT: 0}
        if isinstance(answer, Have):
            if answer.hash in mine:
                self.cursor = mine[answer.hash]
                self.stored = max(self.stored, self.cursor)
                self.settled = self.cursor == len(self.disk.hashes)
            return
        self.settled = False
        self.cursor = max((mine[step] for step in answer.ladder if mine.get(step, 1 << 30) < self.cursor), default=0)


class SyncWorld(RuleBasedStateMachine):
    """Messages wait in two lists and are delivered, repeated, lost or damaged in any order."""

    suite: Suite = DEFAULT

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sync-world-"))
        self.files = itertools.count()
        self.labels = itertools.count(1)
        self.words = itertools.count()
        self.starts = itertools.count(1)
        self.pushes: list[bytes] = []
        self.answers: list[bytes] = []
        self.copies: list[str] = []
        self.damaged = 0

    @initialize()
    def begin(self) -> None:
        self.open(self.first_store())
        self.edges = [Edge(FakeBox(signer=BOX_KEYS[self.suite.name]).begin())]
        self.disks: list[tuple[FakeBox, int]] = []

    def open(self, url: str) -> None:
        self.database = Database.open(url)
        self.collector = Collector(self.database, KEYS[DEFAULT.name], Clock(), signer_of=lambda suite: KEYS[suite.name])

    def first_store(self) -> str:
        """A store with the box registered."""
        return self.another(_template(self.suite))

    def another(self, store: str) -> str:
        """A copy of a store as it is now."""
        target = self.folder / f"{next(self.files)}.db"
        with sqlite3.connect(make_url(store).database or "") as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        source.close()
        copy.close()
        return f"sqlite:///{target}"

    @rule(edge=picks)
    def weigh(self, edge: int) -> None:
        self.edges[edge % len(self.edges)].disk.weigh(next(self.labels))

    @rule(edge=picks, size=st.integers(0, 4))
    def tick(self, edge: int, size: int) -> None:
        self.pushes.append(self.edges[edge % len(self.edges)].ask(f"w{next(self.words)}", size))

    @precondition(lambda self: self.pushes)
    @rule(which=picks, again=st.booleans())
    def deliver_push(self, which: int, again: bool) -> None:
        at = which % len(self.pushes)
        self.handle(self.pushes[at] if again else self.pushes.pop(at))

    @precondition(lambda self: self.answers)
    @rule(which=picks, again=st.booleans())
    def deliver_answer(self, which: int, again: bool) -> None:
        at = which % len(self.answers)
        self.tell(self.answers[at] if again else self.answers.pop(at))

    @precondition(lambda self: self.pushes)
    @rule(which=picks)
    def lose_push(self, which: int) -> None:
        self.pushes.pop(which % len(self.pushes))

    @precondition(lambda self: self.answers)
    @rule(which=picks)
    def lose_answer(self, which: int) -> None:
        self.answers.pop(which % len(self.answers))

    @precondition(lambda self: self.pushes)
    @rule(which=picks, at=picks, bit=st.integers(0, 7))
    def damage_push(self, which: int, at: int, bit: int) -> None:
        """A flipped bit never leads to an answer or a row, unless zstd does not mind it and the content is the same."""
        payload = bytearray(self.pushes[which % len(self.pushes)])
        payload[at % len(payload)] ^= 1 << bit
        before = self.rows()
        answer = self.collector.handle("gate-01", bytes(payload))
        if answer is not None:
            assert decode_push(bytes(payload)).seal == decode_push(self.pushes[which % len(self.pushes)]).seal
        else:
            assert self.rows() == before

    @rule(edge=picks)
    def crash_box(self, edge: int) -> None:
        self.edges[edge % len(self.edges)].crash()

    @precondition(lambda self: len(self.edges) < 3)
    @rule(edge=picks)
    def copy_disk(self, edge: int) -> None:
        model = self.edges[edge % len(self.edges)]
        self.edges.append(Edge(model.disk.copy(next(self.starts)), model.stored, model.stored))

    @rule(edge=picks)
    def keep_disk_image(self, edge: int) -> None:
        model = self.edges[edge % len(self.edges)]
        self.disks.append((model.disk.copy(next(self.starts)), model.stored))

    @precondition(lambda self: self.disks)
    @rule(edge=picks, which=picks)
    def restore_disk_image(self, edge: int, which: int) -> None:
        disk, stored = self.disks[which % len(self.disks)]
        self.edges[edge % len(self.edges)] = Edge(disk.copy(next(self.starts)), stored, stored)

    @rule()
    def back_up_collector(self) -> None:
        self.copies.append(self.another(self.database.name))

    @precondition(lambda self: self.copies)
    @rule(which=picks)
    def restore_collector(self, which: int) -> None:
        self.database.close()
        self.open(self.another(self.copies[which % len(self.copies)]))
        for edge in self.edges:  # what was settled with the lost copy is not settled with this one
            edge.settled = False

    @invariant()
    def nothing_is_an_orphan(self) -> None:
        with self.database.read() as tx:
            rows = tx.execute(select(schema.records.c.hash, schema.records.c.prev)).all()
        held = {row.hash for row in rows} | {ROOT}
        assert all(row.prev in held for row in rows)
        assert len(held) == len(rows) + 1

    def handle(self, payload: bytes) -> None:
        answer = self.collector.handle("gate-01", payload)
        assert answer is not None
        said = decode_answer(answer.payload)
        if isinstance(said, Have):
            assert receipt_seal_holds(KEYS[self.suite.name].public(), said.signed_bytes(), said.seal)
            with self.database.read() as tx:  # a receipt is true at the moment it is given
                held = tx.execute(select(func.count()).where(schema.records.c.hash == said.hash)).scalar_one()
            assert held == 1 or said.hash == ROOT
        self.answers.append(answer.payload)

    def tell(self, payload: bytes) -> None:
        for edge in self.edges:
            edge.hear(decode_answer(payload))

    def rows(self) -> int:
        with self.database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(schema.records)).scalar_one())

    def settle(self) -> None:
        """No more faults: everybody asks until everything is held."""
        for edge in self.edges:
            edge.settled, edge.waiting = False, ""
        for _ in range(ROUNDS_MAX):
            for edge in self.edges:
                if not edge.settled:
                    self.pushes.append(edge.ask(f"w{next(self.words)}", 4))
                while self.pushes:
                    self.handle(self.pushes.pop(0))
                while self.answers:
                    self.tell(self.answers.pop(0))
            if all(edge.settled for edge in self.edges):
                return
        raise AssertionError("never settles")

    def teardown(self) -> None:
        try:
            if hasattr(self, "edges"):
                self.settle()
                self.judge()
                self.database.close()
        finally:
            shutil.rmtree(self.folder)

    def judge(self) -> None:
        with self.database.read() as tx:
            rows = tx.execute(select(schema.records.c.hash, schema.records.c.prev)).all()
            labels = list(tx.execute(select(schema.bags.c.label)).scalars())
            sent = tx.execute(select(func.count()).select_from(schema.outbox)).scalar_one()
            forks = set(tx.execute(select(schema.alarms.c.subject).where(schema.alarms.c.kind == "fork")).scalars())
            assert verify(tx).faults == []
        held = {row.hash for row in rows}
        for edge in self.edges:
            assert held.issuperset(edge.disk.hashes), "lost"
        assert len(labels) == len(set(labels)) == sent, "double effect"
        parents = [row.prev for row in rows]
        assert forks == {prev.hex() for prev in parents if parents.count(prev) > 1}, "forks and alarms differ"
        possible = {label_of(number) for number in range(1, next(self.labels))}
        assert set(labels) <= possible


class PostgresSyncWorld(SyncWorld):
    """The same world over the other engine."""

    def first_store(self) -> str:
        self.made: list[str] = []
        return self.another(_postgres_template(self.suite))

    def another(self, store: str) -> str:
        if hasattr(self, "database"):
            self.database.close()  # a database that is copied has no connections
        name = cluster().create(make_url(store).database or "")
        self.made.append(name)
        return cluster().url(name)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            for name in getattr(self, "made", []):
                cluster().drop(name)


@functools.cache
def _template(suite: Suite) -> str:
    """An upgraded store with the box registered, made once a process."""
    folder = tempfile.mkdtemp(prefix="sync-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _with_box(f"sqlite:///{Path(folder) / 'template.db'}", suite)


@functools.cache
def _postgres_template(suite: Suite) -> str:
    return _with_box(cluster().url(cluster().create(template())), suite)


def _with_box(url: str, suite: Suite) -> str:
    database = Database.open(url)
    upgrade(database)
    box = RegisteredBox("gate-01", BOX_KEYS[suite.name].public(), UNIT, "")
    database.written(lambda tx: add_box(tx, box, "2026-03-01T00:00:00.000Z"))
    database.close()
    return url


class ShangmiWorld(SyncWorld):
    """The same with a box of sm3+sm2 beside a collector whose own key is of the default suite."""

    suite = SM3_SM2


TestSyncWorld = SyncWorld.TestCase
TestSyncWorld.settings = settings(
    max_examples=400 if SOAK else 60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.reuse, Phase.generate),  # each step commits to a disk: shrinking would outlast the test's time
    print_blob=True,
)
TestPostgresSyncWorld = PostgresSyncWorld.TestCase
TestPostgresSyncWorld.settings = settings(TestSyncWorld.settings, max_examples=POSTGRES_EXAMPLES)

TestShangmiWorld = ShangmiWorld.TestCase
TestShangmiWorld.settings = settings(TestSyncWorld.settings, max_examples=20)
