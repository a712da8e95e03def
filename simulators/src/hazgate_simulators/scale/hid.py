"""A HID scale without USB: a named pipe that opens like /dev/hidraw and gives one report a read."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from hazgate_simulators.scale.links import LinkError, Receiver


class HidPipe:
    """A FIFO under a stable path; a report is written whole or not at all (it is far below PIPE_BUF).

    Nobody reads: the report is gone, as on the bus. stop() closes the pipe, which is what unplugging looks like to the
    reader, and removes the name. A path that is no FIFO is never touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: int | None = None
        self._started = False

    @property
    def address(self) -> str:
        return f"hid:{self.path}"

    @property
    def is_listened_to(self) -> bool:
        return self._started and self._open() is not None

    async def start(self, receive: Receiver) -> None:  # noqa: ARG002 nothing is ever asked of such a scale
        """Raises LinkError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_symlink() or self.path.exists():
                if not stat.S_ISFIFO(self.path.lstat().st_mode):
                    raise LinkError(f"open hid {self.path}: a file that is no pipe stands there; choose another path")
                self.path.unlink()
            os.mkfifo(self.path, 0o600)
        except OSError as exc:
            if isinstance(exc, LinkError):
                raise
            raise LinkError(f"open hid {self.path}: cannot make the pipe: {exc.strerror}") from exc
        self._started = True

    async def stop(self) -> None:
        self._close()
        if self._started:
            self._started = False
            with contextlib.suppress(OSError):
                self.path.unlink()

    def send(self, octets: bytes) -> bool:
        writer = self._open() if self._started else None
        if writer is None:
            return False
        try:
            return os.write(writer, octets) == len(octets)
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._close()
            return False

    def _open(self) -> int | None:
        """The pipe's writing end, once somebody reads."""
        if self._writer is None:
            try:
                self._writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as exc:
                if exc.errno not in (errno.ENXIO, errno.ENOENT):
                    raise
        return self._writer

    def _close(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None
