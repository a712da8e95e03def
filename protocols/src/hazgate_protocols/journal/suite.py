"""Suites: which hash and which signature a chain is made of. Named in its first record, never changed in it.

A public key tells its suite by its length, so that whoever holds a key needs no name beside it. Hashes are 32 bytes and
seals 64 in every suite.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256


class SuiteMissingError(Exception):
    """This machine's OpenSSL cannot do what a suite needs; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Suite:
    """hash: bytes to 32 bytes; raises SuiteMissingError. public_key_bytes: how long its public keys are."""

    name: str
    hash: Callable[[bytes], bytes]
    public_key_bytes: int


def _sha256(content: bytes) -> bytes:
    return sha256(content).digest()


def _sm3(content: bytes) -> bytes:
    try:
        return hashlib.new("sm3", content).digest()
    except ValueError as exc:
        raise SuiteMissingError("this OpenSSL has no SM3") from exc


SHA256_ED25519 = Suite("sha256+ed25519", _sha256, 32)
SM3_SM2 = Suite("sm3+sm2", _sm3, 65)  # GB/T 32905, GB/T 32918; the key is 04, x, y
DEFAULT = SHA256_ED25519
SUITES = {suite.name: suite for suite in (SHA256_ED25519, SM3_SM2)}


def suite_named(name: object) -> Suite | None:
    """The suite of this name, None for anything else."""
    return SUITES.get(name) if isinstance(name, str) else None


def suite_of_key(public: bytes) -> Suite | None:
    """The suite whose public keys have this length, None when none has."""
    return next((suite for suite in SUITES.values() if suite.public_key_bytes == len(public)), None)


def require_suite(suite: Suite) -> None:
    """Raises SuiteMissingError unless this machine can do the suite."""
    suite.hash(b"")
    if suite is SM3_SM2:
        from hazgate_protocols.journal import sm2  # loads a library that the default suite never needs

        sm2.require()
