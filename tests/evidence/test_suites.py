"""The evidence of a box of sm3+sm2, from the real journal through dialogue and collector, checked by two verifiers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.fakebox import UNIT, FakeBox, label_of, weighing_body
from edge.makers import StandingClock
from evidence.place import COLLECTOR_KEY, COLLECTOR_KEYS, Place, dev, five_bags, frame
from evidence.second_verifier import problems
from evidence.test_evidence import said
from hazgate_cloud.store.verify import verify
from hazgate_edge.journal.start import fault_in
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_edge.sync.dialogue import Dialogue, Trouble
from hazgate_protocols.evidence import bundle
from hazgate_protocols.evidence.bundle import RECEIPT, SEAL, SUITE, decode_bundle, encode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.command import main
from hazgate_protocols.evidence.report import Report, Verdict
from hazgate_protocols.journal import sm2
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import link
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, SUITES, Suite, SuiteMissingError

BOTH = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
BOX_KEYS = {suite.name: Signer.from_secret(bytes(range(32)), suite) for suite in SUITES.values()}


@pytest.fixture
def sm_place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, SM3_SM2)
    yield made
    made.close()


def judged(data: bytes, box: Signer = BOX_KEYS[SM3_SM2.name]) -> Report:
    """Checked with both keys known; the second verifier must agree."""
    report = check(decode_bundle(data), collector_key=COLLECTOR_KEY.public(), box_key=box.public())
    found = problems(data, COLLECTOR_KEY.public().hex(), box.public().hex())
    assert bool(found) is not report.holds, (found, report.findings)
    return report


@BOTH
async def test_a_real_journal_syncs_and_its_bag_is_proved(suite: Suite, tmp_path: Path) -> None:
    """Journal, dialogue, collector, store, evidence, in either suite: all that was written is held, receipted, verified
    again from its bytes on both sides, and proved by both verifiers."""
    place = Place(tmp_path, suite)
    path = tmp_path / "box" / "journal.sqlite3"
    path.parent.mkdir()
    journal = Journal(path, box=place.box.name, signer=BOX_KEYS[suite.name], clock=StandingClock())
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=dev()))
    dialogue = Dialogue(
        journal, collector_key=COLLECTOR_KEYS[suite.name].public(), dev=dev(), token=lambda: "t", jitter=lambda: 0.0
    )
    dialogue.connected()
    body = weighing_body(1)
    body["weight"] |= {"mode": "", "stable_by": "window"}
    new = NewWeighing(
        request="press-1", waste_code=body["waste"]["code"], produced_on=body["produced_on"],
        label_stem=label_of(1)[:-3], first=1, last=9, body=lambda _: WeighingBody.from_json(body),
        who={"operator": "王芳", "shift": ""}, dev=dev(), raw=(frame("12.34"),) * 5,
    )  # fmt: skip
    journal.write_now(lambda: journal.do_weigh(new))
    for round_s in range(0, 400, 100):
        push = dialogue.next_push(float(round_s))
        answer = place.collector.handle(place.box.name, push) if push else None
        if answer is not None:
            await dialogue.on_answer(answer.payload)
            assert dialogue.trouble is Trouble.NONE
        await place.forwarder.step()
    assert dialogue.confirmed
    assert journal.sync_state().received_seq == journal.head_seq == 3
    prev = bytes(32)
    for _, digest, parent, record, _ in journal.chain():
        assert (parent, link(parent, record, suite)) == (prev, digest)
        prev = digest
    journal.close()
    assert fault_in(path, box=place.box.name, public_key=BOX_KEYS[suite.name].public()) is None
    with place.database.read() as tx:
        assert verify(tx).faults == []
    report = judged(place.evidence(1), BOX_KEYS[suite.name])
    place.close()
    assert said(report, Verdict.FAILED) == ""
    assert f"in the suite {suite.name}" in said(report, Verdict.PROVED)
    assert "wrote it into its own chain as record 3" in said(report, Verdict.PROVED)


async def test_a_box_ignores_a_receipt_of_the_other_suite(tmp_path: Path) -> None:
    """The collector's Ed25519 seal settles nothing on a box that was given its SM2 key."""
    place = Place(tmp_path, SM3_SM2)
    journal = Journal(
        tmp_path / "journal.sqlite3", box=place.box.name, signer=BOX_KEYS[SM3_SM2.name], clock=StandingClock()
    )
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=dev()))
    key = COLLECTOR_KEYS[SM3_SM2.name].public()
    dialogue = Dialogue(journal, collector_key=key, dev=dev(), token=lambda: "t", jitter=lambda: 0.0)
    dialogue.connected()
    push = dialogue.next_push(0.0)
    assert push is not None
    place.collector._signer_of = lambda _suite: COLLECTOR_KEY
    answer = place.collector.handle(place.box.name, push)
    assert answer is not None
    await dialogue.on_answer(answer.payload)
    assert dialogue.trouble is Trouble.BAD_SEAL
    assert journal.sync_state().received_seq == 0
    journal.close()
    place.close()


