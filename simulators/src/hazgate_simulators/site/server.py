"""Serving the page until a signal, then stopping in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn

from hazgate_simulators.site.app import Site, create_app

SHUTDOWN_S = 2


async def serve(place: Site, listener: socket.socket) -> None:
    """Serve the page on an open socket until SIGINT or SIGTERM; raises what ended the scale."""
    server = _Server(
        uvicorn.Config(
            create_app(place),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
            lifespan="off",
        )
    )

    def stop() -> None:
        place.stopping.set()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]), name="site: page")
        group.create_task(place.watch(), name="site: watch")


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to us: we stop the page, then the scale, then end with code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
