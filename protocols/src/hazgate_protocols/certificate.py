"""Certificates (X.509, Ed25519): who a key belongs to, said by the collector's device authority.

Three roles, named by the subject's organizational unit: `root` signs itself and the others, `collector` seals receipts
and evidence, `box` seals a chain; a box's organization is the code of the unit it weighs for. Issuing is the
collector's; here they are read and checked.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

ROOT, COLLECTOR, BOX = "root", "collector", "box"
CERTIFICATE_BYTES_MAX = 8 * 1024
# What a certificate of ours carries; any other critical extension would mean something we do not understand.
_KNOWN = (x509.BasicConstraints, x509.KeyUsage, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier)

# The parser speaks in many kinds of error about a stranger's bytes.
_UNREADABLE = (
    ValueError, TypeError, OverflowError, Warning, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip

_SIGNATURE_HEAD = b"\x03\x41\x00"  # DER: a bit string of 65 bytes, of which the first counts unused bits


class CertificateError(ValueError):
    """Bytes that are no certificate of ours; the text says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. public_key: 32 bytes, Ed25519; times are aware UTC, both ends included."""

    der: bytes
    role: str
    common_name: str
    organization: str
    public_key: bytes
    not_before: datetime
    not_after: datetime
    authority: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER bytes in hex, as every certificate tool shows it."""
        return hashlib.sha256(self.der).hexdigest()

    def valid_at(self, at: datetime) -> bool:
        """Whether the time lies inside its validity."""
        return self.not_before <= at <= self.not_after

    def issued(self, other: Certificate) -> bool:
        """Whether this one is an authority, is named as the other's issuer, and its key signed it."""
        if not self.authority:
            return False
        try:
            x509.load_der_x509_certificate(other.der).verify_directly_issued_by(
                x509.load_der_x509_certificate(self.der)
            )
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return False
        return True


def decode_certificate(data: bytes) -> Certificate:
    """A certificate from DER or PEM bytes. Raises CertificateError unless it is one of ours in form."""
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise CertificateError(f"{len(data)} bytes; a certificate has at most {CERTIFICATE_BYTES_MAX}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the parser only frowns at is none of ours either
            load = x509.load_pem_x509_certificate if data.startswith(b"-----") else x509.load_der_x509_certificate
            found = load(data)
            key = found.public_key()
            extensions = list(found.extensions)
            not_before, not_after = found.not_valid_before_utc, found.not_valid_after_utc
            subject = found.subject
            der = found.public_bytes(serialization.Encoding.DER)
    except _UNREADABLE as exc:
        raise CertificateError(f"no X.509 certificate that can be read: {exc}") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise CertificateError("its key is not of Ed25519")
    # The parser lets the count of unused bits pass, which no signature covers: the only such byte (found by edits).
    if not der.endswith(_SIGNATURE_HEAD + found.signature):
        raise CertificateError("its signature is not one of Ed25519")
    basic: x509.BasicConstraints | None = None
    usage: x509.KeyUsage | None = None
    for extension in extensions:
        if extension.critical and not isinstance(extension.value, _KNOWN):
            raise CertificateError(f"its critical extension {extension.oid.dotted_string} is not one of ours")
        basic = extension.value if isinstance(extension.value, x509.BasicConstraints) else basic
        usage = extension.value if isinstance(extension.value, x509.KeyUsage) else usage
    return Certificate(
        der=der,
        role=_name(subject, NameOID.ORGANIZATIONAL_UNIT_NAME),
        common_name=_name(subject, NameOID.COMMON_NAME),
        organization=_name(subject, NameOID.ORGANIZATION_NAME),
        public_key=key.public_bytes_raw(),
        not_before=not_before,
        not_after=not_after,
        authority=basic is not None and basic.ca and usage is not None and usage.key_cert_sign,
    )


def to_pem(certificate: Certificate) -> str:
    """The text form that other tools read."""
    found = x509.load_der_x509_certificate(certificate.der)
    return found.public_bytes(serialization.Encoding.PEM).decode()


def _name(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """The one value of this part of a name, "" unless there is exactly one text."""
    values = [part.value for part in subject.get_attributes_for_oid(oid)]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""
