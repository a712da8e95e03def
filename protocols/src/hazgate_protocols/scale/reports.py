"""HID input reports: records of one length behind a report number, handed over whole by the kernel."""

from __future__ import annotations

from hazgate_protocols.scale.fields import Meaning
from hazgate_protocols.scale.noise import Noise
from hazgate_protocols.scale.reading import Reading, Reject
from hazgate_protocols.scale.spec_bytes import Report


class Reports:
    """Finds reports in a row of bytes.

    The bus delivers a report whole or not at all, so a refused one is dropped whole: looking for the next inside it
    could join its end to the beginning of the next. Bytes before a report number are passed over.
    """

    def __init__(self, frame: Report, meaning: Meaning) -> None:
        self.unread = b""
        self.max_length = frame.length
        self._numbers = bytes(frame.ids)
        self._meaning = meaning
        self._skipped = Noise(frame.length)

    def feed(self, received: bytes) -> list[Reading | Reject]:
        events: list[Reading | Reject] = []
        wire = self.unread + received
        position = 0
        while position < len(wire):
            if wire[position] not in self._numbers:
                self._skipped.skip(wire[position : position + 1], events)
                position += 1
                continue
            raw = wire[position : position + self.max_length]
            if len(raw) < self.max_length:
                break
            self._skipped.end(events)
            events.append(self._meaning(raw, raw))
            position += self.max_length
        self.unread = wire[position:]
        return events

    def finish(self) -> list[Reading | Reject]:
        events: list[Reading | Reject] = []
        self._skipped.end(events)
        return events

    def reset(self) -> None:
        self.unread = b""
        self._skipped = Noise(self.max_length)
