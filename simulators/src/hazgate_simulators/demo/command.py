"""hazgate-sim demo: start everything, say where to look and what to try, stop clean on Ctrl-C."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.demo.reviver import Revivable, Reviver
from hazgate_simulators.demo.scales import SCALES
from hazgate_simulators.demo.stack import Stack, StackError

WATCH_S = 1.0


def demo(
    scale: Annotated[
        str, typer.Option(help="Simulated device to begin with: see hazgate-sim scale --list.")
    ] = "yaohua-tf0",
    folder: Annotated[Path | None, typer.Option(help="Keep everything here; left out: a new folder, removed.")] = None,
    terminal_port: Annotated[int, typer.Option(help="Port of the operator's page; 0 = any free.")] = 0,
    cloud_port: Annotated[int, typer.Option(help="Port of the trace page; 0 = any free.")] = 0,
    site_port: Annotated[int, typer.Option(help="Port of the simulated scale's page; 0 = any free.")] = 0,
) -> None:
    """The whole chain on this machine, with real protocol traffic."""
    if scale not in SCALES:
        raise typer.BadParameter(f"{scale!r}; known: {', '.join(SCALES)}", param_hint="--scale")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    home = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="hazgate-demo-"))
    stack = Stack(home, scale=scale, terminal_port=terminal_port, cloud_port=cloud_port, site_port=site_port)
    failed = False
    try:
        stack.start(lambda name: typer.echo(f"  starting {name} ..."))
        typer.echo(_welcome(stack, temporary=folder is None))
        parts: dict[str, Revivable] = {"broker": stack.broker, **{part.name: part for part in stack.parts}}
        reviver = Reviver(parts, time.monotonic, typer.echo)
        while not stop.wait(WATCH_S):
            if (wanted := stack.wanted_scale()) is not None:
                _switch(stack, wanted)
            reviver.look()
    except StackError as exc:
        typer.echo(str(exc), err=True)
        failed = True
    finally:
        typer.echo("\nstopping ...")
        stack.stop()
        if folder is None and not failed:
            shutil.rmtree(home, ignore_errors=True)
        typer.echo("stopped" if folder is None and not failed else f"stopped; everything is kept in {home}")
    raise typer.Exit(1 if failed else 0)


def _switch(stack: Stack, wanted: str) -> None:
    """Another device on the platform; what does not come up now is the reviver's."""
    typer.echo(f"  scale {stack.kind.profile} -> {wanted}: site and box start again ...")
    try:
        stack.switch_scale(wanted)
    except StackError as exc:
        typer.echo(str(exc), err=True)
    else:
        typer.echo(f"  the box now reads {wanted}")


CAPTURED_BAG = """  1. On the scale's page press "replay captured bag": frames recorded from a real Yaohua
     indicator (85 kg) run through the serial line. Watch the weight settle on the terminal."""
ANY_BAG = """  1. On the scale's page put a bag on the platform. Watch the weight settle on the terminal."""


def _welcome(stack: Stack, *, temporary: bool) -> str:
    first = CAPTURED_BAG if stack.kind.profile == "yaohua-tf0" else ANY_BAG
    return f"""
hazgate is running. Open these three pages:

  operator's terminal    {stack.terminal_url}/
  scale and printer      {stack.site_url}/      (simulated: put bags on, see the labels)
  collector and traces   {stack.cloud_url}/

Try:
{first}
     The list of devices there puts any other scale on the platform.
  2. On the terminal choose operator and waste and press the big button. The label appears on
     the scale's page; the record becomes received (云端已收) and confirmed (已确认) in seconds.
  3. Under "today's records" (今日记录) follow its trace link (追溯), or scan the label's QR code.
  4. Pull plugs. Whatever ends is started again after a few seconds, as systemd would do:
       kill -9 {stack.edge.pid}   (the box)      kill -9 {stack.cloud.pid}   (the collector)
       kill -9 {stack.broker.pid}   (the broker)
     Nothing saved or printed is ever lost or doubled. Scale and printer faults are on the
     scale's page: the terminal says what happened, what is safe and what to do.
  5. Ask the box:   hazgate-edge verify --config {stack.edge_config}
     Ask the cloud: hazgate-cloud verify --config {stack.cloud_config}
     (both commands are in .venv/bin; `hazgate-edge show CODE --config ...` tells one bag's story)
  6. Take one bag's proof away and check it with nothing else at hand (CODE: the number on its label):
       hazgate-cloud evidence CODE --config {stack.cloud_config} --out bag.evidence
       hazgate-verify bag.evidence

Logs and data: {stack.folder}
Ctrl-C stops everything{" and removes that folder; --folder DIR keeps it" if temporary else ""}."""
