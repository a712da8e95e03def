"""Seals: signatures over one hash, and so over everything before it in the chain.

The key tells its suite, and the suite the algorithm: Ed25519, or SM2 with SM3. Each kind of seal signs a text of its
own in front of the content, so that one can never pass for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, Suite

if TYPE_CHECKING:
    from hazgate_protocols.journal.sm2 import SecretKey

SEAL_BYTES = 64
KEY_BYTES = 32  # of a secret, and of an Ed25519 public key; the other suite's has suite.public_key_bytes
_CHAIN = b"hazgate chain seal v1\0"
_RECEIPT = b"hazgate receipt seal v1\0"
_EVIDENCE = b"hazgate evidence seal v1\0"
_CHECKPOINT = b"hazgate checkpoint seal v1\0"
_TELEMETRY = b"hazgate telemetry seal v1\0"


@dataclass(frozen=True)
class Signer:
    """A private key. Made from its 32 secret bytes, which are never logged and never leave their owner."""

    key: Ed25519PrivateKey | SecretKey
    suite: Suite = DEFAULT

    @classmethod
    def from_secret(cls, secret: bytes, suite: Suite = DEFAULT) -> Signer:
        """Raises ValueError unless these are 32 bytes that can be a secret, SuiteMissingError."""
        if suite is SM3_SM2:
            from hazgate_protocols.journal.sm2 import SecretKey

            return cls(SecretKey(secret), suite)
        return cls(Ed25519PrivateKey.from_private_bytes(secret), suite)

    @classmethod
    def generate(cls, suite: Suite = DEFAULT) -> Signer:
        """A new key from the operating system's randomness. Raises SuiteMissingError."""
        if suite is SM3_SM2:
            from hazgate_protocols.journal.sm2 import SecretKey

            return cls(SecretKey.generate(), suite)
        return cls(Ed25519PrivateKey.generate(), suite)

    def secret(self) -> bytes:
        """The 32 secret bytes, for the one file that keeps them."""
        return self.key.private_bytes_raw() if isinstance(self.key, Ed25519PrivateKey) else self.key.secret()

    def public(self) -> bytes:
        """The public bytes, suite.public_key_bytes of them."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.public_key().public_bytes_raw()
        return self.key.public()

    def ed25519(self) -> Ed25519PrivateKey:
        """The key itself, for what is no seal of ours (certificates). Raises ValueError in another suite."""
        if not isinstance(self.key, Ed25519PrivateKey):
            raise ValueError(f"a key of {self.suite.name} is no Ed25519 key")
        return self.key

    def seal_chain(self, box: str, head: bytes) -> bytes:
        """The box's seal over a chain head: 64 bytes."""
        return self.key.sign(_chain_text(box, head))

    def seal_receipt(self, message: bytes) -> bytes:
        """The collector's seal over a receipt's canonical bytes (without the seal): 64 bytes."""
        return self.key.sign(_RECEIPT + message)

    def seal_evidence(self, digest: bytes) -> bytes:
        """The collector's seal over the digest of an evidence file's lines before the last: 64 bytes."""
        return self.key.sign(_EVIDENCE + digest)

    def seal_checkpoint(self, statement: bytes) -> bytes:
        """The collector's seal over a checkpoint's statement (journal/checkpoint.py): 64 bytes."""
        return self.key.sign(_CHECKPOINT + statement)

    def seal_telemetry(self, box: str, digest: bytes) -> bytes:
        """The box's seal over the digest of one batch of samples (uplink/telemetry.py): 64 bytes."""
        return self.key.sign(_TELEMETRY + box.encode() + b"\0" + digest)


def chain_seal_holds(public: bytes, box: str, head: bytes, seal: bytes) -> bool:
    """Whether this box's key sealed this head."""
    return _holds(public, _chain_text(box, head), seal)


def receipt_seal_holds(public: bytes, message: bytes, seal: bytes) -> bool:
    """Whether this collector's key sealed these receipt bytes."""
    return _holds(public, _RECEIPT + message, seal)


def evidence_seal_holds(public: bytes, digest: bytes, seal: bytes) -> bool:
    """Whether this collector's key sealed an evidence file with this digest."""
    return _holds(public, _EVIDENCE + digest, seal)


def checkpoint_seal_holds(public: bytes, statement: bytes, seal: bytes) -> bool:
    """Whether this collector's key sealed this checkpoint's statement."""
    return _holds(public, _CHECKPOINT + statement, seal)


def telemetry_seal_holds(public: bytes, box: str, digest: bytes, seal: bytes) -> bool:
    """Whether this box's key sealed a batch of samples with this digest."""
    return _holds(public, _TELEMETRY + box.encode() + b"\0" + digest, seal)


def _chain_text(box: str, head: bytes) -> bytes:
    return _CHAIN + box.encode() + b"\0" + head


def _holds(public: bytes, text: bytes, seal: bytes) -> bool:
    """Raises SuiteMissingError: where a seal cannot be checked, nobody is to be told that it is wrong."""
    if len(public) == SM3_SM2.public_key_bytes:
        from hazgate_protocols.journal import sm2

        return sm2.holds(public, text, seal)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(seal, text)
    except (InvalidSignature, ValueError):
        return False
    return True
