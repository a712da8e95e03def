"""`python -m benchmarks [names ...] [--rounds N] [--write]`: measure, print, and with --write keep."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.bench import Bench
from benchmarks.broker import broker_command
from benchmarks.children import BenchError
from benchmarks.figure import Figure, is_failed
from benchmarks.machine import describe_machine, is_steady, probe_noise
from benchmarks.suites import SUITES

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
ROUNDS_MAX = 50


class Raw:
    """Every number as it came, one JSON object a line, flushed at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, what: str, **numbers: Any) -> None:
        """Append one line."""
        plain = {
            key: dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
            for key, value in numbers.items()
        }
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"what": what, **plain}) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every goal was reached, 1 when one was missed or could not be measured, 2 for wrong arguments."""
    asked = _parse(arguments)
    at = datetime.now(UTC)
    folder = ROOT / "var" / "bench"
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    raw = Raw(folder / f"{at:%Y%m%dT%H%M%SZ}.jsonl")
    machine = describe_machine(scratch, broker_command())
    before = probe_noise(scratch)
    raw.keep("machine", machine=machine, noise=before)
    bench = Bench(scratch, folder / "peer", asked.rounds, lambda text: print(f"  {text}", flush=True), raw.keep)
    figures: list[Figure] = []
    for name in asked.names or list(SUITES):
        print(f"{name}:", flush=True)
        try:
            figures += SUITES[name](bench)
        except BenchError as exc:  # the other figures are worth having; this one counts as failed
            figures.append(Figure(name, f"Suite {name}", "", (), missing=str(exc)))
    after = probe_noise(scratch)
    raw.keep("noise", noise=after)
    shutil.rmtree(scratch)
    print("\n".join(report.table(figures)))
    if not is_steady(before, after):
        print("noisy: processor or disk changed during the run; repeat on a quiet machine")
    if asked.write:
        text = report.page(figures, at=at, machine=machine, noise=(before, after), suites=list(SUITES))
        for path in report.write(ROOT / "docs", text, figures):
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if is_failed(figures) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of: {', '.join(SUITES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"1 to {ROUNDS_MAX} (default: {ROUNDS})")
    parser.add_argument("--write", action="store_true", help="renew docs/performance.md and its pictures")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in SUITES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(SUITES)}")
    if not 1 <= asked.rounds <= ROUNDS_MAX:
        parser.error(f"--rounds {asked.rounds}: 1 to {ROUNDS_MAX} are allowed")
    return asked


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as exc:
        sys.exit(f"benchmarks: {exc}")
