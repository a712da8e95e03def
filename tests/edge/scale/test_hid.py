"""HID scales are files whose reads are whole reports; names of USB devices are looked up in a made-up sysfs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.scale.bench import plug, reading, unplug, until, usb_tree
from hazgate_edge.scale.links import HidLink, LinkError
from hazgate_edge.scale.names import PortNameError, check_name, present, resolve, stable_name

STABLE = bytes.fromhex("03 04 03 FE 10 31")  # 125.60 kg
STALE = bytes.fromhex("03 04 03 FE 00 10")  # 40.96 kg
CUT = bytes.fromhex("03 04 03 FE")


class Reports:
    """A pipe that keeps what is written apart, as hidraw keeps reports; `path` opens like a device."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
        self.path = f"/dev/fd/{self._out}"

    def send(self, *reports: bytes) -> None:
        for report in reports:
            os.write(self._in, report)

    def unplug(self) -> None:
        os.close(self._in)
        os.close(self._out)


async def test_reports_are_read_one_by_one_and_the_first_old_one_is_left_out() -> None:
    """The device has a report ready from before; what counts is what comes after."""
    device = Reports()
    device.send(STALE)
    async with reading("usb-hid-scale", {"kind": "hid", "port": device.path}) as bench:
        device.send(STABLE, STABLE)
        await bench.shows("125.60")
        await until(lambda: bench.pan.steady(bench.clock.mono_ns()), "a steady weight")
        assert set(bench.pan.seen) == {"125.60"}
    device.unplug()


async def test_a_cut_report_is_never_joined_to_the_next() -> None:
    """Joined, 03 04 03 FE and 03 04 would read 10.27 kg."""
    device = Reports()
    async with reading("usb-hid-scale", {"kind": "hid", "port": device.path}) as bench:
        device.send(STALE)
        for _ in range(5):
            device.send(CUT, STABLE)
        await until(lambda: len(bench.pan.seen) == 5, "five readings")
        assert set(bench.pan.seen) == {"125.60"}
    device.unplug()


async def test_a_hid_scale_is_found_again_under_another_number(tmp_path: Path) -> None:
    """hidraw0 goes, hidraw3 comes at the same USB port."""
    places = usb_tree(tmp_path)
    first, second = Reports(), Reports()
    plug(places, "hidraw0", "0922:8003", "1-1.2", kind="hidraw").symlink_to(first.path)
    async with reading("usb-hid-scale", {"kind": "hid", "port": "usb:0922:8003@1-1.2"}, places=places) as bench:
        first.send(STALE, STABLE)
        await bench.shows("125.60")
        unplug(places, "hidraw0", "hidraw")
        first.unplug()
        await bench.shows("")
        plug(places, "hidraw3", "0922:8003", "1-1.2", kind="hidraw").symlink_to(second.path)
        zero = bytes.fromhex("03 02 03 FE 00 00")
        second.send(zero, zero)
        await bench.shows("0.00")
    second.unplug()


async def test_what_is_no_device_is_refused_with_its_name(tmp_path: Path) -> None:
    """A missing node, and a plain file, which nothing can wait for; and nothing is ever written to a scale."""
    with pytest.raises(LinkError, match=r"open .*nothing: No such file"):
        HidLink(str(tmp_path / "nothing"))
    (tmp_path / "plain").write_bytes(STABLE)
    with pytest.raises(LinkError, match="a device is wanted"):
        HidLink(str(tmp_path / "plain"))
    device = Reports()
    link = HidLink(device.path)
    with pytest.raises(LinkError, match="only read"):
        await link.write(b"\x01")
    link.close()
    device.unplug()


def test_a_name_finds_one_device_or_says_what_is_there(tmp_path: Path) -> None:
    """By port, by interface of a double adapter; nothing there, or several, are named."""
    places = usb_tree(tmp_path)
    plug(places, "ttyUSB0", "1a86:7523", "1-1.2")
    plug(places, "ttyUSB1", "1a86:7523", "1-1.4")
    plug(places, "ttyUSB2", "0403:6010", "2-1", interface="1.0")
    plug(places, "ttyUSB3", "0403:6010", "2-1", interface="1.1")
    (places.sysfs / "class" / "tty" / "ttyS0").symlink_to(places.sysfs / "devices")
    assert resolve("usb:1a86:7523@1-1.4", "tty", places) == places.dev / "ttyUSB1"
    assert resolve("usb:0403:6010@2-1:1.1", "tty", places) == places.dev / "ttyUSB3"
    assert resolve("/dev/ttyS7", "tty", places) == Path("/dev/ttyS7")
    with pytest.raises(PortNameError, match=r"several: usb:1a86:7523@1-1\.2:1\.0, usb:1a86:7523@1-1\.4:1\.0"):
        resolve("usb:1a86:7523", "tty", places)
    with pytest.raises(PortNameError, match=r"not plugged in there; present: usb:1a86:7523@1-1\.2:1\.0, "):
        resolve("usb:1a86:7523@1-3", "tty", places)
    with pytest.raises(PortNameError, match="present: nothing of this kind"):
        resolve("usb:1a86:7523", "hidraw", places)
    assert [item.node.name for item in present("tty", places)] == ["ttyUSB0", "ttyUSB1", "ttyUSB2", "ttyUSB3"]


def test_the_name_to_write_down_is_the_serial_number_where_there_is_one(tmp_path: Path) -> None:
    """/dev/serial/by-id for an FTDI, the USB port for a CH340, the node for a port that is no USB."""
    places = usb_tree(tmp_path)
    for node, usb, port, serial in (("ttyUSB0", "0403:6001", "1-1", "A50285BI"), ("ttyUSB1", "1a86:7523", "1-2", "")):
        plug(places, node, usb, port, serial=serial).write_bytes(b"")
    by_id = places.dev / "serial" / "by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-FTDI_FT232R_A50285BI-if00-port0").symlink_to(places.dev / "ttyUSB0")
    assert stable_name(places.dev / "ttyUSB0", "tty", places) == str(by_id / "usb-FTDI_FT232R_A50285BI-if00-port0")
    assert stable_name(places.dev / "ttyUSB1", "tty", places) == "usb:1a86:7523@1-2:1.0"
    assert stable_name(Path("/dev/ttyS0"), "tty", places) == "/dev/ttyS0"


@pytest.mark.parametrize("text", ["usb:1A86:7523", "usb:1a86", "usb:1a86:7523@1", "usb:1a86:7523@../1-1", "usb:"])
def test_a_name_that_is_written_wrongly_is_refused(text: str) -> None:
    """Already when the configuration is checked; and it can never lead out of sysfs."""
    with pytest.raises(PortNameError, match="a USB name is usb:VENDOR:PRODUCT@BUS-PORT"):
        check_name(text)
