"""Since when the collector held the weighing, by a checkpoint that was given out and cannot be made anew in silence."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.evidence.bundle import CHECKPOINT, Bundle, Part
from hazgate_protocols.evidence.report import Report
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.chain import link_hash
from hazgate_protocols.journal.checkpoint import Checkpoint, CheckpointError, Head, Inclusion
from hazgate_protocols.journal.suite import DEFAULT, Suite


@dataclass(frozen=True, slots=True)
class Way:
    """The box's chain as far as the file shows it. places: the hash at each place, places[0] that of record 1."""

    places: tuple[bytes, ...]
    own: int  # the weighing's place, from 1
    suite: Suite = DEFAULT


def check(bundle: Bundle, way: Way, collector: bytes, given: bytes | None, report: Report) -> None:
    """Adds what the file's checkpoint shows, and the one the checker gave."""
    part, box = bundle.one(CHECKPOINT), bundle.parts[0]["box"]
    own = _check_own(part, box, way, collector, report) if part is not None else None
    if part is None:
        report.open(
            "Since when the collector holds it, by a checkpoint: the file has none. It may have been made before the "
            "day's checkpoint."
        )
    if given is not None:
        places = way.places if part is None or own is None else _places(part, way)
        _check_given(given, box, Way(places, way.own, way.suite), collector, own, report)
    if own is not None and given is None:
        report.open(
            f"That this is the checkpoint {own.said.n} that others were given too: compare it with one from the core "
            "or a file, or give --checkpoint."
        )
    report.open(
        "That the collector's clock was right: the receipt's time and each checkpoint's day are its own, also those of "
        "a checkpoint kept elsewhere. Whoever received that one knows by a clock of their own when they got it."
    )


def _check_own(part: Part, box: str, way: Way, collector: bytes, report: Report) -> Checkpoint | None:
    statement = part["statement"].encode()
    faults = checkpoint.statement_faults(statement, bytes.fromhex(part["seal"]), collector)
    if faults:
        report.failed(f"the checkpoint does not hold: {'; '.join(faults)}", part)
        return None
    said = checkpoint.decode_statement(statement)
    seq, named = part["seq"], bytes.fromhex(part["hash"])
    if seq < way.own:
        report.failed(f"the checkpoint names record {seq}, which stands before the weighing {way.own}", part)
        return None
    places = _places(part, way)
    if len(places) != max(seq, len(way.places)) or places[seq - 1] != named:
        report.failed(
            f"the records and steps of this file do not lead to the record {seq} ({named.hex()}) of the checkpoint",
            part,
        )
        return None
    beside = tuple(bytes.fromhex(item) for item in part["path"])
    if not Inclusion(Head(box, seq, named), part["index"], said.heads, beside).shown_by(said):
        report.failed(
            f"its path does not lead from record {seq} of box {box} to what the checkpoint {said.n} has sealed", part
        )
        return None
    report.proved(
        f"Checkpoint {said.n}, which the same collector's key sealed on {said.date} ({said.at}), names record {seq} of "
        f"this chain: the weighing was held on that day at the latest. Every later checkpoint rests on it."
    )
    return Checkpoint(statement, (), bytes.fromhex(part["seal"]))


def _places(part: Part, way: Way) -> tuple[bytes, ...]:
    places = list(way.places)
    for step in part["steps"]:
        places.append(link_hash(places[-1], bytes.fromhex(step), way.suite))
    return tuple(places)


def _check_given(data: bytes, box: str, way: Way, collector: bytes, own: Checkpoint | None, report: Report) -> None:
    try:
        given = checkpoint.decode(data)
    except CheckpointError as exc:
        report.failed(f"the checkpoint you gave cannot be read: {exc}")
        return
    faults = given.faults(collector)
    if faults:
        report.failed(f"the checkpoint you gave does not hold: {'; '.join(faults)}")
        return
    its, other = given.said, own.said if own is not None else None
    named = next((head for head in given.heads if head.box == box and _stands(head, way)), None)
    if own is not None and other is not None and its.n == other.n and given.hash != own.hash:
        report.failed(f"the checkpoint {its.n} you gave is another one than the checkpoint {its.n} of this file")
    elif own is not None and other is not None and its.n == other.n + 1 and its.prev != own.hash:
        report.failed(f"the checkpoint {its.n} you gave does not follow the checkpoint {other.n} of this file")
    elif named is not None:
        report.proved(
            f"The checkpoint {its.n} you gave, sealed on {its.date} ({its.at}), itself names record {named.seq} of "
            "this chain: the weighing was held on that day at the latest."
        )
    elif other is not None and its.n == other.n + 1:
        report.proved(f"The checkpoint {its.n} you gave follows the checkpoint {other.n} of this file by its hash.")
    else:
        why = _why_not_shown(given, box, way)
        report.open(f"Whether the checkpoint {its.n} you gave shows this weighing: {why}")
        report.caveat(f"The checkpoint {its.n} you gave does not show this weighing: {why}")
        report.unanswered = True


def _why_not_shown(given: Checkpoint, box: str, way: Way) -> str:
    """Why this checkpoint names no record of the chain at or behind the weighing, and what to do."""
    seqs = [head.seq for head in given.heads if head.box == box]
    if not seqs:
        return f"it names no record of box {box}, so it was made before the weighing. Give a later one."
    if max(seqs) < way.own:
        return (
            f"it was made before the weighing: of box {box} it names record {max(seqs)}, the weighing is record "
            f"{way.own}. Give a later one."
        )
    if max(seqs) > len(way.places):
        return (
            f"it names record {max(seqs)} of box {box}, and this file shows the way to record {len(way.places)} only. "
            "Have the evidence file made anew for this checkpoint: "
            f"`hazgate-cloud evidence ... --checkpoint {given.said.n}`."
        )
    return f"it names another branch of box {box} than the one shown, whose disk was copied or went back."


def _stands(head: Head, way: Way) -> bool:
    return way.own <= head.seq <= len(way.places) and way.places[head.seq - 1] == head.hash
