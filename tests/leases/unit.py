"""One unit's boxes with the box's own code (journal, numbers, dialogue) and the real collector, in one program.

A box talks when it is told to; until then it is offline. Time is virtual.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from edge.makers import DEV, UNIT, weighing
from edge.test_config import GOOD
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.leases import lease_of
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.verify import verify
from hazgate_edge.clock import local_date
from hazgate_edge.config import Config, load
from hazgate_edge.journal.store import Journal
from hazgate_edge.numbers import LabelNumbers
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_protocols.codes.label_number import LabelNumber, label_stem
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Have, decode_answer

COLLECTOR_KEY = Signer.from_secret(b"c" * 32)
OIL, RAGS = "900-214-08", "900-249-08"
SECOND_WASTE = """\
  - code: 900-249-08
    name: 含油废抹布手套
    form: 固态
    main_components: 棉纱
    harmful_components: 石油烃
    precautions: 远离火源
    containers: [bag-50]
"""
TALK_ROUNDS_MAX = 60


@dataclass
class Clock:
    """One time for everybody."""

    at: datetime = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def pass_days(self, days: float) -> None:
        self.at += timedelta(days=days)

    def wall(self) -> datetime:
        return self.at

    def now(self) -> datetime:
        return self.at

    def mono_ns(self) -> int:
        return int(self.at.timestamp() * 1000)  # months of it must fit 53 bits

    def boot(self) -> str:
        return "unit"

    @property
    def today(self) -> date:
        return local_date(self.at)


@dataclass
class UnitBox:
    """A box: its folder, and a program on it that can be started anew."""

    name: str
    folder: Path
    clock: Clock
    numbers_setting: str = ""
    presses: int = 0
    tokens: int = 0
    config: Config = field(init=False)
    journal: Journal = field(init=False)
    numbers: LabelNumbers = field(init=False)
    dialogue: Dialogue = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()

    @property
    def signer(self) -> Signer:
        return Signer.from_secret(self.name.encode().ljust(32, b"-"))

    def start(self) -> None:
        """The program comes up on what is on the disk, and asks for numbers as `run` does."""
        path = self.folder / "edge.yaml"
        text = GOOD.format(folder=self.folder, key=COLLECTOR_KEY.public().hex()).replace("box-0001", self.name)
        path.write_text(f"{text}{SECOND_WASTE}{self.numbers_setting}\n", "utf-8")
        self.config = load(path)
        self.journal = Journal(self.folder / "journal.sqlite3", box=self.name, signer=self.signer, clock=self.clock)
        self.journal.write_now(lambda: self.journal.do_found(unit_code=UNIT, dev=DEV))
        self.numbers = LabelNumbers(
            self.config, clock=self.clock, journal=self.journal, wastes=(OIL, RAGS), dev=DEV, on_record=lambda: None
        )
        self.dialogue = Dialogue(
            self.journal, collector_key=COLLECTOR_KEY.public(), dev=DEV, token=self._token, jitter=lambda: 0.0
        )
        self.ask()

    def restart(self) -> None:
        """Killed and started again: only what is committed is left."""
        self.journal.close()
        self.start()

    def ask(self) -> None:
        """One look of the task that asks for numbers."""
        asyncio.run(self.numbers.ask())

    def weigh(self, waste_code: str = OIL) -> str:
        """A bag of today; its label number. Raises NumbersUsedUpError."""
        self.presses += 1
        day = self.clock.today
        base = weighing(f"{self.name}-{self.presses}", waste=waste_code)
        first, last = self.config.numbers.fixed or (1, 999)

        def body(number: int) -> WeighingBody:
            label = str(LabelNumber.make(UNIT, waste_code, day, number))
            return base.body(number)._replace(label=label, produced_on=day.isoformat())

        new = base._replace(
            produced_on=day.isoformat(),
            label_stem=label_stem(UNIT, waste_code, day),
            first=first,
            last=last,
            leased=self.config.numbers.fixed is None,
            body=body,
        )
        _, label = self.journal.write_now(lambda: self.journal.do_weigh(new))
        self.ask()
        return label

    def said(self) -> dict[str, str]:
        """What the terminal says of each waste's numbers."""
        return {item.waste_code: item.say.key for item in self.numbers.notices()}

    def asks(self) -> list[tuple[str, str]]:
        """Every ask in the chain: waste and why."""
        rows = self.rows("SELECT json_extract(body, '$.body.waste_code'), json_extract(body, '$.body.why') FROM record"
                         " WHERE kind = 'lease_ask' ORDER BY seq")  # fmt: skip
        return [(str(waste), str(why)) for waste, why in rows]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """A look into the journal from outside."""
        looking = sqlite3.connect(self.folder / "journal.sqlite3")
        try:
            return looking.execute(sql).fetchall()
        finally:
            looking.close()

    def _token(self) -> str:
        self.tokens += 1
        return f"{self.name}-{self.tokens}"


