"""Power cuts, replayed: everything a run wrote is written down, then the disk is rebuilt as any cut may leave it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from storage.depth import SEED, SOAK, count
from storage.disk import Change, Kept, changes, cut
from storage.judge import violations
from storage.tracing import recorded

COUNT = 12
CUTS = 2000 if SOAK else 100
FIRST_STEPS = 50  # until the first weighing, about
FIRST_TRIES = 40 if SOAK else 4
PAGES = 24  # the log moves into the database several times within the run

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def history_of(tmp_path: Path, *options: str) -> list[Change]:
    """What a whole run of the weighing program does to its disk."""
    folder = tmp_path / "recorded"
    folder.mkdir(mode=0o700)
    said, log = recorded(folder, "--count", str(COUNT), "--checkpoint-pages", str(PAGES), *options)
    assert (said.code, len(said.saved)) == (0, COUNT), said.errors
    return changes(log, folder)


def cuts(tmp_path: Path, history: list[Change], count: int) -> list[str]:
    """Cut `count` times at seeded places, each kind of loss in turn; what the judge found wrong."""
    wrong = []
    for number in range(count):
        rng = random.Random(SEED * 1_000_003 + number)
        after, kept = rng.randint(1, len(history)), list(Kept)[number % len(Kept)]
        folder = tmp_path / f"cut-{number}"
        said = cut(history, after, kept, rng, folder)
        where = f"cut {number} (seed {SEED}) after change {after} of {len(history)}, kept {kept}"
        wrong += [f"{where}: {found}" for found in judged(folder, said, COUNT)]
        shutil.rmtree(folder)
    return wrong


def judged(folder: Path, said: list[str], count: int) -> list[str]:
    """The judge's findings, given all that was said until the cut."""
    words = [line.split() for line in said]
    saved, printed = ({word[1]: word[2] for word in words if word[0] == kind} for kind in ("saved", "printed"))
    return violations(folder, saved, printed=printed, count=count)


@pytest.mark.fault(7, 8, 26)
def test_no_power_cut_loses_a_weighing_that_was_told_or_breaks_the_chain(tmp_path: Path) -> None:
    """Unsynced writes dropped, kept in part, out of order, torn in sectors; at any moment from the first."""
    history = history_of(tmp_path)
    found = cuts(tmp_path, history, CUTS)
    assert found == []
    count("power cuts of the box's journal, replayed", CUTS)


@pytest.mark.fault(26)
def test_a_power_cut_at_any_step_of_the_first_start_leaves_a_journal_or_none(tmp_path: Path) -> None:
    """Each of the first changes, several times: found by a torn first page that was no database any more."""
    history = history_of(tmp_path)
    wrong = []
    for number in range(FIRST_STEPS * FIRST_TRIES):
        rng = random.Random(SEED * 7_919 + number)
        folder = tmp_path / f"first-{number}"
        said = cut(history, number % FIRST_STEPS + 1, Kept.RANDOM, rng, folder)
        wrong += [f"after change {number % FIRST_STEPS + 1}: {found}" for found in judged(folder, said, 1)]
        shutil.rmtree(folder)
    assert wrong == []


@pytest.mark.fault(7)
def test_the_replay_finds_what_a_weaker_setting_loses(tmp_path: Path) -> None:
    """The planted mistake synchronous=NORMAL: told as saved, and gone."""
    history = history_of(tmp_path, "--synchronous", "NORMAL")
    found = cuts(tmp_path, history, CUTS)
    lost = [text for text in found if "is lost" in text]
    assert lost
    print(f"NORMAL: {len(lost)} told weighings lost in {CUTS} power cuts")


@pytest.mark.fault(7)
def test_the_replay_finds_what_no_sync_at_all_breaks(tmp_path: Path) -> None:
    """The planted mistake synchronous=OFF: worse than lost, the replay shows broken journals or lost weighings."""
    history = history_of(tmp_path, "--synchronous", "OFF")
    assert cuts(tmp_path, history, CUTS // 2)


def test_without_a_cut_the_rebuilt_folder_is_the_real_one(tmp_path: Path) -> None:
    """The model, fed with everything, gives the very bytes that lie in the recorded folder."""
    history = history_of(tmp_path)
    cut(history, len(history), Kept.ALL, random.Random(SEED), tmp_path / "rebuilt")
    real = {path.name: path.read_bytes() for path in (tmp_path / "recorded").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "rebuilt").iterdir()} == real
