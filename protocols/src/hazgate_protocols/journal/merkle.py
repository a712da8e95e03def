"""A hash tree over a list (the shape of RFC 6962, section 2.1): one of many thousand leaves is shown by some hashes.

A leaf hashes with 00 in front and a node with 01, so that no node can be passed off as a leaf. A node without a partner
moves up a level as it is. The tree over nothing is SHA-256 over nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hazgate_protocols.journal.chain import HASH_BYTES

_LEAF, _NODE = b"\0", b"\1"


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaves in their order: 32 bytes."""
    level = [hashlib.sha256(_LEAF + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes beside the way from leaf `index` (from 0) up to the root, the lowest first. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    level, out = [hashlib.sha256(_LEAF + leaf).digest() for leaf in leaves], []
    while len(level) > 1:
        if index ^ 1 < len(level):
            out.append(level[index ^ 1])
        level, index = _above(level), index // 2
    return tuple(out)


def root_of(leaf: bytes, index: int, size: int, beside: Sequence[bytes]) -> bytes:
    """The root that leaf `index` of `size` has with these hashes beside its way; raises ValueError when their number
    or length cannot belong to that leaf of such a tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} of a tree of {size}")
    found, left = hashlib.sha256(_LEAF + leaf).digest(), list(beside)
    while size > 1:
        if index ^ 1 < size:
            if not left or len(left[0]) != HASH_BYTES:
                raise ValueError(f"{len(beside)} hashes are not the way from leaf to root")
            other = left.pop(0)
            found = _node(other, found) if index % 2 else _node(found, other)
        index, size = index // 2, (size + 1) // 2
    if left:
        raise ValueError(f"{len(beside)} hashes are not the way from leaf to root")
    return found


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