Line = tuple[str, dict[str, object]]


def lines_of(data: bytes) -> list[Line]:
    return [(part.name, dict(part.values)) for part in decode_bundle(data).parts[:-1]]


def at(lines: list[Line], name: str) -> int:
    return next(place for place, (part, _) in enumerate(lines) if part == name)


def no_key(lines: list[Line]) -> None:
    del lines[at(lines, SUITE)]


def a_strangers_key(lines: list[Line]) -> None:
    lines[at(lines, SUITE)][1]["collector"] = Signer.from_secret(b"x" * 32, SM3_SM2).public().hex()


def the_files_own_key(lines: list[Line]) -> None:
    lines[at(lines, SUITE)][1]["collector"] = COLLECTOR_KEY.public().hex()


def another_name(lines: list[Line]) -> None:
    lines[at(lines, SUITE)][1]["suite"] = DEFAULT.name


def receipt_in_ed25519(lines: list[Line]) -> None:
    part = lines[at(lines, RECEIPT)][1]
    have = json.loads(str(part["have"]))
    del have["seal"]
    message = json.dumps(have, separators=(",", ":"), sort_keys=True).encode()
    have["seal"] = COLLECTOR_KEY.seal_receipt(message).hex()
    part["have"] = json.dumps(have, separators=(",", ":"), sort_keys=True)


def chain_sealed_in_ed25519(lines: list[Line]) -> None:
    part = lines[at(lines, SEAL)][1]
    part["seal"] = BOX_KEYS[DEFAULT.name].seal_chain("gate-01", bytes.fromhex(str(part["hash"]))).hex()


@pytest.mark.parametrize(
    "forge",
    [no_key, a_strangers_key, the_files_own_key, another_name, receipt_in_ed25519, chain_sealed_in_ed25519],
)
async def test_a_file_that_mixes_suites_is_not_proved(forge: Callable[[list[Line]], None], sm_place: Place) -> None:
    """Even sealed by the collector itself: both verifiers refuse it."""
    sm_place.weigh(1)
    await sm_place.settle()
    lines = lines_of(sm_place.evidence(1))
    assert judged(encode_bundle(lines, COLLECTOR_KEY)).holds
    forge(lines)
    assert not judged(encode_bundle(lines, COLLECTOR_KEY)).holds


def test_a_checkpoint_of_boxes_of_both_suites_names_an_sm_bag(sm_place: Place) -> None:
    """The checkpoint is the collector's own; the steps from the sealed record to the one it names are of SM3."""
    given = five_bags(sm_place)
    data = sm_place.evidence(2)
    report = judged(data)
    assert said(report, Verdict.FAILED) == ""
    assert "Checkpoint 1, which the same collector's key sealed" in said(report, Verdict.PROVED)
    part = decode_bundle(data).one("checkpoint")
    assert part is not None
    assert part["steps"] != []
    report = check(decode_bundle(data), checkpoint=given.encode())
    assert "itself names record" in said(report, Verdict.PROVED)


