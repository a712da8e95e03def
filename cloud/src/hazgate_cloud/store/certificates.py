"""The certificates that were issued: for the authority itself, the collector's seals, and every box."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from hazgate_cloud.domain import authority
from hazgate_cloud.domain.times import moment, stamp
from hazgate_cloud.store.boxes import BoxRow, all_boxes
from hazgate_cloud.store.schema import certificates
from hazgate_protocols.certificate import BOX, COLLECTOR, ROOT, Certificate, decode_certificate
from hazgate_protocols.journal.seal import KEY_BYTES, Signer


@dataclass(frozen=True, slots=True)
class Authority:
    """The two keys that matter here: the one that issues, and the public one that seals receipts and evidence."""

    issuer: Signer
    collector: bytes


@dataclass(frozen=True, slots=True)
class Issued:
    """What an auditor needs for one box."""

    box: Certificate
    collector: Certificate
    root: Certificate


def issue_missing(tx: Connection, keys: Authority, now: datetime) -> int:
    """Issues whatever is missing; how many. Boxes registered before there was an authority get theirs from their
    registration on. A box with a key of another kind than Ed25519 gets none."""
    rows = all_boxes(tx)
    issuer = keys.issuer.public()
    issued = 0
    root = root_of(tx, issuer)
    if root is None:
        start = min([now, *(_registered(row, now) for row in rows)])
        root = authority.root_certificate(keys.issuer, not_before=start)
        issued += _keep(tx, root, ROOT, issuer, now)
    if _find(tx, COLLECTOR, COLLECTOR, keys.collector, issuer) is None:
        made = authority.collector_certificate(keys.issuer, root, public_key=keys.collector)
        issued += _keep(tx, made, COLLECTOR, issuer, now)
    own = select(certificates.c.subject, certificates.c.public_key).where(
        certificates.c.role == BOX, certificates.c.issuer_key == issuer
    )
    known = {(row.subject, row.public_key) for row in tx.execute(own)}
    for row in rows:
        box = row.registered
        if len(box.public_key) != KEY_BYTES or (box.box, box.public_key) in known:
            continue
        made = authority.box_certificate(
            keys.issuer,
            root,
            box=box.box,
            unit_code=box.unit_code,
            public_key=box.public_key,
            registered=_registered(row, now),
        )
        issued += _keep(tx, made, box.box, issuer, now)
    return issued


def certificates_of(tx: Connection, box: str, public_key: bytes, collector: bytes) -> Issued | None:
    """The newest issued for this box's key, with its root and the collector's under the same root; None without."""
    found = tx.execute(
        select(certificates.c.issuer_key, certificates.c.der)
        .where(certificates.c.role == BOX, certificates.c.subject == box, certificates.c.public_key == public_key)
        .order_by(certificates.c.number.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    root = _find(tx, ROOT, ROOT, found.issuer_key, found.issuer_key)
    own = _find(tx, COLLECTOR, COLLECTOR, collector, found.issuer_key)
    return None if root is None or own is None else Issued(decode_certificate(found.der), own, root)


def root_of(tx: Connection, issuer: bytes) -> Certificate | None:
    """The root certificate of this authority's key."""
    return _find(tx, ROOT, ROOT, issuer, issuer)


def boxes_until(tx: Connection) -> dict[str, datetime]:
    """The last moment of each box's newest certificate; a box without one is not named."""
    query = select(certificates.c.subject, certificates.c.der).where(certificates.c.role == BOX)
    rows = tx.execute(query.order_by(certificates.c.number))
    return {row.subject: decode_certificate(row.der).not_after for row in rows}


def _registered(row: BoxRow, now: datetime) -> datetime:
    return moment(row.registered_at) or now


def _find(tx: Connection, role: str, subject: str, public_key: bytes, issuer_key: bytes) -> Certificate | None:
    der = tx.execute(
        select(certificates.c.der).where(
            certificates.c.role == role,
            certificates.c.subject == subject,
            certificates.c.public_key == public_key,
            certificates.c.issuer_key == issuer_key,
        )
    ).scalar_one_or_none()
    return None if der is None else decode_certificate(der)


def _keep(tx: Connection, made: Certificate, subject: str, issuer_key: bytes, now: datetime) -> int:
    tx.execute(
        insert(certificates).values(
            role=made.role,
            subject=subject,
            public_key=made.public_key,
            issuer_key=issuer_key,
            der=made.der,
            issued_at=stamp(now),
        )
    )
    return 1
