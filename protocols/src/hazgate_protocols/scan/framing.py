"""Bytes of a serial scanner to scans. The result never depends on how the bytes arrive, with one exception that the
device forces: without a suffix, silence is all there is to end a code.

Theory: the buffer begins at the start of a frame. A frame is an answer of the scanner (where its family has them; they
come in front of the data) or a code up to the suffix. Bytes that wait longer than `silence_ms` for more are a code
(suffix none) or nothing (any other): a torn code is never joined to the next one. A code that is too long is dropped
to its end, and never in parts. What is inside a code is not judged here (content.py does).
"""

from __future__ import annotations

from collections.abc import Iterator

from hazgate_protocols.scan.aim import without_identifier
from hazgate_protocols.scan.commands import GM65_ANSWER_HEAD, GM65_ANSWER_OVERHEAD, GM65_DONE, crc_1021
from hazgate_protocols.scan.events import SCAN_BYTES_MAX, Answer, BadScan, Flaw, Scan, ScanEvent
from hazgate_protocols.scan.spec import SerialTraffic, Suffix

RAW_SHOWN = 64

_ENDS = {
    Suffix.CR: (b"\r",),
    Suffix.LF: (b"\n",),
    Suffix.CRLF: (b"\r\n",),
    Suffix.LINE: (b"\r", b"\n"),
    Suffix.TAB: (b"\t",),
    Suffix.NONE: (),
}


class Framer:
    """Holds at most SCAN_BYTES_MAX unread bytes and those of one answer. Times are nanoseconds of the caller's
    monotonic clock."""

    def __init__(self, traffic: SerialTraffic) -> None:
        self._ends = _ENDS[traffic.suffix]
        self._answers = traffic.answers == "gm65"
        self._aim = traffic.aim
        self._silence_ns = traffic.silence_ms * 1_000_000
        self._buffer = bytearray()
        self._dropping = False  # inside a code that was too long
        self._last_ns = 0

    @property
    def unread(self) -> int:
        """How many bytes are held."""
        return len(self._buffer)

    def deadline_ns(self) -> int | None:
        """When to call idle() next if nothing comes; None while nothing is held."""
        return self._last_ns + self._silence_ns if self._buffer or self._dropping else None

    def feed(self, octets: bytes, now_ns: int) -> Iterator[ScanEvent]:
        """What these bytes complete. Silence before them counts too."""
        yield from self.idle(now_ns)
        self._last_ns = now_ns
        for start in range(0, len(octets), SCAN_BYTES_MAX):  # a huge read is no reason for a huge buffer
            self._buffer += octets[start : start + SCAN_BYTES_MAX]
            yield from self._frames()

    def idle(self, now_ns: int) -> Iterator[ScanEvent]:
        """What the silence until now ends."""
        deadline = self.deadline_ns()
        if deadline is None or now_ns < deadline:
            return
        rest, self._dropping = bytes(self._buffer), False
        self._buffer.clear()
        if not rest:
            return
        yield self._scan(rest) if not self._ends else BadScan(Flaw.INCOMPLETE, rest[:RAW_SHOWN])

    def _frames(self) -> Iterator[ScanEvent]:
        while self._buffer:
            if self._answers and not self._dropping:
                answer = self._answer()
                if answer is not None:
                    yield answer
                    continue
                if self._may_become_answer():
                    return
            end = self._end()
            if end is None:
                if len(self._buffer) > SCAN_BYTES_MAX:
                    if not self._dropping:
                        yield BadScan(Flaw.TOO_LONG, bytes(self._buffer[:RAW_SHOWN]))
                    self._dropping = True
                if self._dropping:
                    del self._buffer[: -1 if self._buffer[-1:] == b"\r" else None]  # it may begin the suffix
                return
            stop, after = end
            content = bytes(self._buffer[:stop])
            del self._buffer[:after]
            if self._dropping:
                self._dropping = False
            elif len(content) > SCAN_BYTES_MAX:
                yield BadScan(Flaw.TOO_LONG, content[:RAW_SHOWN])
            elif content:  # an empty one is the second half of CR LF, or a suffix that was sent twice
                yield self._scan(content)

    def _end(self) -> tuple[int, int] | None:
        found = [(at, at + len(end)) for end in self._ends if (at := self._buffer.find(end)) >= 0]
        return min(found, default=None)

    def _answer(self) -> Answer | None:
        held = self._buffer
        if not held.startswith(GM65_ANSWER_HEAD) or len(held) < 4:
            return None
        length = GM65_ANSWER_OVERHEAD + held[3]
        raw = bytes(held[:length])
        if len(raw) < length or raw[-2:] != crc_1021(raw[2:-2]):
            return None
        del held[:length]
        return Answer(raw[2] == GM65_DONE, raw)

    def _may_become_answer(self) -> bool:
        """The beginning of an answer whose rest is still to come."""
        held = self._buffer
        if not GM65_ANSWER_HEAD.startswith(held[:2]):
            return False
        return len(held) < 4 or len(held) < GM65_ANSWER_OVERHEAD + held[3]

    def _scan(self, content: bytes) -> Scan:
        symbology, rest = without_identifier(content) if self._aim else ("", content)
        return Scan(rest, symbology)
