"""A box as the collector knows it: registered by a person before its first push is taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegisteredBox:
    """unit_code: the one production unit this box may weigh for."""

    box: str
    public_key: bytes  # 32 bytes, Ed25519
    unit_code: str
    name: str
