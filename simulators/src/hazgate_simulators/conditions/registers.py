"""A Modbus TCP device that holds registers and nothing else: Modbus messaging on TCP/IP 1.0b, 3.1; functions 3, 4."""

from __future__ import annotations

import asyncio
import struct

COUNT_MAX = 125
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, BUSY = 1, 2, 6
FAULTS = ("none", "silent", "busy")


class RegisterDevice:
    """registers: what it holds, by address; every other register is 0. fault: one of FAULTS."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.registers: dict[int, int] = {}
        self.fault = "none"
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens; port 0 takes a free one. Raises OSError."""
        self._server = await asyncio.start_server(self._called, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Also ends whoever is connected."""
        if self._server is not None:
            self._server.close()
        for task in list(self._callers):
            task.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._callers.add(task)
        task.add_done_callback(self._callers.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                request = await reader.readexactly(length - 1)
                if self.fault == "silent":
                    continue
                answer = self._answer(request)
                writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        function = request[0]
        if self.fault == "busy":
            return bytes([function | 0x80, BUSY])
        if function not in (3, 4) or len(request) != 5:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        address, count = struct.unpack(">HH", request[1:])
        if not 1 <= count <= COUNT_MAX or address + count > 0x10000:
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        words = [self.registers.get(address + step, 0) & 0xFFFF for step in range(count)]
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *words)
