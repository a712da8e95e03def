"""A file that only takes room, given up when the disk is full: so that what is saved can still be sent.

SQLite cannot even delete on a full disk (every change is first a write to its log). New weighings have long been
refused by then (the terminal stops them at a far higher mark); what still writes are receipts and print states.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger(__name__)

BALLAST_FILE = "ballast"
BALLAST_BYTES = 16 << 20  # four times the log's usual bound: receipts for years of backlog pass through it


class Ballast:
    """One file in the data folder. spare: bytes that must stay free beside it, or it is not laid."""

    def __init__(self, folder: Path, *, size: int = BALLAST_BYTES, spare: int) -> None:
        self._path = folder / BALLAST_FILE
        self._size = size
        self._spare = spare

    def lay(self) -> bool:
        """Lay it if there is room and it is not there; whether it is there now."""
        if self._path.exists():
            return True
        if shutil.disk_usage(self._path.parent).free < self._size + self._spare:
            return False
        fresh = self._path.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
            fresh.rename(self._path)
        except OSError as exc:
            log.warning("lay ballast %s: %s", self._path, exc)
            with contextlib.suppress(OSError):
                fresh.unlink()
            return False
        return True

    def release(self) -> bool:
        """Give its room up; whether there was any to give. Safe from any thread."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.warning("disk full: ballast %s given up so that sending can go on; make room", self._path)
        return True
