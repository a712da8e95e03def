"""What the start finds wrong with a journal, what it does about it, and that no number comes back."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.makers import BOX, DEV, UNIT, StandingClock, journal_in, weigh
from hazgate_edge.app import AlreadyRunningError, examine, lock
from hazgate_edge.journal import start
from hazgate_edge.journal.database import JournalError
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.seal import Signer
from storage.depth import SEED, SOAK, count
from storage.judge import violations
from storage.tracing import DATABASE, killed_at

FLIPS = 2000 if SOAK else 150
WEIGHINGS = 30
SIGNER = Signer.from_secret(bytes(range(32)))


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder with a closed journal of some weighings."""
    folder = tmp_path / "box"
    folder.mkdir(mode=0o700)
    journal = journal_in(folder)
    for number in range(WEIGHINGS):
        weigh(journal, f"press-{number}")
    journal.close()
    return folder


def fault_in(folder: Path) -> start.Fault | None:
    return start.fault_in(folder / DATABASE, box=BOX, public_key=SIGNER.public())


def rows(folder: Path) -> list[tuple[object, ...]]:
    """All that a weighing is: records and the list of weighings."""
    database = sqlite3.connect(folder / DATABASE)
    try:
        return [
            *database.execute("SELECT seq, hash, prev, body FROM record ORDER BY seq"),
            *database.execute("SELECT seq, label FROM bag ORDER BY seq"),
        ]
    finally:
        database.close()


def begin_anew(folder: Path) -> Journal:
    """What the agent does at a start."""
    path = folder / DATABASE
    examine(path, BOX, SIGNER, StandingClock())
    journal = Journal(path, box=BOX, signer=SIGNER, clock=StandingClock(), given_before=start.numbers_aside(path, UNIT))
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    return journal


def test_a_sound_journal_has_no_fault_and_neither_has_none(closed: Path, tmp_path: Path) -> None:
    """No false alarm, whether the tail is the whole chain or a part."""
    assert fault_in(closed) is None
    assert start.fault_in(closed / DATABASE, box=BOX, public_key=SIGNER.public(), tail=5) is None
    assert fault_in(tmp_path) is None


