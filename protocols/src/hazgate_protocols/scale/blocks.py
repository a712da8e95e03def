"""Records of several lines to readings: which lines belong to one record, what they say, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hazgate_protocols.scale.lines import decimal_of, places_differ, word_table
from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec import Block, BlockLine, Says
from hazgate_protocols.scale.spec_block import COMPANIONS

Event = Reading | Reject
_LOW_7_BITS = bytes(byte & 0x7F for byte in range(256))


class BlockFrames:
    """Finds records in a stream. A record that is damaged costs one reject, and so does each run of lines outside.

    Holds the bytes of the record that has begun, fewer than max_length; a record that reaches max_length without its
    end is refused, and the rest of the line that crossed it with it.
    """

    def __init__(self, frame: Block, options: Options) -> None:
        self.unread = b""
        self.max_length = frame.max_length
        self._ends = tuple(sorted((bytes.fromhex(end) for end in frame.ends), key=len, reverse=True))
        self._last = self._ends[0][-1:]
        self._lead = bytes.fromhex(frame.lead)
        self._begins = re.compile(frame.begin.encode("ascii")).fullmatch
        self._finishes = re.compile(frame.finish.encode("ascii")).fullmatch
        self._meaning = compile_block(frame, options)
        self._strip = options.strip_high_bit
        self.reset()

    def reset(self) -> None:
        """Forgets the record that has begun."""
        self.unread = b""
        self._lines: list[bytes] = []  # of the record that has begun; empty = outside
        self._scanned = 0  # bytes of `unread` that are whole lines
        self._overlong = False
        self._noisy = False  # the run of lines outside has its reject

    def feed(self, received: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        events: list[Event] = []
        wire = self.unread + received
        start, position = 0, self._scanned
        while (found := wire.find(self._last, position)) >= 0:
            stop = found + 1
            if self._overlong:
                self._overlong = False
                start = stop
            elif stop - start > self.max_length:
                self._refuse(wire[start : start + self.max_length], Reason.FRAMING, "a record without its end", events)
                start = stop
            else:
                start = self._line(wire, start, position, stop, events)
            position = stop
        if len(wire) - start >= self.max_length and not self._overlong:
            self._refuse(wire[start : start + self.max_length], Reason.FRAMING, "a record without its end", events)
            self._overlong = True
        if self._overlong:
            start = position = len(wire)
        self.unread, self._scanned = wire[start:], position - start
        return events

    def finish(self) -> list[Event]:
        """A record that has begun is no fault."""
        return []

    def _line(self, wire: bytes, start: int, position: int, stop: int, events: list[Event]) -> int:
        """Takes one line; where the record that is open now begins."""
        body = self._body(wire[position:stop])
        if self._begins(body):
            if self._lines:
                self._refuse(
                    wire[start:position], Reason.CONTENT, "a record begins before the last has its end", events
                )
            self._lines = [body]
            return position
        if not self._lines:
            if body and not self._noisy:
                events.append(Reject(Reason.FRAMING, wire[position:stop], "a line outside of a record"))
                self._noisy = True
            return stop
        self._lines.append(body)
        if not self._finishes(body):
            return start
        event = self._meaning(self._lines, wire[start:stop])
        events.append(event)
        self._lines, self._noisy = [], type(event) is Reject
        return stop

    def _body(self, line: bytes) -> bytes:
        if self._strip:
            line = line.translate(_LOW_7_BITS)
        if self._lead:
            line = line.removeprefix(self._lead)
        for end in self._ends:
            if line.endswith(end):
                return line[: -len(end)]
        return line  # its end is damaged, so nothing that is anchored fits it

    def _refuse(self, raw: bytes, reason: Reason, detail: str, events: list[Event]) -> None:
        events.append(Reject(reason, raw, detail))
        self._lines, self._noisy = [], True


@dataclass(slots=True)
class _Found:
    """What the lines of one record have said so far."""

    numbers: dict[str, Decimal]
    unit: str | None = None
    stable: bool | None = None
    status: Status = Status.OK


def compile_block(frame: Block, options: Options) -> Callable[[Sequence[bytes], bytes], Reading | Reject]:
    """(lines of a record without their ends, raw) to what it says; it never raises, whatever the bytes."""
    readers = [_compile_line(line) for line in frame.lines]
    skips = re.compile(frame.skip.encode("ascii")).fullmatch if frame.skip is not None else None
    default_unit = options.default_unit if frame.unit == "option" else frame.unit

    def meaning(lines: Sequence[bytes], raw: bytes) -> Reading | Reject:
        found = _Found({})
        try:
            if frame.count is not None and len(lines) != frame.count:
                raise _RefusedError(f"{len(lines)} lines, a record has {frame.count}")
            left = list(zip(frame.lines, readers, strict=True))
            for place, line in enumerate(lines, 1):
                for item in left:
                    if item[0].at in (None, place) and item[1](line, found):
                        left.remove(item)
                        break
                else:
                    inner = place not in (1, len(lines))  # the markers at both ends need no entry
                    if inner and (skips is None or not skips(line)):
                        raise _RefusedError(f"line {place} is none of a record: {line!r}")
            if left:
                raise _RefusedError(f"the line {left[0][0].name} is missing")
        except _RefusedError as refusal:
            return Reject(Reason.CONTENT, raw, str(refusal))
        weight = found.numbers[frame.weight]
        if sentence := places_differ(weight, options.decimals):
            return Reject(Reason.CONTENT, raw, sentence)
        gross, net, tare = [found.numbers.get(name) for name in COMPANIONS]
        unit = found.unit or default_unit
        if found.status is not Status.OK:
            return Reading(None, unit, None, Mode(frame.weight), found.status, raw=raw)
        return Reading(weight, unit, found.stable, Mode(frame.weight), Status.OK, None, tare, gross, net, raw)

    return meaning


class _RefusedError(Exception):
    """The lines are no whole record; never leaves this module."""


def _compile_line(line: BlockLine) -> Callable[[bytes, _Found], bool]:
    fits = re.compile(line.regex.encode("ascii")).fullmatch
    tables = [(group, word_table(words)) for group, words in line.maps.items()]
    numbers = [name for name in COMPANIONS if f"(?P<{name}>" in line.regex]

    def read(text: bytes, found: _Found) -> bool:
        match = fits(text)
        if match is None:
            return False
        for group, table in tables:
            word = match[group]
            says = table.get(word) if word is not None else Says()
            if says is None:
                raise _RefusedError(f"a word the profile does not know: {word!r}")
            if found.unit is not None and says.unit not in (None, found.unit):
                raise _RefusedError(f"units {found.unit} and {says.unit} in one record")
            found.unit = says.unit or found.unit
            found.stable = says.stable if says.stable is not None else found.stable
            found.status = says.status or found.status
        for name in numbers:
            number = decimal_of(match[name] or b"")
            if number is None:
                raise _RefusedError(f"what stands in the place of {name} is no number")
            found.numbers[name] = number
        return True

    return read
