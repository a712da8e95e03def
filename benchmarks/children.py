"""Child processes of a benchmark: started in a session of their own, ended by their own id, weighed as a tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_S_MAX = 10.0
# Debian puts daemons where a user's PATH does not look.
_DAEMON_FOLDERS = "/usr/sbin:/usr/local/sbin"


class BenchError(RuntimeError):
    """A benchmark that could not be measured: operation, thing, cause, next step."""


class Child:
    """A running command with its output in a log file; leaving the context ends it and everything it started."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self.started_at = time.perf_counter()
            self._popen = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM to the whole session, SIGKILL after STOP_S_MAX."""
        self._signal(signal.SIGTERM)
        try:
            self._popen.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole session."""
        self._signal(signal.SIGKILL)
        self._popen.wait(STOP_S_MAX)

    def check_alive(self) -> None:
        """Raises BenchError with the end of its log when it has ended."""
        code = self._popen.poll()
        if code is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace")[-800:].strip()
            raise BenchError(f"run {self._popen.args!r}: it ended with {code}: {said or 'it said nothing'}")

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process tree in MiB. RSS counts shared pages in full, PSS by their share."""

    rss_mib: float
    pss_mib: float


def tree_memory(pid: int) -> Memory:
    """The sum over a process and all its descendants; raises BenchError when there is nothing to read."""
    totals_kib = {"Rss": 0, "Pss": 0}
    for member in tree_members(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks
        for line in lines:
            name, _, rest = line.partition(":")
            if name in totals_kib:
                totals_kib[name] += int(rest.split()[0])
    if not totals_kib["Rss"]:
        raise BenchError(f"weigh process {pid}: the kernel shows no memory of it; has it ended?")
    return Memory(totals_kib["Rss"] / 1024, totals_kib["Pss"] / 1024)


def tree_members(pid: int) -> list[int]:
    """The ids of a process and all its descendants."""
    members, to_visit = [], [pid]
    while to_visit:
        member = to_visit.pop()
        members.append(member)
        try:
            for thread in Path(f"/proc/{member}/task").iterdir():
                to_visit += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks
    return members


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, child: Child, timeout_s: float) -> float:
    """Seconds from the child's start until this loopback port accepts; raises BenchError."""
    while time.perf_counter() - child.started_at < timeout_s:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.2):
                return time.perf_counter() - child.started_at
        except OSError:
            child.check_alive()
            time.sleep(0.005)
    raise BenchError(f"wait for port {port}: nothing accepts after {timeout_s:g} s; see {child.log.name}")


def find_command(name: str, next_step: str) -> str:
    """The path of a command, daemons included; raises BenchError with the next step."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":" + _DAEMON_FOLDERS)
    if found is None:
        raise BenchError(f"find {name}: it is not installed; {next_step}")
    return found


def ensure_environment(folder: Path, requirements: Path, what: str, say: Callable[[str], None]) -> Path:
    """The interpreter of a virtual environment with these pins, for programs that are compared with ours; made once per
    version of the pins. `what`: the thing in words. Raises BenchError."""
    interpreter, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return interpreter
    say(f"installing {what} into its own environment")
    shutil.rmtree(folder, ignore_errors=True)
    pip: list[str | Path] = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", folder],
        [*pip, "--require-hashes", "-r", requirements],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"install {what}: {done.stderr.strip()[-800:]}; the package index must be reachable once")
    stamp.write_text(wanted, encoding="ascii")
    return interpreter
