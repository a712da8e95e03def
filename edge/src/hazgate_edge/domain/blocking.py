"""Why the main button is dead: every reason at once, most important first."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_edge.domain.view import Phase, Say
from hazgate_protocols.mass import Mass


@dataclass(frozen=True, slots=True)
class PanView:
    """What the scale's monitor knows right now."""

    phase: Phase
    mass: Mass | None
    refusal: Say | None  # why the last reading is no weight, or why there is none
    silent: bool  # nothing current arrives
    found_loaded: bool  # the pan has not been empty since the program started: what lies there may not be on record


def reasons(pan: PanView, *, minimum: Mass, capacity: Mass, printer: Say | None, disk: Say | None) -> tuple[Say, ...]:
    """The reasons a bag cannot be weighed now; empty means it can."""
    found: list[Say] = []
    if disk is not None:
        found.append(disk)
    if pan.silent:
        found.append(pan.refusal or Say("SCALE-01", {"n": "1"}))
    if pan.phase is Phase.BOOKED:
        found.append(Say("SCALE-18" if pan.found_loaded else "SCALE-05"))
    elif pan.phase is Phase.REFUSED:
        found.append(pan.refusal or Say("SCALE-02"))
    elif pan.phase is Phase.EMPTY:
        found.append(Say("PAN-01"))
    elif pan.phase is Phase.MOVING:
        found.append(Say("SCALE-03"))
    elif pan.mass is not None and pan.mass < minimum:
        found.append(Say("SCALE-16", {"minimum": kilograms(minimum)}))
    elif pan.mass is not None and pan.mass > capacity:
        found.append(Say("SCALE-04", {"capacity": kilograms(capacity)}))
    if printer is not None:
        found.append(printer)
    return tuple(found)


def kilograms(mass: Mass) -> str:
    """For the operator: 0.2 kg."""
    return f"{mass.to('kg'):f} kg"