@pytest.mark.fault(9, 10)
@pytest.mark.timeout(900)
def test_no_flipped_bit_changes_a_record_unseen(closed: Path, tmp_path: Path) -> None:
    """Seeded single-bit flips anywhere: the start finds each that changes a record or a label, and says which;
    after that the box weighs on, and no number that was given comes back."""
    true, whole = rows(closed), (closed / DATABASE).read_bytes()
    given = {str(row[1]) for row in true if len(row) == 2}
    rng = random.Random(SEED)
    found, harmless = 0, 0
    for flip in range(FLIPS):
        folder = tmp_path / f"flip-{flip}"
        folder.mkdir(mode=0o700)
        changed = bytearray(whole)
        bit = rng.randrange(len(whole) * 8)
        changed[bit // 8] ^= 1 << bit % 8
        (folder / DATABASE).write_bytes(changed)
        fault = fault_in(folder)
        if fault is None:
            assert rows(folder) == true, f"bit {bit} (seed {SEED}) changed what was kept, unseen"
            harmless += 1
        else:
            assert fault.text
            found += 1
            journal = begin_anew(folder)
            assert weigh(journal, "after")[1] not in given, f"bit {bit} (seed {SEED})"
            journal.close()
            assert len(list(folder.glob("journal-set-aside-*.sqlite3"))) == 1
        shutil.rmtree(folder)
    assert found
    count("single bits flipped in the box's journal", FLIPS)
    print(f"{found} found, {harmless} in unused room")


@pytest.mark.fault(10)
def test_a_record_is_named_and_one_the_collector_holds_does_not_stop_the_box(
    closed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The number of the altered record is said; with a receipt for it the journal stays in use."""
    with sqlite3.connect(closed / DATABASE) as database:
        database.execute(
            "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), '12.34', '02.34') AS BLOB) WHERE seq = 7"
        )
    database.close()
    assert fault_in(closed) == start.Fault("record 7 has other bytes than were hashed", usable=False)
    with sqlite3.connect(closed / DATABASE) as database:
        database.execute("UPDATE sync SET received_seq = 7")
    database.close()
    with caplog.at_level(logging.ERROR):
        journal = begin_anew(closed)
    assert "record 7 has other bytes than were hashed; the collector holds it" in caplog.text
    assert weigh(journal, "next")[1].endswith(f"{WEIGHINGS + 1:03d}")
    journal.close()


@pytest.mark.fault(9)
def test_a_damaged_journal_is_set_aside_whole_and_weighing_goes_on_with_higher_numbers(
    closed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is deleted, the log says where it lies and what is only there, and a new chain is begun."""
    damaged = bytearray((closed / DATABASE).read_bytes())
    damaged[4096:4196] = bytes(100)
    (closed / DATABASE).write_bytes(damaged)
    with caplog.at_level(logging.ERROR):
        journal = begin_anew(closed)
    (kept,) = closed.glob("journal-set-aside-*.sqlite3")
    assert kept.read_bytes() == damaged
    assert kept.name in caplog.text
    assert "日志损坏，已另存" in caplog.text
    (_, digest, prev, body, _), *_ = journal.chain()
    assert (prev, link(ROOT, body)) == (ROOT, digest)
    assert weigh(journal, "press-0")[1].endswith(f"{WEIGHINGS + 1:03d}")
    journal.close()
    again = begin_anew(closed)
    assert weigh(again, "later")[1].endswith(f"{WEIGHINGS + 2:03d}")
    again.close()
    assert len(list(closed.glob("journal-set-aside-*.sqlite3"))) == 1


@pytest.mark.fault(9)
def test_setting_aside_takes_the_log_along_and_survives_a_kill_in_between(closed: Path) -> None:
    """Cut off after the log was moved and before its database was: the next start moves that too, and nothing mixes."""
    journal = journal_in(closed)
    weigh(journal, "in the log")
    crashed = closed.parent / "crashed"
    shutil.copytree(closed, crashed)  # as a kill leaves it: the log is still there
    journal.close()
    path = crashed / DATABASE
    target = crashed / "journal-set-aside-20261123T020000000000Z.sqlite3"
    Path(f"{path}-wal").rename(f"{target}-wal")
    again = begin_anew(crashed)
    assert target.exists()
    assert Path(f"{target}-wal").exists()
    assert weigh(again, "next")[1].endswith(f"{WEIGHINGS + 2:03d}")
    again.close()


@pytest.mark.fault(16)
def test_an_unreadable_disk_is_no_reason_to_move_a_journal(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When reading fails for the disk's sake, or another program holds a lock, the start says so and moves nothing."""
    before = sorted(path.name for path in closed.iterdir())
    for code in (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN):

        def fails(path: Path, code: int = code) -> sqlite3.Connection:
            exc = sqlite3.OperationalError("disk I/O error")
            exc.sqlite_errorcode = code
            raise exc

        monkeypatch.setattr(start, "connect", fails)
        with pytest.raises(JournalError, match=r"kernel log.*存储错误"):
            examine(closed / DATABASE, BOX, SIGNER, StandingClock())
    assert sorted(path.name for path in closed.iterdir()) == before


@pytest.mark.fault(25)
def test_a_newer_schema_is_neither_a_fault_nor_touched(closed: Path) -> None:
    """After a program was rolled back: the older one refuses in words, and not one byte of the file changes."""
    with sqlite3.connect(closed / DATABASE) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    before = (closed / DATABASE).read_bytes()
    with pytest.raises(JournalError, match="schema 99, this program knows up to"):
        begin_anew(closed)
    assert (closed / DATABASE).read_bytes() == before
    assert list(closed.glob("*set-aside*")) == []


@pytest.mark.fault(24)
def test_a_second_program_on_the_folder_is_refused_and_the_first_goes_on(closed: Path) -> None:
    """By the lock, which goes with its process."""
    held = lock(closed)
    with pytest.raises(AlreadyRunningError, match="程序已在运行"):
        lock(closed)
    held.close()
    lock(closed).close()


@pytest.mark.fault(11)
def test_a_log_that_was_deleted_while_stopped_leaves_an_older_whole_journal(tmp_path: Path) -> None:
    """What was only in the log is gone from the box (the collector's copy and its fork alarm show it); what is left
    verifies and works: no half weighing, no damaged file."""
    folder = tmp_path / "box"
    folder.mkdir(mode=0o700)
    said = killed_at(folder, 110, "--count", "12", "--checkpoint-pages", "24")
    assert said.saved
    (folder / f"{DATABASE}-wal").unlink()
    (folder / f"{DATABASE}-shm").unlink(missing_ok=True)
    if (folder / DATABASE).stat().st_size:
        assert fault_in(folder) is None
    assert violations(folder, {}, count=0) == []
