"""The box's key: made on first use, 0600, never logged, never sent."""

from __future__ import annotations

import os
from pathlib import Path

from hazgate_protocols.journal.seal import KEY_BYTES, Signer
from hazgate_protocols.journal.suite import DEFAULT, SHA256_ED25519, SM3_SM2, Suite

# One secret is never used in two suites.
KEY_FILES = {SHA256_ED25519.name: "box.key", SM3_SM2.name: "box-sm2.key"}
KEY_FILE = KEY_FILES[DEFAULT.name]


class IdentityError(Exception):
    """The key file is unusable; the text says which and what to do."""


def load_or_make(data_folder: Path, suite: Suite = DEFAULT) -> Signer:
    """The signer of this box in a suite. Raises IdentityError for a damaged or readable-by-others key file,
    SuiteMissingError."""
    path = data_folder / KEY_FILES[suite.name]
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        return _make(path, suite)
    if len(secret) != KEY_BYTES:
        raise IdentityError(
            f"read key {path}: {len(secret)} bytes, {KEY_BYTES} are wanted; restore it from your backup"
        )
    if path.stat().st_mode & 0o077:
        raise IdentityError(f"read key {path}: others may read it; run: chmod 600 {path}")
    try:
        return Signer.from_secret(secret, suite)
    except ValueError as exc:
        raise IdentityError(f"read key {path}: {exc}; restore it from your backup") from exc


def _make(path: Path, suite: Suite) -> Signer:
    signer = Signer.generate(suite)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, signer.secret())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return signer
