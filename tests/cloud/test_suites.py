"""Boxes of both suites at one collector: each is checked, stored and answered in its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from cloud.fakebox import UNIT, Clock, FakeBox
from cloud.test_config_and_commands import GOOD, run, written
from hazgate_cloud.api import queries
from hazgate_cloud.app import StartError, open_store
from hazgate_cloud.app import run as serve
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.config import load
from hazgate_cloud.domain.box import BoxInvalidError, RegisteredBox, register
from hazgate_cloud.keys import KeyFileError, Keyring, own_key
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal import sm2
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, SUITES, Suite, SuiteMissingError
from hazgate_protocols.uplink import Have, Push, decode_answer, decode_push, encode_push

KEYS = {suite.name: Signer.from_secret(b"c" * 32, suite) for suite in SUITES.values()}
BOX_KEYS = {suite.name: Signer.from_secret(bytes(range(32)), suite) for suite in SUITES.values()}
BOTH = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


@pytest.fixture
def both(database: Database, clock: Clock) -> Collector:
    """A collector with a key of each suite."""
    return Collector(database, KEYS[DEFAULT.name], clock, signer_of=lambda suite: KEYS[suite.name])


@pytest.fixture
def sm_box(register: Callable[[FakeBox], FakeBox]) -> FakeBox:
    """A registered box of sm3+sm2 with its first record."""
    return register(FakeBox("gate-sm", BOX_KEYS[SM3_SM2.name]).begin())


def refusals(database: Database) -> list[str]:
    with database.read() as tx:
        return [row["code"] for row in queries.newest_quarantine(tx, 10)]


def held(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(schema.records)).scalar_one())


@BOTH
def test_a_box_of_each_suite_is_taken_answered_and_verified_in_its_own(
    suite: Suite, both: Collector, database: Database, register: Callable[[FakeBox], FakeBox]
) -> None:
    """Hashes, seal, receipt asked for or not, and the proof of the whole store."""
    box = register(FakeBox("gate-0x", BOX_KEYS[suite.name]).begin())
    box.weigh(1)
    box.weigh(2)
    answer = both.handle(box.name, box.push())
    assert answer is not None
    said = decode_answer(answer.payload)
    assert isinstance(said, Have)
    assert (said.hash, said.seq) == (box.head, 3)
    other = next(name for name in KEYS if name != suite.name)
    assert receipt_seal_holds(KEYS[suite.name].public(), said.signed_bytes(), said.seal)
    assert not receipt_seal_holds(KEYS[other].public(), said.signed_bytes(), said.seal)
    body, wrong = box.bodies[1], link(box.hashes[0], box.bodies[1], SUITES[other])
    assert link(box.hashes[0], body, suite) == box.hashes[1] != wrong
    with database.read() as tx:
        report = verify(tx)
    assert report.faults == []
    assert f"box gate-0x ({suite.name}): 3 records hashed again" in report.checked[0]


def test_an_unasked_receipt_is_sealed_in_the_boxs_suite(both: Collector, database: Database, sm_box: FakeBox) -> None:
    """Notes brought early."""
    sm_box.write("weighing", {"label": "no weighing"})
    assert both.handle(sm_box.name, sm_box.push()) is not None
    announced = both.announcement(sm_box.name)
    assert announced is not None
    said = decode_answer(announced.payload)
    assert isinstance(said, Have)
    assert [note.what for note in said.notes] == ["flagged"]
    assert receipt_seal_holds(KEYS[SM3_SM2.name].public(), said.signed_bytes(), said.seal)


def test_boxes_of_both_suites_in_one_batch_are_each_answered_in_their_own(
    both: Collector, box: FakeBox, sm_box: FakeBox
) -> None:
    """One transaction, two suites."""
    answers = both.handle_many([(box.name, box.push()), (sm_box.name, sm_box.push())])
    for answer, key in zip(answers, KEYS.values(), strict=True):
        assert answer is not None
        said = decode_answer(answer.payload)
        assert isinstance(said, Have)
        assert receipt_seal_holds(key.public(), said.signed_bytes(), said.seal)


def with_seal(box: FakeBox, signer: Signer) -> bytes:
    push = decode_push(box.push())
    return encode_push(replace(push, seal=signer.seal_chain(box.name, box.head)))


def sealed_with_ed25519(box: FakeBox) -> bytes:
    return with_seal(box, BOX_KEYS[DEFAULT.name])


def hashed_with_sha256(box: FakeBox) -> bytes:
    """The right key over the wrong chain."""
    head = ROOT
    for body in box.bodies:
        head = link(head, body)
    return encode_push(Push("t", ROOT, tuple(box.bodies), box.signer.seal_chain(box.name, head)))


def all_of_the_default(box: FakeBox) -> bytes:
    return FakeBox(box.name, BOX_KEYS[DEFAULT.name]).begin().push()


def another_suites_name(box: FakeBox) -> bytes:
    odd = FakeBox(box.name, box.signer)
    odd.write("genesis", {"suite": DEFAULT.name, "public_key": box.signer.public().hex()})
    return odd.push()


def another_suites_key(box: FakeBox) -> bytes:
    odd = FakeBox(box.name, box.signer)
    odd.write("genesis", {"suite": SM3_SM2.name, "public_key": BOX_KEYS[DEFAULT.name].public().hex()})
    return odd.push()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (sealed_with_ed25519, "seal_wrong"),
        (hashed_with_sha256, "seal_wrong"),
        (all_of_the_default, "seal_wrong"),
        (another_suites_name, "genesis_wrong"),
        (another_suites_key, "genesis_wrong"),
    ],
)
def test_a_push_in_another_suite_than_the_registered_keys_is_refused(
    make: Callable[[FakeBox], bytes], code: str, both: Collector, sm_box: FakeBox, database: Database
) -> None:
    """Refused, kept raw, nothing stored; the box's own push is taken afterwards."""
    assert both.handle(sm_box.name, make(sm_box)) is None
    assert refusals(database) == [code]
    assert held(database) == 0
    assert both.handle(sm_box.name, sm_box.push()) is not None


