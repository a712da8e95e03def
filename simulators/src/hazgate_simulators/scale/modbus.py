"""A weight transmitter with the Laumas register map, served by pymodbus over TCP or over RTU on a pty.

The only module of the simulators that imports pymodbus.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from hazgate_simulators.scale.links import LinkError, Receiver
from hazgate_simulators.scale.physics import Indication, Platform, Range

if TYPE_CHECKING:
    from pymodbus.constants import ExcCodes
    from pymodbus.server import ModbusSerialServer, ModbusTcpServer
    from pymodbus.simulator import SimDevice

FIRST_REGISTER = 40001 - 40001
REGISTERS = 32  # at most 32 registers a request (manual), and no more are mapped
COMMAND, STATUS, GROSS, NET, PEAK, DIVISION_UNIT = (
    number - 40001 for number in (40006, 40007, 40008, 40010, 40012, 40014)
)

# Command register: from memory of the transmitter's manual, low confidence.
COMMAND_TARE, COMMAND_ZERO, COMMAND_GROSS = 7, 8, 9

UNIT_CODES = {"kg": 0, "g": 1, "t": 2, "lb": 3}
# Low byte of 40014: 0 = 100, 1 = 50, 2 = 20, 3 = 10 ... 18 = 0.0001.
DIVISION_CODES = {Decimal((1, 5, 2)[code % 3]).scaleb(2 - (code + 2) // 3).normalize(): code for code in range(19)}
MAGNITUDE_MAX = 999_999
READ_BYTES = 512
WRITES = (6, 16)  # write single, write multiple registers

Trace = Callable[[bool, bytes], bytes]


class LaumasRegisters:
    """The register image of a Laumas transmitter (TLU and LCB manuals; CAS CI-600D manual p. 83).

    Weights are magnitudes without decimals, high word first; signs stand in the status word. It cannot say the decimals
    in the weight itself (40014 tells the division), an underload, nor that no zero was set after power-up.
    """

    def image(self, indication: Indication) -> list[int]:
        """Registers 40001 to 40032 at one moment."""
        net = indication.gross_divisions - indication.tare_divisions
        over = indication.range is Range.OVER
        status = 0
        status |= 1 << 2 if over else 0
        status |= 1 << 7 if indication.gross_divisions < 0 else 0
        status |= 1 << 8 if net < 0 else 0
        status |= 1 << 10 if indication.net_shown else 0
        status |= 1 << 11 if indication.stable and not over else 0
        status |= 1 << 12 if indication.near_zero else 0
        registers = [0] * REGISTERS
        registers[STATUS] = status
        for at, number in ((GROSS, indication.gross), (NET, indication.net), (PEAK, indication.peak)):
            counts = MAGNITUDE_MAX if over else min(MAGNITUDE_MAX, abs(int(number.scaleb(indication.places))))
            registers[at], registers[at + 1] = counts >> 16, counts & 0xFFFF
        registers[DIVISION_UNIT] = UNIT_CODES[indication.unit] << 8 | DIVISION_CODES[indication.division.normalize()]
        return registers


class ModbusTransmitter:
    """Serves the register image; every request gets the registers of one moment, status and weights together.

    answer_pause: seconds to wait before an answer (the slow device).
    """

    def __init__(
        self,
        platform: Platform,
        indication: Callable[[], Indication],
        answer_pause: Callable[[], float],
        unit_id: int = 1,
    ) -> None:
        self._platform = platform
        self._indication = indication
        self._answer_pause = answer_pause
        self.unit_id = unit_id
        self._registers = LaumasRegisters()

    def devices(self) -> list[SimDevice]:
        from pymodbus.simulator import DataType, SimData, SimDevice

        block = SimData(FIRST_REGISTER, count=REGISTERS, values=0, datatype=DataType.REGISTERS)
        return [
            SimDevice(id=self.unit_id, simdata=[block], action=self._serve),
            SimDevice(id=0, simdata=[block], action=_serve_nobody),  # 0 = every other address
        ]

    async def _serve(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,  # noqa: ARG002 the signature is pymodbus's
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        from pymodbus.constants import ExcCodes

        if pause_s := self._answer_pause():
            await asyncio.sleep(pause_s)
        if set_values is not None:
            if address != COMMAND or len(set_values) != 1:
                return ExcCodes.ILLEGAL_ADDRESS
            match int(set_values[0]):
                case 0:
                    pass
                case n if n == COMMAND_TARE:
                    self._platform.tare()
                case n if n == COMMAND_ZERO:
                    self._platform.zero()
                case n if n == COMMAND_GROSS:
                    self._platform.preset_tare(0)
                case _:
                    return ExcCodes.ILLEGAL_VALUE
            return None
        if function_code in WRITES:
            return None  # pymodbus reads back what was written, to echo it
        current_registers[:] = self._registers.image(self._indication())[start_address:]
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
