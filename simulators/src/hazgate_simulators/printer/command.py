"""`hazgate-sim printer`: the simulated label printer as a command."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.printer.device import Fault, Language, SimulatedPrinter

printer_app = typer.Typer(help="A label or receipt printer on TCP that prints PNG files.")


@printer_app.callback(invoke_without_command=True)
def printer(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port; 0 takes a free one and says which")] = 9100,
    language: Annotated[Language, typer.Option(help="what it understands and how it answers")] = Language.TSPL,
    head_dots: Annotated[int, typer.Option(min=100, max=3000, help="escpos: width of its paper in dots")] = 576,
    folder: Annotated[Path | None, typer.Option(help="where the labels go as label-000001.png")] = None,
    fault: Annotated[Fault, typer.Option(help="what to play from the start")] = Fault.READY,
    slow_ms: Annotated[int, typer.Option(min=0, max=60_000, help="time one label takes")] = 1000,
    dots_per_mm: Annotated[int, typer.Option(min=6, max=24, help="8 is '203 dpi', 12 is '300 dpi'")] = 8,
) -> None:
    """Print until Ctrl-C."""
    device = SimulatedPrinter(
        host,
        port,
        language=language,
        head_dots=head_dots,
        dots_per_mm=dots_per_mm,
        slow_ms=slow_ms,
        folder=folder,
    )
    asyncio.run(_run(device, host, fault))


async def _run(device: SimulatedPrinter, host: str, fault: Fault) -> None:
    await device.set_fault(fault)
    try:
        await device.start()
    except OSError as error:
        typer.echo(f"start printer on {host}:{device.port}: {error}; choose another --port", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"printer listens on {host}:{device.port}, fault {fault.value}")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await device.stop()
    typer.echo(f"printer stopped; {len(device.printed)} of the last labels, {len(device.complaints)} complaints")
