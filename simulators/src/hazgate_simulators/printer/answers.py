"""What the simulated printers answer to a status question, each in its own language, written from the manuals."""

from __future__ import annotations

from dataclasses import dataclass

TSPL_HEAD_OPEN, TSPL_PAPER_OUT, TSPL_BUSY = 0x01, 0x04, 0x20
CPCL_BUSY, CPCL_PAPER_OUT, CPCL_LATCH_OPEN = 0x01, 0x02, 0x04
ZPL_PAPER_OUT, ZPL_HEAD_OPEN = 0x1, 0x4


@dataclass(frozen=True, slots=True)
class Condition:
    """What state the printer is in."""

    head_open: bool = False
    paper_out: bool = False
    busy: bool = False
    waiting: int = 0  # labels in its memory

    @property
    def broken(self) -> bool:
        return self.head_open or self.paper_out


def answer(request: bytes, now: Condition) -> bytes:
    """The bytes that go back; none for a question nobody knows."""
    if request == b"\x1b!?":
        return bytes([TSPL_HEAD_OPEN * now.head_open | TSPL_PAPER_OUT * now.paper_out | TSPL_BUSY * now.busy])
    if request == b"\x1b!S":
        does = "P" if now.busy else "@"
        media = 0x40 | 0x01 * now.paper_out | 0x20 * now.head_open
        return f"\x02{does}@@{chr(media)}\x03\r\n".encode("ascii")
    if request == b"\x1bh":
        return bytes([CPCL_BUSY * now.busy | CPCL_PAPER_OUT * now.paper_out | CPCL_LATCH_OPEN * now.head_open])
    if request == b"~HS":
        return (
            f"\x02030,{now.paper_out:d},0,1245,{now.busy:03d},0,0,0,000,0,0,0\x03\r\n"
            f"\x02000,0,{now.head_open:d},0,0,2,4,0,{now.waiting:08d},1,000\x03\r\n"
            "\x021234,0\x03\r\n"
        ).encode("ascii")
    if request == b"~HQES":
        errors = ZPL_PAPER_OUT * now.paper_out | ZPL_HEAD_OPEN * now.head_open
        return (
            "\x02\r\n\r\n  PRINTER STATUS\r\n"
            f"   ERRORS:         {int(errors > 0)} 00000000 {errors:08X}\r\n"
            "   WARNINGS:       0 00000000 00000000\r\n\x03"
        ).encode("ascii")
    if request[:2] == b"\x10\x04":
        return _escpos(request[2], now)
    return b""


def _escpos(number: int, now: Condition) -> bytes:
    byte = {
        1: 0x08 * now.broken,
        2: 0x04 * now.head_open | 0x20 * now.paper_out,
        3: 0,
        4: 0x6C * now.paper_out,
    }.get(number)
    return b"" if byte is None else bytes([0x12 | byte])
