"""Event devices of the kernel (/dev/input/event*): found, grabbed, read. No library: a struct and one ioctl.

Grabbed (EVIOCGRAB) means that its keys reach this program alone: not the page that has the focus, not a login prompt,
not an input method. The kernel lets go when the file is closed, also after kill -9.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hazgate_edge.config import KeyboardLink
from hazgate_edge.scale.links import LinkError

# Linux uapi input.h: _IOW('E', 0x90, int) and _IOW('E', 0xa0, int).
EVIOCGRAB = 0x40044590
EVIOCSCLOCKID = 0x400445A0
CLOCK_MONOTONIC = 1
READ_BYTES = 64 * 24
SYS, DEV = Path("/sys"), Path("/dev")
ONE, ENTER, A = 2, 28, 30  # key codes that every scanner has, and a power button has not


@dataclass(frozen=True, slots=True)
class Keyboard:
    """An event device that has letters, digits and Enter."""

    path: Path
    name: str
    vendor: str
    product: str
    usb_port: str  # "1-1.4" as the kernel names it, "" when it hangs on no USB port


def keyboards(*, sys: Path = SYS, dev: Path = DEV) -> list[Keyboard]:
    """All that are there, by their kernel's number."""
    found = [_keyboard(node, dev) for node in (sys / "class" / "input").glob("event*")]
    return sorted((one for one in found if one is not None), key=lambda one: int(one.path.name[5:]))


def find(link: KeyboardLink, *, sys: Path = SYS, dev: Path = DEV) -> Path:
    """The device that is meant. Raises LinkError when there is none, or more than one."""
    if link.device is not None:
        return Path(link.device)
    where = f" on port {link.usb_port}" if link.usb_port else ""
    wanted = f"keyboard {link.vendor}:{link.product}{where}"
    found = [
        one
        for one in keyboards(sys=sys, dev=dev)
        if (one.vendor, one.product) == (link.vendor, link.product) and link.usb_port in (None, one.usb_port)
    ]
    if not found:
        raise LinkError(f"find {wanted}: not there; plug it in")
    if len({one.usb_port for one in found}) > 1:
        ports = ", ".join(one.usb_port or "none" for one in found)
        raise LinkError(f"find {wanted}: {len(found)} of them; set usb_port to one of {ports}")
    return found[0].path  # one scanner may show two keyboards; codes come from its first


class KeyboardDevice:
    """An open event device, ours alone."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise LinkError(f"open {path}: {exc.strerror}") from exc
        try:
            self._take_over()
        except OSError as exc:
            os.close(self._descriptor)
            raise LinkError(f"grab {path}: {exc.strerror}; another program holds it, or it is no keyboard") from exc
        self._path = path
        self._ready = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._ready.set)

    def _take_over(self) -> None:
        # A pipe of a simulator has one reader anyway; only a device can have several.
        if stat.S_ISCHR(os.fstat(self._descriptor).st_mode):
            fcntl.ioctl(self._descriptor, EVIOCGRAB, 1)
            # Times that do not jump with the wall clock: the pauses between keys are measured with them.
            fcntl.ioctl(self._descriptor, EVIOCSCLOCKID, struct.pack("i", CLOCK_MONOTONIC))

    async def read(self) -> bytes:
        """At least one byte. Raises LinkError when the device has gone."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            try:
                octets = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as exc:
                raise LinkError(f"read {self._path}: {exc.strerror}") from exc
            if not octets:
                raise LinkError(f"read {self._path}: the device has gone")
            return octets

    def close(self) -> None:
        """Never raises; the grab goes with it."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)


def _keyboard(node: Path, dev: Path) -> Keyboard | None:
    device = node / "device"
    if not _has_keys(_text(device / "capabilities" / "key")):
        return None
    ports = [part for part in node.resolve().parts if part[:1].isdigit() and "-" in part and ":" not in part]
    return Keyboard(
        path=dev / "input" / node.name,
        name=_text(device / "name"),
        vendor=_text(device / "id" / "vendor"),
        product=_text(device / "id" / "product"),
        usb_port=ports[-1] if ports else "",
    )


def _has_keys(capabilities: str) -> bool:
    """The kernel prints the bitmap in words of its long, the highest first, each without leading zeros."""
    try:
        words = [int(word, 16) for word in reversed(capabilities.split())]
    except ValueError:
        return False
    return bool(words) and all(words[0] >> code & 1 for code in (ONE, ENTER, A))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()[:200]
    except OSError:
        return ""


def described(found: list[Keyboard]) -> Iterator[str]:
    """A line each, for people."""
    for one in found:
        yield f"{one.path.name} {one.vendor}:{one.product} port {one.usb_port or 'none'} {one.name!r}"
