"""The whole chain as it is installed, in real processes: broker, core simulator, collector, and boxes beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from benchmarks.broker import Broker, mqtt_client
from benchmarks.children import BenchError, Child, free_port, wait_for_port
from benchmarks.devices import PROFILE, Printer, Scale
from hazgate_edge.identity import load_or_make
from hazgate_protocols.journal.seal import receipt_seal_holds
from hazgate_protocols.uplink import topics
from hazgate_protocols.uplink.messages import Have, decode_answer

UNIT_CODE = "91130606MA0TETT01H"  # synthetic; its check character is right
WASTE_CODE, CONTAINER, OPERATOR = "900-214-08", "bag-50", "张三"
START_S_MAX = 40.0
COMMAND_S_MAX = 60.0
_JOURNAL = "journal.sqlite3"
_DOOR = "agent.sock"


@dataclass(frozen=True, slots=True)
class Chain:
    """The running cloud side and what a box needs to know of it."""

    folder: Path
    broker_port: int
    collector_key: str
    boxes: tuple[str, ...]  # registered at the collector


class Box:
    """One running box with a scale and a printer of the bench."""

    def __init__(self, child: Child, folder: Path, scale: Scale, printer: Printer, terminal_port: int) -> None:
        self.child = child
        self.scale = scale
        self.printer = printer
        self.terminal_port = terminal_port
        self.door = folder / _DOOR
        self.journal = journal_path(folder)

    def seqs(self) -> dict[str, int]:
        """The place in the chain of every weighing, by record id."""
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as journal:
            return dict(journal.execute("SELECT rid, seq FROM record WHERE kind = 'weighing'").fetchall())

    def has_record(self) -> bool:
        """Whether any record is durable in the journal: the founding one comes first."""
        try:
            with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as journal:
                return bool(journal.execute("SELECT count(*) FROM record").fetchone()[0])
        except sqlite3.OperationalError:
            return False  # not made yet


def journal_path(folder: Path) -> Path:
    """Where a box keeps its journal."""
    return folder / _JOURNAL


@contextmanager
def running_chain(folder: Path, boxes: int, database: str = "") -> Iterator[Chain]:
    """Broker, core and collector with so many registered boxes that have never run; raises BenchError. database: the
    address of the collector's empty one, "" for SQLite in its folder."""
    home = folder / f"chain-{free_port()}"
    home.mkdir()
    names = tuple(f"box-bench-{number:02}" for number in range(1, boxes + 1))
    with ExitStack() as running:
        broker = running.enter_context(Broker(home))
        core_port, page_port = free_port(), free_port()
        core = running.enter_context(
            Child(
                [_script("hazgate-sim"), "core", "--folder", home / "core", "--port", str(core_port)], home / "core.log"
            )
        )
        config = home / "cloud.yaml"
        _write(
            config,
            {
                "data_folder": str(home / "collector"),
                "database": database,
                "broker": {"host": "127.0.0.1", "port": broker.port},
                "listen": {"host": "127.0.0.1", "port": page_port},
                "public_url": f"http://127.0.0.1:{page_port}",
                "core": {"url": f"http://127.0.0.1:{core_port}"},
            },
        )
        key = _said("hazgate-cloud", "identity", "--config", str(config)).split()[-1]
        for name in names:
            public = load_or_make(home / name).public().hex()
            known = ("--public-key", public, "--unit-code", UNIT_CODE, "--config", str(config))
            _said("hazgate-cloud", "box", "add", name, *known)
        cloud = running.enter_context(Child([_script("hazgate-cloud"), "run", "--config", config], home / "cloud.log"))
        wait_for_port(core_port, core, START_S_MAX)
        wait_for_port(page_port, cloud, START_S_MAX)
        yield Chain(home, broker.port, key, names)
    shutil.rmtree(home)


@asynccontextmanager
async def running_box(chain: Chain, name: str) -> AsyncIterator[Box]:
    """`hazgate-edge run` from its exec on, beside a scale that shows a settled weight from the first moment."""
    folder, terminal_port = chain.folder / name, free_port()
    async with Scale().serving() as scale, Printer().serving() as printer:
        config = chain.folder / f"{name}.yaml"
        _write(config, _box_config(chain, name, folder, scale.port, printer.port, terminal_port))
        with Child([_script("hazgate-edge"), "run", "--config", config], chain.folder / f"{name}.log") as child:
            yield Box(child, folder, scale, printer, terminal_port)


