"""The collector's own keys, one a suite: made on first use, each in a file only its owner reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hazgate_protocols.journal.seal import KEY_BYTES, Signer
from hazgate_protocols.journal.suite import DEFAULT, Suite


class KeyFileError(Exception):
    """The key file is there and cannot be used."""


def own_key(path: Path, suite: Suite = DEFAULT) -> Signer:
    """The key in the file; makes both when there is none. Raises KeyFileError rather than replace a damaged key, and
    SuiteMissingError."""
    if not path.exists():
        _create(path, suite)
    try:
        return Signer.from_secret(bytes.fromhex(path.read_text().strip()), suite)
    except (OSError, ValueError) as exc:
        raise KeyFileError(
            f"read key {path}: not {KEY_BYTES} bytes in hex ({exc}); restore it from the backup"
        ) from exc


class Keyring:
    """The signer of each suite, read (or made) when it is first wanted and then kept."""

    def __init__(self, key_file_of: Callable[[Suite], Path]) -> None:
        self._key_file_of = key_file_of
        self._signers: dict[str, Signer] = {}

    def of(self, suite: Suite) -> Signer:
        """Raises KeyFileError, SuiteMissingError."""
        if suite.name not in self._signers:
            self._signers[suite.name] = own_key(self._key_file_of(suite), suite)
        return self._signers[suite.name]


def _create(path: Path, suite: Suite) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, Signer.generate(suite).secret().hex().encode() + b"\n")
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
