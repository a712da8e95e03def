"""The table of faults cannot claim what no test shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.docs_faults import WORDS, FaultsError, faults

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
    assert "`tests/test_it.py::test_it`" in list(faults(tree(tmp_path, ROW, marked)))[-1]


def test_a_row_without_test_needs_a_reason(tmp_path: Path) -> None:
    """An unproven row that does not say so stops the making of the documents."""
    with pytest.raises(FaultsError, match="1: no test names it"):
        list(faults(tree(tmp_path, ROW)))
    assert "why not" in list(faults(tree(tmp_path / "other", f"{ROW}  open: why not\n")))[-1]


def test_a_test_cannot_prove_what_is_not_described(tmp_path: Path) -> None:
    """Whoever marks a test with a new number writes its row."""
    with pytest.raises(FaultsError, match=r"test_it\.py::test_it: fault 2 is not in"):
        list(faults(tree(tmp_path, ROW, "@pytest.mark.fault(1, 2)\ndef test_it(): ...\n")))
