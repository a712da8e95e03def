"""Checksums against values from outside this project."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from hazgate_protocols.scale.checks import CHECKS, crc16_modbus, sum7_neg, xor_hex
from hazgate_protocols.scale.spec import Check


def test_crc16_modbus_has_its_published_check_value() -> None:
    """4B37h for "123456789" (catalogue of CRC algorithms), low byte first; nothing gives FFFFh."""
    assert crc16_modbus(b"123456789") == bytes.fromhex("37 4B")
    assert crc16_modbus(b"") == b"\xff\xff"


@pytest.mark.parametrize(
    ("frame", "check"), [("2B 30 30 30 30 38 35 30", b"16"), ("2B 30 30 30 32 30 35 32", b"1E")], ids=["85", "2.05"]
)
def test_xor_hex_is_that_of_captured_yaohua_frames(frame: str, check: bytes) -> None:
    """Halves above 9 are capitals."""
    assert xor_hex(bytes.fromhex(frame)) == check


def test_sum7_neg_is_that_of_a_captured_toledo_frame() -> None:
    """CHK 1E; frame and check add up to 0 modulo 128."""
    covered = bytes.fromhex("02 31 30 20 20 20 20 32 30 30 20 20 20 20 30 30 0D")
    assert sum7_neg(covered) == b"\x1e"
    assert (sum(covered) + 0x1E) % 128 == 0


def test_the_schema_names_the_checks_that_exist() -> None:
    """No name without a function, no function without a name."""
    assert set(get_args(get_type_hints(Check)["algo"])) == set(CHECKS)
