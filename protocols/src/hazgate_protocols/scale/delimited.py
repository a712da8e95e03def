"""Frames between markers: where one begins and ends, its length, its checksum, its address, the question it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hazgate_protocols.scale.checks import compile_check
from hazgate_protocols.scale.lines import compile_lines
from hazgate_protocols.scale.noise import Marks, Noise, refuse_unfinished
from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.spec_delimited import Address, Delimited, Repeat

Event = Reading | Reject
_LOW_7_BITS = bytes(byte & 0x7F for byte in range(256))


class DelimitedFrames:
    """Finds frames in a stream. A frame is judged at its first end marker; before it, another start marker or
    max_length bytes end the hope for it, and the search goes on one byte later."""

    def __init__(self, frame: Delimited, options: Options, *, polled: bool) -> None:
        self.unread = b""
        self.max_length = frame.max_length
        self.asked: bytes | None = None
        self._marks = Marks([bytes.fromhex(start) for start in frame.starts], frame.asides)
        self._starts = _search([*frame.starts])
        self._ends = _search([*frame.ends, *frame.early_ends])
        self._early = {bytes.fromhex(end) for end in frame.early_ends}
        self._lengths = frozenset(frame.lengths or range(frame.max_length + 1))
        check = frame.check
        self._intact = compile_check(check.algo, check.over, check.at) if check else None
        self._address = _compile_address(frame.address, options)
        self._repeats: Sequence[Repeat] = frame.repeats
        self._meaning = compile_lines(frame.variants, "^", options)
        self._strip = options.strip_high_bit
        self._polled = polled
        self._noise = Noise(frame.max_length)

    def feed(self, received: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        wire = self.unread + received
        view = wire.translate(_LOW_7_BITS) if self._strip else wire
        marks, noise = self._marks, self._noise
        position = 0
        while True:
            found, mark = marks.find(view, position)
            if found > position:
                noise.skip(wire[position:found], events)
                position = found
            if not mark:
                break
            if marks.take_aside(mark, wire[position : position + len(mark)], noise, events):
                position += len(mark)
                continue
            after = self._judge(view, wire, position, events)
            if after == position:
                break
            position = after
        self.unread = wire[position:]
        return events

    def _judge(self, view: bytes, wire: bytes, position: int, events: list[Event]) -> int:
        """Where the search goes on; `position` itself when more bytes must come first."""
        limit = position + self.max_length
        again = self._starts(view, position + 1, limit)
        horizon = again.start() if again is not None else limit
        end = self._ends(view, position + 1, horizon)
        while end is not None:
            stop = end.end()
            frame, raw = view[position:stop], wire[position:stop]
            event = self._frame(frame, raw)
            if type(event) is not Reject:
                self._noise.accept(events)
                if event is not None:
                    events.append(event)
                return stop
            if end[0] not in self._early:
                self._noise.refuse(event, events)
                return position + 1
            end = self._ends(view, end.start() + 1, horizon)
        if again is None and len(view) < limit:
            return position
        self._noise.skip(wire[position : position + 1], events)
        return position + 1

    def _frame(self, frame: bytes, raw: bytes) -> Event | None:
        if len(frame) not in self._lengths:
            return Reject(Reason.FRAMING, raw, f"a frame of {len(frame)} bytes")
        if self._intact is not None and not self._intact(frame):
            return Reject(Reason.CHECKSUM, raw, "checksum is wrong")
        if self._address is not None and not self._address(frame):
            return Reject(Reason.ADDRESS, raw, "frame of another device")
        if self.asked is not None:
            for repeat in self._repeats:
                if repeat.asked_at < len(self.asked) and frame[repeat.at] != self.asked[repeat.asked_at]:
                    return Reject(Reason(repeat.reason), raw, "answer to another question")
        return self._meaning(frame, raw)

    def finish(self) -> list[Event]:
        """Noise not yet counted, and of a polled device an answer that is not complete."""
        events: list[Event] = []
        self._noise.end(events)
        if self._polled:
            refuse_unfinished(self.unread, events)
        return events

    def reset(self) -> None:
        """Forgets all unread bytes."""
        self.unread = b""
        self._noise = Noise(self.max_length)


def _search(marks: Sequence[str]) -> Callable[..., re.Match[bytes] | None]:
    return re.compile(b"|".join(re.escape(bytes.fromhex(mark)) for mark in marks)).search


def _compile_address(address: Address | None, options: Options) -> Callable[[bytes], bool] | None:
    chosen = getattr(options, address.option) if address is not None else None
    if address is None or chosen is None:
        return None
    at, wanted = address.at, ord(chosen) if isinstance(chosen, str) else int(address.base, 16) + chosen
    return lambda frame: frame[at] == wanted
