"""The QR symbol of a label as a matrix of modules (segno). Never Micro QR; level Q at least: labels get wiped and oily.

Measured: the bare 37-character code is version 3 at level Q (37 modules with its quiet zone), an upper-case address
with the code version 4 (41), a mixed-case one of 88 characters version 8 (57).
"""

from __future__ import annotations

from hazgate_protocols.label.errors import LabelError

QUIET_MODULES = 4  # ISO/IEC 18004: blank modules on every side
PAYLOAD_CHARACTERS_MAX = 200


def qr_modules(payload: str) -> tuple[tuple[bool, ...], ...]:
    """Rows of modules without quiet zone, True = dark. Raises LabelError for a payload no hand scanner reads well."""
    import segno

    if not payload.isascii() or not payload.isprintable():
        raise LabelError(
            "qr_payload", "characters other than printable ASCII", "configure a plain address for QR codes"
        )
    if not 0 < len(payload) <= PAYLOAD_CHARACTERS_MAX:
        raise LabelError(
            "qr_payload",
            f"{len(payload)} characters, allowed are 1 to {PAYLOAD_CHARACTERS_MAX}",
            "configure a shorter address for QR codes",
        )
    symbol = segno.make(payload, error="Q", micro=False, boost_error=True)
    return tuple(tuple(bool(module) for module in row) for row in symbol.matrix)
