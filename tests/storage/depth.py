"""How far the storage tests go: a slice in every run, all of it with HAZGATE_SOAK=1."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
SOAK = os.environ.get("HAZGATE_SOAK", "") not in ("", "0")
SEED = int(os.environ.get("HAZGATE_SEED", "20261123"))


def chosen(cases: Sequence[T], at_most: int) -> list[T]:
    """All of them in a soak run; else a seeded choice, always with the first and the last."""
    if SOAK or len(cases) <= at_most:
        return list(cases)
    inner = random.Random(SEED).sample(range(1, len(cases) - 1), at_most - 2)
    return [cases[index] for index in sorted({0, len(cases) - 1, *inner})]
