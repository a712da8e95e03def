"""Keeps one scale read: open, decode, feed the pan; on any loss close, wait a little, open again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from hazgate_edge.clock import Clock
from hazgate_edge.config import ModbusRtuLink, ModbusTcpLink, Scale, SerialLink, TcpLink
from hazgate_edge.domain.pan import Pan
from hazgate_edge.scale import links
from hazgate_edge.scale.links import ByteLink, LinkError, SerialSettings
from hazgate_protocols.scale.commands import request_bytes
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Poll, Profile

log = logging.getLogger(__name__)

REOPEN_S = 0.25
REOPEN_S_MAX = 2.0  # a replugged cable must show a weight within 5 s


class ScaleReader:
    """One supervised link of one scale."""

    def __init__(self, scale: Scale, profile: Profile, pan: Pan, clock: Clock) -> None:
        self._scale = scale
        self._profile = profile
        self._pan = pan
        self._clock = clock
        self._lost_said = False

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = REOPEN_S
        while True:
            try:
                if isinstance(self._scale.link, ModbusRtuLink | ModbusTcpLink):
                    await self._modbus(self._scale.link)
                else:
                    await self._bytes(self._scale.link)
            except LinkError as exc:
                self._down(exc)
            if self._pan.has_read_since_open:
                pause_s = REOPEN_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, REOPEN_S_MAX)

    async def _bytes(self, link: SerialLink | TcpLink) -> None:
        decoder = Decoder(self._profile, self._scale.options)
        opened: ByteLink
        if isinstance(link, TcpLink):
            opened = await links.TcpLink.open(link.host, link.port)
        else:
            opened = links.SerialLink(self._serial(link))
        try:
            self._up()
            if isinstance(self._profile.traffic, Poll):
                await self._poll(opened, decoder, self._profile.traffic)
            else:
                async for data in _received(opened):
                    self._take(data, decoder)
        finally:
            opened.close()

    async def _poll(self, link: ByteLink, decoder: Decoder, traffic: Poll) -> None:
        """Ask, take what comes until the answer or the time-out, rest, ask again."""
        question = request_bytes(self._profile, "read", decoder.options)
        while True:
            decoder.reset()  # a late answer must not be joined to the next
            decoder.asked(question)
            steps = list(self._profile.commands["read"].steps)
            await link.write(question)
            answered = False
            try:
                async with asyncio.timeout(traffic.timeout_ms / 1000):
                    while not answered:
                        data = await link.read()
                        if steps and bytes.fromhex(steps[0].on) in data:
                            await link.write(bytes.fromhex(steps.pop(0).tx))
                        answered = self._take(data, decoder)
            except TimeoutError:
                self._pan.rejected(Reject(Reason.TIMEOUT, b"", "no answer"), self._clock.mono_ns())
            await asyncio.sleep(max(traffic.guard_ms, traffic.interval_ms) / 1000)

    async def _modbus(self, link: ModbusRtuLink | ModbusTcpLink) -> None:
        from hazgate_edge.scale.modbus import ModbusLink

        traffic = self._profile.traffic
        if not isinstance(traffic, Poll):
            raise LinkError(f"profile {self._profile.id}: a Modbus device is polled")
        registers = RegisterMap(self._profile, self._scale.options)
        timeout_s = traffic.timeout_ms / 1000
        if isinstance(link, ModbusTcpLink):
            opened = await ModbusLink.open_tcp(link.host, link.port, registers, timeout_s)
        else:
            opened = await ModbusLink.open_rtu(self._serial(link), registers, timeout_s)
        silent = 0
        try:
            self._up()
            while silent <= traffic.retries:
                event = await opened.ask()
                now_ns = self._clock.mono_ns()
                if isinstance(event, Reading):
                    silent = 0
                    self._pan.bytes_came(now_ns)
                    self._pan.read(event, now_ns)
                else:
                    silent += event.reason is Reason.TIMEOUT
                    self._pan.rejected(event, now_ns)
                await asyncio.sleep(traffic.interval_ms / 1000)
            raise LinkError(f"no answer {silent} times")
        finally:
            opened.close()

    def _take(self, data: bytes, decoder: Decoder) -> bool:
        now_ns = self._clock.mono_ns()
        self._pan.bytes_came(now_ns)
        read = False
        for event in decoder.feed(data):
            if isinstance(event, Reading):
                read = True
                self._pan.read(event, now_ns)
            else:
                log.debug("scale %s: rejected (%s) %s", self._scale.id, event.reason, event.raw.hex(" "))
                self._pan.rejected(event, now_ns)
        return read

    def _serial(self, link: SerialLink | ModbusRtuLink) -> SerialSettings:
        usual = self._profile.link
        bits = link.bits if isinstance(link, SerialLink) else None
        return SerialSettings(
            port=link.port,
            baud=link.baud or usual.baud[0],
            bits=bits or usual.bits,
            parity=link.parity or usual.parity,
            stop=link.stop or usual.stop,
        )

    def _up(self) -> None:
        log.info("scale %s: link open", self._scale.id)
        self._lost_said = False
        self._pan.link(up=True, now_ns=self._clock.mono_ns())

    def _down(self, exc: LinkError) -> None:
        if not self._lost_said:
            log.warning("scale %s: %s; trying again", self._scale.id, exc)
        self._lost_said = True
        self._pan.link(up=False, now_ns=self._clock.mono_ns())


async def _received(link: ByteLink) -> AsyncIterator[bytes]:
    while True:
        yield await link.read()
