"""The transmitter answers a Modbus master, over RTU byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from hazgate_simulators.scale.faults import Fault
from hazgate_simulators.scale.simulator import ScaleSimulator
from simulators.scale.situations import kg, until

READ_40007_TO_40011 = bytes.fromhex("01 03 00 06 00 05 65 C8")
ZERO_ANSWER = bytes.fromhex("01 03 0A 18 00 00 00 00 00 00 00 00 00 A4 C9")
BAG_ANSWER = bytes.fromhex("01 03 0A 08 00 00 00 31 10 00 00 31 10 74 E2")  # 125.60 kg


@asynccontextmanager
async def running(link: str) -> AsyncIterator[ScaleSimulator]:
    scale = ScaleSimulator("modbus-laumas", link, seed=3)
    await scale.start()
    try:
        yield scale
        scale.check_alive()
    finally:
        await scale.stop()


@asynccontextmanager
async def master(scale: ScaleSimulator) -> AsyncIterator[AsyncModbusTcpClient]:
    host, _, port = scale.address.removeprefix("modbus-tcp:").rpartition(":")
    client = AsyncModbusTcpClient(host, port=int(port), timeout=0.3, retries=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


async def test_rtu_answers_are_those_of_the_manual_byte_for_byte(tmp_path: Path) -> None:
    """Status and weights with CRC, for the empty platform and for 125.60 kg at rest."""
    async with running(f"modbus-rtu:{tmp_path / 'rtu'}") as scale:
        await until(lambda: scale.indication_now().stable)
        with serial.Serial(str(tmp_path / "rtu"), 9600, timeout=20) as port:
            port.write(READ_40007_TO_40011)
            assert await asyncio.to_thread(port.read, 15) == ZERO_ANSWER
            scale.put(kg("125.6"))
            await until(lambda: scale.indication_now().stable and scale.indication_now().gross_divisions == 12_560)
            port.write(READ_40007_TO_40011)
            assert await asyncio.to_thread(port.read, 15) == BAG_ANSWER


async def test_rtu_is_silent_to_other_addresses(tmp_path: Path) -> None:
    """The first bytes that come back answer the second question, to us."""
    async with running(f"modbus-rtu:{tmp_path / 'rtu'}") as scale:
        await until(lambda: scale.indication_now().stable)
        with serial.Serial(str(tmp_path / "rtu"), 9600, timeout=0.3) as port:
            port.write(bytes.fromhex("09 03 00 06 00 05 64 80"))
            assert await asyncio.to_thread(port.read, 1) == b""
            port.timeout = 20
            port.write(READ_40007_TO_40011)
            assert await asyncio.to_thread(port.read, 15) == ZERO_ANSWER


async def test_tcp_gives_weight_division_and_takes_tare() -> None:
    """Gross stays, net goes to zero, bit 10 tells that net is shown; 40014 says kg and 0.01."""
    async with running("modbus-tcp:127.0.0.1:0") as scale:
        scale.put(kg("12.34"))
        await until(lambda: scale.indication_now().stable)
        async with master(scale) as client:
            before = await client.read_holding_registers(6, count=8, device_id=1)
            assert before.registers[:5] == [0x0800, 0, 1234, 0, 1234]
            assert before.registers[7] == 12
            echo = await client.write_register(5, 7, device_id=1)
            assert echo.registers == [7]
            after = await client.read_holding_registers(6, count=5, device_id=1)
            assert after.registers == [0x0C00, 0, 1234, 0, 0]
            await client.write_register(5, 9, device_id=1)
            assert (await client.read_holding_registers(6, count=1, device_id=1)).registers == [0x0800]
            assert (await client.write_register(5, 99, device_id=1)).isError()
            assert (await client.write_register(8, 1, device_id=1)).isError()
            assert (await client.read_holding_registers(6, count=5, device_id=9)).isError()
            assert (await client.read_holding_registers(30, count=5, device_id=1)).isError()


async def test_tcp_faults_silence_stuck_and_unplug() -> None:
    """No answer in time; frozen registers; a closed port that opens again."""
    async with running("modbus-tcp:127.0.0.1:0") as scale:
        async with master(scale) as client:
            await scale.set_fault(Fault.STUCK)
            scale.put(kg("12.34"))
            await until(lambda: scale.platform.indication.gross_divisions > 1000)
            assert (await client.read_holding_registers(8, count=1, device_id=1)).registers == [0]
            await scale.set_fault(Fault.SILENT)
            with pytest.raises(ModbusException):
                await client.read_holding_registers(6, count=5, device_id=1)
            await scale.set_fault(Fault.UNPLUG)
        host, _, port = scale.address.removeprefix("modbus-tcp:").rpartition(":")
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection(host, int(port))
        await scale.set_fault(None)
        async with master(scale) as client:
            assert not (await client.read_holding_registers(6, count=5, device_id=1)).isError()
