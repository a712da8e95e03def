"""Running the weighing program under strace (Debian package): to kill it, to fail its disk, or to write down what it
does to its files. Only the journal's files, their folder and the program's own words are looked at.

strace counts calls for each thread apart (`when=`): opening is done by the main thread, weighing by the writer's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHANGES = "pwrite64,write,fsync,fdatasync,ftruncate,unlink,rename,openat"
DATABASE = "journal.sqlite3"
FILES = tuple(f"{DATABASE}{part}" for part in ("", "-wal", ".new", ".new-wal"))
RUN_S_MAX = 60
TESTS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Said:
    """What a run told the world before it ended."""

    code: int  # negative: ended by that signal
    lines: tuple[str, ...]
    errors: str

    @property
    def saved(self) -> dict[str, str]:
        """Press key -> label number, as the operator was told."""
        return {line.split()[1]: line.split()[2] for line in self.lines if line.startswith("saved ")}

    @property
    def printed(self) -> dict[str, str]:
        """Press key -> label number whose bytes the printer has."""
        return {line.split()[1]: line.split()[2] for line in self.lines if line.startswith("printed ")}

    @property
    def refused(self) -> dict[str, str]:
        """Press key -> why, as the operator was told."""
        return {line.split()[1]: line.split()[2] for line in self.lines if line.startswith("refused ")}


def run(folder: Path, *options: str, strace: tuple[str, ...] = (), only: tuple[str, ...] | None = None) -> Said:
    """Run the weighing program on a folder. With strace options it runs traced, on the journal's files alone
    (or those of `only`). Raises FileNotFoundError without strace, TimeoutExpired after a minute."""
    words = folder.parent / f"{folder.name}.said"
    program = [sys.executable, "-m", "storage.program", str(folder), *options]
    command = program
    if strace:
        files = [folder / name for name in only or FILES]
        looked_at = files if only else [*files, folder, words]
        watched = [part for path in looked_at for part in ("-P", str(path))]
        command = ["strace", "-f", "-qq", *watched, *strace, *program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    with words.open("wb") as out:
        ended = subprocess.run(
            command, stdout=out, stderr=subprocess.PIPE, timeout=RUN_S_MAX, check=False, env=environment
        )
    return Said(ended.returncode, tuple(words.read_text("utf-8").splitlines()), ended.stderr.decode(errors="replace"))


def killed_at(folder: Path, call: int, *options: str) -> Said:
    """Run until a thread is about to make its call-th change (counted from 1), and kill it there."""
    log = folder.parent / f"{folder.name}.trace"
    inject = f"inject={CHANGES}:signal=KILL:when={call}"
    return run(folder, *options, strace=("-o", str(log), "-e", f"trace={CHANGES}", "-e", inject))


def failing(
    folder: Path, calls: str, error: str, when: str, *options: str, only: tuple[str, ...] | None = None
) -> Said:
    """Run with the named calls failing with an error for those counted by `when` (as strace writes it: 3, 3+, 3..9)."""
    log = folder.parent / f"{folder.name}.trace"
    inject = f"inject={calls}:error={error}:when={when}"
    return run(folder, *options, strace=("-o", str(log), "-e", f"trace={calls}", "-e", inject), only=only)


def recorded(folder: Path, *options: str) -> tuple[Said, Path]:
    """Run to the end and write down every change with its bytes; the second is strace's log."""
    log = folder.parent / f"{folder.name}.trace"
    trace = f"trace={CHANGES},close"
    return run(folder, *options, strace=("-o", str(log), "-xx", "-s", "100000", "-e", trace)), log


def changes_by_thread(log: Path) -> dict[str, int]:
    """How many changes each thread made in a traced run."""
    counted: dict[str, int] = {}
    for line in log.read_text("utf-8").splitlines():
        thread, call = line.split(maxsplit=1)
        if call.split("(")[0] in CHANGES.split(","):
            counted[thread] = counted.get(thread, 0) + 1
    return counted
