"""hazgate-sim conditions: a Modbus device or an HJ 212 monitor whose values follow a script."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hazgate_simulators.conditions import monitor, registers

LOCAL = timezone(timedelta(hours=8))
STEPS_MAX = 1_000
STEP_S_MAX = 86_400.0
CONNECT_AGAIN_S = 2.0

conditions_app = typer.Typer(help="Simulated measuring points.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Step:
    """For so long these values hold, with this fault. values: by register address, or by HJ 212 factor code."""

    seconds: float
    values: dict[str, str]
    fault: str


def load_course(text: str, faults: tuple[str, ...]) -> list[Step]:
    """The steps of a course: a YAML list of {for_s, set: {address or code: value}, fault}. Raises ValueError."""
    try:
        listed = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ValueError(f"the course is not YAML: {exc}") from exc
    if not isinstance(listed, list) or not 1 <= len(listed) <= STEPS_MAX:
        raise ValueError(f"a course is a list of 1 to {STEPS_MAX} steps")
    return [_step(number, item, faults) for number, item in enumerate(listed, 1)]


def _step(number: int, item: Any, faults: tuple[str, ...]) -> Step:
    if not isinstance(item, dict) or item.keys() - {"for_s", "set", "fault"}:
        raise ValueError(f"step {number}: for_s, set and fault are known")
    seconds, values, fault = item.get("for_s", 1), item.get("set", {}), item.get("fault", "none")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= STEP_S_MAX:
        raise ValueError(f"step {number}: for_s is a number up to {STEP_S_MAX:.0f}")
    if not isinstance(values, dict):
        raise ValueError(f"step {number}: set is a map")
    if fault not in faults:
        raise ValueError(f"step {number}: fault {fault!r}; there are: {', '.join(faults)}")
    return Step(float(seconds), {str(key): str(value) for key, value in values.items()}, fault)


Course = Annotated[Path, typer.Argument(help="YAML list of {for_s, set, fault}.", exists=True, dir_okay=False)]
Loop = Annotated[bool, typer.Option("--loop", help="Begin again at the end.")]


@conditions_app.command("modbus")
def modbus(
    course: Course,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    loop: Loop = False,
) -> None:
    """Serve Modbus TCP registers (functions 3 and 4) whose words follow the course."""
    steps = _course(course, registers.FAULTS)
    try:
        asyncio.run(_until_stopped(lambda: _serve(registers.RegisterDevice(host, port), steps, loop=loop)))
    except (OSError, ValueError) as exc:
        typer.echo(f"conditions modbus {host}:{port}: {exc}", err=True)
        raise typer.Exit(1) from exc


@conditions_app.command("hj212")
def hj212(
    course: Course,
    host: Annotated[str, typer.Option("--host", help="Where the box listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = 9021,
    mn: Annotated[str, typer.Option("--mn")] = "010000A8900016F000169DC0",
    every: Annotated[float, typer.Option("--every", help="Seconds between two frames.", min=0.05)] = 5.0,
    loop: Loop = False,
) -> None:
    """Send HJ 212 real-time frames (2011) whose factors follow the course; connect again whenever the box is lost."""
    steps = _course(course, monitor.FAULTS)
    asyncio.run(_until_stopped(lambda: _send(host, port, mn, every, steps, loop=loop)))


def _course(path: Path, faults: tuple[str, ...]) -> list[Step]:
    try:
        return load_course(path.read_text("utf-8"), faults)
    except ValueError as exc:
        raise typer.BadParameter(f"{path}: {exc}") from exc


async def _until_stopped(run: Any) -> None:
    work = asyncio.ensure_future(run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        typer.echo("stopped")


async def _serve(device: registers.RegisterDevice, steps: list[Step], *, loop: bool) -> None:
    words = [{int(key, 0): int(value, 0) for key, value in step.values.items()} for step in steps]
    await device.start()
    typer.echo(f"modbus-tcp {device.host}:{device.port}")
    try:
        while True:
            for step, values in zip(steps, words, strict=True):
                device.registers.update(values)
                device.fault = step.fault
                typer.echo(f"{values} fault {step.fault}")
                await asyncio.sleep(step.seconds)
            if not loop:
                return
    finally:
        await device.stop()


async def _send(host: str, port: int, mn: str, every_s: float, steps: list[Step], *, loop: bool) -> None:
    values: dict[str, str] = {}
    clock = asyncio.get_running_loop().time
    while True:
        for step in steps:
            values.update(step.values)
            typer.echo(f"{values} fault {step.fault}")
            end = clock() + step.seconds
            while clock() < end:
                try:
                    reader, writer = await asyncio.open_connection(host, port)
                except OSError as exc:
                    typer.echo(f"no connection to {host}:{port}: {exc}", err=True)
                    await asyncio.sleep(CONNECT_AGAIN_S)
                    continue
                answers = asyncio.ensure_future(_say_answers(reader))
                try:
                    while clock() < end and not answers.done():
                        writer.write(sent(values, step.fault, datetime.now(UTC), mn))
                        await writer.drain()
                        await asyncio.sleep(min(every_s, max(0.0, end - clock())))
                except OSError as exc:
                    typer.echo(f"lost: {exc}", err=True)
                finally:
                    answers.cancel()
                    writer.close()
        if not loop:
            return


def sent(values: dict[str, str], fault: str, now: datetime, mn: str) -> bytes:
    """The bytes of one frame at this time, with the fault."""
    flag = "D" if fault == "flagged" else "N"
    return monitor.spoiled(monitor.real_time(values, now.astimezone(LOCAL), mn=mn, flag=flag), fault)


async def _say_answers(reader: asyncio.StreamReader) -> None:
    try:
        while line := await reader.readline():
            typer.echo(f"answer {'9014' if b'CN=9014' in line else 'other'}, {len(line)} bytes")
    except (OSError, ValueError):
        return
