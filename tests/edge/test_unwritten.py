"""Weighings whose line is still owed to the list: nobody may see a difference, and nothing may be lost with it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.makers import DEV, UNIT, WHO, journal_in, weigh, weighing
from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal import writer
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.unwritten import GROUP_LINES, LINES_MAX


@pytest.fixture(autouse=True)
def never_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer never comes to rest, so that lines stay owed until something else is written."""
    monkeypatch.setattr(writer, "IDLE_AFTER_S", 3600.0)


def everything_asked(journal: Journal, rids: list[str], labels: list[str]) -> dict[str, Any]:
    """All answers that speak of weighings."""
    return {
        "bags": journal.bags("2026-11-23", 5),
        "by rid": [journal.bag(rid=rid) for rid in rids],
        "by label": [journal.bag(label=label) for label in labels],
        "by press": [journal.bag_of_request(f"p{i}") for i in range(len(rids) + 1)],
        "after": [journal.bags_after(seq) for seq in range(journal.head_seq + 1)],
        "awaiting core": journal.awaits_core(),
        "open jobs": journal.open_jobs(),
        "last jobs": [journal.last_job(rid) for rid in rids],
        "last number": journal.last_number(labels[0][:-3]),
        "records": [journal.weighing(rid) for rid in rids],
    }


def listed(folder: Path) -> list[str]:
    database = sqlite3.connect(folder / "journal.sqlite3")
    try:
        return [row[0] for row in database.execute("SELECT label FROM bag ORDER BY seq")]
    finally:
        database.close()


@pytest.mark.parametrize("early", [0, 1, 4])
def test_what_can_be_asked_does_not_depend_on_the_line_being_written(tmp_path: Path, early: int) -> None:
    """All reads answer the same before and after the lines are in the table."""
    journal = journal_in(tmp_path)
    made = [weigh(journal, f"p{i}") for i in range(early)]
    if made:
        journal.write_now(lambda: journal.do_set_job(journal.open_jobs()[0], PrintState.PRINTING, None))
    made += [weigh(journal, f"p{i}") for i in range(early, early + 3)]
    rids, labels = [rid for rid, _ in made], [label for _, label in made]
    assert len(journal.owed_lines()) == 3
    assert listed(tmp_path) == labels[:early]
    before = everything_asked(journal, rids, labels)
    journal.write_now(lambda: journal.do_receipt(0, ""))
    assert journal.owed_lines() == []
    assert listed(tmp_path) == labels
    assert everything_asked(journal, rids, labels) == before
    assert [bag.rid for bag in before["bags"]] == rids[::-1][:5]
    journal.close()


def test_a_power_cut_before_the_line_costs_nothing(tmp_path: Path) -> None:
    """The next start makes the line from the record: list, press and number are as they were told."""
    journal = journal_in(tmp_path)
    told = [weigh(journal, f"p{i}") for i in range(3)]
    after = tmp_path / "after"
    after.mkdir()
    for part in ("", "-wal"):
        shutil.copy(f"{journal.path}{part}", f"{after / journal.path.name}{part}")
    assert listed(tmp_path) == []
    again = journal_in(after)
    assert listed(after) == [label for _, label in told]
    assert [weigh(again, f"p{i}") for i in range(3)] == told
    assert weigh(again, "p3")[1][-3:] == "004"
    again.close()
    journal.close()


def test_lines_are_owed_only_up_to_their_bound(tmp_path: Path) -> None:
    """A burst without an end does not let memory grow."""
    journal = journal_in(tmp_path)
    for i in range(LINES_MAX + 5):
        weigh(journal, f"p{i}")
    assert len(journal.owed_lines()) == 5
    assert len(listed(tmp_path)) == LINES_MAX
    journal.close()


