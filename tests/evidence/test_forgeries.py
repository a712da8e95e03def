"""Forgeries by someone who knows the format, recomputes every digest, and may hold a key that signs them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.fakebox import weighing_body
from evidence.forging import (
    BOX_KEY,
    OTHER_KEY,
    Line,
    certified_by,
    chained_again,
    failures,
    lighter,
    pictures_again,
    receipt_by,
    taken_apart,
    values,
)  # fmt: skip
from evidence.place import COLLECTOR_KEY, PROFILE, Place, frame
from hazgate_profiles import registry
from hazgate_protocols import canonical
from hazgate_protocols.certificate import decode_certificate
from hazgate_protocols.evidence.bundle import CORE, RECORD, STEPS, decode_bundle, encode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.replay import ReplayError, require_same_weight
from hazgate_protocols.evidence.report import Verdict
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import body_hash
from hazgate_protocols.scale.profile_json import encode_profile
from hazgate_protocols.scale.reading import Mode, Reading, Status
from hazgate_protocols.uplink import Have, decode_answer


def swapped_weight(lines: list[Line]) -> None:
    lighter(lines)


def swapped_weight_and_all_hashes(lines: list[Line]) -> None:
    lighter(lines)
    chained_again(lines, COLLECTOR_KEY)


def hidden_in_a_step_with_another_hash(lines: list[Line]) -> None:
    place = next(n for n, (name, given) in enumerate(lines) if name == RECORD and '"kind":"print"' in given["bytes"])
    lines[place] = (STEPS, {"seq": lines[place][1]["seq"], "hashes": [body_hash(b"nothing").hex()]})


def record_left_out(lines: list[Line]) -> None:
    del lines[next(n for n, (name, given) in enumerate(lines) if name == RECORD and '"reprint"' in given["bytes"])]


def record_left_out_and_renumbered(lines: list[Line]) -> None:
    record_left_out(lines)
    for seq, (name, given) in enumerate([line for line in lines if line[0] in (RECORD, STEPS)], 1):
        given["seq"] = given["seq"] if seq < 5 else given["seq"] - 1
        assert name in (RECORD, STEPS)


def steps_cut(lines: list[Line]) -> None:
    values(lines, STEPS)["hashes"].pop()


def steps_changed(lines: list[Line]) -> None:
    values(lines, STEPS)["hashes"][0] = "00" * 32


def other_profile(lines: list[Line]) -> None:
    """One that reads the same bytes as ten times less."""
    given = values(lines, "profile")
    given["profile"] = given["profile"].replace('"50":2', '"50":3')


def profile_of_another_device(lines: list[Line]) -> None:
    values(lines, "profile")["profile"] = encode_profile(registry.load("toledo-cont")).decode()


def another_bags_weighing(lines: list[Line]) -> None:
    values(lines, "bundle")["record"] = next(given for name, given in lines if name == RECORD)["hash"]


def another_label(lines: list[Line]) -> None:
    given = values(lines, "bundle")
    given["label"] = given["label"][:-1] + "9"


def submission_of_less(lines: list[Line]) -> None:
    given = values(lines, CORE)
    given["submission"] = given["submission"].replace("0.022340", "0.002234")


def refused_said_accepted(lines: list[Line]) -> None:
    attempt = values(lines, CORE)["attempts"][-1]
    attempt["reply"] = bytes.fromhex(attempt["reply"]).replace(b'"accepted"', b'"refused"').hex()


def never_told(lines: list[Line]) -> None:
    values(lines, "notes")["notes"] = []


def receipt_for_less(lines: list[Line]) -> None:
    first = next(given for name, given in lines if name == RECORD)
    receipt_by(lines, COLLECTOR_KEY, bytes.fromhex(first["hash"]), 1)


def receipt_of_another(lines: list[Line]) -> None:
    seal = values(lines, "seal")
    receipt_by(lines, OTHER_KEY, bytes.fromhex(seal["hash"]), seal["seq"])


def seal_of_another(lines: list[Line]) -> None:
    seal = values(lines, "seal")
    seal["seal"] = OTHER_KEY.seal_chain("gate-01", bytes.fromhex(seal["hash"])).hex()


def chain_of_another_key(lines: list[Line]) -> None:
    """The whole chain again, by someone with a key of his own in its first record."""
    first = next(given for name, given in lines if name == RECORD)
    first["bytes"] = first["bytes"].replace(BOX_KEY.public().hex(), OTHER_KEY.public().hex())
    lighter(lines)
    chained_again(lines, COLLECTOR_KEY)
    seal_of_another(lines)


def sealed_place_lies(lines: list[Line]) -> None:
    values(lines, "seal")["seq"] = 13


def by_the_box(lines: list[Line], old: str, new: str) -> None:
    """The label's print record says something else, and the box itself has sealed it so."""
    given = next(given for name, given in lines if name == RECORD and '"kind":"print"' in given["bytes"])
    assert old in given["bytes"]
    given["bytes"] = given["bytes"].replace(old, new)
    chained_again(lines, COLLECTOR_KEY)
    seal = values(lines, "seal")
    seal["seal"] = BOX_KEY.seal_chain("gate-01", bytes.fromhex(seal["hash"])).hex()


