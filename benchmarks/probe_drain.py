"""Q with a backlog: the bare probe of the path, as fast as it goes, to set a limit for draining.

box: SQLite -> pages of 500 -> JSON lines, zstd -> MQTT, eight pages in flight -> collector: SQLite (FULL), a commit a
page -> receipt -> box. No chain, seal, check, projection or retry. Each side is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path

import aiomqtt
import zstandard

from benchmarks.bare import durable_table, outbox_payload, remove_database
from benchmarks.broker import mqtt_client
from benchmarks.children import Child
from benchmarks.probe import READY, START_S_MAX, payload_of, until_said

PAGE = 500
WINDOW = 8
DRAIN_S_MAX = 120.0
_ROOT = Path(__file__).resolve().parent.parent
_PUSH, _HAVE = "bench/drain", "bench/drained"


async def drained_per_s(folder: Path, port: int, backlog: int) -> float:
    """Records a second from the first push sent until the collector's last commit is known at the box."""
    module: list[str | Path] = [sys.executable, "-m", "benchmarks.probe_drain"]
    collector = [*module, "collector", folder / "qd-collector.db", str(port), str(backlog)]
    box = [*module, "box", folder / "qd-box.db", str(port), str(backlog)]
    with Child(collector, folder / "qd-collector.log", cwd=_ROOT) as far:
        await until_said(far, READY, START_S_MAX)
        with Child(box, folder / "qd-box.log", cwd=_ROOT) as near:
            said = await until_said(near, "}", START_S_MAX + DRAIN_S_MAX)
    for side in ("qd-box.db", "qd-collector.db"):
        remove_database(folder / side)
    return backlog / float(json.loads(said)["took_s"])


async def _box(path: Path, port: int, backlog: int) -> float:
    with durable_table(path) as table:
        table.execute("BEGIN")
        table.executemany(
            "INSERT INTO kept (body) VALUES (?)", ((outbox_payload(number),) for number in range(backlog))
        )
        table.execute("COMMIT")
        async with mqtt_client(port, "drain-box") as client:
            await client.subscribe(_HAVE, qos=1)
            started_at = time.perf_counter()
            sending = asyncio.create_task(_send(client, table, room := asyncio.Semaphore(WINDOW)))
            async for message in client.messages:
                room.release()
                if int(payload_of(message)) >= backlog:
                    break
            await sending
            return time.perf_counter() - started_at


async def _send(client: aiomqtt.Client, table: sqlite3.Connection, room: asyncio.Semaphore) -> None:
    packer, sent = zstandard.ZstdCompressor(level=1), 0
    while rows := table.execute(
        "SELECT seq, body FROM kept WHERE seq > ? ORDER BY seq LIMIT ?", (sent, PAGE)
    ).fetchall():
        sent = rows[-1][0]
        await room.acquire()
        page = b"%d\n" % sent + b"\n".join(body for _, body in rows)
        await client.publish(_PUSH, packer.compress(page), qos=1)


async def _collector(path: Path, port: int) -> None:
    with durable_table(path) as table:
        async with mqtt_client(port, "drain-collector") as client:
            await client.subscribe(_PUSH, qos=1)
            print(READY, flush=True)
            unpacker = zstandard.ZstdDecompressor()
            async for message in client.messages:
                last, *bodies = unpacker.decompress(payload_of(message)).split(b"\n")
                table.execute("BEGIN IMMEDIATE")
                table.executemany("INSERT INTO kept (body) VALUES (?)", ((body,) for body in bodies))
                table.execute("COMMIT")
                await client.publish(_HAVE, last, qos=1)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.probe_drain")
    parser.add_argument("side", choices=("box", "collector"))
    parser.add_argument("database", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("backlog", type=int)
    asked = parser.parse_args()
    if asked.side == "collector":
        asyncio.run(_collector(asked.database, asked.port))
    else:
        took_s = asyncio.run(_box(asked.database, asked.port, asked.backlog))
        print(json.dumps({"took_s": took_s}), flush=True)


if __name__ == "__main__":
    _main()
