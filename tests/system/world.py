"""A seeded world: real boxes (journal, dialogue), the real collector and forwarder, one core, and faulty links.

Time is virtual, nothing is random but the seed. World(seed).run() raises WorldError, whose text names the seed and what
was violated; `python -m system.world FIRST COUNT` (with tests/ on the path) runs many seeds and prints the bad ones.

Invariants, once the faults are over and everybody has talked:
    every record on any box's disk is held by the collector, as the same bytes, under its parent; of what a box found
    again of itself, every whole branch
    every weighing has its effect once: one submission a label number, accepted once by the core
    a record whose label number was already taken (a copied or restored box) is flagged and not submitted
    every weighing on a disk has heard the outcome, and all talk settles
    no box gives a number that the collector held when it last told this box of another branch, or that there is none
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from edge.makers import BOX, DEV, UNIT, WHO, weighing
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.forwarder.core_client import Reply
from hazgate_cloud.forwarder.forwarder import Forwarder
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.verify import verify
from hazgate_edge.journal.place import moved, place_of
from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.refill import Refill
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import BOOT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import DEFAULT, SUITES, Suite
from hazgate_protocols.uplink import Have, MalformedError, decode_answer
from storage import depth

BOX_KEYS = {suite.name: Signer.from_secret(bytes(range(32)), suite) for suite in SUITES.values()}
COLLECTOR_KEYS = {suite.name: Signer.from_secret(b"c" * 32, suite) for suite in SUITES.values()}
STEPS = (60, 160)
SETTLE_ROUNDS_MAX = 600
CLONES_MAX = 2
STEP_S = 0.7  # virtual seconds a step


class WorldError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Clock:
    """One time for everybody; boxes add their own error to it."""

    at: datetime = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    seconds: float = 0.0

    def pass_s(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.at

    def mono_ns(self) -> int:
        return int(self.seconds * 1e9)

    def boot(self) -> str:
        return "world"


class Core:
    """The regulatory core: keeps what it accepted; the world decides what happens to its answers."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.accepted: dict[str, bytes] = {}
        self.times: dict[str, int] = {}
        self.faulty = True

    async def post(self, rid: str, submission: bytes) -> Reply:
        fault = self._fault()
        if fault == "away":
            return _reply(None, b"", reached=False)
        if fault == "refuses to think":
            return _reply(500, b"<html>")
        outcome = b"duplicate" if rid in self.accepted else b"accepted"
        if rid not in self.accepted:
            self.accepted[rid] = submission
            self.times[rid] = self.times.get(rid, 0) + 1
        if fault == "answer lost":
            return _reply(None, b"", reached=True)
        return _reply(200, b'{"outcome":"%s","reference":"C","code":"","text":""}' % outcome)

    async def get(self, rid: str) -> Reply:
        if self._fault() == "away":
            return _reply(None, b"", reached=False)
        if rid not in self.accepted:
            return _reply(404, b"{}")
        return _reply(200, b'{"outcome":"accepted","reference":"C","code":"","text":""}')

    def _fault(self) -> str:
        faults = ["away", "refuses to think", "answer lost"]
        return self.rng.choice(faults) if self.faulty and self.rng.random() < 0.4 else ""


def _reply(status: int | None, body: bytes, *, reached: bool = True) -> Reply:
    return Reply(status=status, body=body, detail="", reached=reached, took_ms=1)


class Writing:
    """The collector's writer thread, without a thread."""

    async def run(self, call: Callable[[], Any]) -> Any:
        return call()

    async def call(self, call: Callable[[], Any]) -> Any:
        return call()


