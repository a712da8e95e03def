"""Byte links to an indicator: a serial port or a TCP serial server, with one face.

pyserial is imported here only. XON/XOFF is never used: these devices send 11h and 13h as plain bytes.
"""

from __future__ import annotations

import asyncio
import os
import select
from dataclasses import dataclass
from typing import Protocol

CONNECT_TIMEOUT_S = 5.0
READ_BYTES = 4096


class LinkError(Exception):
    """The link cannot be opened or was lost; the text says which and why."""


class ByteLink(Protocol):
    """One open connection."""

    async def read(self) -> bytes:
        """At least one byte. Raises LinkError when the link is lost."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises LinkError when the link is lost."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial port as it is opened: 9600 8N1 and friends."""

    port: str
    baud: int
    bits: int
    parity: str
    stop: int


class SerialLink:
    """A serial port, opened exclusively: two readers would steal each other's bytes without a word."""

    def __init__(self, settings: SerialSettings) -> None:
        import serial

        try:
            self._serial = serial.Serial(
                port=settings.port,
                baudrate=settings.baud,
                bytesize=settings.bits,
                parity=settings.parity,
                stopbits=settings.stop,
                timeout=0,
                write_timeout=2,
                xonxoff=False,
                rtscts=False,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError) as exc:
            raise LinkError(f"open {settings.port}: {exc}") from exc
        self._name = settings.port
        self._ready = asyncio.Event()
        self._descriptor = self._serial.fileno()
        asyncio.get_running_loop().add_reader(self._descriptor, self._ready.set)

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

    def _take(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as exc:
            raise LinkError(f"read {self._name}: {exc.strerror}") from exc

    async def write(self, data: bytes) -> None:
        import serial

        try:
            await asyncio.to_thread(self._serial.write, data)
        except (serial.SerialException, OSError) as exc:
            raise LinkError(f"write {self._name}: {exc}") from exc

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._serial.close()


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

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as exc:
            raise LinkError(f"write {self._name}: {exc}") from exc

    def close(self) -> None:
        self._writer.close()
