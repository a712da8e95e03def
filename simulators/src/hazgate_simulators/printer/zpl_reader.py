"""ZPL II as a printer reads it: bytes in, what to do out.

Source: Zebra ZPL II programming guide. Understood: ^XA ... ^XZ with ^PW, ^LL, ^LH, ^FO, ^GFA (hex and :Z64:), ^FS, ^PQ,
and the immediate ~HS and ~HQES. A set bit burns a dot. The CRC of a :Z64: field is checked with the standard library's
CRC-CCITT, and a wrong one leaves the field out, as printers do.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, StatusAsked
from hazgate_simulators.printer.paper import Paper

FORMAT_BYTES_MAX = 4 * 1024 * 1024
SIDE_DOTS_MAX = 250 * 12
SETS_MAX = 100
IMMEDIATE = (b"~HS", b"~HQES")
FIELD_HEAD = re.compile(r"GFA,(\d+),(\d+),(\d+),")


class ZplReader:
    """One connection's stream. Holds at most one format."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, received: bytes) -> Iterator[Event]:
        """What these bytes complete, in order."""
        self._unread += received
        while True:
            while self._unread and self._unread[0] in b"\r\n":
                del self._unread[:1]
            if not self._unread:
                return
            asked = next((word for word in IMMEDIATE if self._unread.startswith(word)), None)
            if asked is not None:
                del self._unread[: len(asked)]
                yield StatusAsked(asked)
                continue
            if any(word.startswith(self._unread) for word in (*IMMEDIATE, b"^XA")):
                return
            if not self._unread.startswith(b"^XA"):
                lost = self._until_next()
                yield Complaint(f"not ZPL: {lost[:40]!r}")
                continue
            end = self._unread.find(b"^XZ")
            if end < 0:
                if len(self._unread) > FORMAT_BYTES_MAX:
                    self._unread.clear()
                    yield Complaint(f"format longer than {FORMAT_BYTES_MAX} bytes")
                return
            block = self._unread[3:end].decode("ascii", "replace")
            del self._unread[: end + 3]
            yield from _obey(block)

    def _until_next(self) -> bytes:
        """Throw away what no command begins with."""
        places = [place for place in (self._unread.find(b"^XA", 1), self._unread.find(b"~", 1)) if place > 0]
        end = min(places, default=len(self._unread))
        lost = bytes(self._unread[:end])
        del self._unread[:end]
        return lost


def _obey(block: str) -> Iterator[Event]:
    width = height = 0
    origin, labels = (0, 0), 1
    fields: list[tuple[int, int, int, bytes]] = []
    for command in block.replace("\r", "").replace("\n", "").split("^")[1:]:
        name, rest = command[:2], command[2:]
        try:
            if name == "PW":
                width = int(rest)
            elif name == "LL":
                height = int(rest)
            elif name == "FO":
                across, down = rest.split(",")[:2]
                origin = (int(across), int(down))
            elif name == "PQ":
                labels = int(rest.split(",")[0])
            elif name == "GF":
                row_bytes, raster = _graphic(command)
                fields.append((*origin, row_bytes, raster))
            elif name not in ("FS", "LH"):
                yield Complaint(f"unknown command ^{name}")
        except ValueError as error:
            yield Complaint(f"^{name}: {error}")
    if not 0 < width <= SIDE_DOTS_MAX or not 0 < height <= SIDE_DOTS_MAX or not 0 < labels <= SETS_MAX:
        yield Complaint(f"label of {width} x {height} dots, {labels} times: nothing printed")
        return
    paper = Paper(width, height)
    for x, y, row_bytes, raster in fields:
        paper.burn(raster, x=x, y=y, row_bytes=row_bytes)
    yield PrintAsked(paper.rows(), labels)


def _graphic(command: str) -> tuple[int, bytes]:
    """Bytes a row and the dots of one ^GFA."""
    head = FIELD_HEAD.match(command)
    if head is None:
        raise ValueError("only ^GFA with its three numbers is known")
    total, row_bytes = int(head[2]), int(head[3])
    written = command[head.end() :]
    if written.startswith(":Z64:"):
        packed, _, crc = written[5:].rpartition(":")
        if binascii.crc_hqx(packed.encode("ascii"), 0) != int(crc, 16):
            raise ValueError("the CRC of the Z64 field is wrong")
        try:
            raster = zlib.decompress(base64.b64decode(packed, validate=True))
        except zlib.error as error:
            raise ValueError(f"the Z64 field cannot be unpacked: {error}") from error
    else:
        raster = bytes.fromhex(written)
    if len(raster) != total or not row_bytes or total % row_bytes:
        raise ValueError(f"{len(raster)} bytes of dots, {total} in rows of {row_bytes} were announced")
    return row_bytes, raster
