"""Keeps one scanner read: open, frame, hand on; on any loss close, wait a little, open again by its stable name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from hazgate_edge.clock import Clock
from hazgate_edge.config import KeyboardLink, Scanner, SerialLink
from hazgate_edge.scale import links
from hazgate_edge.scale.links import ByteLink, LinkError, SerialSettings
from hazgate_edge.scanning import keyboard
from hazgate_protocols.scan.events import BadScan, Scan, ScanEvent
from hazgate_protocols.scan.framing import Framer
from hazgate_protocols.scan.keyboard import KeyReader
from hazgate_protocols.scan.spec import KeyTraffic, SerialTraffic

log = logging.getLogger(__name__)

REOPEN_S = 0.25
REOPEN_S_MAX = 2.0


class ScannerReader:
    """One supervised scanner. take: gets each scanned content, on the loop."""

    def __init__(
        self,
        scanner: Scanner,
        traffic: SerialTraffic | KeyTraffic,
        clock: Clock,
        take: Callable[[str, bytes], object],
        *,
        sys: Path = keyboard.SYS,
        dev: Path = keyboard.DEV,
    ) -> None:
        self._scanner = scanner
        self._traffic = traffic
        self._clock = clock
        self._take = take
        self._sys = sys
        self._dev = dev
        self._lost_said = False
        self.up = False

    @property
    def id(self) -> str:
        """The scanner's name in the configuration."""
        return self._scanner.id

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = REOPEN_S
        while True:
            try:
                if isinstance(self._traffic, KeyTraffic):
                    await self._keys(self._traffic)
                else:
                    await self._bytes(self._traffic)
            except LinkError as exc:
                if self.up:
                    pause_s = REOPEN_S
                self._down(exc)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, REOPEN_S_MAX)

    async def _bytes(self, traffic: SerialTraffic) -> None:
        link = await self._opened(traffic)
        try:
            self._up()
            framer = Framer(traffic)
            reading: asyncio.Task[bytes] | None = None
            try:
                while True:
                    reading = reading or asyncio.create_task(link.read())
                    done, _ = await asyncio.wait([reading], timeout=self._patience_s(framer))
                    now_ns = self._clock.mono_ns()
                    if done:
                        octets, reading = reading.result(), None
                        self._hand_on(list(framer.feed(octets, now_ns)))
                    else:
                        self._hand_on(list(framer.idle(now_ns)))
            finally:
                if reading is not None:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
        finally:
            link.close()

    async def _keys(self, traffic: KeyTraffic) -> None:
        if not isinstance(self._scanner.link, KeyboardLink):
            raise LinkError(f"scanner {self.id}: its profile is a keyboard's, its link is not; run: check-config")
        device = keyboard.KeyboardDevice(keyboard.find(self._scanner.link, sys=self._sys, dev=self._dev))
        try:
            self._up()
            reader = KeyReader(traffic)
            while True:
                self._hand_on(list(reader.feed(await device.read())))
        finally:
            device.close()

    async def _opened(self, traffic: SerialTraffic) -> ByteLink:
        link = self._scanner.link
        if isinstance(link, KeyboardLink):
            raise LinkError(f"scanner {self.id}: its link is a keyboard, its profile is not; run: check-config")
        if not isinstance(link, SerialLink):
            return await links.TcpLink.open(link.host, link.port)
        return await links.SerialLink.open(
            SerialSettings(
                port=link.port,
                baud=link.baud or traffic.baud[0],
                bits=link.bits or traffic.bits,
                parity=link.parity or traffic.parity,
                stop=link.stop or traffic.stop,
            )
        )

    def _patience_s(self, framer: Framer) -> float | None:
        deadline_ns = framer.deadline_ns()
        return None if deadline_ns is None else max(0.001, (deadline_ns - self._clock.mono_ns()) / 1e9)

    def _hand_on(self, events: list[ScanEvent] | list[Scan | BadScan]) -> None:
        for event in events:
            if isinstance(event, Scan):
                self._take(self.id, event.content)
            elif isinstance(event, BadScan):
                log.debug("scanner %s: dropped (%s) %s", self.id, event.flaw, event.raw.hex(" "))

    def _up(self) -> None:
        log.info("scanner %s: open", self.id)
        self._lost_said = False
        self.up = True

    def _down(self, exc: LinkError) -> None:
        if not self._lost_said:
            log.warning("scanner %s: %s; trying again", self.id, exc)
        self._lost_said = True
        self.up = False
