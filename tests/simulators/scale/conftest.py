"""A small transcript in the format of the packaged ones, so that these tests need nobody else's files."""

from __future__ import annotations

from pathlib import Path

import pytest

TRANSCRIPT = """\
profile: "yaohua-tf0"
mode: "stream"
cases:
  - id: "empty"
    origin: capture
    rx: ["02 2B 30 30 30 30 30 30 30 31 42 03"]
    readings: [{weight: "0", unit: "kg", mode: null}]
  - id: "torn-85"
    origin: capture
    rx: ["02 2B 30 30", "30 30 38 35 30 31 36 03"]
    readings: [{weight: "85", unit: "kg", mode: null}]
  - id: "no-bytes"
    origin: constructed
    rx: [""]
  - id: "not-hex"
    origin: constructed
    rx: ["0G"]
"""


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "yaohua.yaml"
    path.write_text(TRANSCRIPT)
    return path
