"""Command-line options that both commands of the simulator share, and building a scale from them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from hazgate_simulators.scale.families import FAMILIES, LinkSpecError
from hazgate_simulators.scale.physics import PlatformSpec
from hazgate_simulators.scale.replay import CAPTURED_BAG, Replay, ReplayError, load_replay
from hazgate_simulators.scale.simulator import ScaleSimulator

Profile = Annotated[
    str, typer.Option("--profile", help="Device profile the simulator speaks; see hazgate-sim scale --list.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of noise and faults.")]
Capacity = Annotated[
    str | None, typer.Option("--capacity", help="Maximum load in kg; left out = one that fits the profile's frames.")
]
Division = Annotated[
    str | None,
    typer.Option("--division", help="Division in kg: 1, 2 or 5 times a power of ten; left out = the profile's usual."),
]
Rate = Annotated[float | None, typer.Option("--rate", min=1, max=50, help="Frames a second of a streaming indicator.")]
ReplayOption = Annotated[
    str | None,
    typer.Option("--replay", help="Start with captured frames: transcript file or id, then #case,case."),
]


def build_scale(
    profile: str, link: str, *, seed: int, capacity: str | None, division: str | None, rate_hz: float | None
) -> ScaleSimulator:
    """The scale these options ask for. Raises typer.BadParameter with what is allowed."""
    if profile not in FAMILIES:
        raise typer.BadParameter(f"profile {profile!r}: there are {', '.join(FAMILIES)}")
    family = FAMILIES[profile]
    try:
        spec = PlatformSpec(
            capacity=Decimal(capacity or family.capacity), division=Decimal(division or family.division)
        )
        return ScaleSimulator(profile, link, spec=spec, seed=seed, rate_hz=rate_hz)
    except InvalidOperation as exc:
        raise typer.BadParameter(f"capacity {capacity!r} or division {division!r} is no decimal number") from exc
    except (LinkSpecError, ValueError) as exc:
        raise typer.BadParameter(str(exc)) from exc


def build_replay(spec: str | None, profile: str) -> Replay | None:
    """The replay asked for. Raises typer.BadParameter."""
    if spec is None:
        return None
    try:
        return load_replay(spec, profile)
    except ReplayError as exc:
        raise typer.BadParameter(str(exc)) from exc


def captured_bag(profile: str) -> Replay | None:
    """The carried capture for this profile, or None where there is none."""
    try:
        return load_replay(CAPTURED_BAG, profile)
    except ReplayError:
        return None
