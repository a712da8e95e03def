"""The operator of the bench: looks and presses through the agent's door, as the terminal process does."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.children import BenchError

ANSWER_S_MAX = 15.0
LINE_BYTES_MAX = 8 << 20
LOOK_AGAIN_S = 0.002
_SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Saved:
    """One press that was answered "saved": when it was made and answered, and the record's id."""

    pressed_at: float
    saved_at: float
    rid: str

    @property
    def took_s(self) -> float:
        """From press to "saved"."""
        return self.saved_at - self.pressed_at


class Operator:
    """One open door. Make it with `at_door`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)

    @classmethod
    async def at_door(cls, socket_path: Path) -> Self:
        """Raises OSError while there is no agent."""
        return cls(*await asyncio.open_unix_connection(str(socket_path), limit=LINE_BYTES_MAX))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the door."""
        self._writer.close()

    async def look(self) -> dict[str, Any]:
        """The next snapshot: at once on a fresh door, then ten a second."""
        return dict((await self._line("live"))["live"])

    async def weigh(self, waste_code: str, container: str, operator: str) -> Saved:
        """Press; raises BenchError with the reason of a refusal."""
        number = next(self._numbers)
        given = {
            "waste_code": waste_code,
            "container": container,
            "operator": operator,
            "request": secrets.token_hex(8),
        }
        line = json.dumps({"id": number, "call": "weigh", "with": given}).encode() + b"\n"
        pressed_at = time.perf_counter()
        self._writer.write(line)
        said = await self._line("id")
        saved_at = time.perf_counter()
        if said.get("kind") != "Weighed":
            raise BenchError(f"weigh on the box of the bench: {said.get('error') or said.get('answer')}")
        return Saved(pressed_at, saved_at, said["answer"]["rid"])

    async def _line(self, wanted: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                while line := await self._reader.readline():
                    said: dict[str, Any] = json.loads(line)
                    if wanted in said:
                        return said
        except TimeoutError as exc:
            raise BenchError(f"ask the box: no {wanted!r} in {ANSWER_S_MAX:g} s; see its log") from exc
        raise BenchError("ask the box: it has closed its door; see its log")


async def settled_operator(socket_path: Path, timeout_s: float) -> Operator:
    """An operator who has just seen a weight that may be booked; raises BenchError.

    A fresh door shows a snapshot at once, so that the wait ends within some ms of the box's own knowledge and not
    with the next of the ten snapshots a second.
    """
    end, seen = time.perf_counter() + timeout_s, "no door"
    while time.perf_counter() < end:
        try:
            operator = await Operator.at_door(socket_path)
        except OSError:
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        live = await operator.look()
        if live["phase"] == _SETTLED and not live["blocked"]:
            return operator
        seen = f"{live['phase']}, blocked by {[say['key'] for say in live['blocked']]}"
        operator.close()
        await asyncio.sleep(LOOK_AGAIN_S)
    raise BenchError(f"wait for a settled weight on the box: not in {timeout_s:g} s ({seen}); see its log")
