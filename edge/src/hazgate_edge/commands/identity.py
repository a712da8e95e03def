"""`identity`: who this box is, for the collector's `box add`."""

from __future__ import annotations

import sys
from pathlib import Path

from hazgate_edge.config import ConfigError, load
from hazgate_edge.identity import IdentityError, load_or_make


def run(path: Path) -> int:
    """Print `box public-key unit-code` on one line."""
    try:
        config = load(path)
        signer = load_or_make(config.data_folder)
    except (ConfigError, IdentityError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(config.box, signer.public().hex(), config.unit.code)
    return 0