def box_counts_wrong(lines: list[Line]) -> None:
    by_the_box(lines, '"seq":5,', '"seq":6,')


def box_of_another_name(lines: list[Line]) -> None:
    by_the_box(lines, '"box":"gate-01"', '"box":"gate-02"')


def label_of_another_bag(lines: list[Line]) -> None:
    by_the_box(lines, "-000000000004", "-000000000002")


@pytest.mark.parametrize(
    ("forge", "line", "says"),
    [
        (swapped_weight, 4, "it or a line above was altered"),
        (swapped_weight_and_all_hashes, 10, "the seal over record 14 is not of the box's key"),
        (hidden_in_a_step_with_another_hash, 6, "it or a line above was altered"),
        (record_left_out, 6, "begins at place 7 of the chain, and must at 6"),
        (record_left_out_and_renumbered, 6, "it or a line above was altered"),
        (steps_cut, 4, "begins at place 4 of the chain, and must at 3"),
        (steps_changed, 4, "it or a line above was altered"),
        (other_profile, 15, "the record was made with"),
        (profile_of_another_device, 15, "the record was made with"),
        (another_bags_weighing, 1, "is not among its records"),
        (another_label, 4, "the file is about label"),
        (submission_of_less, 14, "the submission does not say what the record says: quantity_t"),
        (refused_said_accepted, 14, "answer 1 means refused"),
        (never_told, 12, "no note told the box so"),
        (receipt_for_less, 11, "the receipt is for record 1"),
        (receipt_of_another, 11, "the receipt's seal is not of the collector's key"),
        (seal_of_another, 10, "the seal over record 14 is not of the box's key"),
        (sealed_place_lies, 10, "the box sealed"),
        (box_counts_wrong, 5, "is record 6 of box gate-01, in a chain of gate-01 at place 5"),
        (box_of_another_name, 5, "is record 5 of box gate-02, in a chain of gate-01 at place 5"),
        (label_of_another_bag, 5, "record 5 (print) does not speak of this bag"),
        (chain_of_another_key, 2, "not the box's key you gave"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_forgery_by_the_collector_itself_is_found_and_named(
    evidence: bytes, forge: Callable[[list[Line]], None], line: int, says: str
) -> None:
    """With the collector's own key over it: what the box has sealed is out of its reach, and the rest must agree."""
    lines = taken_apart(evidence)
    forge(lines)
    found = failures(encode_bundle(lines, COLLECTOR_KEY))
    assert any(text.startswith(f"line {line} ") and says in text for text in found), found


@pytest.mark.parametrize("forge", [lambda _: None, submission_of_less, never_told], ids=["nothing", "core", "notes"])
def test_a_file_made_anew_without_the_collectors_key_is_found(
    evidence: bytes, forge: Callable[[list[Line]], None]
) -> None:
    """Whoever changes anything must seal it with another key, and that shows in the last line."""
    lines = taken_apart(evidence)
    forge(lines)
    found = failures(encode_bundle(lines, OTHER_KEY))
    assert any(text.startswith("line 21 (end): the collector's key is ") for text in found), found


def test_the_collectors_name_with_another_seal_is_found(evidence: bytes) -> None:
    """The right key named, and a seal that it never made."""
    lines = taken_apart(evidence)
    submission_of_less(lines)
    forged = encode_bundle(lines, OTHER_KEY).replace(
        OTHER_KEY.public().hex().encode(), COLLECTOR_KEY.public().hex().encode()
    )
    assert any("(end): the seal over the file is not of the key" in text for text in failures(forged, pinned=False))


def test_what_keys_from_the_file_alone_cannot_show_is_said(evidence: bytes) -> None:
    """A forger with two keys of his own makes a file that agrees with itself; only known keys unmask it, and the
    verifier says so."""
    lines = taken_apart(evidence)
    chain_of_another_key(lines)
    seal = values(lines, "seal")
    receipt_by(lines, OTHER_KEY, bytes.fromhex(seal["hash"]), seal["seq"])
    certified_by(lines, OTHER_KEY, box_key=OTHER_KEY, collector_key=OTHER_KEY)
    del lines[next(n for n, (name, _) in enumerate(lines) if name == "checkpoint")]
    pictures_again(lines)
    forged = encode_bundle(lines, OTHER_KEY)
    assert failures(forged, pinned=False) == []
    report = check(decode_bundle(forged))
    said = [finding.text for finding in report.findings if finding.verdict is Verdict.OPEN]
    assert sum("was taken from this file itself" in text for text in said) == 1
    assert not report.keys_known
    assert len(failures(forged, pinned=True)) == 2
    del lines[-2]
    without = check(decode_bundle(encode_bundle(lines, OTHER_KEY)))
    said = [finding.text for finding in without.findings if finding.verdict is Verdict.OPEN]
    assert sum("was taken from this file itself" in text for text in said) == 2
    stranger = decode_certificate(bytes.fromhex(values(taken_apart(evidence), "certificates")["root"]))
    caught = check(decode_bundle(forged), root=stranger)
    assert ["not the root you gave" in finding.text for finding in caught.findings if finding.line == 18] == [True]


def test_a_box_that_wrote_another_weight_than_its_scale_said_is_found(place: Place) -> None:
    """Sealed by the right box, received, accepted: the raw bytes contradict it."""
    place.weigh(1, "12.34", raw=(frame("22.34"),) * 3)
    asyncio.run(place.settle())
    (found,) = failures(place.evidence(1))
    assert found.startswith(
        "line 3 (record): its raw bytes do not give its weight: weight: the last frame gives '22.34'"
    )


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (("022b30303132333432314203",), "is not one reading"),  # its checksum is not that of its digits
        ((frame("12.34") + frame("12.34"),), "is not one reading"),
        ((frame("12.34")[:-2],), "is not one reading"),
        (("zz",), "is not hex"),
        ((frame("12.34").upper(),), "lower-case"),
    ],
)
def test_raw_bytes_that_are_no_reading_are_named(place: Place, raw: tuple[str, ...], says: str) -> None:
    """A damaged, doubled, cut or misspelt frame in the record."""
    place.weigh(1, "12.34", raw=raw)
    asyncio.run(place.settle())
    report = check(decode_bundle(place.evidence(1)))
    assert any(finding.verdict is Verdict.FAILED and says in finding.text for finding in report.findings)


def test_a_receipt_in_another_spelling_is_found(evidence: bytes) -> None:
    """The same receipt with a key more, outside its seal: hz/1 allows it, evidence does not."""
    lines = taken_apart(evidence)
    given = values(lines, "receipt")
    assert isinstance(decode_answer(given["have"].encode()), Have)
    given["have"] = canonical.encode({**json.loads(given["have"]), "more": 1}).decode()
    report = check(decode_bundle(encode_bundle(lines, COLLECTOR_KEY)))
    assert any("no receipt in canonical form" in finding.text for finding in report.findings)


def test_a_profile_that_is_none_is_named(place: Place, tmp_path: Path) -> None:
    """A box's record names, by its true digest, JSON that no registry would give out: said, never a crash."""
    hostile = b'{"id":"yaohua-tf0"}'
    dev = {"profile": PROFILE, "profile_digest": hashlib.sha256(hostile).hexdigest(), "sw": "", "config_digest": ""}
    place.weigh(1, "12.34", dev=dev)
    asyncio.run(place.settle())
    lines = taken_apart(place.evidence(1))
    place_of_pictures = next(n for n, (name, _) in enumerate(lines) if name == "picture")
    lines.insert(place_of_pictures, ("profile", {"profile": hostile.decode(), "transcripts": []}))
    report = check(decode_bundle(encode_bundle(lines, COLLECTOR_KEY)))
    assert any("the key title is missing" in finding.text for finding in report.findings)


RESEALED = (RECORD, STEPS, "seal", "receipt", "profile", "picture", "checkpoint", "certificates")
HELD = {  # what of a part is text that its own digests and seals cover
    RECORD: ("bytes",), STEPS: ("hashes",), "receipt": ("have",), "picture": ("print", "png"),
    "checkpoint": ("statement", "seal", "hash", "steps", "path"), "certificates": ("box", "collector", "root"),
}  # fmt: skip


def test_random_edits_resealed_by_the_collector_are_found(evidence: bytes) -> None:
    """Records, steps, the box's seal, the receipt, the profile, pictures, certificates and the checkpoint are tied to
    what the box, the authority and an earlier day signed: an edit of any of them is found although the collector signs
    the file again. The verifier answers, whatever stands there."""
    rng = random.Random(20261123)
    found = dict.fromkeys(RESEALED, 0)
    for _ in range(600):
        lines = taken_apart(evidence)
        name, given = rng.choice([line for line in lines if line[0] in RESEALED])
        key = rng.choice(HELD.get(name, (name,)))
        text = given[key] if isinstance(given[key], str) else given[key][0]
        at = rng.randrange(len(text))
        in_hex = name in (STEPS, "seal", "picture", "certificates") or key in ("seal", "hash", "steps", "path")
        other = rng.choice("0123456789abcdef") if in_hex else rng.choice('0 "{}:,aZ中-[]')
        if text[at] == other:
            continue
        edited = text[:at] + other + text[at + 1 :]
        given[key] = edited if isinstance(given[key], str) else [edited, *given[key][1:]]
        assert failures(encode_bundle(lines, COLLECTOR_KEY)), (name, key, at, other)
        found[name] += 1
    assert min(found.values()) > 5
    assert sum(found.values()) > 400


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stable": False}, "stable False: no weight to be booked"),
        ({"stable": None}, "does not say stable, and the record says the indicator did"),
        ({"status": Status.OVERLOAD, "weight": None}, "says overload"),
        ({"unit": "g"}, "unit: the last frame gives 'g', the record says 'kg'"),
        ({"mode": Mode.NET}, "mode: the last frame gives 'net', the record says 'gross'"),
        ({"tare": Decimal("0.50")}, "tare in mg: the last frame gives 500000, the record says None"),
        ({"weight": Decimal("12.340")}, "weight: the last frame gives '12.340', the record says '12.34'"),
    ],
)
def test_a_reading_that_is_not_the_recorded_weight_is_refused(change: dict[str, Any], says: str) -> None:
    """Every part of the record's weight that the frame speaks of, in the frame's own digits."""
    body = WeighingBody.from_json(weighing_body(1))
    good = Reading(Decimal("12.34"), "kg", True, Mode.GROSS, Status.OK)
    require_same_weight([good, good], body)
    with pytest.raises(ReplayError, match=re.escape(says)):
        require_same_weight([good, replace(good, **change)], body)
