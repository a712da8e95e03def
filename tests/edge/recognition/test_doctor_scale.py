"""The command: a port in, a configuration out; nothing is written before it is sure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from edge.scale.bench import TF0_8_50, Wire, plug, talking, usb_tree
from hazgate_edge.commands import doctor_scale
from hazgate_edge.commands.doctor_scale import Wanted
from hazgate_edge.config import load
from hazgate_edge.recognition.block import inserted

OLD = """\
# the box of hall 3
box: box-0001
data_folder: {folder}
site: hall 3
unit: {{code: "91110000MA01A2B3C4", name: Works, contact: Li 010}}
operators: [Li]
collector: {{public_key: "{key}"}}
broker: {{host: localhost}}
scales:
  - id: floor
    profile: st-gs
    link: {{kind: tcp, host: 10.0.0.5, port: 4001}}
    capacity: "300 kg"
    minimum: "1 kg"
    empty_below: "0.5 kg"
    division: "0.05 kg"

# printed at the door
printer: {{kind: tcp, host: 10.0.0.6}}
containers: [{{id: bag, name: bag, volume_l: 50}}]
wastes:
  - {{code: 900-041-49, name: rags, form: 固态, main_components: cotton, harmful_components: oil, precautions: dry,
      containers: [bag]}}
"""


async def run(port: str | None, wanted: Wanted, ask: object = None) -> int:
    return await asyncio.to_thread(doctor_scale.run, port, wanted, ask=ask)  # type: ignore[arg-type]


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def config_of(folder: Path) -> Path:
    path = folder / "edge.yaml"
    path.write_text(OLD.format(folder=folder, key="ab" * 32), encoding="utf-8")
    return path


async def test_a_recognised_scale_is_written_and_the_old_file_kept(tmp_path: Path) -> None:
    """The block replaces the old one, limits and id stay, everything else keeps its lines, a copy lies beside."""
    path = config_of(tmp_path)
    before = path.read_text("utf-8")
    wire = Wire()
    async with talking(wire, TF0_8_50):
        assert await run(wire.port, Wanted(known="8.5 kg", write=path)) == 0
    config = load(path)
    assert (config.scale.id, config.scale.profile) == ("floor", "yaohua-tf0")
    assert config.scale.link.model_dump()["port"] == wire.port
    assert config.scale.options == {"default_unit": "kg"}
    assert config.scale.capacity.to("kg") == 300
    assert (tmp_path / "edge.yaml.before-1").read_text("utf-8") == before
    assert "# the box of hall 3\n" in path.read_text("utf-8")
    assert "# printed at the door\n" in path.read_text("utf-8")
    wire.unplug()


async def test_without_a_known_weight_an_ambiguous_scale_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tF=0 does not say its unit: exit 1, the file stays, and the next step is named."""
    path = config_of(tmp_path)
    before = path.read_text("utf-8")
    wire = Wire()
    async with talking(wire, TF0_8_50):
        assert await run(wire.port, Wanted(write=path)) == 1
    assert path.read_text("utf-8") == before
    said = capsys.readouterr()
    assert "--known" in said.err
    assert "yaohua-tf0" in said.out
    assert "checksum" in said.out
    wire.unplug()


async def test_the_known_weight_is_asked_for_and_the_scale_heard_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong answer is asked again, the right one settles it."""
    answers = iter(["a lot", "85 kg", "8.5 kg"])
    wire = Wire()
    async with talking(wire, TF0_8_50):
        assert await run(wire.port, Wanted(), lambda _: next(answers)) == 0
    block = capsys.readouterr().out.partition("scales:\n")[2]
    assert yaml.safe_load(block)[0]["profile"] == "yaohua-tf0"
    wire.unplug()


async def test_a_file_that_check_config_refuses_stays_as_it_was(tmp_path: Path) -> None:
    """A mistake elsewhere in the file: nothing is changed and no copy is left."""
    path = config_of(tmp_path)
    path.write_text(path.read_text("utf-8").replace("volume_l: 50", "volume_l: 0"), encoding="utf-8")
    before = path.read_text("utf-8")
    wire = Wire()
    async with talking(wire, TF0_8_50):
        assert await run(wire.port, Wanted(known="8.5 kg", write=path)) == 1
    assert path.read_text("utf-8") == before
    assert names_in(tmp_path) == ["edge.yaml"]
    wire.unplug()


def test_the_ports_are_listed_with_names_that_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a port: what is plugged in, by the name to configure; a HID scale too."""
    places = usb_tree(tmp_path)
    plug(places, "ttyUSB0", "1a86:7523", "1-1.4")
    plug(places, "hidraw0", "0922:8003", "1-1.2", kind="hidraw")
    assert doctor_scale.run(None, Wanted(), places=places) == 0
    said = capsys.readouterr().out
    assert "usb:1a86:7523@1-1.4:1.0" in said
    assert "usb:0922:8003@1-1.2:1.0" in said


@pytest.mark.parametrize("port", ["tcp://10.0.0.5", "http://10.0.0.5:80", "/dev/no-such-port", "usb:1a86:7523"])
def test_a_port_that_is_none_is_said(port: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One line with the port and what is wrong, exit 1."""
    assert doctor_scale.run(port, Wanted(), places=usb_tree(tmp_path)) == 1
    assert port in capsys.readouterr().err


def test_a_file_without_scales_gets_them_at_its_end() -> None:
    """What is there stays, with or without a line end."""
    assert inserted("box: box-1", "scales:\n  - id: a\n") == "box: box-1\nscales:\n  - id: a\n"
