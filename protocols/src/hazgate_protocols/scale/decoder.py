"""Bytes in, readings and rejections out, for any profile.

Every decision depends on the bytes alone, never on how they arrived: whole, byte by byte or cut anywhere gives the
same events in the same order. A damaged frame costs one counted rejection; the search goes on one byte later, because
a marker value may stand inside a frame (a Toledo check of 02h) and a good frame may follow at once.

    bytes -> _FixedFrames | DelimitedFrames | _RtuFrames | Reports | _Lines | BlockFrames (where a frame begins
             and ends, checksum, address)
          -> fields / lines / blocks / registers (what it says)
          -> crosschecks (whether its numbers agree)
          -> Reading | Reject
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from hazgate_protocols.scale.blocks import BlockFrames
from hazgate_protocols.scale.checks import WIDTHS, compile_check, crc16_modbus
from hazgate_protocols.scale.crosschecks import compile_cross_checks
from hazgate_protocols.scale.delimited import DelimitedFrames
from hazgate_protocols.scale.fields import compile_variants
from hazgate_protocols.scale.lines import compile_lines
from hazgate_protocols.scale.noise import Marks, Noise, begun, refuse_unfinished
from hazgate_protocols.scale.options import OptionError, Options, resolve_options
from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.reports import Reports
from hazgate_protocols.scale.spec import Block, Delimited, Fixed, Line, Poll, Profile, Report, Value

Event = Reading | Reject
_LOW_7_BITS = bytes(byte & 0x7F for byte in range(256))


class Decoder:
    """Bytes in, events out. Holds fewer than `max_length` unread bytes between calls.

    The device's nonsense is a Reject, never an exception. Raises OptionError when made with settings the profile does
    not allow or without one it demands. Not shared between links; `reset` it when a link was opened again and, for
    polled devices, before each request (a late answer must not be joined to the next).
    """

    def __init__(self, profile: Profile, options: Mapping[str, Value] | None = None) -> None:
        self.profile = profile
        self.options = resolve_options(profile, options)
        frame = profile.frame
        polled = isinstance(profile.traffic, Poll)
        if isinstance(frame, Fixed):
            self._frames: _Frames = _FixedFrames(
                _without_check(profile, frame, self.options), self.options, polled=polled
            )
        elif isinstance(frame, Line):
            self._frames = _Lines(frame, self.options)
        elif isinstance(frame, Block):
            self._frames = BlockFrames(frame, self.options)
        elif isinstance(frame, Report):
            self._frames = Reports(frame, compile_variants(frame.variants, (), self.options))
        elif isinstance(frame, Delimited):
            self._frames = DelimitedFrames(frame, self.options, polled=polled)
        else:
            self._frames = _RtuFrames(RegisterMap(profile, options))
        self._agreed = compile_cross_checks(profile)

    def feed(self, received: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        events = self._frames.feed(bytes(received))
        return events if self._agreed is None else [self._agreed(event) for event in events]

    def asked(self, request: bytes) -> None:
        """What the device was asked last, for answers that repeat a part of the question. Kept over a reset."""
        if isinstance(self._frames, DelimitedFrames):
            self._frames.asked = bytes(request)

    def finish(self) -> list[Event]:
        """At the end of a capture: noise not yet counted, and of a polled device an answer that is not complete.

        The beginning of a frame in a stream is no fault and stays silent.
        """
        return self._frames.finish()

    def reset(self) -> None:
        """Forgets all unread bytes, as after opening the port."""
        self._frames.reset()

    @property
    def unread(self) -> int:
        """Bytes held back because a frame is not complete."""
        return len(self._frames.unread)

    @property
    def max_length(self) -> int:
        """More bytes than the decoder ever holds back."""
        return self._frames.max_length


def _without_check(profile: Profile, frame: Fixed, options: Options) -> Fixed:
    """The frame of a device that is set to send no checksum: shorter by it."""
    if options.checksum == "required":
        return frame
    if frame.check is None or frame.check.at + WIDTHS[frame.check.algo] != frame.length:
        raise OptionError(f"profile {profile.id}: checksum none, but its frames do not end with one")
    return replace(frame, length=frame.check.at, check=None)


class _Frames(Protocol):
    """Finds frames in a stream."""

    unread: bytes
    max_length: int

    def feed(self, received: bytes) -> list[Event]: ...
    def finish(self) -> list[Event]: ...
    def reset(self) -> None: ...


class _FixedFrames:
    """Frames of one length behind a start marker."""

    def __init__(self, frame: Fixed, options: Options, *, polled: bool) -> None:
        self.unread = b""
        self.max_length = frame.length
        self._start = bytes.fromhex(frame.start)
        self._ended = _compile_ends(frame)
        self._intact = _compile_check(frame)
        self._meaning = compile_variants(frame.variants, frame.guards, options, frame.pattern)
        self._strip = options.strip_high_bit
        self._noise = Noise(frame.length)
        self._marks = Marks([self._start], frame.asides) if frame.asides else None
        self._alone = not frame.start_inside
        self._polled = polled

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        wire = self.unread + received
        view = wire.translate(_LOW_7_BITS) if self._strip else wire
        marks, start, length, noise = self._marks, self._start, self.max_length, self._noise
        position, size = 0, len(view)
        while True:
            if marks is None:
                found = view.find(start, position)
                if found < 0:
                    found = size - begun(view[position:], start)
            else:
                found, mark = marks.find(view, position)
            if found > position:
                noise.skip(wire[position:found], events)
                position = found
            if marks is not None and marks.take_aside(mark, wire[position : position + len(mark)], noise, events):
                position += len(mark)
                continue
            if size - position < length:
                break
            frame, raw = view[position : position + length], wire[position : position + length]
            if not self._ended(frame) or (self._alone and frame.find(start, 1) > 0):
                noise.skip(raw[:1], events)
                position += 1
                continue
            event = (
                self._meaning(frame, raw) if self._intact(frame) else Reject(Reason.CHECKSUM, raw, "checksum is wrong")
            )
            if type(event) is Reject:
                noise.refuse(event, events)
                position += 1
                continue
            noise.accept(events)
            events.append(event)
            position += length
        self.unread = wire[position:]
        return events

    def finish(self) -> list[Event]:
        events: list[Event] = []
        self._noise.end(events)
        if self._polled:
            refuse_unfinished(self.unread, events)
        return events

    def reset(self) -> None:
        self.unread = b""
        self._noise = Noise(self.max_length)


def _compile_ends(frame: Fixed) -> Callable[[bytes], bool]:
    ends = [(end.offset, int(end.byte, 16)) for end in frame.end_at if end.offset < frame.length]
    return lambda frame_bytes: all(frame_bytes[offset] == byte for offset, byte in ends)


def _compile_check(frame: Fixed) -> Callable[[bytes], bool]:
    if frame.check is None:
        return lambda _: True
    return compile_check(frame.check.algo, frame.check.over, frame.check.at)


class _Lines:
    """Lines; one without an end is dropped at max_length and everything up to the next end with it."""

    def __init__(self, frame: Line, options: Options) -> None:
        self.unread = b""
        self.max_length = frame.max_length
        ends = sorted((bytes.fromhex(end) for end in frame.ends), key=len, reverse=True)
        self._ends = tuple(ends)
        self._last = ends[0][-1:]
        self._meaning = compile_lines(frame.variants, frame.head, options, frame.min_length)
        self._lead = bytes.fromhex(frame.lead)
        self._strip = options.strip_high_bit
        self._overlong = False
        self._intact = compile_check(frame.check.algo, frame.check.over, frame.check.at) if frame.check else None
        self._begins = re.compile(frame.head.encode("ascii")).match

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        wire = self.unread + received
        view = wire.translate(_LOW_7_BITS) if self._strip else wire
        position = 0
        while (found := view.find(self._last, position)) >= 0:
            if self._overlong:
                self._overlong = False
            elif found + 1 - position > self.max_length:
                self._refuse_overlong(wire[position : position + self.max_length], events)
            else:
                event = self._line(view[position : found + 1], wire[position : found + 1])
                if event is not None:
                    events.append(event)
            position = found + 1
        rest = wire[position:]
        if len(rest) >= self.max_length and not self._overlong:
            self._refuse_overlong(rest[: self.max_length], events)
            self._overlong = True
        self.unread = b"" if self._overlong else rest
        return events

    def _line(self, line: bytes, raw: bytes) -> Event | None:
        if self._lead and line.startswith(self._lead):
            line, raw = line[1:], raw[1:]
        for end in self._ends:
            if line.endswith(end):
                body = line[: -len(end)]
                if self._intact is not None and body and self._begins(body) and not self._intact(body):
                    return Reject(Reason.CHECKSUM, raw, "checksum is wrong")
                return self._meaning(body, raw) if body else None  # an empty line says nothing
        return Reject(Reason.FRAMING, raw, "line end is damaged")

    def _refuse_overlong(self, first: bytes, events: list[Event]) -> None:
        events.append(Reject(Reason.FRAMING, first, f"line of more than {self.max_length} bytes"))

    def finish(self) -> list[Event]:
        return []

    def reset(self) -> None:
        self.unread = b""
        self._overlong = False


class _RtuFrames:
    """Answers to our one Modbus RTU request. An echo of the request (RS-485 adapters) is passed over."""

    def __init__(self, registers: RegisterMap) -> None:
        self.unread = b""
        self._map = registers
        self._request = registers.request()
        self._function = registers.registers.function
        self._payload = 2 * registers.registers.count
        self.max_length = max(self._payload + 5, len(self._request))
        self._noise = Noise(self.max_length)

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        wire = self.unread + received
        noise = self._noise
        position = 0
        while True:
            # 3 bytes tell an answer, an exception and the echo of our request apart.
            ahead = wire[position : position + self.max_length]
            if len(ahead) < 3:
                break
            length = self._length(ahead)
            if length is None:
                noise.skip(ahead[:1], events)
                position += 1
                continue
            raw = ahead[:length]
            if len(raw) < length:
                break
            if raw == self._request:
                noise.accept(events)
                position += length
                continue
            if crc16_modbus(raw[:-2]) != raw[-2:]:
                noise.refuse(Reject(Reason.CHECKSUM, raw, "CRC is wrong"), events)
                position += 1
                continue
            noise.accept(events)
            events.append(self._answer(raw))
            position += length
        self.unread = wire[position:]
        return events

    def _length(self, ahead: bytes) -> int | None:
        """The length of the frame that seems to begin here, None when none does."""
        if ahead[1] == self._function and ahead[2] == self._payload:
            return self._payload + 5
        if ahead[1] == self._function | 0x80:
            return 5
        if self._request.startswith(ahead[: len(self._request)]) or ahead.startswith(self._request):
            return len(self._request)
        return None

    def _answer(self, raw: bytes) -> Event:
        if raw[0] != self._map.unit_id:
            return Reject(Reason.ADDRESS, raw, f"answer of unit {raw[0]}, asked was {self._map.unit_id}")
        if raw[1] & 0x80:
            return self._map.exception(raw[2], raw)
        return self._map.decode_payload(raw[3:-2], raw)

    def finish(self) -> list[Event]:
        events: list[Event] = []
        self._noise.end(events)
        return events

    def reset(self) -> None:
        self.unread = b""
        self._noise = Noise(self.max_length)
