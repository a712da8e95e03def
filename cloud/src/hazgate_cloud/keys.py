"""The collector's own key: made on first use, in a file only its owner reads."""

from __future__ import annotations

import os
from pathlib import Path

from hazgate_protocols.journal.seal import KEY_BYTES, Signer


class KeyFileError(Exception):
    """The key file is there and cannot be used."""


def own_key(path: Path) -> Signer:
    """The key in the file; makes both when there is none. Raises KeyFileError rather than replace a damaged key."""
    if not path.exists():
        _create(path)
    try:
        return Signer.from_secret(bytes.fromhex(path.read_text().strip()))
    except (OSError, ValueError) as exc:
        raise KeyFileError(
            f"read key {path}: not {KEY_BYTES} bytes in hex ({exc}); restore it from the backup"
        ) from exc


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, Signer.generate().secret().hex().encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)  # unlike a rename, never replaces a key that another process made meanwhile
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
