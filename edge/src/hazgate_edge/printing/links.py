"""Ways to a printer's bytes: TCP port 9100, a device file, a USB printer by its own name, a serial port.

Nothing here knows what the bytes mean. A serial port is set up with termios: pyserial's ports block or poll in ways of
their own, and a printer wants nothing of a port but its speed.
"""

from __future__ import annotations

import asyncio
import os
import select
import termios
import threading
import time
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hazgate_edge.printing.usb import find_printer

CHUNK_BYTES = 4096  # printers flooded with more than they buffer drop bytes and print the rest as text
ANSWER_BYTES_MAX = 64
POLL_S = 0.05  # a blocked device is asked again, and a stop noticed, this often


@dataclass(frozen=True, slots=True)
class TcpTarget:
    """A network printer; one client at a time on most of them."""

    host: str
    port: int = 9100

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A printer's device file, e.g. /dev/usb/lp0."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class UsbTarget:
    """A USB printer by what it says of itself; lp0 may be lp1 after the next replug, so it is looked up each time."""

    model: str | None
    serial: str | None
    sysfs: Path = Path("/sys")
    devices: Path = Path("/dev")

    def __str__(self) -> str:
        return f"usb:{self.model or '*'}" + (f" serial {self.serial}" if self.serial else "")


@dataclass(frozen=True, slots=True)
class SerialTarget:
    """A serial printer, 8N1 with hardware handshake off: chunks and their time-out bound what it cannot take."""

    path: Path
    baud: int

    def __str__(self) -> str:
        return f"{self.path} at {self.baud} baud"


Target = TcpTarget | FileTarget | UsbTarget | SerialTarget


class PrinterLink(Protocol):
    """One open connection. Every failure is an OSError (TimeoutError among them)."""

    @property
    def bytes_left_us(self) -> bool:
        """Whether a byte given to send() may have reached the printer."""
        ...

    async def send(self, job: bytes, timeout_s: float) -> None:
        """Hand over all bytes in chunks; timeout_s bounds each chunk."""
        ...

    async def ask(self, request: bytes, timeout_s: float) -> bytes:
        """Write a request, return what is answered; b"" when nothing came in time."""
        ...

    async def close(self) -> None:
        """Let go; never raises."""
        ...


async def open_link(target: Target, *, timeout_s: float, reads: bool) -> PrinterLink:
    """Connect. reads: whether answers are wanted (some device files can only be written)."""
    if isinstance(target, UsbTarget):
        target = FileTarget(find_printer(target.model, target.serial, target.sysfs, target.devices))
    if isinstance(target, SerialTarget):
        return FileLink(_open_serial(target))
    if isinstance(target, FileTarget):
        flags = (os.O_RDWR if reads else os.O_WRONLY) | os.O_NONBLOCK | os.O_NOCTTY
        return FileLink(os.open(target.path, flags))
    async with asyncio.timeout(timeout_s):
        try:
            reader, writer = await asyncio.open_connection(target.host, target.port)
        except UnicodeError as error:  # a host name no resolver would take
            raise OSError(f"host name {target.host!r}: {error}") from error
    return TcpLink(reader, writer)


def _open_serial(target: SerialTarget) -> int:
    """An open port, raw, 8N1. Raises OSError; a path that is no serial port is one."""
    descriptor = os.open(target.path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        tty.setraw(descriptor, termios.TCSANOW)
        mode = termios.tcgetattr(descriptor)
        mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        mode[4] = mode[5] = getattr(termios, f"B{target.baud}")
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
    except termios.error as error:
        os.close(descriptor)
        raise OSError(f"{target.path} is no serial port: {error.args[-1]}") from error
    return descriptor


class TcpLink:
    """A connection to port 9100."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left = False
        writer.transport.set_write_buffer_limits(high=0)  # drain() then waits until the kernel has the bytes

    @property
    def bytes_left_us(self) -> bool:
        return self._left

    async def send(self, job: bytes, timeout_s: float) -> None:
        for start in range(0, len(job), CHUNK_BYTES):
            if self._reader.at_eof() or self._writer.transport.is_closing():
                raise ConnectionResetError("the printer hung up")
            self._left = True
            self._writer.write(job[start : start + CHUNK_BYTES])
            async with asyncio.timeout(timeout_s):
                await self._writer.drain()

    async def ask(self, request: bytes, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(request)
                await self._writer.drain()
                answer = await self._reader.read(ANSWER_BYTES_MAX)
        except TimeoutError:
            return b""
        if not answer:
            raise ConnectionResetError("the printer hung up")
        return answer

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except OSError:
            self._writer.transport.abort()


class FileLink:
    """An open, non-blocking device file. Waiting happens in a thread and is bounded: a dead device blocks nobody."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = False
        self._stop = threading.Event()
        self._in_use = threading.Lock()  # the descriptor is closed only when no thread waits on it

    @property
    def bytes_left_us(self) -> bool:
        return self._left

    async def send(self, job: bytes, timeout_s: float) -> None:
        for start in range(0, len(job), CHUNK_BYTES):
            await asyncio.to_thread(self._write, job[start : start + CHUNK_BYTES], timeout_s, True)

    async def ask(self, request: bytes, timeout_s: float) -> bytes:
        try:
            await asyncio.to_thread(self._write, request, timeout_s, False)
        except TimeoutError:
            return b""
        return await asyncio.to_thread(self._read, timeout_s)

    async def close(self) -> None:
        self._stop.set()
        await asyncio.shield(asyncio.to_thread(self._close))

    def _write(self, chunk: bytes, timeout_s: float, of_job: bool) -> None:
        end = time.monotonic() + timeout_s
        with self._in_use:
            while chunk:
                if not self._wait(select.POLLOUT, end):
                    raise TimeoutError(f"the device took no byte for {timeout_s:g} s")
                try:
                    written = os.write(self._descriptor, chunk)
                except BlockingIOError:
                    self._stop.wait(POLL_S)
                    continue
                self._left = self._left or (of_job and written > 0)
                chunk = chunk[written:]

    def _read(self, timeout_s: float) -> bytes:
        end = time.monotonic() + timeout_s
        with self._in_use:
            while self._wait(select.POLLIN, end):
                try:
                    answer = os.read(self._descriptor, ANSWER_BYTES_MAX)
                except BlockingIOError:
                    continue
                if answer:
                    return answer
                self._stop.wait(POLL_S)  # usblp says "readable" and gives nothing while the printer is quiet
        return b""

    def _wait(self, event: int, end: float) -> bool:
        """Until the event, the end or close(); False for the last two."""
        watch = select.poll()
        watch.register(self._descriptor, event)
        while not self._stop.is_set() and time.monotonic() < end:
            if watch.poll(POLL_S * 1000):
                return True
        return False

    def _close(self) -> None:
        with self._in_use:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
