"""The live stream: what the page draws ten times a second, over server-sent events.

A frame is the box's snapshot with its sentences already spoken. Two facts let the page keep the promise that a weight
older than one second is never shown, whatever the network does: `age_ms` (age of the reading when the frame left) and
`sent_ms` (this program's steady clock at that moment; the page sees a queue building up from it).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from hazgate_edge.domain.view import Box, Light, Live, Phase, Say
from hazgate_edge.terminal.speech import local_time, speak
from hazgate_edge.terminal.words import LIGHTS, Language, chip_name, pick, word

WEIGHT_AGE_MS_MAX = 1000
TICK_S = 0.1
# The page calls one second of silence stale, so an unchanged picture is repeated twice as often.
REPEAT_S = 0.5
STREAMS_MAX = 16

# What the page says when the box gives no reason of its own but the phase allows no press.
_PHASE_SAYS = {
    Phase.NO_WEIGHT: Say("PAN-03"),
    Phase.EMPTY: Say("PAN-01"),
    Phase.MOVING: Say("SCALE-03"),
    Phase.BOOKED: Say("PAN-02"),
    Phase.REFUSED: Say("PAN-03"),
}


def frame(live: Live, language: Language, now: datetime) -> dict[str, Any]:
    """One frame without `sent_ms`. A weight that is too old is left out even if the box should send it."""
    weight = live.weight
    if live.phase is Phase.NO_WEIGHT or live.age_ms is None or live.age_ms > WEIGHT_AGE_MS_MAX:
        weight = ""
    blocked = [speak(say, language) for say in live.blocked]
    if not blocked and live.phase in _PHASE_SAYS:
        blocked = [speak(_PHASE_SAYS[live.phase], language)]
    if not blocked and not weight:
        blocked = [speak(Say("PAN-03"), language)]
    notices = [
        speak(chip.say, language) for chip in live.chips if chip.say is not None and chip.light is not Light.GOOD
    ]
    first = blocked[0].key if blocked else ""
    return {
        "number": live.number,
        "phase": live.phase.value,
        "weight": weight,
        "unit": live.unit if weight else "",
        "mode": _mode(live.mode, language),
        "stable": live.stable,
        "age_ms": live.age_ms,
        "blocked": [said.plain() for said in blocked],
        "notices": [said.plain() for said in notices if said.key != first],
        "chips": [
            {"name": chip.name, "light": chip.light.value, "title": chip_name(chip, language)}
            | {"word": pick(LIGHTS[chip.light], language)}
            for chip in live.chips
        ],
        "sync": {
            "pending": live.pending,
            "refused": live.refused,
            "confirmed": local_time(live.confirmed_at) or "—",
        },
        "records": live.records_version,
        "numbers": {low.waste_code: speak(low.say, language).plain() for low in live.numbers},
        "scanned": _scanned(live, language),
        "clock": local_time(now),
    }


class Streams:
    """The open streams of this terminal, at most STREAMS_MAX.

    boot: names this start of the program; a page that sees another one reloads itself. steady: seconds of a clock
    that never jumps. tick_s: pause between two looks at the box. `close` ends all streams so that the server can stop.
    """

    def __init__(
        self,
        box: Box,
        *,
        boot: str,
        now: Callable[[], datetime],
        steady: Callable[[], float],
        tick_s: float = TICK_S,
    ) -> None:
        self._box = box
        self._boot = boot
        self._now = now
        self._steady = steady
        self._tick_s = tick_s
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def full(self) -> bool:
        """No room for one more."""
        return self._open >= STREAMS_MAX

    def close(self) -> None:
        """End every stream within a tick; new ones end at once."""
        self._closing.set()

    async def events(self, language: Language) -> AsyncIterator[str]:
        """Server-sent events: a frame when the picture changed, or when the last one is about to look old."""
        self._open += 1
        try:
            yield "retry: 1000\n\n"
            last: dict[str, Any] = {}
            sent_s = float("-inf")
            while not self._closing.is_set():
                picture = frame(self._box.live(), language, self._now())
                at_s = self._steady()
                if _due(picture, last, at_s - sent_s):
                    last, sent_s = picture, at_s
                    whole = picture | {"boot": self._boot, "sent_ms": round(at_s * 1000)}
                    yield f"data: {json.dumps(whole, ensure_ascii=False, separators=(',', ':'))}\n\n"
                await self._pause()
        finally:
            self._open -= 1

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._tick_s):
                await self._closing.wait()
        except TimeoutError:
            return


def _due(picture: dict[str, Any], last: dict[str, Any], since_s: float) -> bool:
    if since_s >= REPEAT_S:
        return True
    passing = ("number", "age_ms")
    if any(picture[key] != last.get(key) for key in picture if key not in passing):
        return True
    # Same digits, but newer than the page believes, and its belief is half way to too old.
    believed_ms = (last["age_ms"] or 0) + since_s * 1000
    age_ms = picture["age_ms"]
    return age_ms is not None and believed_ms > WEIGHT_AGE_MS_MAX / 2 and age_ms < believed_ms - TICK_S * 1000


def _mode(mode: str, language: Language) -> str:
    return word(mode, language) if mode in ("gross", "net", "tare") else word("weight", language)


def _scanned(live: Live, language: Language) -> dict[str, Any] | None:
    if live.scanned is None:
        return None
    said = speak(live.scanned.say, language).plain()
    return {"number": live.scanned.number, "at": live.scanned.at, "rid": live.scanned.rid, "said": said}
