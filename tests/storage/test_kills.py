"""kill -9 before every change the program makes to its files and before every word it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.depth import SEED, chosen, count
from storage.judge import violations
from storage.tracing import changes_by_thread, killed_at, recorded

COUNT = 4
SLICE = 14  # kills of each kind in a normal run; each takes about half a second
KILLED = -9

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def kill_at_each(tmp_path: Path, prepared: Path | None, options: tuple[str, ...]) -> int:
    """Run the series with a kill before each of its changes (or a seeded slice); returns how many runs were cut."""
    whole = fresh(tmp_path, "whole", prepared)
    said, log = recorded(whole, *options)
    assert (said.code, len(said.saved)) == (0, COUNT), said.errors
    assert violations(whole, said.saved, printed=said.printed, count=COUNT) == []
    calls = max(changes_by_thread(log).values())
    cut = 0
    for call in chosen(range(1, calls + 1), SLICE):
        folder = fresh(tmp_path, f"call-{call}", prepared)
        said = killed_at(folder, call, *options)
        assert said.code in (0, KILLED), f"call {call}: ended with {said.code}: {said.errors}"
        found = violations(folder, said.saved, printed=said.printed, count=COUNT)
        assert found == [], f"killed at call {call} (seed {SEED})"
        cut += said.code == KILLED
        shutil.rmtree(folder)
    count("kill -9 of the box's journal at a write, sync or word", cut)
    return cut


def fresh(tmp_path: Path, name: str, prepared: Path | None) -> Path:
    folder = tmp_path / name
    if prepared is None:
        folder.mkdir(mode=0o700)
    else:
        shutil.copytree(prepared, folder)
    return folder


@pytest.mark.fault(1, 26)
def test_a_kill_at_any_step_of_the_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    """Creating the file, making the schema, founding the chain, the first weighings: the next start just goes on."""
    assert kill_at_each(tmp_path, None, ("--count", str(COUNT))) >= SLICE // 2


@pytest.mark.fault(1, 2, 3, 4)
@pytest.mark.parametrize("pages", [0, 8], ids=["log-grows", "log-moved-often"])
def test_a_kill_at_any_write_sync_or_word_loses_nothing_that_was_told(tmp_path: Path, pages: int) -> None:
    """Killed anywhere in a series on an existing journal, also while the log moves into the database."""
    prepared = tmp_path / "prepared"
    prepared.mkdir(mode=0o700)
    said, _ = recorded(prepared, "--count", "2", "--prefix", "before")
    assert len(said.saved) == 2
    options = ("--count", str(COUNT), "--checkpoint-pages", str(pages))
    assert kill_at_each(tmp_path, prepared, options) >= SLICE // 2


def test_a_label_printed_before_the_commit_is_found(tmp_path: Path) -> None:
    """The planted mistake: some kill leaves a label on paper that no record knows, or that would be printed as an
    original again. (On an existing journal: making one takes most of the calls of a first start.)"""
    prepared = tmp_path / "prepared"
    prepared.mkdir(mode=0o700)
    recorded(prepared, "--count", "1", "--prefix", "before")
    with pytest.raises(AssertionError, match=r"is on paper and (no record knows it|would be printed as an original)"):
        kill_at_each(tmp_path, prepared, ("--count", str(COUNT), "--print-first"))
