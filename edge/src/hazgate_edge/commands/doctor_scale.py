"""`doctor scale PORT`: what scale is this? Listens, asks gently, shows what the bytes mean, writes the configuration.

Nothing is written before one meaning is left. Exit 0: recognised (and written, if that was wanted); 1: not.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml

from hazgate_edge.recognition.anatomy import shown
from hazgate_edge.recognition.block import inserted, limits_of, scales_block, serial_link
from hazgate_edge.recognition.scoring import Candidate
from hazgate_edge.recognition.verdict import Certainty, Choice, Verdict, judge, rivals, settle, tell_apart
from hazgate_edge.scale import names
from hazgate_edge.scale.links import LinkError
from hazgate_edge.scale.listening import Ear, Heard, Target
from hazgate_profiles import registry
from hazgate_protocols.mass import ZERO, Mass
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.spec import Profile, Value

READINGS_SHOWN = 4
HEX_SHOWN = 48
TRIES_MAX = 4
COPIES_MAX = 100


class _WrongUseError(Exception):
    """What was typed cannot be meant."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command's options, as typed."""

    known: str | None = None
    capacity: str | None = None
    division: str | None = None
    write: Path | None = None


def run(
    port: str | None, wanted: Wanted, *, places: names.Places | None = None, ask: Callable[[str], str] | None = None
) -> int:
    """ask: how the known weight is asked for; by default of the terminal, and not at all where there is none."""
    places = places or names.Places()
    if ask is None and sys.stdin.isatty():
        ask = input
    try:
        known = mass_typed(wanted.known) if wanted.known is not None else None
        limits = {
            name: f"{mass_typed(text).to('kg'):f} kg"
            for name, text in (("capacity", wanted.capacity), ("division", wanted.division))
            if text is not None
        }
        if port is None:
            return _list_ports(places)
        target = Target.parse(port, places)
        return asyncio.run(_recognise(target, places, known, limits, wanted.write, ask))
    except (LinkError, _WrongUseError, registry.ProfileError) as exc:
        print(exc, file=sys.stderr)
        return 1


def mass_typed(text: str) -> Mass:
    """A mass a person typed, above zero; raises _WrongUseError."""
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(kg|g|t)\s*", text)
    mass = Mass.of(Decimal(found[1].replace(",", ".")), found[2]) if found else ZERO
    if mass <= ZERO:
        raise _WrongUseError(f'{text!r}: a weight with its unit is wanted, such as "20.0 kg"')
    return mass


def _list_ports(places: names.Places) -> int:
    rows = [
        (names.stable_name(item.node, kind, places), str(item.node), f"{item.vendor}:{item.product}")
        for kind in ("tty", "hidraw")
        for item in names.present(kind, places)
    ]
    if not rows:
        print("no USB serial port and no HID device is plugged in; built-in ports: /dev/ttyS0 and so on")
        return 1
    for name, node, usb in rows:
        print(f"{name:44} now {node:14} usb {usb}")
    print("next: hazgate-edge doctor scale NAME")
    return 0


async def _recognise(
    target: Target,
    places: names.Places,
    known: Mass | None,
    limits: dict[str, str],
    write: Path | None,
    ask: Callable[[str], str] | None,
) -> int:
    began_s = time.monotonic()
    ear = Ear(target, _profiles(), lambda text: print(f"... {text}", flush=True), places)
    heard = await ear.recognise()
    if not heard.candidates:
        _say_nothing_fits(heard)
        return 1
    found = heard.candidates
    verdict = judge(found) if known is None else settle(found, known)
    print(f"heard and matched in {time.monotonic() - began_s:.1f} s")
    _say_candidate(found, verdict)
    tries = 0
    while verdict.certainty is not Certainty.SURE and ask is not None and tries < TRIES_MAX:
        tries += 1
        _say_open(verdict)
        typed = await asyncio.to_thread(ask, "put a known weight on, wait for rest, type it (20.0 kg); empty ends: ")
        if not typed.strip():
            break
        try:
            mass = mass_typed(typed)
        except _WrongUseError as exc:
            print(exc)
            continue
        found = await ear.retake(rivals(heard.candidates)) or found
        verdict = settle(found, mass)
    if verdict.certainty is not Certainty.SURE or verdict.choice is None:
        _say_open(verdict)
        print(
            'not sure, so nothing is written; next: put a known weight on and give --known "20.0 kg"', file=sys.stderr
        )
        return 1
    _say_sure(verdict)
    return _give_block(verdict.choice, target, limits, write)


def _profiles() -> list[Profile]:
    return [registry.load(name) for name in registry.available()]


