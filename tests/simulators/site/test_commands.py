"""The commands as a stranger runs them: processes, addresses, signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import serial

from hazgate_simulators.scale.families import FAMILIES

BAG = bytes.fromhex("02 2B 30 30 31 32 33 34 32 31 44 03")  # 12.34
MAIN = "from hazgate_simulators.cli import main; main()"


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """hazgate-sim as a process that is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", MAIN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """The first line of output that matches; the test's own time limit bounds the wait."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if found := re.search(pattern, line):
            return found[0]
    raise AssertionError(f"no {pattern!r} in {seen}")


def weighed(path: Path) -> bytes:
    """The bytes from the port up to the frame of the bag."""
    with serial.Serial(str(path), 9600, timeout=20) as port:
        return bytes(port.read_until(BAG, 20_000))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_site_serves_page_and_scale_and_stops_clean(tmp_path: Path, ending: signal.Signals) -> None:
    """A bag put on by HTTP is read from the pty; the signal ends everything with code 0, event stream or not."""
    name = tmp_path / "scale"
    with running(
        "site", "--profile", "yaohua-tf0", "--scale-link", f"pty:{name}", "--listen", "127.0.0.1:0"
    ) as process:
        page = line_with(process, r"http://\S+")
        assert httpx.post(f"{page}api/load", json={"kg": "12.34"}).status_code == 200
        assert weighed(name).endswith(BAG)
        with httpx.stream("GET", f"{page}api/events") as events:
            assert next(events.iter_lines()).startswith("data: ")
            process.send_signal(ending)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "site stopped" in output
        assert "Traceback" not in output
        assert not os.path.lexists(name)


def test_a_killed_site_starts_again_under_the_same_name(tmp_path: Path) -> None:
    """kill -9 leaves the symbolic link behind; the next process takes it over."""
    name = tmp_path / "scale"
    arguments = ("site", "--scale-link", f"pty:{name}")
    with running(*arguments) as process:
        line_with(process, r"http://\S+")
    assert os.path.lexists(name)
    with running(*arguments) as process:
        page = line_with(process, r"http://\S+")
        httpx.post(f"{page}api/load", json={"kg": "12.34"})
        assert weighed(name).endswith(BAG)


def test_the_scale_command_follows_a_script_to_its_end(tmp_path: Path) -> None:
    """Steps are said as they happen; "end" ends with code 0."""
    script = tmp_path / "script.yaml"
    script.write_text('- {at_s: 0.1, put: "12.34"}\n- {at_s: 0.2, fault: silent}\n- {at_s: 0.3, do: end}\n')
    with running("scale", "--link", "tcp:127.0.0.1:0", "--script", str(script)) as process:
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert [line.strip() for line in output.splitlines() if " s  " in line] == [
        "0.10 s  put 12.34 kg",
        "0.20 s  fault silent",
        "0.30 s  end",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("scale", "--profile", "abacus"), "yaohua-tf0"),
        (("scale", "--link", "usb:1"), "pty:PATH"),
        (("scale", "--division", "0.03"), "division"),
        (("scale", "--replay", "no-such-device"), "cannot"),
        (("scale", "--script", "/nowhere.yaml"), "cannot"),
        (("site", "--scale-link", "pty:x", "--listen", "here"), "HOST:PORT"),
    ],
)
def test_a_wrong_option_is_answered_with_what_is_allowed(arguments: tuple[str, ...], complaint: str) -> None:
    """Code 2 and a sentence, no traceback."""
    with running(*arguments) as process:
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert complaint in output
    assert "Traceback" not in output


def test_the_list_names_families_and_faults() -> None:
    """What can be simulated, for a stranger."""
    with running("scale", "--list") as process:
        output, _ = process.communicate(timeout=20)
    assert {"yaohua-tf0", "toledo-cont", "st-gs", "mt-sics", "modbus-laumas", "torn_writes", "unplug"} <= set(
        output.split()
    )


def test_the_list_names_every_device_and_each_can_be_started() -> None:
    """--list has all profiles; without a link a HID scale makes its pipe, any other a TCP port."""
    with running("scale", "--list") as process:
        listed, _ = process.communicate(timeout=60)
    assert {line.split()[0] for line in listed.split("\n\n")[0].splitlines()} == set(FAMILIES)
    for profile, address in (("usb-hid-scale", r"hid:\S+"), ("modbus-kpr", r"tcp:\S+"), ("dibal-98", r"tcp:\S+")):
        with running("scale", "--profile", profile) as process:
            link = line_with(process, f"scale {profile} on {address}")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            assert process.returncode == 0
            assert not Path(link.split(" on hid:")[-1]).exists()
