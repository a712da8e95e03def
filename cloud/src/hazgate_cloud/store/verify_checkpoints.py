"""Holding the store against what the collector signed day by day: in the store, in the folder, at the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from hazgate_cloud.store.checkpoints import anchors_named
from hazgate_cloud.store.schema import audit, checkpoints, records
from hazgate_cloud.store.verify import Report
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.checkpoint import Checkpoint, CheckpointError, Head
from hazgate_protocols.journal.record import NOTES, Record, RecordError

_AT_ONCE = 500


def verify_checkpoints(
    tx: Connection, collector: bytes, files: Iterable[tuple[str, Checkpoint | None, str]], report: Report
) -> None:
    """Adds to what verify() found. collector: this collector's public key. files: each with its name, what is in it,
    and why nothing can be read from it; held against the store, which they may outlive."""
    known, held = _verify_stored(tx, collector, report)
    _verify_files(tx, collector, files, known, held, report)
    _verify_boxes_word(tx, known, report)


def _verify_stored(tx: Connection, collector: bytes, report: Report) -> tuple[set[bytes], set[Head]]:
    count_now = tx.execute(select(func.count()).select_from(records)).scalar_one()
    known: set[bytes] = set()
    held: set[Head] = set()
    prev, n = ROOT, 0
    before: Checkpoint | None = None
    # One at a time: a year's lists of heads do not belong into memory together.
    for number in tx.execute(select(checkpoints.c.number).order_by(checkpoints.c.number)).scalars().all():
        row = tx.execute(select(checkpoints).where(checkpoints.c.number == number)).one()
        what = f"checkpoint {row.number}"
        if row.number != n + 1 or row.prev != prev:
            report.fault(f"{what}: does not follow the one before it: one was taken out, put in or changed")
        n, prev = row.number, row.hash
        try:
            made = checkpoint.decode(row.encoded)
        except CheckpointError as exc:
            report.fault(f"{what}: {exc}")
            before = None
            continue
        said = made.said
        known.add(made.hash)
        for fault in made.faults(collector):
            report.fault(f"{what}: {fault}")
        if (said.n, made.hash, said.prev, said.date, said.at) != (row.number, row.hash, row.prev, row.date, row.at):
            report.fault(f"{what}: its bytes say something else than its row")
        if before is not None:
            for fault in checkpoint.succession_faults(before, made):
                report.fault(f"{what}: {fault}")
        _verify_content(tx, what, made, count_now, held, report)
        before = made
    report.checked.append(
        f"{n} checkpoints: sealed, each linked to the one before; every head, count and act they name is held"
    )
    return known, held


def _verify_files(
    tx: Connection,
    collector: bytes,
    files: Iterable[tuple[str, Checkpoint | None, str]],
    known: set[bytes],
    held: set[Head],
    report: Report,
) -> None:
    count_now = tx.execute(select(func.count()).select_from(records)).scalar_one()
    count = 0
    for name, made, trouble in files:
        count += 1
        faults = [trouble] if made is None else made.faults(collector)
        for fault in faults:
            report.fault(f"file {name}: {fault}")
        if made is None or faults:
            continue
        if made.hash not in known:
            report.fault(f"file {name}: the store lacks this checkpoint: it went back to an older copy, or was cut")
        _verify_content(tx, f"file {name}", made, count_now, held, report)
    report.checked.append(f"{count} files of checkpoints: whole, and the store holds what they name")


def _verify_content(
    tx: Connection, what: str, made: Checkpoint, count_now: int, held: set[Head], report: Report
) -> None:
    """Heads, record count and log of acts. That all below a head is held is for the walk of the chain to say."""
    said = made.said
    fresh = [head for head in made.heads if head not in held]
    for at in range(0, len(fresh), _AT_ONCE):
        some = fresh[at : at + _AT_ONCE]
        found = _heads_held(tx, some)
        held |= found
        for head in some:
            if head not in found:
                report.fault(
                    f"{what}: it names record {head.seq} of box {head.box} ({head.hash.hex()}), which is not held: cut "
                    "off, altered, or not sent again yet"
                )
    if count_now < said.records:
        report.fault(f"{what}: it counts {said.records} records, {count_now} are held now")
    if said.audit_n:
        found_hash = tx.execute(select(audit.c.hash).where(audit.c.number == said.audit_n)).scalar()
        if found_hash != said.audit:
            report.fault(f"{what}: act {said.audit_n} of people is gone or another one")


def _heads_held(tx: Connection, some: Sequence[Head]) -> set[Head]:
    query = select(records.c.box, records.c.seq, records.c.hash).where(records.c.hash.in_([head.hash for head in some]))
    return {Head(row.box, row.seq, row.hash) for row in tx.execute(query)}


def _verify_boxes_word(tx: Connection, known: set[bytes], report: Report) -> None:
    """Boxes keep the hashes of checkpoints in their own chains, which the collector cannot write."""
    count = 0
    query = select(records.c.box, records.c.seq, records.c.body).where(records.c.kind == NOTES)
    for row in tx.execute(query.execution_options(yield_per=_AT_ONCE)):
        try:
            told = anchors_named(Record.decode(row.body))
        except RecordError:
            continue  # told by the walk of the chain
        count += len(told)
        for lost in sorted(told.keys() - known):
            report.fault(
                f"box {row.box}, record {row.seq}: the box was told of checkpoint {told[lost]} ({lost.hex()}), and the "
                "store lacks it: it went back to an older copy, or was cut"
            )
    report.checked.append(f"{count} checkpoints that boxes wrote into their own chains are in the store")
