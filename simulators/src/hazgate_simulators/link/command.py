"""hazgate-sim link: a faulty network between any two programs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated

import typer

from hazgate_simulators.link.faults import MEANING, FaultTextError, State, Step, script_of, state_of
from hazgate_simulators.link.link import FaultyLink

LINE_BYTES_MAX = 4096


def link(
    to: Annotated[str, typer.Option(help="where connections go on to, HOST:PORT")],
    listen: Annotated[str, typer.Option(help="where clients connect, HOST:PORT; port 0 takes a free one")],
    fault: Annotated[str, typer.Option(help="what to play from the start, such as 'slow 9600'")] = "clear",
    script: Annotated[str, typer.Option(help="'0 clear; 5 latency 2000; 20 cut': from these seconds on")] = "",
    control: Annotated[
        str, typer.Option(help="HOST:PORT that takes a fault a line and answers each; 'state' and 'faults' ask")
    ] = "",
) -> None:
    """Passes TCP connections on and breaks them by name, until Ctrl-C."""
    try:
        where, target = _address(listen), _address(to)
        controls = _address(control) if control else None
        first, steps = state_of(fault), script_of(script)
    except (FaultTextError, ValueError) as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc
    made = FaultyLink(*target, host=where[0], port=where[1])
    made.state = first
    try:
        asyncio.run(_run(made, where[0], controls, steps))
    except OSError as exc:
        typer.echo(f"listen on {listen}: {exc.strerror}; choose another port", err=True)
        raise typer.Exit(1) from exc


async def _run(made: FaultyLink, host: str, controls: tuple[str, int] | None, steps: tuple[Step, ...]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await made.start()
    typer.echo(f"link on {host}:{made.port}: {made.state}")
    desk = None
    if controls is not None:
        desk = await asyncio.start_server(lambda r, w: _control(made, r, w), *controls, limit=LINE_BYTES_MAX)
        typer.echo(f"control on {controls[0]}:{desk.sockets[0].getsockname()[1]}")

    def tell(state: State) -> None:
        typer.echo(f"now {state}")

    playing = asyncio.create_task(made.play(steps, tell))
    await stop.wait()
    playing.cancel()
    if desk is not None:
        desk.close()
    await made.stop()
    typer.echo(f"link closed; {made.taken} connections, {made.bytes_up} bytes up, {made.bytes_down} bytes down")


async def _control(made: FaultyLink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ValueError):
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            if line == "state":
                answer = str(made.state)
            elif line == "faults":
                answer = "; ".join(f"{fault.value}: {meaning}" for fault, meaning in MEANING.items())
            else:
                try:
                    await made.set(state_of(line))
                    answer = f"ok {made.state}"
                except (FaultTextError, OSError) as exc:
                    answer = f"no: {exc}"
            writer.write(f"{answer}\n".encode())
            await writer.drain()
    writer.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"address {text!r}: HOST:PORT is wanted, such as 127.0.0.1:1884")
    return host, int(port)
