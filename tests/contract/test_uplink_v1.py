"""The frozen bytes of hz/1: what was once sent must mean the same for ever. See uplink/v1/README.md before editing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import ROOT, body_hash, link
from hazgate_protocols.journal.record import GENESIS, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer, chain_seal_holds, receipt_seal_holds
from hazgate_protocols.uplink import (
    Branch,
    Fetch,
    Have,
    Need,
    Note,
    Push,
    decode_answer,
    decode_fetch,
    decode_push,
    encode_fetch,
    encode_have,
    encode_need,
    encode_push,
)

FOLDER = Path(__file__).parent / "uplink" / "v1"
VALUES: dict[str, Any] = json.loads((FOLDER / "values.json").read_bytes())
BOX: str = VALUES["box"]
BOX_SIGNER = Signer.from_secret(bytes.fromhex(VALUES["box_secret"]))
COLLECTOR_SIGNER = Signer.from_secret(bytes.fromhex(VALUES["collector_secret"]))
HEADS = {name: bytes.fromhex(VALUES[name]["hash"]) for name in ("genesis", "weighing")}


def frozen(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


PUSHES = {
    "push-two-records": Push(
        token="5d41402a",
        prev=ROOT,
        bodies=(frozen("genesis.record"), frozen("weighing.record")),
        seal=bytes.fromhex(VALUES["weighing"]["seal"]),
        notes_after=0,
    ),
    "push-empty": Push(
        token="7d793037",
        prev=HEADS["weighing"],
        bodies=(),
        seal=bytes.fromhex(VALUES["weighing"]["seal"]),
        notes_after=2,
    ),
    "push-asks-other": Push(
        token="9ae0ea9e",
        prev=HEADS["genesis"],
        bodies=(),
        seal=bytes.fromhex(VALUES["genesis"]["seal"]),
        notes_after=2,
        ask_other=True,
    ),
}
NOTES = (
    Note(1, HEADS["weighing"], "unknown", "2024-03-15T01:02:09.000Z", text="HTTP status 500"),
    Note(2, HEADS["weighing"], "accepted", "2024-03-15T01:02:12.500Z", "0", "受理成功", "BD-2024-000123"),
)
HAVES = {
    "have-without-notes": Have("5d41402a", HEADS["weighing"], 2, "2024-03-15T01:02:04.012Z"),
    "have-with-notes": Have("7d793037", HEADS["weighing"], 2, "2024-03-15T01:02:04.012Z", NOTES),
}
REFILL: dict[str, Any] = json.loads((FOLDER / "values-refill.json").read_bytes())
OTHERS = {"have-with-other": Branch(HEADS["weighing"], 2), "have-without-other": None}
FETCH = Fetch("c4ca4238", HEADS["weighing"], 200)
GIVE = Push("c4ca4238", HEADS["genesis"], (frozen("weighing.record"),), bytes.fromhex(VALUES["weighing"]["seal"]))
NEED = Need("5d41402a", (HEADS["weighing"], HEADS["genesis"]))


@pytest.mark.parametrize(("name", "kind", "seq"), [("genesis", GENESIS, 1), ("weighing", WEIGHING, 2)])
def test_a_frozen_record_reads_and_writes_the_same_bytes(name: str, kind: str, seq: int) -> None:
    """Record -> bytes -> record."""
    data = frozen(f"{name}.record")
    record = Record.decode(data)
    assert (record.box, record.kind, record.seq) == (BOX, kind, seq)
    assert record.encode() == data


def test_the_frozen_genesis_names_suite_and_key() -> None:
    """What a collector needs of a box it has never seen."""
    body = Record.decode(frozen("genesis.record")).body
    assert body["suite"] == "sha256+ed25519"
    assert bytes.fromhex(body["public_key"]) == BOX_SIGNER.public() == bytes.fromhex(VALUES["box_public"])


def test_the_frozen_weighing_has_its_meaning() -> None:
    """Label, waste, weight."""
    body = Record.decode(frozen("weighing.record")).body
    weighing = WeighingBody.from_json(body)
    assert weighing.as_json() == body
    assert weighing.label == "91130606MA0TETT01H9002140820240315001"
    assert (weighing.waste_code, weighing.hazards, weighing.mass.text("kg", 2)) == ("900-214-08", ("T", "I"), "12.34")


@pytest.mark.parametrize(("name", "parent"), [("genesis", ROOT), ("weighing", HEADS["genesis"])])
def test_the_frozen_hashes_and_chain_seals_come_out_again(name: str, parent: bytes) -> None:
    """Body hash, chain hash, and the Ed25519 seal, which is the same every time for one key and text."""
    data = frozen(f"{name}.record")
    assert body_hash(data).hex() == VALUES[name]["body_hash"]
    assert link(parent, data) == HEADS[name]
    assert BOX_SIGNER.seal_chain(BOX, HEADS[name]).hex() == VALUES[name]["seal"]
    assert chain_seal_holds(BOX_SIGNER.public(), BOX, HEADS[name], bytes.fromhex(VALUES[name]["seal"]))


@pytest.mark.parametrize("name", PUSHES)
def test_a_frozen_push_means_what_it_meant(name: str) -> None:
    """The compressed sample decodes; its seal holds over its head."""
    push = decode_push(frozen(f"{name}.zst"))
    assert push == PUSHES[name]
    assert push.head() == HEADS["genesis" if name == "push-asks-other" else "weighing"]
    assert chain_seal_holds(BOX_SIGNER.public(), BOX, push.head(), push.seal)


@pytest.mark.parametrize("name", PUSHES)
def test_our_push_unpacks_to_the_frozen_lines(name: str) -> None:
    """Compressors differ, lines do not: sample and our own output unpack to the same bytes."""
    unpack = zstandard.ZstdDecompressor().decompress
    assert unpack(encode_push(PUSHES[name])) == frozen(f"{name}.plain")
    assert unpack(frozen(f"{name}.zst")) == frozen(f"{name}.plain")


@pytest.mark.parametrize("name", HAVES)
def test_a_frozen_receipt_means_what_it_meant_and_is_written_the_same(name: str) -> None:
    """Bytes, meaning and seal."""
    have = replace(HAVES[name], seal=bytes.fromhex(VALUES[name]["seal"]))
    assert decode_answer(frozen(f"{name}.json")) == have
    assert encode_have(have) == frozen(f"{name}.json")
    assert COLLECTOR_SIGNER.seal_receipt(have.signed_bytes()) == have.seal
    assert receipt_seal_holds(bytes.fromhex(VALUES["collector_public"]), have.signed_bytes(), have.seal)


def test_the_frozen_need_means_what_it_meant_and_is_written_the_same() -> None:
    """Bytes and meaning."""
    assert decode_answer(frozen("need.json")) == NEED
    assert encode_need(NEED) == frozen("need.json")


@pytest.mark.parametrize("name", OTHERS)
def test_a_frozen_answer_about_another_branch_means_what_it_meant(name: str) -> None:
    """Bytes, meaning, and two seals, of which the older one is over the older keys alone."""
    seal, other_seal = (bytes.fromhex(REFILL[name][key]) for key in ("seal", "other_seal"))
    plain = Have("9ae0ea9e", HEADS["genesis"], 1, "2024-03-15T01:02:04.012Z")
    have = replace(plain, seal=seal, other=OTHERS[name], other_seal=other_seal)
    assert decode_answer(frozen(f"{name}.json")) == have
    assert encode_have(have) == frozen(f"{name}.json")
    assert have.signed_bytes() == plain.signed_bytes()
    public = bytes.fromhex(VALUES["collector_public"])
    assert receipt_seal_holds(public, have.signed_bytes(), seal)
    assert receipt_seal_holds(public, have.other_bytes(), other_seal)


def test_the_frozen_fetch_and_give_mean_what_they_meant() -> None:
    """Bytes and meaning; a give is a push in every byte."""
    assert decode_fetch(frozen("fetch.json")) == FETCH
    assert encode_fetch(FETCH) == frozen("fetch.json")
    assert decode_push(frozen("give.zst")) == GIVE
    assert GIVE.head() == FETCH.upto
    unpack = zstandard.ZstdDecompressor().decompress
    assert unpack(encode_push(GIVE)) == unpack(frozen("give.zst")) == frozen("give.plain")
