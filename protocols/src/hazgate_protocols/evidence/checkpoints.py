"""Checkpoint files in words: what they prove, and what they cannot. For `hazgate-verify`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hazgate_protocols.evidence.report import Report
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.checkpoint import Checkpoint

MARK = b'{"heads":['  # canonical JSON sorts keys: so begins every checkpoint, and no evidence file


def check_checkpoints(given: Sequence[Checkpoint], *, collector_key: bytes | None = None) -> Report:
    """Each in itself, then, in the order of their numbers, that each extends the one before."""
    report = Report()
    keys = {made.said.collector for made in given}
    for made in given:
        said = made.said
        what = f"Checkpoint {said.n} of {said.date}"
        faults = made.faults(collector_key)
        for fault in faults:
            report.failed(f"{what}: {fault}")
        if not faults:
            boxes = len({head.box for head in made.heads})
            report.proved(
                f"{what} is, byte for byte, what the collector with the key {said.collector.hex()} sealed. Its hash is "
                f"{made.hash.hex()}."
            )
            report.proved(
                f"{what} says that at {said.at} the collector held {said.records} records of {boxes} boxes, ending in "
                f"the {said.heads} heads listed, and {said.audit_n} acts of people. A store that lacks one of these "
                "heads, or a record below it, has been cut or rewritten."
            )
    if report.holds:
        for earlier, later in itertools.pairwise(sorted(given, key=lambda made: made.said.n)):
            _check_succession(earlier, later, report)
    if collector_key is None:
        report.open(
            f"Whose key that is: taken from the file itself ({', '.join(sorted(key.hex() for key in keys))}). Compare "
            "it with what `hazgate-cloud identity` prints, or give --collector-key."
        )
    elif report.holds:
        report.proved("That key is the collector's key you gave.")
    report.open("When: the time is the collector's own clock; only the order of the checkpoints is proved.")
    report.open(
        "That the records are there: a checkpoint names heads. `hazgate-cloud verify` holds the store against it, and "
        "an evidence file one bag's record."
    )
    return report


def _check_succession(earlier: Checkpoint, later: Checkpoint, report: Report) -> None:
    before, after = earlier.said, later.said
    if after.collector != before.collector:
        report.failed(f"Checkpoints {before.n} and {after.n} are of different collectors: {after.collector.hex()}")
        return
    faults = checkpoint.succession_faults(earlier, later)
    for fault in faults:
        report.failed(fault)
    if faults or later.hash == earlier.hash:
        return
    if after.n == before.n + 1:
        report.proved(
            f"Checkpoint {after.n} names the hash of checkpoint {before.n}: it was made after it, on top of it."
        )
    else:
        report.open(
            f"That checkpoint {after.n} stands on checkpoint {before.n}: the {after.n - before.n - 1} between them are "
            "not shown. Give their files too."
        )
    same = len(set(earlier.heads) & set(later.heads))
    report.proved(
        f"Nothing of checkpoint {before.n} is missing in checkpoint {after.n}, as far as their lists show: "
        f"{same} heads are the same, {before.heads - same} are replaced by later ones, "
        f"{after.records - before.records} records came."
    )
    if before.heads - same:
        report.open(
            f"That the {before.heads - same} later heads stand above those of checkpoint {before.n}: the records "
            "between show it, and `hazgate-cloud verify` checks them."
        )
    if after.at < before.at:
        report.open(f"Why the clock of checkpoint {after.n} is before that of checkpoint {before.n}: it was set back.")
