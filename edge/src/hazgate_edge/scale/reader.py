"""Keeps one scale read: open, decode, feed the pan; on any loss close, wait a little, open again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from hazgate_edge.clock import Clock
from hazgate_edge.config import HidLink, ModbusRtuLink, ModbusTcpLink, Scale, SerialLink, TcpLink
from hazgate_edge.domain.pan import Pan
from hazgate_edge.scale import links, names
from hazgate_edge.scale.links import ByteLink, LinkError, SerialSettings
from hazgate_protocols.scale.commands import request_bytes
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Poll, Profile, Stream

log = logging.getLogger(__name__)

REOPEN_S = 0.25
REOPEN_S_MAX = 2.0  # a replugged cable must show a weight within 5 s
DEAD_S = 5.0  # a connection that carries nothing for this long is opened anew: its other end may be long gone


class ScaleReader:
    """One supervised link of one scale."""

    def __init__(
        self, scale: Scale, profile: Profile, pan: Pan, clock: Clock, places: names.Places | None = None
    ) -> None:
        """places: where devices are looked up by name; the kernel's own by default."""
        self._scale = scale
        self._profile = profile
        self._pan = pan
        self._clock = clock
        self._places = places or names.Places()
        self._lost_said = False

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = REOPEN_S
        while True:
            try:
                if isinstance(self._scale.link, ModbusTcpLink):
                    await self._modbus_tcp(self._scale.link)
                else:
                    await self._bytes(self._scale.link)
            except LinkError as exc:
                self._down(exc)
            if self._pan.has_read_since_open:
                pause_s = REOPEN_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, REOPEN_S_MAX)

    # -- bytes -----------------------------------------------------------------------------------------------------

    async def _bytes(self, link: SerialLink | TcpLink | ModbusRtuLink | HidLink) -> None:
        decoder = Decoder(self._profile, self._scale.options)
        opened = await self._open(link)
        try:
            self._up()
            traffic = self._profile.traffic
            if isinstance(traffic, Poll):
                await self._poll(opened, decoder, traffic)
            else:
                await self._listen(opened, decoder, traffic)
        finally:
            opened.close()

    async def _open(self, link: SerialLink | TcpLink | ModbusRtuLink | HidLink) -> ByteLink:
        if isinstance(link, TcpLink):
            return await links.TcpLink.open(link.host, link.port)
        try:
            node = str(names.resolve(link.port, "hidraw" if isinstance(link, HidLink) else "tty", self._places))
        except names.PortNameError as exc:
            raise LinkError(str(exc)) from exc
        if isinstance(link, HidLink):
            return links.HidLink(node, skip_first=self._profile.link.open.drain)
        return await links.SerialLink.open(self._serial(link, node))

    async def _listen(self, link: ByteLink, decoder: Decoder, traffic: Stream) -> None:
        """Take what comes. A silent device is a link that is down, though the port is open and stays so."""
        quiet_s = traffic.silence_ms / 1000
        silent_s = 0.0
        while True:
            try:
                async with asyncio.timeout(quiet_s):
                    data = await link.read()
            except TimeoutError:
                silent_s += quiet_s
                why = LinkError(f"nothing received for {silent_s:.1f} s")
                if isinstance(link, links.TcpLink) and silent_s >= DEAD_S:
                    raise why from None
                if silent_s <= quiet_s:  # said once; said again it would begin to count the silence anew
                    self._down(why)
                continue
            if silent_s:
                silent_s = 0.0
                self._up()
            if isinstance(link, links.HidLink):
                decoder.reset()  # a report comes whole: nothing of it belongs to the next
            self._take(data, decoder)

    async def _poll(self, link: ByteLink, decoder: Decoder, traffic: Poll) -> None:
        """Ask, take what comes until the answer or the time-out, rest, ask again."""
        if self._profile.registers is not None:
            question = RegisterMap(self._profile, self._scale.options).request()
        else:
            question = request_bytes(self._profile, "read", decoder.options)
        silent = 0
        while silent <= traffic.retries:
            await link.drain()  # a late answer tells of another moment: it must neither count nor be joined to the next
            decoder.reset()
            decoder.asked(question)
            await link.write(question)
            if await self._answered(link, decoder, traffic):
                silent = 0
            else:
                silent += 1
                self._pan.rejected(Reject(Reason.TIMEOUT, b"", "no answer"), self._clock.mono_ns())
            await asyncio.sleep(max(traffic.guard_ms, traffic.interval_ms) / 1000)
        raise LinkError(f"no answer {silent} times")

    async def _answered(self, link: ByteLink, decoder: Decoder, traffic: Poll) -> bool:
        """Whether a reading came in time; the steps of a handshake are taken on the way."""
        read = self._profile.commands.get("read")
        steps = list(read.steps) if read is not None else []
        heard = b""
        try:
            async with asyncio.timeout(traffic.timeout_ms / 1000):
                while True:
                    data = await link.read()
                    if steps:
                        heard += data
                        on = bytes.fromhex(steps[0].after)
                        if on in heard:
                            heard = heard[heard.index(on) + len(on) :]
                            await link.write(bytes.fromhex(steps.pop(0).tx))
                    if self._take(data, decoder):
                        return True
        except TimeoutError:
            self._events(decoder.finish())
            return False

    # -- a Modbus library ------------------------------------------------------------------------------------------

    async def _modbus_tcp(self, link: ModbusTcpLink) -> None:
        from hazgate_edge.scale.modbus import ModbusLink

        traffic = self._profile.traffic
        if not isinstance(traffic, Poll):
            raise LinkError(f"profile {self._profile.id}: a Modbus device is polled")
        registers = RegisterMap(self._profile, self._scale.options)
        opened = await ModbusLink.open_tcp(link.host, link.port, registers, traffic.timeout_ms / 1000)
        silent = 0
        try:
            self._up()
            while silent <= traffic.retries:
                event = await opened.ask()
                if isinstance(event, Reading):
                    silent = 0
                    self._pan.bytes_came(self._clock.mono_ns())
                else:
                    silent += event.reason is Reason.TIMEOUT
                self._events([event])
                await asyncio.sleep(traffic.interval_ms / 1000)
            raise LinkError(f"no answer {silent} times")
        finally:
            opened.close()

    # -- to the pan ------------------------------------------------------------------------------------------------

    def _take(self, data: bytes, decoder: Decoder) -> bool:
        """Whether there was a reading in it."""
        self._pan.bytes_came(self._clock.mono_ns())
        events = decoder.feed(data)
        if self._profile.registers is not None:  # of registers the record keeps what they hold, whoever fetched them
            events = [replace(event, raw=event.raw[3:-2]) if isinstance(event, Reading) else event for event in events]
        return self._events(events)

    def _events(self, events: list[Reading | Reject]) -> bool:
        now_ns = self._clock.mono_ns()
        read = False
        for event in events:
            if isinstance(event, Reading):
                read = True
                if self._lost_said:
                    log.info("scale %s: reads again", self._scale.id)
                self._lost_said = False
                self._pan.read(event, now_ns)
            else:
                log.debug("scale %s: rejected (%s) %s", self._scale.id, event.reason, event.raw.hex(" "))
                self._pan.rejected(event, now_ns)
        return read

    def _serial(self, link: SerialLink | ModbusRtuLink, node: str) -> SerialSettings:
        usual = self._profile.link
        bits = link.bits if isinstance(link, SerialLink) else None
        return SerialSettings(
            port=node,
            baud=link.baud or next(iter(usual.baud), 9600),
            bits=bits or usual.bits,
            parity=link.parity or usual.parity,
            stop=link.stop or usual.stop,
            dtr=usual.open.dtr,
            rts=usual.open.rts,
            settle_s=usual.open.settle_ms / 1000,
            drain=usual.open.drain,
        )

    def _up(self) -> None:
        log.log(logging.DEBUG if self._lost_said else logging.INFO, "scale %s: link open", self._scale.id)
        self._pan.link(up=True, now_ns=self._clock.mono_ns())

    def _down(self, exc: LinkError) -> None:
        if not self._lost_said:
            log.warning("scale %s: %s; trying again", self._scale.id, exc)
        self._lost_said = True
        self._pan.link(up=False, now_ns=self._clock.mono_ns())
