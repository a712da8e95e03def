"""A lorry on a weighbridge: axles that come onto the platform one after the other, ends that hang over it."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.mass import Mass


@dataclass(frozen=True, slots=True)
class Axle:
    """One axle: how far behind the front bumper, and what it carries."""

    behind_mm: int
    mass: Mass


@dataclass(slots=True)
class Lorry:
    """Drives along a platform that begins at 0; `front_mm` is where its bumper is, below 0 before the platform."""

    axles: tuple[Axle, ...]
    length_mm: int
    platform_mm: int = 18_000
    front_mm: int = -1_000

    def drive_to(self, front_mm: int) -> None:
        """Put the bumper there."""
        self.front_mm = front_mm

    def stop_in_the_middle(self) -> None:
        """Both ends equally far from the platform's."""
        self.front_mm = (self.platform_mm + self.length_mm) // 2

    def load(self) -> Mass:
        """What presses on the platform: the axles that stand on it."""
        return Mass(sum(axle.mass.mg for axle in self.axles if 0 <= self.front_mm - axle.behind_mm <= self.platform_mm))

    @property
    def front_on(self) -> bool:
        """Nothing hangs over the far end."""
        return not self.front_mm - self.length_mm < self.platform_mm < self.front_mm

    @property
    def rear_on(self) -> bool:
        """Nothing hangs over the near end."""
        return not self.front_mm - self.length_mm < 0 < self.front_mm
