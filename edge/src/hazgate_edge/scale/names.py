"""Stable names of USB serial ports and HID scales: found again after a replug, whatever the kernel calls them today.

    /dev/serial/by-id/...          best, where the adapter has a serial number
    /dev/serial/by-path/...        by the place it is plugged into
    usb:1a86:7523@1-1.4            vendor, product and USB port: for CH340 (no serial number) and for HID scales
    usb:1a86:7523@1-1.4:1.2        the same and the interface, for adapters with several ports
    usb:0922:8003                  where only one of its kind is plugged in

Names are looked up in sysfs each time a port is opened (Documentation/ABI/stable/sysfs-bus-usb: idVendor, idProduct;
the folder of a device is named by bus and port).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["tty", "hidraw"]
PARENTS_MAX = 32
_NAME = re.compile(r"usb:([0-9a-f]{4}):([0-9a-f]{4})(?:@([0-9]+-[0-9]+(?:\.[0-9]+)*)(?::([0-9]+\.[0-9]+))?)?")


class PortNameError(ValueError):
    """A name that is written wrongly, or that stands for no device or for several; the text says which are there."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the kernel shows its devices; other folders only in tests."""

    sysfs: Path = Path("/sys")
    dev: Path = Path("/dev")


@dataclass(frozen=True, slots=True)
class UsbNode:
    """One device node that hangs on USB."""

    node: Path
    vendor: str
    product: str
    port: str  # bus and port: 1-1.4
    interface: str  # configuration and interface: 1.0
    serial: str = ""

    @property
    def name(self) -> str:
        """The name that finds it at this place again."""
        return f"usb:{self.vendor}:{self.product}@{self.port}:{self.interface}"


def check_name(text: str) -> str:
    """The text, if it is a path or a USB name; raises PortNameError otherwise."""
    if not text.startswith("usb:") or _NAME.fullmatch(text):
        return text
    raise PortNameError(
        f"{text!r}: a USB name is usb:VENDOR:PRODUCT@BUS-PORT in small letters, such as usb:1a86:7523@1-1.4"
    )


def resolve(text: str, kind: Kind, places: Places) -> Path:
    """The device node behind a name, now. A path stays what it is. Raises PortNameError."""
    found = _NAME.fullmatch(check_name(text))
    if found is None:
        return Path(text)
    vendor, product, port, interface = found.groups()
    here = list(present(kind, places))
    fits = [
        item
        for item in here
        if (item.vendor, item.product) == (vendor, product)
        and port in (None, item.port)
        and interface in (None, item.interface)
    ]
    if len(fits) == 1:
        return fits[0].node
    if fits:
        raise PortNameError(
            f"find {text}: stands for several: {', '.join(item.name for item in fits)}; name one of these"
        )
    shown = ", ".join(item.name for item in here) or "nothing of this kind"
    raise PortNameError(f"find {text}: not plugged in there; present: {shown}")


def present(kind: Kind, places: Places) -> Iterator[UsbNode]:
    """All USB devices of a kind, by node. What vanishes while it is looked at is left out."""
    try:
        entries = sorted((places.sysfs / "class" / kind).iterdir())
    except OSError:
        return
    for entry in entries:
        try:
            node = _usb_node(entry, places)
        except OSError:
            continue
        if node is not None:
            yield node


def stable_name(node: Path, kind: Kind, places: Places) -> str:
    """The best name to write into a configuration for a device that is plugged in now; the node itself if none."""
    for item in present(kind, places):
        if item.node == node:
            return _by_serial_number(item, places) or item.name
    return str(node)


def _by_serial_number(item: UsbNode, places: Places) -> str | None:
    if not item.serial:
        return None
    links = places.dev / "serial" / "by-id"
    if not links.is_dir():
        return None
    return next((str(link) for link in sorted(links.iterdir()) if link.resolve() == item.node.resolve()), None)


def _usb_node(entry: Path, places: Places) -> UsbNode | None:
    interface = ""
    folder = entry.resolve(strict=True)
    for parent in (folder, *list(folder.parents)[:PARENTS_MAX]):
        if (parent / "idVendor").is_file():
            return UsbNode(
                places.dev / entry.name,
                _text(parent / "idVendor"),
                _text(parent / "idProduct"),
                parent.name,
                interface,
                _text(parent / "serial") if (parent / "serial").is_file() else "",
            )
        if ":" in parent.name and (parent / "bInterfaceNumber").is_file():
            interface = parent.name.rpartition(":")[2]
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip().lower()
