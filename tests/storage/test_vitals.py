"""The running box and its keeper: signs of life, a fresh start when it is unwell, the last good configuration."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.makers import StandingClock
from edge.test_config import written
from hazgate_edge.app import DISK_FREE_MIN, JOURNAL_FILE, disk_warning
from hazgate_edge.config import ConfigError
from hazgate_edge.domain.view import Say
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal.store import Journal
from hazgate_edge.lastgood import TRIES, LastGood
from hazgate_edge.logs import KINDS_MAX, SAME_MAX, SAME_WINDOW_S, Sparing
from hazgate_edge.vitals import Vitals, open_descriptors
from hazgate_protocols.journal.record import BOOT, Record

pytestmark = [pytest.mark.system]
WAIT_S = 30.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A box that can run: its scale is silent, its broker away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return written(
        tmp_path,
        ("collector:", f"terminal: {{host: 127.0.0.1, port: {port}}}\ncollector:"),
        ("/dev/ttyUSB0", "/dev/null"),
    )


class Keeper:
    """What systemd is for a box: it starts it and listens to its notifications."""

    def __init__(self, config: Path, watchdog_s: float) -> None:
        self.config = config
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(config.parent / "notify"))
        self.environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(config.parent / "notify"),
            "WATCHDOG_USEC": str(int(watchdog_s * 1e6)),
        }
        self.environment.pop("WATCHDOG_PID", None)

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "hazgate_edge.cli", "run", "--config", str(self.config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment) as box:
            try:
                yield box
            finally:
                box.kill()

    def hear(self, within_s: float) -> str:
        """The next message, "" when none comes in time."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(200).decode()
        except TimeoutError:
            return ""

    def drain(self) -> None:
        while self.hear(0.01):
            pass


@pytest.fixture
def keeper(config: Path) -> Iterator[Keeper]:
    made = Keeper(config, watchdog_s=0.5)
    yield made
    made.socket.close()


@pytest.mark.fault(22)
def test_a_box_that_stands_still_falls_silent_and_so_is_started_again(keeper: Keeper) -> None:
    """READY, then a beat each quarter of a second; none while it is stopped; and the end is told."""
    with keeper.running() as box:
        assert keeper.hear(WAIT_S) == "READY=1"
        assert [keeper.hear(5) for _ in range(3)] == ["WATCHDOG=1"] * 3
        box.send_signal(signal.SIGSTOP)
        keeper.drain()
        assert keeper.hear(1.0) == "", "a stopped loop must not beat: systemd would never know"
        box.send_signal(signal.SIGCONT)
        assert keeper.hear(5) == "WATCHDOG=1"
        box.terminate()
        heard = [keeper.hear(5) for _ in range(4)]
        assert "STOPPING=1" in heard
        assert box.wait(WAIT_S) == 0


@pytest.mark.fault(22)
async def test_a_box_whose_writer_has_died_ends_itself() -> None:
    """A loop that turns beside a dead thread is no life: no beat any more, and the reason comes back."""
    alive = iter([True, False])
    vitals = Vitals({"WATCHDOG_USEC": "20000"}, alive=lambda: next(alive))
    async with asyncio.timeout(5):
        assert "writer has died" in await vitals.run()


@pytest.mark.fault(21)
def test_a_box_that_runs_out_of_descriptors_ends_in_words_before_it_cannot_open_any(keeper: Keeper) -> None:
    """A leak, played by lowering the limit of the running box: one plain line, exit 1, journal whole."""
    with keeper.running() as box:
        assert keeper.hear(WAIT_S) == "READY=1"
        used = len(list(Path(f"/proc/{box.pid}/fd").iterdir()))
        few = int(used / 0.85)
        resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (few, few))
        assert box.wait(WAIT_S) == 1
        assert box.stderr is not None
        said = box.stderr.read()
    assert "E-105" in said.splitlines()[-1]
    assert "Traceback" not in said
    folder = keeper.config.parent / "box"
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    assert journal.head_seq == 3  # genesis, boot, and an ask for label numbers
    journal.close()


