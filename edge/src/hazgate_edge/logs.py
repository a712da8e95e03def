"""Logs as one JSON object a line on standard error (journald keeps them), English, with the thing and the cause."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

SAME_MAX = 20  # lines of one kind in a window; further ones are counted, not written
SAME_WINDOW_S = 60.0
KINDS_MAX = 500  # kinds watched; beyond it all are forgotten and begin anew


class Sparing(logging.Filter):
    """Lets so many lines of one kind pass in a window: a fault that repeats must not fill the disk with its log.

    A kind is a line's place and template; the next line that passes says how many were left out.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._steady = steady
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}  # -> (window's begin, lines in it)

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, str(record.msg)[:200]), self._steady()
        begin, lines = self._kinds.get(kind, (now, 0))
        left_out = 0
        if now - begin >= SAME_WINDOW_S:
            left_out = max(0, lines - SAME_MAX)
            begin, lines = now, 0
        if len(self._kinds) >= KINDS_MAX and kind not in self._kinds:
            self._kinds.clear()
        self._kinds[kind] = (begin, lines + 1)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this were not written)", ()
        return lines < SAME_MAX


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name.removeprefix("hazgate_edge."),
            "said": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        text = f"{at} {record.levelname.lower():7} {record.name.removeprefix('hazgate_edge.')}: {record.getMessage()}"
        return text + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def start(level: str) -> None:
    """People at a terminal get plain lines, everything else JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    handler.setFormatter(_Plain() if sys.stderr.isatty() else _JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # its losses are said once, by our own reader
