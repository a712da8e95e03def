"""Daily checkpoints: made once a day, written durably, told to the boxes, and held against store and folder."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from cloud.fakebox import Clock, FakeBox
from cloud.test_verify import tamper
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.daily import is_due, local_day
from hazgate_cloud.keeper.checkpointer import Checkpointer
from hazgate_cloud.keeper.folder import Folder, FolderError
from hazgate_cloud.store import checkpoints, held, schema
from hazgate_cloud.store.alarms import listed
from hazgate_cloud.store.boxes import notes_after
from hazgate_cloud.store.checkpoints import Anchored
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import Report, verify
from hazgate_cloud.store.verify_checkpoints import verify_checkpoints
from hazgate_protocols.journal.checkpoint import Checkpoint, decode
from hazgate_protocols.journal.record import WEIGHING
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Have, Note, decode_answer
from servers.stores import cluster

DAY_S = 86_400


class Desk:
    """A store with its checkpointer and folder."""

    def __init__(self, database: Database, key: Signer, clock: Clock, folder: Path) -> None:
        self.database, self.key, self.clock = database, key, clock
        self.folder = Folder(folder)
        self.maker = Checkpointer(database, key, self.folder, clock)

    def make(self) -> Checkpoint:
        """A checkpoint now."""
        kept = self.maker.make()
        assert kept is not None
        return kept.checkpoint

    def make_if_due(self) -> Anchored | None:
        """As the running collector does it."""
        return self.maker.make() if self.maker.is_due() else None

    def faults(self) -> list[str]:
        """All that verify finds."""
        with self.database.read() as tx:
            report = verify(tx)
            files = [(file.name, file.checkpoint, file.trouble) for file in self.folder.newest_first()]
            verify_checkpoints(tx, self.key.public(), files, report)
        return report.faults

    def alarms(self) -> list[str]:
        """Kinds of the open ones."""
        with self.database.read() as tx:
            return sorted(alarm["kind"] for alarm in listed(tx, 100))

    def notes(self, box: FakeBox) -> tuple[Note, ...]:
        """The notes about checkpoints to a box."""
        with self.database.read() as tx:
            return tuple(note for note in notes_after(tx, box.name, 0) if note.what == "anchored")

    def count(self) -> int:
        """How many checkpoints the store has."""
        with self.database.read() as tx:
            return tx.execute(select(func.count()).select_from(schema.checkpoints)).scalar_one()

    def copy(self, to: Path) -> None:
        """The store, as a backup tool would take it."""
        if not self.database.is_sqlite:
            self.database.close()
            to.write_text(cluster().create(str(self.database.engine.url.database)))
            return
        with self.database.engine.connect() as plain:
            plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(str(self.database.engine.url.database), to)

    def restore(self, copy: Path) -> None:
        """Puts an older copy in the store's place."""
        self.database.close()
        if not self.database.is_sqlite:
            name = str(self.database.engine.url.database)
            cluster().drop(name)
            cluster().create(copy.read_text(), name)
            self.maker = Checkpointer(self.database, self.key, self.folder, self.clock)
            return
        path = Path(str(self.database.engine.url.database))
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(copy, path)
        self.maker = Checkpointer(self.database, self.key, self.folder, self.clock)

    def tamper(self, change: Callable[[Connection], Any]) -> None:
        """As someone with the store in hand would do it."""
        tamper(self.database, change)


@pytest.fixture
def desk(database: Database, collector_key: Signer, clock: Clock, tmp_path: Path) -> Desk:
    return Desk(database, collector_key, clock, tmp_path / "elsewhere")


def push(collector: Collector, box: FakeBox, start: int = 0, notes_after: int = 0) -> Have:
    """What the collector answers."""
    answer = collector.handle(box.name, box.push(start, notes_after=notes_after))
    assert answer is not None
    have = decode_answer(answer.payload)
    assert isinstance(have, Have)
    return have


