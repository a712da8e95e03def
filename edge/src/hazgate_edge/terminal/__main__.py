"""The terminal's process: `python -m hazgate_edge.terminal CONFIG LISTENER_FD IDLE_S`, started by the agent's porter.

Serves the pages on the listening socket it inherits, ends when nobody has been there for IDLE_S, and goes at once
when its agent goes: a page without an agent has nothing true to show.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

from hazgate_edge import logs
from hazgate_edge.app import DOOR_FILE
from hazgate_edge.config import Config, load
from hazgate_edge.terminal.app import LOOPBACK_HOSTS, create_app
from hazgate_edge.terminal.remote import RemoteBox

PR_SET_PDEATHSIG = 1
IDLE_LOOK_S = 1.0


class _Visits:
    """Counts requests under way, so that an idle process can end."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.open = 0
        self.last = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.open -= 1
            self.last = time.monotonic()

    def idle_s(self) -> float:
        return 0.0 if self.open else time.monotonic() - self.last


async def serve(config: Config, listener: socket.socket, idle_s: float) -> None:
    """Until idle, told to stop, or left by the agent."""
    box = await RemoteBox.connect(config.data_folder / DOOR_FILE)
    app = create_app(
        box,
        hosts=(*LOOPBACK_HOSTS, config.terminal.host, *config.terminal.allowed_hosts),
        office=box if box.weighs_vehicles else None,
    )
    visits = _Visits(app)
    server = uvicorn.Server(
        uvicorn.Config(
            visits, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2, ws="none"
        )
    )

    async def end() -> None:
        gone = asyncio.create_task(box.closed())
        while not gone.done() and not server.should_exit and visits.idle_s() < idle_s:
            await asyncio.wait([gone], timeout=IDLE_LOOK_S)
        app.state.streams.close()
        server.should_exit = True
        gone.cancel()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(end())
        await server.serve(sockets=[listener])
    box.close()


def main() -> None:
    """See the module."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    logs.start("info")
    config_path, descriptor, idle_s = sys.argv[1:4]
    listener = socket.socket(fileno=int(descriptor))
    asyncio.run(serve(load(Path(config_path)), listener, float(idle_s)))


if __name__ == "__main__":
    main()
