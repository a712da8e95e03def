"""Which device stands on the demo's platform: its link and what the box's configuration says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hazgate_simulators.scale.families import FAMILIES, Family


@dataclass(frozen=True)
class ScaleKind:
    """A simulated device the demo can use: the box's link and the simulator's, and what the box is told of it."""

    family: Family
    transport: str  # pty | tcp | modbus-rtu | modbus-tcp | hid

    @property
    def profile(self) -> str:
        return self.family.profile

    @property
    def settings(self) -> dict[str, str]:
        """The parts of the box's configuration that follow from the device."""
        family = self.family
        return {
            "profile": family.profile,
            "options": json.dumps(family.options),
            "capacity": f"{family.capacity:f}",
            "minimum": f"{20 * family.division:f}",
            "empty_below": f"{10 * family.division:f}",
            "division": f"{family.division:f}",
        }


def scale_kind(profile: str) -> ScaleKind:
    """How the demo connects a device: Modbus over TCP where it can, "ST,GS" lines by TCP, all else as the profile says.

    Raises KeyError for a profile there is not.
    """
    family = FAMILIES[profile]
    usual = "tcp" if profile == "st-gs" else "modbus-tcp" if "modbus-tcp" in family.links else family.links[0]
    return ScaleKind(family, usual)


SCALES = tuple(sorted(FAMILIES))
