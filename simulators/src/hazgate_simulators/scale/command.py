"""hazgate-sim scale: one simulated scale, without a page."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.scale.families import FAMILIES, Traffic
from hazgate_simulators.scale.faults import MEANING
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
)
from hazgate_simulators.scale.replay import Replay
from hazgate_simulators.scale.script import ScriptError, Step, load_script, run_script
from hazgate_simulators.scale.simulator import ScaleSimulator, readable

SAY_PERIOD_S = 1.0


def scale(
    profile: Profile = "yaohua-tf0",
    link: Annotated[
        str | None,
        typer.Option(
            "--link",
            help="pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH, modbus-tcp:HOST:PORT or hid:PATH; left out = any TCP port, "
            "for a HID scale a pipe in the folder for temporary files.",
        ),
    ] = None,
    script: Annotated[Path | None, typer.Option("--script", help="YAML list of steps; see the module script.")] = None,
    replay: ReplayOption = None,
    seed: Seed = 0,
    capacity: Capacity = None,
    division: Division = None,
    rate: Rate = None,
    list_: Annotated[bool, typer.Option("--list", help="List families and faults, then exit.")] = False,
) -> None:
    """Run one simulated scale until Ctrl-C, SIGTERM or the script's end."""
    if list_:
        for family in FAMILIES.values():
            typer.echo(f"{family.profile:18} {family.traffic.value:8} {family.title}")
        typer.echo("\nfaults")
        for fault, (meaning, _) in MEANING.items():
            typer.echo(f"{fault.value:16} {meaning}")
        return
    simulator = build_scale(
        profile, link or _usual_link(profile), seed=seed, capacity=capacity, division=division, rate_hz=rate
    )
    played = build_replay(replay, profile)
    try:
        steps = load_script(script) if script is not None else []
    except ScriptError as exc:
        raise typer.BadParameter(str(exc)) from exc
    try:
        asyncio.run(_run(simulator, played, steps))
    except LinkError as exc:
        typer.echo(f"scale: {exc}", err=True)
        raise typer.Exit(1) from exc


def _usual_link(profile: str) -> str:
    family = FAMILIES.get(profile)
    if family is not None and family.traffic is Traffic.HID:
        return f"hid:{tempfile.gettempdir()}/hazgate-hid-{os.getpid()}"
    return "tcp:127.0.0.1:0"


async def _run(simulator: ScaleSimulator, played: Replay | None, steps: list[Step]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await simulator.start()
    typer.echo(f"scale {simulator.family.profile} on {simulator.address}")
    if played is not None:
        simulator.play(played)
    script = asyncio.create_task(run_script(steps, simulator, typer.echo), name="scale: script")
    script.add_done_callback(lambda _: stop.set())
    said = ""
    try:
        while not stop.is_set():
            simulator.check_alive()
            said = _say_change(simulator, said)
            try:
                await asyncio.wait_for(stop.wait(), SAY_PERIOD_S)
            except TimeoutError:
                continue
    finally:
        ended = script.done()
        script.cancel()
        await asyncio.wait([script])
        await simulator.stop()
    if ended:
        script.result()
    typer.echo(f"scale stopped after {simulator.sent_count} writes")


def _say_change(simulator: ScaleSimulator, said: str) -> str:
    """Print what is on the wire when it differs from what was said last."""
    indication = simulator.indication_now()
    last = readable(simulator.sent[-1].octets) if simulator.sent else "nothing sent"
    now = f"{'stable' if indication.stable else 'moving':7} {indication.range.value:7} {last}"
    if now != said:
        typer.echo(f"{indication.shown:f} {indication.unit} {now}")
    return now
