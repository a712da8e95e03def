"""The pan: readings and rejections in, the current weight, its phase and the reason there is none out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hazgate_edge.domain.blocking import PanView, kilograms
from hazgate_edge.domain.stability import Rule, Settled, StabilityWindow, Weight
from hazgate_edge.domain.view import Phase, Say
from hazgate_edge.domain.weighing import START, Event, after
from hazgate_protocols.mass import Mass, UnitNotMetricError
from hazgate_protocols.scale.reading import Mode, Reading, Reject, Status

STALE_MS = 1000  # promise 7: an older weight is never shown as current
WRONG_LINK_MS = 3000  # bytes arrive but no frame for this long: settings or protocol do not fit
REJECTS_WINDOW_MS = 5000
_NO_WEIGHT = {
    Status.OVERLOAD: "SCALE-04",
    Status.OUT_OF_RANGE: "SCALE-04",
    Status.UNDERLOAD: "SCALE-10",
    Status.NOT_READY: "SCALE-11",
    Status.HOLD: "SCALE-11",
    Status.ERROR: "SCALE-12",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The platform's limits from the configuration."""

    minimum: Mass
    capacity: Mass
    empty_below: Mass


class Pan:
    """One scale's platform. All times are monotonic nanoseconds given by the caller."""

    def __init__(self, rule: Rule, limits: Limits, now_ns: int, stale_ms: int = STALE_MS) -> None:
        """stale_ms: when a weight is no longer current; never later than STALE_MS, sooner for a fast device."""
        self._stale_ns = min(stale_ms, STALE_MS) * 1_000_000
        self._window = StabilityWindow(rule)
        self._limits = limits
        self._phase = START
        self._started_ns = now_ns
        self._weight: Weight | None = None
        self._refusal: Say | None = None
        self._read_ns: int | None = None  # newest valid frame
        self._bytes_ns: int | None = None  # newest bytes of any kind
        self._rejects: deque[int] = deque(maxlen=1000)
        self._rejected = 0
        self._link_up = False
        self._seen_empty = False  # since the start of the program

    # -- what happens --------------------------------------------------------------------------------------------

    def link(self, *, up: bool, now_ns: int) -> None:
        """The port was opened or lost. A new link starts a new window."""
        self._link_up = up
        self._window.reset()
        self._bytes_ns = None
        if not up:
            self._step(Event.NOTHING)
            self._weight = None
        self._started_ns = now_ns

    def bytes_came(self, now_ns: int) -> None:
        """Anything at all on the wire."""
        self._bytes_ns = now_ns

    def rejected(self, _reject: Reject, now_ns: int) -> None:
        """A damaged or foreign frame: no weight, and the window starts anew."""
        self._rejects.append(now_ns)
        self._rejected += 1
        self._window.reset()
        if self._phase is Phase.SETTLED:
            self._step(Event.MOVING)

    def read(self, reading: Reading, now_ns: int) -> None:
        """A valid frame."""
        if reading.mode is Mode.TARE:
            return  # an answer about the tare says nothing of the pan
        if self._read_ns is not None and now_ns - self._read_ns > self._stale_ns:
            self._window.reset()
        self._read_ns = now_ns
        weight = self._usable(reading, now_ns)
        if weight is None:
            self._weight = None
            self._window.reset()
            self._step(Event.MOVING if _moving(reading) else Event.UNUSABLE)
            return
        self._weight, self._refusal = weight, None
        self._window.feed(weight)
        if abs(weight.mass) <= self._limits.empty_below:
            self._seen_empty = True
            self._step(Event.EMPTY)
        elif weight.mass < Mass(0):
            self._refusal = Say("SCALE-10")
            self._window.reset()
            self._step(Event.UNUSABLE)
        else:
            self._step(Event.SETTLED if self._window.settled else Event.MOVING)

    def booked(self) -> None:
        """The settled weight has become a record."""
        self._step(Event.BOOKED)

    # -- what is ---------------------------------------------------------------------------------------------------

    def weight(self, now_ns: int) -> Weight | None:
        """The current weight, None when it is older than a second or there is none."""
        if self._weight is None or now_ns - self._weight.at_ns > self._stale_ns:
            return None
        return self._weight

    def settled(self, now_ns: int) -> Settled | None:
        """The weight that may be booked now."""
        if self.phase(now_ns) is not Phase.SETTLED:
            return None
        return self._window.settled

    def phase(self, now_ns: int) -> Phase:
        """Where the pan is, with stale readings counted as nothing."""
        if self._stale(now_ns):
            self._step(Event.NOTHING)
        return self._phase

    def view(self, now_ns: int) -> PanView:
        """For the blocking rule."""
        phase = self.phase(now_ns)
        weight = self.weight(now_ns)
        silent = self._silence(now_ns) if self._stale(now_ns) else None
        refusal = silent or self._refusal
        return PanView(
            phase,
            weight.mass if weight else None,
            refusal,
            silent=silent is not None,
            found_loaded=not self._seen_empty,
        )

    def steady(self, now_ns: int) -> bool:
        """Whether the current weight is at rest, whatever it is used for."""
        return self.weight(now_ns) is not None and self._window.settled is not None

    @property
    def has_read_since_open(self) -> bool:
        """Whether the link has carried a valid frame since it was opened or lost."""
        return self._read_ns is not None and self._read_ns > self._started_ns

    @property
    def rejected_count(self) -> int:
        """All rejections since the start."""
        return self._rejected

    def _stale(self, now_ns: int) -> bool:
        return self._read_ns is None or not self._link_up or now_ns - self._read_ns > self._stale_ns

    def _silence(self, now_ns: int) -> Say:
        since_ns = self._read_ns if self._read_ns is not None else self._started_ns
        silent_s = max(1, (now_ns - since_ns) // 1_000_000_000)
        talking = self._bytes_ns is not None and now_ns - self._bytes_ns < STALE_MS * 1_000_000
        if talking and now_ns - since_ns > WRONG_LINK_MS * 1_000_000:
            return Say("SCALE-15")
        recent = sum(1 for at in self._rejects if now_ns - at < REJECTS_WINDOW_MS * 1_000_000)
        if talking and recent:
            return Say("SCALE-13", {"n": str(recent)})
        return Say("SCALE-01", {"n": str(silent_s)})

    def _usable(self, reading: Reading, now_ns: int) -> Weight | None:
        """The exact weight of a reading; None with the reason in _refusal."""
        if _moving(reading):
            self._refusal = None
            return None
        if reading.status is not Status.OK or reading.weight is None:
            key = _NO_WEIGHT.get(reading.status, "SCALE-12")
            capacity = {"capacity": kilograms(self._limits.capacity)}
            self._refusal = Say(key, capacity if key == "SCALE-04" else {})
            return None
        if reading.mode in (Mode.COUNT, Mode.PERCENT):
            self._refusal = Say("SCALE-17")
            return None
        if reading.unit is None:
            self._refusal = Say("SCALE-09")
            return None
        try:
            mass = Mass.of(reading.weight, reading.unit)
            tare = None if reading.tare is None else Mass.of(reading.tare, reading.unit)
        except UnitNotMetricError:
            self._refusal = Say("SCALE-08", {"unit": reading.unit})
            return None
        except ValueError:
            self._refusal = Say("SCALE-02")
            return None
        mode = "" if reading.mode is None else str(reading.mode)
        return Weight(mass, f"{reading.weight:f}", reading.unit, mode, reading.stable, tare, reading.raw, now_ns)

    def _step(self, event: Event) -> None:
        self._phase = after(self._phase, event)


def _moving(reading: Reading) -> bool:
    """Whether the frame says only that the load moves: no digits, or no unit, which comes with rest (SBI)."""
    return reading.status is Status.IN_MOTION or (reading.unit is None and reading.stable is False)
