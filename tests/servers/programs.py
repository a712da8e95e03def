"""One of the project's commands as a process that a test can kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


class Program:
    """`module` has a main(); what it prints goes to a file in `folder`."""

    def __init__(self, module: str, arguments: list[str], folder: Path) -> None:
        self._command = [sys.executable, "-c", f"from {module} import main; main()", *arguments]
        self.log = folder / f"{module.rsplit('.', 1)[0]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; whether it is ready is for the caller to ask."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ends it in peace; its exit code, None when it was not running."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int | None:
        """Waits for it to end by itself; its exit code, None when it was not running."""
        code = None if self._process is None else self._process.wait(15)
        self._process = None
        return code

    def require_alive(self) -> None:
        """Raises with the end of its log when it is gone."""
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"{self._command[2]} is gone: {self.log.read_text()[-2000:]}")

    def _end(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(how)
        code = self._process.wait(15)
        self._process = None
        return code