def test_a_genesis_naming_sm_is_refused_for_a_box_registered_with_ed25519(
    both: Collector, box: FakeBox, database: Database
) -> None:
    """The other way round."""
    odd = FakeBox(box.name, box.signer)
    odd.write("genesis", {"suite": SM3_SM2.name, "public_key": box.signer.public().hex()})
    assert both.handle(box.name, odd.push()) is None
    assert refusals(database) == ["genesis_wrong"]


def test_a_receipt_that_could_not_be_sealed_stores_nothing(
    collector: Collector, sm_box: FakeBox, database: Database
) -> None:
    """A collector without an SM2 key keeps the push aside, as any defect of its own."""
    assert collector.handle(sm_box.name, sm_box.push()) is None
    assert refusals(database) == ["collector_error"]
    assert held(database) == 0


def test_planted_hashing_everything_with_sha256_is_found_by_verify(
    both: Collector, sm_box: FakeBox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug: a verify that ignores the suite calls every record of an untouched sm3 chain changed."""
    sm_box.weigh(1)
    assert both.handle(sm_box.name, sm_box.push()) is not None
    monkeypatch.setattr("hazgate_cloud.store.verify.link", lambda prev, body, _suite=None: link(prev, body))
    with database.read() as tx:
        faults = verify(tx).faults
    assert len([fault for fault in faults if "do not give its hash" in fault]) == 2


def test_planted_an_intake_that_ignores_the_suite_takes_nothing(
    both: Collector, sm_box: FakeBox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug: heads of SHA-256 meet the seal over the heads of SM3."""
    whole = Push.hashes
    monkeypatch.setattr(Push, "hashes", lambda push, _suite=None: whole(push))
    assert both.handle(sm_box.name, sm_box.push()) is None
    assert refusals(database) == ["seal_wrong"]


def test_a_chain_rewritten_with_sha256_in_the_store_is_found(
    both: Collector, sm_box: FakeBox, database: Database
) -> None:
    """Whoever rewrites rows in the default suite is not believed."""
    assert both.handle(sm_box.name, sm_box.push()) is not None
    wrong = link(ROOT, sm_box.bodies[0])

    def rewrite(tx: Any) -> None:
        kept = {table: dict(tx.execute(select(table)).mappings().one()) for table in (schema.heads, schema.seals)}
        for table in kept:
            tx.execute(delete(table))
        tx.execute(update(schema.records).values(hash=wrong))
        for table, row in kept.items():
            tx.execute(insert(table).values({**row, "hash": wrong}))

    database.written(rewrite)
    with database.read() as tx:
        faults = " ".join(verify(tx).faults)
    assert "do not give its hash" in faults
    assert "is not this box's" in faults


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("ab" * 31, "32 for sha256\\+ed25519, 65 for sm3\\+sm2"),
        ("04" + "ab" * 64, "no point of the SM2 curve"),
        ("06" + BOX_KEYS[SM3_SM2.name].public()[1:].hex(), "no point of the SM2 curve"),
        ("zz", "32 for"),
    ],
)
def test_a_key_that_is_none_is_not_registered(key: str, said: str) -> None:
    """In words, before anything is stored."""
    with pytest.raises(BoxInvalidError, match=said):
        register("gate-01", key, UNIT, "")


