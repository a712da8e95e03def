"""The door between the agent and its terminal process: one Unix socket, one JSON object a line.

    terminal -> agent   {"id": n, "call": name, "with": {...}}
    agent -> terminal   {"id": n, "answer": ...} | {"id": n, "error": text} | {"live": {...}}   (live: ten a second)

The agent's side is here; it imports no web library. `terminal/remote.py` is the other side. The socket lies in the
private data folder, mode 0600.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hazgate_edge.domain.view import Box

log = logging.getLogger(__name__)

LIVE_EVERY_S = 0.1
LINE_BYTES_MAX = 4 << 20
CLIENTS_MAX = 8


class Door:
    """Serves a Box to terminals until cancelled."""

    def __init__(self, box: Box, path: Path) -> None:
        self._box = box
        self._path = path
        self._clients = 0
        self._server: asyncio.Server | None = None
        self._calls: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "about": self._about,
            "weigh": lambda given: box.weigh(**given),
            "rows": lambda given: box.rows(**given),
            "row": lambda given: box.row(**given),
            "label_png": self._label_png,
            "answer_print": lambda given: box.answer_print(**given),
            "print_again": lambda given: box.print_again(**given),
            "scan": lambda given: box.scan(**given),
        }

    async def open(self) -> None:
        """Listen; a stale socket of an earlier run is replaced."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_BYTES_MAX)
        finally:
            os.umask(mask)

    async def run(self) -> None:
        """Serve until cancelled; after open()."""
        if self._server is None:
            raise RuntimeError("open the door before serving at it")
        async with self._server:
            await self._server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= CLIENTS_MAX:
            writer.close()
            return
        self._clients += 1
        lock = asyncio.Lock()

        async def send(message: dict[str, Any]) -> None:
            async with lock:
                writer.write(json.dumps(message, ensure_ascii=False, default=_plain).encode() + b"\n")
                await writer.drain()

        async def live() -> None:
            while True:
                await send({"live": self._box.live()})
                await asyncio.sleep(LIVE_EVERY_S)

        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(live())
                while line := await reader.readline():
                    tasks.create_task(self._answer(line, send))
                watching.cancel()
        except* (ConnectionError, ValueError):
            log.debug("a terminal left")
        finally:
            self._clients -= 1
            writer.close()

    async def _answer(self, line: bytes, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        asked = json.loads(line)
        try:
            answer = await self._calls[asked["call"]](asked["with"])
        except Exception as exc:  # the terminal is told; the log has the chain
            log.exception("terminal asked %s", asked.get("call"))
            await send({"id": asked["id"], "error": f"{type(exc).__name__}: {exc}"})
            return
        await send({"id": asked["id"], "kind": type(answer).__name__, "answer": answer})

    async def _about(self, _given: dict[str, Any]) -> dict[str, Any]:
        box = self._box
        return {
            "box_id": box.box_id,
            "site_name": box.site_name,
            "unit_name": box.unit_name,
            "operators": box.operators,
            "trace_url": box.trace_url,
            "wastes": box.wastes(),
            "containers": box.containers(),
        }

    async def _label_png(self, given: dict[str, Any]) -> str | None:
        png = await self._box.label_png(**given)
        return None if png is None else base64.b64encode(png).decode()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} does not go through the door")
