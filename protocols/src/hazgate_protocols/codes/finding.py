"""What a check found: a stable key for records, a sentence for people, and whether it blocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `blocks`: the code must not be used; otherwise it may, with the key kept in the record.

    `nearest`: codes that may have been meant, best first.
    """

    key: str
    text: str
    blocks: bool
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text
