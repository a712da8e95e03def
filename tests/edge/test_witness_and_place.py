"""What a box can tell without a network: how far its journal was, and where it lay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.makers import BOX, journal_in, weigh
from hazgate_edge.journal.place import moved, place_of
from hazgate_edge.journal.witness import STEMS_MAX, WITNESS_FILE, Witness

DIGEST = b"d" * 32


def test_a_witness_says_what_it_was_told(tmp_path: Path) -> None:
    """Head and numbers come back; numbers only rise."""
    witness = Witness.read(tmp_path, BOX)
    assert (witness.seq, witness.numbers) == (0, {})
    witness.at_rest(7, DIGEST, {"a": 3, "b": 9})
    witness.at_rest(8, DIGEST, {"a": 2})
    again = Witness.read(tmp_path, BOX)
    assert (again.seq, again.hash, again.numbers) == (8, DIGEST, {"a": 3, "b": 9})
    assert (tmp_path / WITNESS_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"box": "box-test-01"}', b"\xff", b"[" * 100_000])
def test_a_damaged_witness_says_nothing(tmp_path: Path, content: bytes) -> None:
    """A torn file after a power cut is no reason for anything."""
    (tmp_path / WITNESS_FILE).write_bytes(content)
    assert Witness.read(tmp_path, BOX).seq == 0


def test_a_witness_of_another_box_says_nothing(tmp_path: Path) -> None:
    """Its numbers are not ours."""
    Witness.read(tmp_path, "box-other").at_rest(7, DIGEST, {"a": 3})
    assert (Witness.read(tmp_path, BOX).seq, Witness.read(tmp_path, BOX).numbers) == (0, {})


def test_a_witness_stays_small_and_keeps_the_newest_days(tmp_path: Path) -> None:
    """More stems than its bound: the oldest days go."""
    witness = Witness.read(tmp_path, BOX)
    witness.at_rest(1, DIGEST, {f"unit-waste-{20260000 + day}": 1 for day in range(STEMS_MAX + 50)})
    assert len(witness.numbers) == STEMS_MAX
    assert f"unit-waste-{20260000 + STEMS_MAX + 49}" in Witness.read(tmp_path, BOX).numbers


def test_a_disk_that_takes_no_witness_stops_nothing(tmp_path: Path) -> None:
    """The folder is gone: at rest nothing is raised."""
    Witness.read(tmp_path / "gone", BOX).at_rest(1, DIGEST, {})


def test_a_copied_file_lies_elsewhere_and_the_same_file_does_not(tmp_path: Path) -> None:
    """Also when the copy gets the freed number of the old file; weighing, closing and VACUUM do not move a journal."""
    journal = journal_in(tmp_path)
    before = place_of(journal.path)
    assert {"inode", "born"} <= before.keys()
    weigh(journal, "press")
    journal.close()
    journal = journal_in(tmp_path)
    journal._db.execute("VACUUM")
    journal.close()
    assert moved(before, place_of(journal.path)) == []
    copy = tmp_path / "copy"
    shutil.copy2(journal.path, copy)
    journal.path.unlink()
    shutil.copy2(copy, journal.path)
    assert moved(before, place_of(journal.path)) != []


def test_what_is_not_known_both_times_is_not_compared() -> None:
    """A serial number that becomes readable later is no other machine."""
    assert moved({"inode": "1", "machine": "a"}, {"inode": "1", "product": "x"}) == []
    assert moved({"inode": "1", "machine": "a"}, {"inode": "2", "machine": "b"}) == ["inode", "machine"]
