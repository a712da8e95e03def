"""What a scan means on this box: one of its bags, a label it does not hold, or a foreign code. One place for every
scanner and for photos.

A scanner in continuous mode sends the same code again and again while it sees it: the same content within REPEAT_S of
its last sight is the same scan, whichever scanner sent it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from hazgate_edge.clock import Clock, rfc3339
from hazgate_edge.domain.view import Chip, Light, Say, Scanned
from hazgate_protocols.codes.label_number import LabelNumber
from hazgate_protocols.scan.content import ForeignCode, Odd, identify

log = logging.getLogger(__name__)

REPEAT_S = 1.5
REMEMBERED_MAX = 64

_ODD = {
    Odd.FOREIGN: "LBL-01",
    Odd.TOO_LONG: "SCAN-03",
    Odd.UNPRINTABLE: "SCAN-03",
    Odd.DAMAGED: "SCAN-04",
}


class Bags(Protocol):
    """Where a label number is looked up."""

    def __call__(self, label: str) -> str | None:
        """The record id of the bag with this label, None when this box has none."""
        ...


class Reader(Protocol):
    """As much of a scanner's reader as a light in the top bar needs."""

    @property
    def id(self) -> str: ...

    up: bool


def judge(content: bytes, *, base: str, unit: str, bag_of: Callable[[str], str | None]) -> tuple[str, str, Say]:
    """(record id or "", label number or "", what to say) of a scanned content."""
    found = identify(content, base=base, unit=unit)
    if isinstance(found, ForeignCode):
        return "", "", Say(_ODD[found.odd], {"text": found.shown})
    label = str(found.number)
    if not found.unit_is_ours:
        return "", label, Say("SCAN-05", {"unit": found.number.unit, "number": tail(found.number)})
    rid = bag_of(label)
    if rid is None:
        return "", label, Say("SCAN-02", {"number": tail(found.number)})
    return rid, label, Say("SCAN-01", {"number": tail(found.number)})


def tail(number: LabelNumber) -> str:
    """The parts of a label number by which people know a bag."""
    return f"{number.waste} {number.produced_on:%Y%m%d} {number.sequence:03d}"


class Scans:
    """The last scan, numbered."""

    def __init__(self, *, base: str, unit: str, clock: Clock, bag_of: Bags) -> None:
        self._base = base
        self._unit = unit
        self._clock = clock
        self._bag_of = bag_of
        self._seen: OrderedDict[bytes, int] = OrderedDict()
        self._readers: list[Reader] = []
        self.last: Scanned | None = None
        self.repeats = 0  # scans that were the same one again

    def watch(self, readers: list[Reader]) -> None:
        """Show these in the top bar."""
        self._readers = readers

    def take(self, scanner: str, content: bytes) -> Scanned | None:
        """A scanner read this. None when it is the same scan again."""
        now_ns = self._clock.mono_ns()
        before = self._seen.pop(content, None)
        self._seen[content] = now_ns
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)
        if before is not None and now_ns - before < REPEAT_S * 1e9:
            self.repeats += 1
            log.debug("scanner %s: the same again", scanner)
            return None
        rid, label, say = judge(content, base=self._base, unit=self._unit, bag_of=self._bag_of)
        log.info("scanner %s: %s %s", scanner, say.key, label or dict(say.values))
        number = self.last.number + 1 if self.last else 1
        self.last = Scanned(number, rfc3339(self._clock.wall()), scanner, rid, label, say)
        return self.last

    def chips(self) -> tuple[Chip, ...]:
        """A light for the scanners, when there are any."""
        if not self._readers:
            return ()
        lost = [reader.id for reader in self._readers if not reader.up]
        if not lost:
            return (Chip("scanner", Light.GOOD),)
        return (Chip("scanner", Light.WARN, Say("SCAN-06", {"scanner": ", ".join(lost)})),)
