"""The terminal's side of the door: the agent's Box, seen through one Unix socket.

A snapshot older than a second is never passed on: then the scale, the agent or the door is not there, and the page
must show that and no weight.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hazgate_edge.domain.view import (
    Chip,
    Container,
    Light,
    Live,
    Phase,
    Refused,
    Row,
    Say,
    Scanned,
    Waste,
    Weighed,
)

FRESH_S = 1.0
ANSWER_S = 15.0
LINE_BYTES_MAX = 8 << 20
_LIVE, _ROW, _ROWS = TypeAdapter(Live), TypeAdapter(Row), TypeAdapter(list[Row])
_SCANNED = TypeAdapter(Scanned)
_WEIGHED, _REFUSED = TypeAdapter(Weighed), TypeAdapter(Refused)


class AgentGoneError(ConnectionError):
    """The agent has closed the door or does not answer."""


class RemoteBox:
    """Implements hazgate_edge.domain.view.Box over the door. Make it with `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._live: Live | None = None
        self._live_at = 0.0
        self._silent = 0
        self._about: dict[str, Any] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def connect(cls, path: Path) -> RemoteBox:
        """Raises OSError when there is no agent."""
        reader, writer = await asyncio.open_unix_connection(str(path), limit=LINE_BYTES_MAX)
        box = cls(reader, writer)
        box._about = (await box._call("about"))["answer"]
        return box

    async def closed(self) -> None:
        """Returns when the agent has gone."""
        await asyncio.wait([self._listening])

    @property
    def gone(self) -> bool:
        """Whether the agent has gone."""
        return self._listening.done()

    def close(self) -> None:
        """Leave."""
        self._listening.cancel()
        self._writer.close()

    @property
    def box_id(self) -> str:
        return str(self._about["box_id"])

    @property
    def site_name(self) -> str:
        return str(self._about["site_name"])

    @property
    def unit_name(self) -> str:
        return str(self._about["unit_name"])

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(self._about["operators"])

    @property
    def trace_url(self) -> str:
        return str(self._about["trace_url"])

    def wastes(self) -> tuple[Waste, ...]:
        """As configured."""
        return TypeAdapter(tuple[Waste, ...]).validate_python(self._about["wastes"])

    def containers(self) -> tuple[Container, ...]:
        """As configured."""
        return TypeAdapter(tuple[Container, ...]).validate_python(self._about["containers"])

    def live(self) -> Live:
        """The agent's newest snapshot, or one that says there is none."""
        age_s = time.monotonic() - self._live_at
        if self._live is not None and age_s <= FRESH_S:
            return self._live
        say = Say("SYS-01", {"n": str(max(1, int(age_s)))})
        self._silent += 1
        return Live(
            number=-self._silent,
            phase=Phase.NO_WEIGHT,
            weight="",
            unit="",
            mode="",
            stable=None,
            age_ms=None,
            blocked=(say,),
            chips=tuple(Chip(name, Light.OFF) for name in ("scale", "printer", "network")),
            pending=self._live.pending if self._live else 0,
            refused=self._live.refused if self._live else 0,
            confirmed_at=self._live.confirmed_at if self._live else "",
            records_version=self._live.records_version if self._live else 0,
        )

    async def weigh(self, *, waste_code: str, container: str, operator: str, request: str) -> Weighed | Refused:
        """As Box.weigh."""
        got = await self._call("weigh", waste_code=waste_code, container=container, operator=operator, request=request)
        if got["kind"] == "Weighed":
            return _WEIGHED.validate_python(got["answer"])
        return _REFUSED.validate_python(got["answer"])

    async def rows(self, limit: int = 200) -> list[Row]:
        """As Box.rows."""
        return _ROWS.validate_python((await self._call("rows", limit=limit))["answer"])

    async def row(self, rid: str) -> Row | None:
        """As Box.row."""
        answer = (await self._call("row", rid=rid))["answer"]
        return None if answer is None else _ROW.validate_python(answer)

    async def label_png(self, rid: str) -> bytes | None:
        """As Box.label_png."""
        answer = (await self._call("label_png", rid=rid))["answer"]
        return None if answer is None else base64.b64decode(answer)

    async def answer_print(self, *, rid: str, printed: bool, operator: str) -> Refused | None:
        """As Box.answer_print."""
        return self._perhaps_refused(await self._call("answer_print", rid=rid, printed=printed, operator=operator))

    async def print_again(self, *, rid: str, reason: str, operator: str) -> Refused | None:
        """As Box.print_again."""
        return self._perhaps_refused(await self._call("print_again", rid=rid, reason=reason, operator=operator))

    async def scan(self, *, text: str, scanner: str) -> Scanned | None:
        """As Box.scan."""
        answer = (await self._call("scan", text=text, scanner=scanner))["answer"]
        return None if answer is None else _SCANNED.validate_python(answer)

    def _perhaps_refused(self, got: dict[str, Any]) -> Refused | None:
        return None if got["answer"] is None else _REFUSED.validate_python(got["answer"])

    async def _call(self, name: str, /, **given: Any) -> dict[str, Any]:
        if self._listening.done():
            raise AgentGoneError(f"{name}: the agent has gone")
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        line = json.dumps({"id": number, "call": name, "with": given}, ensure_ascii=False)
        try:
            self._writer.write(line.encode() + b"\n")
            await self._writer.drain()
            async with asyncio.timeout(ANSWER_S):
                got = await future
        except TimeoutError as exc:
            raise AgentGoneError(f"{name}: no answer from the agent in {ANSWER_S:.0f} s") from exc
        finally:
            self._waiting.pop(number, None)
        if "error" in got:
            raise RuntimeError(f"{name}: {got['error']}")
        return got

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "live" in message:
                    self._live = _LIVE.validate_python(message["live"])
                    self._live_at = time.monotonic()
                elif (future := self._waiting.get(message["id"])) is not None and not future.done():
                    future.set_result(message)
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(AgentGoneError("the agent has gone"))
