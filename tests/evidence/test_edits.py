"""One changed byte anywhere is found, and the line it stands in is named."""

from __future__ import annotations

import os
import random
import re
from itertools import pairwise

import pytest

from evidence.place import COLLECTOR_KEY
from evidence.second_verifier import problems
from hazgate_protocols.evidence.bundle import Bundle, DamagedError, NotABundleError, decode_bundle
from hazgate_protocols.evidence.checks import check
from storage.depth import count

EDITS = int(os.environ.get("HAZGATE_EDITS", "300"))  # 10000 in the long run
SEED = int(os.environ.get("HAZGATE_SEED", "20261123"))


def line_of(data: bytes, offset: int) -> int:
    """The line a byte stands in, from 1; a line feed belongs to the line it ends."""
    return data.count(b"\n", 0, offset) + 1


def named_line(data: bytes) -> int:
    """The first line our verifier names; 0 when it finds nothing."""
    try:
        bundle: Bundle = decode_bundle(data)
    except DamagedError as exc:
        return exc.line
    return next((finding.line for finding in check(bundle).findings if finding.verdict == "failed"), 0)


def second_named_line(data: bytes) -> int:
    """The line the second verifier names; 0 when it finds nothing."""
    found = problems(data, COLLECTOR_KEY.public().hex())
    match = re.match(r"line (\d+)", found[0]) if found else None
    return int(match[1]) if match else 0


@pytest.mark.timeout(120 + EDITS // 20)
def test_each_random_edit_is_found_and_its_line_named_by_both_verifiers(evidence: bytes) -> None:
    """Seeded: HAZGATE_EDITS says how many, HAZGATE_SEED which. Neither verifier ever fails to answer. Every other edit
    takes a line first and a byte of it then: the pictures are nine tenths of the bytes."""
    rng = random.Random(SEED)
    ends = [at + 1 for at in range(len(evidence)) if evidence[at : at + 1] == b"\n"]
    lines = list(pairwise([0, *ends]))
    wrong = []
    for number in range(EDITS):
        start, end = rng.choice(lines) if number % 2 else (0, len(evidence))
        offset = rng.randrange(start, end)
        edited = bytearray(evidence)
        edited[offset] ^= rng.randrange(1, 256)
        expected = line_of(evidence, offset)
        named = named_line(bytes(edited)), second_named_line(bytes(edited))
        if named != (expected, expected):
            wrong.append((SEED, offset, edited[offset], expected, named))
    assert wrong == []
    count("bytes of an evidence file changed, each found and its line named by both verifiers", EDITS)


@pytest.mark.parametrize("put", [b"\n", b" ", b'"', b"0"])
def test_each_byte_of_the_lines_ends_and_of_the_last_line_is_covered(evidence: bytes, put: bytes) -> None:
    """Where a file format hides its slack: every separator, and every byte of the line that vouches for the others."""
    ends = [at for at in range(len(evidence)) if evidence[at : at + 1] == b"\n"]
    last = range(ends[-2] + 1, len(evidence))
    for offset in [*ends, *last]:
        if evidence[offset : offset + 1] != put:
            edited = evidence[:offset] + put + evidence[offset + 1 :]
            assert named_line(edited) == line_of(evidence, offset), offset


def test_bytes_put_in_or_taken_out_are_found(evidence: bytes) -> None:
    """Not only changed ones."""
    rng = random.Random(SEED)
    for _ in range(100):
        offset = rng.randrange(len(evidence))
        assert named_line(evidence[:offset] + evidence[offset + 1 :]) == line_of(evidence, offset)
        longer = evidence[:offset] + bytes([rng.randrange(256)]) + evidence[offset:]
        assert named_line(longer) != 0
    assert named_line(evidence + b"\n") != 0
    assert named_line(evidence + b"x") != 0


def test_a_file_cut_anywhere_is_found(evidence: bytes) -> None:
    """Also exactly between two lines. What is left of the first line only is no evidence file at all."""
    first = evidence.index(b"\n")
    ends = [at + 1 for at in range(len(evidence) - 1) if evidence[at : at + 1] == b"\n"]
    for cut in [*ends, *range(first + 1, len(evidence), 211), len(evidence) - 1]:
        assert named_line(evidence[:cut]) != 0
        assert second_named_line(evidence[:cut]) != 0
    with pytest.raises(NotABundleError):
        decode_bundle(evidence[: first - 1])


def test_the_untouched_file_has_nothing_to_name(evidence: bytes) -> None:
    """The other way round, or the tests above would prove nothing."""
    assert named_line(evidence) == 0
    assert problems(evidence, COLLECTOR_KEY.public().hex()) == []


def test_a_capital_hex_digit_in_the_last_line_is_found_by_both(evidence: bytes) -> None:
    """Found by 10,000 edits: no digest covers the last line's seal, and most readers of hex take capitals."""
    start = evidence.rindex(b"\n", 0, -1) + 1
    for offset in range(start, len(evidence)):
        if evidence[offset : offset + 1] in b"abcdef":
            edited = evidence[:offset] + evidence[offset : offset + 1].upper() + evidence[offset + 1 :]
            assert (named_line(edited), second_named_line(edited)) == (21, 21), offset
