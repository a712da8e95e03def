"""Whose keys they are: the certificates of a file, and what the one who checks knows from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from hazgate_protocols import certificate
from hazgate_protocols.certificate import Certificate, CertificateError, decode_certificate
from hazgate_protocols.evidence.bundle import CERTIFICATES, Bundle, Part
from hazgate_protocols.evidence.report import Report


class Word(Enum):
    """Who says whose the keys are. NOBODY: no certificates that hold. FILE: a root that only the file brings. KNOWN: a
    root that the checker has from elsewhere."""

    NOBODY = "nobody"
    FILE = "file"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the file's seals hold under. received_at: the receipt's stored_at; weighed_at: the record's wall
    time; "" where there is none."""

    collector: bytes
    box: bytes
    received_at: str
    weighed_at: str


def check(bundle: Bundle, keys: Keys, known_root: Certificate | None, report: Report) -> Word:
    """Adds what the certificates show; whose word that is."""
    part, head = bundle.one(CERTIFICATES), bundle.parts[0]
    if part is None:
        if known_root is not None:
            report.open("Whether the root you gave knows these keys: the file carries no certificates.")
        return Word.NOBODY
    try:
        root, box, collector = (_decoded(part, name) for name in ("root", "box", "collector"))
    except CertificateError as exc:
        report.failed(str(exc), part)
        return Word.NOBODY
    unit = head["label"][:18]  # the label number begins with the unit's code
    faults = [
        *_root_faults(root),
        *_leaf_faults("box", box, root, (certificate.BOX, head["box"]), keys.box),
        *_leaf_faults("collector", collector, root, (certificate.COLLECTOR, collector.common_name), keys.collector),
        *(
            []
            if box.organization == unit
            else [f"the box's certificate is for the unit {box.organization}, not {unit}"]
        ),
        *_time_faults("box", (box, root), keys.received_at, "the time of the receipt"),
        *_time_faults("collector", (collector, root), head["made_at"], "the time this file was made"),
    ]
    for fault in faults:
        report.failed(fault, part)
    if faults:
        return Word.NOBODY
    report.proved(
        f"By the certificates in this file, the root {root.common_name!r} with the SHA-256 fingerprint "
        f"{root.fingerprint} says: the chain's key is that of box {box.common_name} of the unit {box.organization} "
        f"(valid {_day(box.not_before)} to {_day(box.not_after)}), and the file's key is the collector's."
    )
    weighed = _moment(keys.weighed_at)
    if weighed is None or not box.valid_at(weighed):
        report.open(
            f"Why the box's clock says {keys.weighed_at!r} for the weighing, outside its certificate's validity: "
            "it may have weighed before it was registered, or its clock was wrong."
        )
    return _check_root(root, known_root, part, report)


def _check_root(root: Certificate, known: Certificate | None, part: Part, report: Report) -> Word:
    if known is None:
        return Word.FILE
    if known.der != root.der:
        report.failed(f"its root is not the root you gave (fingerprint {known.fingerprint})", part)
        return Word.NOBODY
    report.proved("That root is the one you gave, so its word on both keys counts.")
    return Word.KNOWN


def _decoded(part: Part, name: str) -> Certificate:
    data = bytes.fromhex(part[name])
    try:
        found = decode_certificate(data)
    except CertificateError as exc:
        raise CertificateError(f"the {name}'s certificate: {exc}") from exc
    if found.der != data:
        raise CertificateError(f"the {name}'s certificate is not in DER form")
    return found


def _root_faults(root: Certificate) -> list[str]:
    if root.role != certificate.ROOT or not root.authority:
        return [f"the root's certificate is for {root.role or 'nothing'!r}: no authority"]
    return [] if root.issued(root) else ["the root's certificate is not signed by its own key"]


def _leaf_faults(name: str, leaf: Certificate, root: Certificate, subject: tuple[str, str], key: bytes) -> list[str]:
    found = []
    if not root.issued(leaf):
        found.append(f"the {name}'s certificate is not signed by the root in this file")
    if leaf.authority or (leaf.role, leaf.common_name) != subject:
        found.append(f"the {name}'s certificate is for {leaf.role} {leaf.common_name!r}, not for {' '.join(subject)!r}")
    if leaf.public_key != key:
        found.append(f"the {name}'s certificate is for the key {leaf.public_key.hex()}, not for {key.hex()}")
    return found


def _time_faults(name: str, chain: tuple[Certificate, ...], text: str, what: str) -> list[str]:
    if not text:
        return []  # no receipt: that is said where it is missing
    at = _moment(text)
    if at is None:
        return [f"{what} {text!r} is no time, so the {name}'s certificate cannot be judged"]
    for found in chain:
        if not found.valid_at(at):
            span = f"{_day(found.not_before)} to {_day(found.not_after)}"
            return [f"the certificate of {found.common_name!r} is valid {span}, not at {what}, {text}"]
    return []


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def _day(at: datetime) -> str:
    return at.date().isoformat()
