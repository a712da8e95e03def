"""The frozen bytes of checkpoints: read the same for ever. See checkpoint/v1/README.md before editing."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hazgate_protocols import canonical
from hazgate_protocols.journal import merkle
from hazgate_protocols.journal.checkpoint import (
    FILE_BYTES_MAX,
    STATEMENT_BYTES_MAX,
    Head,
    Inclusion,
    Statement,
    decode,
    make,
    succession_faults,
)
from hazgate_protocols.journal.seal import Signer

FOLDER = Path(__file__).parent / "checkpoint" / "v1"
VALUES: dict[str, Any] = json.loads((FOLDER / "values.json").read_bytes())
SIGNER = Signer.from_secret(bytes.fromhex(VALUES["collector_secret"]))
DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire" / "checkpoint.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_frozen_files_are_read_and_written_as_ever(name: str) -> None:
    """Content, hash, root, seal; and made again from its content it is the same, byte for byte."""
    data = (FOLDER / f"{name}.json").read_bytes()
    found, told = decode(data), VALUES[name]
    said = found.said
    assert found.faults(bytes.fromhex(VALUES["collector"])) == []
    assert (found.hash.hex(), said.root.hex(), found.seal.hex()) == (told["hash"], told["root"], told["seal"])
    again = make(
        SIGNER, reversed(found.heads), n=said.n, date=said.date, at=said.at, prev=said.prev, records=said.records,
        audit_n=said.audit_n, audit=said.audit,
    )  # fmt: skip
    assert again.encode() == found.encode() == data


def test_the_second_follows_the_first() -> None:
    """And not the other way round."""
    first, second = (decode((FOLDER / f"{name}.json").read_bytes()) for name in ("first", "second"))
    assert succession_faults(first, second) == []
    assert succession_faults(second, first) != []


def test_the_frozen_way_leads_from_the_head_to_the_root() -> None:
    """Three hashes of five heads; made again it is the same."""
    told = VALUES["inclusion"]
    found = decode((FOLDER / f"{told['checkpoint']}.json").read_bytes())
    head = Head(told["box"], told["seq"], bytes.fromhex(told["hash"]))
    way = Inclusion(head, told["index"], told["size"], tuple(bytes.fromhex(step) for step in told["path"]))
    assert way.shown_by(found.said)
    assert found.inclusion(head.box, head.hash) == way
    assert merkle.root([]).hex() == VALUES["empty_root"]


def test_the_document_says_what_the_code_does() -> None:
    """Every key of a statement stands in its table; bounds and quoted values are those of code and vectors."""
    keys = re.findall(r"^\| `(\w+)` \|", DOCUMENT.split("## 2.")[1].split("## 3.")[0], re.MULTILINE)
    assert keys == ["v", *(field.name for field in fields(Statement))]
    assert f"at most {FILE_BYTES_MAX >> 20} MiB" in DOCUMENT
    assert f"at most {STATEMENT_BYTES_MAX} bytes" in DOCUMENT
    frozen = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.json"))
    quoted = re.findall(r"`([0-9a-f]{64})`", DOCUMENT)
    assert len(quoted) >= 6
    assert [value for value in quoted if value not in frozen] == []
    (line,) = re.findall(r"^(\{\"at\".*\})$", DOCUMENT, re.MULTILINE)
    assert line.encode() == canonical.encode(canonical.decode((FOLDER / "first.json").read_bytes())["statement"])
