"""`scan-image FILE`: what the box would say to the codes in a photo."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hazgate_edge.commands.opening import NoJournalError, opened
from hazgate_edge.config import Config, ConfigError, load
from hazgate_edge.scanning.photo import PHOTO_BYTES_MAX, PhotoError, codes_in
from hazgate_edge.scanning.scans import judge


def run(path: Path, picture: Path) -> int:
    """Exit 0 when every code is a bag of this box, 1 when one is not, or there is none."""
    try:
        config = load(path)
        with picture.open("rb") as file:
            texts = asyncio.run(codes_in(file.read(PHOTO_BYTES_MAX + 1)))
    except (ConfigError, OSError, PhotoError) as exc:
        print(f"scan-image {picture}: {exc}", file=sys.stderr)
        return 1
    if not texts:
        print(f"scan-image {picture}: no code found; go closer, with more light", file=sys.stderr)
        return 1
    found = 0
    for text in texts:
        rid, label, say = judge(
            text.encode(), base=config.label_qr_base, unit=config.unit.code, bag_of=lambda label: _bag_of(config, label)
        )
        found += bool(rid)
        print(f"{say.key} {' '.join(say.values.values())}" + (f"; run: hazgate-edge show {label}" if rid else ""))
    return 0 if found == len(texts) else 1


def _bag_of(config: Config, label: str) -> str | None:
    try:
        journal = opened(config)
    except NoJournalError:
        return None
    try:
        rows = journal.rows("SELECT rid FROM bag WHERE label = ?", label)
        return str(rows[0][0]) if rows else None
    finally:
        journal.database.close()
