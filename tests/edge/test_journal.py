"""The journal keeps what it says it keeps."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from edge.makers import BOX, DEV, UNIT, WHO, StandingClock, journal_in, weigh, weighing
from hazgate_edge.domain.view import PrintState, Say
from hazgate_edge.journal.database import JournalError
from hazgate_edge.journal.store import Journal, NumbersUsedUpError
from hazgate_edge.journal.writer import Writer, WriterClosedError, WriterFullError
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer, chain_seal_holds
from hazgate_protocols.uplink.messages import Note


def note(n: int, digest: bytes, what: str = "accepted") -> Note:
    return Note(n=n, hash=digest, what=what, at="2026-11-23T02:00:01.000Z", reference=f"R-{n}")


def test_every_connection_is_fully_synchronous_and_the_files_are_private(tmp_path: Path) -> None:
    """synchronous=FULL (2) and WAL are read back; nobody else may read the journal."""
    journal = journal_in(tmp_path)
    assert journal.pragma("synchronous") == 2
    assert journal.pragma("journal_mode") == "wal"
    assert journal.pragma("foreign_keys") == 1
    assert journal.path.stat().st_mode & 0o077 == 0
    journal.close()


def test_a_weighing_is_one_transaction_of_number_record_and_open_label(tmp_path: Path) -> None:
    """Number, record, line in the list and waiting label appear together, and the chain links up."""
    journal = journal_in(tmp_path)
    rid, label = weigh(journal, "press-1")
    bag = journal.bag(rid=rid)
    assert bag is not None
    assert (bag.label, bag.print_state, bag.weight) == (label, PrintState.QUEUED, "12.34 kg")
    assert [job.rid for job in journal.open_jobs()] == [rid]
    prev = ROOT
    for seq, digest, parent, body, _ in journal.chain():
        assert parent == prev
        assert link(prev, body) == digest
        assert Record.decode(body).seq == seq
        prev = digest
    journal.close()


def test_the_same_press_books_once(tmp_path: Path) -> None:
    """A repeated request key gives the first answer, also after a restart."""
    journal = journal_in(tmp_path)
    first = weigh(journal, "press-1")
    assert weigh(journal, "press-1") == first
    journal.close()
    journal = journal_in(tmp_path)
    assert weigh(journal, "press-1") == first
    assert len(journal.bags("2026-11-23", 10)) == 1
    journal.close()


def test_numbers_run_from_first_to_last_then_a_weighing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """The range is used whole; past its end nothing is written and no number is burnt for another waste."""
    journal = journal_in(tmp_path)
    labels = [weigh(journal, f"p{i}", first=500, last=502)[1] for i in range(3)]
    assert [label[-3:] for label in labels] == ["500", "501", "502"]
    head = journal.head_seq
    with pytest.raises(NumbersUsedUpError):
        weigh(journal, "p3", first=500, last=502)
    assert journal.head_seq == head
    assert weigh(journal, "p4", first=500, last=502, waste="900-249-08")[1][-3:] == "500"
    journal.close()


async def test_a_refused_call_in_a_group_leaves_its_neighbours_standing(tmp_path: Path) -> None:
    """Twenty presses in one commit, one number left: nineteen hear of it, one is booked, the chain is whole."""
    journal = journal_in(tmp_path)
    gate = threading.Event()
    held = asyncio.create_task(journal.write(gate.wait))

    async def press(i: int) -> str:
        new = weighing(f"p{i}", first=999)
        try:
            return (await journal.write(lambda: journal.do_weigh(new)))[1]
        except NumbersUsedUpError:
            return "refused"

    presses = [asyncio.create_task(press(i)) for i in range(20)]
    await asyncio.sleep(0)  # all are queued behind the held one, and so in one transaction
    gate.set()
    answers = await asyncio.gather(*presses)
    assert await held
    assert answers.count("refused") == 19
    prev = ROOT
    for _, digest, parent, body, _ in journal.chain():
        assert (parent, link(prev, body)) == (prev, digest)
        prev = digest
    journal.close()


def test_twenty_threads_may_write_at_once(tmp_path: Path) -> None:
    """Each is the writer for one transaction; no number twice, no gap in the chain."""
    journal = journal_in(tmp_path)
    with ThreadPoolExecutor(20) as pool:
        labels = list(pool.map(lambda i: weigh(journal, f"p{i}")[1], range(40)))
    assert sorted(label[-3:] for label in labels) == [f"{i:03d}" for i in range(1, 41)]
    assert [seq for seq, *_ in journal.chain()] == list(range(1, 42))
    journal.close()


def test_a_quiet_journal_ends_with_a_seal_over_its_head(tmp_path: Path) -> None:
    """After close the newest record carries this box's seal, and so everything before it."""
    signer = Signer.from_secret(bytes(range(32)))
    journal = journal_in(tmp_path, signer=signer)
    for i in range(5):
        weigh(journal, f"p{i}")
    journal.close()
    again = journal_in(tmp_path, signer=signer)
    *_, (_, digest, _, _, seal) = again.chain()
    assert seal is not None
    assert chain_seal_holds(signer.public(), BOX, digest, seal)
    again.close()


