"""What a stored record brings about, in the same transaction: a bag, a flag, a submission, a link for the trace.

Everything here can be computed again from the records in the order they were stored; `verify` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hazgate_cloud.domain.intake import Entry
from hazgate_cloud.domain.rules import Finding, Verdict, judge, submission
from hazgate_cloud.store.boxes import BoxRow, add_note, reconcile_notes
from hazgate_cloud.store.bulk import insert_rows
from hazgate_cloud.store.outbox import enqueue, held_rids
from hazgate_cloud.store.schema import bags, flags, mentions
from hazgate_protocols.core_api import Submission
from hazgate_protocols.journal.record import NOTES, PRINT, REPRINT, WEIGHING, Record

MENTIONS_MAX = 200  # of one record; a notes record carries at most 100
_BAGS_OF = select(bags.c.label, bags.c.hash).where(bags.c.label.in_(bindparam("labels", expanding=True)))


@dataclass
class _Effects:
    """What is held before a push, as far as the push asks for it, and what it adds: written together at its end."""

    owners: dict[str, bytes]  # label number -> the record whose bag it is
    rids: set[str]  # of submissions
    bags: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)
    queued: list[tuple[bytes, Submission]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)


def project(tx: Connection, box: BoxRow, entries: Sequence[Entry], at: str) -> bool:
    """Brings about what these newly stored records mean; True when there is something to forward."""
    verdicts = {
        entry.hash: judge(entry.record, box.registered.unit_code) for entry in entries if entry.record.kind == WEIGHING
    }
    labels = {verdict.label for verdict in verdicts.values() if verdict.label}
    effects = _Effects(
        {row.label: row.hash for row in tx.execute(_BAGS_OF, {"labels": list(labels)})} if labels else {},
        held_rids(tx, {entry.record.rid for entry in entries if entry.hash in verdicts}),
    )
    name = box.registered.box
    for entry in entries:
        verdict = verdicts.get(entry.hash)
        about = mentioned(entry.record) if verdict is None else [verdict.label] if verdict.label else []
        effects.links += [{"hash": entry.hash, "about": text} for text in about]
        if verdict is not None:
            _weighing(tx, effects, entry, verdict, at)
        elif entry.record.kind == NOTES:
            after, upto, kept = _kept_notes(entry.record)
            reconcile_notes(tx, name, after, upto, kept)
    insert_rows(tx, mentions, effects.links, box=name)
    insert_rows(tx, bags, effects.bags, box=name)
    insert_rows(tx, flags, effects.flags, at=at)
    enqueue(tx, effects.queued, at)
    return bool(effects.queued)


def mentioned(record: Record) -> list[str]:
    """The rid, label number or record hashes (hex) that a record speaks about."""
    if record.kind == WEIGHING:
        found = [judge(record, "").label]
    elif record.kind in (PRINT, REPRINT):
        found = [record.body.get("rid", "")]
    elif record.kind == NOTES:
        found = [note.get("hash", "") for note in _notes_of(record)]
    else:
        found = []
    texts = [text for text in found if isinstance(text, str) and 0 < len(text) <= 64]
    return list(dict.fromkeys(texts))[:MENTIONS_MAX]


def _weighing(tx: Connection, effects: _Effects, entry: Entry, verdict: Verdict, at: str) -> None:
    findings = list(verdict.findings)
    if entry.record.rid in effects.rids:
        findings.append(Finding("rid_reused", f"another record of rid {entry.record.rid} went before"))
    if first := effects.owners.get(verdict.label):
        findings.append(Finding("label_reused", f"label number {verdict.label} belongs to record {first.hex()}"))
    elif verdict.label and verdict.weighing is not None:
        effects.owners[verdict.label] = entry.hash
        effects.bags.append(
            {
                "label": verdict.label,
                "hash": entry.hash,
                "unit_code": verdict.weighing.unit_code[:18],
                "waste_code": verdict.weighing.waste_code[:10],
                "weight_mg": verdict.weighing.weight_mg,
                "weight_text": f"{verdict.weighing.weight_text} {verdict.weighing.weight_unit}",
                "weighed_at": str(entry.record.t["wall"]),
            }
        )
    if findings or verdict.weighing is None:
        effects.flags += [{"hash": entry.hash, "code": item.code, "text": item.text} for item in findings]
        text = "; ".join(item.text for item in findings)
        add_note(tx, entry.record.box, entry.hash, "flagged", at, code=findings[0].code, text=text)
        return
    effects.rids.add(entry.record.rid)
    effects.queued.append((entry.hash, submission(entry.record, verdict.weighing, entry.hash)))


def _notes_of(record: Record) -> list[dict[str, Any]]:
    listed = record.body.get("notes")
    return [note for note in listed if isinstance(note, dict)] if isinstance(listed, list) else []


def _kept_notes(record: Record) -> tuple[int, int, set[tuple[int, str, str]]]:
    after, upto = record.body.get("after"), record.body.get("upto")
    kept = {
        (note["n"], note["hash"], note["what"])
        for note in _notes_of(record)
        if type(note.get("n")) is int and isinstance(note.get("hash"), str) and isinstance(note.get("what"), str)
    }
    if type(after) is not int or type(upto) is not int:
        return 0, 0, kept
    return after, upto, kept
