"""The hash chain and its seals, against values computed by hand from the definitions."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.journal.chain import ROOT, body_hash, link
from hazgate_protocols.journal.seal import SEAL_BYTES, Signer, chain_seal_holds, receipt_seal_holds

# RFC 8032, section 7.1, test 1: the key pair every implementation knows.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
HEAD = bytes(range(32))


def test_the_chain_is_the_hash_of_parent_and_body_hash() -> None:
    """hash = SHA-256(prev || SHA-256(body)); frozen values."""
    assert body_hash(b"{}").hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert link(ROOT, b"{}") == hashlib.sha256(bytes(32) + hashlib.sha256(b"{}").digest()).digest()
    assert link(ROOT, b"{}").hex() == "961af672d320bfb80e482edf9e092930b12b6f10f28ac4913d1d64c49219da68"
    assert link(link(ROOT, b"{}"), b"[]").hex() == "0e2598ce45d46c90552ddd59940dca652bf9aa0dc3371d9813fe88c10db1ab0c"


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.data())
def test_any_change_anywhere_changes_the_head(bodies: list[bytes], data: st.DataObject) -> None:
    """Altered, removed, inserted: the head is another one."""

    def head(chain: list[bytes]) -> bytes:
        at = ROOT
        for body in chain:
            at = link(at, body)
        return at

    at = data.draw(st.integers(0, len(bodies) - 1))
    altered = [*bodies[:at], bodies[at] + b"x", *bodies[at + 1 :]]
    removed = [*bodies[:at], *bodies[at + 1 :]]
    inserted = [*bodies[:at], b"x", *bodies[at:]]
    assert len({head(chain) for chain in (bodies, altered, removed, inserted)}) == 4


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_parent_of_another_length_is_our_own_misuse(length: int) -> None:
    """A shifted border between parent and body hash cannot be hashed."""
    with pytest.raises(ValueError, match="bytes"):
        link(bytes(length), b"{}")


def test_the_seals_sign_exactly_the_bytes_the_contract_names() -> None:
    """Checked with the bare signature library, so that another implementation can do the same."""
    signer = Signer.from_secret(SECRET)
    assert signer.public() == PUBLIC
    assert signer.secret() == SECRET
    bare = Ed25519PublicKey.from_public_bytes(PUBLIC)
    bare.verify(signer.seal_chain("box-1", HEAD), b"hazgate chain seal v1\0" + b"box-1" + b"\0" + HEAD)
    bare.verify(signer.seal_receipt(b'{"v":1}'), b"hazgate receipt seal v1\0" + b'{"v":1}')
    assert signer.seal_chain("box-1", HEAD).hex() == (
        "5edaeb355ff27de0ee7ca23d2ad9dcf7ee719525dbdae692f630b9afff08d827"
        "77cffb7f3e94de74a95a2839ede4051fdf6b3a61a6fc799dd4a0f6099f838205"
    )
    assert signer.seal_receipt(b'{"v":1}').hex() == (
        "ff1b481f9a9c51310d2bf8fe8a74188ea1462920295f8319c49045232ad4cbcc"
        "dcb94879f036b7a07c706627d54eea936704c1ce7c0fddbe339ff1c1d898240d"
    )


def test_a_seal_holds_for_its_own_key_box_and_head_only() -> None:
    """Any other one of the three and it does not."""
    signer, other = Signer.from_secret(SECRET), Signer.generate()
    seal = signer.seal_chain("box-1", HEAD)
    assert len(seal) == SEAL_BYTES
    assert chain_seal_holds(PUBLIC, "box-1", HEAD, seal)
    assert not chain_seal_holds(other.public(), "box-1", HEAD, seal)
    assert not chain_seal_holds(PUBLIC, "box-2", HEAD, seal)
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD[::-1], seal)
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD, seal[::-1])


def test_one_kind_of_seal_never_passes_for_the_other() -> None:
    """Even over the very bytes the other kind would sign."""
    signer = Signer.from_secret(SECRET)
    assert receipt_seal_holds(PUBLIC, HEAD, signer.seal_receipt(HEAD))
    assert not receipt_seal_holds(PUBLIC, HEAD, signer.seal_chain("box-1", HEAD))
    assert not receipt_seal_holds(PUBLIC, b"box-1\0" + HEAD, signer.seal_chain("box-1", HEAD))
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD, signer.seal_receipt(HEAD))
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD, signer.seal_receipt(b"box-1\0" + HEAD))


@given(st.binary(max_size=70), st.binary(max_size=40))
def test_odd_seals_and_keys_do_not_hold_and_do_not_raise(seal: bytes, public: bytes) -> None:
    """Both come from outside."""
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD, seal)
    assert not receipt_seal_holds(PUBLIC, HEAD, seal)
    assert not chain_seal_holds(public, "box-1", HEAD, Signer.from_secret(SECRET).seal_chain("box-1", HEAD))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    """A damaged key file is not used."""
    with pytest.raises(ValueError, match="32"):
        Signer.from_secret(bytes(length))
