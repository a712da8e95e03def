"""Where the bytes go: a pseudo terminal with a stable name, or a TCP port like a serial server's.

A link never blocks and never queues for nobody: like a UART, what no one reads is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Receiver = Callable[[bytes], None]

HANGUP_POLL_S = 0.02
READ_BYTES = 4096
TCP_CLIENTS_MAX = 8
STOP_S = 2.0
TCP_UNSENT_BYTES_MAX = 16_384  # a client that reads nothing for this long a while is cut off


class LinkError(OSError):
    """A link could not be opened; the message says which and why."""


class Link(Protocol):
    """A byte link of the simulator."""

    @property
    def address(self) -> str:
        """What a consumer opens, as written on the command line."""

    @property
    def is_listened_to(self) -> bool: ...

    async def start(self, receive: Receiver) -> None: ...

    async def stop(self) -> None: ...

    def send(self, octets: bytes) -> bool:
        """Send now; False when nobody listens or the listener does not keep up (the bytes are gone)."""


class PtyLink:
    """A pty whose slave is reachable under a stable path (a symbolic link), in raw mode.

    The consumer may close and open again at will; bytes sent meanwhile are dropped, as on a wire. stop() removes the
    name; a name left behind by kill -9 is replaced at the next start. A path that is no symbolic link is never touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master: int | None = None
        self._slave_name = ""
        self._watch: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        return f"pty:{self.path}"

    @property
    def is_listened_to(self) -> bool:
        return self._master is not None and not self._is_hung_up(self._master)

    async def start(self, receive: Receiver) -> None:
        if self.path.exists() and not self.path.is_symlink():
            raise LinkError(f"open pty {self.path}: a file that is no symbolic link stands there; choose another path")
        master, slave = os.openpty()
        try:
            tty.setraw(slave, termios.TCSANOW)
            self._slave_name = os.ttyname(slave)
        finally:
            # With no slave open the master reports a hang-up, which is how we know that nobody listens.
            os.close(slave)
        os.set_blocking(master, False)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._slave_name)
            fresh.replace(self.path)
        except OSError as exc:
            os.close(master)
            raise LinkError(f"open pty {self.path}: cannot make the symbolic link: {exc.strerror}") from exc
        self._master = master
        self._watch = asyncio.create_task(self._listen(master, receive), name=f"pty {self.path}")

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._master is not None:
            with contextlib.suppress(OSError):
                if self.path.readlink() == Path(self._slave_name):
                    self.path.unlink()
            os.close(self._master)
            self._master = None

    def send(self, octets: bytes) -> bool:
        master = self._master
        if master is None or self._is_hung_up(master):
            return False
        try:
            return os.write(master, octets) == len(octets)
        except BlockingIOError:
            return False

    async def _listen(self, master: int, receive: Receiver) -> None:
        """Hand on what the consumer sends; wait out the times when nobody has the slave open."""
        loop = asyncio.get_running_loop()
        was_open = False
        while True:
            if self._is_hung_up(master):
                if was_open:
                    self._forget_unread()
                    was_open = False
                await asyncio.sleep(HANGUP_POLL_S)
                continue
            was_open = True
            readable = asyncio.Event()
            loop.add_reader(master, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(master)
            try:
                octets = os.read(master, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as exc:
                if exc.errno != errno.EIO:
                    raise
                continue  # hung up between the two calls
            receive(octets)

    def _forget_unread(self) -> None:
        """Empty what the last consumer left unread: the next one must not get old bytes."""
        with contextlib.suppress(OSError):
            slave = os.open(self._slave_name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                termios.tcflush(slave, termios.TCIOFLUSH)
            finally:
                os.close(slave)

    @staticmethod
    def _is_hung_up(master: int) -> bool:
        poll = select.poll()
        poll.register(master, select.POLLIN)
        events = poll.poll(0)
        return any(event & select.POLLHUP and not event & select.POLLIN for _, event in events)


class TcpLink:
    """A TCP port that gives all its clients the same bytes, like a serial server; port 0 takes a free one."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"tcp:{self.host}:{self.port}"

    @property
    def is_listened_to(self) -> bool:
        return bool(self._clients)

    async def start(self, receive: Receiver) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._clients) >= TCP_CLIENTS_MAX:
                writer.close()
                return
            task = asyncio.current_task()
            if task is not None:
                self._serving.add(task)
                task.add_done_callback(self._serving.discard)
            self._clients.add(writer)
            try:
                while octets := await reader.read(READ_BYTES):
                    receive(octets)
            except ConnectionError:
                pass  # the client is gone, which is its right
            finally:
                self._clients.discard(writer)
                writer.close()

        try:
            self._server = await asyncio.start_server(serve, self.host, self.port)
        except OSError as exc:
            raise LinkError(f"listen on {self.host}:{self.port}: {exc.strerror}; choose another port") from exc
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for client in list(self._clients):
            client.transport.abort()
        await self._server.wait_closed()
        self._server = None
        if self._serving:  # each notices its aborted transport in the next turns of the loop
            await asyncio.wait(self._serving, timeout=STOP_S)

    def send(self, octets: bytes) -> bool:
        reached = False
        for client in list(self._clients):
            if client.transport.get_write_buffer_size() > TCP_UNSENT_BYTES_MAX:
                client.transport.abort()
                continue
            client.write(octets)
            reached = True
        return reached
