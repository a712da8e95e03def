"""What is said of weighings that have no receipt yet, however well connected the box looks.

A connection says nothing (a broker may be there and the collector not); only receipts do. What counts is how long
weighings wait while none comes.
"""

from __future__ import annotations

from hazgate_edge.domain.view import Say

WARN_S = 30.0
ALARM_MIN = 15
BACKLOG_TOLD = 100  # weighings that wait: beyond it the way up is said to be catching up


class Unsent:
    """Remembers since when no receipt has come for what waits."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._received_seq = -1

    def say(self, pending: int, received_seq: int, now_ns: int) -> Say | None:
        """pending: weighings without receipt; received_seq: the newest record with one; now_ns: monotonic."""
        if pending == 0:
            self._since_ns = None
            return None
        if self._since_ns is None or received_seq != self._received_seq:
            self._received_seq, self._since_ns = received_seq, now_ns
        waited_s = (now_ns - self._since_ns) / 1e9
        if waited_s >= ALARM_MIN * 60:
            return Say("NET-07", {"n": str(pending), "m": str(int(waited_s / 60))})
        if waited_s >= WARN_S:
            return Say("NET-02", {"n": str(pending)})
        return Say("NET-10", {"n": str(pending)}) if pending > BACKLOG_TOLD else None
