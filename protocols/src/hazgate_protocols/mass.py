"""Exact mass: an integer of milligrams, never a float.

Metric units only. A pound is 453 592.37 mg, so it has no exact place here; a scale set to pounds is refused at the
box ("unit not metric") instead of being converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

PLACES = {"mg": 0, "g": 3, "kg": 6, "t": 9}  # of a unit's number down to the milligram
MG_PER_UNIT = {unit: 10**places for unit, places in PLACES.items()}
DIGITS_MAX = 15  # a weight text longer than this is no weight


class UnitNotMetricError(ValueError):
    """The unit cannot be turned into whole milligrams without rounding."""


@dataclass(frozen=True, slots=True, order=True)
class Mass:
    """A mass in whole milligrams; may be negative (an untared container removed from the scale)."""

    mg: int

    def __post_init__(self) -> None:
        if not isinstance(self.mg, int) or isinstance(self.mg, bool):
            raise TypeError(f"mass must be whole milligrams, got {self.mg!r}")

    @classmethod
    def of(cls, number: Decimal | str, unit: str) -> Mass:
        """The mass of a decimal number with a metric unit.

        Raises UnitNotMetricError for any other unit, ValueError for a number that is no finite decimal or that
        has a part smaller than a milligram.
        """
        if isinstance(number, float):
            raise TypeError("a float never holds a weight; pass a Decimal or its text")
        factor = MG_PER_UNIT.get(unit)
        if factor is None:
            raise UnitNotMetricError(f"unit {unit!r}: only {', '.join(MG_PER_UNIT)} have an exact mass")
        if isinstance(number, str) and ("_" in number or not number.isascii()):
            raise ValueError(f"weight {number!r} is not a decimal number")  # Decimal would take both
        try:
            value = Decimal(number)
        except ArithmeticError as exc:
            raise ValueError(f"weight {number!r} is not a decimal number") from exc
        if not value.is_finite() or len(value.as_tuple().digits) > DIGITS_MAX or abs(value.adjusted()) > DIGITS_MAX:
            raise ValueError(f"weight {number!r} is not a finite number of at most {DIGITS_MAX} digits")
        milligrams = value * factor
        if milligrams != milligrams.to_integral_value():
            raise ValueError(f"weight {number} {unit} has a part smaller than a milligram")
        return cls(int(milligrams))

    def to(self, unit: str) -> Decimal:
        """The exact decimal number of this mass in a metric unit."""
        # From text: exact whatever the size and whatever decimal context the caller's thread has.
        places = PLACES[unit]
        while places and self.mg % 10 ** (PLACES[unit] - places + 1) == 0:
            places -= 1
        return Decimal(self.text(unit, places))

    def text(self, unit: str, places: int) -> str:
        """This mass with a fixed number of places; raises ValueError when that would round."""
        if places < 0:
            raise ValueError(f"{places} places of {unit}: a number has 0 or more")
        # The number as a whole count of its last place.
        count, rest = divmod(abs(self.mg) * 10**places, MG_PER_UNIT[unit])
        if rest:
            raise ValueError(f"{self.mg} mg does not fit {places} places of {unit}")
        digits = f"{count:0{places + 1}d}"
        whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
        return ("-" if self.mg < 0 else "") + (f"{whole}.{part}" if part else whole)

    def __add__(self, other: Mass) -> Mass:
        return Mass(self.mg + other.mg)

    def __sub__(self, other: Mass) -> Mass:
        return Mass(self.mg - other.mg)

    def __neg__(self) -> Mass:
        return Mass(-self.mg)

    def __abs__(self) -> Mass:
        return Mass(abs(self.mg))


ZERO = Mass(0)
