"""`decide`: an installer says that this box is the right one, and it weighs on. The running box writes the record."""

from __future__ import annotations

import sys
from pathlib import Path

from hazgate_edge.config import ConfigError, load
from hazgate_edge.watch import leave_decision


def run(path: Path, who: str, reason: str) -> int:
    """Exit 0 when the decision lies where the box takes it from."""
    if not who.strip() or not reason.strip():
        print("decide: name and reason go on record; neither may be empty", file=sys.stderr)
        return 1
    try:
        folder = load(path).data_folder
        leave_decision(folder, who, reason)
    except (ConfigError, OSError) as exc:
        print(f"decide: {exc}", file=sys.stderr)
        return 1
    print("left for the box: it takes it within a second, or at its next start, and writes it into its journal")
    print("if the other machine still runs, its records show again and weighing stops again: switch it off first")
    return 0
