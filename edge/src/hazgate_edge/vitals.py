"""Signs of life to systemd, and the end of a box that is no longer well: a fresh start is the cure.

The beat comes from the event loop, so a loop that hangs goes silent, and WatchdogSec= of the unit starts the box again.
Without a NOTIFY_SOCKET nobody is told, and the rest works the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

log = logging.getLogger(__name__)

BEAT_S_MAX = 5.0
DESCRIPTORS_SHARE_MAX = 0.8  # of this process's limit: beyond it, files and sockets soon cannot be opened any more


class UnwellError(Exception):
    """The box ends itself to be started anew; the text says why."""


class Vitals:
    """The beat. alive: whether the journal's writer still works."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        alive: Callable[[], bool],
        descriptors: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID as systemd sets them (sd_notify(3))."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        usec = environment.get("WATCHDOG_USEC", "")
        for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half the time that is allowed, as sd_watchdog_enabled(3) advises.
        self._every_s = min(BEAT_S_MAX, int(usec) / 2e6) if usec.isdigit() and for_us else BEAT_S_MAX
        self._alive = alive
        self._descriptors = descriptors or open_descriptors

    def tell(self, state: str) -> None:
        """One sd_notify message; nothing happens where nobody listens."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(state.encode(), address)

    async def run(self) -> str:
        """Beats until the box is no longer well; why."""
        self.tell("READY=1")
        while True:
            why = self.trouble()
            if why:
                log.error("%s", why)
                return why
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._every_s)

    def trouble(self) -> str:
        """What only a fresh start can mend, "" for nothing."""
        if not self._alive():
            return "the journal's writer has died; ending, to be started anew"
        used, allowed = self._descriptors()
        if used > allowed * DESCRIPTORS_SHARE_MAX:
            return f"{used} of {allowed} file descriptors are open (E-105): something leaks; ending, to be started anew"
        return ""


def open_descriptors() -> tuple[int, int]:
    """How many descriptors this process has open, and how many it may have."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
