"""Q: the bare probe of the same path, to show how much of the time is the path's own.

box: record -> SQLite (FULL) -> MQTT -> collector: SQLite (FULL) -> MQTT -> box. No chain, seal, retry or screen.
Each side is a process of its own: `python -m benchmarks.probe {box|collector} ...`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

import aiomqtt

from benchmarks.bare import ROW_BYTES, WARM_UP, commit_row, durable_table, paced, remove_database
from benchmarks.broker import mqtt_client
from benchmarks.children import BenchError, Child

_ROOT = Path(__file__).resolve().parent.parent
_PUSH, _HAVE = "bench/push", "bench/have"
READY = "ready"
START_S_MAX = 10.0
DRAIN_S_MAX = 10.0


async def probe_latencies_ms(folder: Path, port: int, rate_per_s: float, count: int) -> list[float]:
    """From each record's planned time to its receipt at the box, in ms; the warm-up is left out."""
    module: list[str | Path] = [sys.executable, "-m", "benchmarks.probe"]
    collector = [*module, "collector", folder / "q-collector.db", str(port)]
    box = [*module, "box", folder / "q-box.db", str(port), "--rate", str(rate_per_s), "--count", str(count)]
    with Child(collector, folder / "q-collector.log", cwd=_ROOT) as far:
        await until_said(far, READY, START_S_MAX)
        with Child(box, folder / "q-box.log", cwd=_ROOT) as near:
            said = await until_said(near, "]", START_S_MAX + (WARM_UP + count) / rate_per_s + DRAIN_S_MAX)
    for side in ("q-box.db", "q-collector.db"):
        remove_database(folder / side)
    latencies: list[float] = json.loads(said)
    return latencies


async def until_said(child: Child, ending: str, timeout_s: float) -> str:
    """All that a side has said, when it ends like this; raises BenchError."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        said = child.log.read_text(encoding="utf-8").strip()
        if said.endswith(ending):
            return said
        child.check_alive()
        await asyncio.sleep(0.05)
    raise BenchError(f"run the probe: {child.log.name} did not end with {ending!r} after {timeout_s:g} s")


async def _box(path: Path, port: int, rate_per_s: float, count: int) -> list[float]:
    planned: dict[int, float] = {}
    received: dict[int, float] = {}

    async def take_receipts() -> None:
        async for message in client.messages:
            received[int(payload_of(message))] = time.perf_counter()
            if len(received) == WARM_UP + count:
                return

    with durable_table(path) as table:
        async with mqtt_client(port, "probe-box") as client:
            await client.subscribe(_HAVE, qos=1)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(take_receipts())
                async for number in paced(rate_per_s, WARM_UP + count):
                    planned[number] = time.perf_counter()
                    body = b"%d\n" % number + os.urandom(ROW_BYTES)
                    commit_row(table, body)
                    await client.publish(_PUSH, body, qos=1)
    return [(received[number] - planned[number]) * 1000 for number in range(WARM_UP, WARM_UP + count)]


async def _collector(path: Path, port: int) -> None:
    with durable_table(path) as table:
        async with mqtt_client(port, "probe-collector") as client:
            await client.subscribe(_PUSH, qos=1)
            print(READY, flush=True)
            async for message in client.messages:
                body = payload_of(message)
                commit_row(table, body)
                await client.publish(_HAVE, body.partition(b"\n")[0], qos=1)


def payload_of(message: aiomqtt.Message) -> bytes:
    """What came, as it was sent."""
    if not isinstance(message.payload, bytes):
        raise TypeError(f"payload of {message.topic} is {type(message.payload).__name__}, bytes were sent")
    return message.payload


def _main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.probe")
    parser.add_argument("side", choices=("box", "collector"))
    parser.add_argument("database", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--count", type=int, default=50)
    asked = parser.parse_args()
    if asked.side == "collector":
        asyncio.run(_collector(asked.database, asked.port))
    else:
        print(json.dumps(asyncio.run(_box(asked.database, asked.port, asked.rate, asked.count))), flush=True)


if __name__ == "__main__":
    _main()