def test_a_registered_keys_length_tells_the_suite() -> None:
    """No flag to get wrong."""
    for suite in SUITES.values():
        assert register("gate-01", BOX_KEYS[suite.name].public().hex(), UNIT, "").suite is suite


def test_the_commands_print_a_key_for_each_suite_and_register_a_box_of_it(tmp_path: Path) -> None:
    """Each key in a file of its own, made once; the box's suite is said."""
    path = str(written(tmp_path, GOOD))
    keys = {name: run("identity", "-c", path, "--suite", name).strip() for name in SUITES}
    assert [len(bytes.fromhex(key)) for key in keys.values()] == [32, 65]
    assert run("identity", "-c", path).strip() == keys[DEFAULT.name]
    assert run("identity", "-c", path, "--suite", "sm3+sm2").strip() == keys[SM3_SM2.name]
    assert "there are: sha256+ed25519, sm3+sm2" in run("identity", "-c", path, "--suite", "md5", code=1)
    secrets = {(tmp_path / "store" / name).read_text() for name in ("collector.key", "collector-sm2.key")}
    assert len(secrets) == 2
    added = run("box", "add", "gate-sm", "-c", path, "--public-key", keys[SM3_SM2.name], "--unit-code", UNIT)
    assert "(sm3+sm2)" in added
    refused = run("box", "add", "gate-x", "-c", path, "--public-key", "00" * 65, "--unit-code", UNIT, code=1)
    assert "no point of the SM2 curve" in refused


def without_sm2(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SuiteMissingError("this OpenSSL has no SM2")

    monkeypatch.setattr(sm2, "require", missing)


def test_without_sm2_in_openssl_everything_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """identity, box add; nothing is registered that could never be checked."""
    path = str(written(tmp_path, GOOD))
    without_sm2(monkeypatch)
    assert "this OpenSSL has no SM2" in run("identity", "-c", path, "--suite", "sm3+sm2", code=1)
    key = BOX_KEYS[SM3_SM2.name].public().hex()
    assert "this OpenSSL has no SM2" in run(
        "box", "add", "gate-sm", "-c", path, "--public-key", key, "--unit-code", UNIT, code=1
    )
    assert "gate-sm" not in run("box", "list", "-c", path)


async def test_a_collector_that_cannot_check_a_registered_box_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start, with the box's name, not at its first push."""
    config = load(written(tmp_path, GOOD + "listen: {port: 0}\n"))
    database = open_store(config)
    known = RegisteredBox("gate-sm", BOX_KEYS[SM3_SM2.name].public(), UNIT, "")
    database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
    database.close()
    without_sm2(monkeypatch)
    with pytest.raises(StartError, match=r"box gate-sm is of suite sm3\+sm2: this OpenSSL has no SM2"):
        await serve(config)


def test_keys_are_kept_apart_and_a_damaged_one_is_never_replaced(tmp_path: Path) -> None:
    """As the collector's first key."""
    config = load(written(tmp_path, GOOD))
    keys = Keyring(config.key_file_of)
    assert keys.of(SM3_SM2) is keys.of(SM3_SM2)
    assert keys.of(SM3_SM2).suite is SM3_SM2
    path = config.key_file_of(SM3_SM2)
    path.write_text("ff" * 32)  # beyond the curve's order
    with pytest.raises(KeyFileError, match="restore it from the backup"):
        own_key(path, SM3_SM2)
    assert path.read_text() == "ff" * 32
