"""`identity`: who this box is, for the collector's `box add`."""

from __future__ import annotations

import sys
from pathlib import Path

from hazgate_edge.app import JOURNAL_FILE
from hazgate_edge.config import ConfigError, load
from hazgate_edge.identity import IdentityError, load_or_make
from hazgate_edge.journal.database import JournalError
from hazgate_edge.journal.start import require_suite_of


def run(path: Path) -> int:
    """Print `box public-key unit-code` on one line."""
    try:
        config = load(path)
        require_suite_of(config.data_folder / JOURNAL_FILE, config.chain_suite)
        signer = load_or_make(config.data_folder, config.chain_suite)
    except (ConfigError, IdentityError, JournalError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(config.box, signer.public().hex(), config.unit.code)
    return 0
