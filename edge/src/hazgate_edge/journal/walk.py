"""The walk of the whole chain: at the start and every night, a slice at a time, beside the work.

The start itself looks at the newest records only. Each record is held against its hash, its parent, its seal and the
list of weighings; the one behind it says what it must be.
"""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_edge.journal.recovered import ChainRow
from hazgate_edge.journal.start import wrong_content
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.suite import Suite

SLICE_RECORDS = 200  # some 10 ms on a small board


@dataclass(frozen=True, slots=True)
class WrongRecord:
    """A record that is not what was written: what it must be, and what is wrong in words."""

    seq: int
    hash: bytes
    prev: bytes
    text: str


class Walk:
    """One way through the chain. `step` until it says the end was reached."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._prev = ROOT
        self._next = 1
        self._upto = journal.head_seq
        self.checked = 0
        self.wrong: list[WrongRecord] = []  # of the newest slice
        self.good: tuple[int, int] = (0, 0)  # first and last record of the newest slice

    @property
    def at(self) -> int:
        """The first record of the next slice."""
        return self._next

    def step(self) -> bool:
        """Check the next slice; whether there is more. Raises sqlite3.Error."""
        self.wrong = []
        last = min(self._next + SLICE_RECORDS - 1, self._upto)
        rows = self._journal.rows_between(self._next, last + 1)
        labels = self._journal.labels_between(self._next, last)
        for seq in range(self._next, last + 1):
            child = rows.get(seq + 1)
            row = rows.get(seq)
            must = _must(row, child, self._journal.suite)
            text = "is missing" if row is None else self._fault(row.seq, row, must, labels.get(seq))
            if text:
                self.wrong.append(WrongRecord(seq, must, self._prev, f"record {seq} {text}"))
            self._prev = must
            self.checked += 1
        self.good = (self._next, last)
        self._next = last + 1
        return self._next <= self._upto

    def _fault(self, seq: int, row: ChainRow, must: bytes, label: str | None) -> str:
        if row.prev != self._prev:
            return "does not name the record before it as its parent"
        if row.hash != must or link(self._prev, row.body, self._journal.suite) != must:
            return "has other bytes than were hashed"
        journal = self._journal
        return wrong_content(seq, row.body, row.hash, row.seal, journal.box, journal.public_key(), label)


def _must(row: ChainRow | None, child: ChainRow | None, suite: Suite) -> bytes:
    """The hash a record must have: what the one behind it names as its parent, if that one's own hash vouches for it;
    else what the record itself says."""
    if child is not None and (row is None or link(child.prev, child.body, suite) == child.hash):
        return child.prev
    return ROOT if row is None else row.hash