class Unit:
    """The boxes and their collector."""

    def __init__(self, folder: Path, *names: str, **numbers_settings: str) -> None:
        """numbers_settings: by box name with underscores, further lines of its configuration."""
        self.folder = folder
        self.clock = Clock()
        self.stores = 0
        self.open(folder / "store" / "collector.db")
        settings = {name.replace("_", "-"): text for name, text in numbers_settings.items()}
        self.boxes = {name: self._box(name, settings.get(name, "")) for name in names}

    def open(self, path: Path) -> None:
        """A collector on this store."""
        self.path = path
        self.database = Database.open(f"sqlite:///{path}")
        upgrade(self.database)
        self.collector = Collector(self.database, COLLECTOR_KEY, self.clock.now)

    def _box(self, name: str, numbers_setting: str) -> UnitBox:
        box = UnitBox(name, self.folder / name, self.clock, numbers_setting)
        known = RegisteredBox(name, box.signer.public(), UNIT, "")
        self.database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
        return box

    def add(self, name: str, numbers_setting: str = "") -> UnitBox:
        """One more box of the unit."""
        self.boxes[name] = self._box(name, numbers_setting)
        return self.boxes[name]

    def copy_store(self) -> Path:
        """The store as it is now, beside it."""
        self.stores += 1
        target = self.folder / "store" / f"copy-{self.stores}.db"
        source, copy = sqlite3.connect(self.path), sqlite3.connect(target)
        source.backup(copy)
        source.close()
        copy.close()
        return target

    def restore(self, copy: Path) -> None:
        """The collector goes back to an old copy."""
        self.database.close()
        self.open(copy)

    def restore_to(self, path: Path) -> None:
        """The store moves there as it is."""
        shutil.copy(self.copy_store(), path)
        self.restore(path)

    def talk(self, *names: str, lose_answers: int = 0) -> None:
        """These boxes come online until each has its receipt and nothing more to say. The first answers may be lost."""
        for name in names or self.boxes:
            box = self.boxes[name]
            box.dialogue.connected()
            for _ in range(TALK_ROUNDS_MAX):
                box.ask()
                self.clock.at += timedelta(seconds=40)
                push = box.dialogue.next_push(self.clock.at.timestamp())
                if push is None:
                    break
                answer = self.collector.handle(name, push)
                assert answer is not None, f"{name}: the push was refused"
                if lose_answers:
                    lose_answers -= 1
                    continue
                said = decode_answer(answer.payload)
                asyncio.run(box.dialogue.on_answer(answer.payload))
                if isinstance(said, Have) and not said.notes and box.dialogue.confirmed:
                    break
            else:
                raise AssertionError(f"{name} never comes to rest")

    def leases(self) -> list[tuple[str, str, str]]:
        """Every lease as (box, waste, range)."""
        with self.database.read() as tx:
            rows = tx.execute(select(schema.leases).order_by(schema.leases.c.number)).all()
        return [(row.box, row.waste_code, str(lease_of(row).range)) for row in rows]

    def flags(self) -> list[str]:
        """Why weighings are held back."""
        with self.database.read() as tx:
            return list(tx.execute(select(schema.flags.c.code).order_by(schema.flags.c.code)).scalars())

    def alarms(self) -> set[str]:
        """The kinds of alarm raised."""
        with self.database.read() as tx:
            return set(tx.execute(select(schema.alarms.c.kind)).scalars())

    def faults(self) -> list[str]:
        """What `verify` finds."""
        with self.database.read() as tx:
            return verify(tx).faults

    def close(self) -> None:
        for box in self.boxes.values():
            box.journal.close()
        self.database.close()


def sequences(labels: Iterable[str]) -> list[int]:
    """The last three digits."""
    return [int(label[-3:]) for label in labels]
