"""A box whose journal went back in time or was copied: nothing lost that the collector holds, no number given twice."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hazgate_cloud.store.boxes import add_note
from hazgate_cloud.store.verify import verify
from hazgate_edge.journal.recovered import RecoveredBranches
from hazgate_edge.journal.witness import WITNESS_FILE
from hazgate_edge.sync import refill
from hazgate_edge.watch import Decision, leave_decision, take_decision, walk_once
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import decode_push, encode_push
from system.pair import BOX_KEY, Box, Cloud, copy_folder, put_back

FOREIGN_KEY = Signer.from_secret(b"x" * 32)
DAY = "2026-11-23"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = Cloud(tmp_path / "cloud")
    yield opened
    with opened.database.read() as tx:
        assert verify(tx).faults == []
    opened.database.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "box")
    yield made
    made.stop()


def put_back_unseen(box: Box, copy: Path) -> None:
    """As the image of a whole disk does it: nothing on the box shows it. Then the start."""
    put_back(box, copy)
    (box.folder / WITNESS_FILE).unlink(missing_ok=True)
    with sqlite3.connect(box.path) as database:
        database.execute("UPDATE standing SET place = ''")
    database.close()
    box.start()


@pytest.mark.fault(27)
def test_a_folder_put_back_waits_gets_its_records_again_and_gives_no_number_twice(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """Noticed without a network; weighing waits for the answer; the lost records come back and numbers go on above."""
    first = [box.weigh(f"before-{i}") for i in range(3)]
    box.talk(cloud)
    old = copy_folder(box, tmp_path / "yesterday")
    lost = [box.weigh(f"lost-{i}") for i in range(250)]
    box.talk(cloud)
    put_back(box, old)
    box.start()
    assert box.blocked() == "BACK-01"
    assert "moved" in box.records(kinds.BOOT)[-1]["found"]
    box.talk(cloud)
    assert box.blocked() == ""
    notice = box.refill.notice()
    assert notice is not None
    assert (notice.key, notice.values) == ("BACK-03", {"n": "250"})
    assert {bag.label for bag in box.journal.found_bags(DAY, 1000)} == set(lost)
    assert box.weigh("after") not in {*first, *lost}
    assert len(box.records(kinds.MERGE)) == 1
    box.restart()
    box.talk(cloud)
    assert box.blocked() == ""
    assert box.weigh("after the next start")[-3:] == "255"
    assert len(box.records(kinds.MERGE)) == 1


@pytest.mark.fault(27)
def test_bags_found_again_show_what_the_core_said_whichever_branch_was_told(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """Accepted before the folder was put back, refused after it, and neither: each as in a list of its own bags."""
    box.talk(cloud)
    old = copy_folder(box, tmp_path / "old")
    accepted, refused, open_yet = (box.weigh(press) for press in ("accepted", "refused", "open"))
    hashes = {Record.decode(row[3]).body.get("label"): row[1] for row in box.journal.chain()}
    box.talk(cloud)

    def says(label: str, what: str, code: str, text: str) -> None:
        at = "2026-11-23T03:00:00.000Z"
        cloud.database.written(lambda tx: add_note(tx, box.journal.box, hashes[label], what, at, code=code, text=text))

    says(accepted, "accepted", "", "")
    box.talk(cloud)
    put_back(box, old)
    box.start()
    says(refused, "refused", "amount", "too much")
    box.talk(cloud)
    box.talk(cloud)
    found = {bag.label: (bag.core, bag.core_text) for bag in box.journal.found_bags(DAY, 10)}
    assert found == {accepted: ("accepted", ""), refused: ("refused", "amount too much"), open_yet: ("", "")}


@pytest.mark.fault(27)
def test_a_disk_image_put_back_unseen_shows_as_soon_as_the_collector_answers(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """No witness, no trace of the place: from the first answer on, weighing waits until everything is back."""
    box.talk(cloud)
    old = copy_folder(box, tmp_path / "image")
    lost = {box.weigh(f"lost-{i}") for i in range(5)}
    box.talk(cloud)
    put_back_unseen(box, old)
    assert box.blocked() == ""  # cannot be told, and the documents say so
    asyncio.run(box.step(cloud))
    assert box.blocked() == "BACK-02"
    box.talk(cloud)
    assert box.weigh("after") not in lost


@pytest.mark.fault(27)
def test_an_installer_lets_a_box_that_was_put_back_weigh_offline_and_that_goes_on_record(
    box: Box, tmp_path: Path
) -> None:
    """Name, reason and the last labels are kept; numbers go on above these; the next start asks nothing any more."""
    old = copy_folder(box, tmp_path / "old")
    lost = [box.weigh(f"lost-{i}") for i in range(4)]
    put_back(box, old)
    box.start()
    assert box.blocked() == "BACK-01"
    box.restart()
    assert box.blocked() == "BACK-01"
    said = Decision("李工", "换了硬盘", (lost[-1],))
    leave_decision(box.folder, said)
    assert take_decision(box.folder) == said
    assert asyncio.run(box.refill.decide(said.who, said.reason, said.last_labels)) == "moved"
    assert box.blocked() == ""
    assert box.records(kinds.DECISION) == [
        {"about": "moved", "who": "李工", "reason": "换了硬盘", "last_labels": [lost[-1]]}
    ]
    assert box.weigh("after")[-3:] == "005"
    box.restart()
    assert box.blocked() == ""
    assert box.weigh("after the next start")[-3:] == "006"


@pytest.mark.fault(27)
def test_without_the_last_label_a_number_comes_twice(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted mistake: what the installer said is written down and not heeded."""
    monkeypatch.setattr(RecoveredBranches, "do_raise_numbers", lambda _self, _numbers: None)
    with pytest.raises(AssertionError, match="001"):
        test_an_installer_lets_a_box_that_was_put_back_weigh_offline_and_that_goes_on_record(box, tmp_path)