@dataclass
class Machine:
    """One physical box: a folder, and an agent that may be down."""

    name: str
    folder: Path
    clock: Clock
    rng: random.Random
    suite: Suite = DEFAULT
    journal: Journal = field(init=False)
    dialogue: Dialogue = field(init=False)
    refill: Refill = field(init=False)
    inbox: list[bytes] = field(default_factory=list)
    gives: list[bytes] = field(default_factory=list)
    heard: frozenset[str] = frozenset()  # the labels the collector held when it last answered for branches

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """The agent comes up on what is on its disk."""
        signer = BOX_KEYS[self.suite.name]
        self.journal = Journal(self.folder / "journal.sqlite3", box=BOX, signer=signer, clock=self.clock)
        self.journal.write_now(lambda: self.journal.do_found(unit_code=UNIT, dev=DEV))
        place, kept = place_of(self.journal.path), self.journal.place()
        if not kept:
            self.journal.write_now(lambda: self.journal.do_place(place))

        def token() -> str:
            return f"{self.rng.getrandbits(64):016x}"

        self.refill = Refill(
            self.journal,
            collector_key=COLLECTOR_KEYS[self.suite.name].public(),
            dev=DEV,
            token=token,
            place=place,
            moved=", ".join(moved(kept, place)),
        )
        self.dialogue = Dialogue(
            self.journal,
            collector_key=COLLECTOR_KEYS[self.suite.name].public(),
            dev=DEV,
            token=token,
            jitter=self.rng.random,
            refill=self.refill,
        )
        boot = {"reason": "start", "found": {"jobs_unknown": 0}}
        self.journal.write_now(lambda: self.journal.do_append(BOOT, boot, who=WHO, dev=DEV))
        self.dialogue.connected()

    def stop(self) -> None:
        """What is committed stays, nothing else."""
        self.journal.close()
        self.inbox.clear()
        self.gives.clear()
        self.heard = frozenset()

    def told_labels(self, answer: bytes, labels_at: dict[str, frozenset[str]]) -> frozenset[str] | None:
        """The labels held when an answer to this box's question told it of a branch it lacks, or that there is none;
        None for any other answer."""
        try:
            have = decode_answer(answer)
        except MalformedError:
            return None
        if not isinstance(have, Have) or not have.other_seal or have.token != self.dialogue.waiting_for:
            return None
        other = have.other
        if other is not None and (
            self.journal.seq_of(other.hash) is not None
            or any(branch.head == other.hash for branch in self.journal.branches())
        ):
            return None
        return labels_at.get(have.token)

    def found_again(self) -> list[tuple[bytes, int]]:
        """(hash, seq) of the records beside its chain, of branches that are whole."""
        with contextlib.closing(sqlite3.connect(self.journal.path)) as database:
            found = {row[0]: row[1:] for row in database.execute("SELECT hash, prev, seq FROM recovered")}
        out = []
        for branch in self.journal.branches():
            at = branch.head if branch.needs is None else b""
            while at in found:
                prev, seq = found.pop(at)
                out.append((at, seq))
                at = prev
        return out

    def restart(self) -> None:
        self.stop()
        self.start()


