"""The long fault runs, and their written result: `make soak`. Hours on a small machine; CI runs a seeded slice of each.

What each part does is said by its tests; they count what they did (tests/storage/depth.py), and a part that finds a
violation fails. The result is written to docs/operations/soak.md with seeds, times and the commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "docs" / "operations" / "soak.md"
FIRST_SEED = 1_000_000  # CI's worlds begin at 0
WORLD_RUNS = 8
KILL_RUNS = 3  # of a hundred each: a run has the label numbers of one day
PYTHON = sys.executable
HEAD = """<!-- Made by `make soak`; do not edit. -->

# The long fault runs

Every number is of runs on the real code in which an invariant was looked for and held; a violation is listed with its
seed, which brings it back. What the invariants are: [faults](faults.md), [limits](limits.md) and the tests named there.
"""


@dataclass(frozen=True)
class Part:
    """One long run: a command and the settings it is run with."""

    name: str
    command: tuple[str, ...]
    settings: dict[str, str]


@dataclass(frozen=True)
class Ended:
    """How a part ended; counts: what was done, how often, without a violation."""

    part: Part
    code: int
    took_s: float
    counts: dict[str, int]
    words: str


def parts(asked: argparse.Namespace) -> list[Part]:
    """Everything there is to run, the longest waits first."""
    pytest = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    soak = {"HAZGATE_SOAK": "1", "HAZGATE_SEED": str(asked.seed)}
    edits = {"HAZGATE_EDITS": str(asked.edits), "HAZGATE_SEED": str(asked.seed)}
    share = -(-asked.worlds // WORLD_RUNS)
    return [
        *(
            Part(
                f"kills {number + 1}",
                (*pytest, "tests/system/test_kills.py", "--timeout=7200"),
                {"HAZGATE_KILLS": str(-(-asked.kills // KILL_RUNS)), "HAZGATE_KILL_SEED": str(asked.seed + number)},
            )
            for number in range(KILL_RUNS)
        ),
        Part(
            "frames",
            (*pytest, "tests/profiles/test_fuzzed_frames.py", "--timeout=7200"),
            {**soak, "HAZGATE_FRAMES": str(asked.frames)},
        ),
        Part("storage", (*pytest, "tests/storage", "--timeout=7200"), soak),
        Part(
            "machines",
            (*pytest, "tests/edge/test_journal_machine.py", "tests/cloud/test_sync_world.py", "--timeout=7200"),
            soak,
        ),
        Part("edits", (*pytest, "tests/evidence/test_edits.py"), edits),
        Part("backlog", (*pytest, "tests/system/test_links.py", "--timeout=3600"), soak),
        *(
            Part(
                f"worlds {number + 1}",
                (PYTHON, "-m", "system.world", str(FIRST_SEED + asked.seed + number * share), str(share)),
                {},
            )
            for number in range(WORLD_RUNS)
        ),
    ]


def run(part: Part, folder: Path) -> Ended:
    """Run one part to its end; its words go to a file of the folder, which is named while it runs."""
    gathered, words = folder / f"{part.name}.jsonl", folder / f"{part.name}.txt"
    environment = {
        **os.environ,
        **part.settings,
        "HAZGATE_SOAK_COUNTS": str(gathered),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])),
    }
    print(f"{datetime.now(UTC):%H:%M:%S} {part.name}: begun, its words in {words}", flush=True)
    begun = time.monotonic()
    with words.open("w") as out:
        ended = subprocess.run(
            part.command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    took = time.monotonic() - begun
    counts: dict[str, int] = {}
    for line in gathered.read_text("utf-8").splitlines() if gathered.exists() else ():
        told = json.loads(line)
        counts[told["what"]] = counts.get(told["what"], 0) + told["runs"]
    how = "no violation" if ended.returncode == 0 else f"FAILED ({ended.returncode}), see {words}"
    print(f"{datetime.now(UTC):%H:%M:%S} {part.name}: {how}, {took / 60:.1f} min", flush=True)
    return Ended(part, ended.returncode, took, counts, words.read_text("utf-8", errors="replace"))


def report(ended: list[Ended], seed: int, commit: str) -> str:
    """The written result."""
    total: dict[str, int] = {}
    for one in ended:
        for what, runs in one.counts.items():
            total[what] = total.get(what, 0) + runs
    failed = [one for one in ended if one.code != 0]
    head = (
        f"Run {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at commit {commit}, seed {seed}, Python"
        f" {sys.version.split()[0]}: **{len(failed)} of {len(ended)} parts found a violation.**"
    )
    lines = [
        HEAD,
        head,
        "",
        "| what was done | how often | violations |",
        "|---|---|---|",
        *(f"| {what} | {runs:,} | 0 |" for what, runs in sorted(total.items())),
        "",
        "| part | took | result |",
        "|---|---|---|",
        *(
            f"| {one.part.name} | {one.took_s / 60:.1f} min | {'no violation' if one.code == 0 else 'VIOLATION'} |"
            for one in ended
        ),
        "",
    ]
    for one in failed:
        lines += [f"## {one.part.name}", "", "```", *one.words.splitlines()[-40:], "```", ""]
    return "\n".join(lines)


def main() -> int:
    """Run everything (or a small part of it) and write the result; 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=306, help="of running processes: box, collector, broker in turns")
    parser.add_argument("--frames", type=int, default=10_000_000, help="damaged scale frames, over all profiles")
    parser.add_argument("--edits", type=int, default=10_000, help="bytes changed in an evidence file, one at a time")
    parser.add_argument(
        "--only", nargs="*", default=[], help="parts to run: kills frames storage machines edits backlog worlds"
    )
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    folder = Path(tempfile.mkdtemp(prefix="hazgate-soak-"))
    chosen = [part for part in parts(asked) if not asked.only or part.name.split()[0] in asked.only]
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:  # the kills mostly wait
        ended = list(pool.map(lambda part: run(part, folder), chosen))
    asked.out.write_text(report(ended, asked.seed, commit), "utf-8")
    print(f"written: {asked.out}")
    return int(any(one.code != 0 for one in ended))


if __name__ == "__main__":
    sys.exit(main())
