"""An operator without hands: puts bags on the simulated scale, presses the button at the box's door, reads the list."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from hazgate_edge.app import DOOR_FILE
from hazgate_edge.domain.view import Live, Phase, Refused, Row, Weighed
from hazgate_edge.terminal.remote import AgentGoneError, RemoteBox
from hazgate_simulators.demo.stack import Stack, ask

T = TypeVar("T")
WASTE, CONTAINER, OPERATOR = "900-214-08", "pail-20", "张三"
WAIT_S = 45.0
LOOK_S = 0.03


class NeverError(AssertionError):
    """What was waited for did not come."""


async def until(look: Callable[[], Awaitable[T | None]], what: str, wait_s: float = WAIT_S) -> T:
    """The first answer that is not None; raises NeverError after wait_s."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        found = await look()
        if found is not None:
            return found
        if loop.time() > deadline:
            raise NeverError(f"never came: {what}")
        await asyncio.sleep(LOOK_S)


class Operator:
    """Works at one stack's box; survives the box being killed by looking for its door again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._box: RemoteBox | None = None
        self._presses = 0

    async def box(self) -> RemoteBox:
        """The box's door, opened again when it was shut. Raises OSError while there is none."""
        if self._box is not None and not self._box.gone:
            return self._box
        self.leave()
        self._box = await RemoteBox.connect(Path(self.stack.folder) / "box" / DOOR_FILE)
        return self._box

    def leave(self) -> None:
        """Shut the door."""
        if self._box is not None:
            self._box.close()
            self._box = None

    async def put(self, kilograms: str) -> None:
        """A bag on the pan; the site is asked until it answers."""
        await self._site("/api/load", {"kg": kilograms})

    async def take_off(self) -> None:
        """The pan empty, and the box knows."""
        await self._site("/api/remove", {})
        await self.live(lambda live: live.phase is Phase.EMPTY, "empty pan")

    async def fault(self, **faults: str | None) -> None:
        """A fault of the simulated scale or printer."""
        await self._site("/api/fault", dict(faults))

    async def live(self, wanted: Callable[[Live], bool], what: str, wait_s: float = WAIT_S) -> Live:
        """A snapshot that is as wanted."""
        seen: list[Live] = []

        async def look() -> Live | None:
            with contextlib.suppress(OSError):
                live = (await self.box()).live()
                seen[:] = [live]
                return live if wanted(live) else None
            return None

        try:
            return await until(look, what, wait_s)
        except NeverError as exc:
            raise NeverError(f"{exc}; last seen: {seen}") from None

    async def settled(self) -> Live:
        """The button lives."""
        return await self.live(lambda live: live.phase is Phase.SETTLED and not live.blocked, "settled weight")

    async def press(self, request: str = "") -> Weighed | Refused:
        """The big button, once; pressed again with the same key when the box died under the finger."""
        self._presses += 1
        key = request or f"press-{self._presses:012d}-{id(self):x}"

        async def look() -> Weighed | Refused | None:
            with contextlib.suppress(OSError, AgentGoneError):
                box = await self.box()
                return await box.weigh(waste_code=WASTE, container=CONTAINER, operator=OPERATOR, request=key)
            return None

        return await until(look, "answer to the press")

    async def weigh(self, kilograms: str) -> Weighed:
        """A bag from the floor to "saved" and off again. A box that restarts under the bag wants it off first."""
        while True:
            await self.put(kilograms)
            live = await self.live(
                lambda live: (live.phase is Phase.SETTLED and not live.blocked) or live.phase is Phase.BOOKED, "a bag"
            )
            answer = await self.press() if live.phase is Phase.SETTLED else None
            await self.take_off()
            if isinstance(answer, Weighed):
                return answer

    async def row(self, rid: str, wanted: Callable[[Row], bool], what: str, wait_s: float = WAIT_S) -> Row:
        """The list's row once it is as wanted."""
        seen: list[Row] = []

        async def look() -> Row | None:
            with contextlib.suppress(OSError, AgentGoneError):
                row = await (await self.box()).row(rid)
                seen[:] = [row] if row else []
                return row if row is not None and wanted(row) else None
            return None

        try:
            return await until(look, what, wait_s)
        except NeverError as exc:
            raise NeverError(f"{exc}; last seen: {seen}") from None

    async def ask(self, url: str, given: dict[str, Any] | None = None) -> Any:
        """A peer's JSON, asked off the loop."""
        return await asyncio.to_thread(ask, url, given)

    async def submissions(self) -> list[dict[str, Any]]:
        """What the core accepted."""
        return list((await self.ask(f"{self.stack.core_url}/sim/submissions"))["submissions"])

    async def _site(self, path: str, given: dict[str, Any]) -> None:
        async def look() -> bool | None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, json.JSONDecodeError):
                await self.ask(f"{self.stack.site_url}{path}", given)
                return True
            return None

        await until(look, f"site {path}")


@contextlib.asynccontextmanager
async def working(stack: Stack) -> AsyncIterator[Operator]:
    """The stack running with an operator at it."""
    operator = Operator(stack)
    try:
        await asyncio.to_thread(stack.start)
        # The first leases come with the first receipt; a press before that is rightly refused.
        await operator.live(lambda live: all(item.left for item in live.numbers), "label numbers")
        yield operator
    finally:
        operator.leave()
        await asyncio.to_thread(stack.stop)
