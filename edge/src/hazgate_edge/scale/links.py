"""Byte links to an indicator: a serial port, a TCP serial server, HID reports; with one face.

pyserial is imported here only. XON/XOFF is never used: these devices send 11h and 13h as plain bytes.
"""

from __future__ import annotations

import asyncio
import os
import select
from dataclasses import dataclass
from typing import Any, Protocol

CONNECT_TIMEOUT_S = 5.0
READ_BYTES = 4096
DRAIN_BYTES_MAX = 256 * 1024  # a device that talks without end must not hold the reader in a drain


class LinkError(Exception):
    """The link cannot be opened or was lost; the text says which and why."""


class ByteLink(Protocol):
    """One open connection."""

    async def read(self) -> bytes:
        """At least one byte. Raises LinkError when the link is lost."""
        ...

    async def drain(self) -> None:
        """Throws away what has come and was not read. Raises LinkError when the link is lost."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises LinkError when the link is lost."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial port as it is opened: 9600 8N1 and friends, and what the profile wants of the lines at opening.

    dtr, rts: levels; HX711 boards reset on a change and balances take it for a character. settle_s: quiet time after
    opening; drain: what came until then, boot noise, is thrown away.
    """

    port: str
    baud: int
    bits: int
    parity: str
    stop: int
    dtr: bool = False
    rts: bool = False
    settle_s: float = 0.0
    drain: bool = True


class _Descriptor:
    """Reading from a device's descriptor without blocking."""

    def __init__(self, name: str, descriptor: int) -> None:
        """Raises LinkError for a file that cannot be waited for, such as one on a disk."""
        self._name = name
        self._ready = asyncio.Event()
        self._descriptor = descriptor
        try:
            asyncio.get_running_loop().add_reader(descriptor, self._ready.set)
        except OSError as exc:
            raise LinkError(f"open {name}: {exc.strerror}; a device is wanted") from exc

    async def read(self) -> bytes:
        while True:
            await self._ready.wait()
            self._ready.clear()
            if data := self._take():
                return data
            # No bytes: a late wake-up for bytes already taken, or a port that is gone and so "readable" for ever.
            if select.select([self._descriptor], [], [], 0)[0]:
                if data := self._take():
                    return data
                raise LinkError(f"read {self._name}: the port has gone")

    async def drain(self) -> None:
        taken = 0
        while (data := self._take()) and taken < DRAIN_BYTES_MAX:
            taken += len(data)

    def _take(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as exc:
            raise LinkError(f"read {self._name}: {exc.strerror}") from exc

    def _stop_waiting(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)


class SerialLink(_Descriptor):
    """A serial port, opened exclusively: two readers would steal each other's bytes without a word."""

    def __init__(self, settings: SerialSettings, port: Any) -> None:
        """port: opened; see open()."""
        self._serial = port
        super().__init__(settings.port, port.fileno())

    @classmethod
    async def open(cls, settings: SerialSettings) -> SerialLink:
        """Opens, waits until the device has settled, throws away what it said meanwhile. Raises LinkError."""
        import serial

        port = serial.Serial()
        try:
            port.port = settings.port
            port.baudrate, port.bytesize = settings.baud, settings.bits
            port.parity, port.stopbits = settings.parity, settings.stop
            port.timeout, port.write_timeout = 0, 2
            port.xonxoff, port.rtscts, port.exclusive = False, False, True
            # Before opening: set afterwards, the lines would go up first and down then, which resets some boards.
            port.dtr, port.rts = settings.dtr, settings.rts
            port.open()
        except (serial.SerialException, OSError, ValueError) as exc:
            raise LinkError(f"open {settings.port}: {exc}") from exc
        link = cls(settings, port)
        try:
            if settings.settle_s:
                await asyncio.sleep(settings.settle_s)
            if settings.drain:
                await link.drain()
        except BaseException:
            link.close()
            raise
        return link

    async def write(self, data: bytes) -> None:
        import serial

        try:
            await asyncio.to_thread(self._serial.write, data)
        except (serial.SerialException, OSError) as exc:
            raise LinkError(f"write {self._name}: {exc}") from exc

    def close(self) -> None:
        self._stop_waiting()
        self._serial.close()


class HidLink(_Descriptor):
    """A HID device (/dev/hidraw*): each read gives one whole report, its number first."""

    def __init__(self, path: str, *, skip_first: bool = False) -> None:
        """skip_first: the report that the device has ready may be an old one. Raises LinkError."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise LinkError(f"open {path}: {exc.strerror}") from exc
        self._skip_first = skip_first
        try:
            super().__init__(path, descriptor)
        except LinkError:
            os.close(descriptor)
            raise

    async def read(self) -> bytes:
        if self._skip_first:
            await super().read()
            self._skip_first = False
        return await super().read()

    async def write(self, data: bytes) -> None:
        """Nothing is ever asked of such a scale."""
        raise LinkError(f"write {self._name}: {len(data)} bytes; a HID scale is only read")

    def close(self) -> None:
        self._stop_waiting()
        os.close(self._descriptor)


class TcpLink:
    """A raw TCP serial server."""

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int) -> TcpLink:
        """Raises LinkError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError) as exc:
            raise LinkError(f"connect {host}:{port}: {str(exc) or 'no answer'}") from exc
        return cls(f"{host}:{port}", reader, writer)

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as exc:
            raise LinkError(f"read {self._name}: {exc}") from exc
        if not data:
            raise LinkError(f"read {self._name}: the other side closed")
        return data

    async def drain(self) -> None:
        taken = 0
        try:
            async with asyncio.timeout(0):  # what is there comes without waiting
                while taken < DRAIN_BYTES_MAX:
                    taken += len(await self.read())
        except TimeoutError:
            return

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as exc:
            raise LinkError(f"write {self._name}: {exc}") from exc

    def close(self) -> None:
        self._writer.close()
