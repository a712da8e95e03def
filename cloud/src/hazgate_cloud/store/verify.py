"""Proving the store again from its bytes alone: every hash, chain, seal, and everything computed from the records."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hazgate_cloud.domain.acts import Act, Ruling
from hazgate_cloud.domain.delivery import State
from hazgate_cloud.domain.rules import judge, submission
from hazgate_cloud.store.alarms import acknowledged_subject
from hazgate_cloud.store.boxes import BoxRow, all_boxes
from hazgate_cloud.store.branches import merged_head
from hazgate_cloud.store.projection import mentioned
from hazgate_cloud.store.schema import (
    UNIT_CHARS,
    WASTE_CHARS,
    alarms,
    audit,
    bags,
    flags,
    heads,
    mentions,
    merges,
    notes,
    outbox,
    quarantine,
    records,
    rulings,
    seals,
    storable,
)
from hazgate_cloud.store.verify_leases import LeaseCheck
from hazgate_protocols import canonical
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import GENESIS, MERGE, WEIGHING, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds

FAULTS_TOLD_MAX = 100


@dataclass
class Report:
    """checked: what was proved, in words. faults: what does not hold, each naming its record."""

    checked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    faults_untold: int = 0

    def fault(self, text: str) -> None:
        """Adds a fault; beyond the bound only their number is kept."""
        if len(self.faults) < FAULTS_TOLD_MAX:
            self.faults.append(text)
        else:
            self.faults_untold += 1


def verify(tx: Connection) -> Report:
    """Reads every record twice, in order. Holds the short rows of bags, flags, links and submissions in memory."""
    report = Report()
    boxes = all_boxes(tx)
    for box in boxes:
        _verify_chain(tx, box, report)
    known = [box.registered.box for box in boxes]
    strays = tx.execute(select(records.c.hash, records.c.box).where(records.c.box.not_in(known))).all()
    for stray in strays:
        report.fault(f"record {stray.hash.hex()}: of box {stray.box}, which is not registered")
    for table in (heads, seals, bags, mentions, outbox):  # the box in these rows repeats the record's
        of_another = select(table.c.hash, table.c.box).join(records, records.c.hash == table.c.hash)
        for row in _rows(tx, of_another.where(records.c.box != table.c.box)):
            report.fault(f"record {row.hash.hex()}: its row in {table.name} says that it is of box {row.box!r}")
    _verify_merges(tx, report)
    _verify_effects(tx, {box.registered.box: box for box in boxes}, report)
    _verify_people(tx, report)
    _verify_notes(tx, boxes, report)
    return report


def _verify_chain(tx: Connection, box: BoxRow, report: Report) -> None:
    name = box.registered.box
    leaves: set[bytes] = set()
    above: set[bytes] = {ROOT}
    level: set[bytes] = set()
    seq, count = 0, 0
    query = select(records).where(records.c.box == name).order_by(records.c.seq, records.c.position)
    for row in _rows(tx, query):
        count += 1
        if row.seq != seq:
            if row.seq != seq + 1:
                report.fault(f"box {name}: nothing is held between seq {seq} and {row.seq}")
            if seq:
                above = level
            level, seq = set(), row.seq
        what = f"box {name}, record {row.seq} ({row.hash.hex()})"
        for fault in _record_faults(row, box):
            report.fault(f"{what}: {fault}")
        if row.prev not in above:
            report.fault(f"{what}: its parent {row.prev.hex()} is not held")
        level.add(row.hash)
        leaves.discard(row.prev)
        leaves.add(row.hash)
    listed = set(tx.execute(select(heads.c.hash).where(heads.c.box == name)).scalars())
    for odd in sorted(listed ^ leaves):
        report.fault(f"box {name}: {odd.hex()} is {'listed as' if odd in listed else 'not listed as'} a branch's head")
    sealed = 0
    for seal in _rows(tx, select(seals).where(seals.c.box == name)):
        sealed += 1
        leaves.discard(seal.hash)
        if not chain_seal_holds(box.registered.public_key, name, seal.hash, seal.seal):
            report.fault(f"box {name}: the seal over {seal.hash.hex()} is not this box's")
    for open_end in sorted(leaves):
        report.fault(f"box {name}: no seal covers the branch that ends in {open_end.hex()}")
    forks = f", in {len(listed)} branches: its disk was copied or went back" if len(listed) > 1 else ""
    report.checked.append(
        f"box {name} ({box.registered.suite.name}): {count} records hashed again, each linked to its parent; {sealed} "
        f"seals of the box hold{forks}"
    )


def _verify_merges(tx: Connection, report: Report) -> None:
    """A branch counts as merged where its box has said so and nowhere else: a made-up row would hide it from it."""
    kept = {(row.box, row.head): row.hash for row in tx.execute(select(merges))}
    said: dict[tuple[str, bytes], set[bytes]] = {}
    for row in _rows(tx, select(records).where(records.c.kind == MERGE)):
        with contextlib.suppress(RecordError):
            if (head := merged_head(Record.decode(row.body))) is not None:
                said.setdefault((row.box, head), set()).add(row.hash)
    for (box, head), hashes in said.items():
        if kept.pop((box, head), None) not in hashes:
            report.fault(f"box {box}: its record that it merged {head.hex()} is not heeded")
    for box, head in kept:
        report.fault(f"box {box}: {head.hex()} counts as merged, which no record of the box says")


def _record_faults(row: Row[Any], box: BoxRow) -> Iterator[str]:
    if link(row.prev, row.body, box.registered.suite) != row.hash:
        yield "its stored bytes do not give its hash: a byte was changed"
    try:
        record = Record.decode(row.body)
    except RecordError as exc:
        yield f"its bytes are no record: {exc}"
        return
    told = (record.box, record.seq, record.rid, record.kind)
    if told != (row.box, row.seq, row.rid, row.kind):
        yield f"its bytes say {told}, its row says {(row.box, row.seq, row.rid, row.kind)}"
    if row.seq == 1:
        key, suite = box.registered.public_key.hex(), box.registered.suite.name
        if record.kind != GENESIS or record.body.get("public_key") != key or row.prev != ROOT:
            yield "it is no first record with the box's registered key"
        elif record.body.get("suite") != suite:
            yield f"it names suite {record.body.get('suite')!r}, the registered key is one of {suite}"


def _verify_effects(tx: Connection, boxes: dict[str, BoxRow], report: Report) -> None:
    labels: set[str] = set()
    rids: set[str] = set()
    bag_rows = {row.hash: row for row in tx.execute(select(bags))}
    flag_rows: dict[bytes, set[str]] = {}
    for flagged, code in tx.execute(select(flags.c.hash, flags.c.code)):
        flag_rows.setdefault(flagged, set()).add(code)
    queued = {row.hash: row for row in tx.execute(select(outbox))}
    released = _released(tx)
    owners = {item.label: item.hash for item in released}  # the one released last has the label's bag
    rid_uses = deque((item.position, item.rid) for item in sorted(released, key=lambda item: item.position))
    may_go = {item.hash for item in released}
    links: dict[bytes, set[str]] = {}
    for speaker, about in tx.execute(select(mentions.c.hash, mentions.c.about)):
        links.setdefault(speaker, set()).add(about)
    weighings = 0
    leasing = LeaseCheck(tx, boxes)
    for row in _rows(tx, select(records).order_by(records.c.position)):
        try:
            record = Record.decode(row.body)
        except RecordError:
            continue  # told already
        what = f"box {row.box}, record {row.seq} ({row.hash.hex()})"
        if links.pop(row.hash, set()) != set(mentioned(record)):
            report.fault(f"{what}: the trace links it to other records than it speaks about")
        for fault in leasing.faults_of(row.hash, record):
            report.fault(f"{what}: {fault}")
        if record.kind != WEIGHING or row.box not in boxes:
            continue
        weighings += 1
        while rid_uses and rid_uses[0][0] < row.position:
            rids.add(rid_uses.popleft()[1])
        verdict = judge(record, boxes[row.box].registered.unit_code)
        codes = {item.code for item in verdict.findings}
        codes |= {"rid_reused"} if record.rid in rids else set()
        codes |= {"number_not_leased"} if verdict.label and leasing.not_leased(verdict.label, row.box) else set()
        bag, sent = bag_rows.pop(row.hash, None), queued.pop(row.hash, None)
        first = bool(verdict.label) and verdict.weighing is not None and verdict.label not in labels
        if verdict.label in labels:
            codes.add("label_reused")
        if first:
            labels.add(verdict.label)
            leasing.use(verdict.label)
        owns = owners[verdict.label] == row.hash if verdict.label in owners else first
        if owns != (bag is not None) or (
            bag is not None
            and verdict.weighing is not None
            and (bag.label, bag.weight_mg, bag.unit_code, bag.waste_code)
            != (
                verdict.label,
                verdict.weighing.weight_mg,
                storable(verdict.weighing.unit_code, UNIT_CHARS),
                storable(verdict.weighing.waste_code, WASTE_CHARS),
            )
        ):
            report.fault(f"{what}: the bag kept for it says something else than the record")
        if codes != flag_rows.pop(row.hash, set()):
            report.fault(f"{what}: its flags are not {sorted(codes) or 'none'}")
        if verdict.weighing is not None and (not codes or row.hash in may_go):
            if not codes:
                rids.add(record.rid)
            want = submission(record, verdict.weighing, row.hash).encode()
            if sent is None or sent.submission != want or sent.rid != record.rid:
                report.fault(f"{what}: the submission to the core is missing or says something else than the record")
        elif sent is not None:
            report.fault(f"{what}: is flagged, released by nobody, and all the same in the outbox to the core")
    for left, table in ((bag_rows, "bag"), (flag_rows, "flag"), (queued, "submission"), (links, "trace link")):
        for stray in left:
            report.fault(f"a {table} for {stray.hex()}, which is no such record")
    report.checked.append(
        f"{weighings} weighings judged again: bags, flags, trace links and submissions say what the records say"
    )
    for fault in leasing.faults_at_the_end():
        report.fault(fault)
    report.checked.append(leasing.told())


@dataclass(frozen=True, slots=True)
class _Released:
    hash: bytes
    label: str
    rid: str
    position: int  # of the newest record when it was released


def _released(tx: Connection) -> list[_Released]:
    """The released weighings in the order of the decisions."""
    query = (
        select(rulings.c.hash, rulings.c.position, records.c.body)
        .join(records, records.c.hash == rulings.c.hash)
        .where(rulings.c.what == Ruling.RELEASED.value)
        .order_by(rulings.c.audit)
    )
    out = []
    for row in tx.execute(query):
        try:
            record = Record.decode(row.body)
        except RecordError:
            continue  # told already
        out.append(_Released(row.hash, judge(record, "").label, record.rid, row.position))
    return out


def _verify_people(tx: Connection, report: Report) -> None:
    """The audit log is one unbroken chain, and says the same as what people's acts left behind."""
    prev, count = ROOT, 0
    decided: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _rows(tx, select(audit).order_by(audit.c.number)):
        count += 1
        what = f"audit row {row.number} ({row.act} {row.subject})"
        if row.number != count or row.prev != prev:
            report.fault(f"{what}: does not follow the row before it: a row was taken out, put in or changed")
        if link(row.prev, row.body) != row.hash:
            report.fault(f"{what}: its stored bytes do not give its hash: a byte was changed")
        prev, count = row.hash, row.number
        try:
            body = canonical.decode(row.body)
        except canonical.NotCanonicalError as exc:
            report.fault(f"{what}: its bytes are no audit row: {exc}")
            continue
        if (body.get("n"), body.get("at"), body.get("act"), body.get("subject")) != (
            row.number,
            row.at,
            row.act,
            row.subject,
        ):
            report.fault(f"{what}: its bytes say something else than its row")
        decided.setdefault((row.act, row.subject), []).append(body)
    acts = {Ruling.RELEASED.value: Act.RELEASE.value, Ruling.REJECTED.value: Act.REJECT.value}
    for row in _rows(tx, select(rulings)):
        said = decided.pop((acts.get(row.what, ""), row.hash.hex()), [])
        told = [(body.get("n"), body.get("at"), body.get("by"), body.get("reason")) for body in said]
        if told != [(row.audit, row.at, row.who, row.reason)]:
            report.fault(f"record {row.hash.hex()}: it counts as {row.what}, and the audit log does not say so once")
    settled = select(quarantine.c.digest, quarantine.c.outcome, quarantine.c.outcome_at)
    for row in _rows(tx, settled.where(quarantine.c.outcome.is_not(None))):
        act = Act.DISCARD.value if row.outcome == "discarded" else Act.REPLAY.value
        if row.outcome_at not in [body.get("at") for body in decided.pop((act, row.digest.hex()), [])]:
            report.fault(f"push {row.digest.hex()}: it counts as {row.outcome}, and the audit log does not say so")
    for row in _rows(tx, select(alarms.c.number, alarms.c.acked_at).where(alarms.c.acked_at.is_not(None))):
        said = decided.pop((Act.ACKNOWLEDGE.value, acknowledged_subject(row.number)), [])
        if row.acked_at not in [body.get("at") for body in said]:
            report.fault(f"alarm {row.number}: it counts as acknowledged, and the audit log does not say so")
    for act, subject in decided:
        if act != Act.REPLAY.value:  # a replay that was refused again leaves only its row
            report.fault(f"audit log: {act} {subject} left nothing behind: it was undone")
    report.checked.append(f"{count} acts of people: one unbroken log, and everything decided stands in it")


