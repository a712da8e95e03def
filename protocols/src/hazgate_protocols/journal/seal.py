"""Seals: Ed25519 signatures over one hash, and so over everything before it in the chain.

Each kind of seal signs a text of its own in front of the content, so that one can never pass for another.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEAL_BYTES = 64
KEY_BYTES = 32
_CHAIN = b"hazgate chain seal v1\0"
_RECEIPT = b"hazgate receipt seal v1\0"
_EVIDENCE = b"hazgate evidence seal v1\0"
_CHECKPOINT = b"hazgate checkpoint seal v1\0"


@dataclass(frozen=True)
class Signer:
    """A private key. Made from its 32 secret bytes, which are never logged and never leave their owner."""

    key: Ed25519PrivateKey

    @classmethod
    def from_secret(cls, secret: bytes) -> Signer:
        """Raises ValueError unless there are 32 bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    @classmethod
    def generate(cls) -> Signer:
        """A new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    def secret(self) -> bytes:
        """The 32 secret bytes, for the one file that keeps them."""
        return self.key.private_bytes_raw()

    def public(self) -> bytes:
        """The 32 public bytes."""
        return self.key.public_key().public_bytes_raw()

    def seal_chain(self, box: str, head: bytes) -> bytes:
        """The box's seal over a chain head: 64 bytes."""
        return self.key.sign(_chain_text(box, head))

    def seal_receipt(self, message: bytes) -> bytes:
        """The collector's seal over a receipt's canonical bytes (without the seal): 64 bytes."""
        return self.key.sign(_RECEIPT + message)

    def seal_evidence(self, digest: bytes) -> bytes:
        """The collector's seal over the SHA-256 of an evidence file's lines before the last: 64 bytes."""
        return self.key.sign(_EVIDENCE + digest)

    def seal_checkpoint(self, statement: bytes) -> bytes:
        """The collector's seal over a checkpoint's statement (journal/checkpoint.py): 64 bytes."""
        return self.key.sign(_CHECKPOINT + statement)


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


def _chain_text(box: str, head: bytes) -> bytes:
    return _CHAIN + box.encode() + b"\0" + head


def _holds(public: bytes, text: bytes, seal: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(seal, text)
    except (InvalidSignature, ValueError):
        return False
    return True
