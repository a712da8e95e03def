"""The tree over a list, against RFC 6962's own recursion."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.journal import merkle

LEAVES = st.lists(st.binary(max_size=8), max_size=40)
SOME = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + by_the_book(leaves[:half]) + by_the_book(leaves[half:])).digest()


@given(LEAVES)
def test_the_root_is_that_of_the_rfc(leaves: list[bytes]) -> None:
    """For every length, also zero and odd ones."""
    assert merkle.root(leaves) == by_the_book(leaves)


@given(SOME, st.data())
def test_a_path_leads_its_leaf_to_the_root_and_no_other(leaves: list[bytes], draw: st.DataObject) -> None:
    """At most log2(n) hashes; another leaf, place or size gives another root or none."""
    index = draw.draw(st.integers(0, len(leaves) - 1))
    path = merkle.path(leaves, index)
    root = merkle.root(leaves)
    assert len(path) <= (len(leaves) - 1).bit_length()
    assert merkle.root_of(leaves[index], index, len(leaves), path) == root
    assert merkle.root_of(leaves[index] + b"x", index, len(leaves), path) != root
    for at in range(len(path)):
        changed = (*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :])
        assert merkle.root_of(leaves[index], index, len(leaves), changed) != root
    for wrong in (path[:-1] if path else (bytes(32),), (*path, bytes(32))):
        with pytest.raises(ValueError, match="way from leaf to root"):
            merkle.root_of(leaves[index], index, len(leaves), wrong)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=20))
def test_a_node_is_no_leaf(leaves: list[bytes]) -> None:
    """Two leaves' hashes side by side are not a leaf with the same root: the prefixes keep them apart."""
    hashed = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    pairs = [b"".join(hashed[at : at + 2]) for at in range(0, len(hashed), 2)]
    assert merkle.root(pairs) != merkle.root(leaves)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_place_outside_the_tree_is_refused(index: int, size: int) -> None:
    """Both when making a path and when following one."""
    with pytest.raises(IndexError):
        merkle.path([b"x"] * size, index)
    with pytest.raises(ValueError, match="of a tree of"):
        merkle.root_of(b"x", index, size, ())
