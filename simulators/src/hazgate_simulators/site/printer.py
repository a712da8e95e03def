"""The site's label printer: the simulated one with the labels it printed, by number."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hazgate_simulators.printer.device import Fault, Language, SimulatedPrinter

EARLIER_MAX = 24  # labels of earlier runs that are shown again


class LabelPrinter(Protocol):
    """A printer as the site sees it."""

    @property
    def address(self) -> str: ...

    @property
    def faults(self) -> Sequence[str]:
        """Names of the faults it can be given."""

    @property
    def fault(self) -> str | None: ...

    async def set_fault(self, name: str | None) -> None:
        """Raises ValueError for an unknown name."""

    @property
    def numbers(self) -> list[int]:
        """Labels that can be had, newest first."""

    def png(self, number: int) -> bytes | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class SiteLabelPrinter:
    """The simulated printer; with a folder it keeps its labels there and shows those of earlier runs too."""

    faults: Sequence[str] = tuple(fault.value for fault in Fault if fault is not Fault.READY)

    def __init__(self, host: str, port: int, folder: Path | None = None, language: Language = Language.TSPL) -> None:
        self._host = host
        self._folder = folder
        self._device = SimulatedPrinter(host, port, language=language, folder=folder)
        self._earlier: dict[int, bytes] = {}

    @property
    def address(self) -> str:
        return f"tcp:{self._host}:{self._device.port}"

    @property
    def fault(self) -> str | None:
        return None if self._device.fault is Fault.READY else self._device.fault.value

    async def set_fault(self, name: str | None) -> None:
        if name is not None and name not in self.faults:
            raise ValueError(f"printer fault {name!r}: there are {', '.join(self.faults)}")
        await self._device.set_fault(Fault.READY if name is None else Fault(name))

    @property
    def numbers(self) -> list[int]:
        return [printed.number for printed in reversed(self._device.printed)] + list(self._earlier)

    def png(self, number: int) -> bytes | None:
        for printed in self._device.printed:
            if printed.number == number:
                return printed.png
        return self._earlier.get(number)

    async def start(self) -> None:
        if self._folder is not None:
            self._earlier = await asyncio.to_thread(_newest_labels, self._folder)
        await self._device.start()

    async def stop(self) -> None:
        await self._device.stop()


def _newest_labels(folder: Path) -> dict[int, bytes]:
    """The newest labels of the folder by number, newest first."""
    paths = [path for path in folder.glob("label-*.png") if path.stem.removeprefix("label-").isdecimal()]
    numbered = sorted(((int(path.stem.removeprefix("label-")), path) for path in paths), reverse=True)
    return {number: path.read_bytes() for number, path in numbered[:EARLIER_MAX]}
