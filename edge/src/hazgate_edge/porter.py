"""Starts the terminal's web process when somebody comes, and only then.

The agent holds the listening socket itself, so the address is there from the first moment and survives the web
process; the first visitor wakes it, an idle one ends by itself, a crashed one is started again by the next visitor.
So the capture path carries no web library, and a box nobody looks at costs little memory.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from pathlib import Path

log = logging.getLogger(__name__)

START_AGAIN_S = 1.0
START_AGAIN_S_MAX = 30.0
HEALTHY_AFTER_S = 10.0
STOP_BUDGET_S = 5.0


class Porter:
    """Owns the terminal's address and its process."""

    def __init__(self, *, host: str, port: int, config_path: Path, idle_s: float = 300.0) -> None:
        self._listener = socket.create_server((host, port), backlog=64)
        self._listener.setblocking(False)
        self._config_path = config_path
        self._idle_s = idle_s
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    async def run(self) -> None:
        """Until cancelled: wait for a visitor, serve until the process ends, wait again."""
        pause_s = START_AGAIN_S
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._visitor()
                began = loop.time()
                code = await self._serve()
                if code == 0 or loop.time() - began > HEALTHY_AFTER_S:
                    pause_s = START_AGAIN_S
                else:
                    pause_s = min(pause_s * 2, START_AGAIN_S_MAX)
                if code != 0:
                    log.warning("terminal process ended with %s; the next visitor starts it again", code)
                    await asyncio.sleep(pause_s)
        finally:
            self._listener.close()

    async def _visitor(self) -> None:
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_reader(self._listener, came.set)
        try:
            await came.wait()
        finally:
            loop.remove_reader(self._listener)

    async def _serve(self) -> int:
        descriptor = self._listener.fileno()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hazgate_edge.terminal",
            str(self._config_path),
            str(descriptor),
            str(self._idle_s),
            pass_fds=(descriptor,),
        )
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    async with asyncio.timeout(STOP_BUDGET_S):
                        await process.wait()
                except TimeoutError:
                    process.kill()
