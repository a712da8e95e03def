"""Weight transmitters on Modbus: a register image served by pymodbus over TCP, or over RTU on a pty or TCP.

The only module of the simulators that imports pymodbus.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable
from typing import TYPE_CHECKING

from hazgate_simulators.scale.links import LinkError, Receiver
from hazgate_simulators.scale.physics import Indication, Platform
from hazgate_simulators.scale.registers import RegisterImage

if TYPE_CHECKING:
    from pymodbus.constants import ExcCodes
    from pymodbus.server import ModbusSerialServer, ModbusTcpServer
    from pymodbus.simulator import SimDevice

READ_BYTES = 512
WRITES = (6, 16)  # write single, write multiple registers

Trace = Callable[[bool, bytes], bytes]


class ModbusTransmitter:
    """Serves the register image; every request gets the registers of one moment, status and weights together.

    answer_pause: seconds to wait before an answer (the slow device).
    """

    def __init__(
        self,
        platform: Platform,
        indication: Callable[[], Indication],
        answer_pause: Callable[[], float],
        registers: RegisterImage,
        unit_id: int = 1,
    ) -> None:
        self._platform = platform
        self._indication = indication
        self._answer_pause = answer_pause
        self.unit_id = unit_id
        self._registers = registers

    def devices(self) -> list[SimDevice]:
        from pymodbus.simulator import DataType, SimData, SimDevice

        block = SimData(self._registers.first, count=self._registers.count, values=0, datatype=DataType.REGISTERS)
        return [
            SimDevice(id=self.unit_id, simdata=[block], action=self._serve),
            SimDevice(id=0, simdata=[block], action=_serve_nobody),  # 0 = every other address
        ]

    async def _serve(
        self,
        function_code: int,
        start_address: int,  # noqa: ARG002 the signature is pymodbus's
        address: int,
        count: int,  # noqa: ARG002
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        from pymodbus.constants import ExcCodes

        if pause_s := self._answer_pause():
            await asyncio.sleep(pause_s)
        if set_values is not None:
            values = [int(value) for value in set_values]
            return None if self._registers.write(address, values, self._platform) else ExcCodes.ILLEGAL_ADDRESS
        if function_code in WRITES:
            return None  # pymodbus reads back what was written, to echo it
        current_registers[:] = self._registers.image(self._indication())
        return None


async def _serve_nobody(
    function_code: int,  # noqa: ARG001 the signature is pymodbus's
    start_address: int,  # noqa: ARG001
    address: int,  # noqa: ARG001
    count: int,  # noqa: ARG001
    current_registers: list[int],  # noqa: ARG001
    set_values: list[int] | list[bool] | None,  # noqa: ARG001
) -> ExcCodes | None:
    """Nobody has this address: a TCP gateway says so; on RTU the answer is dropped, which is silence."""
    from pymodbus.constants import ExcCodes

    return ExcCodes.GATEWAY_NO_RESPONSE


class ModbusTcpPort:
    """Modbus TCP; trace sees every packet (True = sent) and gives the bytes to use instead."""

    def __init__(self, host: str, port: int, transmitter: ModbusTransmitter, trace: Trace) -> None:
        self.host = host
        self.port = port
        self._transmitter = transmitter
        self._trace = trace
        self._server: ModbusTcpServer | None = None

    @property
    def address(self) -> str:
        return f"modbus-tcp:{self.host}:{self.port}"

    async def start(self) -> None:
        from pymodbus.server import ModbusTcpServer

        self._server = ModbusTcpServer(
            self._transmitter.devices(), address=(self.host, self.port), trace_packet=self._trace
        )
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as exc:
            raise LinkError(f"listen on {self.host}:{self.port} for Modbus TCP: {exc}; choose another port") from exc
        transport = self._server.transport
        sockets = getattr(transport, "sockets", ())
        if sockets:
            self.port = int(sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus lacks types here
            self._server = None


class ModbusRtuDevice:
    """A Modbus RTU slave behind two functions: bytes in by receive(), answers out by send.

    pymodbus wants to open a serial port itself, so its server gets the slave of an inner pty, and the bytes pass
    between that and the outer link, where the faults are.
    """

    def __init__(self, transmitter: ModbusTransmitter, send: Receiver) -> None:
        self._transmitter = transmitter
        self._send = send
        self._master: int | None = None
        self._server: ModbusSerialServer | None = None

    async def start(self) -> None:
        from pymodbus.server import ModbusSerialServer

        self._master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        self._server = ModbusSerialServer(
            self._transmitter.devices(), port=os.ttyname(slave), baudrate=9600, timeout=1, reconnect_delay=0
        )
        try:
            await self._server.serve_forever(background=True)
        finally:
            os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._forward)

    async def stop(self) -> None:
        if self._master is None or self._server is None:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus lacks types here
        os.close(self._master)
        self._master = self._server = None

    def receive(self, octets: bytes) -> None:
        """A request, or a piece of one, from the line. Requests to other addresses are not for us: silence."""
        if self._master is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, octets)

    def _forward(self) -> None:
        if self._master is None:
            return
        try:
            octets = os.read(self._master, READ_BYTES)
        except OSError:
            return  # nothing there after all, or pymodbus has just closed its side
        if octets and octets[0] == self._transmitter.unit_id:
            self._send(octets)
