"""A PostgreSQL cluster of one's own: made in a second, without a port, ended and removed with its user.

Debian's server refuses to run as root, so that root hands its folder to the `postgres` account.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

USER = "hazgate"
START_S_MAX = 30.0
STOP_S_MAX = 30.0


class Cluster:
    """A server over a folder. Everything a commit promises is on, as it must be in production."""

    def __init__(self, folder: Path, *, settings: dict[str, str] | None = None) -> None:
        """Makes the cluster when the folder is empty; nothing runs before start(). The path must be short: the socket
        lies in it, and a socket's path has at most 107 bytes."""
        self.folder = folder
        self.files = folder / "data"
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._own(folder)
        if not self.files.exists():
            options = ["-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"]
            self._run("initdb", "-D", str(self.files), *options)
            rules = self.files / "pg_hba.conf"
            # The account `guarded` needs its password; everybody else who gets at the socket is its owner.
            rules.write_text(
                "local all guarded scram-sha-256\nlocal all all trust\nlocal replication all trust\n", "ascii"
            )

    @property
    def running(self) -> bool:
        """Whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str, user: str = USER) -> str:
        """The collector's address of a database."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Starts it and waits until it takes connections."""
        log = (self.folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    *_as_server(),
                    str(_bin("postgres")),
                    "-D",
                    str(self.files),
                    "-k",
                    str(self.folder),
                    *(f"-c{name}={value}" for name, value in ({"listen_addresses": ""} | self._settings).items()),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if _ready(self.folder):
                return
            time.sleep(0.02)
        raise RuntimeError(f"no PostgreSQL: {(self.folder / 'server.log').read_text('utf-8')[-2000:]}")

    def stop(self) -> None:
        """Ends it at once and in order: connections are cut, what was committed is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """kill -9 of all its processes at once, as a power cut does it to programs."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_S_MAX)
            self._process = None
            _wait_for_end_of_group(self.files)

    def back_up(self, folder: Path) -> Self:
        """A cluster over a physical copy of this one, as pg_basebackup makes it; not started."""
        self._own(folder)
        source = ["-h", str(self.folder), "-U", USER]
        self._run("pg_basebackup", *source, "-D", str(folder / "data"), "-X", "stream", "-c", "fast", "--no-sync")
        return type(self)(folder, settings=self._settings)

    def remove(self) -> None:
        """Ends it and deletes its folder."""
        if self.running:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(STOP_S_MAX)
        self._process = None

    def _own(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*_as_server(), str(_bin(program)), *arguments],
            capture_output=True,
            cwd=self.folder,
            env=_environment(),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-2000:]}")


def new_folder() -> Path:
    """An empty folder that the server's account can reach; in memory where that can be, for many small databases."""
    base = Path("/dev/shm")  # noqa: S108
    usable = os.access(base, os.W_OK) and shutil.disk_usage(base).free > 1 << 30
    return Path(tempfile.mkdtemp(prefix="hazgate-pg-", dir=base if usable else None))


def _as_server() -> list[str]:
    if os.geteuid() != 0:
        return []
    account = pwd.getpwnam("postgres")
    return ["setpriv", "--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]


def _bin(program: str) -> Path:
    """Debian keeps the server's programs beside the path, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    if not found:
        raise RuntimeError(f"{program} is not installed: apt-get install postgresql (tools/test does it)")
    return found[-1]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


def _wait_for_end_of_group(files: Path) -> None:
    """Each backend leaves in its own session; the next start fails while one holds the cluster's shared memory."""
    deadline = time.monotonic() + STOP_S_MAX
    while time.monotonic() < deadline:
        left = [pid for pid in Path("/proc").glob("[0-9]*") if _works_in(pid, files)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.name), signal.SIGKILL)
        time.sleep(0.01)
    raise RuntimeError("processes of the killed server do not end")


def _works_in(pid: Path, files: Path) -> bool:
    try:
        return (pid / "cwd").readlink() == files
    except OSError:
        return False


def _ready(folder: Path) -> bool:
    return subprocess.run([_bin("pg_isready"), "-q", "-h", folder], check=False, env=_environment()).returncode == 0
