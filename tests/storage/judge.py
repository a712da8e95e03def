"""The judge: what was told as saved is there, what was printed is on record and not to be printed by itself again, the
chain is whole, no number is given twice, and weighing goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from edge.makers import BOX, journal_in, weigh
from hazgate_edge.domain.view import PrintState
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import WEIGHING, Record

NEVER_PRESSED = "judge"


def violations(
    folder: Path,
    saved: Mapping[str, str],
    *,
    printed: Mapping[str, str] | None = None,
    count: int,
    prefix: str = "press",
) -> list[str]:
    """Opens the journal as the next start does. Everything that is not as promised, in words; empty when all is well.

    saved, printed: press key -> label, as told, or as the printer has it.
    count: presses of the series, told or not; all are pressed again here.
    """
    try:
        wrong = _paper(folder, printed or {})
        return wrong + _wrong(
            folder, saved, [*dict.fromkeys([*saved, *(f"{prefix}-{number}" for number in range(count))])]
        )
    except Exception as exc:  # noqa: BLE001 - whatever it is, the box could not go on
        return [f"the journal does not work: {exc!r}"]


def _paper(folder: Path, printed: Mapping[str, str]) -> list[str]:
    """Before anything new is written: each label on paper is on record, and its job is not waiting to be sent."""
    wrong = []
    journal = journal_in(folder)
    try:
        waiting = {job.rid for job in journal.open_jobs() if job.state is PrintState.QUEUED}
        for key, label in printed.items():
            bag = journal.bag(label=label)
            if bag is None:
                wrong.append(f"{key}: label {label} is on paper and no record knows it")
            elif bag.rid in waiting:
                wrong.append(f"{key}: label {label} is on paper and would be printed as an original again")
    finally:
        journal.close()
    return wrong


def _wrong(folder: Path, saved: Mapping[str, str], keys: list[str]) -> list[str]:
    wrong = []
    journal = journal_in(folder)
    try:
        for key, label in saved.items():
            bag = journal.bag_of_request(key)
            if bag is None:
                wrong.append(f"{key} was told as saved with {label} and is lost")
            elif bag.label != label:
                wrong.append(f"{key} was told {label}, the journal says {bag.label}")
        wrong += _chain(folder / "journal.sqlite3")
        labels = {key: weigh(journal, key)[1] for key in keys}
        wrong += [
            f"{key} pressed again gives {labels[key]}, was {label}"
            for key, label in saved.items()
            if labels[key] != label
        ]
        labels[NEVER_PRESSED] = weigh(journal, NEVER_PRESSED)[1]
        if len(set(labels.values())) != len(labels):
            wrong.append(f"a number was given twice: {labels}")
        if max(labels.values()) != labels[NEVER_PRESSED]:
            wrong.append(f"the newest number is not the highest: {labels}")
    finally:
        journal.close()
    return wrong + _chain(folder / "journal.sqlite3")


def _chain(path: Path) -> list[str]:
    """Walk the chain, and compare the list of weighings with the records, on a connection of our own."""
    database = sqlite3.connect(path)
    try:
        found = database.execute("PRAGMA integrity_check").fetchone()[0]
        wrong = [] if found == "ok" else [f"integrity_check: {found}"]
        prev, weighed = ROOT, {}
        rows = database.execute("SELECT seq, hash, prev, body FROM record ORDER BY seq")
        for expected, (seq, digest, parent, body) in enumerate(rows, 1):
            record = Record.decode(body)
            if (
                (seq, record.seq, record.box) != (expected, expected, BOX)
                or parent != prev
                or link(prev, body) != digest
            ):
                wrong.append(f"the chain is broken at record {expected}")
                break
            if record.kind == WEIGHING:
                weighed[seq] = record.body["label"]
            prev = digest
        listed = dict(database.execute("SELECT seq, label FROM bag"))
    finally:
        database.close()
    if listed != weighed:
        wrong.append(f"weighings on record {weighed}, in the list {listed}")
    return wrong
