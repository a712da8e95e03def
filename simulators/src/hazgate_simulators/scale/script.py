"""A script for a scale: what happens when, as YAML, for tests and CI.

- {at_s: 0.5, put: "12.34"}
- {at_s: 4, fault: silent}
- {at_s: 6, fault: none}
- {at_s: 8, do: remove}
- {at_s: 9, do: end}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.faults import Fault
from hazgate_simulators.scale.simulator import ScaleSimulator

FILE_BYTES_MAX = 100_000
STEPS_MAX = 10_000
ACTIONS = ("remove", "zero", "tare", "end")


class ScriptError(ValueError):
    """A script cannot be used; the message names file, step and what is allowed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do at_s seconds after the start: put, do action, or set fault (None clears)."""

    at_s: float
    put: Mass | None = None
    fault: Fault | None = None
    action: str | None = None

    def __str__(self) -> str:
        if self.put is not None:
            return f"put {self.put.to('kg'):f} kg"
        return self.action or f"fault {self.fault or 'none'}"


def load_script(path: Path) -> list[Step]:
    """The steps of a script file in order of time. Raises ScriptError."""
    try:
        with path.open("rb") as stream:
            entries = yaml.safe_load(stream.read(FILE_BYTES_MAX))
    except (OSError, yaml.YAMLError) as exc:
        raise ScriptError(f"script {path}: cannot read it: {exc}") from exc
    if not isinstance(entries, list) or len(entries) > STEPS_MAX:
        raise ScriptError(f"script {path}: write a list of at most {STEPS_MAX} steps")
    try:
        return sorted((_step(entry) for entry in entries), key=lambda step: step.at_s)
    except ScriptError as exc:
        raise ScriptError(f"script {path}: {exc}") from exc


async def run_script(steps: list[Step], scale: ScaleSimulator, say: Callable[[str], None]) -> None:
    """Do the steps at their times; returns at "end", else stays after the last step until cancelled."""
    began_s = asyncio.get_running_loop().time()
    for step in steps:
        await asyncio.sleep(max(0.0, began_s + step.at_s - asyncio.get_running_loop().time()))
        say(f"{step.at_s:7.2f} s  {step}")
        match step.action:
            case "end":
                return
            case "remove":
                scale.remove()
            case "zero":
                say(f"           {scale.zero()}")
            case "tare":
                say(f"           {scale.tare()}")
            case _ if step.put is not None:
                scale.put(step.put)
            case _:
                await scale.set_fault(step.fault)
    await asyncio.Event().wait()


def _step(entry: Any) -> Step:
    if not isinstance(entry, dict) or set(entry) not in ({"at_s", "put"}, {"at_s", "fault"}, {"at_s", "do"}):
        raise ScriptError(f"step {entry!r}: write at_s and one of put, fault, do")
    at_s = entry["at_s"]
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s < 1e7:
        raise ScriptError(f"step {entry!r}: at_s is seconds from the start")
    if "put" in entry:
        try:
            return Step(at_s, put=Mass.of(entry["put"], "kg"))
        except (ValueError, TypeError) as exc:
            raise ScriptError(f"step {entry!r}: put is kilograms in quotes: {exc}") from exc
    if "fault" in entry:
        if entry["fault"] in (None, "none"):
            return Step(at_s)
        try:
            return Step(at_s, fault=Fault(entry["fault"]))
        except ValueError as exc:
            raise ScriptError(f"step {entry!r}: faults are none, {', '.join(Fault)}") from exc
    if entry["do"] not in ACTIONS:
        raise ScriptError(f"step {entry!r}: do is one of {', '.join(ACTIONS)}")
    return Step(at_s, action=entry["do"])
