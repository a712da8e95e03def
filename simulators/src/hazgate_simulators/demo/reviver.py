"""Starts again what ended, each part by itself, as systemd would. Nothing here waits: `look` is called often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hazgate_simulators.demo.stack import READY_S_MAX

REVIVE_S = 5.0  # in which the loss can be watched
REVIVE_S_MAX = 30.0  # the pause doubles up to this, and is tried for ever


class Revivable(Protocol):
    """A process of the demo."""

    @property
    def pid(self) -> int:
        """Of the process started last."""

    @property
    def running(self) -> bool:
        """Whether the process is there."""

    @property
    def ready(self) -> bool:
        """Whether it answers."""

    def start(self, *, wait: bool) -> None:
        """Start it; without wait, return at once."""

    def kill(self) -> None:
        """kill -9; nothing happens when it has ended."""

    def last_words(self) -> str:
        """The end of its log since it was started last."""


@dataclass
class _Way:
    """Where a part is on its way back. One of the two times is set, or none while it runs."""

    start_at: float | None = None
    ready_until: float | None = None
    pause_s: float = REVIVE_S


class Reviver:
    """Watches parts, each on its own: one that does not come up is tried again and keeps no other waiting."""

    def __init__(self, parts: Mapping[str, Revivable], now: Callable[[], float], tell: Callable[[str], None]) -> None:
        """now: seconds that only grow. tell: hears what ended, and what is back."""
        self._parts = parts
        self._now = now
        self._tell = tell
        self._ways = {name: _Way() for name in parts}

    def look(self) -> None:
        """One look at every part."""
        for name, part in self._parts.items():
            self._look_at(name, part, self._ways[name])

    def _look_at(self, name: str, part: Revivable, way: _Way) -> None:
        now = self._now()
        if way.start_at is not None:
            if now >= way.start_at:
                part.start(wait=False)
                way.start_at, way.ready_until = None, now + READY_S_MAX
        elif way.ready_until is not None:
            if part.running and part.ready:
                self._tell(f"{name} is back: kill -9 {part.pid}")
                self._ways[name] = _Way()
            elif not part.running or now > way.ready_until:
                self._give_pause(name, part, way)
        elif not part.running:
            way.start_at = now + way.pause_s
            self._tell(f"{name} has ended; starting it again in {way.pause_s:.0f} s")

    def _give_pause(self, name: str, part: Revivable, way: _Way) -> None:
        part.kill()
        way.pause_s = min(way.pause_s * 2, REVIVE_S_MAX)
        way.start_at, way.ready_until = self._now() + way.pause_s, None
        said = f"{name} did not come up; trying again in {way.pause_s:.0f} s"
        words = part.last_words().strip()
        self._tell(f"{said}. It said:\n{words}" if words else said)
