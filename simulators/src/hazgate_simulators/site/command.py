"""hazgate-sim site: a scale, a label printer and a page to play with them, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.printer.device import Language
from hazgate_simulators.scale.links import LinkError
from hazgate_simulators.scale.options import (
    Capacity,
    Division,
    Profile,
    Rate,
    ReplayOption,
    Seed,
    build_replay,
    build_scale,
    captured_bag,
)


def site(
    scale_link: Annotated[
        str, typer.Option("--scale-link", help="pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH or modbus-tcp:HOST:PORT.")
    ],
    profile: Profile = "yaohua-tf0",
    printer_host: Annotated[str, typer.Option("--printer-host", help="Address the printer listens on.")] = "127.0.0.1",
    printer_port: Annotated[
        int | None,
        typer.Option("--printer-port", min=0, max=65535, help="Printer port, 0 = any; left out = no printer."),
    ] = None,
    printer_language: Annotated[
        Language, typer.Option("--printer-language", help="What the printer understands.")
    ] = Language.TSPL,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Folder the printer keeps its labels in, as PNG.")
    ] = None,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of the page; port 0 = any free.")] = "127.0.0.1:0",
    replay: ReplayOption = None,
    seed: Seed = 0,
    capacity: Capacity = "150",
    division: Division = "0.01",
    rate: Rate = None,
) -> None:
    """Run the simulated weighing place until Ctrl-C or SIGTERM."""
    scale = build_scale(profile, scale_link, seed=seed, capacity=capacity, division=division, rate_hz=rate)
    wanted = build_replay(replay, profile)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter(f"listen {listen!r}: write HOST:PORT")

    from hazgate_simulators.site.app import Site  # the web libraries load only for this command
    from hazgate_simulators.site.printer import SiteLabelPrinter
    from hazgate_simulators.site.server import serve

    printer = None if printer_port is None else SiteLabelPrinter(printer_host, printer_port, labels, printer_language)

    async def run() -> None:
        place = Site(scale, printer=printer, replay=wanted or captured_bag(profile))
        with _listening(host, int(port)) as listener:
            await place.start()
            try:
                if wanted is not None:
                    scale.play(wanted)
                page = f"http://{host}:{listener.getsockname()[1]}/"
                typer.echo(f"scale   {profile} on {scale.address}")
                typer.echo(f"printer {printer.address if printer is not None else 'none'}")
                typer.echo(f"page    {page}")
                await serve(place, listener)
            finally:
                await place.stop()
        typer.echo("site stopped")

    try:
        asyncio.run(run())
    except (LinkError, OSError) as exc:
        typer.echo(f"site: {exc}", err=True)
        raise typer.Exit(1) from exc


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # before the address is printed: whoever reads it may connect at once
        except OSError as exc:
            raise LinkError(f"listen on {host}:{port} for the page: {exc.strerror}; choose another port") from exc
        yield listener
    finally:
        listener.close()
