"""From a label number to the bytes of its evidence file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from hazgate_cloud.domain.rules import judge
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.evidence.claims import claims_of
from hazgate_cloud.evidence.pictures import pictures_of
from hazgate_cloud.store.boxes import find_box
from hazgate_cloud.store.certificates import certificates_of
from hazgate_cloud.store.chain import place_of
from hazgate_cloud.store.schema import (
    attempts,
    bags,
    boxes,
    checkpoints,
    flags,
    heads,
    mentions,
    notes,
    outbox,
    records,
    seals,
)
from hazgate_profiles.registry import ProfileError, Registry, digest
from hazgate_protocols.evidence import bundle
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import ROOT, body_hash
from hazgate_protocols.journal.record import PRINT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import DEFAULT, Suite
from hazgate_protocols.scale.profile_json import encode_profile
from hazgate_protocols.uplink import Have, encode_have

RELATED_MAX = 500
NOTES_KEPT_MAX = 200
ATTEMPTS_KEPT_MAX = 200
CHECKPOINTS_TRIED = 8
STEPS_BEYOND_MAX = 20_000  # records from the bag to a checkpoint; more than a box writes in a day

_RECORD_HASH = re.compile(r"[0-9a-fA-F]{64}")  # no label number is so long

Line = tuple[str, dict[str, Any]]


class NoEvidenceError(Exception):
    """There is nothing to give out for this label number or record; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Path:
    """A box's chain from its first record to a head the box sealed. hashes: in order; beyond: what follows on the same
    branch."""

    hashes: list[bytes]
    beyond: list[bytes]
    seal: bytes
    branches: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sealed file, and in words what of it could not be made as it should be."""

    data: bytes
    remarks: tuple[str, ...]


def evidence_of(
    tx: Connection,
    code: str,
    *,
    signer: Signer,
    now: datetime,
    made_by: str,
    profiles: Registry,
    signer_of: Callable[[Suite], Signer] | None = None,
    checkpoint_n: int | None = None,
) -> Evidence:
    """The sealed file about a weighing: that with the hash `code`, or the one that a label number counts for. Raises
    NoEvidenceError. signer_of: the key for boxes of another suite than signer's; their receipt is sealed with it, and
    the file names it. checkpoint_n: the way to this checkpoint, instead of to the first one behind the weighing.

    Holds the hashes of the box's whole chain in memory; the file grows by 64 bytes for each record before the bag.
    """
    own, label, record = _weighing(tx, code)
    box = find_box(tx, record.box)
    suite = DEFAULT if box is None else box.registered.suite
    if suite is not signer.suite and signer_of is None:
        raise NoEvidenceError(f"evidence for {code}: box {record.box} is of {suite.name}, and no key of it was given")
    receipts = signer if suite is signer.suite or signer_of is None else signer_of(suite)
    related = _related(tx, record.box, own, record.rid, label)
    path = _path(tx, record.box, own, related)
    head = path.hashes[-1]
    place = place_of(tx, record.box, head)
    if place is None:
        raise AssertionError(f"record {head.hex()} is in the chain of {record.box} and is not held")
    have = Have("", head, place.seq, place.stored_at)
    have = replace(have, seal=receipts.seal_receipt(have.signed_bytes()))
    pictures, remarks = pictures_of(WeighingBody.from_json(record.body), _prints(tx, path.hashes, related, record.rid))
    claimed = claims_of(tx, label, own)
    lines: list[Line] = [
        (
            bundle.BUNDLE,
            {
                "v": bundle.VERSION,
                "label": label,
                "record": own.hex(),
                "box": record.box,
                "made_at": stamp(now),
                "made_by": made_by,
            },
        ),
        *_chain_lines(tx, record.box, path.hashes, {path.hashes[0], own, *related}, suite),
        (bundle.SEAL, {"seq": len(path.hashes), "hash": head.hex(), "seal": path.seal.hex()}),
        *_suite_lines(signer, receipts),
        (bundle.RECEIPT, {"have": encode_have(have).decode(), "branches": path.branches}),
        (bundle.NOTES, {"notes": _notes(tx, record.box, own)}),
        (bundle.FLAGS, {"flags": _flags(tx, own)}),
        *_core_lines(tx, own),
        *_profile_lines(record, profiles),
        *((bundle.PICTURE, picture) for picture in pictures),
        *_checkpoint_lines(tx, record.box, path, own, suite, checkpoint_n),
        *_certificate_lines(tx, record.box, signer),
        (bundle.CLAIMS, claimed),
    ]
    others = [
        f"another weighing carries this code: {claim['weight']}, {claim['state']}; its own file: "
        f"hazgate-cloud evidence {claim['hash']}"
        for claim in claimed["claims"]
    ]
    return Evidence(bundle.encode_bundle(lines, signer), (*remarks, *others))


def _weighing(tx: Connection, code: str) -> tuple[bytes, str, Record]:
    """Hash, label number and record of the weighing that is asked for."""
    if not _RECORD_HASH.fullmatch(code):
        own = tx.execute(select(bags.c.hash).where(bags.c.label == code)).scalar_one_or_none()
        if own is None:
            raise NoEvidenceError(f"evidence for {code}: no bag has this label number; look it up on the trace page")
    else:
        own = bytes.fromhex(code)
    body = tx.execute(select(records.c.body).where(records.c.hash == own)).scalar_one_or_none()
    if body is None:
        raise NoEvidenceError(f"evidence for record {code}: it is not held; give the hash as `held list` shows it")
    record = Record.decode(body)
    if record.kind != WEIGHING:
        raise NoEvidenceError(f"evidence for record {code}: it is a {record.kind}; give the hash of a weighing")
    verdict = judge(record, "")
    if verdict.weighing is None or not verdict.label:
        why = verdict.findings[0].text
        raise NoEvidenceError(f"evidence for record {code}: it is no readable weighing ({why}); see `held show`")
    return own, verdict.label, record


def _suite_lines(signer: Signer, receipts: Signer) -> Iterator[Line]:
    """Whose seal the receipt carries, when it is not the key that seals the file."""
    if receipts is not signer:
        yield bundle.SUITE, {"suite": receipts.suite.name, "collector": receipts.public().hex()}


def _related(tx: Connection, box: str, own: bytes, rid: str, label: str) -> set[bytes]:
    """Records of the same box that speak about the bag."""
    found = tx.execute(
        select(records.c.hash)
        .join(mentions, mentions.c.hash == records.c.hash)
        .where(mentions.c.about.in_([rid, own.hex(), label]), records.c.box == box)
        .order_by(records.c.seq)
        .limit(RELATED_MAX)
    ).scalars()
    return set(found) - {own}


def _prints(tx: Connection, path: Sequence[bytes], related: set[bytes], rid: str) -> list[tuple[bytes, Record]]:
    """Hash and record of each print of the bag on this path, in order."""
    bodies = {
        row.hash: row.body
        for row in tx.execute(
            select(records.c.hash, records.c.body).where(records.c.hash.in_(related), records.c.kind == PRINT)
        )
    }
    found = [(own, Record.decode(bodies[own])) for own in path if own in bodies]
    return [(own, record) for own, record in found if record.body.get("rid") == rid]


def _path(tx: Connection, box: str, own: bytes, related: set[bytes]) -> _Path:
    """The shortest sealed chain over the bag and what is said about it; of several branches the one that says most."""
    parents = {
        row.hash: row.prev for row in tx.execute(select(records.c.hash, records.c.prev).where(records.c.box == box))
    }
    tops = tx.execute(select(heads.c.hash).where(heads.c.box == box).order_by(heads.c.seq)).scalars().all()
    best: list[bytes] = []
    for top in tops:
        chain = _ancestors(top, parents)
        if own in chain and len(related & set(chain)) >= len(related & set(best)):
            best = chain
    kept = {row.hash: row.seal for row in tx.execute(select(seals.c.hash, seals.c.seal).where(seals.c.box == box))}
    last = max((seq for seq, item in enumerate(best, 1) if item == own or item in related), default=0)
    for seq in range(last, len(best) + 1):
        if last and best[seq - 1] in kept:
            return _Path(best[:seq], best[seq:], kept[best[seq - 1]], len(tops))
    raise NoEvidenceError(
        f"evidence for record {own.hex()}: no seal of box {box} covers it and all said about it; "
        "run hazgate-cloud verify, and ask again after the box's next push"
    )


def _ancestors(top: bytes, parents: dict[bytes, bytes]) -> list[bytes]:
    """The chain that ends in this record, oldest first."""
    out: list[bytes] = []
    at = top
    while at != ROOT:
        if at not in parents:
            raise NoEvidenceError(f"evidence: record {at.hex()} is not held; run hazgate-cloud verify")
        out.append(at)
        at = parents[at]
    out.reverse()
    return out


def _chain_lines(tx: Connection, box: str, hashes: Sequence[bytes], shown: set[bytes], suite: Suite) -> Iterator[Line]:
    bodies: dict[bytes, bytes] = {}
    steps: dict[bytes, bytes] = {}
    wanted = set(hashes)
    rows = tx.execute(
        select(records.c.hash, records.c.body)
        .where(records.c.box == box, records.c.seq <= len(hashes))
        .execution_options(yield_per=500)
    )
    for row in rows:
        if row.hash in shown:
            bodies[row.hash] = row.body
        elif row.hash in wanted:
            steps[row.hash] = body_hash(row.body, suite)
    run: list[str] = []
    for seq, item in enumerate(hashes, 1):
        if item in steps:
            run.append(steps[item].hex())
        if run and (item in bodies or len(run) == bundle.STEPS_A_LINE_MAX or seq == len(hashes)):
            last = seq - (item in bodies)
            yield bundle.STEPS, {"seq": last - len(run) + 1, "hashes": run}
            run = []
        if item in bodies:
            yield bundle.RECORD, {"seq": seq, "hash": item.hex(), "bytes": bodies[item].decode()}


def _notes(tx: Connection, box: str, own: bytes) -> list[dict[str, Any]]:
    rows = tx.execute(
        select(notes).where(notes.c.box == box, notes.c.hash == own).order_by(notes.c.n.desc()).limit(NOTES_KEPT_MAX)
    ).all()
    return [
        {
            "n": row.n,
            "hash": row.hash.hex(),
            "what": row.what,
            "at": row.at,
            "code": row.code,
            "text": row.text,
            "reference": row.reference,
        }
        for row in reversed(rows)
    ]


def _flags(tx: Connection, own: bytes) -> list[dict[str, str]]:
    rows = tx.execute(select(flags).where(flags.c.hash == own).order_by(flags.c.code))
    return [{"code": row.code, "text": row.text, "at": row.at} for row in rows]


def _core_lines(tx: Connection, own: bytes) -> Iterator[Line]:
    sent = tx.execute(select(outbox).where(outbox.c.hash == own)).one_or_none()
    if sent is None:
        return
    tries = tx.execute(
        select(attempts)
        .where(attempts.c.outbox == sent.number)
        .order_by(attempts.c.number.desc())
        .limit(ATTEMPTS_KEPT_MAX)
    ).all()
    yield (
        bundle.CORE,
        {
            "submission": sent.submission.decode(),
            "state": sent.state,
            "queued_at": sent.queued_at,
            "settled_at": sent.settled_at or "",
            "attempts": [
                {
                    "method": row.method,
                    "at": row.at,
                    "took_ms": row.took_ms,
                    "status": row.status,
                    "outcome": row.outcome,
                    "detail": row.detail,
                    "reply": row.reply.hex(),
                }
                for row in reversed(tries)
            ],
        },
    )


def _profile_lines(record: Record, profiles: Registry) -> Iterator[Line]:
    """The profile the record names, if this collector has exactly that one."""
    try:
        profile = profiles.load(str(record.dev.get("profile", "")))
    except ProfileError:
        return
    if digest(profile) == record.dev.get("profile_digest"):
        proofs = profiles.transcript_digests(profile)
        yield (
            bundle.PROFILE,
            {
                "profile": encode_profile(profile).decode(),
                "transcripts": [{"name": name, "sha256": proofs[name]} for name in sorted(proofs)],
            },
        )


def _checkpoint_lines(
    tx: Connection, box: str, path: _Path, own: bytes, suite: Suite, wanted: int | None
) -> Iterator[Line]:
    """The first checkpoint that names the weighing, or a record behind it on the same branch; or the wanted one."""
    place = path.hashes.index(own) + 1
    stored_at = tx.execute(select(records.c.stored_at).where(records.c.hash == own)).scalar_one()
    # The next one after it was stored has it; a few more, because the clock may have been set back in between.
    which = checkpoints.c.at >= stored_at if wanted is None else checkpoints.c.number == wanted
    rows = tx.execute(
        select(checkpoints.c.encoded).where(which).order_by(checkpoints.c.number).limit(CHECKPOINTS_TRIED)
    ).scalars()
    chain = [*path.hashes, *path.beyond]
    for encoded in rows:
        found = checkpoint.decode(encoded)
        head = next(
            (
                head
                for head in found.heads
                if head.box == box and place <= head.seq <= len(chain) and chain[head.seq - 1] == head.hash
            ),
            None,
        )
        if head is None:
            continue
        way = found.inclusion(box, head.hash)
        if way is None or head.seq - len(path.hashes) > STEPS_BEYOND_MAX:
            continue
        yield (
            bundle.CHECKPOINT,
            {
                "statement": found.statement.decode(),
                "seal": found.seal.hex(),
                "seq": head.seq,
                "hash": head.hash.hex(),
                "steps": [item.hex() for item in _steps(tx, chain[len(path.hashes) : head.seq], suite)],
                "index": way.index,
                "path": [item.hex() for item in way.path],
            },
        )
        return
    if wanted is not None:
        raise NoEvidenceError(
            f"evidence for record {own.hex()}: checkpoint {wanted} is not in the store, was made before the weighing, "
            f"or is more than {STEPS_BEYOND_MAX} records behind it; give another --checkpoint, or none"
        )


def _steps(tx: Connection, hashes: Sequence[bytes], suite: Suite) -> Iterator[bytes]:
    """H(body) of each of these records, in order."""
    for start in range(0, len(hashes), 500):
        some = hashes[start : start + 500]
        rows = tx.execute(select(records.c.hash, records.c.body).where(records.c.hash.in_(some)))
        bodies = {row.hash: body_hash(row.body, suite) for row in rows}
        yield from (bodies[item] for item in some)


def _certificate_lines(tx: Connection, box: str, signer: Signer) -> Iterator[Line]:
    """The certificates of both keys and their root, if the box's key has one."""
    public_key = tx.execute(select(boxes.c.public_key).where(boxes.c.box == box)).scalar_one()
    issued = certificates_of(tx, box, public_key, signer.public())
    if issued is not None:
        yield (
            bundle.CERTIFICATES,
            {
                "box": issued.box.der.hex(),
                "collector": issued.collector.der.hex(),
                "root": issued.root.der.hex(),
            },
        )
