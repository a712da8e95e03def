"""A box as the collector knows it: registered by a person before its first push is taken."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.codes import credit_code
from hazgate_protocols.journal.record import BOX_PATTERN
from hazgate_protocols.journal.seal import KEY_BYTES


@dataclass(frozen=True, slots=True)
class RegisteredBox:
    """unit_code: the one production unit this box may weigh for."""

    box: str
    public_key: bytes  # 32 bytes, Ed25519
    unit_code: str
    name: str


class BoxInvalidError(ValueError):
    """What was given cannot be a box; the text says what is allowed."""


def register(box: str, public_key_hex: str, unit_code: str, name: str) -> RegisteredBox:
    """A box from what a person typed; raises BoxInvalidError."""
    if not BOX_PATTERN.fullmatch(box):
        raise BoxInvalidError(f"id {box!r}: allowed are 3 to 40 lower-case letters, digits and hyphens inside")
    try:
        public_key = bytes.fromhex(public_key_hex)
    except ValueError:
        public_key = b""
    if len(public_key) != KEY_BYTES:
        raise BoxInvalidError(f"public key: allowed are {KEY_BYTES} bytes in hex")
    if not credit_code.PATTERN.fullmatch(unit_code):
        raise BoxInvalidError(f"unit code: {credit_code.findings(unit_code)[0]}")
    return RegisteredBox(box, public_key, unit_code, name)
