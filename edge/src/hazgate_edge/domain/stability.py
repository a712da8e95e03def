"""When a weight counts as settled.

A device that says "stable" is believed after `device_frames` agreeing frames (a profile may ask for the window as
well, where nothing in the frame guards its digits); one that says "moving" is never overruled. A device that says
nothing is watched: enough readings, over a long enough span, all within the tolerance of each other; any rejection,
gap or other reading starts the window anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, STABLE_BY_WINDOW
from hazgate_protocols.mass import Mass

FRAMES_KEPT = 16  # raw frames kept as evidence of one settled weight
READINGS_MAX = 512  # looked at at once; a board that sends 80 a second needs 64 for a span of 800 ms


@dataclass(frozen=True, slots=True)
class Rule:
    """The window: at least `samples` readings spanning at least span_ms, all within `tolerance` of each other."""

    samples: int
    span_ms: int
    tolerance: Mass
    gap_ms: int  # silence longer than this starts anew
    always: bool = False  # the window counts also where the device says stable
    device_frames: int = 2


@dataclass(frozen=True, slots=True)
class Weight:
    """A usable reading: exact mass, the indicator's own text, and the frame's bytes."""

    mass: Mass
    text: str
    unit: str
    mode: str
    stable: bool | None
    tare: Mass | None
    raw: bytes
    at_ns: int  # monotonic time of arrival


@dataclass(frozen=True, slots=True)
class Settled:
    """A weight at rest, who says so, and the frames that show it."""

    weight: Weight
    by: str
    frames: tuple[bytes, ...]


class StabilityWindow:
    """Feed every reading in order; `settled` is the weight at rest or None."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._seen: deque[Weight] = deque(maxlen=max(READINGS_MAX, rule.samples))
        self.settled: Settled | None = None

    def reset(self) -> None:
        """Forget: a rejection, a gap, a reading that is no weight."""
        self._seen.clear()
        self.settled = None

    def feed(self, weight: Weight) -> None:
        """One usable reading."""
        rule = self._rule
        if self._seen:
            last = self._seen[-1]
            gap = weight.at_ns - last.at_ns > rule.gap_ms * 1_000_000
            if gap or (weight.unit, weight.mode, weight.stable) != (last.unit, last.mode, last.stable):
                self.reset()
        while self._seen and any(abs(weight.mass - seen.mass) > rule.tolerance for seen in self._seen):
            self._seen.popleft()
            self.settled = None
        self._seen.append(weight)
        self._let_go()
        if weight.stable is False:
            self.settled = None
            return
        span = weight.at_ns - self._seen[0].at_ns
        still = len(self._seen) >= rule.samples and span >= rule.span_ms * 1_000_000
        if weight.stable is True:
            self._settle(STABLE_BY_DEVICE, still if rule.always else len(self._seen) >= rule.device_frames)
        else:
            self._settle(STABLE_BY_WINDOW, still)

    def _let_go(self) -> None:
        """Of the oldest, what neither the evidence nor the span needs: a fast device must still fill its span."""
        needed, span_ns = max(FRAMES_KEPT, self._rule.samples), self._rule.span_ms * 1_000_000
        while len(self._seen) > needed and self._seen[-1].at_ns - self._seen[1].at_ns >= span_ns:
            self._seen.popleft()

    def _settle(self, by: str, enough: bool) -> None:
        self.settled = Settled(self._seen[-1], by, self._evidence()) if enough else None

    def _evidence(self) -> tuple[bytes, ...]:
        """The frames that show it, of very many some at even steps, the first and the last among them."""
        raws = [seen.raw for seen in self._seen]
        if len(raws) <= max(FRAMES_KEPT, self._rule.samples):
            return tuple(raws)
        last = FRAMES_KEPT - 1
        return tuple(raws[place * (len(raws) - 1) // last] for place in range(FRAMES_KEPT))