def _verify_notes(tx: Connection, boxes: list[BoxRow], report: Report) -> None:
    last = {box.registered.box: box.notes_last for box in boxes}
    told: dict[bytes, set[str]] = {}
    count = 0
    for row in _rows(tx, select(notes)):
        count += 1
        told.setdefault(row.hash, set()).add(row.what)
        if not 1 <= row.n <= last.get(row.box, 0):
            report.fault(f"box {row.box}: note {row.n} is beyond the box's count of {last.get(row.box, 0)}")
    settled = [state.value for state in State if state.settled]
    for row in _rows(tx, select(outbox.c.hash, outbox.c.state).where(outbox.c.state.in_(settled))):
        if row.state not in told.get(row.hash, set()):
            report.fault(f"record {row.hash.hex()}: the core said {row.state}, and its box was never told")
    for flagged in tx.execute(select(flags.c.hash).distinct()).scalars():
        if "flagged" not in told.get(flagged, set()):
            report.fault(f"record {flagged.hex()}: is held back, and its box was never told")
    words = {Ruling.RELEASED.value: Ruling.RELEASED.value, Ruling.REJECTED.value: State.REFUSED.value}
    for row in _rows(tx, select(rulings.c.hash, rulings.c.what)):
        if words.get(row.what, "") not in told.get(row.hash, set()):
            report.fault(f"record {row.hash.hex()}: was {row.what}, and its box was never told")
    sent = tx.execute(select(func.count()).select_from(outbox)).scalar_one()
    report.checked.append(f"{count} notes to boxes: every outcome of {sent} submissions and every flag has its note")


def _rows(tx: Connection, query: Any) -> Iterator[Row[Any]]:
    yield from tx.execute(query.execution_options(yield_per=500))
