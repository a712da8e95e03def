"""The documents of the wire say what the code does: bounds, topics, quoted bytes."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from hazgate_protocols.core_api import ANSWER_BYTES_MAX, ANSWER_TEXT_CHARS_MAX, Outcome, Submission
from hazgate_protocols.uplink import messages, topics

ROOT = Path(__file__).parents[2]
UPLINK = (ROOT / "docs" / "wire" / "hz-1.md").read_text(encoding="utf-8")
CORE = (ROOT / "docs" / "wire" / "core-api.md").read_text(encoding="utf-8")
VECTORS = ROOT / "tests" / "contract" / "uplink" / "v1"


def test_the_documents_bounds_are_the_codes() -> None:
    """Every bound of the messages stands in the table with its value, and nothing else does."""
    table = {name: int(value) for name, value in re.findall(r"^\| `([A-Z_]+_MAX)` \| (\d+) \|", UPLINK, re.MULTILINE)}
    code = {name: value for name, value in vars(messages).items() if name.endswith("_MAX")}
    assert table == code


def test_every_quoted_hash_key_and_message_stands_in_the_vectors() -> None:
    """The worked example cannot drift from the frozen bytes."""
    frozen = b"\n".join(path.read_bytes() for path in sorted(VECTORS.iterdir()) if path.suffix != ".zst").decode()
    quoted = re.findall(r"`([0-9a-f]{64})`", UPLINK)
    assert len(quoted) == 6
    assert [value for value in quoted if value not in frozen] == []
    lines = re.findall(r"^   (\{.*\})$", UPLINK, re.MULTILINE)
    assert len(lines) == 2
    assert [line for line in lines if line not in frozen] == []
    lengths = re.findall(r"`(\w+\.record)`, (\d+) bytes", UPLINK)
    assert lengths == [(name, str((VECTORS / name).stat().st_size)) for name in ("genesis.record", "weighing.record")]
    values = json.loads((VECTORS / "values.json").read_bytes())
    (seal,) = re.findall(r"`([0-9a-f]{16})…`", UPLINK)
    assert values["weighing"]["seal"].startswith(seal)


def test_the_documents_topics_are_the_codes() -> None:
    """push, have, need and the collectors' shared subscription."""
    own = (topics.push, topics.have, topics.need, topics.fetch, topics.give)
    for topic in (*(topic("{box}") for topic in own), topics.COLLECTORS, topics.FETCHES):
        assert f"`{topic}`" in UPLINK


def test_the_documents_submission_and_outcomes_are_the_codes() -> None:
    """Every key of a submission and every outcome stands in a table; so do the answer's bounds."""
    rows = "\n".join(re.findall(r"^\| (`[^|]*) \|", CORE, re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", rows))
    assert named == {field.name for field in fields(Submission)} | {
        o.value for o in Outcome if o is not Outcome.UNKNOWN
    }
    assert f"longer than {ANSWER_BYTES_MAX // 1024} KiB" in CORE
    assert f"at most {ANSWER_TEXT_CHARS_MAX} characters" in CORE