def _say_nothing_fits(heard: Heard) -> None:
    if heard.silent:
        print(
            f"{heard.target.text}: nothing was heard, and no question was answered.\n"
            "next: look at power, cable (2 and 3 crossed?), RS-232 against RS-485, A and B of RS-485; switch the\n"
            "indicator's output to continuous; a Modbus device must have address 1",
            file=sys.stderr,
        )
        return
    print(f"{heard.target.text}: bytes were heard, but no profile explains them:", file=sys.stderr)
    for capture in heard.unexplained:
        asked = f" asked {capture.asked.hex(' ')}:" if capture.asked else ":"
        print(f"  {capture.settings or ''}{asked} {capture.received[:HEX_SHOWN].hex(' ')}", file=sys.stderr)
    print("next: docs/add-a-device.md shows how to describe a new device with such bytes", file=sys.stderr)


def _say_candidate(found: list[Candidate], verdict: Verdict) -> None:
    best = found[0]
    title = best.profile.title
    print(f"\n{best.profile.id}: {title['en']} / {title['zh']} (trust: {best.profile.trust})")
    at = best.capture.settings
    how = f"answers {best.capture.asked.hex(' ')}" if best.capture.asked else "talks by itself"
    if at is not None:
        parity = best.capture.parity
        how += f", {at.baud} 7{parity}1" if parity else f", {at}"
    print(
        f"  {how}; explains {best.fit:.0%} of the bytes, {len(best.readings)} frames, {best.rejects} refused;"
        f" checks {best.checked:.0%} of a frame"
    )
    for reading in best.readings[-READINGS_SHOWN:]:
        print(f"  {_reading(reading)}    {reading.raw.hex(' ')}")
    said = [reading for reading in best.readings if reading.weight is not None] or list(best.readings)
    print("  the last frame, byte by byte:")
    print(shown(best, said[-1]))
    if verdict.runner_up is not None:
        other = verdict.runner_up
        print(f"  runner-up {other.profile.id} ({other.profile.title['en']}): {tell_apart(best, other)}")
    else:
        print("  no other profile explains these bytes")


def _reading(reading: Reading) -> str:
    rest = {True: "stable", False: "moving", None: "rest not told"}[reading.stable]
    weight = "no weight" if reading.weight is None else f"{reading.weight} {reading.unit or '(no unit)'}"
    return f"{weight:>16} {rest:13} {reading.status} {reading.mode or ''}"


def _say_open(verdict: Verdict) -> None:
    print(f"\nnot sure: {verdict.why}")
    for choice in (verdict.choice, *verdict.others[:6]):
        if choice is not None and choice.last is not None:
            print(f"  {_meaning(choice)}: {choice.last.weight} {choice.last.unit or '(no unit)'}")


def _say_sure(verdict: Verdict) -> None:
    choice = verdict.choice
    if choice is not None and choice.last is not None:
        print(f"\nsure: {_meaning(choice)}: {choice.last.weight} {choice.last.unit}; {verdict.why}\n")


def _meaning(choice: Choice) -> str:
    options = ", ".join(f"{name} {value}" for name, value in choice.options.items())
    return choice.candidate.profile.id + (f" with {options}" if options else "")


def _give_block(choice: Choice, target: Target, limits: dict[str, str], write: Path | None) -> int:
    scale_id = "platform-1"
    text = ""
    if write is not None:
        try:
            text = write.read_text("utf-8")
            old_id, old_limits = limits_of(text)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            raise _WrongUseError(f"write {write}: cannot be read: {exc}; nothing was changed") from exc
        scale_id, limits = old_id or scale_id, {**old_limits, **limits}
    block = scales_block(choice, _link(choice, target), scale_id=scale_id, limits=limits)
    print(block)
    if write is not None:
        _write(write, inserted(text, block))
    return 0


def _link(choice: Choice, target: Target) -> dict[str, Value]:
    if target.kind == "serial":
        return serial_link(choice, target.text)
    if target.kind == "hid":
        return {"kind": "hid", "port": target.text}
    return {"kind": target.kind, "host": target.host, "port": target.port}


def _write(path: Path, text: str) -> None:
    """In place of the file once `check-config` passes, whole or not at all; the old one is kept beside it."""
    from hazgate_edge.commands import check_config

    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(path, fresh)
        if check_config.run(fresh) != 0:
            raise _WrongUseError(f"write {path}: check-config found the problems above; nothing was changed")
        kept = _copy(path)
        fresh.replace(path)
    except OSError as exc:
        raise _WrongUseError(f"write {path}: {exc.strerror}; nothing was changed") from exc
    finally:
        fresh.unlink(missing_ok=True)
    print(f"written to {path}; as it was before: {kept}. Start the box anew to weigh with it")


def _copy(path: Path) -> Path:
    for number in range(1, COPIES_MAX):
        kept = path.with_name(f"{path.name}.before-{number}")
        if not kept.exists():
            shutil.copy2(path, kept)
            return kept
    raise _WrongUseError(f"write {path}: {COPIES_MAX} copies lie beside it; remove some; nothing was changed")