@pytest.mark.parametrize("written", [True, False], ids=["line written", "line owed"])
def test_a_label_given_before_books_nothing(tmp_path: Path, written: bool) -> None:
    """A planted fault in the numbering: the second fence holds before the commit, not when the line is written."""
    journal = journal_in(tmp_path)
    _, label = weigh(journal, "p0")
    if written:
        journal.write_now(lambda: journal.do_receipt(0, ""))
    journal._last_numbers[label[:-3]] = 0
    head = journal.head_seq
    with pytest.raises(sqlite3.IntegrityError, match=label):
        weigh(journal, "p1")
    assert journal.head_seq == head
    assert weigh(journal, "p1")[1][-3:] == "002"
    journal.close()
    assert len(listed(tmp_path)) == 2


def test_a_label_given_before_books_nothing_of_its_group(tmp_path: Path) -> None:
    """A group that brings its lines along has the index's own word, in the transaction of its records."""
    journal = journal_in(tmp_path)
    _, label = weigh(journal, "p0")
    journal.write_now(lambda: journal.do_receipt(0, ""))
    journal._last_numbers[label[:-3]] = 0
    head = journal.head_seq
    with pytest.raises(sqlite3.IntegrityError):
        journal.write_now(lambda: [journal.do_weigh(weighing(f"g{i}")) for i in range(GROUP_LINES)])
    assert journal.head_seq == head
    assert journal.owed_lines() == []
    journal.write_now(lambda: [journal.do_weigh(weighing(f"g{i}")) for i in range(GROUP_LINES)])
    assert journal.owed_lines() == []
    assert len(listed(tmp_path)) == GROUP_LINES + 1
    journal.close()


def refused_at_once(journal: Journal) -> None:
    journal.do_append("boot", {}, who=WHO, dev=DEV)
    raise LookupError("a rule")


def refused_after_a_change(journal: Journal) -> None:
    journal.do_append("boot", {}, who=WHO, dev=DEV)
    journal.do_receipt(1, "never")
    journal.do_append("boot", {}, who=WHO, dev=DEV)
    raise LookupError("a rule")


@pytest.mark.parametrize("refused", [refused_at_once, refused_after_a_change])
@pytest.mark.parametrize("group", [True, False], ids=["in a group", "alone"])
def test_a_refused_call_takes_nothing_of_its_neighbours_along(
    tmp_path: Path, refused: Callable[[Journal], None], group: bool
) -> None:
    """Before and behind it the chain grows without a gap, and nothing of its own is left."""
    journal = journal_in(tmp_path)
    calls: list[Callable[[], object]] = [
        lambda: journal.do_weigh(weighing("p0")),
        lambda: refused(journal),
        lambda: journal.do_weigh(weighing("p1")),
    ]
    if group:
        answers: list[object] = []
        told, gate = threading.Semaphore(0), threading.Event()

        def answer(result: object, error: BaseException | None) -> None:
            answers.append(error or result)
            told.release()

        journal._writer.submit(gate.wait, answer)
        for call in calls:
            journal._writer.submit(call, answer)
        gate.set()
        assert all(told.acquire(timeout=10) for _ in range(4))
        assert sum(isinstance(item, LookupError) for item in answers) == 1
    else:
        for call in calls:
            try:
                journal.write_now(call)
            except LookupError:
                continue
    assert [bag.label[-3:] for bag in journal.bags("2026-11-23", 10)] == ["002", "001"]
    assert journal.sync_state().received_seq == 0
    assert [seq for seq, *_ in journal.chain()] == [1, 2, 3]
    journal.close()
    assert [label[-3:] for label in listed(tmp_path)] == ["001", "002"]


def test_a_journal_of_the_first_schema_is_taken_over(tmp_path: Path) -> None:
    """Its weighings stay what they were, and a press it has taken still books once."""
    journal = journal_in(tmp_path)
    told = weigh(journal, "p0")
    journal.close()
    database = sqlite3.connect(tmp_path / "journal.sqlite3")
    database.execute("ALTER TABLE record DROP COLUMN request")
    kept = ("record", "bag", "print_job", "sync")  # the first schema's; all others came later
    later = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in later:
        if table not in kept:
            database.execute(f"DROP TABLE {table}")
    database.execute("PRAGMA user_version=1")
    database.close()
    again = journal_in(tmp_path)
    assert weigh(again, "p0") == told
    assert weigh(again, "p1")[1][-3:] == "002"
    again.close()
    assert UNIT in told[1]
