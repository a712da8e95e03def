"""Boxes and one collector that talk without a network: everything is delivered, in order, at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.makers import BOX, DEV, UNIT, WHO, StandingClock, weigh
from hazgate_cloud.collector.collector import Answer, Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_edge.app import JOURNAL_FILE, examine
from hazgate_edge.journal import start
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.surroundings import Surroundings, look_around
from hazgate_edge.journal.witness import Witness
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.refill import Refill
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer

BOX_KEY = Signer.from_secret(bytes(range(32)))
COLLECTOR_KEY = Signer.from_secret(b"c" * 32)
ROUNDS_MAX = 400
_tokens = itertools.count(1)


class Cloud:
    """A collector with its store."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.database = Database.open(f"sqlite:///{folder / 'collector.db'}")
        upgrade(self.database)
        known = RegisteredBox(BOX, BOX_KEY.public(), UNIT, "pair")
        self.database.written(lambda tx: add_box(tx, known, "2026-11-23T00:00:00.000Z"))
        self.clock = StandingClock()
        self.collector = Collector(self.database, COLLECTOR_KEY, self.clock.wall)
        self.given = 0
        self.change_give: Callable[[bytes], bytes] = lambda payload: payload

    def put_store_back(self, copy: Path) -> None:
        """Stop, put an old copy in the store's place, start."""
        self.database.close()
        for part in ("-wal", "-shm"):
            (self.folder / f"collector.db{part}").unlink(missing_ok=True)
        shutil.copyfile(copy, self.folder / "collector.db")
        self.database = Database.open(f"sqlite:///{self.folder / 'collector.db'}")
        self.collector = Collector(self.database, COLLECTOR_KEY, self.clock.wall)

    def give(self, fetch: bytes) -> bytes | None:
        self.given += 1
        answer: Answer | None = self.collector.give(BOX, fetch)
        return None if answer is None else self.change_give(answer.payload)


@dataclass
class Box:
    """One folder, and the program's start on it."""

    folder: Path
    clock: StandingClock = field(default_factory=StandingClock)
    seconds: float = 0.0
    journal: Journal = field(init=False)
    dialogue: Dialogue = field(init=False)
    refill: Refill = field(init=False)
    found: Surroundings = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.start()

    @property
    def path(self) -> Path:
        return self.folder / JOURNAL_FILE

    def start(self) -> None:
        """As app.build and app.run do it."""
        fault = examine(self.path, BOX, BOX_KEY, self.clock)
        witness = Witness.read(self.folder, BOX)
        self.journal = Journal(
            self.path,
            box=BOX,
            signer=BOX_KEY,
            clock=self.clock,
            given_before=start.numbers_aside(self.path, UNIT),
            at_rest=witness.at_rest,
        )
        self.found = look_around(self.journal, witness)
        self.refill = Refill(
            self.journal,
            collector_key=COLLECTOR_KEY.public(),
            dev=DEV,
            token=lambda: f"f{next(_tokens)}",
            place=self.found.place,
            moved=self.found.moved,
            behind=bool(self.found.behind),
        )
        self.dialogue = Dialogue(
            self.journal,
            collector_key=COLLECTOR_KEY.public(),
            dev=DEV,
            token=lambda: f"p{next(_tokens)}",
            jitter=lambda: 0.0,
            refill=self.refill,
        )
        self.journal.write_now(lambda: self.journal.do_found(unit_code=UNIT, dev=DEV))
        found: dict[str, Any] = {"jobs_unknown": 0, "journal": fault[:500]} | self.found.as_found()
        body = {"reason": "start", "found": found}
        self.journal.write_now(lambda: self.journal.do_append(kinds.BOOT, body, who=WHO, dev=DEV))
        self.dialogue.connected()

    def stop(self) -> None:
        self.journal.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def weigh(self, press: str) -> str:
        """The label; the caller sees to it that weighing is not blocked."""
        assert self.refill.blocks() is None, self.refill.blocks()
        return weigh(self.journal, press)[1]

    def blocked(self) -> str:
        """The key of what forbids weighing, "" for nothing."""
        say = self.refill.blocks()
        return "" if say is None else say.key

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of a kind of the own chain, oldest first."""
        decoded = (Record.decode(body) for _, _, _, body, _ in self.journal.chain())
        return [record.body for record in decoded if record.kind == kind]

    async def step(self, cloud: Cloud) -> bool:
        """One question and its answer; whether there was one."""
        push = self.dialogue.next_push(self.seconds)
        if push is not None:
            answer = cloud.collector.handle(BOX, push)
            if answer is not None:
                await self.dialogue.on_answer(answer.payload)
            return True
        fetch = self.refill.next_fetch(self.seconds)
        if fetch is not None:
            page = cloud.give(fetch)
            if page is not None:
                await self.refill.on_give(page)
            return True
        return False

    def talk(self, cloud: Cloud, *, rounds: int = ROUNDS_MAX) -> None:
        """Until there is nothing to say, and once more after a while: the idle question."""

        async def until_quiet() -> None:
            for _ in range(2):
                for _ in range(rounds):
                    if not await self.step(cloud):
                        break
                else:
                    raise AssertionError("never settles")
                self.seconds += 30

        asyncio.run(until_quiet())


def copy_folder(box: Box, target: Path) -> Path:
    """What lies on the disk now, as a copy of the folder has it; the box may go on."""
    target.mkdir(mode=0o700)
    for file in sorted(box.folder.iterdir()):
        if file.name == JOURNAL_FILE:
            with (
                contextlib.closing(sqlite3.connect(file)) as source,
                contextlib.closing(sqlite3.connect(target / file.name)) as copy,
            ):
                source.backup(copy)
        elif not file.name.startswith(JOURNAL_FILE):
            shutil.copy2(file, target / file.name)
    return target


def put_back(box: Box, copy: Path) -> None:
    """Stop the box and put an old copy in its folder's place; the caller starts it."""
    box.stop()
    shutil.rmtree(box.folder)
    shutil.copytree(copy, box.folder)
