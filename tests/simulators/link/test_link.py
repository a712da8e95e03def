"""Each named fault does what it says to any two programs, and the command can be used by a stranger."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from hazgate_simulators.link.faults import MEANING, Fault, FaultTextError, State, Step, script_of, state_of
from hazgate_simulators.link.link import FaultyLink, altered

pytestmark = pytest.mark.system
NOTHING_S = 0.3
SOON_S = 10.0


@contextlib.asynccontextmanager
async def linked() -> AsyncIterator[FaultyLink]:
    """A link to a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = FaultyLink("127.0.0.1", server.sockets[0].getsockname()[1])
    await link.start()
    try:
        yield link
    finally:
        await link.stop()
        server.close()


class Client:
    """Talks to the echo through the link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, link: FaultyLink) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", link.port))

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def hear(self, size: int) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.reader.readexactly(size)

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(NOTHING_S):
                return await self.reader.read(1) == b"?"
        except TimeoutError:
            return True

    async def ended(self) -> bool:
        """Whether the connection is at its end, however it ended."""
        async with asyncio.timeout(SOON_S):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    def leave(self) -> None:
        self.writer.close()


async def test_a_clear_link_passes_every_byte_both_ways() -> None:
    """A megabyte comes back as it was."""
    async with linked() as link:
        client = await Client.of(link)
        sent = bytes(range(256)) * 4096
        _, back = await asyncio.gather(client.say(sent), client.hear(len(sent)))
        assert back == sent
        assert (link.bytes_up, link.bytes_down, link.taken) == (len(sent), len(sent), 1)
        client.leave()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET, Fault.REFUSE])
async def test_broken_connections_end_and_come_back_with_the_link(fault: Fault) -> None:
    """Open ones end, new ones get nothing; afterwards the same port works."""
    async with linked() as link:
        client = await Client.of(link)
        await client.say(b"a")
        assert await client.hear(1) == b"a"
        await link.set(State(fault))
        assert await client.ended()
        client.leave()
        if fault is Fault.REFUSE:
            with pytest.raises(OSError, match="Connect call failed"):
                await Client.of(link)
        else:
            again = await Client.of(link)
            assert await again.ended()
            again.leave()
        await link.set(State())
        back = await Client.of(link)
        await back.say(b"b")
        assert await back.hear(1) == b"b"
        back.leave()


@pytest.mark.parametrize("fault", [Fault.BLACKHOLE, Fault.SILENT_UP, Fault.SILENT_DOWN])
async def test_a_silent_link_keeps_connections_and_passes_nothing(fault: Fault) -> None:
    """Nothing is lost by it: what was sent comes when the link is clear again, in order."""
    async with linked() as link:
        client = await Client.of(link)
        await client.say(b"a")
        await client.hear(1)
        await link.set(State(fault))
        await client.say(b"b")
        assert await client.hears_nothing()
        assert (link.bytes_up == 1) == (fault is not Fault.SILENT_DOWN)
        await link.set(State())
        assert await client.hear(1) == b"b"
        client.leave()


async def test_latency_delays_and_does_not_thin() -> None:
    """Both ways: 2 x 200 ms; many pieces share the delay."""
    async with linked() as link:
        await link.set(state_of("latency 200"))
        client = await Client.of(link)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number in range(20):
            await client.say(bytes([number]))
            await asyncio.sleep(0)
        assert await client.hear(20) == bytes(range(20))
        assert 0.4 <= loop.time() - begin < 3
        client.leave()


async def test_a_slow_link_passes_so_many_bytes_a_second() -> None:
    """2,000 bytes at 4,000 a second take half a second and not less."""
    async with linked() as link:
        await link.set(state_of("slow 4000"))
        client = await Client.of(link)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await client.say(bytes(2000))
        await client.hear(2000)
        assert 0.45 <= loop.time() - begin < 5
        client.leave()


async def test_a_sign_in_page_answers_whatever_is_said() -> None:
    """The server behind it hears nothing."""
    async with linked() as link:
        await link.set(State(Fault.HTML))
        client = await Client.of(link)
        await client.say(b"\x10\x0c\x00\x04MQTT")
        async with asyncio.timeout(SOON_S):
            page = await client.reader.read()
        assert page.startswith(b"HTTP/1.1 200 OK\r\n")
        assert page.endswith(b"sign in to use this network.\n")
        assert link.bytes_up == 0
        client.leave()


async def test_tampering_alters_one_byte_of_a_long_piece_and_no_short_one() -> None:
    """And only on the way up."""
    async with linked() as link:
        await link.set(State(Fault.TAMPER))
        client = await Client.of(link)
        await client.say(b"short")
        assert await client.hear(5) == b"short"
        await client.say(bytes(300))
        got = await client.hear(300)
        assert sum(byte != 0 for byte in got) == 1
        assert got == altered(bytes(300))
        client.leave()


async def test_a_script_plays_its_steps_in_time() -> None:
    """Told when each begins."""
    async with linked() as link:
        told: list[str] = []
        await link.play(script_of("0 blackhole; 0.05 slow 10 ; 0.1 clear"), lambda state: told.append(str(state)))
        assert told == ["blackhole", "slow 10", "clear"]


@pytest.mark.parametrize(
    "text", ["", "nothing", "cut 5", "slow 0", "slow -1", "slow 1.5", "slow 1 2", "latency x"], ids=repr
)
def test_what_is_no_fault_is_told_with_what_is_allowed(text: str) -> None:
    """By name, or by its number."""
    with pytest.raises(FaultTextError):
        state_of(text)


def test_scripts_are_read_and_wrong_ones_told() -> None:
    """Seconds rise; every fault has a meaning."""
    assert script_of("0 clear; 2.5 latency") == (Step(0, State()), Step(2.5, State(Fault.LATENCY, 2000)))
    assert set(MEANING) == set(Fault)
    for text in ("clear", "5 clear; 1 cut", "x cut", "-1 cut", "nan cut"):
        with pytest.raises(FaultTextError):
            script_of(text)


async def test_the_command_says_its_ports_takes_orders_and_stops_on_a_signal() -> None:
    """As a stranger uses it: connect, break, ask, mend, end."""
    async with linked() as far:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from hazgate_simulators.cli import main; main()", "link"),
            *("--to", f"127.0.0.1:{far.port}", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert program.stdout is not None
        async with asyncio.timeout(30):
            port = int((await program.stdout.readline()).decode().split(":")[1])
            control = int((await program.stdout.readline()).decode().split(":")[1])
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        desk = Client(*await asyncio.open_connection("127.0.0.1", control))
        await client.say(b"a")
        assert await client.hear(1) == b"a"

        async def order(text: str) -> str:
            await desk.say(f"{text}\n".encode())
            async with asyncio.timeout(SOON_S):
                return (await desk.reader.readline()).decode().strip()

        assert await order("slow 9600") == "ok slow 9600"
        assert await order("state") == "slow 9600"
        assert (await order("melt")).startswith("no: fault 'melt'")
        assert "blackhole: takes everything" in await order("faults")
        assert await order("cut") == "ok cut"
        assert await client.ended()
        program.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SOON_S):
            out, _ = await program.communicate()
        assert program.returncode == 0
        assert out.decode().startswith("link closed; 1 connections, 1 bytes up")
        client.leave()
        desk.leave()
