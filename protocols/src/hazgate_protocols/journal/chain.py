"""The hash chain. hash = H(prev || H(body)): a path through the chain is shown with 32 bytes a step.

The first record's parent is ROOT. The suite (H and the signature) is named in the first record and never changes.
"""

from __future__ import annotations

from hashlib import sha256

from hazgate_protocols.journal.suite import DEFAULT, Suite

SUITE = DEFAULT.name
ROOT = bytes(32)
HASH_BYTES = 32


def body_hash(body: bytes, suite: Suite = DEFAULT) -> bytes:
    """H(body): 32 bytes."""
    return suite.hash(body)


def link(prev: bytes, body: bytes, suite: Suite = DEFAULT) -> bytes:
    """The identity of a record with these canonical body bytes after the record (or ROOT) prev: 32 bytes."""
    # Every record of every box passes here: the default suite is spelled out, without a call through the suite.
    if suite is DEFAULT and len(prev) == HASH_BYTES:
        return sha256(prev + sha256(body).digest()).digest()
    return link_hash(prev, suite.hash(body), suite)


def link_hash(prev: bytes, hashed_body: bytes, suite: Suite = DEFAULT) -> bytes:
    """The same for a record of which only H(body) is shown."""
    if len(prev) != HASH_BYTES or len(hashed_body) != HASH_BYTES:
        raise ValueError(f"prev has {len(prev)} bytes, H(body) {len(hashed_body)}; a hash has {HASH_BYTES}")
    return sha256(prev + hashed_body).digest() if suite is DEFAULT else suite.hash(prev + hashed_body)