def test_notes_are_kept_in_order_and_only_once(tmp_path: Path) -> None:
    """Gaps wait, repeats change nothing, and the weighing shows the core's word."""
    journal = journal_in(tmp_path)
    rid, _ = weigh(journal, "p1")
    digest = journal.hash_at(journal.head_seq)
    weigh(journal, "p2")
    other = journal.hash_at(journal.head_seq)

    def keep(*notes: Note, complete: bool = False) -> int:
        return journal.write_now(lambda: journal.do_notes(notes, {}, complete=complete, dev=DEV))

    assert keep(note(2, other, "refused")) == 0
    assert keep(note(2, other, "refused"), note(1, digest)) == 2
    before = journal.head_seq
    assert keep(note(1, digest)) == 2
    assert journal.head_seq == before
    assert keep(note(9, other, "refused")) == 2
    assert keep(note(9, other, "refused"), complete=True) == 9
    bag = journal.bag(rid=rid)
    assert bag is not None
    assert bag.core == "accepted"
    assert (journal.awaits_core(), journal.refused()) == (False, 1)
    journal.close()


def test_a_note_of_a_checkpoint_is_kept_in_the_chain_and_leaves_the_bag_as_it_is(tmp_path: Path) -> None:
    """So the box's own key seals the checkpoint's hash; the core's word about the weighing stays."""
    journal = journal_in(tmp_path)
    rid, _ = weigh(journal, "p1")
    digest = journal.hash_at(journal.head_seq)
    anchored = replace(note(2, digest, "anchored"), code="7", reference="ab" * 32)
    journal.write_now(lambda: journal.do_notes((note(1, digest), anchored), {}, complete=True, dev=DEV))
    bag = journal.bag(rid=rid)
    assert bag is not None
    assert bag.core == "accepted"
    *_, (_, _, _, body, _) = journal.chain()
    kept = Record.decode(body).body["notes"][1]
    assert (kept["what"], kept["code"], kept["reference"]) == ("anchored", "7", "ab" * 32)
    journal.close()


def test_counts_of_open_weighings_survive_moving_marks(tmp_path: Path) -> None:
    """What waits for the core or the printer is found again after it was once all done."""
    journal = journal_in(tmp_path)
    rid, _ = weigh(journal, "p1")
    digest = journal.hash_at(journal.head_seq)
    job = journal.open_jobs()[0]
    journal.write_now(
        lambda: journal.do_settle_job(job, PrintState.UNKNOWN, Say("PRN-03"), by="printer", detail="", who=WHO, dev=DEV)
    )
    journal.write_now(lambda: journal.do_notes((note(1, digest),), {}, complete=True, dev=DEV))
    assert journal.open_jobs() == []
    assert not journal.awaits_core()
    weigh(journal, "p2")
    assert journal.awaits_core()
    journal.write_now(lambda: journal.do_set_job(job, PrintState.QUEUED, None))
    journal.reopen_jobs()
    assert [job.rid == rid for job in journal.open_jobs()] == [True, False]
    journal.close()


@pytest.mark.fault(59)
def test_a_reprint_is_a_record_and_a_numbered_copy(tmp_path: Path) -> None:
    """The copy number counts up and stands in the record with its reason."""
    journal = journal_in(tmp_path)
    rid, _ = weigh(journal, "p1")
    job = journal.open_jobs()[0]
    journal.write_now(
        lambda: journal.do_settle_job(job, PrintState.PRINTED, None, by="printer", detail="", who=WHO, dev=DEV)
    )
    assert journal.write_now(lambda: journal.do_reprint(rid, "标签破损", who=WHO, dev=DEV)) == 1
    assert journal.write_now(lambda: journal.do_reprint(rid, "标签丢失", who=WHO, dev=DEV)) == 2
    last = journal.last_job(rid)
    assert last is not None
    assert (last.copy, last.state) == (2, PrintState.QUEUED)
    kinds = [Record.decode(body).kind for _, _, _, body, _ in journal.chain()]
    assert kinds == ["genesis", "weighing", "print", "reprint", "reprint"]
    journal.close()


def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    """An older program says so and leaves the file alone."""
    journal_in(tmp_path).close()
    path = tmp_path / "journal.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(JournalError, match="schema 99"):
        Journal(path, box=BOX, signer=Signer.generate(), clock=StandingClock())


def test_a_storage_error_reaches_every_caller_of_the_group(tmp_path: Path) -> None:
    """Nobody is told "saved" when the transaction broke, and the next one starts from the true head."""
    journal = journal_in(tmp_path)
    head = journal.head_seq

    def broken() -> None:
        journal.do_append("boot", {}, who=WHO, dev=DEV)
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.OperationalError):
        journal.write_now(broken)
    assert journal.head_seq == head
    weigh(journal, "p1")
    assert journal.seq_of(journal.hash_at(head + 1)) == head + 1
    journal.close()


def test_the_writer_has_a_bound_and_an_end(tmp_path: Path) -> None:
    """A stuck disk fills the queue up to its bound; after close nothing is taken."""
    database = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    writer = Writer(database, on_idle=lambda: None, after_rollback=lambda: None)
    gate = threading.Event()

    def fill() -> int:
        for taken in range(5000):
            try:
                writer.submit(gate.wait, lambda _result, _error: None)
            except WriterFullError:
                return taken
        return 5000

    assert 1000 <= fill() <= 1300
    gate.set()
    writer.close()
    with pytest.raises(WriterClosedError):
        writer.submit(lambda: None, lambda _result, _error: None)
    database.close()


def test_the_first_record_names_suite_and_key(tmp_path: Path) -> None:
    """The chain begins with who signs it; founding twice changes nothing."""
    journal = journal_in(tmp_path)
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    ((_, _, prev, body, _),) = list(journal.chain())
    record = Record.decode(body)
    assert (prev, record.kind, record.seq) == (ROOT, "genesis", 1)
    assert record.body["public_key"] == journal.public_key().hex()
    journal.close()
