"""The box of Q: `python -m benchmarks.probe_box OUTBOX BROKER_PORT pace|drain --count N [--rate R]` prints one object.

It stores and sends and does nothing else: what a record says is not looked at, and it is not hashed or signed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import zstandard

from benchmarks.bare import outbox_payload, paced
from benchmarks.broker import mqtt_client

PAGE = 500
WINDOW = 8  # pages sent and not yet received for
PUSH, HAVE = "bench/push", "bench/have"


class Outbox:
    """Rows that wait for their receipt. A thread of its own writes: what comes while a commit is on its way, receipts
    included, goes into the next one. Thread-safe but for page(), which is the caller's."""

    def __init__(self, path: Path, on_stored: Callable[[], None]) -> None:
        """on_stored is called from the writing thread after each commit that brought rows."""
        self._path = path
        self._on_stored = on_stored
        self._turn = threading.Condition()
        self._fresh: list[tuple[int, bytes]] = []
        self._received = 0
        self._closed = False
        self._reading = _open(path)
        self._reading.execute("CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def put(self, *rows: tuple[int, bytes]) -> None:
        """To be stored soon."""
        with self._turn:
            self._fresh += rows
            self._turn.notify()

    def receive(self, upto: int) -> None:
        """The collector holds everything up to here: to be deleted soon."""
        with self._turn:
            self._received = max(self._received, upto)
            self._turn.notify()

    def page(self, after: int) -> list[tuple[int, bytes]]:
        """The next stored rows in order, at most PAGE."""
        query = "SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._reading.execute(query, (after, PAGE)).fetchall()

    def close(self) -> None:
        """Writes what waits and lets go of the file."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._thread.join()
        self._reading.close()

    def _write(self) -> None:
        writing, deleted = _open(self._path), 0
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._fresh or self._received > deleted or self._closed)  # noqa: B023 - at once
                rows, self._fresh, upto = self._fresh, [], self._received
            if not rows and upto == deleted:
                break
            writing.execute("BEGIN IMMEDIATE")
            writing.executemany("INSERT INTO outbox (seq, body) VALUES (?, ?)", rows)
            if upto > deleted:
                writing.execute("DELETE FROM outbox WHERE seq <= ?", (upto,))
                deleted = upto
            writing.execute("COMMIT")
            if rows:
                self._on_stored()
        writing.close()


class Sender:
    """Brings the outbox to the collector, page after page, as far as the window allows."""

    def __init__(self, client: aiomqtt.Client, outbox: Outbox) -> None:
        self._client = client
        self._outbox = outbox
        self._changed = asyncio.Event()
        self.came: list[tuple[int, float]] = []  # receipts: up to which record, and when

    def wake(self) -> None:
        """There may be rows, or room in the window."""
        self._changed.set()

    async def hear(self, last: int) -> None:
        """Takes receipts until this record has its own."""
        async for message in self._client.messages:
            upto = int(message.payload) if isinstance(message.payload, bytes) else 0
            self.came.append((upto, time.perf_counter()))
            self._outbox.receive(upto)
            self.wake()
            if upto >= last:
                return

    async def send(self, last: int) -> None:
        """Sends until this record was sent."""
        packer, sent, in_flight = zstandard.ZstdCompressor(level=1), 0, list[int]()
        while sent < last:
            self._changed.clear()
            received = self.came[-1][0] if self.came else 0
            in_flight = [upto for upto in in_flight if upto > received]
            rows = self._outbox.page(sent) if len(in_flight) < WINDOW else []
            if not rows:
                await self._changed.wait()
                continue
            sent = rows[-1][0]
            in_flight.append(sent)
            page = b"%d\n[%b]" % (sent, b",".join(body for _, body in rows))
            await self._client.publish(PUSH, packer.compress(page), qos=1)


async def _box(path: Path, port: int, count: int, rate_per_s: float | None) -> dict[str, float | list[float]]:
    loop, stored = asyncio.get_running_loop(), asyncio.Event()
    senders: list[Sender] = []

    def wake() -> None:
        stored.set()
        for sender in senders:
            sender.wake()

    outbox = Outbox(path, lambda: _call(loop, wake))
    if rate_per_s is None:
        outbox.put(*((seq, outbox_payload(seq)) for seq in range(1, count + 1)))
        await stored.wait()  # one commit has all of it
    planned: list[float] = []
    async with mqtt_client(port, "probe-box") as client:
        await client.subscribe(HAVE, qos=1)
        senders.append(sender := Sender(client, outbox))
        async with asyncio.TaskGroup() as tasks:
            started_at = time.perf_counter()
            hearing = tasks.create_task(sender.hear(count))
            tasks.create_task(sender.send(count))
            if rate_per_s is not None:
                async for number in paced(rate_per_s, count):
                    planned.append(started_at + number / rate_per_s)
                    outbox.put((number + 1, outbox_payload(number + 1)))
            await hearing
    took_s = sender.came[-1][1] - started_at
    outbox.close()
    return {"took_s": took_s, "latencies_ms": _latencies_ms(planned, sender.came)}


def _latencies_ms(planned: list[float], came: list[tuple[int, float]]) -> list[float]:
    """planned: of record 1, 2, ...; each has its receipt with the first that covers it."""
    out, index = [], 0
    for seq, at in enumerate(planned, 1):
        while came[index][0] < seq:
            index += 1
        out.append((came[index][1] - at) * 1000)
    return out


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(act)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.probe_box")
    parser.add_argument("outbox", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("how", choices=("pace", "drain"))
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--count", type=int, required=True)
    asked = parser.parse_args()
    rate_per_s = asked.rate if asked.how == "pace" else None
    print(json.dumps(asyncio.run(_box(asked.outbox, asked.port, asked.count, rate_per_s))), flush=True)


if __name__ == "__main__":
    _main()
