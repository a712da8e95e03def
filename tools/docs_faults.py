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
# Each part of the catalogue: its heading, the numbers in it, and whether every one of them must be described.
PARTS: tuple[tuple[str, range, bool], ...] = (
    ("Box: process and storage", range(1, 29), True),
    ("Clock", range(29, 37), True),
    ("Scale and serial line", range(37, 53), False),
    ("Printer", range(53, 60), True),
    ("Network and broker", range(60, 75), True),
    ("Collector, database, core", range(75, 91), True),
    ("Camera and model", range(91, 95), False),
    ("Security and life cycle", range(95, 100), False),
)


class FaultsError(Exception):
    """A row has neither test nor reason, or a test proves a row that nobody has described."""


def faults(root: Path = ROOT, parts: tuple[tuple[str, range, bool], ...] = PARTS) -> Iterator[str]:
    """The document's lines. Raises FaultsError."""
    import yaml

    words: dict[int, dict[str, str]] = yaml.safe_load((root / WORDS).read_text("utf-8"))
    proofs = proving_tests(root)
    unknown = sorted(proofs.keys() - words.keys())
    if unknown:
        raise FaultsError(f"{proofs[unknown[0]][0]}: fault {unknown[0]} is not in {WORDS}; describe it there")
    yield from (
        "# Faults: what happens, what is seen, what shows it",
        "",
        "Where something is not shown or not so, it says so. Keys are explained in [messages](messages.md). A run of",
        "the tests takes a seeded slice of the kills, cuts, flipped bits and backlogs; `HAZGATE_SOAK=1` takes them",
        "all, `HAZGATE_SEED` others.",
    )
    for heading, numbers, whole in parts:
        missing = [number for number in numbers if number not in words] if whole else []
        if missing:
            raise FaultsError(f"{WORDS}: {missing[0]} ({heading}) is not described; say what happens and what shows it")
        rows = [number for number in numbers if number in words]
        if rows:
            yield from ("", f"## {heading}", "")
            yield from ("| # | fault | what happens | what is seen | shown by | open |", "|---|---|---|---|---|---|")
            yield from (_line(number, words[number], proofs.get(number, [])) for number in rows)
    outside = sorted(words.keys() - {number for _, numbers, _ in parts for number in numbers})
    if outside:
        raise FaultsError(f"{WORDS}: {outside[0]} belongs to no part of the catalogue")


def _line(number: int, row: dict[str, str], proofs: list[str]) -> str:
    shown = "<br>".join(f"`{proof}`" for proof in proofs)
    if not shown and not row.get("open"):
        raise FaultsError(f"{WORDS}: {number}: no test names it, and it does not say why (open)")
    cells = (str(number), row["fault"], row["then"], row["seen"], shown, row.get("open", ""))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


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
