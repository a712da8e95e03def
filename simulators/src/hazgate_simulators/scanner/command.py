"""hazgate-sim scanner: one simulated scanner that reads what is typed on standard input, a code a line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.scale.links import LinkError
from hazgate_simulators.scanner.encoders import MODELS
from hazgate_simulators.scanner.simulator import ScanFault, ScannerSimulator


def scanner(
    path: Annotated[Path, typer.Argument(help="Where the box opens it: a pty's name, or a named pipe for a keyboard.")],
    model: Annotated[str, typer.Option("--model", help=f"One of {', '.join(MODELS)}.")] = "serial-cr",
    fault: Annotated[ScanFault | None, typer.Option("--fault", help="What goes wrong with every scan.")] = None,
) -> None:
    """Run one simulated scanner: each line on standard input is a code it reads; ends with the input."""
    try:
        asyncio.run(_run(ScannerSimulator(model, path), fault))
    except (LinkError, OSError) as exc:
        typer.echo(f"scanner: {exc}", err=True)
        raise typer.Exit(1) from exc


async def _run(simulator: ScannerSimulator, fault: ScanFault | None) -> None:
    await simulator.start()
    typer.echo(f"scanner on {simulator.path}")
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            await simulator.scan(line.rstrip("\n"), fault)
            typer.echo(f"scanned {line.rstrip()}")
    finally:
        await simulator.stop()
