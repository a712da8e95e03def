"""The platform: a load swings, settles, drifts, is tared and zeroed.

The swing is float physics in divisions of the scale; what leaves this module (Indication) is whole divisions and exact
decimals. Steps have a fixed length and randomness is an argument: the same seed and calls give the same indications.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from hazgate_protocols.mass import MG_PER_UNIT, ZERO, Mass

STEP_S = 0.01
STEPS_MAX = 3_000  # at most 30 s are made up for at once; a longer pause (suspend) is skipped
DIVISIONS_MAX = 999_999  # six digits, the widest field all simulated frames share
KG_PER_LB = Decimal("0.45359237")  # exact by the international definition of 1959

OVER_DIVISIONS = 9  # OIML R 76-1, 4.2.3: no indication above Max + 9 e
ZERO_RANGE = 0.02  # OIML R 76-1, 4.5.1: zero-setting device, not more than 4 % of Max; common setting +-2 %
INITIAL_ZERO_RANGE = 0.10  # common setting of the zero set at power-up; R 76 allows 20 %
UNDER_RANGE = 0.05  # below this part of Max under zero the indicator shows underload


class Range(StrEnum):
    """Whether the load is one the scale may indicate."""

    INSIDE = "inside"
    OVER = "over"
    UNDER = "under"


class Answer(StrEnum):
    """What came of a zero or tare command."""

    DONE = "done"
    MOVING = "moving"
    OUT_OF_RANGE = "out_of_range"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class PlatformSpec:
    """The scale's plate and its temper. capacity and division are in unit; times in seconds.

    noise and drift are bounded so that together they stay below half a division: a settled load which is a whole number
    of divisions is always indicated exactly.
    """

    capacity: Decimal = Decimal(150)
    division: Decimal = Decimal("0.01")
    unit: str = "kg"
    ring_hz: float = 2.5
    damping: float = 0.35
    ramp_s: float = 0.3
    hold_s: float = 0.6
    noise_divisions: float = 0.08
    noise_divisions_max: float = 0.2
    drift_divisions_max: float = 0.2
    drift_divisions_per_s: float = 0.01

    def __post_init__(self) -> None:
        if self.unit not in MG_PER_UNIT:
            raise ValueError(f"scale unit {self.unit!r}: use one of {', '.join(MG_PER_UNIT)}")
        if not self.division.is_finite() or self.division.normalize().as_tuple().digits not in ((1,), (2,), (5,)):
            raise ValueError(f"division {self.division}: use 1, 2 or 5 times a power of ten")
        if not 0 <= self.places <= 4:
            raise ValueError(f"division {self.division}: frames carry at most 4 decimals")
        counts = self.capacity / self.division
        if counts != counts.to_integral_value() or not 10 <= counts <= DIVISIONS_MAX - OVER_DIVISIONS:
            raise ValueError(
                f"capacity {self.capacity} {self.unit}: use a whole number of divisions from 10 to "
                f"{DIVISIONS_MAX - OVER_DIVISIONS}, this is {counts}"
            )
        if self.noise_divisions_max + self.drift_divisions_max >= 0.5:
            raise ValueError("noise and drift together reach half a division: a settled load would flicker")

    @property
    def places(self) -> int:
        """Decimals of the indicated number."""
        exponent = self.division.as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    @property
    def capacity_divisions(self) -> int:
        return int(self.capacity / self.division)


@dataclass(frozen=True, slots=True)
class Indication:
    """What the indicator knows at one moment, in whole divisions.

    near_zero: the load is within a quarter of a division of zero. ready: zero was set after power-up.
    """

    gross_divisions: int
    tare_divisions: int
    peak_divisions: int
    division: Decimal
    places: int
    unit: str
    stable: bool
    range: Range
    near_zero: bool
    ready: bool

    @property
    def net_shown(self) -> bool:
        return self.tare_divisions != 0

    @property
    def gross(self) -> Decimal:
        return self._exact(self.gross_divisions)

    @property
    def tare(self) -> Decimal:
        return self._exact(self.tare_divisions)

    @property
    def net(self) -> Decimal:
        return self._exact(self.gross_divisions - self.tare_divisions)

    @property
    def peak(self) -> Decimal:
        return self._exact(self.peak_divisions)

    @property
    def shown(self) -> Decimal:
        """The number on the display: net while a tare is set, else gross."""
        return self.net if self.net_shown else self.gross

    def in_pounds(self) -> Indication:
        """The same load on an indicator somebody switched to lb (kilogram scales only), rounded to its division."""
        if self.unit != "kg":
            raise ValueError(f"only a kilogram scale is switched to pounds, this one shows {self.unit}")

        def pounds(divisions: int) -> int:
            return int((divisions / KG_PER_LB).to_integral_value(ROUND_HALF_EVEN))

        return replace(
            self,
            unit="lb",
            gross_divisions=pounds(self.gross_divisions),
            tare_divisions=pounds(self.tare_divisions),
            peak_divisions=pounds(self.peak_divisions),
        )

    def _exact(self, divisions: int) -> Decimal:
        return (divisions * self.division).quantize(Decimal(1).scaleb(-self.places))


class Platform:
    """One platform scale; all state changes by advance() and the methods a person or command could cause."""

    def __init__(self, spec: PlatformSpec, rng: random.Random) -> None:
        self.spec = spec
        self.load = ZERO
        self._rng = rng
        self._division_mg = Mass.of(spec.division, spec.unit).mg
        self._omega = 2 * math.pi * spec.ring_hz
        self._target = 0.0  # divisions; the load as the ramp has put it on so far
        self._position = 0.0  # divisions, of the swinging platform
        self._velocity = 0.0  # divisions per second
        self._drift = 0.0
        self._noise = 0.0
        self._zero = 0.0
        self._tare = 0
        self._peak = 0
        self._shown = 0
        self._anchor = 0
        self._anchored_s = 0.0
        self._unspent_s = 0.0
        self._ready = True
        self.restless = False  # the load never comes to rest (a person leaning, wind, a stirrer)

    def put(self, load: Mass) -> None:
        """Put load in place of what lies on the platform; it swings and settles."""
        self.load = load

    def place(self, load: Mass) -> None:
        """Make load lie there, settled, as if put on long ago."""
        self.load = load
        self._target = self._position = self._load_divisions
        self._velocity = self._drift = self._noise = 0.0
        self._shown = self._anchor = round(self._position - self._zero)
        self._peak = max(self._peak, self._shown)
        self._anchored_s = self.spec.hold_s

    def zero(self) -> Answer:
        """Set zero: only at rest, without tare, within the zero-setting range."""
        if not self._ready:
            return Answer.NOT_READY
        if not self._is_stable:
            return Answer.MOVING
        if self._tare or abs(self._position) > ZERO_RANGE * self.spec.capacity_divisions:
            return Answer.OUT_OF_RANGE
        self._set_zero()
        return Answer.DONE

    def tare(self) -> Answer:
        """Take the load at rest as tare; an empty platform clears the tare."""
        if not self._ready:
            return Answer.NOT_READY
        if not self._is_stable:
            return Answer.MOVING
        if self._shown < 0 or self._range is not Range.INSIDE:
            return Answer.OUT_OF_RANGE
        self._tare = self._shown
        return Answer.DONE

    def preset_tare(self, divisions: int) -> Answer:
        """Set a known tare in whole divisions; 0 clears it."""
        if not 0 <= divisions <= self.spec.capacity_divisions:
            return Answer.OUT_OF_RANGE
        self._tare = divisions
        return Answer.DONE

    def power_up(self) -> None:
        """Start again: tare and zero are forgotten; ready only after a zero at rest near empty."""
        self._ready = False
        self._tare = self._peak = 0
        self._zero = 0.0
        self._anchored_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass; bounded by STEPS_MAX steps."""
        self._unspent_s += seconds
        steps = int(self._unspent_s / STEP_S)
        self._unspent_s -= steps * STEP_S
        for _ in range(min(steps, STEPS_MAX)):
            self._step()

    @property
    def indication(self) -> Indication:
        return Indication(
            gross_divisions=self._shown,
            tare_divisions=self._tare,
            peak_divisions=self._peak,
            division=self.spec.division,
            places=self.spec.places,
            unit=self.spec.unit,
            stable=self._is_stable,
            range=self._range,
            near_zero=abs(self._position + self._drift - self._zero) <= 0.25,
            ready=self._ready,
        )

    def _step(self) -> None:
        spec = self.spec
        wanted = self._load_divisions
        if self.restless:
            wanted += self._rng.uniform(-1, 1) * max(30.0, 0.02 * abs(wanted))
        # A bag is lowered, not dropped: what still misses is put on over ramp_s.
        self._target += (wanted - self._target) * min(1.0, 3 * STEP_S / spec.ramp_s)
        if abs(wanted - self._target) < 0.01:
            self._target = wanted
        away = self._target - self._position
        self._velocity += (self._omega**2 * away - 2 * spec.damping * self._omega * self._velocity) * STEP_S
        self._position += self._velocity * STEP_S

        bound = spec.drift_divisions_max
        walk = self._rng.gauss(0.0, spec.drift_divisions_per_s * math.sqrt(STEP_S))
        self._drift = max(-bound, min(bound, self._drift + walk))
        bound = spec.noise_divisions_max
        self._noise = max(-bound, min(bound, self._rng.gauss(0.0, spec.noise_divisions)))

        self._shown = round(self._position + self._drift + self._noise - self._zero)
        self._peak = max(self._peak, self._shown)
        if abs(self._shown - self._anchor) > 1:
            self._anchor = self._shown
            self._anchored_s = 0.0
        else:
            self._anchored_s += STEP_S
        near_empty = abs(self._position) <= INITIAL_ZERO_RANGE * spec.capacity_divisions
        if not self._ready and near_empty and self._is_stable:
            self._set_zero()
            self._ready = True

    def _set_zero(self) -> None:
        self._zero = self._position
        self._drift = 0.0
        self._shown = self._anchor = 0

    @property
    def _load_divisions(self) -> float:
        return self.load.mg / self._division_mg

    @property
    def _is_stable(self) -> bool:
        return self._anchored_s >= self.spec.hold_s - STEP_S / 2

    @property
    def _range(self) -> Range:
        if self._shown > self.spec.capacity_divisions + OVER_DIVISIONS:
            return Range.OVER
        if self._shown < -UNDER_RANGE * self.spec.capacity_divisions:
            return Range.UNDER
        return Range.INSIDE
