"""Simulated scales on their own links are recognised, and read rightly afterwards at another weight."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.recognition.benchside import recognise_simulated
from hazgate_edge.recognition.verdict import Certainty
from hazgate_simulators.scale.families import FAMILIES

STREAM_S_MAX = 20.0
# One of each kind: checksum, mirrored digits, parity in bit 7, packed digits, records, HID, asked, registers.
QUICK = [("yaohua-tf0", "pty"), ("yaohua-eq-rev", "pty"), ("toledo-cont-7e1", "pty"), ("bcd-ff5", "tcp"),
         ("usb-hid-scale", "hid"), ("mt-sics", "tcp"), ("modbus-laumas", "modbus-tcp")]  # fmt: skip
ALL = [(name, family.links[0]) for name, family in FAMILIES.items()]


@pytest.mark.parametrize(("name", "link"), ALL if os.environ.get("HAZGATE_SOAK") else QUICK)
async def test_a_simulated_scale_is_recognised_and_never_read_wrongly(name: str, link: str, tmp_path: Path) -> None:
    """Right at the first answer with one known weight, in time, and each weight afterwards was on the display."""
    outcome = await recognise_simulated(name, tmp_path, link)
    assert outcome.verdict.certainty is Certainty.SURE, outcome.verdict.why
    assert outcome.named == name
    assert outcome.read_after > 0
    assert outcome.wrong == ()
    assert outcome.took_s < STREAM_S_MAX
