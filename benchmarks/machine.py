"""What the numbers were measured on, and how steady it was: a noise probe before and after the run."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.spread import Spread, percentile

SPIN_ROUNDS = 5
SPIN_S = 0.2
SYNC_COUNT = 200
SYNC_BYTES = 4096
# A run whose processor or disk moved by more than this between its start and its end should be repeated.
STEADY_WITHIN = 0.25


@dataclass(frozen=True, slots=True)
class Noise:
    """One probe: loop turns of one core (millions/s), time of a 4 KiB append with fdatasync (ms), 1-minute load."""

    spin_mops: Spread
    sync_ms_p50: float
    sync_ms_p99: float
    load: float


def probe_noise(folder: Path) -> Noise:
    """Measure for about two seconds, writing a scratch file in this folder."""
    spins = [_spin_mops() for _ in range(SPIN_ROUNDS)]
    waits_s = _sync_waits_s(folder / "noise.bin")
    return Noise(
        spin_mops=Spread.of(spins),
        sync_ms_p50=percentile(waits_s, 50) * 1000,
        sync_ms_p99=percentile(waits_s, 99) * 1000,
        load=os.getloadavg()[0],
    )


def is_steady(before: Noise, after: Noise) -> bool:
    """Whether processor and disk were within STEADY_WITHIN of each other before and after."""
    pairs = ((before.spin_mops.median, after.spin_mops.median), (before.sync_ms_p50, after.sync_ms_p50))
    return all(max(pair) <= min(pair) * (1 + STEADY_WITHIN) for pair in pairs)


def describe_machine(folder: Path, broker: str) -> dict[str, str]:
    """The parts that matter to the figures; no names or addresses of this machine."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True)
    version = subprocess.run([broker, "-h"], capture_output=True, text=True, check=False)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory_gib:.0f} GiB",
        "file system of the journals": kind.stdout.strip(),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "broker": version.stdout.splitlines()[0] if version.stdout else "unknown",
    }


def _spin_mops() -> float:
    turns, end = 0, time.perf_counter() + SPIN_S
    while time.perf_counter() < end:
        for _ in range(1000):
            turns += 1
    return turns / SPIN_S / 1e6


def _sync_waits_s(path: Path) -> list[float]:
    block, waits = os.urandom(SYNC_BYTES), []
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        for _ in range(SYNC_COUNT):
            start = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            waits.append(time.perf_counter() - start)
    finally:
        os.close(descriptor)
        path.unlink()
    return waits


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
