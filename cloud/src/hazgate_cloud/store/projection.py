"""What a stored record brings about, in the same transaction: a bag, a flag, a submission, a link for the trace.

Everything here can be computed again from the records in the order they were stored; `verify` does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hazgate_cloud.domain.intake import Entry
from hazgate_cloud.domain.rules import Finding, Verdict, judge, submission
from hazgate_cloud.store.alarms import raise_alarm
from hazgate_cloud.store.boxes import BoxRow, add_note, reconcile_notes
from hazgate_cloud.store.branches import note_merge
from hazgate_cloud.store.bulk import insert_new, insert_rows
from hazgate_cloud.store.checkpoints import anchors_named, lacking
from hazgate_cloud.store.leases import Leasing
from hazgate_cloud.store.outbox import enqueue, held_rids
from hazgate_cloud.store.schema import UNIT_CHARS, WASTE_CHARS, bags, flags, mentions, storable
from hazgate_protocols.journal.record import MERGE, NOTES, PRINT, REPRINT, WEIGHING, Record

MENTIONS_MAX = 200  # of one record; a notes record carries at most 100
_BAGS_OF = select(bags.c.label, bags.c.hash).where(bags.c.label.in_(bindparam("labels", expanding=True)))


def project(tx: Connection, box: BoxRow, entries: Sequence[Entry], at: str) -> bool:
    """Brings about what these newly stored records mean; True when there is something to forward."""
    name = box.registered.box
    verdicts = {entry.hash: entry.verdict for entry in entries if entry.verdict is not None}
    links = [{"hash": entry.hash, "about": about} for entry in entries for about in _about(entry.record, entry.verdict)]
    insert_rows(tx, mentions, links, box=name)
    weighings = [entry for entry in entries if entry.hash in verdicts]
    bagged = insert_new(
        tx, bags, [_bag(entry, verdicts[entry.hash]) for entry in weighings if _claims(verdicts[entry.hash])], "label",
        box=name,
    )  # fmt: skip
    leasing = Leasing(tx, box, entries, at)
    unleased: dict[bytes, Finding] = {}
    for entry in entries:
        leasing.reach(entry)
        label = verdicts[entry.hash].label if entry.hash in verdicts else ""
        if label and (why := leasing.not_leased(label)):
            unleased[entry.hash] = Finding("number_not_leased", why)
    broken, queued = _weighings(tx, weighings, verdicts, bagged, unleased, at)
    for entry in entries:
        if entry.hash in broken:
            findings = broken[entry.hash]
            insert_rows(
                tx,
                flags,
                [{"code": item.code, "text": storable(item.text)} for item in findings],
                hash=entry.hash,
                at=at,
            )
            text = "; ".join(item.text for item in findings)
            add_note(tx, name, entry.hash, "flagged", at, code=findings[0].code, text=text)
        elif entry.record.kind == NOTES:
            reconcile_notes(tx, name, *_kept_notes(entry.record))
            _require_checkpoints(tx, entry, at)
        elif entry.record.kind == MERGE:
            note_merge(tx, entry)
    return queued


def _weighings(
    tx: Connection,
    weighings: Sequence[Entry],
    verdicts: Mapping[bytes, Verdict],
    bagged: Set[bytes],
    unleased: Mapping[bytes, Finding],
    at: str,
) -> tuple[dict[bytes, list[Finding]], bool]:
    """Queues what breaks no rule; why the others are held back, and whether anything was queued. bagged: those whose
    label number has its bag in them. In the usual case, where all is new, this is one statement."""
    order = {entry.hash: index for index, entry in enumerate(weighings)}
    late = {verdicts[entry.hash].label for entry in weighings if entry.hash not in bagged} - {""}
    owners = {row.label: row.hash for row in tx.execute(_BAGS_OF, {"labels": list(late)})} if late else {}
    found: dict[bytes, list[Finding]] = {}
    for entry in weighings:
        verdict = verdicts[entry.hash]
        found[entry.hash] = [*verdict.findings, *([unleased[entry.hash]] if entry.hash in unleased else [])]
        owner = owners.get(verdict.label)
        if owner is not None and order.get(owner, -1) < order[entry.hash]:
            text = f"label number {verdict.label} belongs to record {owner.hex()}"
            found[entry.hash].append(Finding("label_reused", text))
    rids = held_rids(tx, {entry.record.rid for entry in weighings if found[entry.hash]})
    good = [
        (entry.hash, submission(entry.record, weighing, entry.hash))
        for entry in weighings
        if not found[entry.hash] and (weighing := verdicts[entry.hash].weighing) is not None
    ]
    queued = enqueue(tx, good, at)
    for entry in weighings:
        rid = entry.record.rid
        if entry.hash in queued:
            rids.add(rid)
        elif rid in rids or not found[entry.hash]:
            own = len(verdicts[entry.hash].findings) + (entry.hash in unleased)
            found[entry.hash].insert(own, Finding("rid_reused", f"another record of rid {rid} went before"))
    return {key: findings for key, findings in found.items() if findings}, bool(queued)


def _claims(verdict: Verdict) -> bool:
    """Whether a weighing can have the bag of its label number."""
    return bool(verdict.label) and verdict.weighing is not None


def _bag(entry: Entry, verdict: Verdict) -> dict[str, Any]:
    weighing = verdict.weighing
    if weighing is None:
        raise AssertionError("an unreadable weighing has no bag")
    return {
        "label": verdict.label,
        "hash": entry.hash,
        "unit_code": storable(weighing.unit_code, UNIT_CHARS),
        "waste_code": storable(weighing.waste_code, WASTE_CHARS),
        "weight_mg": weighing.weight_mg,
        "weight_text": f"{weighing.weight_text} {weighing.weight_unit}",
        "weighed_at": storable(str(entry.record.t["wall"])),
    }


def mentioned(record: Record) -> list[str]:
    """The rid, label number or record hashes (hex) that a record speaks about."""
    if record.kind == WEIGHING:
        return _about(record, judge(record, ""))
    return _about(record, None)


def _about(record: Record, verdict: Verdict | None) -> list[str]:
    if verdict is not None:
        found = [verdict.label]
    elif record.kind in (PRINT, REPRINT):
        found = [record.body.get("rid", "")]
    elif record.kind == NOTES:
        found = [note.get("hash", "") for note in _notes_of(record)]
    else:
        found = []
    # PostgreSQL's texts hold everything but NUL; no rid, label number or hash has one.
    texts = [text for text in found if isinstance(text, str) and 0 < len(text) <= 64 and "\0" not in text]
    return list(dict.fromkeys(texts))[:MENTIONS_MAX]


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
