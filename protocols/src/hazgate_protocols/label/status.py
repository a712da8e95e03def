"""What a label printer says of itself, in one form for all languages. No answer is None: unknown, never ready."""

from __future__ import annotations

from enum import IntFlag


class PrinterStatus(IntFlag):
    """What is wrong or going on; the flags add up. The low eight are the bits of TSPL's status byte."""

    HEAD_OPEN = 0x01
    JAM = 0x02
    PAPER_OUT = 0x04
    RIBBON_OUT = 0x08
    PAUSED = 0x10
    BUSY = 0x20
    COVER_OPEN = 0x40
    OTHER_ERROR = 0x80
    HEAD_HOT = 0x100
    BATTERY_LOW = 0x200
    OFFLINE = 0x400
    LABEL_WAITING = 0x800  # printed and not taken: the next one waits for that

    @property
    def ready(self) -> bool:
        """Idle and nothing wrong."""
        return self == 0

    @property
    def busy(self) -> bool:
        """Printing now."""
        return PrinterStatus.BUSY in self

    @property
    def faults(self) -> PrinterStatus:
        """What a person must put right: all but BUSY."""
        return PrinterStatus(int(self) & ~int(PrinterStatus.BUSY))

    @property
    def words(self) -> str:
        """For logs: "paper out, head open", "busy" or "ready"."""
        return ", ".join(
            flag.name.lower().replace("_", " ") for flag in PrinterStatus if flag in self and flag.name
        ) or ("ready")
