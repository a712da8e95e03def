"""What every suite is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bench:
    """What a suite needs: a scratch folder on the journals' disk, where the peer lives, how often, and two voices."""

    scratch: Path
    peer_folder: Path
    rounds: int
    say: Callable[[str], None]
    keep: Callable[..., None]  # raw numbers, by name