def test_a_checkpoint_names_every_head_and_is_chained_to_the_last(
    desk: Desk, collector: Collector, box: FakeBox, register: Callable[[FakeBox], FakeBox]
) -> None:
    """Both boxes' heads, the records' number, the log of acts; sealed by the collector; the second names the first."""
    other = register(FakeBox("gate-02", Signer.generate(), start=5).begin())
    box.weigh_and_print(1)
    push(collector, box)
    push(collector, other)
    first = desk.make()
    assert {(head.box, head.seq, head.hash) for head in first.heads} == {
        (box.name, 3, box.head),
        (other.name, 1, other.head),
    }
    assert (first.said.n, first.said.records, first.said.audit_n) == (1, 4, 0)
    assert first.said.date == "2026-03-09"
    assert first.faults(desk.key.public()) == []
    box.write(WEIGHING, {"label": "x"})
    held_hash = box.head
    push(collector, box, 3)
    desk.database.written(lambda tx: held.reject(tx, held_hash, Person("李雷", "坏"), "2026-03-09T02:00:00.000Z"))
    second = desk.make()
    assert (second.said.n, second.said.prev, second.said.audit_n) == (2, first.hash, 1)
    assert desk.faults() == []


def test_the_file_is_private_whole_and_never_written_over(desk: Desk, collector: Collector, box: FakeBox) -> None:
    """0600 in 0700, name with number and day, the store's own bytes; a changed file of that name stays and is said."""
    push(collector, box)
    made = desk.make()
    (path,) = desk.folder.path.iterdir()
    assert path.name == f"checkpoint-000001-2026-03-09-{made.hash.hex()[:8]}.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert decode(path.read_bytes()) == made
    assert desk.folder.write(made.encode()) == path
    path.write_bytes(b"mine")
    with pytest.raises(FolderError, match="another file of this name"):
        desk.folder.write(made.encode())
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("said", [errno.EPERM, errno.EOPNOTSUPP, errno.EIO], ids=errno.errorcode.get)
def test_a_medium_without_links_is_written_and_a_failing_one_leaves_nothing_half_done(
    said: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory stick has no links: renamed instead. An error leaves no file and no draft, and the next try succeeds."""

    def refuse(*_: object) -> None:
        raise OSError(said, os.strerror(said))

    data = desk.make().encode()
    shutil.rmtree(desk.folder.path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        if said == errno.EIO:
            with pytest.raises(FolderError, match="make the folder of `checkpoints` writable"):
                desk.folder.write(data)
            assert list(desk.folder.path.iterdir()) == []
        else:
            desk.folder.write(data)
    path = desk.folder.write(data)
    assert list(desk.folder.path.iterdir()) == [path]
    assert path.read_bytes() == data


def test_a_folder_that_cannot_be_written_is_said_and_written_later(
    desk: Desk, collector: Collector, box: FakeBox
) -> None:
    """The checkpoint stands in the store; one alarm; the file comes by itself when there is room."""
    push(collector, box)
    desk.folder.path.write_text("in the way")
    desk.make()
    desk.maker.write_files()
    assert "elsewhere" in desk.maker.file_trouble
    assert desk.alarms() == ["checkpoint_file"]
    desk.folder.path.unlink()
    desk.maker.write_files()
    assert desk.maker.file_trouble == ""
    assert len(list(desk.folder.path.iterdir())) == 1
    assert desk.faults() == []


def test_one_is_made_a_day_of_shanghai_and_a_missed_one_at_the_start(desk: Desk, clock: Clock) -> None:
    """The first at once; the next after local midnight, 16:00 UTC; after three days off, one."""
    assert desk.make_if_due() is not None
    clock.at = datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC)
    assert desk.make_if_due() is None
    clock.at = datetime(2026, 3, 9, 16, 0, 0, tzinfo=UTC)
    assert desk.make_if_due() is not None
    assert desk.make_if_due() is None
    clock.pass_s(3 * DAY_S)
    assert desk.make_if_due() is not None
    assert desk.make_if_due() is None
    assert desk.count() == 3


def test_a_clock_that_jumps_makes_none_twice_and_never_stops_them(desk: Desk, clock: Clock) -> None:
    """Back by a day: none. Ahead by a year and back again: one for today, and tomorrow the next."""
    desk.make_if_due()
    for back_s in (3_600, DAY_S, 0):
        clock.pass_s(-back_s)
        assert desk.make_if_due() is None
        clock.pass_s(back_s)
    clock.pass_s(365 * DAY_S)
    assert desk.make_if_due() is not None
    clock.pass_s(-365 * DAY_S)
    assert desk.make_if_due() is not None
    assert desk.make_if_due() is None
    clock.pass_s(DAY_S)
    assert desk.make_if_due() is not None
    assert desk.count() == 4
    assert desk.faults() == []


@pytest.mark.parametrize("hours", range(0, 48, 5))
def test_a_day_that_is_not_over_is_not_due(hours: int) -> None:
    """Whatever the hour: due only from the next local day on."""
    now = datetime(2026, 3, 9, 2, 0, tzinfo=UTC) + timedelta(hours=hours)
    assert is_due("2026-03-09", now) == (local_day(now).isoformat() > "2026-03-09")


def test_two_collectors_at_midnight_make_one(desk: Desk, collector: Collector, box: FakeBox, clock: Clock) -> None:
    """Both draft, both store at once on one database: one is kept, the other says so, and one note is written."""
    push(collector, box)
    other = Database.open(str(desk.database.engine.url))
    second = Checkpointer(other, desk.key, desk.folder, clock)
    drafts = [(desk.maker, desk.maker.draft()), (second, second.draft())]
    clock.pass_s(1)
    drafts.append((second, second.draft()))
    kept: list[object] = []
    threads = [threading.Thread(target=lambda m=m, d=d: kept.append(m.keep(d))) for m, d in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    other.close()
    assert len(kept) == 3
    assert sum(item is not None for item in kept) == 1
    assert desk.count() == 1
    assert len(desk.notes(box)) == 1
    assert len(list(desk.folder.path.iterdir())) == 1


def test_each_box_with_news_is_told_and_a_sleeping_one_is_left_alone(
    desk: Desk, collector: Collector, box: FakeBox, register: Callable[[FakeBox], FakeBox]
) -> None:
    """The note names its own head, the number and the hash. Keeping that note is no news; a weighing is."""
    silent = register(FakeBox("gate-02", Signer.generate(), start=5))
    box.weigh(1)
    push(collector, box)
    told_of, first = box.head, desk.make()
    (note,) = desk.notes(box)
    assert (note.hash, note.code, note.reference) == (told_of, "1", first.hash.hex())
    assert desk.notes(silent) == ()
    have = push(collector, box)
    box.keep_notes(have.notes, 0)
    push(collector, box, 2, notes_after=have.notes[-1].n)
    for _ in range(3):
        desk.clock.pass_s(DAY_S)
        desk.make()
    assert len(desk.notes(box)) == 1
    box.weigh(2)
    push(collector, box, 3)
    latest = desk.make()
    assert [note.reference for note in desk.notes(box)] == [first.hash.hex(), latest.hash.hex()]
    assert desk.notes(box)[-1].hash == box.head
    assert desk.faults() == []


# --- planted: someone changes the store, and mends what verify of the store alone would see


def drop_newest_and_mend(tx: Connection, box: FakeBox) -> None:
    """The newest record never was: head, seal, link and receipt are those of the one before."""
    gone, before = box.hashes[-1], box.hashes[-2]
    tx.execute(delete(schema.records).where(schema.records.c.hash == gone))
    tx.execute(delete(schema.mentions).where(schema.mentions.c.hash == gone))
    tx.execute(update(schema.heads).values(hash=before, seq=len(box.hashes) - 1))
    tx.execute(
        update(schema.seals).values(hash=before, seal=box.signer.seal_chain(box.name, before))
    )  # the box's own seal over that head is known from an earlier push


def forget_checkpoints(tx: Connection) -> None:
    tx.execute(delete(schema.anchors))
    tx.execute(delete(schema.notes))
    tx.execute(delete(schema.checkpoints))


def test_a_record_cut_off_and_mended_is_found_by_the_stores_own_checkpoint(
    desk: Desk, collector: Collector, box: FakeBox
) -> None:
    """verify of the records alone sees a whole store; the checkpoint names the head that is gone."""
    box.write("login", {})
    push(collector, box)
    desk.make()
    desk.tamper(lambda tx: drop_newest_and_mend(tx, box))
    with desk.database.read() as tx:
        assert verify(tx).faults == []
    found = desk.faults()
    assert any("names record 2 of box gate-01" in fault and box.head.hex() in fault for fault in found)
    assert any("counts 2 records, 1 are held now" in fault for fault in found)


def test_with_its_checkpoints_gone_too_it_is_found_by_the_file(desk: Desk, collector: Collector, box: FakeBox) -> None:
    """The store alone is whole again; the file on another medium is not impressed."""
    box.write("login", {})
    push(collector, box)
    desk.make()
    desk.tamper(lambda tx: drop_newest_and_mend(tx, box))
    desk.tamper(forget_checkpoints)
    with desk.database.read() as tx:
        report = verify(tx)
        verify_checkpoints(tx, desk.key.public(), [], report)
    assert report.faults == []
    found = desk.faults()
    assert any("the store lacks this checkpoint" in fault for fault in found)
    assert any("names record 2 of box gate-01" in fault for fault in found)


def test_with_the_files_gone_as_well_it_is_found_by_the_boxs_own_chain(
    desk: Desk, collector: Collector, box: FakeBox
) -> None:
    """The box wrote the checkpoint's hash into its chain; the collector cannot take it out."""
    push(collector, box)
    desk.make()
    have = push(collector, box)
    box.keep_notes(have.notes, 0)
    push(collector, box, 1)
    desk.tamper(forget_checkpoints)
    desk.tamper(lambda tx: tx.execute(update(schema.boxes).values(notes_last=0)))
    shutil.rmtree(desk.folder.path)
    assert any("was told of checkpoint 1" in fault for fault in desk.faults())


@pytest.mark.parametrize("column", ["encoded", "hash", "prev", "date", "at", "number"])
def test_a_changed_checkpoint_in_the_store_is_found(
    column: str, desk: Desk, collector: Collector, box: FakeBox
) -> None:
    """Every column that is proof."""
    push(collector, box)
    desk.make()
    desk.clock.pass_s(DAY_S)
    desk.make()
    with desk.database.read() as tx:
        old = tx.execute(select(schema.checkpoints.c[column]).where(schema.checkpoints.c.number == 2)).scalar_one()
    new: Any = 3 if column == "number" else "2026-01-01" if isinstance(old, str) else old[:-3] + b"\7" + old[-2:]
    change = update(schema.checkpoints).where(schema.checkpoints.c.number == 2).values({column: new})
    desk.tamper(lambda tx: tx.execute(change))
    assert any(fault.startswith("checkpoint") for fault in desk.faults())


def test_acts_of_people_cut_off_and_mended_are_found(desk: Desk, collector: Collector, box: FakeBox) -> None:
    """The newest row of the log with all it led to: the checkpoint names it."""
    box.write(WEIGHING, {"label": "x"})
    wrong = box.head
    push(collector, box)
    desk.database.written(lambda tx: held.reject(tx, wrong, Person("李雷", "坏"), "2026-03-09T02:00:00.000Z"))
    desk.make()

    def undo(tx: Connection) -> None:
        tx.execute(delete(schema.rulings))
        tx.execute(delete(schema.audit))
        tx.execute(delete(schema.notes).where(schema.notes.c.what == "refused"))

    desk.tamper(undo)
    with desk.database.read() as tx:
        assert verify(tx).faults == []
    assert any("act 1 of people is gone" in fault for fault in desk.faults())


def test_a_store_put_back_to_an_older_copy_is_alarmed_at_the_start_and_mended_by_the_boxes(
    desk: Desk, collector: Collector, box: FakeBox, tmp_path: Path
) -> None:
    """An alarm that names the checkpoint; the chain of checkpoints goes on from the file; verify names the head that
    is lacking until the box has sent it again."""
    push(collector, box)
    desk.make()
    desk.copy(tmp_path / "old.db")
    box.weigh_and_print(1)
    push(collector, box, 1)
    desk.clock.pass_s(DAY_S)
    lost = desk.make()
    assert desk.maker.compare() == []
    desk.restore(tmp_path / "old.db")
    (found,) = desk.maker.compare()
    assert found.startswith("checkpoint 2 of 2026-03-10 (3 records) has a file and is not in the store")
    assert desk.alarms() == ["store_rollback"]
    assert desk.maker.compare() == []
    assert any(f"names record 3 of box gate-01 ({box.head.hex()})" in fault for fault in desk.faults())
    push(collector, box, 1)
    assert desk.faults() == []
    desk.clock.pass_s(DAY_S)
    assert desk.make().said.prev == lost.hash
    assert desk.faults() == []


def test_a_box_that_was_told_of_a_lost_checkpoint_raises_the_alarm(
    desk: Desk, collector: Collector, box: FakeBox, tmp_path: Path
) -> None:
    """Also where the files are gone with the store."""
    push(collector, box)
    desk.copy(tmp_path / "old.db")
    desk.make()
    have = push(collector, box)
    box.keep_notes(have.notes, 0)
    desk.restore(tmp_path / "old.db")
    shutil.rmtree(desk.folder.path)
    assert desk.maker.compare() == []
    assert desk.alarms() == []
    push(collector, box, 1)
    assert desk.alarms() == ["store_rollback"]


def test_a_damaged_newest_file_is_alarmed_at_the_start(desk: Desk, collector: Collector, box: FakeBox) -> None:
    """One byte: not taken for a rollback, and the one before is looked at."""
    push(collector, box)
    desk.make()
    (path,) = desk.folder.path.iterdir()
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"records":1', b'"records":9'))
    assert len(desk.maker.compare()) == 1
    assert desk.alarms() == ["checkpoint_damaged"]
    assert any(fault.startswith(f"file {path.name}") for fault in desk.faults())


def test_a_file_of_another_collector_is_not_taken_into_the_store(
    desk: Desk, collector: Collector, box: FakeBox
) -> None:
    """Seal and chain must be this collector's own."""
    push(collector, box)
    first = desk.make()
    stranger = Signer.from_secret(b"s" * 32)
    from hazgate_protocols.journal.checkpoint import make

    said = first.said
    forged = make(stranger, first.heads, n=2, date=said.date, at=said.at, prev=first.hash, records=2,
                  audit_n=0, audit=said.audit)  # fmt: skip
    desk.folder.write(forged.encode())
    assert len(desk.maker.compare()) == 1
    assert (desk.count(), desk.alarms()) == (1, ["checkpoint_damaged"])


def test_a_checkpoint_covers_branches_of_a_forked_box(desk: Desk, collector: Collector, box: FakeBox) -> None:
    """Both heads are named; one note, about the branch of the last receipt."""
    box.weigh(1)
    push(collector, box)
    clone = box.copy(7)
    box.weigh(2)
    clone.weigh(3)
    clone.weigh(4)
    push(collector, clone, 2)
    push(collector, box, 2)
    made = desk.make()
    assert {head.hash for head in made.heads} == {box.head, clone.head}
    assert [note.hash for note in desk.notes(box)] == [box.head]
    assert desk.faults() == []


def test_a_report_without_checkpoints_is_whole(desk: Desk) -> None:
    """A store of before there were any."""
    report = Report()
    with desk.database.read() as tx:
        verify_checkpoints(tx, desk.key.public(), [], report)
    assert report.faults == []
    assert report.checked[0].startswith("0 checkpoints")


def test_the_cores_word_is_kept_once(desk: Desk) -> None:
    """A second worker's word about a settled one changes nothing."""
    made = desk.make()
    for state, fresh in (("accepted", True), ("refused", False)):
        with desk.database.write() as tx:
            assert checkpoints.core_said(tx, made.hash, state, "x") is fresh
