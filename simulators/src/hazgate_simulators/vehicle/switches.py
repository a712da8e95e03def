"""A Modbus TCP module with discrete inputs and coils, its bytes made by hand (Modbus application protocol 1.1b3,
6.2 read discrete inputs, 6.5 write single coil; messaging on TCP/IP 1.0b, the MBAP header)."""

from __future__ import annotations

import asyncio
import struct

READ_INPUTS, WRITE_COIL = 2, 5
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
ADDRESSES = 16
PDU_BYTES_MAX = 253
ON, OFF = 0xFF00, 0x0000


class SwitchModule:
    """Listens on a free port. silent: takes requests and answers none."""

    def __init__(self, unit_id: int = 1) -> None:
        self.inputs = [False] * ADDRESSES
        self.coils = [False] * ADDRESSES
        self.silent = False
        self.port = 0
        self._unit_id = unit_id
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, host, port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everyone."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = await reader.readexactly(7)
                transaction, protocol, length, unit = struct.unpack(">HHHB", head)
                if protocol != 0 or not 2 <= length <= PDU_BYTES_MAX + 1:
                    return
                answer = self._answer(await reader.readexactly(length - 1))
                if not self.silent and unit == self._unit_id:
                    writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, pdu: bytes) -> bytes:
        function = pdu[0]
        if function not in (READ_INPUTS, WRITE_COIL) or len(pdu) != 5:
            return bytes((function | 0x80, ILLEGAL_FUNCTION))
        address, value = struct.unpack(">HH", pdu[1:])
        if function == WRITE_COIL:
            if address >= ADDRESSES:
                return bytes((function | 0x80, ILLEGAL_ADDRESS))
            if value not in (ON, OFF):
                return bytes((function | 0x80, ILLEGAL_VALUE))
            self.coils[address] = value == ON
            return pdu
        if not 1 <= value <= ADDRESSES or address + value > ADDRESSES:
            return bytes((function | 0x80, ILLEGAL_ADDRESS))
        bits = bytearray((value + 7) // 8)
        for place, on in enumerate(self.inputs[address : address + value]):
            bits[place // 8] |= on << place % 8
        return bytes((function, len(bits))) + bytes(bits)
