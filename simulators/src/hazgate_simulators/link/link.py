"""The link itself: takes connections, passes bytes on to the other end, and plays the fault it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from hazgate_simulators.link.faults import Fault, State, Step

PIECE_BYTES = 4096
TAMPER_BYTES_MIN = 200
SLOW_STEP_S = 0.1
CONNECT_S_MAX = 5.0
CONNECTIONS_MAX = 1000
_ENDS = (Fault.REFUSE, Fault.CUT, Fault.RESET)
_PAGE = b"<!doctype html><title>Sign in</title><p>Please sign in to use this network.\n"
PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(_PAGE)
    + _PAGE
)


@dataclass(eq=False)
class _Pair:
    """One connection and its continuation."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    task: asyncio.Task[None] | None = None


class FaultyLink:
    """Between start() and stop() `port` is where clients connect. bytes_up and bytes_down have passed; taken counts
    connections."""

    def __init__(self, to_host: str, to_port: int, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._to = (to_host, to_port)
        self._host = host
        self.port = port
        self.state = State()
        self.bytes_up = self.bytes_down = self.taken = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._changed = asyncio.Event()
        self._stopping = False

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await self._listen()
        if self.state.fault is Fault.REFUSE:
            self._close()

    async def stop(self) -> None:
        """Everything is closed."""
        self._close()
        self._stopping = True
        self.state = State()
        self._changed.set()
        # Hanging up ends each connection's task by itself; a cancelled one would be logged as an error by asyncio.
        tasks = [pair.task for pair in self._pairs if pair.task is not None]
        self._end_all(abort=True)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def set(self, state: State) -> None:
        """Play this from now on."""
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()
        if state.fault is Fault.REFUSE:
            self._close()
        elif self._server is None:
            await self._listen()
        if state.fault in (*_ENDS, Fault.HTML):
            self._end_all(abort=state.fault is Fault.RESET)

    async def play(self, script: tuple[Step, ...], tell: Callable[[State], None] = lambda _state: None) -> None:
        """Each step at its time, counted from now."""
        begin = asyncio.get_running_loop().time()
        for step in script:
            await asyncio.sleep(max(0.0, begin + step.at_s - asyncio.get_running_loop().time()))
            await self.set(step.state)
            tell(step.state)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _end_all(self, *, abort: bool) -> None:
        for pair in list(self._pairs):
            _end(pair.client, abort=abort)
            if pair.server is not None:
                _end(pair.server, abort=abort)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.taken += 1
        if self.state.fault in _ENDS or len(self._pairs) >= CONNECTIONS_MAX:
            _end(client, abort=self.state.fault is Fault.RESET)
            return
        pair = _Pair(client, task=asyncio.current_task())
        self._pairs.add(pair)
        try:
            if self.state.fault is Fault.HTML:
                await reader.read(PIECE_BYTES)
                client.write(PORTAL)
                await client.drain()
                return
            while self.state.fault is Fault.BLACKHOLE:  # what is behind it hears of nothing
                await self._changed.wait()
            if self._stopping:
                return
            async with asyncio.timeout(CONNECT_S_MAX):
                back, pair.server = await asyncio.open_connection(*self._to)
            up = asyncio.create_task(self._pass(reader, pair.server, up=True))
            down = asyncio.create_task(self._pass(back, client, up=False))
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
            for one in (up, down):
                one.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        except (OSError, TimeoutError):
            pass  # the other end is gone: the client sees a closed connection, as it would
        finally:
            self._pairs.discard(pair)
            _end(client, abort=False)
            if pair.server is not None:
                _end(pair.server, abort=False)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        silent = (Fault.BLACKHOLE, Fault.SILENT_UP if up else Fault.SILENT_DOWN)
        lane: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while True:
                at, piece = await lane.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                while self.state.fault in silent:
                    await self._changed.wait()
                for part in self._parts(piece):
                    if self.state.fault is Fault.SLOW:
                        await asyncio.sleep(len(part) / self.state.amount)
                    writer.write(part)
                    await writer.drain()
                    if up:
                        self.bytes_up += len(part)
                    else:
                        self.bytes_down += len(part)
                lane.task_done()

        delivering = asyncio.create_task(deliver())
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(PIECE_BYTES):
                    if up and self.state.fault is Fault.TAMPER and len(piece) >= TAMPER_BYTES_MIN:
                        piece = altered(piece)
                    delay_s = self.state.amount / 1000 if self.state.fault is Fault.LATENCY else 0.0
                    await lane.put((loop.time() + delay_s, piece))
            # An end is not seen through a link that passes nothing.
            while self.state.fault in silent:
                await self._changed.wait()
            if not self._stopping:
                passed = asyncio.create_task(lane.join())
                await asyncio.wait([passed, delivering], return_when=asyncio.FIRST_COMPLETED)
                passed.cancel()
        finally:
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await delivering

    def _parts(self, piece: bytes) -> list[bytes]:
        if self.state.fault is not Fault.SLOW:
            return [piece]
        size = max(1, int(self.state.amount * SLOW_STEP_S))
        return [piece[at : at + size] for at in range(0, len(piece), size)]


def altered(piece: bytes) -> bytes:
    """The piece with its middle byte changed."""
    middle = len(piece) // 2
    return piece[:middle] + bytes([piece[middle] ^ 0x01]) + piece[middle + 1 :]


def _end(writer: asyncio.StreamWriter, *, abort: bool) -> None:
    if abort:
        with contextlib.suppress(OSError, AttributeError):
            # Lingering for no time makes the kernel send RST instead of FIN.
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
