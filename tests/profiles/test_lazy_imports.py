"""The capture path stays light: what a profile needs is loaded when a profile is read, and pydantic never."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import hazgate_profiles.registry, hazgate_profiles.transcripts, hazgate_protocols.scale.decoder", "yaml"),
        ("from hazgate_profiles.registry import load; load('yaohua-tf0')", "pydantic"),
    ],
)
def test_a_library_is_not_loaded_before_it_is_needed(statement: str, absent: str) -> None:
    """Seen from a fresh interpreter."""
    code = f"import sys; {statement}; print({absent!r} in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "False"
