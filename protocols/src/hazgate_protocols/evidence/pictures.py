"""The label's pictures: are they, dot for dot, what the box says it sent to the printer?"""

from __future__ import annotations

from collections.abc import Sequence

from hazgate_protocols.evidence.bundle import PICTURE, Bundle, Part
from hazgate_protocols.evidence.report import Report
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.record import Record
from hazgate_protocols.label.picture import Picture, PictureError, decode_png
from hazgate_protocols.label.weighing import PrintedError, PrintedPicture

SENT, REDRAWN = "sent", "redrawn"
_PERHAPS_ON_PAPER = ("printed", "unknown")


def check(bundle: Bundle, prints: Sequence[tuple[bytes, Record]], report: Report) -> None:
    """prints: hash and record of every shown print record of this bag, in order."""
    known: dict[str, tuple[Record, PrintedPicture]] = {}
    for own, record in prints:
        if "picture" not in record.body:
            continue
        try:
            known[own.hex()] = record, PrintedPicture.from_json(record.body["picture"])
        except PrintedError as exc:
            report.open(f"Which picture was printed as {printed_as(record)}: record {record.seq} says {exc}.")
    in_file = set()
    for part in bundle.of(PICTURE):
        found = known.get(part["print"])
        if found is None:
            report.failed(f"no record of this bag's prints with the hash {part['print']} names a picture", part)
            continue
        in_file.add(found[1].sha256)
        _check_one(part, *found, report)
    for record, told in known.values():
        if told.sha256 not in in_file:
            report.open(
                f"What the printed {printed_as(record)} looked like: the file has no picture of it. Its dots have the "
                f"digest {told.sha256}."
            )
            in_file.add(told.sha256)
    _say_what_nobody_named(prints, {record.body.get("copy") for record, _ in known.values()}, report)


def picture_of(part: Part) -> Picture:
    """The picture of a line; raises PictureError."""
    return decode_png(bytes.fromhex(part["png"]))


def printed_as(record: Record) -> str:
    """The label, or which copy of it."""
    copy = record.body.get("copy")
    return "label" if copy == 0 else f"copy {copy}"


def _check_one(part: Part, record: Record, told: PrintedPicture, report: Report) -> None:
    try:
        picture = picture_of(part)
    except PictureError as exc:
        report.failed(f"its picture cannot be read: {exc}", part)
        return
    what = printed_as(record)
    same = picture.digest().hex() == told.sha256
    if part["is"] == SENT and same:
        report.proved(
            f"The picture in line {part.line}, {picture.width} x {picture.height} dots, is dot for dot what the box "
            f"sent to the printer as {what}{on_how_many(told.labels)} (record "
            f"{record.seq}). What it shows is for your eyes: --extract FOLDER writes it out."
        )
    elif part["is"] == REDRAWN and not same:
        report.open(
            f"What the printed {what} looked like: the picture in line {part.line} was drawn again, and its dots are "
            f"not those that were sent. The box drew with {told.drawn_by}, the collector with {part['drawn_by']}."
        )
    else:
        says = "is what was sent to the printer" if part["is"] == SENT else f"is {part['is']!r}"
        report.failed(
            f"the file says that this picture {says}, and its dots {'are' if same else 'are not'} those that record "
            f"{record.seq} names",
            part,
        )


def on_how_many(labels: int) -> str:
    """The words for it; 0 labels are what a receipt printer gives."""
    if labels == 0:
        return ": a proof slip, no label of HJ 1276"
    return "" if labels == 1 else f", on {labels} labels"


def _say_what_nobody_named(prints: Sequence[tuple[bytes, Record]], named: set[object], report: Report) -> None:
    for _, record in prints:
        copy = record.body.get("copy")
        if record.kind == kinds.PRINT and record.body.get("state") in _PERHAPS_ON_PAPER and copy not in named:
            named.add(copy)
            report.open(f"Which picture was printed as {printed_as(record)}: the box wrote none into its records.")
