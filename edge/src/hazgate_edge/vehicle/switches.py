"""The position sensors and the traffic light beside a weighbridge, on one Modbus TCP module.

Fail-safe: what was not answered within a second is not known, and the rules take "not known" as "not on the platform"
(`Bridge.where`). The light goes red when the agent stops; it is written again every few seconds, because a module that
was without power has forgotten it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hazgate_edge.clock import Clock
from hazgate_edge.config import VehicleSwitches
from hazgate_edge.domain.view import Chip, Light, Say
from hazgate_edge.domain.weighbridge import Position
from hazgate_edge.scale.links import LinkError
from hazgate_edge.scale.modbus import SwitchLink

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.2
ANSWER_S = 0.4  # with ASK_EVERY_S well inside SENSORS_FRESH_MS: one lost answer does not yet block
LIGHT_AGAIN_S = 2.0
AGAIN_AFTER_S = 1.0
LAST_RED_S = 0.5


class Switches:
    """One a weighbridge that has any. Run `run`; ask `position` and `chip` at any time."""

    def __init__(self, settings: VehicleSwitches, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._position: Position | None = None
        self._up: bool | None = None  # None: not tried yet
        self._shown: tuple[bool, float] | None = None  # the light as last written, and when

    @property
    def has_sensors(self) -> bool:
        """Whether positions are known here at all."""
        return self._settings.front is not None

    def position(self) -> Position | None:
        """The newest answer; its age is for the asker to judge."""
        return self._position

    def chip(self) -> Chip:
        """For the top bar."""
        if self._up:
            return Chip("gate", Light.GOOD)
        if self._up is None:
            return Chip("gate", Light.OFF)
        return Chip("gate", Light.BAD, Say("VEH-01" if self.has_sensors else "VEH-18"))

    async def run(self, green: Callable[[], bool]) -> None:
        """Until cancelled. green: what the light ought to show now."""
        place = f"{self._settings.host}:{self._settings.port}"
        while True:
            try:
                await self._serve(green)
            except LinkError as exc:
                if self._up is not False:
                    log.warning("weighbridge switches %s lost: %s", place, exc)
            self._up, self._position, self._shown = False, None, None
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _serve(self, green: Callable[[], bool]) -> None:
        settings = self._settings
        link = await SwitchLink.open_tcp(settings.host, settings.port, settings.unit_id, ANSWER_S)
        try:
            while True:
                if settings.front is not None and settings.rear is not None:
                    asked_ns = self._clock.mono_ns()  # before the question: what is seen may be as old as this
                    front, rear = await link.inputs((settings.front, settings.rear))
                    self._position = Position(front, rear, asked_ns)
                await self._show(link, green=green())
                if not self._up:
                    log.info("weighbridge switches %s:%d answer", settings.host, settings.port)
                self._up = True
                await asyncio.sleep(ASK_EVERY_S)
        except asyncio.CancelledError:
            await self._red_at_last(link)
            raise
        finally:
            link.close()

    async def _show(self, link: SwitchLink, *, green: bool) -> None:
        settings, now = self._settings, asyncio.get_running_loop().time()
        if settings.red is None or settings.green is None:
            return
        if self._shown is not None and self._shown[0] == green and now - self._shown[1] < LIGHT_AGAIN_S:
            return
        off, on = (settings.red, settings.green) if green else (settings.green, settings.red)
        await link.set_coil(off, on=False)  # dark for a moment rather than both
        await link.set_coil(on, on=True)
        self._shown = (green, now)

    async def _red_at_last(self, link: SwitchLink) -> None:
        try:
            async with asyncio.timeout(LAST_RED_S):
                self._shown = None
                await self._show(link, green=False)
        except (LinkError, TimeoutError) as exc:
            log.warning("weighbridge light left as it is: %s", exc)
