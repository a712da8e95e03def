"""Finding records by their hash without an index over hashes: that would cost every durable commit a page.

Who asks knows about where: notes of the core come in the order of the records. So the search goes outwards from there,
in steps that double, and costs as much as the distance. What is not ours costs one walk over the whole chain, however
many hashes are asked for together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

FIRST_STEP = 256  # records; one push and its notes lie within
_HASHES_AT_ONCE = 500  # SQLite takes at least 999 values in a statement

Rows = Callable[..., Sequence[Any]]  # runs a query with its values


def find_records(rows: Rows, digests: Collection[bytes], *, near: int, head: int) -> dict[bytes, int]:
    """Hash -> seq of those that are records from 1 to head; others are left out. near: where to look first."""
    found: dict[bytes, int] = {}
    asked = list(dict.fromkeys(digests))
    for first in range(0, len(asked), _HASHES_AT_ONCE):
        found |= _some(rows, set(asked[first : first + _HASHES_AT_ONCE]), near, head)
    return found


def _some(rows: Rows, wanted: set[bytes], near: int, head: int) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    low = high = max(0, min(near, head))  # (low, high] has been looked through
    step = FIRST_STEP
    while wanted and (low > 0 or high < head):
        for first, last in ((high + 1, min(high + step, head)), (max(low - step, 0) + 1, low)):
            if first <= last and wanted:
                found |= _between(rows, wanted, first, last)
                wanted -= found.keys()
        low, high, step = max(low - step, 0), min(high + step, head), step * 2
    return found


def _between(rows: Rows, wanted: set[bytes], first: int, last: int) -> dict[bytes, int]:
    marks = ",".join("?" * len(wanted))  # only question marks are put in
    sql = f"SELECT hash, seq FROM record WHERE seq BETWEEN ? AND ? AND hash IN ({marks})"  # noqa: S608
    return {bytes(digest): int(seq) for digest, seq in rows(sql, first, last, *wanted)}
