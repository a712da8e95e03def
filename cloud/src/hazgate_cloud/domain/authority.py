"""The device authority: certificates that say which key is whose. Rules only; where they are kept is the store's.

The same key, name and times always give the same certificate, so that two workers of one collector cannot disagree.
There is no revocation: a box that is not trusted any more is removed at the collector.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from hazgate_protocols.certificate import BOX, COLLECTOR, ROOT, Certificate, decode_certificate
from hazgate_protocols.journal.seal import Signer

# Our own choice: evidence must stay checkable for as long as waste records are asked for. A box rarely outlives ten
# years; a root made today covers those registered in its first ten years in full, and cuts off later ones at its end.
ROOT_DAYS = 30 * 365
DEVICE_DAYS = 20 * 365
ORGANIZATION = "hazgate"
ROOT_NAME = "hazgate device root"
COLLECTOR_NAME = "collector"


def root_certificate(key: Signer, *, not_before: datetime) -> Certificate:
    """The authority's own certificate, signed by itself."""
    start = not_before.astimezone(UTC).replace(microsecond=0)
    name = _name(ROOT_NAME, ORGANIZATION, ROOT)
    return _issue(key, key.public(), name, name, start, start + timedelta(days=ROOT_DAYS), authority=True)


def box_certificate(
    key: Signer, root: Certificate, *, box: str, unit_code: str, public_key: bytes, registered: datetime
) -> Certificate:
    """A box's certificate from its registration on: before it, none of its records was taken."""
    return _leaf(key, root, _name(box, unit_code, BOX), public_key, registered)


def collector_certificate(key: Signer, root: Certificate, *, public_key: bytes) -> Certificate:
    """The certificate of the key that seals receipts and evidence, from the root's first day on."""
    return _leaf(key, root, _name(COLLECTOR_NAME, ORGANIZATION, COLLECTOR), public_key, root.not_before)


def _leaf(key: Signer, root: Certificate, subject: x509.Name, public_key: bytes, start: datetime) -> Certificate:
    start = max(start.astimezone(UTC).replace(microsecond=0), root.not_before)
    end = min(start + timedelta(days=DEVICE_DAYS), root.not_after)
    issuer = x509.load_der_x509_certificate(root.der).subject
    return _issue(key, public_key, subject, issuer, start, end, authority=False)


def _issue(
    key: Signer,
    public_key: bytes,
    subject: x509.Name,
    issuer: x509.Name,
    start: datetime,
    end: datetime,
    *,
    authority: bool,
) -> Certificate:
    # RFC 5280, 4.1.2.2: positive, at most 20 bytes, unique for the issuer.
    told = b"\0".join((key.public(), public_key, subject.public_bytes(), start.isoformat().encode()))
    serial = int.from_bytes(hashlib.sha256(told).digest()[:16], "big") | 1
    own = Ed25519PublicKey.from_public_bytes(public_key)
    usage = {
        "content_commitment": False, "key_encipherment": False, "data_encipherment": False, "key_agreement": False,
        "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.ed25519().public_key()), critical=False)
        .sign(key.ed25519(), None)
    )
    return decode_certificate(built.public_bytes(serialization.Encoding.DER))


def _name(common_name: str, organization: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
