"""Who was heard when. In memory only: after a restart every box is heard again with its next message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

BOXES_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Heard:
    """online: what the box, or the broker in its name, said last."""

    online: bool
    at: datetime


class Presence:
    """The last word of each box."""

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}

    def hear(self, box: str, online: bool, at: datetime) -> None:
        """Keeps the last word; boxes beyond the bound are not kept."""
        if box in self._heard or len(self._heard) < BOXES_MAX:
            self._heard[box] = Heard(online, at)

    def of(self, box: str) -> Heard | None:
        """None: not heard since the start."""
        return self._heard.get(box)
