"""The simulated core for a test: in the test's own loop, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from hazgate_simulators.core.app import build


class Core:
    """A running simulated core."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def set_mode(self, mode: str, **more: Any) -> None:
        """Changes what it does from now on."""
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.post(f"{self.url}/sim/mode", json={"mode": mode, **more})).raise_for_status()

    async def filed(self) -> list[dict[str, Any]]:
        """What it holds, in the order it came."""
        return list((await self._listing())["submissions"])

    async def heard(self) -> dict[str, dict[str, int]]:
        """Posts and gets of each rid."""
        return dict((await self._listing())["heard"])

    async def _listing(self) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            return dict((await http.get(f"{self.url}/sim/submissions")).raise_for_status().json())


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Core]:
    """A core on a free port, its ledger in the folder."""
    listener = socket.create_server(("127.0.0.1", 0))  # listening: who connects early waits
    server = uvicorn.Server(uvicorn.Config(build(folder), log_config=None, log_level="critical", access_log=False))
    task = asyncio.create_task(server._serve(sockets=[listener]))
    try:
        yield Core(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        await task
        listener.close()
