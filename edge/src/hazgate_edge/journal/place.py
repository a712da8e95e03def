"""Where a journal lies: which file on which machine, so that a folder copied back or to another box is noticed offline.

A copy of the file has another inode or another time of birth; a copy on another machine another machine id. What an
image of the whole disk carries along cannot be told apart here: that shows when the collector answers.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_STATX_BTIME = 0x800
_AT_FDCWD = -100
_ORDER = sys.byteorder
_MACHINE = {  # name -> file; a file that is missing or unreadable says nothing
    "machine": Path("/etc/machine-id"),
    "board": Path("/proc/device-tree/serial-number"),
    "product": Path("/sys/class/dmi/id/product_uuid"),
}
_WORD_CHARS_MAX = 100


def place_of(path: Path) -> dict[str, str]:
    """What can be known of the file and its machine, by name; a part that is not known here is left out."""
    found = {"inode": str(path.stat().st_ino), "born": _born(path)}
    for name, source in _MACHINE.items():
        try:
            found[name] = source.read_text("utf-8", errors="replace").strip(" \0\n")[:_WORD_CHARS_MAX]
        except OSError:
            continue
    return {name: value for name, value in found.items() if value}


def moved(kept: dict[str, str], now: dict[str, str]) -> list[str]:
    """Which parts known both times differ."""
    return sorted(name for name in kept.keys() & now.keys() if kept[name] != now[name])


def _born(path: Path) -> str:
    """The file's time of birth as seconds.nanoseconds, "" where the file system or the library does not tell. Python's
    own stat() leaves it out on Linux; the layout is that of statx(2)."""
    statx = getattr(ctypes.CDLL(None), "statx", None)
    if statx is None:
        return ""
    buffer = ctypes.create_string_buffer(256)
    if statx(_AT_FDCWD, bytes(path), 0, _STATX_BTIME, buffer) != 0:
        return ""
    raw = buffer.raw
    if not int.from_bytes(raw[0:4], _ORDER) & _STATX_BTIME:
        return ""
    return f"{int.from_bytes(raw[80:88], _ORDER, signed=True)}.{int.from_bytes(raw[88:92], _ORDER):09d}"
