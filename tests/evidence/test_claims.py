"""Two weighings that carry one code: each one's file says that there is the other, and what became of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloud.fakebox import UNIT, FakeBox, label_of, weighing_body
from evidence.forging import Line, failures, taken_apart, values
from evidence.place import COLLECTOR_KEY, Place, dev, frame
from hazgate_cloud.cli import app
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.evidence.gather import NoEvidenceError
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.held import reject
from hazgate_protocols import canonical
from hazgate_protocols.evidence.bundle import CLAIMS, decode_bundle, encode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.claims import CLAIMS_MAX
from hazgate_protocols.evidence.command import NO_BUNDLE, PROVED, main
from hazgate_protocols.journal.record import WEIGHING
from hazgate_protocols.journal.seal import Signer


def given_twice(place: Place) -> tuple[bytes, bytes]:
    """One code, given twice by one box: 4.01 kg accepted, 4.04 kg held."""
    first = place.weigh(4, "4.01")
    asyncio.run(place.settle())
    second = place.weigh(4, "4.04")
    place.push()
    return first, second


def claim_of(data: bytes) -> dict[str, Any]:
    part = decode_bundle(data).one(CLAIMS)
    assert part is not None
    assert part["count"] == len(part["claims"]) == 1
    claim: dict[str, Any] = part["claims"][0]
    return claim


def verdict(data: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What hazgate-verify says in all, and its last line."""
    file = folder / "bag.hazgate"
    file.write_bytes(data)
    assert main([str(file)]) == PROVED
    out = capsys.readouterr().out
    return out, out.splitlines()[-1]


