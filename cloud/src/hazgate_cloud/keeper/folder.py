"""The folder of checkpoint files: written once, durably, never changed. Meant to be copied to another medium."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hazgate_cloud.domain.daily import file_name, number_in
from hazgate_protocols.journal.checkpoint import FILE_BYTES_MAX, Checkpoint, CheckpointError, decode

# What a file system without links says, such as a memory stick's or a network drive's.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class FolderError(Exception):
    """The folder cannot be used; the text says what failed and what to do."""


@dataclass(frozen=True, slots=True)
class File:
    """A file with a checkpoint's name. checkpoint None: trouble says why it cannot be read as one."""

    name: str
    number: int
    checkpoint: Checkpoint | None
    trouble: str = ""


class Folder:
    """A private folder (0700) of files (0600). Its methods block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, data: bytes) -> Path:
        """Writes a checkpoint's file so that a power cut leaves all of it or nothing. A file that is there stays: it
        has the same bytes, or FolderError is raised."""
        made = decode(data)
        wanted = self.path / file_name(made.said, made.hash)
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not wanted.exists():
                self._create(wanted, data)
            if wanted.read_bytes() != data:
                raise FolderError(
                    f"write {wanted}: another file of this name is there; keep it aside, it was changed or damaged"
                )
            _sync(self.path)
        except OSError as exc:
            raise FolderError(
                f"write {wanted}: {exc.strerror}; make the folder of `checkpoints` writable, or name another"
            ) from exc
        return wanted

    def newest_first(self) -> Iterator[File]:
        """Every file with a checkpoint's name. Raises FolderError when the folder is there and cannot be read."""
        try:
            names = sorted(
                ((number, item.name) for item in self.path.iterdir() if (number := number_in(item.name)) is not None),
                reverse=True,
            )
        except FileNotFoundError:
            return
        except OSError as exc:
            raise FolderError(f"read {self.path}: {exc.strerror}; give this account the right to read it") from exc
        for number, name in names:
            yield self._read(number, name)

    def _read(self, number: int, name: str) -> File:
        try:
            path = self.path / name
            if path.stat().st_size > FILE_BYTES_MAX:
                return File(name, number, None, f"larger than {FILE_BYTES_MAX} bytes")
            found = decode(path.read_bytes())
        except OSError as exc:
            return File(name, number, None, str(exc.strerror))
        except CheckpointError as exc:
            return File(name, number, None, str(exc))
        if file_name(found.said, found.hash) != name:
            return File(name, number, None, "its name is not that of its content: one of them was changed")
        return File(name, number, found)

    def _create(self, wanted: Path, data: bytes) -> None:
        draft = wanted.with_name(f".{wanted.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)  # left by a program of this number that was cut off
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, wanted)  # unlike a rename, never replaces a file that came to be meanwhile
            except FileExistsError:
                pass
            except OSError as exc:
                if exc.errno not in _NO_LINKS:
                    raise
                draft.rename(wanted)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
