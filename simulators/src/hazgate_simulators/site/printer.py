"""What the site needs of a printer, and the album of what it printed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

LABELS_MAX = 500  # the album forgets the oldest beyond this; files in a folder stay


class LabelPrinter(Protocol):
    """A printer simulator as the site sees it."""

    @property
    def address(self) -> str: ...

    @property
    def faults(self) -> Sequence[str]:
        """Names of the faults it can be given."""

    @property
    def fault(self) -> str | None: ...

    def set_fault(self, name: str | None) -> None:
        """Raises ValueError for an unknown name."""

    def take_labels(self) -> list[bytes]:
        """PNGs printed since the last call, oldest first."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class LabelAlbum:
    """Printed labels by number from 1; with a folder they are also files there, and those of earlier runs are shown."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._pngs: OrderedDict[int, bytes] = OrderedDict()
        self._last = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            numbered = sorted((int(path.stem.removeprefix("label-")), path) for path in folder.glob("label-[0-9]*.png"))
            for number, path in numbered[-LABELS_MAX:]:
                self._pngs[number] = path.read_bytes()
                self._last = number

    @property
    def numbers(self) -> list[int]:
        """Newest first."""
        return list(reversed(self._pngs))

    def png(self, number: int) -> bytes | None:
        return self._pngs.get(number)

    def add(self, png: bytes) -> int:
        """Keep a label; gives its number."""
        self._last += 1
        self._pngs[self._last] = png
        if len(self._pngs) > LABELS_MAX:
            self._pngs.popitem(last=False)
        if self._folder is not None:
            fresh = self._folder / f".label-{self._last:04}.png"
            fresh.write_bytes(png)
            fresh.replace(self._folder / f"label-{self._last:04}.png")
        return self._last
