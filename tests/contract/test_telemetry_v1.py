"""The frozen bytes of hz/1's samples. See uplink/v1/README.md before editing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hazgate_protocols.journal.seal import Signer, chain_seal_holds, receipt_seal_holds, telemetry_seal_holds
from hazgate_protocols.journal.suite import DEFAULT
from hazgate_protocols.uplink import MalformedError, decode_answer, telemetry, topics
from hazgate_protocols.uplink.telemetry import (
    Batch,
    PointFacts,
    Sample,
    Took,
    decode_tele,
    decode_took,
    encode_tele,
    encode_took,
)

FOLDER = Path(__file__).parent / "uplink" / "v1"
VALUES: dict[str, Any] = json.loads((FOLDER / "values-telemetry.json").read_bytes())
DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire" / "telemetry.md").read_text("utf-8")
BOX = "box-0001"
BOX_SIGNER = Signer.from_secret(bytes(range(32)))
COLLECTOR_SIGNER = Signer.from_secret(bytes(range(32, 64)))
DIGEST = VALUES["profile_digest"]
BATCH = Batch(
    "00112233445566aa",
    41,
    (
        Sample("fan.pressure", "2024-03-15T01:02:04.012Z", "452.5", "ok"),
        Sample("voc.nmhc", "2024-03-15T01:02:05.000Z", "60.5", "limits", "2024-03-15T01:02:00.000Z"),
        Sample("voc.nmhc", "2024-03-15T01:07:05.000Z", None, "error", "2024-03-15T01:07:00.000Z", "Flag=D"),
    ),
    {
        "fan.pressure": PointFacts(
            "Pa", "风机压差", "Fan pressure difference", "example-exhaust-fan", DIGEST, "150", "1200"
        ),
        "voc.nmhc": PointFacts(
            "mg/m3", "非甲烷总烃", "Non-methane hydrocarbons", "example-voc-monitor", DIGEST, None, "60"
        ),
    },
)
TOOK = Took("00112233445566aa", 43, "2024-03-15T01:07:06.500Z", bytes.fromhex(VALUES["took_seal"]))
unpack = zstandard.ZstdDecompressor().decompress


def frozen(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_the_frozen_batch_means_what_it_meant_and_is_written_the_same() -> None:
    """Bytes, meaning and seal."""
    assert decode_tele(frozen("tele.zst"), BOX, BOX_SIGNER.public(), DEFAULT) == BATCH
    assert unpack(encode_tele(BATCH, BOX, BOX_SIGNER)) == unpack(frozen("tele.zst")) == frozen("tele.plain")
    digest, seal = bytes.fromhex(VALUES["content_digest"]), bytes.fromhex(VALUES["tele_seal"])
    assert telemetry_seal_holds(BOX_SIGNER.public(), BOX, digest, seal)


def test_the_frozen_took_means_what_it_meant_and_is_written_the_same() -> None:
    """Bytes, meaning and seal."""
    assert decode_took(frozen("took.json")) == TOOK
    assert encode_took(TOOK) == frozen("took.json")
    assert receipt_seal_holds(COLLECTOR_SIGNER.public(), TOOK.signed_bytes(), TOOK.seal)
    assert COLLECTOR_SIGNER.seal_receipt(TOOK.signed_bytes()) == TOOK.seal


def test_no_message_of_samples_passes_for_one_of_the_chain() -> None:
    """A took is no receipt, and a batch's seal seals no head of a chain."""
    with pytest.raises(MalformedError):
        decode_answer(frozen("took.json"))
    digest, seal = bytes.fromhex(VALUES["content_digest"]), bytes.fromhex(VALUES["tele_seal"])
    assert not chain_seal_holds(BOX_SIGNER.public(), BOX, digest, seal)


@pytest.mark.parametrize("at", range(0, 900, 37))
def test_an_altered_byte_is_never_taken(at: int) -> None:
    """Whatever byte of the lines changes, the batch is refused."""
    plain = bytearray(frozen("tele.plain"))
    plain[at % len(plain)] ^= 1
    with pytest.raises(MalformedError):
        decode_tele(zstandard.ZstdCompressor().compress(bytes(plain)), BOX, BOX_SIGNER.public(), DEFAULT)


def test_another_boxs_name_another_key_and_a_bomb_are_refused() -> None:
    """The seal is over the box's name; what unpacks beyond the bound is not unpacked."""
    for box, key in (("box-0002", BOX_SIGNER.public()), (BOX, COLLECTOR_SIGNER.public())):
        with pytest.raises(MalformedError):
            decode_tele(frozen("tele.zst"), box, key, DEFAULT)
    bomb = zstandard.ZstdCompressor().compress(b"\0" * (telemetry.BATCH_PLAIN_BYTES_MAX + 1))
    with pytest.raises(MalformedError, match="unpacks"):
        decode_tele(bomb, BOX, BOX_SIGNER.public(), DEFAULT)


def test_what_a_newer_side_adds_is_passed_over() -> None:
    """More keys, longer rows and qualities of tomorrow do no harm."""
    newer = replace(BATCH, samples=(replace(BATCH.samples[0], quality="guessed"),))
    assert decode_tele(encode_tele(newer, BOX, BOX_SIGNER), BOX, BOX_SIGNER.public(), DEFAULT) == newer
    header, *rows = frozen("tele.plain").split(b"\n")[1:]
    header = header[:-1] + b',"w":[1]}'
    content = b"\n".join((header, *(row[:-1] + b',"more"]' for row in rows)))
    seal = BOX_SIGNER.seal_telemetry(BOX, DEFAULT.hash(content))
    sent = zstandard.ZstdCompressor().compress(seal.hex().encode() + b"\n" + content)
    assert decode_tele(sent, BOX, BOX_SIGNER.public(), DEFAULT) == BATCH


def test_the_document_says_what_the_code_does() -> None:
    """Topics, bounds and the sample row of docs/wire/telemetry.md."""
    for topic in (topics.tele("{box}"), topics.took("{box}"), topics.TELEMETRY):
        assert f"`{topic}`" in DOCUMENT
    table = {name: int(value) for name, value in re.findall(r"^\| `([A-Z_]+_MAX)` \| (\d+) \|", DOCUMENT, re.MULTILINE)}
    assert table == {name: value for name, value in vars(telemetry).items() if name.endswith("_MAX")}
    quoted = re.findall(r"^   ([\[{].*[\]}])$", DOCUMENT, re.MULTILINE)
    assert len(quoted) == 2
    everything = frozen("tele.plain").decode() + frozen("took.json").decode()
    assert [line for line in quoted if line not in everything] == []
