"""docs/operations/faults.md: each fault with what happens, what is seen, and the tests that name it.

A test names the rows it proves: `@pytest.mark.fault(7, 8)`. The rows' words stand in docs/operations/faults.yaml. Tests
are read, not run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = Path("docs/operations/faults.yaml")
SECTIONS = {1: "The box: process and storage", 75: "The collector: database"}  # each from this row on


class FaultsError(Exception):
    """A row has neither test nor reason, or a test proves a row that nobody has described."""


def faults(root: Path = ROOT) -> Iterator[str]:
    """The document's lines. Raises FaultsError."""
    import yaml

    words: dict[int, dict[str, str]] = yaml.safe_load((root / WORDS).read_text("utf-8"))
    proofs = proving_tests(root)
    unknown = sorted(proofs.keys() - words.keys())
    if unknown:
        raise FaultsError(f"{proofs[unknown[0]][0]}: fault {unknown[0]} is not in {WORDS}; describe it there")
    yield from (
        "# Faults",
        "",
        "What happens, what is seen, and which test shows it; where something is not shown or not so yet, it says so.",
        "Keys are explained in [messages](messages.md). A run of the tests takes a seeded slice of the kills, cuts and",
        "flipped bits; `HAZGATE_SOAK=1` takes them all, `HAZGATE_SEED` others.",
    )
    told = 0
    for number, row in sorted(words.items()):
        section = max(first for first in SECTIONS if first <= number)
        if section != told:
            told = section
            yield from (
                "",
                f"## {SECTIONS[section]}",
                "",
                "| # | fault | what happens | what is seen | shown by | open |",
                "|---|---|---|---|---|---|",
            )
        shown = "<br>".join(f"`{proof}`" for proof in proofs.get(number, []))
        if not shown and not row.get("open"):
            raise FaultsError(f"{WORDS}: {number}: no test names it, and it does not say why (open)")
        cells = (str(number), row["fault"], row["then"], row["seen"], shown, row.get("open", ""))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def proving_tests(root: Path = ROOT) -> dict[int, list[str]]:
    """Row -> the tests that name it, as `file.py::test`, in the order of the files."""
    found: dict[int, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in _rows(node):
                    found.setdefault(number, []).append(f"{path.relative_to(root).as_posix()}::{node.name}")
    return found


def _rows(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    return [
        argument.value
        for mark in test.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault"
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]
