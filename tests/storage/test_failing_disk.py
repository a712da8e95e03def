"""Full and failing disks: the caller hears it, nothing half-written appears later, and what was told stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.depth import chosen
from storage.judge import violations
from storage.program import BROKEN
from storage.tracing import DATABASE, failing, recorded, run

COUNT = 6
LOG = (f"{DATABASE}-wal",)
SLICE = 8

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An existing journal with two weighings, closed."""
    made = tmp_path / "box"
    made.mkdir(mode=0o700)
    said, _ = recorded(made, "--count", "2", "--prefix", "before")
    assert len(said.saved) == 2
    return made


def weighings_shown(folder: Path) -> set[str]:
    """The press keys that the journal knows."""
    from edge.makers import journal_in

    journal = journal_in(folder)
    try:
        return {f"press-{number}" for number in range(COUNT) if journal.bag_of_request(f"press-{number}")}
    finally:
        journal.close()


@pytest.mark.fault(13)
@pytest.mark.parametrize("first", chosen(range(3, 60, 4), SLICE))
def test_a_disk_that_is_full_for_a_while_refuses_and_then_goes_on(folder: Path, first: int) -> None:
    """ENOSPC for four writes in a row, beginning anywhere: refused weighings are told and never appear later."""
    said = failing(folder, "pwrite64", "ENOSPC", f"{first}..{first + 3}", "--count", str(COUNT), only=LOG)
    assert said.code == 0, said.errors
    assert set(said.refused.values()) <= {"SQLITE_FULL"}
    assert said.saved, said.lines
    assert weighings_shown(folder) == set(said.saved)
    assert violations(folder, said.saved, count=COUNT) == []


@pytest.mark.fault(12, 13)
def test_a_disk_that_stays_full_is_told_each_time(folder: Path) -> None:
    """Every weighing after the disk is full is refused in words; none is told as saved, none is there later."""
    said = failing(folder, "pwrite64", "ENOSPC", "30+", "--count", str(COUNT), only=LOG)
    assert "SQLITE_FULL" in said.refused.values(), said.lines
    assert len(said.saved) + len({*said.refused} - {*said.saved}) == COUNT
    assert violations(folder, said.saved, count=COUNT) == []


@pytest.mark.fault(16)
@pytest.mark.parametrize("first", chosen(range(2, 60, 4), SLICE))
def test_a_failing_write_ends_the_program_after_the_caller_was_told(folder: Path, first: int) -> None:
    """EIO on one write: that caller hears it, nothing more is taken, and the next start goes on from what is true."""
    said = failing(folder, "pwrite64", "EIO", str(first), "--count", str(COUNT), only=LOG)
    assert said.code == BROKEN, (said.lines, said.errors)
    assert violations(folder, said.saved, count=COUNT) == []


@pytest.mark.fault(17)
@pytest.mark.parametrize("first", chosen(range(1, 20), SLICE))
@pytest.mark.parametrize("stays", [False, True], ids=["once", "from-then-on"])
def test_a_failing_sync_is_never_tried_again_as_if_it_were_fine(folder: Path, first: int, *, stays: bool) -> None:
    """EIO on a sync, once or for good: told, ended, and every word that was given before holds after the next start."""
    said = failing(folder, "fdatasync,fsync", "EIO", f"{first}{'+' * stays}", "--count", str(COUNT), only=LOG)
    assert said.code == BROKEN, (said.lines, said.errors)
    if not stays:
        assert weighings_shown(folder) == set(said.saved)
    assert violations(folder, said.saved, count=COUNT) == []


@pytest.mark.fault(15)
def test_a_disk_gone_read_only_ends_the_program_and_keeps_what_was_told(folder: Path) -> None:
    """EROFS from some write on, as after a kernel's remount: told, ended; nothing that was said is missing."""
    said = failing(folder, "pwrite64,ftruncate", "EROFS", "20+", "--count", str(COUNT), only=LOG)
    assert said.code == BROKEN, (said.lines, said.errors)
    assert violations(folder, said.saved, count=COUNT) == []


@pytest.mark.fault(19)
def test_a_slow_disk_is_waited_for(folder: Path) -> None:
    """Each sync takes 0.2 s more: no word comes before its sync has ended, and none is said twice."""
    log = folder.parent / "slow.trace"
    slow = ("-r", "-o", str(log), "-e", "trace=fdatasync,write", "-e", "inject=fdatasync:delay_exit=200000")
    said = run(folder, "--count", "3", strace=slow)
    assert (said.code, len(said.saved), len(said.printed), len(said.lines)) == (0, 3, 3, 6), said.errors
    lines = [line.split(maxsplit=2) for line in log.read_text("utf-8").splitlines()]
    speaker = next(thread for thread, _, call in lines if call.startswith("write(1"))  # the writer at rest syncs beside
    calls = [call for thread, _, call in lines if thread == speaker]
    words = [index for index, call in enumerate(calls) if "saved" in call or "printed" in call]
    assert [calls[index - 1].endswith("(DELAYED)") for index in words] == [True] * 6
    assert violations(folder, said.saved, count=3) == []
