"""Keeps one device with measuring points read: Modbus registers asked for, HJ 212 frames taken as they come.

An HJ 212 frame holds a password: no byte of a frame goes into a log or a record, only what was read out of it. The
password is not compared with anything: it travels in the clear and proves nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from hazgate_edge.clock import Clock, rfc3339
from hazgate_edge.config import ListenLink, ModbusRtuLink, ModbusTcpLink, SerialLink, TelemetrySource
from hazgate_edge.scale import links, names
from hazgate_edge.scale.links import LinkError, SerialSettings
from hazgate_edge.scale.modbus import NO_ANSWER, RegisterLink
from hazgate_edge.telemetry.watch import Taken
from hazgate_protocols.hj212.frames import BadFrame, Splitter
from hazgate_protocols.hj212.messages import Malformed, Message, answer, decode
from hazgate_protocols.telemetry import rtu
from hazgate_protocols.telemetry.points import TelemetryProfile
from hazgate_protocols.text import one_line
from hazgate_protocols.uplink.telemetry import NAME_CHARS_MAX

log = logging.getLogger(__name__)

REOPEN_S = 1.0
REOPEN_S_MAX = 15.0
SILENT_MAX = 3  # questions without an answer before the connection is opened anew
CALLERS_MAX = 4  # connections at one listening address; one monitor, and those it forgot to close
CALLER_IDLE_S = 900.0
READ_BYTES = 4096
WRITE_S = 5.0

Heard = Callable[[Mapping[str, Taken]], None]


class Source:
    """One supervised device. heard: gets the readings of one moment by point id, on the event loop; never waits."""

    def __init__(self, source: TelemetrySource, profile: TelemetryProfile, heard: Heard, clock: Clock) -> None:
        self.source = source
        self.profile = profile
        self._heard = heard
        self._clock = clock
        self._lost_said = False
        self._foreign_said = False

    async def run(self) -> None:
        """Until cancelled; whatever is lost is opened again after a pause that doubles and is capped."""
        pause_s = REOPEN_S
        while True:
            started_ns = self._clock.mono_ns()
            try:
                link = self.source.link
                if isinstance(link, ListenLink):
                    await self._listen(link)
                elif isinstance(link, SerialLink):
                    await self._serial(link)
                else:
                    await self._poll(link)
            except LinkError as exc:
                log.log(
                    logging.DEBUG if self._lost_said else logging.WARNING,
                    "source %s: %s; trying again",
                    self.source.id,
                    exc,
                )
                self._lost_said = True
            steady = self._clock.mono_ns() - started_ns > 10**10
            pause_s = REOPEN_S if steady else min(pause_s * 2, REOPEN_S_MAX)
            await asyncio.sleep(pause_s)

    def _reads(self) -> None:
        if self._lost_said:
            log.info("source %s: reads again", self.source.id)
        self._lost_said = False

    # -- Modbus ----------------------------------------------------------------------------------------------------

    async def _poll(self, link: ModbusTcpLink | ModbusRtuLink) -> None:
        poll = self.profile.poll
        asked: _Asked
        if isinstance(link, ModbusTcpLink):
            asked = await RegisterLink.open_tcp(link.host, link.port, self.source.unit_id, poll.timeout_ms / 1000)
        else:
            opened = await _open_serial(link.port, link.baud or 9600, 8, link.parity or "N", link.stop or 1)
            asked = _RtuLink(opened, self.source.unit_id, poll.timeout_ms / 1000)
        silent = 0
        try:
            while True:
                silent = 0 if await self._ask(asked) else silent + 1
                if silent >= SILENT_MAX:
                    raise LinkError(f"no answer {silent} times")
                await asyncio.sleep(poll.interval_ms / 1000)
        finally:
            asked.close()

    async def _ask(self, asked: _Asked) -> bool:
        """One round of questions. False when the device said nothing at all; its points then go stale by themselves."""
        words: dict[tuple[int, int], int] = {}
        refused: dict[tuple[int, int], str] = {}
        for function, address, count in self.profile.requests():
            said = await asked.words(function, address, count)
            if said == NO_ANSWER:
                return False
            for step in range(count):
                if isinstance(said, str):
                    refused[function, address + step] = said
                else:
                    words[function, address + step] = said[step]
        values = self.profile.of_registers(words)
        found: dict[str, Taken] = {}
        for point in self.profile.points:
            register = point.register
            if register is None:
                continue
            if point.id in values:
                own = [words[register.function, register.address + step] for step in range(register.count)]
                raw = b"".join([word.to_bytes(2, "big") for word in own])
                found[point.id] = Taken(values[point.id], raw=raw)
            else:
                why = refused.get((register.function, register.address), "refused")
                found[point.id] = Taken(None, note=one_line(why, NAME_CHARS_MAX))
        self._reads()
        self._heard(found)
        return True

    # -- HJ 212 ----------------------------------------------------------------------------------------------------

    async def _listen(self, link: ListenLink) -> None:
        """Serves callers until cancelled, and ends all of them with it."""
        callers: set[asyncio.Task[None]] = set()

        def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(callers) >= CALLERS_MAX:
                log.warning("source %s: more than %d callers; one is turned away", self.source.id, CALLERS_MAX)
                writer.close()
                return
            task = asyncio.get_running_loop().create_task(self._caller(reader, writer))
            callers.add(task)
            task.add_done_callback(callers.discard)

        try:
            server = await asyncio.start_server(called, link.host, link.port, limit=READ_BYTES * 4)
        except OSError as exc:
            raise LinkError(f"listen on {link.host}:{link.port}: {exc.strerror}") from exc
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for task in list(callers):
                task.cancel()
            await asyncio.gather(*callers, return_exceptions=True)

    async def _caller(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = Splitter()
        try:
            while True:
                async with asyncio.timeout(CALLER_IDLE_S):
                    octets = await reader.read(READ_BYTES)
                if not octets:
                    return
                if reply := self.take(octets, splitter):
                    writer.write(reply)
                    async with asyncio.timeout(WRITE_S):
                        await writer.drain()
        except (OSError, TimeoutError) as exc:
            log.info("source %s: a caller was lost: %s", self.source.id, str(exc) or "no traffic")
        finally:
            writer.close()

    async def _serial(self, link: SerialLink) -> None:
        opened = await _open_serial(link.port, link.baud or 9600, link.bits or 8, link.parity or "N", link.stop or 1)
        splitter = Splitter()
        try:
            while True:
                if reply := self.take(await opened.read(), splitter):
                    await opened.write(reply)
        finally:
            opened.close()

    def take(self, octets: bytes, splitter: Splitter) -> bytes:
        """Bytes of a monitor: its frames are heard; the answers it asks for, b"" for none."""
        replies = b""
        for event in splitter.feed(octets):
            if isinstance(event, BadFrame):
                log.warning("source %s: bytes that are no HJ 212 frame (%s)", self.source.id, event.why)
                continue
            message = decode(event.segment)
            if isinstance(message, Malformed):
                log.warning("source %s: HJ 212 frame with a right CRC that cannot be read", self.source.id)
            elif message.mn != self.source.mn:
                if not self._foreign_said:
                    log.warning("source %s: frames of MN %s do not count here", self.source.id, message.mn)
                self._foreign_said = True
            else:
                self._message(message)
                if message.wants_answer and self.source.answers:
                    replies += answer(message)
        return replies

    def _message(self, message: Message) -> None:
        now, at = self._clock.wall(), message.data_time
        late = at is not None and abs(now - at) > timedelta(seconds=self.source.late_s)
        found = {
            reading.point.id: Taken(
                reading.value,
                said_at="" if at is None else rfc3339(at),
                note="" if reading.flag in ("", "N") else one_line(f"Flag={reading.flag}", NAME_CHARS_MAX),
                late=late,
                qn=message.qn,
            )
            for reading in self.profile.of_message(message)
        }
        if found:
            self._reads()
            self._heard(found)


class _Asked(Protocol):
    async def words(self, function: int, address: int, count: int) -> list[int] | str: ...

    def close(self) -> None: ...


class _RtuLink:
    """Modbus RTU over a serial port."""

    def __init__(self, link: links.SerialLink, unit_id: int, timeout_s: float) -> None:
        self._link = link
        self._unit_id = unit_id
        self._timeout_s = timeout_s

    async def words(self, function: int, address: int, count: int) -> list[int] | str:
        """As RegisterLink.words()."""
        await self._link.drain()  # a late answer tells of another moment
        await self._link.write(rtu.question(self._unit_id, function, address, count))
        held = b""
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    held = (held + await self._link.read())[-2 * rtu.ANSWER_BYTES_MAX :]
                    said = rtu.answer(held, self._unit_id, function, count)
                    if isinstance(said, rtu.Refused):
                        return f"exception {said.code}"
                    if said is not None:
                        return said
        except TimeoutError:
            return NO_ANSWER

    def close(self) -> None:
        """Never raises."""
        self._link.close()


async def _open_serial(port: str, baud: int, bits: int, parity: str, stop: int) -> links.SerialLink:
    try:
        node = str(names.resolve(port, "tty", names.Places()))
    except names.PortNameError as exc:
        raise LinkError(str(exc)) from exc
    return await links.SerialLink.open(SerialSettings(port=node, baud=baud, bits=bits, parity=parity, stop=stop))
