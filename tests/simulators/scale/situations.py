"""Indications to encode, platforms at rest, and waiting without guessing a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.physics import Indication, Platform, PlatformSpec, Range

PATIENCE_S = 20.0


def indication(
    gross: str,
    division: str,
    *,
    tare: str = "0",
    unit: str = "kg",
    stable: bool = True,
    within: Range = Range.INSIDE,
    near_zero: bool = False,
    ready: bool = True,
) -> Indication:
    """An indication of gross and tare, which are whole divisions."""
    step = Decimal(division)
    return Indication(
        gross_divisions=int(Decimal(gross) / step),
        tare_divisions=int(Decimal(tare) / step),
        peak_divisions=int(Decimal(gross) / step),
        division=step,
        places=max(0, -int(step.as_tuple().exponent)),
        unit=unit,
        stable=stable,
        range=within,
        near_zero=near_zero,
        ready=ready,
    )


def kg(number: str) -> Mass:
    return Mass.of(number, "kg")


def platform(seed: int = 1, *, load: str = "0", spec: PlatformSpec | None = None) -> Platform:
    """A platform on which load has come to rest."""
    made = Platform(spec or PlatformSpec(), random.Random(seed))
    made.put(kg(load))
    made.advance(15)
    return made


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most PATIENCE_S."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 the condition is another process's or the wire's
            await asyncio.sleep(0.01)
