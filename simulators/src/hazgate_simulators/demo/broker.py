"""A real mosquitto of our own: free port, private folder, accounts and rules when asked for."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

START_S_MAX = 15.0
PORTS = range(10_000, 32_000)  # below Linux's range for outgoing connections (32768 and up)
PORT_TRIES = 200
_GIVEN: set[int] = set()


class Mosquitto:
    """One broker. `accounts` (name: password) closes it to everybody else; `acl` is an acl_file's text, `settings` are
    further lines of its configuration, e.g. "max_queued_messages 10"."""

    def __init__(
        self,
        folder: Path,
        *,
        accounts: Mapping[str, str] | None = None,
        acl: str = "",
        settings: tuple[str, ...] = (),
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {self.port} {self.host}", "persistence false", "set_tcp_nodelay true", *settings]
        if os.geteuid() == 0:
            lines.append("user root")  # else it gives up its rights and can no longer read its private folder
        if accounts is None:
            lines.append("allow_anonymous true")
        else:
            lines += ["allow_anonymous false", f"password_file {self._passwords(accounts)}"]
        if acl:
            rules = folder / "acl"
            rules.write_text(acl)
            rules.chmod(0o600)
            lines.append(f"acl_file {rules}")
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self._program: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def pid(self) -> int:
        """Raises RuntimeError when it was not started."""
        if self._program is None:
            raise RuntimeError("mosquitto is not running")
        return self._program.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._program is not None and self._program.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it takes connections."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            return True
        return False

    def start(self, *, wait: bool = True) -> None:
        """Starts the broker; with wait, returns when it takes connections."""
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._log_from = log.tell()
            self._program = subprocess.Popen([_program("mosquitto"), "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S_MAX
        while wait and not self.ready:
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto did not start: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The end of what it wrote since it was started last."""
        with (self.folder / "mosquitto.log").open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode("utf-8", "replace")[-500:]

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in peace; nothing happens when it is not running."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """kill -9 and start again on the same port; sessions and queues are gone."""
        self.kill()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._program is not None:
            self._program.send_signal(how)
            self._program.wait(10)
            self._program = None

    def _passwords(self, accounts: Mapping[str, str]) -> Path:
        path = self.folder / "passwords"
        path.touch(0o600)
        path.chmod(0o600)
        for name, password in accounts.items():
            subprocess.run([_program("mosquitto_passwd"), "-b", str(path), name, password], check=True)
        return path


@contextlib.contextmanager
def running(broker: Mosquitto) -> Iterator[Mosquitto]:
    """The broker, started, and stopped afterwards."""
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def free_port() -> int:
    """A TCP port that is free and stays so until we come back to it, as far as anybody can tell.

    Not from the kernel's own range: there any client's connection may take it in the moment between.
    """
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        if port in _GIVEN:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _GIVEN.add(port)
            return port
    raise RuntimeError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop} in {PORT_TRIES} tries")


def _program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is not installed: apt-get install mosquitto")
    return path
