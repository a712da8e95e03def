"""What a stored record brings about, in the same transaction: a bag, a flag, a submission, a link for the trace.

Everything here can be computed again from the records in the order they were stored; `verify` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from hazgate_cloud.domain.intake import Entry
from hazgate_cloud.domain.rules import Finding, judge, submission
from hazgate_cloud.store.alarms import raise_alarm
from hazgate_cloud.store.boxes import BoxRow, add_note, reconcile_notes
from hazgate_cloud.store.checkpoints import anchors_named, lacking
from hazgate_cloud.store.outbox import enqueue, holds_rid
from hazgate_cloud.store.schema import bags, flags, mentions
from hazgate_protocols.journal.record import NOTES, PRINT, REPRINT, WEIGHING, Record

MENTIONS_MAX = 200  # of one record; a notes record carries at most 100
_MENTION = insert(mentions)
_BAG_OF = select(bags.c.hash).where(bags.c.label == bindparam("label_number"))
_BAG = insert(bags)


def project(tx: Connection, box: BoxRow, entries: Sequence[Entry], at: str) -> bool:
    """Brings about what these newly stored records mean; True when there is something to forward."""
    forward = False
    links: list[dict[str, Any]] = []
    for entry in entries:
        name = entry.record.box
        links += [{"hash": entry.hash, "about": about, "box": name} for about in mentioned(entry.record)]
        if entry.record.kind == WEIGHING:
            forward |= _weighing(tx, box, entry, at)
        elif entry.record.kind == NOTES:
            after, upto, kept = _kept_notes(entry.record)
            reconcile_notes(tx, name, after, upto, kept)
            _require_checkpoints(tx, entry, at)
    if links:
        tx.execute(_MENTION, links)
    return forward


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


def _weighing(tx: Connection, box: BoxRow, entry: Entry, at: str) -> bool:
    verdict = judge(entry.record, box.registered.unit_code)
    findings = list(verdict.findings)
    if holds_rid(tx, entry.record.rid):
        findings.append(Finding("rid_reused", f"another record of rid {entry.record.rid} went before"))
    if verdict.label and (first := tx.execute(_BAG_OF, {"label_number": verdict.label}).scalar()):
        findings.append(Finding("label_reused", f"label number {verdict.label} belongs to record {first.hex()}"))
    elif verdict.label and verdict.weighing is not None:
        tx.execute(
            _BAG,
            {
                "label": verdict.label,
                "hash": entry.hash,
                "box": entry.record.box,
                "unit_code": verdict.weighing.unit_code[:18],
                "waste_code": verdict.weighing.waste_code[:10],
                "weight_mg": verdict.weighing.weight_mg,
                "weight_text": f"{verdict.weighing.weight_text} {verdict.weighing.weight_unit}",
                "weighed_at": str(entry.record.t["wall"]),
            },
        )
    if findings or verdict.weighing is None:
        tx.execute(
            insert(flags),
            [{"hash": entry.hash, "code": item.code, "text": item.text, "at": at} for item in findings],
        )
        text = "; ".join(item.text for item in findings)
        add_note(tx, entry.record.box, entry.hash, "flagged", at, code=findings[0].code, text=text)
        return False
    enqueue(tx, submission(entry.record, verdict.weighing, entry.hash), entry.record.box, entry.hash, at)
    return True


def _require_checkpoints(tx: Connection, entry: Entry, at: str) -> None:
    """The box keeps what it was told of checkpoints: one that this store does not know shows that the store went
    back."""
    told = anchors_named(entry.record)
    for lost in sorted(lacking(tx, told)):
        box = entry.record.box
        text = (
            f"box {box} was told of checkpoint {told[lost]}, and keeps it in record {entry.record.seq}; the store does "
            "not have it: the store went back to an older copy, or the box writes what it was never told"
        )
        raise_alarm(tx, "store_rollback", box, lost.hex()[:64], text, at)


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
