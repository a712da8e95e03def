"""The tools of a forger who knows the format, for the tests: take a file apart, change it, make every digest fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cloud.fakebox import UNIT, FakeBox
from evidence.place import COLLECTOR_KEY, frame
from evidence.second_verifier import problems
from hazgate_cloud.domain import authority
from hazgate_protocols.evidence.bundle import CORE, RECORD, STEPS, decode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.report import Verdict
from hazgate_protocols.journal.chain import ROOT, link, link_hash
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Have, encode_have

Line = tuple[str, dict[str, Any]]
BOX_KEY = FakeBox().signer
OTHER_KEY = Signer.from_secret(b"x" * 32)


def taken_apart(data: bytes) -> list[Line]:
    """The file's parts, to be changed."""
    return [(part.name, json.loads(json.dumps(part.values))) for part in decode_bundle(data).parts[:-1]]


def values(lines: list[Line], name: str) -> dict[str, Any]:
    return next(given for part, given in lines if part == name)


def weighing(lines: list[Line]) -> dict[str, Any]:
    return next(given for part, given in lines if part == RECORD and '"kind":"weighing"' in given["bytes"])


def lighter(lines: list[Line]) -> None:
    """22.34 kg become 12.34 kg, in the record's text, milligrams and raw frames."""
    own = weighing(lines)
    text = own["bytes"].replace("22340000", "12340000").replace("22.34", "12.34")
    own["bytes"] = text.replace(frame("22.34"), frame("12.34"))
    core = values(lines, CORE)
    core["submission"] = core["submission"].replace("0.022340", "0.012340")


def chained_again(lines: list[Line], collector: Signer) -> None:
    """Every hash, and the receipt, as they would be if the records had always been these."""
    at, seq, renamed = ROOT, 0, dict[str, str]()
    for name, given in lines:
        if name == RECORD:
            for old, new in renamed.items():
                given["bytes"] = given["bytes"].replace(old, new)
            at, seq = link(at, given["bytes"].encode()), seq + 1
            renamed[given["hash"]] = at.hex()
            given["hash"] = at.hex()
        elif name == STEPS:
            for step in given["hashes"]:
                at, seq = link_hash(at, bytes.fromhex(step)), seq + 1
    for name in ("bundle", "notes", "core"):
        text = json.dumps(values(lines, name), ensure_ascii=False)
        for old, new in renamed.items():
            text = text.replace(old, new)
        values(lines, name).update(json.loads(text))
    values(lines, "seal").update(hash=at.hex(), seq=seq)
    receipt_by(lines, collector, at, seq)


def receipt_by(lines: list[Line], collector: Signer, head: bytes, seq: int) -> None:
    have = Have("", head, seq, "2026-03-09T02:33:20.000Z")
    have = Have("", head, seq, have.stored_at, (), collector.seal_receipt(have.signed_bytes()))
    values(lines, "receipt")["have"] = encode_have(have).decode()


def certified_by(
    lines: list[Line], issuer: Signer, *, box_key: Signer, collector_key: Signer, box: str = "gate-01", unit: str = UNIT
) -> None:
    """Certificates of an authority of one's own."""
    root = authority.root_certificate(issuer, not_before=datetime(2026, 3, 1, tzinfo=UTC))
    own = authority.box_certificate(
        issuer, root, box=box, unit_code=unit, public_key=box_key.public(), registered=root.not_before
    )
    collector = authority.collector_certificate(issuer, root, public_key=collector_key.public())
    values(lines, "certificates").update(box=own.der.hex(), collector=collector.der.hex(), root=root.der.hex())


def pictures_again(lines: list[Line]) -> None:
    """Each picture line names its print record by the hash that this has now."""
    prints = [given["hash"] for name, given in lines if name == RECORD and '"kind":"print"' in given["bytes"]]
    for own, given in zip(prints, (given for name, given in lines if name == "picture"), strict=True):
        given["print"] = own


def failures(data: bytes, *, pinned: bool = True) -> list[str]:
    """What our verifier finds; the second one must find something exactly when ours does."""
    keys = (COLLECTOR_KEY.public(), BOX_KEY.public()) if pinned else (None, None)
    report = check(decode_bundle(data), collector_key=keys[0], box_key=keys[1])
    found = [finding.text for finding in report.findings if finding.verdict is Verdict.FAILED]
    second = problems(data, *((key.hex() if key else "") for key in keys))
    assert bool(second) == bool(found), (second, found)
    return found
