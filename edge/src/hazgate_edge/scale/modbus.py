"""Modbus TCP by pymodbus (imported here only): one request for status and weight of the same moment.

Modbus RTU needs no library: the decoder reads its answers from any byte link, passes over an adapter's echo and says
what is damaged (reader.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hazgate_edge.scale.links import CONNECT_TIMEOUT_S, LinkError
from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.registers import RegisterMap

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient

NO_ANSWER = "no answer"


class ModbusLink:
    """One connected transmitter."""

    def __init__(self, name: str, client: AsyncModbusTcpClient, registers: RegisterMap) -> None:
        self._name = name
        self._client = client
        self._map = registers

    @classmethod
    async def open_tcp(cls, host: str, port: int, registers: RegisterMap, timeout_s: float) -> ModbusLink:
        """Raises LinkError."""
        from pymodbus.client import AsyncModbusTcpClient

        client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0)
        await _connect(f"{host}:{port}", client)
        return cls(f"{host}:{port}", client, registers)

    async def ask(self) -> Reading | Reject:
        """One reading. Raises LinkError when the connection is lost; no answer in time is a rejection."""
        from pymodbus.exceptions import ModbusException, ModbusIOException

        wanted = self._map.registers
        read = self._client.read_holding_registers if wanted.function == 3 else self._client.read_input_registers
        try:
            answer = await read(wanted.address, count=wanted.count, device_id=self._map.unit_id)
        except ModbusIOException as exc:
            return self._no_answer(exc)
        except ModbusException as exc:
            raise LinkError(f"ask {self._name}: {exc}") from exc
        if answer.isError():
            return self._map.exception(int(getattr(answer, "exception_code", 0)))
        return self._map.decode(answer.registers)

    def _no_answer(self, exc: Exception) -> Reject:
        if not self._client.connected:
            raise LinkError(f"ask {self._name}: connection lost: {exc}") from exc
        return Reject(Reason.TIMEOUT, b"", str(exc))

    def close(self) -> None:
        """Never raises."""
        self._client.close()


class RegisterLink:
    """One connected device whose registers are asked for by number (working conditions)."""

    def __init__(self, name: str, client: AsyncModbusTcpClient, unit_id: int) -> None:
        self._name = name
        self._client = client
        self._unit_id = unit_id

    @classmethod
    async def open_tcp(cls, host: str, port: int, unit_id: int, timeout_s: float) -> RegisterLink:
        """Raises LinkError."""
        from pymodbus.client import AsyncModbusTcpClient

        client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0)
        await _connect(f"{host}:{port}", client)
        return cls(f"{host}:{port}", client, unit_id)

    async def words(self, function: int, address: int, count: int) -> list[int] | str:
        """The registers, or why there are none. Raises LinkError when the connection is lost."""
        from pymodbus.exceptions import ModbusException, ModbusIOException

        read = self._client.read_holding_registers if function == 3 else self._client.read_input_registers
        try:
            answer = await read(address, count=count, device_id=self._unit_id)
        except ModbusIOException as exc:
            if not self._client.connected:
                raise LinkError(f"ask {self._name}: connection lost: {exc}") from exc
            return NO_ANSWER
        except ModbusException as exc:
            raise LinkError(f"ask {self._name}: {exc}") from exc
        if answer.isError():
            return f"exception {getattr(answer, 'exception_code', 0)}"
        return list(answer.registers) if len(answer.registers) == count else "wrong length"

    def close(self) -> None:
        """Never raises."""
        self._client.close()


class SwitchLink:
    """One connected module of discrete inputs and coils (Modbus functions 2 and 5)."""

    def __init__(self, name: str, client: AsyncModbusTcpClient, unit_id: int) -> None:
        self._name = name
        self._client = client
        self._unit_id = unit_id

    @classmethod
    async def open_tcp(cls, host: str, port: int, unit_id: int, timeout_s: float) -> SwitchLink:
        """Raises LinkError."""
        from pymodbus.client import AsyncModbusTcpClient

        client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0)
        await _connect(f"{host}:{port}", client)
        return cls(f"{host}:{port}", client, unit_id)

    async def inputs(self, addresses: tuple[int, ...]) -> tuple[bool, ...]:
        """Each input now. Raises LinkError for no answer, an exception answer or a lost connection."""
        from pymodbus.exceptions import ModbusException

        found = []
        for address in addresses:
            try:
                answer = await self._client.read_discrete_inputs(address, count=1, device_id=self._unit_id)
            except ModbusException as exc:
                raise LinkError(f"read input {address} of {self._name}: {exc}") from exc
            if answer.isError() or not answer.bits:
                raise LinkError(f"read input {address} of {self._name}: refused: {answer}")
            found.append(bool(answer.bits[0]))
        return tuple(found)

    async def set_coil(self, address: int, *, on: bool) -> None:
        """Switch an output. Raises LinkError as inputs()."""
        from pymodbus.exceptions import ModbusException

        try:
            answer = await self._client.write_coil(address, on, device_id=self._unit_id)
        except ModbusException as exc:
            raise LinkError(f"switch output {address} of {self._name}: {exc}") from exc
        if answer.isError():
            raise LinkError(f"switch output {address} of {self._name}: refused: {answer}")

    def close(self) -> None:
        """Never raises."""
        self._client.close()


async def _connect(name: str, client: AsyncModbusTcpClient) -> None:
    import asyncio

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connected = await client.connect()
    except (OSError, TimeoutError) as exc:
        raise LinkError(f"connect {name}: {str(exc) or 'no answer'}") from exc
    if not connected:
        raise LinkError(f"connect {name}: refused")
