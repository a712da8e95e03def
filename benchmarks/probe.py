"""Q: the bare probe of the path box, broker, collector and back, to show how much of the time is the path's own.

record -> SQLite (WAL, FULL, group commit) -> pages as JSON in zstd, eight in flight -> MQTT -> asyncpg, one upsert a
page into PostgreSQL, committed -> receipt -> MQTT -> the box deletes. No chain, seal, check, projection, retry, screen.
Each side is a process of its own: probe_box.py and probe_collector.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bare import WARM_UP, remove_database
from benchmarks.children import BenchError, Child
from benchmarks.server import LIMIT_DATABASE

_ROOT = Path(__file__).resolve().parent.parent
READY = "ready"
START_S_MAX = 20.0
DRAIN_S_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Where Q runs. asyncpg: the interpreter of the environment that has it; server: the folder of PostgreSQL's socket;
    port: the broker's."""

    folder: Path
    asyncpg: Path
    server: Path
    port: int

    async def latencies_ms(self, rate_per_s: float, count: int) -> list[float]:
        """From each record's planned time to its receipt at the box, in ms; the warm-up is left out."""
        offered_s = (WARM_UP + count) / rate_per_s
        said = await self._said_by_box(["pace", "--rate", rate_per_s, "--count", WARM_UP + count], offered_s)
        latencies: list[float] = said["latencies_ms"]
        return latencies[WARM_UP:]

    async def drained_per_s(self, backlog: int) -> float:
        """Records a second from the first page sent until the receipt for the last is at the box."""
        said = await self._said_by_box(["drain", "--count", backlog], DRAIN_S_MAX)
        return backlog / float(said["took_s"])

    async def _said_by_box(self, how: list[object], takes_s: float) -> dict[str, Any]:
        path = self.folder / "q-box.db"
        command = [sys.executable, "-m", "benchmarks.probe_box", path, self.port, *how]
        try:
            async with self._collector(), _running(self.folder, "box", command) as box:
                said: dict[str, Any] = json.loads(await until_said(box, "}", START_S_MAX + takes_s))
                return said
        finally:
            remove_database(path)

    @asynccontextmanager
    async def _collector(self) -> AsyncIterator[None]:
        """In this interpreter, with the other environment's packages behind its own."""
        (packages,) = self.asyncpg.parent.parent.glob("lib/python*/site-packages")
        command = [sys.executable, "-m", "benchmarks.probe_collector", packages, self.server, LIMIT_DATABASE, self.port]
        async with _running(self.folder, "collector", command) as collector:
            await until_said(collector, READY, START_S_MAX)
            yield


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


@asynccontextmanager
async def _running(folder: Path, side: str, command: list[object]) -> AsyncIterator[Child]:
    paths = {"PYTHONPATH": os.pathsep.join(path for path in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if path)}
    with Child([str(word) for word in command], folder / f"q-{side}.log", env=paths, cwd=folder) as child:
        yield child
