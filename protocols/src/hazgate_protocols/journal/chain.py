"""The hash chain. hash = H(prev || H(body)): a path through the chain is shown with 32 bytes a step.

The first record's parent is ROOT. The suite (H and the signature) is named in the first record and never changes.
"""

from __future__ import annotations

import hashlib

SUITE = "sha256+ed25519"
ROOT = bytes(32)
HASH_BYTES = 32


def body_hash(body: bytes) -> bytes:
    """H(body): 32 bytes."""
    return hashlib.sha256(body).digest()


def link(prev: bytes, body: bytes) -> bytes:
    """The identity of a record with these canonical body bytes after the record (or ROOT) prev: 32 bytes."""
    return link_hash(prev, hashlib.sha256(body).digest())


def link_hash(prev: bytes, hashed_body: bytes) -> bytes:
    """The same for a record of which only H(body) is shown."""
    if len(prev) != HASH_BYTES or len(hashed_body) != HASH_BYTES:
        raise ValueError(f"prev has {len(prev)} bytes, H(body) {len(hashed_body)}; a hash has {HASH_BYTES}")
    return hashlib.sha256(prev + hashed_body).digest()