class Receipts:
    """An ear on the broker for one box's receipts, each checked as the box checks it: (when, up to which seq)."""

    def __init__(self, client: aiomqtt.Client, collector_key: str) -> None:
        self._client = client
        self._key = bytes.fromhex(collector_key)
        self._came: list[tuple[float, int]] = []
        self._changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def of(cls, chain: Chain, name: str) -> AsyncIterator[Receipts]:
        """Listens until the context is left."""
        async with mqtt_client(chain.broker_port, f"ear-{name}") as client:
            await client.subscribe(topics.have(name), qos=1)
            receipts = cls(client, chain.collector_key)
            listening = asyncio.create_task(receipts._listen())
            try:
                yield receipts
            finally:
                listening.cancel()

    async def upto(self, seq: int, timeout_s: float) -> None:
        """Returns when this record has its receipt; raises BenchError."""
        try:
            async with asyncio.timeout(timeout_s):
                while not any(held >= seq for _, held in self._came):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as exc:
            raise BenchError(f"wait for the receipt of record {seq}: none in {timeout_s:g} s; see the logs") from exc

    def came_at(self, seq: int) -> float:
        """When the first receipt that covers this record came."""
        return next(at for at, held in self._came if held >= seq)

    def all_came_at(self, seqs: Iterable[int]) -> dict[int, float]:
        """The same for many records, in one walk."""
        came, found, index = self._came, dict[int, float](), 0
        for seq in sorted(seqs):
            while came[index][1] < seq:
                index += 1
            found[seq] = came[index][0]
        return found

    async def _listen(self) -> None:
        async for message in self._client.messages:
            if not isinstance(message.payload, bytes):
                continue
            answer = decode_answer(message.payload)
            if isinstance(answer, Have) and receipt_seal_holds(self._key, answer.signed_bytes(), answer.seal):
                self._came.append((time.perf_counter(), answer.seq))
                self._changed.set()


def _box_config(
    chain: Chain, name: str, folder: Path, scale_port: int, printer_port: int, terminal_port: int
) -> dict[str, object]:
    return {
        "box": name,
        "data_folder": str(folder),
        "site": "bench",
        "unit": {"code": UNIT_CODE, "name": "保定示范机械有限公司", "contact": "张三 0312-5550100"},
        "operators": [OPERATOR],
        "collector": {"public_key": chain.collector_key},
        "broker": {"host": "127.0.0.1", "port": chain.broker_port},
        "scales": [
            {
                "id": "platform-1",
                "profile": PROFILE,
                "link": {"kind": "tcp", "host": "127.0.0.1", "port": scale_port},
                "capacity": "150 kg",
                "minimum": "0.2 kg",
                "empty_below": "0.1 kg",
                "division": "0.01 kg",
            }
        ],
        "printer": {"kind": "tcp", "host": "127.0.0.1", "port": printer_port},
        "terminal": {"host": "127.0.0.1", "port": terminal_port},
        "numbers": {"first": 1, "last": 999},  # by hand: a start to the first "saved" is measured, not a grant
        "containers": [{"id": CONTAINER, "name": "编织袋 50 L", "volume_l": 50}],
        "wastes": [
            {
                "code": WASTE_CODE,
                "name": "废矿物油",
                "form": "液态",
                "main_components": "矿物油、添加剂",
                "harmful_components": "石油烃、重金属",
                "precautions": "密封存放，远离火源",
                "containers": [CONTAINER],
            }
        ],
    }


def _write(path: Path, content: dict[str, object]) -> None:
    """JSON, which is YAML too."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _script(name: str) -> Path:
    """One of our commands, installed beside this interpreter."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise BenchError(f"find {name}: it is not beside this Python; run `make setup`")
    return found


def _said(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [_script(name), *arguments], capture_output=True, text=True, timeout=COMMAND_S_MAX, check=False
    )
    if done.returncode:
        raise BenchError(f"run {name} {' '.join(arguments[:2])}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout
