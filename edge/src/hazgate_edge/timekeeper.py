"""How far the machine's clock can be believed: never below what is known, jumps noticed, quality on each record.

    source      what it means on a record
    ntp         the kernel says the clock is synchronised; unc_ms is the kernel's own bound of its error
    system      plausible, and nobody vouches for it
    untrusted   the clock said less than is already known (1970 without a clock chip): the time given is the newest
                known one plus what has passed since the start; what is on the label is that time's date

Known is the date of this program and the time of the newest record in the journal. A jump while the program runs is
somebody's deed (a time server's or a person's): the new time is taken, and the jump becomes a record. Nothing in the
box waits or expires by this time; that is what the monotonic clock is for.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hazgate_edge.clock import Clock, rfc3339
from hazgate_edge.domain.view import Say

PROGRAM_DATE = datetime(2026, 11, 1, tzinfo=UTC)  # earlier cannot be: this program did not exist; moved at each release
STEP_MS = 1000  # a daemon that slews moves 0.5 ms a second; more than this between two looks was a jump
LOOK_EVERY_S = 1.0
TOLD_S = 600.0  # how long a jump is shown
_UNSYNCHRONISED = 0x40  # STA_UNSYNC, linux/timex.h


@dataclass(frozen=True, slots=True)
class Sync:
    """What the kernel knows of its clock; error_ms: its own bound, None when it knows none."""

    synchronised: bool
    error_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ClockChange:
    """One change of the clock: reason is back, ahead or synchronised. step_ms: by how much it differs from what the
    time before and the monotonic clock lead to."""

    reason: str
    before: datetime
    after: datetime
    step_ms: int
    synchronised: bool

    def as_json(self) -> dict[str, Any]:
        """The body of a record of kind clock."""
        return {
            "reason": self.reason,
            "before": rfc3339(self.before),
            "after": rfc3339(self.after),
            "step_ms": self.step_ms,
            "synchronised": self.synchronised,
        }


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), up to what is read here; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def kernel_sync() -> Sync:
    """Asks the kernel (reading needs no rights). What cannot be asked is not synchronised."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return Sync(False)
    told = _Timex()
    if adjtimex(ctypes.byref(told)) < 0 or told.status & _UNSYNCHRONISED:
        return Sync(False)
    return Sync(True, told.maxerror // 1000)


class Timekeeper:
    """A Clock over the machine's own that knows what time it cannot be. Safe from any thread."""

    def __init__(
        self, system: Clock, *, known: datetime = PROGRAM_DATE, sync: Callable[[], Sync] = kernel_sync
    ) -> None:
        """known: a time that has surely been reached."""
        self._system = system
        self._sync = sync
        self._program = known
        self._lock = threading.Lock()
        self._known = known  # at least this late it was ...
        self._known_at_ns = system.mono_ns()  # ... at this moment
        self._seen = (system.wall(), self._known_at_ns)
        self._off_ms = 0  # since the last change that was told
        self._was_synchronised = sync().synchronised
        self._told: tuple[Say | None, int] | None = None

    def know(self, known: datetime) -> None:
        """This time has surely been reached, too."""
        with self._lock:
            self._know(known)

    def _know(self, known: datetime) -> None:
        if known > self._least():
            self._known, self._known_at_ns = known, self._system.mono_ns()

    def wall(self) -> datetime:
        """The machine's time, or the least that it must be when the machine says less."""
        with self._lock:
            now = self._system.wall()
            return now if self._believes(now) else self._least()

    def mono_ns(self) -> int:
        return self._system.mono_ns()

    def boot(self) -> str:
        return self._system.boot()

    def stamped(self) -> tuple[datetime, str, int | None]:
        """Now, its source, and the bound of its error in ms where there is one: all of one moment."""
        sync = self._sync()
        with self._lock:
            now = self._system.wall()
            if sync.synchronised and now >= self._program:
                return now, "ntp", sync.error_ms
            return (now, "system", None) if now >= self._known else (self._least(), "untrusted", None)

    @property
    def trusted(self) -> bool:
        """Whether the machine's own time can be true."""
        with self._lock:
            return self._believes(self._system.wall())

    def look(self) -> ClockChange | None:
        """What the clock did since the last look, when it is worth a record. To be called about once a second."""
        sync = self._sync()
        with self._lock:
            wall, mono_ns = self._system.wall(), self._system.mono_ns()
            seen, seen_ns = self._seen
            expected = seen + timedelta(microseconds=(mono_ns - seen_ns) // 1000)
            off_ms = round((wall - expected) / timedelta(milliseconds=1))
            self._seen = (wall, mono_ns)
            self._off_ms += off_ms
            came = sync.synchronised and not self._was_synchronised
            self._was_synchronised = sync.synchronised
            if abs(off_ms) < STEP_MS and not came:
                return None
            reason = "back" if off_ms <= -STEP_MS else "ahead" if off_ms >= STEP_MS else "synchronised"
            step_ms, self._off_ms = (self._off_ms if came else off_ms), 0
            if wall >= self._program:
                self._known, self._known_at_ns = self._program, mono_ns  # set on purpose: earlier times count again
            else:
                self._know(expected)
            change = ClockChange(reason, wall - timedelta(milliseconds=step_ms), wall, step_ms, sync.synchronised)
            self._told = (_say_of(change), mono_ns)
            return change

    def say(self) -> Say | None:
        """What the operator is told of the clock now."""
        if not self.trusted:
            return Say("CLK-01")
        told = self._told
        if told is None or self._system.mono_ns() - told[1] > TOLD_S * 1e9:
            return None
        return told[0]

    def _believes(self, now: datetime) -> bool:
        return now >= self._known or (now >= self._program and self._sync().synchronised)

    def _least(self) -> datetime:
        return self._known + timedelta(microseconds=(self._system.mono_ns() - self._known_at_ns) // 1000)


def _say_of(change: ClockChange) -> Say | None:
    seconds = str(max(1, round(abs(change.step_ms) / 1000)))
    if change.synchronised:
        return Say("CLK-04", {"s": seconds}) if abs(change.step_ms) >= STEP_MS else None
    return Say("CLK-02" if change.step_ms < 0 else "CLK-03", {"s": seconds})