class World:
    """Everything of one seed. `run()` is the whole life; raises WorldError."""

    def __init__(self, seed: int, folder: Path | None = None, suite: Suite = DEFAULT) -> None:
        self.seed = seed
        self.suite = suite
        self.rng = random.Random(seed)
        base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"world-{seed}-", dir=base))
        self.clock = Clock()
        self.core = Core(self.rng)
        self.happened: list[str] = []
        self.files = 0
        self.presses = 0
        self.to_collector: list[bytes] = []
        self.fetches: list[bytes] = []
        self.labels_at: dict[str, frozenset[str]] = {}  # token of an answer -> the labels held then
        self.silent_up = self.silent_down = 0.0  # until when a direction swallows everything
        self.copies_of_store: list[Path] = []
        self.copies_of_boxes: list[tuple[int, Path]] = []
        self.ever_held: set[bytes] = set()
        self.loop = asyncio.new_event_loop()

    # -- life -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Faults, then peace, then judgement."""
        try:
            self._open_store(self._new_store())
            self.machines = [Machine("A", self._new_folder(), self.clock, self.rng, self.suite)]
            for _ in range(self.rng.randint(*STEPS)):
                self.clock.pass_s(STEP_S)
                self._step()
                self._received_is_true()
            self._peace()
            self._judge()
            self._weigh_on()
        finally:
            for machine in getattr(self, "machines", []):
                machine.stop()
            self.database.close()
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _step(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (18, self._weigh),
            (30, self._tick),
            (34, self._deliver),
            (10, self._forward),
            (2, self._crash_box),
            (2, self._crash_collector),
            (2, self._wipe_broker),
            (2, self._silence),
            (2, self._captive_portal),
            (2, self._copy_store),
            (1, self._restore_store),
            (1, self._clone_box),
            (3, self._copy_box),
            (2, self._restore_box),
        ]
        self.rng.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    # -- deeds ----------------------------------------------------------------------------------------------------

    def _weigh(self) -> None:
        machine = self.rng.choice(self.machines)
        if machine.refill.blocks() is None:
            self._press(machine)

    def _press(self, machine: Machine) -> None:
        self.presses += 1
        new = weighing(f"press-{self.presses}", kilograms=f"{self.rng.randint(20, 9999) / 100:.2f}")
        _, label = machine.journal.write_now(lambda: machine.journal.do_weigh(new))
        if label in machine.heard:
            raise WorldError(self._told(f"NUMBER TWICE: box {machine.name} gives {label}, which it could know of"))

    def _tick(self) -> None:
        machine = self.rng.choice(self.machines)
        fetch = machine.refill.next_fetch(self.clock.seconds)
        if fetch is not None and self.clock.seconds >= self.silent_up:
            self.fetches.append(fetch)
        push = machine.dialogue.next_push(self.clock.seconds)
        if push is not None and self.clock.seconds >= self.silent_up:
            self.to_collector.append(push)

    def _deliver(self) -> None:
        """One message, maybe out of order, maybe twice, maybe never."""
        boxes = [queue for machine in self.machines for queue in (machine.inbox, machine.gives)]
        queues = [self.to_collector, self.fetches, *boxes]
        full = [queue for queue in queues if queue]
        if not full:
            return
        queue = self.rng.choice(full)
        at = self.rng.randrange(len(queue)) if self.rng.random() < 0.3 else 0
        fate = self.rng.random()
        message = queue[at] if 0.1 <= fate < 0.2 else queue.pop(at)
        if fate < 0.1:
            return
        if queue is self.to_collector:
            self._collect(message)
        elif queue is self.fetches:
            self._give(message)
        else:
            machine = next(machine for machine in self.machines if queue is machine.inbox or queue is machine.gives)
            if queue is machine.inbox:
                self._hear(machine, message)
            else:
                self._take(machine, message)

    def _collect(self, push: bytes) -> None:
        answer = self.collector.handle(BOX, push)
        if answer is not None:
            self._receipt_is_true(answer.payload)
            self._remember_labels(answer.payload)
            self._to_boxes(answer.payload)

    def _give(self, fetch: bytes) -> None:
        answer = self.collector.give(BOX, fetch)
        if answer is not None and self.clock.seconds >= self.silent_down:
            for machine in self.machines:
                machine.gives.append(answer.payload)

    def _take(self, machine: Machine, page: bytes) -> None:
        self.loop.run_until_complete(machine.refill.on_give(page))

    def _remember_labels(self, payload: bytes) -> None:
        answer = decode_answer(payload)
        if isinstance(answer, Have) and answer.other_seal:
            with self.database.read() as tx:
                self.labels_at[answer.token] = frozenset(tx.execute(select(schema.bags.c.label)).scalars())

    def _receipt_is_true(self, payload: bytes) -> None:
        """What a receipt names is durable at that moment: another connection sees it."""
        answer = decode_answer(payload)
        if isinstance(answer, Have) and answer.hash != ROOT:
            with self.database.read() as tx:
                held = tx.execute(select(schema.records.c.hash).where(schema.records.c.hash == answer.hash)).first()
            if held is None:
                raise WorldError(self._told("RECEIPT for what is not stored"))
            self.ever_held.add(answer.hash)

    def _received_is_true(self) -> None:
        """What a box takes for received was held by the collector, then or before it was set back."""
        for machine in self.machines:
            digest = machine.journal.hash_at(machine.journal.sync_state().received_seq)
            if digest != ROOT and digest not in self.ever_held:
                raise WorldError(self._told(f"box {machine.name} believes in a receipt that nobody gave"))

    def _to_boxes(self, payload: bytes) -> None:
        """Clones share a topic: every machine hears every answer."""
        if self.clock.seconds >= self.silent_down:
            for machine in self.machines:
                machine.inbox.append(payload)

    def _hear(self, machine: Machine, answer: bytes) -> None:
        held = machine.told_labels(answer, self.labels_at)
        self.loop.run_until_complete(machine.dialogue.on_answer(answer))
        machine.heard = machine.heard if held is None else held

    def _forward(self) -> None:
        self.loop.run_until_complete(self.forwarder.step())

    def _announce(self, box: str) -> None:
        answer = self.collector.announcement(box)
        if answer is not None:
            self._to_boxes(answer.payload)

    def _crash_box(self) -> None:
        machine = self.rng.choice(self.machines)
        self._say(f"box {machine.name} crashed")
        machine.restart()

    def _crash_collector(self) -> None:
        self._say("collector crashed")
        self.database.close()
        self._open_store(self.store)

    def _wipe_broker(self) -> None:
        self._say("broker wiped")
        self.to_collector.clear()
        self.fetches.clear()
        for machine in self.machines:
            machine.inbox.clear()
            machine.gives.clear()
            machine.dialogue.connected()

    def _silence(self) -> None:
        until = self.clock.seconds + self.rng.uniform(1, 30)
        if self.rng.random() < 0.5:
            self.silent_up = until
        else:
            self.silent_down = until
        self._say("link silent one way")

    def _captive_portal(self) -> None:
        machine = self.rng.choice(self.machines)
        machine.inbox.append(b"<html>please log in</html>")
        self.to_collector.append(b"GET / HTTP/1.1\r\n\r\n")

    def _copy_store(self) -> None:
        copy = self._new_path("store-copy")
        self._copy_database(self.store, copy)
        self.copies_of_store.append(copy)

    def _restore_store(self) -> None:
        if self.copies_of_store:
            self._say("collector restored from an old copy")
            self.database.close()
            fresh = self._new_path("store")
            self._copy_database(self.rng.choice(self.copies_of_store), fresh)
            self._open_store(fresh)

    def _clone_box(self) -> None:
        if len(self.machines) <= CLONES_MAX:
            source = self.rng.choice(self.machines)
            folder = self._new_folder()
            self._copy_database(source.folder / "journal.sqlite3", folder / "journal.sqlite3")
            self._say(f"box {source.name} cloned{self._unseen(folder)}")
            self.machines.append(Machine("ABC"[len(self.machines)], folder, self.clock, self.rng, self.suite))

    def _copy_box(self) -> None:
        index = self.rng.randrange(len(self.machines))
        copy = self._new_path("box-copy")
        self._copy_database(self.machines[index].folder / "journal.sqlite3", copy)
        self.copies_of_boxes.append((index, copy))

    def _restore_box(self) -> None:
        if self.copies_of_boxes:
            index, copy = self.rng.choice(self.copies_of_boxes)
            machine = self.machines[index]
            machine.stop()
            machine.folder = self._new_folder()
            self._copy_database(copy, machine.folder / "journal.sqlite3")
            self._say(f"box {machine.name} restored from an old copy{self._unseen(machine.folder)}")
            machine.start()

    def _unseen(self, folder: Path) -> str:
        """Half of the copies are images of a whole disk: nothing on the box tells that it is one."""
        if self.rng.random() < 0.5:
            return ""
        with contextlib.closing(sqlite3.connect(folder / "journal.sqlite3")) as database, database:
            database.execute("UPDATE standing SET place = ''")
        return ", unseen"

    # -- the end --------------------------------------------------------------------------------------------------

    def _peace(self) -> None:
        """No more faults: everybody talks until nobody has anything to say that changes anything."""
        self.core.faulty = False
        self.silent_up = self.silent_down = 0.0
        self._wipe_broker()
        for _ in range(SETTLE_ROUNDS_MAX):
            self.clock.pass_s(40)
            for machine in self.machines:
                push = machine.dialogue.next_push(self.clock.seconds)
                if push is not None:
                    self._collect(push)
                fetch = machine.refill.next_fetch(self.clock.seconds)
                if fetch is not None:
                    self._give(fetch)
            self._forward()
            for machine in self.machines:
                while machine.inbox:
                    self._hear(machine, machine.inbox.pop(0))
                while machine.gives:
                    self._take(machine, machine.gives.pop(0))
            if self._quiet():
                return
        raise WorldError(self._told("never settles"))

    def _weigh_on(self) -> None:
        """Whoever may weigh now gives no number that was ever given, as far as the collector knew."""
        for machine in self.machines:
            for _ in range(3):
                if machine.refill.blocks() is None:
                    self._press(machine)

    def _quiet(self) -> bool:
        with self.database.read() as tx:
            waiting = tx.execute(select(schema.outbox.c.number).where(schema.outbox.c.settled_at.is_(None))).first()
        return waiting is None and all(
            machine.dialogue.confirmed
            and machine.refill.idle
            and not machine.inbox
            and not machine.journal.awaits_core()
            for machine in self.machines
        )

    def _judge(self) -> None:
        with self.database.read() as tx:
            held = {row.hash: row for row in tx.execute(select(schema.records))}
            submitted = {row.hash: row for row in tx.execute(select(schema.outbox))}
            flagged = {row.hash for row in tx.execute(select(schema.flags.c.hash))}
            report = verify(tx)
        if report.faults:
            raise WorldError(self._told(f"the collector's own verification: {report.faults[:3]}"))
        labels: dict[str, bytes] = {}
        for machine in self.machines:
            for seq, digest, prev, body, _ in machine.journal.chain():
                row = held.get(digest)
                if row is None:
                    raise WorldError(self._told(f"LOST: record {seq} of box {machine.name}"))
                if (bytes(row.body), bytes(row.prev)) != (body, prev):
                    raise WorldError(self._told(f"ALTERED: record {seq} of box {machine.name}"))
            for digest, seq in machine.found_again():
                if digest not in held:
                    raise WorldError(self._told(f"LOST: record {seq}, found again by box {machine.name}"))
        for digest, row in held.items():
            record = Record.decode(bytes(row.body))
            if record.kind != WEIGHING:
                continue
            label = record.body["label"]
            if digest in submitted:
                if label in labels:
                    raise WorldError(self._told(f"DOUBLE EFFECT: {label}"))
                labels[label] = digest
            elif digest not in flagged:
                raise WorldError(self._told(f"NO EFFECT: {label} is neither submitted nor flagged"))
        self._judge_forks(held)
        for digest, row in submitted.items():
            if row.rid not in self.core.accepted:
                raise WorldError(self._told(f"the core never got {digest.hex()}"))
        twice = [rid for rid, times in self.core.times.items() if times > 1]
        if twice:
            raise WorldError(self._told(f"accepted twice: {twice}"))

    def _judge_forks(self, held: dict[bytes, Any]) -> None:
        """Two children of one parent are a copied or restored disk, and somebody must have been told."""
        children: dict[bytes, int] = {}
        for row in held.values():
            children[bytes(row.prev)] = children.get(bytes(row.prev), 0) + 1
        with self.database.read() as tx:
            alarms = tx.execute(select(schema.alarms).where(schema.alarms.c.kind == "fork")).all()
        forks = sum(count > 1 for count in children.values())
        if forks != len(alarms):
            raise WorldError(self._told(f"{forks} forks, {len(alarms)} fork alarms"))

    # -- tools ----------------------------------------------------------------------------------------------------

    def _open_store(self, path: Path) -> None:
        self.store = path
        self.database = Database.open(f"sqlite:///{path}")
        self.collector = Collector(
            self.database,
            COLLECTOR_KEYS[DEFAULT.name],
            self.clock.now,
            signer_of=lambda suite: COLLECTOR_KEYS[suite.name],
        )
        self.forwarder = Forwarder(
            self.database,
            Writing(),  # type: ignore[arg-type] # the same two calls, without a thread
            self.core,  # type: ignore[arg-type] # the same two questions, without a network
            self.clock.now,
            self.rng,
            self._announce,
        )

    def _new_store(self) -> Path:
        path = self._new_path("store")
        path.write_bytes(_empty_store(BOX_KEYS[self.suite.name].public()))
        return path

    def _new_folder(self) -> Path:
        folder = self._new_path("box")
        folder.mkdir()
        return folder

    def _new_path(self, name: str) -> Path:
        self.files += 1
        return self.folder / f"{name}-{self.files}"

    def _copy_database(self, source: Path, target: Path) -> None:
        """As a disk image would: the file with its write-ahead log."""
        for suffix in ("", "-wal"):
            part = Path(f"{source}{suffix}")
            if part.exists():
                shutil.copyfile(part, f"{target}{suffix}")

    def _say(self, what: str) -> None:
        self.happened.append(f"{self.clock.seconds:.0f}s {what}")

    def _told(self, what: str) -> str:
        return f"seed {self.seed}: {what}; happened: {self.happened}"


@functools.cache
def _empty_store(box_key: bytes) -> bytes:
    """A store of today's schema with the box registered, made once a process."""
    with tempfile.TemporaryDirectory(prefix="world-empty-") as folder:
        path = Path(folder) / "store"
        database = Database.open(f"sqlite:///{path}")
        upgrade(database)
        known = RegisteredBox(BOX, box_key, UNIT, "world")
        database.written(lambda tx: add_box(tx, known, "2026-11-23T00:00:00.000Z"))
        database.close()
        return path.read_bytes()


def main(first: int, count: int) -> int:
    """Run seeds and print the bad ones; the number of bad ones."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    bad = 0
    for seed in range(first, first + count):
        try:
            World(seed).run()
        except WorldError as exc:
            bad += 1
            print(exc, flush=True)
        if (seed - first + 1) % 100 == 0:
            print(f"{seed - first + 1} of {count} worlds, {bad} bad", flush=True)
    depth.count("seeded worlds", count - bad)
    return bad


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]), int(sys.argv[2]))))
