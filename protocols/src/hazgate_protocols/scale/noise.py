"""Bytes between frames, counted; and the marks that stand between them: starts of frames, answers of one byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hazgate_protocols.scale.reading import Reading, Reason, Reject, Status


class Noise:
    """Bytes that belong to no frame: one framing reject for each run of them (or each max_length of a long run)."""

    def __init__(self, max_length: int) -> None:
        self._max = max_length
        self._run = bytearray()
        self._paid = 0  # bytes still to come that a reject has already accounted for

    @property
    def is_paid(self) -> bool:
        """Whether the next byte belongs to a frame that was refused already."""
        return self._paid > 0

    def skip(self, dropped: bytes, events: list[Reading | Reject]) -> None:
        if self._paid:
            free = min(self._paid, len(dropped))
            self._paid -= free
            dropped = dropped[free:]
        while dropped:
            room = self._max - len(self._run)
            self._run += dropped[:room]
            dropped = dropped[room:]
            if len(self._run) == self._max:
                self.end(events)

    def end(self, events: list[Reading | Reject]) -> None:
        if self._run:
            events.append(Reject(Reason.FRAMING, bytes(self._run), "bytes between frames"))
            self._run.clear()

    def refuse(self, reject: Reject, events: list[Reading | Reject]) -> None:
        """A damaged frame: its first byte is dropped by the caller, the rest of it is paid for."""
        self.end(events)
        events.append(reject)
        self._paid = max(self._paid - 1, len(reject.raw) - 1)

    def accept(self, events: list[Reading | Reject]) -> None:
        self.end(events)
        self._paid = 0


class Marks:
    """Where in a stream something begins: a frame, or an aside that stands between frames."""

    def __init__(self, starts: Iterable[bytes], asides: Mapping[str, Status | None]) -> None:
        self._asides = {bytes.fromhex(text): status for text, status in asides.items()}
        self._marks = (*starts, *self._asides)
        self._search = re.compile(b"|".join(map(re.escape, self._marks))).search

    def find(self, view: bytes, position: int) -> tuple[int, bytes]:
        """Place and bytes of the next mark; without one, where a mark may begin that is not complete, and no bytes."""
        match = self._search(view, position)
        if match is not None:
            return match.start(), match[0]
        return len(view) - max(begun(view[position:], mark) for mark in self._marks), b""

    def take_aside(self, mark: bytes, raw: bytes, noise: Noise, events: list[Reading | Reject]) -> bool:
        """Whether the mark is an aside; it is then accounted for."""
        if mark not in self._asides:
            return False
        if noise.is_paid:
            noise.skip(raw, events)  # a byte of a damaged frame, not an answer
            return True
        noise.accept(events)
        status = self._asides[mark]
        if status is not None:
            events.append(Reading(None, None, None, None, status, raw=raw))
        return True


def begun(tail: bytes, mark: bytes) -> int:
    """How many bytes at the end of the tail may be the beginning of a mark."""
    for count in range(min(len(mark) - 1, len(tail)), 0, -1):
        if tail.endswith(mark[:count]):
            return count
    return 0


def refuse_unfinished(unread: bytes, events: list[Reading | Reject]) -> None:
    """An answer that ends in the middle, when nothing more will come."""
    if unread:
        events.append(Reject(Reason.FRAMING, unread, "answer is not complete"))
