"""The frozen bytes of hz/1 in the suite sm3+sm2. See uplink/v1-sm3-sm2/README.md before editing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hazgate_protocols.journal.chain import ROOT, body_hash, link
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer, chain_seal_holds, receipt_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2
from hazgate_protocols.uplink import Have, Push, decode_answer, decode_push, encode_have, encode_push
from protocols import sm2_by_hand

FOLDER = Path(__file__).parent / "uplink" / "v1-sm3-sm2"
VALUES: dict[str, Any] = json.loads((FOLDER / "values.json").read_bytes())
BOX: str = VALUES["box"]
BOX_SIGNER = Signer.from_secret(bytes.fromhex(VALUES["box_secret"]), SM3_SM2)
COLLECTOR_SIGNER = Signer.from_secret(bytes.fromhex(VALUES["collector_secret"]), SM3_SM2)
HEADS = {name: bytes.fromhex(VALUES[name]["hash"]) for name in ("genesis", "weighing")}


def frozen(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_the_frozen_keys_come_out_of_their_secrets() -> None:
    """65 bytes, 04 first; Z as GB/T 32918.2 defines it."""
    assert BOX_SIGNER.public().hex() == VALUES["box_public"]
    assert COLLECTOR_SIGNER.public().hex() == VALUES["collector_public"]
    assert sm2_by_hand.z(BOX_SIGNER.public()).hex() == VALUES["z_of_box"]


def test_the_frozen_genesis_names_suite_and_key() -> None:
    """And reads and writes the same bytes."""
    record = Record.decode(frozen("genesis.record"))
    assert record.encode() == frozen("genesis.record")
    assert (record.body["suite"], record.body["public_key"]) == ("sm3+sm2", VALUES["box_public"])


@pytest.mark.parametrize(("name", "parent"), [("genesis", ROOT), ("weighing", HEADS["genesis"])])
def test_the_frozen_hashes_come_out_again_and_the_seals_hold(name: str, parent: bytes) -> None:
    """Body hash, chain hash, a seal made elsewhere, and one of ours for whoever verifies by hand."""
    data, seal = frozen(f"{name}.record"), bytes.fromhex(VALUES[name]["seal"])
    assert body_hash(data, SM3_SM2).hex() == VALUES[name]["body_hash"]
    assert link(parent, data, SM3_SM2) == HEADS[name]
    assert chain_seal_holds(BOX_SIGNER.public(), BOX, HEADS[name], seal)
    assert not chain_seal_holds(BOX_SIGNER.public(), BOX, HEADS[name], seal[::-1])
    text = b"hazgate chain seal v1\0" + BOX.encode() + b"\0" + HEADS[name]
    assert sm2_by_hand.holds(BOX_SIGNER.public(), text, BOX_SIGNER.seal_chain(BOX, HEADS[name]))


def test_the_frozen_push_means_what_it_meant() -> None:
    """Its seal holds over its head in its own suite, and in no other; ours unpacks to the same lines."""
    push = decode_push(frozen("push-two-records.zst"))
    bodies = (frozen("genesis.record"), frozen("weighing.record"))
    assert push == Push("5d41402a", ROOT, bodies, bytes.fromhex(VALUES["weighing"]["seal"]), 0)
    assert push.head(SM3_SM2) == HEADS["weighing"] != push.head(DEFAULT)
    assert chain_seal_holds(BOX_SIGNER.public(), BOX, push.head(SM3_SM2), push.seal)
    assert not chain_seal_holds(BOX_SIGNER.public(), BOX, push.head(DEFAULT), push.seal)
    unpack = zstandard.ZstdDecompressor().decompress
    assert unpack(encode_push(push)) == unpack(frozen("push-two-records.zst")) == frozen("push-two-records.plain")


def test_the_frozen_receipt_means_what_it_meant() -> None:
    """Bytes, meaning and seal."""
    seal = bytes.fromhex(VALUES["have-without-notes"]["seal"])
    have = Have("5d41402a", HEADS["weighing"], 2, "2024-03-15T01:02:04.012Z", seal=seal)
    assert decode_answer(frozen("have-without-notes.json")) == have
    assert encode_have(have) == frozen("have-without-notes.json")
    assert receipt_seal_holds(COLLECTOR_SIGNER.public(), have.signed_bytes(), seal)