async def test_a_second_key_in_a_file_of_the_default_suite_is_refused(tmp_path: Path) -> None:
    """There is one key for the receipt, and no choice."""
    place = Place(tmp_path)
    place.weigh(1)
    await place.settle()
    lines = lines_of(place.evidence(1))
    place.close()
    lines.insert(at(lines, RECEIPT), (SUITE, {"suite": DEFAULT.name, "collector": COLLECTOR_KEY.public().hex()}))
    assert not judged(encode_bundle(lines, COLLECTOR_KEY), BOX_KEYS[DEFAULT.name]).holds


async def test_planted_a_verifier_that_hashes_all_with_sha256_finds_nothing_right(
    sm_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug: the suite ignored by the verifier."""
    sm_place.weigh(1)
    await sm_place.settle()
    data = sm_place.evidence(1)
    monkeypatch.setattr("hazgate_protocols.evidence.checks._suite_in", lambda _bundle: DEFAULT)
    report = check(decode_bundle(data))
    assert "it or a line above was altered" in said(report, Verdict.FAILED)


def test_the_command_takes_an_sm2_key_and_says_when_openssl_lacks_it(
    tmp_path: Path, sm_place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 proved; 2 where this machine cannot check, which is no verdict about the file."""
    sm_place.weigh(1)
    asyncio.run(sm_place.settle())
    out = tmp_path / "bag.hazgate"
    out.write_bytes(sm_place.evidence(1))
    box = FakeBox(signer=BOX_KEYS[SM3_SM2.name]).signer.public().hex()
    keys = ["--collector-key", COLLECTOR_KEY.public().hex(), "--box-key", box]
    assert main([str(out), *keys]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "in the suite sm3+sm2" in shown
    assert f"names {COLLECTOR_KEYS[SM3_SM2.name].public().hex()} as its key for boxes of suite sm3+sm2" in shown
    with pytest.raises(SystemExit):
        main([str(out), "--box-key", box[:-2]])
    capsys.readouterr()

    def missing() -> None:
        raise SuiteMissingError("this OpenSSL has no SM2")

    monkeypatch.setattr(sm2, "require", missing)
    assert main([str(out), *keys]) == 2
    assert "cannot be checked on this machine: this OpenSSL has no SM2" in capsys.readouterr().err


def test_no_single_changed_byte_of_such_a_file_goes_unseen(sm_place: Place) -> None:
    """A sample over the whole file; the long run does the same for the default suite."""
    sm_place.weigh(1)
    sm_place.push()
    data = sm_place.evidence(1)
    for place in range(0, len(data), 97):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            holds = check(decode_bundle(bytes(changed))).holds
        except (bundle.DamagedError, bundle.NotABundleError):
            holds = False
        assert not holds, place


@BOTH
def test_picture_and_checkpoint_are_proved_in_either_suite(suite: Suite, tmp_path: Path) -> None:
    """Digests of pictures and the checkpoint are SHA-256, the steps to the checkpoint's head are the box's suite.
    Certificates are of Ed25519: a box of the other suite has none, and that is said."""
    place = Place(tmp_path, suite)
    made = five_bags(place)
    data = place.evidence(2)
    place.close()
    report = judged(data, BOX_KEYS[suite.name])
    assert said(report, Verdict.FAILED) == ""
    proved = said(report, Verdict.PROVED)
    assert "dot for dot what the box sent to the printer as label" in proved
    assert "names record 16 of this chain: the weighing was held on that day at the latest" in proved
    assert ("By the certificates in this file" in proved) is (suite is DEFAULT)
    alone = check(decode_bundle(data), checkpoint=made.encode())
    assert "The checkpoint 1 you gave" in said(alone, Verdict.PROVED)
    assert ("Whose key the box's key" in said(alone, Verdict.OPEN)) is (suite is not DEFAULT)
