"""hazgate-verify over checkpoint files: in words, with a plain exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazgate_protocols.evidence.command import FAILED, NO_BUNDLE, PROVED, main
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.checkpoint import Checkpoint, Head, make
from hazgate_protocols.journal.seal import Signer

KEY = Signer.from_secret(b"c" * 32)


def made(n: int, prev: bytes, *heads: Head, signer: Signer = KEY) -> Checkpoint:
    day = f"2026-03-{9 + n:02d}"
    return make(
        signer, heads, n=n, date=day, at=f"{day}T16:00:00.000Z", prev=prev, records=10 + n, audit_n=0, audit=ROOT
    )


FIRST = made(1, ROOT, Head("gate-01", 5, b"1" * 32), Head("gate-02", 6, b"2" * 32))
SECOND = made(2, FIRST.hash, Head("gate-01", 6, b"3" * 32), Head("gate-02", 6, b"2" * 32))
THIRD = made(3, SECOND.hash, Head("gate-01", 7, b"4" * 32), Head("gate-02", 6, b"2" * 32))


def run(
    folder: Path, capsys: pytest.CaptureFixture[str], *given: Checkpoint | bytes, key: Signer | None = None
) -> tuple[int, str]:
    """Exit code and all that was said."""
    names = []
    for number, item in enumerate(given):
        path = folder / f"{number}.json"
        path.write_bytes(item if isinstance(item, bytes) else item.encode())
        names.append(str(path))
    pinned = ["--collector-key", key.public().hex()] if key else []
    code = main([*names, *pinned])
    out = capsys.readouterr()
    return code, out.out + out.err


def test_one_checkpoint_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it says, its hash, and what it cannot show; proved only if the key is the true one."""
    code, said = run(tmp_path, capsys, FIRST)
    assert code == PROVED
    assert "held 11 records of 2 boxes, ending in the 2 heads listed" in said
    assert FIRST.hash.hex() in said
    assert "if the keys named above are the true ones" in said
    code, said = run(tmp_path, capsys, FIRST, key=KEY)
    assert "PROVED, within the limits above." in said


def test_the_later_extends_the_earlier_whatever_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Linked by hash; three in a row are one chain; with one left out it is said."""
    code, said = run(tmp_path, capsys, SECOND, FIRST, THIRD, key=KEY)
    assert code == PROVED
    assert "Checkpoint 2 names the hash of checkpoint 1" in said
    assert "Checkpoint 3 names the hash of checkpoint 2" in said
    assert "1 heads are the same, 1 are replaced by later ones, 1 records came" in said
    code, said = run(tmp_path, capsys, FIRST, THIRD)
    assert code == PROVED
    assert "the 1 between them are not shown" in said


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (made(1, ROOT, Head("gate-01", 5, b"1" * 32)), "begun anew from an older copy"),
        (made(2, b"x" * 32, *SECOND.heads), "not the checkpoint 1 shown here"),
        (made(2, FIRST.hash, SECOND.heads[0]), "gate-02: record 6"),
        (made(2, FIRST.hash, *SECOND.heads, signer=Signer.from_secret(b"o" * 32)), "different collectors"),
    ],
    ids=["two of a number", "not linked", "a box is gone", "another collector"],
)
def test_one_that_does_not_extend_is_named(
    later: Checkpoint, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each holds in itself; together they do not."""
    code, told = run(tmp_path, capsys, FIRST, later)
    assert (code, said in told) == (FAILED, True), told
    assert "NOT PROVED." in told


def test_a_changed_byte_anywhere_is_never_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every position of the file: refused as unreadable, or a check fails."""
    data = FIRST.encode()
    for at in range(len(data)):
        code, _ = run(tmp_path, capsys, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert code in (FAILED, NO_BUNDLE), at
    code, said = run(tmp_path, capsys, FIRST, key=Signer.from_secret(b"o" * 32))
    assert (code, "it names the collector's key" in said) == (FAILED, True)
