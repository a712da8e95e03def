"""The whole box on a disk that fails: it says why and ends, so that systemd starts it again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.makers import DEV, UNIT, StandingClock, weigh
from edge.test_config import written
from hazgate_edge.app import JOURNAL_FILE
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.record import BOOT, Record

pytestmark = [pytest.mark.system]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A box whose journal holds a weighing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = written(
        tmp_path,
        ("collector:", f"terminal: {{host: 127.0.0.1, port: {port}}}\ncollector:"),
        ("/dev/ttyUSB0", "/dev/null"),
    )
    folder = tmp_path / "box"
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    weigh(journal, "press-1")
    journal.close()
    return path


def box(config: Path, calls: str, error: str, when: str) -> subprocess.CompletedProcess[str]:
    """`hazgate-edge run` until it ends by itself, with the journal's log failing."""
    log = config.parent / "box" / f"{JOURNAL_FILE}-wal"
    strace = ["strace", "-f", "-qq", "-P", str(log), "-o", str(config.parent / "trace"), "-e", f"trace={calls}"]
    inject = ["-e", f"inject={calls}:error={error}:when={when}"]
    command = [*strace, *inject, sys.executable, "-m", "hazgate_edge.cli", "run", "--config", str(config)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )


@pytest.mark.fault(16, 17)
@pytest.mark.parametrize("when", ["1", "2", "2+"], ids=["while-starting", "at-the-first-seal", "from-then-on"])
def test_a_box_whose_disk_fails_says_so_and_ends(config: Path, when: str) -> None:
    """Exit 1 and one plain line; no trace of the program's inside."""
    ended = box(config, "fdatasync", "EIO", when)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "disk I/O error" in ended.stderr.splitlines()[-1]
    assert "存储错误" in ended.stderr.splitlines()[-1]


@pytest.mark.fault(14, 21)
@pytest.mark.parametrize("error", ["ENOSPC", "EMFILE"], ids=["no-inode-left", "no-descriptor-left"])
def test_a_box_that_cannot_open_its_journal_says_so_and_moves_nothing(config: Path, error: str) -> None:
    """The log file cannot be made: one plain line, exit 1, and the journal stays where and as it is."""
    journal = config.parent / "box" / JOURNAL_FILE
    before = journal.read_bytes()
    ended = box(config, "openat", error, "1+")
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "unable to open database file" in ended.stderr.splitlines()[-1]
    assert journal.read_bytes() == before
    assert list(journal.parent.glob("*set-aside*")) == []


@pytest.mark.fault(9)
def test_a_box_with_a_damaged_journal_sets_it_aside_and_writes_so_in_its_new_one(config: Path) -> None:
    """It comes up, the file is kept, and the boot record, which the collector gets, names it."""
    folder = config.parent / "box"
    damaged = bytearray((folder / JOURNAL_FILE).read_bytes())
    damaged[4096:4196] = bytes(100)
    (folder / JOURNAL_FILE).write_bytes(damaged)
    command = [sys.executable, "-m", "hazgate_edge.cli", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = []
        for line in running.stderr:
            said.append(line)
            if " ready; " in line:
                break
        running.terminate()
        running.communicate(timeout=30)
    assert running.returncode == 0, said
    assert any("日志损坏，已另存" in line for line in said)
    (kept,) = folder.glob("journal-set-aside-*.sqlite3")
    assert kept.read_bytes() == damaged
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    boots = [Record.decode(row[3]) for row in journal.chain() if Record.decode(row[3]).kind == BOOT]
    journal.close()
    assert [boot.body["found"]["journal"].split(":")[0] for boot in boots] == [kept.name]
