"""What runs beside the work: the walk of the whole chain, and the ear for what an installer decided."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.walk import Walk
from hazgate_edge.sync.refill import Refill, Wrong
from hazgate_protocols.codes.label_number import LabelNumber

log = logging.getLogger(__name__)

WALK_EVERY_S = 24 * 3600.0
WALK_PAUSE_S = 0.25  # between slices: 800 records a second, some 5 % of a small board
DECISION_FILE = "decision.json"
DECISION_EVERY_S = 1.0
DECISION_BYTES_MAX = 32 * 1024
LABELS_MAX = 100
_TEXT_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """What an installer said. last_labels: the highest label numbers given since the journal was copied; none: nothing
    was weighed since."""

    who: str
    reason: str
    last_labels: tuple[str, ...]


async def keep_watch(journal: Journal, refill: Refill, *, pause_s: float = WALK_PAUSE_S) -> None:
    """Walk the chain now, and once a day from then on, until cancelled."""
    while True:
        await walk_once(journal, refill, pause_s=pause_s)
        await asyncio.sleep(WALK_EVERY_S)


async def walk_once(journal: Journal, refill: Refill, *, pause_s: float) -> int:
    """One walk; how many records are wrong. Each is told to the refill, which fetches it back if that can be done."""
    walk, wrong = Walk(journal), 0
    more = journal.head_seq > 0
    while more:
        try:
            more = walk.step()
        except sqlite3.Error as exc:
            text = f"the records from {walk.at} on cannot be read: {exc}; keep this disk and call for help"
            await refill.found_wrong(Wrong(walk.at, b"", b""), text)
            return wrong + 1
        told = {item.seq for item in walk.wrong}
        for item in walk.wrong:
            await refill.found_wrong(Wrong(item.seq, item.hash, item.prev), item.text)
        for seq in refill.wrong_between(*walk.good) - told:
            refill.found_right(seq)
        wrong += len(walk.wrong)
        await asyncio.sleep(pause_s)
    log.info("walked the chain: %d records, %d wrong", walk.checked, wrong)
    return wrong


async def heed_decisions(folder: Path, refill: Refill, wake: Callable[[], None]) -> None:
    """Take what `hazgate-edge decide` left in the data folder, until cancelled."""
    while True:
        decision = take_decision(folder)
        if decision is not None:
            await refill.decide(decision.who, decision.reason, decision.last_labels)
            wake()
            (folder / DECISION_FILE).unlink(missing_ok=True)  # only now: a kill in between decides again
        await asyncio.sleep(DECISION_EVERY_S)


def leave_decision(folder: Path, decision: Decision) -> None:
    """For the running box, or its next start. Raises OSError."""
    fresh = folder / f"{DECISION_FILE}.new"
    said = {"who": decision.who, "reason": decision.reason, "last_labels": decision.last_labels}
    fresh.write_text(json.dumps(said), "utf-8")
    fresh.rename(folder / DECISION_FILE)


def take_decision(folder: Path) -> Decision | None:
    """None when nothing was decided. What cannot be read, or names no labels (an older program's),
    is set aside under another name."""
    path = folder / DECISION_FILE
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(DECISION_BYTES_MAX))
        who, reason = str(value["who"]).strip(), str(value["reason"]).strip()
        labels = tuple(str(LabelNumber.parse(label)) for label in value["last_labels"][:LABELS_MAX])
        if who and reason:
            return Decision(who[:_TEXT_CHARS_MAX], reason[:_TEXT_CHARS_MAX], labels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        log.warning("decision %s: not understood: %s", path, exc)
    path.rename(path.with_suffix(".bad"))
    return None