def test_a_process_knows_its_own_descriptors() -> None:
    """One file more is one more."""
    before, allowed = open_descriptors()
    with Path(__file__).open():
        assert open_descriptors() == (before + 1, allowed)


@pytest.mark.fault(23)
def test_after_three_starts_in_vain_the_box_runs_with_its_last_good_configuration(keeper: Keeper) -> None:
    """The good one is remembered when it runs; a bad one is refused twice; the third start says so and works."""
    good = keeper.config.read_text("utf-8")
    with keeper.running() as box:
        assert keeper.hear(WAIT_S) == "READY=1"
        box.terminate()
        assert box.wait(WAIT_S) == 0
    keeper.drain()
    keeper.config.write_text(good.replace("box: box-0001", "box: BOX 1"), "utf-8")
    for _ in range(TRIES - 1):
        with keeper.running() as box:
            assert box.wait(WAIT_S) == 1
            assert box.stderr is not None
            assert ": box: " in box.stderr.read()
    with keeper.running() as box:
        assert keeper.hear(WAIT_S) == "READY=1"
        box.terminate()
        assert box.wait(WAIT_S) == 0
        assert box.stderr is not None
        assert "已用上一版本" in box.stderr.read()
    folder = keeper.config.parent / "box"
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    boots = [Record.decode(row[3]).body["found"] for row in journal.chain() if Record.decode(row[3]).kind == BOOT]
    journal.close()
    assert ["configuration" in found for found in boots] == [False, True]


@pytest.mark.fault(23)
def test_another_mistake_or_a_good_file_starts_the_count_anew(config: Path) -> None:
    """Only the same bytes in vain count up; without a copy there is nothing to go back to."""
    last_good, good = LastGood(config, {}), config.read_text("utf-8")
    for text in ("nonsense: 1\n", "nonsense: 2\n", "nonsense: 1\n", "nonsense: 1\n", "nonsense: 1\n"):
        config.write_text(text)
        with pytest.raises(ConfigError):
            last_good.choose()
    config.write_text(good, "utf-8")
    assert last_good.choose().problem == ""
    last_good.keep()
    bad = good.replace("profile: ", "profile: no-such-", 1)
    assert bad != good
    config.write_text(bad, "utf-8")
    for _ in range(TRIES - 1):
        with pytest.raises(ConfigError, match=r"scales\[0\]\.profile"):
            last_good.choose()
    chosen = last_good.choose()
    assert chosen.path != config
    assert "no-such-" in chosen.problem


@pytest.mark.fault(28)
def test_a_storm_of_log_lines_is_counted_and_not_written() -> None:
    """A line repeated a hundred thousand times is written SAME_MAX times a minute; the rest is a number; other lines
    still pass, and the memory of it has a bound."""
    now = [0.0]
    sparing = Sparing(lambda: now[0])

    def line(text: str, *values: object) -> logging.LogRecord:
        return logging.LogRecord("hazgate_edge.scale", logging.WARNING, "", 0, text, values, None)

    passed = sum(sparing.filter(line("lost %d", number)) for number in range(100_000))
    assert passed == SAME_MAX
    assert sparing.filter(line("another"))
    now[0] = SAME_WINDOW_S
    later = line("lost %d", 7)
    assert sparing.filter(later)
    assert later.getMessage() == f"lost 7 ({100_000 - SAME_MAX} more like this were not written)"
    for number in range(3 * KINDS_MAX):
        sparing.filter(line(f"kind {number}"))
    assert len(sparing._kinds) <= KINDS_MAX


@pytest.mark.fault(12)
def test_a_filling_disk_is_said_long_before_weighing_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a fifth, and not any more where the stronger sentence takes its place."""
    whole = DISK_FREE_MIN * 100

    def usage(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(total=whole, free=free))

    usage(whole // 5)
    assert disk_warning(tmp_path) is None
    usage(whole // 5 - 1)
    warned = disk_warning(tmp_path)
    assert warned is not None
    assert warned.say == Say("DISK-02", {"percent": "19"})
    usage(DISK_FREE_MIN - 1)
    assert disk_warning(tmp_path) is None