def test_a_code_given_twice_is_said_in_the_file_and_in_the_verdict(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Record, box, weight and fate of the other one; by a line with `?`, by the verdict, and when the file is made."""
    _, second = given_twice(place)
    made = place.gathered(4)
    claim = claim_of(made.data)
    assert (claim["hash"], claim["box"], claim["weight"]) == (second.hex(), "gate-01", "4.04 kg")
    assert (claim["state"], claim["core"]) == ("held", "")
    assert "label_reused" in claim["why"]
    assert failures(made.data) == []
    out, last = verdict(made.data, tmp_path, capsys)
    (line,) = [line for line in out.splitlines() if line.startswith("  ? ") and "another weighing carries" in line]
    assert "4.04 kg, record" in line
    assert "holds it back from the core (label_reused" in line
    assert last.startswith("PROVED")
    assert "Another weighing carries this code (4.04 kg, held): this file proves nothing of that." in last
    assert any(second.hex() in remark for remark in made.remarks)


def test_the_held_bag_has_evidence_of_its_own(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for by its record's hash; it says that it is held, and names the one that counts."""
    first, second = given_twice(place)
    data = place.gathered(4, second).data
    assert failures(data) == []
    claim = claim_of(data)
    assert (claim["hash"], claim["weight"], claim["state"], claim["core"]) == (
        first.hex(), "4.01 kg", "counted", "accepted",
    )  # fmt: skip
    out, last = verdict(data, tmp_path, capsys)
    assert "give exactly 4.04 kg" in out
    assert "The collector held this weighing itself back" in last
    assert "Another weighing carries this code (4.01 kg, counted)" in last


def test_a_box_set_back_gave_the_code_again_on_another_branch(place: Place) -> None:
    """Neither file can show the other's record; both name it, and that there are two branches is said."""
    place.weigh(1)
    place.push()
    set_back = place.box.copy(start=9)
    held_back_at = len(set_back.bodies)
    place.weigh(4, "4.01")
    place.push()
    body = weighing_body(4, kg="4.04")
    body["weight"] |= {"mode": "", "stable_by": "window"}
    second = set_back.write(WEIGHING, body, dev=dev(), raw=(frame("4.04"),))
    assert place.collector.handle(set_back.name, set_back.push(held_back_at)) is not None
    for data, other in ((place.evidence(4), "4.04 kg"), (place.gathered(4, second).data, "4.01 kg")):
        assert failures(data) == []
        assert claim_of(data)["weight"] == other
        assert any("2 branches" in found.text for found in check(decode_bundle(data)).findings)


def test_another_boxes_weighing_of_the_code_is_said_and_that_it_was_rejected(place: Place) -> None:
    """Its record is in no chain of this file: the collector's word, with its hash."""
    place.weigh(4, "4.01")
    asyncio.run(place.settle())
    box = FakeBox("gate-02", Signer.from_secret(b"n" * 32), start=7).begin()
    known = RegisteredBox(box.name, box.signer.public(), UNIT, "西门称重点")
    place.database.written(lambda tx: add_box(tx, known, "2026-03-02T00:00:00.000Z"))
    other = box.write(WEIGHING, weighing_body(4, kg="4.04"), dev=dev(), raw=(frame("4.04"),))
    place.collector.handle(box.name, box.push())
    person = Person("李审核", "同号重复")
    place.database.written(lambda tx: reject(tx, other, person, "2026-03-09T03:00:00.000Z"))
    data = place.evidence(4)
    assert failures(data) == []
    claim = claim_of(data)
    assert (claim["hash"], claim["box"], claim["weight"], claim["state"]) == (
        other.hex(), "gate-02", "4.04 kg", "rejected",
    )  # fmt: skip
    assert "李审核: 同号重复" in claim["why"]


def test_that_the_collector_knows_of_none_is_said(
    evidence: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its own word, for what it held then; and the verdict stays as it was."""
    out, last = verdict(evidence, tmp_path, capsys)
    assert "the collector says that it knew of none when it made this file" in out
    assert last == "PROVED, if the keys named above are the true ones."


def test_more_claims_than_a_file_lists_are_counted(place: Place) -> None:
    """At the bound: the first ones in full, the number of all, and that some are not listed."""
    first = place.weigh(4, "4.01")
    for _ in range(CLAIMS_MAX + 1):
        place.box.write(WEIGHING, weighing_body(4, kg="4.04"), dev=dev(), raw=(frame("4.04"),))
    place.push()
    data = place.gathered(4, first).data
    assert failures(data) == []
    report = check(decode_bundle(data))
    (line,) = [found.text for found in report.findings if "not listed" in found.text]
    assert line == "What the other 1 weighings that carry this code say: not listed."
    assert sum("another weighing carries" in found.text for found in report.findings) == CLAIMS_MAX
    assert any(f"{CLAIMS_MAX + 1} other weighings carry this code" in text for text in report.caveats)


def heavier(lines: list[Line]) -> None:
    values(lines, CLAIMS)["claims"][0]["weight"] = "9.99 kg"


def silent(lines: list[Line]) -> None:
    values(lines, CLAIMS).update(count=0, claims=[])


def twice(lines: list[Line]) -> None:
    given = values(lines, CLAIMS)
    given.update(count=2, claims=given["claims"] * 2)


def itself(lines: list[Line]) -> None:
    values(lines, CLAIMS)["claims"][0]["hash"] = values(lines, "bundle")["record"]


def uncounted(lines: list[Line]) -> None:
    values(lines, CLAIMS)["count"] = 0


def another_fate(lines: list[Line]) -> None:
    values(lines, CLAIMS)["claims"][0]["state"] = "forgotten"


@pytest.mark.parametrize("forge", [heavier, silent, twice, itself, uncounted, another_fate])
def test_a_list_that_the_shown_records_contradict_is_found_by_both_verifiers(
    place: Place, forge: Callable[[list[Line]], None]
) -> None:
    """The collector's own seal stands over it; the other weighing's record in the same chain says otherwise."""
    given_twice(place)
    lines = taken_apart(place.evidence(4))
    forge(lines)
    assert any("(claims)" in text for text in failures(encode_bundle(lines, COLLECTOR_KEY)))


def test_a_file_of_a_later_version_is_not_called_altered(
    evidence: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that this program does not know is no damage when the first line names a version it does not know."""
    lines = taken_apart(evidence)
    values(lines, "bundle")["v"] = 4
    file = tmp_path / "later.hazgate"
    file.write_bytes(resealed([*lines, ("news", {"n": 1})]))
    assert main([str(file)]) == NO_BUNDLE
    said = capsys.readouterr()
    assert "version 4; this program reads the versions [1, 2, 3]" in said.err
    assert "ALTERED" not in said.out


def resealed(lines: list[Line]) -> bytes:
    """As encode_bundle(), which would refuse these."""
    body = [canonical.encode({"part": name, **given}) + b"\n" for name, given in lines]
    digest = hashlib.sha256(b"".join(body)).digest()
    end = {
        "part": "end", "lines": [hashlib.sha256(line).hexdigest() for line in body], "sha256": digest.hex(),
        "collector": COLLECTOR_KEY.public().hex(), "seal": COLLECTOR_KEY.seal_evidence(digest).hex(),
    }  # fmt: skip
    return b"".join(body) + canonical.encode(end) + b"\n"


def test_a_hash_that_is_no_weighing_of_this_store_has_no_evidence(place: Place) -> None:
    """Unknown, of another kind, unreadable: said which."""
    place.weigh(1)
    unreadable = place.box.write(WEIGHING, {"label": label_of(2)}, dev=dev())
    place.push()
    for own, says in (
        (b"\1" * 32, "it is not held"),
        (place.box.hashes[0], "it is a genesis"),
        (unreadable, "it is no readable weighing"),
    ):
        with pytest.raises(NoEvidenceError, match=says):
            place.gathered(1, own)


def test_the_command_takes_a_records_hash(tmp_path: Path) -> None:
    """As `held list` shows it; for the code it says that there is another."""
    config = tmp_path / "cloud.yaml"
    config.write_text("data_folder: store\nbroker: {host: 127.0.0.1}\ncore: {url: 'http://127.0.0.1:9'}\n")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "collector.key").write_text(COLLECTOR_KEY.secret().hex())
    place = Place(tmp_path / "store")
    _, second = given_twice(place)
    place.close()
    for number, code in enumerate((label_of(4), second.hex())):
        out = tmp_path / f"{number}.hazgate"
        written = CliRunner().invoke(app, ["evidence", code, "--config", str(config), "--out", str(out)])
        assert written.exit_code == 0, written.output
        assert "another weighing carries this code" in written.output
        assert claim_of(out.read_bytes())["weight"] == ("4.04 kg", "4.01 kg")[number]
