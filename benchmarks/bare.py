"""The limits: what SQLite, the broker and the signature cost alone, with nothing of ours around them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from benchmarks.broker import mqtt_client
from benchmarks.spread import percentile
from hazgate_protocols.journal.chain import HASH_BYTES
from hazgate_protocols.journal.seal import Signer, chain_seal_holds

ROW_BYTES = 500
_TABLE = "CREATE TABLE kept (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)"
_INSERT = "INSERT INTO kept (body) VALUES (?)"
# B is what a store-and-forward outbox costs at the least: number, id, topic, time, hash, payload, mark.
_OUTBOX = """CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, topic TEXT NOT NULL,
 created INTEGER NOT NULL, hash BLOB NOT NULL, payload BLOB NOT NULL, acked INTEGER NOT NULL DEFAULT 0)"""
_INSERT_OUTBOX = "INSERT INTO outbox (id, topic, created, hash, payload) VALUES (?, ?, ?, ?, ?)"
PAYLOAD_BYTES = 400
ANSWER_BYTES = 300  # about a receipt
ANSWER_S_MAX = 5.0
WARM_UP = 10


@contextmanager
def durable_table(path: Path) -> Iterator[sqlite3.Connection]:
    """A fresh table whose commits have reached the disk when they return: WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(_TABLE)
        yield connection
    finally:
        connection.close()


def commit_row(connection: sqlite3.Connection, body: bytes) -> None:
    """One row, one durable commit."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_INSERT, (body,))
    connection.execute("COMMIT")


@contextmanager
def bare_commits(folder: Path) -> Iterator[Callable[[], None]]:
    """B: a call that makes one outbox row of about ROW_BYTES, its payload JSON, and commits it, durably."""
    path, numbers = folder / "bare.db", itertools.count(1)
    with durable_table(path) as connection:
        connection.execute(_OUTBOX)
        yield lambda: _commit_outbox_row(connection, next(numbers))
    remove_database(path)


@contextmanager
def bare_batches(folder: Path, rows: int) -> Iterator[Callable[[], None]]:
    """S: a call that makes so many of B's outbox rows and commits them together, durably."""
    path, numbers = folder / "bare-batch.db", itertools.count(1)
    with durable_table(path) as connection:
        connection.execute(_OUTBOX)
        yield lambda: _commit_outbox_rows(connection, [_outbox_row(next(numbers)) for _ in range(rows)])
    remove_database(path)


def _commit_outbox_rows(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT_OUTBOX, rows)
    connection.execute("COMMIT")


def _commit_outbox_row(connection: sqlite3.Connection, number: int) -> None:
    row = _outbox_row(number)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_INSERT_OUTBOX, row)
    connection.execute("COMMIT")


def _outbox_row(number: int) -> tuple[object, ...]:
    return (_outbox_id(number), "v1/site/1/weigh", time.time_ns(), bytes(32), outbox_payload(number))


def _outbox_id(number: int) -> str:
    return f"bench-{number:022d}"


def outbox_payload(number: int) -> bytes:
    """A JSON record of PAYLOAD_BYTES."""
    record = {
        "id": _outbox_id(number),
        "seq": number,
        "dev": "scale-01",
        "kg": f"{number % 97700 / 100:.2f}",
        "pad": "",
    }
    bare = len(json.dumps(record, separators=(",", ":")))
    record["pad"] = "x" * (PAYLOAD_BYTES - bare)
    return json.dumps(record, separators=(",", ":")).encode()


def calls_per_s(call: Callable[[], None], seconds: float) -> float:
    """How often a second the call returns, one after another, for about this long."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        call()
        count += 1
    return count / elapsed


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the way from a box to its receipt, each alone: p50 in ms at the paced rate."""

    box_commit_ms: float
    hop_up_ms: float
    collector_commit_ms: float
    hop_down_ms: float
    seals_ms: float

    @property
    def sum_ms(self) -> float:
        """The sum of the p50s."""
        return self.box_commit_ms + self.hop_up_ms + self.collector_commit_ms + self.hop_down_ms + self.seals_ms


async def parts_of_the_way(folder: Path, port: int, rate_per_s: float, count: int) -> Parts:
    """Time each part `count` times, one round every 1/rate seconds.

    Pacing matters: a processor and a disk that slept for 200 ms answer later than busy ones.
    """
    signer, body = Signer.generate(), os.urandom(ROW_BYTES)
    box_path, collector_path = folder / "part-box.db", folder / "part-collector.db"
    rounds: list[tuple[float, float, float, float, float]] = []
    with durable_table(box_path) as box, durable_table(collector_path) as collector:
        async with _hop(port, "up") as up, _hop(port, "down") as down:
            async for number in paced(rate_per_s, WARM_UP + count):
                spans_s = (
                    _timed(lambda: commit_row(box, body)),
                    await up.carry(body),
                    _timed(lambda: commit_row(collector, body)),
                    await down.carry(body[:ANSWER_BYTES]),
                    _timed(lambda: _seal_twice(signer)),
                )
                if number >= WARM_UP:
                    rounds.append(spans_s)
    for path in (box_path, collector_path):
        remove_database(path)
    return Parts(*(percentile(series, 50) * 1000 for series in zip(*rounds, strict=True)))


async def paced(rate_per_s: float, count: int) -> AsyncIterator[int]:
    """0 .. count-1, each no earlier than its planned time; a late turn does not move the later ones."""
    start = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / rate_per_s - time.perf_counter()))
        yield number


def remove_database(path: Path) -> None:
    """A SQLite file and what WAL puts beside it."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


class _Hop:
    """One direction: a publisher and a subscriber with a broker between them, QoS 1."""

    def __init__(self, publisher: aiomqtt.Client, subscriber: aiomqtt.Client, topic: str) -> None:
        self._publisher, self._subscriber, self._topic = publisher, subscriber, topic

    async def carry(self, payload: bytes) -> float:
        """Seconds until the subscriber has it; the publisher's PUBACK is awaited but not counted."""
        start = time.perf_counter()
        async with asyncio.timeout(ANSWER_S_MAX), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.publish(self._topic, payload, qos=1))
            await anext(self._subscriber.messages)
            return time.perf_counter() - start


def _timed(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _seal_twice(signer: Signer) -> None:
    """The box's seal over its head and the collector's over its receipt, both checked by the other side."""
    for _ in range(2):
        head = os.urandom(HASH_BYTES)
        if not chain_seal_holds(signer.public(), "bench", head, signer.seal_chain("bench", head)):
            raise AssertionError("a fresh seal does not hold")


@asynccontextmanager
async def _hop(port: int, name: str) -> AsyncIterator[_Hop]:
    async with (
        mqtt_client(port, f"{name}-to") as subscriber,
        mqtt_client(port, f"{name}-from") as publisher,
    ):
        await subscriber.subscribe(f"bench/{name}", qos=1)
        yield _Hop(publisher, subscriber, f"bench/{name}")
