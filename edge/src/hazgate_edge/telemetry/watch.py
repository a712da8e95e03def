"""One point's life: which readings are worth sending, what quality they have, and when a limit is crossed.

No I/O and no clock: the time comes with every reading. A reading is sent when it is the first, when its quality
changed, when it left the deadband around the one sent last, and at least every interval. A crossing begins with the
first good reading beyond a limit, at once; it ends when readings were back inside by the deadband for hold_s without a
break, so that a value that dances on its limit does not fill the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hazgate_protocols.telemetry.points import Point, number_text
from hazgate_protocols.uplink.telemetry import Quality, Sample, is_value


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading of a point. value: None for none. late: the device itself dates it too long ago to be current."""

    value: Decimal | None
    said_at: str = ""
    note: str = ""
    late: bool = False
    raw: bytes = b""
    qn: str = ""  # of the HJ 212 frame


@dataclass(frozen=True, slots=True)
class Crossing:
    """A limit was crossed ("begun") or the value has come back ("ended")."""

    what: str
    limit: str  # "low" | "high"
    bound: str
    value: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a point shows now. value "" for none; quality None while the first reading may still come in time."""

    value: str
    quality: Quality | None
    limit: str  # the open crossing, "" for none


class PointWatch:
    """Decides for one point. name: source.point as it travels."""

    def __init__(self, name: str, point: Point, *, crossing: str = "", start_ns: int) -> None:
        """crossing: the limit whose crossing was open when the box stopped, "" for none."""
        self.name = name
        self.point = point
        self.crossing = crossing
        self._start_ns = start_ns
        self._read_ns: int | None = None
        self._value: Decimal | None = None
        self._quality: Quality | None = None
        self._sent: tuple[Decimal | None, Quality, int] | None = None
        self._inside_ns: int | None = None

    def take(self, taken: Taken, at: str, now_ns: int) -> tuple[Sample | None, list[Crossing]]:
        """A reading that came now: what to send, and which crossings it makes."""
        value = taken.value if taken.value is not None and is_value(taken.value) else None
        beyond = "" if value is None or taken.late else self._beyond(value)
        if value is None:
            quality = Quality.ERROR
        elif taken.late:
            quality = Quality.STALE
        else:
            quality = Quality.LIMITS if beyond else Quality.OK
        self._read_ns, self._value, self._quality = now_ns, value, quality
        good = quality in (Quality.OK, Quality.LIMITS)
        crossings = self._cross(value, beyond, now_ns) if good and value is not None else self._interrupt()
        return self._send(value, quality, at, now_ns, taken.said_at, taken.note), crossings

    def look(self, at: str, now_ns: int) -> Sample | None:
        """Time passed: a point that is silent for stale_s is said to be stale, and again every interval."""
        since = self._read_ns if self._read_ns is not None else self._start_ns
        if now_ns - since < self.point.stale_s * 1_000_000_000:
            return None
        self._inside_ns = None
        self._quality = Quality.STALE
        return self._send(None, Quality.STALE, at, now_ns, "", "")

    def standing(self) -> Standing:
        """For people. A silent point shows no value."""
        if self._read_ns is None:
            return Standing("", self._quality, self.crossing)
        value = "" if self._value is None or self._quality is Quality.STALE else number_text(self._value)
        return Standing(value, self._quality, self.crossing)

    def _beyond(self, value: Decimal) -> str:
        limits = self.point.limits
        if limits is None:
            return ""
        if limits.low is not None and value < Decimal(limits.low):
            return "low"
        return "high" if limits.high is not None and value > Decimal(limits.high) else ""

    def _cross(self, value: Decimal, beyond: str, now_ns: int) -> list[Crossing]:
        out = []
        if self.crossing and beyond != self.crossing:
            if beyond:  # from one limit right to the other
                out.append(self._said("ended", self.crossing, value))
                self.crossing = ""
            elif self._well_inside(value):
                self._inside_ns = now_ns if self._inside_ns is None else self._inside_ns
                hold_s = self.point.limits.hold_s if self.point.limits is not None else 0
                if now_ns - self._inside_ns >= hold_s * 1_000_000_000:
                    out.append(self._said("ended", self.crossing, value))
                    self.crossing, self._inside_ns = "", None
            else:
                self._inside_ns = None
        elif self.crossing:
            self._inside_ns = None
        if beyond and not self.crossing:
            self.crossing, self._inside_ns = beyond, None
            out.append(self._said("begun", beyond, value))
        return out

    def _interrupt(self) -> list[Crossing]:
        """No good reading: nobody knows whether the value is inside, so the time inside begins anew."""
        self._inside_ns = None
        return []

    def _well_inside(self, value: Decimal) -> bool:
        limits, slack = self.point.limits, Decimal(self.point.deadband)
        if limits is None:  # the profile lost its limits since the crossing began
            return True
        if limits.low is not None and value < Decimal(limits.low) + slack:
            return False
        return limits.high is None or value <= Decimal(limits.high) - slack

    def _said(self, what: str, limit: str, value: Decimal) -> Crossing:
        limits = self.point.limits
        bound = "" if limits is None else (limits.low if limit == "low" else limits.high) or ""
        return Crossing(what, limit, bound, number_text(value))

    def _send(
        self, value: Decimal | None, quality: Quality, at: str, now_ns: int, said_at: str, note: str
    ) -> Sample | None:
        if self._sent is not None:
            sent, sent_quality, sent_ns = self._sent
            due = now_ns - sent_ns >= self.point.interval_s * 1_000_000_000
            moved = value is not None and (sent is None or abs(value - sent) > Decimal(self.point.deadband))
            if not due and not moved and quality == sent_quality:
                return None
        self._sent = (value, quality, now_ns)
        return Sample(self.name, at, None if value is None else number_text(value), quality, said_at, note)
