"""How far the long tests go: a slice in every run, all of it with HAZGATE_SOAK=1.

`make soak` gathers what they count.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
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


def count(what: str, runs: int) -> None:
    """Tell the soak run how often something was done (a test that gets here found nothing wrong)."""
    print(f"{what}: {runs}")
    gathered = os.environ.get("HAZGATE_SOAK_COUNTS", "")
    if gathered:
        with Path(gathered).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "runs": runs}) + "\n")
