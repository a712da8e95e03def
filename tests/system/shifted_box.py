"""hazgate-edge with a machine clock that can be set: `python shifted_box.py FILE ARGUMENTS...`; FILE holds seconds.

Only what the box's one window on the machine's clock shows is shifted; everything behind it is the real program.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hazgate_edge.cli import main
from hazgate_edge.clock import SystemClock


def shift(file: Path) -> None:
    """From now on the machine's clock is off by what the file says at each moment."""

    def wall(self: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text("ascii") or 0))

    setattr(SystemClock, "wall", wall)  # noqa: B010 - a method is replaced on purpose: the shim this file is


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
    main(sys.argv[2:])
