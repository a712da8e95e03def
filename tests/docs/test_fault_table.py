"""The table of faults cannot claim what no test shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.docs_faults import WORDS, FaultsError, faults

PARTS = (("Box", range(1, 2), True), ("Clock", range(3, 5), False))
ROW = "1:\n  fault: kill\n  then: nothing\n  seen: nothing\n"


def tree(tmp_path: Path, words: str, test: str = "") -> Path:
    (tmp_path / WORDS).parent.mkdir(parents=True)
    (tmp_path / WORDS).write_text(words, "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(test, "utf-8")
    return tmp_path


def test_a_row_lists_the_tests_that_name_it(tmp_path: Path) -> None:
    """Found by their marker, without running them."""
    marked = "@pytest.mark.fault(1)\ndef test_it(): ...\n"
    assert "`tests/test_it.py::test_it`" in list(faults(tree(tmp_path, ROW, marked), PARTS))[-1]


def test_a_row_without_test_needs_a_reason(tmp_path: Path) -> None:
    """An unproven row that does not say so stops the making of the documents."""
    with pytest.raises(FaultsError, match="1: no test names it"):
        list(faults(tree(tmp_path, ROW), PARTS))
    assert "why not" in list(faults(tree(tmp_path / "other", f"{ROW}  open: why not\n"), PARTS))[-1]


def test_a_test_cannot_prove_what_is_not_described(tmp_path: Path) -> None:
    """Whoever marks a test with a new number writes its row."""
    with pytest.raises(FaultsError, match=r"test_it\.py::test_it: fault 2 is not in"):
        list(faults(tree(tmp_path, ROW, "@pytest.mark.fault(1, 2)\ndef test_it(): ...\n"), PARTS))


def test_a_part_that_must_be_whole_names_its_missing_row(tmp_path: Path) -> None:
    """A row cannot be dropped from the catalogue in silence; in a part that is not chosen yet it may be missing."""
    other = ROW.replace("1:", "3:", 1) + "  open: why not\n"
    with pytest.raises(FaultsError, match=r"1 \(Box\) is not described"):
        list(faults(tree(tmp_path, other), PARTS))


def test_a_row_outside_of_every_part_is_named(tmp_path: Path) -> None:
    """It would be in no table."""
    lost = f"{ROW}  open: why not\n" + ROW.replace("1:", "2:", 1) + "  open: why not\n"
    with pytest.raises(FaultsError, match="2 belongs to no part"):
        list(faults(tree(tmp_path, lost), PARTS))


def test_parts_have_headings_and_their_own_rows(tmp_path: Path) -> None:
    """Each described row stands below its part's heading."""
    both = f"{ROW}  open: why not\n" + ROW.replace("1:", "4:", 1) + "  open: why not\n"
    lines = list(faults(tree(tmp_path, both), PARTS))
    assert lines.index("## Box") < next(n for n, line in enumerate(lines) if line.startswith("| 1 |"))
    assert lines.index("## Clock") < next(n for n, line in enumerate(lines) if line.startswith("| 4 |"))
