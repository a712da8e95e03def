"""Every simulated device on its own kind of link, read by the box's own reader."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from edge.scale.bench import reading
from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.families import FAMILIES
from hazgate_simulators.scale.hid import HidPipe
from hazgate_simulators.scale.links import LinkError
from hazgate_simulators.scale.simulator import ScaleSimulator


def box_link(address: str) -> dict[str, Any]:
    """The box's configuration for what the simulator says it is."""
    kind, _, rest = address.partition(":")
    if kind in ("tcp", "modbus-tcp"):
        host, _, port = rest.rpartition(":")
        return {"kind": kind, "host": host, "port": int(port)}
    return {"kind": {"pty": "serial"}.get(kind, kind), "port": rest}


async def is_read(profile: str, folder: Path) -> None:
    """A load at rest is shown by the box as the platform shows it."""
    family = FAMILIES[profile]
    link = family.links[0]
    scale = ScaleSimulator(profile, f"{link}:{folder / profile}" if "tcp" not in link else f"{link}:127.0.0.1:0")
    divisions = scale.platform.spec.capacity_divisions // 7 * 3
    scale.put(Mass.of(divisions * family.division, "kg"))
    scale.platform.place(scale.load)
    await scale.start()
    try:
        async with reading(profile, box_link(scale.address), family.options) as bench:
            await bench.shows(f"{divisions * family.division:f}")
        scale.check_alive()
    finally:
        await scale.stop()


async def test_the_box_reads_every_simulated_device_over_its_usual_link(tmp_path: Path) -> None:
    """Serial ports, polls, handshakes, Modbus and HID reports, all at once: each weight is the platform's."""
    ended = await asyncio.gather(*(is_read(name, tmp_path) for name in FAMILIES), return_exceptions=True)
    assert {name: str(end) for name, end in zip(FAMILIES, ended, strict=True) if end is not None} == {}


async def test_a_hid_pipe_comes_and_goes_like_a_device(tmp_path: Path) -> None:
    """Nobody reads: nothing is kept. A reader gets reports; stop() is its end of file; a plain file is not touched."""
    pipe = HidPipe(tmp_path / "scale")
    await pipe.start(lambda _: None)
    assert not pipe.is_listened_to
    assert not pipe.send(b"lost")
    reader = os.open(pipe.path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert pipe.send(b"report")
        assert os.read(reader, 64) == b"report"
        await pipe.stop()
        assert os.read(reader, 64) == b""
    finally:
        os.close(reader)
    assert not pipe.path.exists()
    pipe.path.write_text("mine")
    with pytest.raises(LinkError, match="no pipe stands there"):
        await pipe.start(lambda _: None)
    assert pipe.path.read_text() == "mine"
