"""A box as the collector knows it: registered by a person before its first push is taken."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.codes import credit_code
from hazgate_protocols.journal.record import BOX_PATTERN
from hazgate_protocols.journal.suite import (
    DEFAULT,
    SM3_SM2,
    SUITES,
    Suite,
    SuiteMissingError,
    require_suite,
    suite_of_key,
)


@dataclass(frozen=True, slots=True)
class RegisteredBox:
    """unit_code: the one production unit this box may weigh for."""

    box: str
    public_key: bytes  # its length tells the suite: 32 bytes Ed25519, 65 bytes SM2
    unit_code: str
    name: str

    @property
    def suite(self) -> Suite:
        """What this box's chain is made of."""
        return suite_of_key(self.public_key) or DEFAULT  # register() takes no key of another length


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
    _require_key(public_key)
    if not credit_code.PATTERN.fullmatch(unit_code):
        raise BoxInvalidError(f"unit code: {credit_code.findings(unit_code)[0]}")
    return RegisteredBox(box, public_key, unit_code, name)


def _require_key(public_key: bytes) -> None:
    suite = suite_of_key(public_key)
    if suite is None:
        allowed = ", ".join(f"{suite.public_key_bytes} for {suite.name}" for suite in SUITES.values())
        raise BoxInvalidError(
            f"public key: allowed are bytes in hex, {allowed}; copy what hazgate-edge identity prints"
        )
    try:
        require_suite(suite)
    except SuiteMissingError as exc:
        raise BoxInvalidError(
            f"public key: it is one of {suite.name}, and {exc}; OpenSSL 3 as in Debian 12 has it"
        ) from exc
    if suite is SM3_SM2:
        from hazgate_protocols.journal.sm2 import is_public

        if not is_public(public_key):
            raise BoxInvalidError("public key: no point of the SM2 curve; copy what hazgate-edge identity prints")