@pytest.mark.fault(11)
def test_a_log_deleted_while_stopped_is_noticed_numbers_go_on_above_and_the_records_come_back(
    box: Box, cloud: Cloud
) -> None:
    """The witness is ahead of the journal: said in the boot record and on the terminal, also offline."""
    box.weigh("kept")
    box.talk(cloud)
    box.restart()
    with sqlite3.connect(box.path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    whole = box.path.read_bytes()
    lost = {box.weigh(f"lost-{i}") for i in range(4)}
    box.talk(cloud)
    box.stop()
    with box.path.open("r+b") as file:  # in place: the same file, without what was only in its log
        file.write(whole)
        file.truncate()
    for part in ("-wal", "-shm"):
        Path(f"{box.path}{part}").unlink(missing_ok=True)
    box.start()
    assert "behind" in box.records(kinds.BOOT)[-1]["found"]
    notice = box.refill.notice()
    assert notice is not None
    assert (notice.key, box.blocked()) == ("BACK-06", "")
    given = box.weigh("offline")
    assert given not in lost
    box.talk(cloud)
    assert {bag.label for bag in box.journal.found_bags(DAY, 100)} == lost
    assert box.weigh("later") not in {*lost, given}


@pytest.mark.fault(99)
def test_a_copied_disk_in_another_machine_waits_for_the_collector_and_then_goes_on(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original is dead and had nothing more: the same head, another machine; one answer is enough."""
    box.weigh("before")
    box.talk(cloud)
    assert box.found.place["machine"]
    machine = tmp_path / "machine-id"
    machine.write_text("f" * 32)
    monkeypatch.setattr("hazgate_edge.journal.place._MACHINE", {"machine": machine})
    box.restart()
    assert (box.found.moved, box.blocked()) == ("machine", "BACK-01")
    box.talk(cloud)
    assert box.blocked() == ""
    box.restart()
    assert box.blocked() == ""


@pytest.mark.fault(98)
def test_two_clones_that_both_run_stop_weighing_and_do_not_merge_for_ever(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """Each takes the other's records a bounded number of times; then both say so, and an installer frees one."""
    box.weigh("before")
    box.talk(cloud)
    twin = Box(copy_folder(box, tmp_path / "twin"))
    assert twin.blocked() == "BACK-01"
    given: list[str] = []
    for turn in range(12):
        for one in (twin, box):
            one.talk(cloud)
            if not one.blocked():
                given.append(one.weigh(f"{one.folder.name}-{turn}"))
                one.talk(cloud)
    assert (box.blocked(), twin.blocked()) == ("BACK-04", "BACK-04")
    assert len(given) == len(set(given)), "each heard of the other's numbers before it weighed"
    for one in (box, twin):
        assert len(one.records(kinds.MERGE)) <= 1 + refill.GROWN_MERGES_MAX
        assert [alarm["what"] for alarm in one.records(kinds.ALARM)] == ["cloned"]
    box.restart()
    assert box.blocked() == "BACK-04"
    twin.stop()
    assert asyncio.run(box.refill.decide("李工", "副本已收回", ())) == "cloned"
    box.talk(cloud)
    assert box.blocked() == ""
    assert box.weigh("after") not in given


def test_without_the_bound_two_clones_merge_for_ever(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted mistake: shows that the bound is what ends it."""
    monkeypatch.setattr(refill, "GROWN_MERGES_MAX", 10**9)
    monkeypatch.setattr(refill, "MERGES_MAX", 10**9)
    box.talk(cloud)
    twin = Box(copy_folder(box, tmp_path / "twin"))
    for _ in range(12):
        twin.talk(cloud)
        box.talk(cloud)
    assert len(box.records(kinds.MERGE)) > 8
    twin.stop()


@pytest.mark.fault(27)
def test_a_forged_page_changes_nothing(box: Box, cloud: Cloud, tmp_path: Path) -> None:
    """Another seal, other bytes, records of another branch, an empty or a cut page: nothing is kept, weighing waits."""
    box.talk(cloud)
    old = copy_folder(box, tmp_path / "old")
    box.weigh("lost")
    box.talk(cloud)
    put_back_unseen(box, old)

    def sealed_by_another(payload: bytes) -> bytes:
        page = decode_push(payload)
        return encode_push(replace(page, seal=FOREIGN_KEY.seal_chain(box.journal.box, page.head())))

    def other_weight(payload: bytes) -> bytes:
        page = decode_push(payload)
        return encode_push(replace(page, bodies=tuple(body.replace(b"12.34", b"02.34") for body in page.bodies)))

    def without_the_newest(payload: bytes) -> bytes:
        page = decode_push(payload)
        return encode_push(replace(page, bodies=page.bodies[:-1]))

    def cut(payload: bytes) -> bytes:
        return payload[:-3]

    for forge in (sealed_by_another, other_weight, without_the_newest, cut):
        cloud.change_give, given = forge, cloud.given
        for _ in range(3):
            box.talk(cloud)
            box.seconds += refill.ANSWER_WAIT_S_MAX
        assert cloud.given > given
        assert box.journal.recovered_count() == 0, forge.__name__
        assert box.blocked() == "BACK-02", forge.__name__
    cloud.change_give = lambda payload: payload
    box.seconds += 100
    box.talk(cloud)
    assert box.blocked() == ""
    assert box.journal.recovered_count() > 0


def test_a_page_taken_without_its_seal_is_found(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted mistake: the test above is what finds it."""
    monkeypatch.setattr(refill, "chain_seal_holds", lambda *_given: True)
    with pytest.raises(AssertionError, match="sealed_by_another"):
        test_a_forged_page_changes_nothing(box, cloud, tmp_path)


def test_a_number_reused_after_a_restore_is_found(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted mistake: the records come back, their numbers are not heeded."""
    monkeypatch.setattr(RecoveredBranches, "do_raise_numbers", lambda _self, _numbers: None)
    with pytest.raises(AssertionError):
        test_a_disk_image_put_back_unseen_shows_as_soon_as_the_collector_answers(box, cloud, tmp_path)


def test_an_answer_without_the_collectors_seal_says_nothing_of_branches(box: Box, cloud: Cloud, tmp_path: Path) -> None:
    """Who can only write to the broker cannot tell a copied box that it is alone."""
    box.talk(cloud)
    twin = Box(copy_folder(box, tmp_path / "twin"))
    box.stop()
    shutil.copytree(twin.folder, tmp_path / "unused", dirs_exist_ok=True)
    cloud.collector._signer = BOX_KEY
    twin.talk(cloud, rounds=10_000)
    assert twin.blocked() == "BACK-01"
    twin.stop()
    box.start()


@pytest.mark.fault(27)
def test_a_box_put_back_twice_gets_both_branches(box: Box, cloud: Cloud, tmp_path: Path) -> None:
    """What the second lost branch had fetched back itself is fetched by its name."""
    box.talk(cloud)
    old = copy_folder(box, tmp_path / "old")
    lost = {box.weigh(f"first-{i}") for i in range(3)}
    box.talk(cloud)
    put_back(box, old)
    box.start()
    box.talk(cloud)  # merges, and gives no number before it is put back again
    put_back(box, old)
    box.start()
    box.talk(cloud)
    assert {bag.label for bag in box.journal.found_bags(DAY, 100)} == lost
    assert box.blocked() == ""
    assert box.weigh("after") not in lost


@pytest.mark.fault(9)
def test_a_journal_set_aside_sends_what_was_not_sent_and_gets_the_rest_back(box: Box, cloud: Cloud) -> None:
    """A damaged page behind the chain: a new chain is begun, the old one's unsent end goes out as it is, and both come
    together at the collector and in today's list."""
    sent = {box.weigh(f"sent-{i}") for i in range(3)}
    box.talk(cloud)
    unsent = {box.weigh(f"unsent-{i}") for i in range(150)}
    box.stop()
    with sqlite3.connect(box.path) as database:
        database.execute("UPDATE bag SET label = 'x' WHERE seq = (SELECT max(seq) FROM bag)")
    database.close()
    box.start()
    assert "set-aside" in box.records(kinds.BOOT)[-1]["found"]["journal"]
    assert box.blocked() == ""  # the numbers are known from the file
    offline = box.weigh("offline")
    assert offline not in {*sent, *unsent}
    box.talk(cloud)
    assert {bag.label for bag in box.journal.found_bags(DAY, 1000)} == {*sent, *unsent}
    with cloud.database.read() as tx:
        rows = tx.exec_driver_sql("SELECT label FROM bags").scalars()
        assert set(rows) == {*sent, *unsent, offline}
    assert len(box.records(kinds.MERGE)) == 2  # the old chain as far as it was sent, then its end
    assert box.weigh("later") not in {*sent, *unsent, offline}


@pytest.mark.fault(9)
def test_what_lies_behind_an_unreadable_record_stays_in_the_file_and_is_counted(
    box: Box, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing that cannot be joined to the chain is sent, and nothing is deleted."""
    box.talk(cloud)
    good = box.weigh("good")
    box.weigh("bad")
    behind = box.weigh("behind")
    box.stop()
    with sqlite3.connect(box.path) as database:
        database.execute("UPDATE record SET body = x'7b7d' WHERE seq = (SELECT seq FROM bag WHERE request = 'bad')")
    database.close()
    box.start()
    assert "1 more records can be read" in caplog.text
    box.talk(cloud)
    assert {bag.label for bag in box.journal.found_bags(DAY, 10)} == {good}
    assert box.weigh("later") > behind


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), '12.34', '02.34') AS BLOB) WHERE seq = 4",
        "UPDATE record SET hash = zeroblob(32) WHERE seq = 4",
        "UPDATE record SET prev = zeroblob(32) WHERE seq = 4",
        "UPDATE bag SET label = 'x' WHERE seq = 4",
    ],
)
def test_a_damaged_record_that_the_collector_holds_is_fetched_back(box: Box, cloud: Cloud, harm: str) -> None:
    """The walk names it, the operator sees it, the record is as it was written again; two alarms say so."""
    for i in range(8):
        box.weigh(f"press-{i}")
    box.talk(cloud)
    before = [row[:4] for row in box.journal.chain()]
    listed = box.journal.labels_between(1, 100)
    with sqlite3.connect(box.path) as database:
        database.execute(harm)
    database.close()
    assert asyncio.run(walk_once(box.journal, box.refill, pause_s=0)) == 1
    notice = box.refill.notice()
    assert notice is not None
    assert (notice.key, notice.values) == ("BACK-05", {"n": "4"})
    box.talk(cloud)
    assert [row[:4] for row in box.journal.chain()][: len(before)] == before
    assert box.journal.labels_between(1, 100) == listed
    assert asyncio.run(walk_once(box.journal, box.refill, pause_s=0)) == 0
    assert box.refill.notice() is None
    assert [alarm["what"] for alarm in box.records(kinds.ALARM)] == ["record_wrong", "record_mended"]


@pytest.mark.fault(10)
def test_old_records_that_cannot_be_read_are_told_and_the_box_goes_on(
    box: Box, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged page far below the newest records is no reason to end: the next start would meet it again."""
    box.weigh("press")

    def fails(_first: int, _last: int) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(box.journal, "rows_between", fails)
    assert asyncio.run(walk_once(box.journal, box.refill, pause_s=0)) == 1
    box.talk(cloud)
    notice = box.refill.notice()
    assert notice is not None
    assert notice.key == "BACK-05"
    assert box.journal.broken is None
    box.weigh("goes on")
    assert ["cannot be read" in alarm["text"] for alarm in box.records(kinds.ALARM)] == [True]


@pytest.mark.fault(10)
def test_a_walk_of_a_sound_chain_finds_nothing(box: Box, cloud: Cloud) -> None:
    """Over several slices, and while records are written."""
    for i in range(450):
        box.weigh(f"press-{i}")
    box.talk(cloud)
    assert asyncio.run(walk_once(box.journal, box.refill, pause_s=0)) == 0
    assert box.refill.notice() is None
