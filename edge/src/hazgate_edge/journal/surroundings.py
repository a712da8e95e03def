"""At the start, and without a network: does the journal lie where it belongs, and is it as far as it was?"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from hazgate_edge.journal.place import moved, place_of
from hazgate_edge.journal.salvage import take_all
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.witness import Witness

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """place: where the journal lies now. moved: which parts of that are other than they were, "" for none. behind: how
    far it was once, "" when it is no less far now."""

    place: dict[str, str]
    moved: str
    behind: str

    def as_found(self) -> dict[str, str]:
        """For the boot record."""
        return {name: text for name, text in (("moved", self.moved), ("behind", self.behind)) if text}


def look_around(journal: Journal, witness: Witness) -> Surroundings:
    """Before the first record of this start. Raises the numbers to what the witness saw, keeps the place of a journal
    that never had one, and reads what files set aside hold that was not sent."""
    take_all(journal, journal.path)
    behind = _behind(journal, witness)
    kept, place = journal.place(), place_of(journal.path)
    changed = ", ".join(moved(kept, place))

    def keep() -> Any:
        journal.do_raise_numbers(witness.numbers)
        if not kept:
            journal.do_place(place)

    if witness.numbers or not kept:
        journal.write_now(keep)
    if behind:
        log.error("journal %s: %s; numbers go on above those given (检测到数据回退)", journal.path, behind)
    if changed:
        log.error(
            "journal %s: not where it was last (%s): copied or put back; weighing waits for the collector's answer, or "
            "for: hazgate-edge decide (检测到数据回退)",
            journal.path,
            changed,
        )
    return Surroundings(place, changed, behind)


def _behind(journal: Journal, witness: Witness) -> str:
    if witness.seq == 0:
        return ""
    if witness.seq > journal.head_seq:
        return f"it ends at record {journal.head_seq} and was once at {witness.seq}"
    if journal.hash_at(witness.seq) != witness.hash:
        return f"its record {witness.seq} is another than it once was"
    return ""
