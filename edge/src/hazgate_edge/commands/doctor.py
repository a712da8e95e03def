"""`doctor`: looks at everything a working box needs, one line each, and says what to do about what is wrong.

It opens ports only when no agent runs on the data folder: two readers would steal each other's bytes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from hazgate_edge import app
from hazgate_edge.clock import SystemClock, local_date, rfc3339
from hazgate_edge.config import Config, ConfigError, load
from hazgate_edge.domain.view import Light, Phase
from hazgate_edge.identity import IdentityError, load_or_make
from hazgate_edge.journal.database import SCHEMA, JournalError, connect
from hazgate_edge.journal.start import require_suite_of

LISTEN_S = 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: good, a warning, or bad with what to do."""

    light: Light
    text: str
    todo: str = ""


def run(path: Path) -> int:
    """Exit 0 when nothing is bad."""
    try:
        config = load(path)
    except ConfigError as exc:
        print(f"BAD   configuration\n{exc}", file=sys.stderr)
        return 1
    findings = asyncio.run(_examine(config))
    return 1 if any(finding.light is Light.BAD for finding in findings) else 0


async def _examine(config: Config) -> list[Finding]:
    checks: list[tuple[str, Callable[[Config], Awaitable[Finding]]]] = [
        ("clock", _clock),
        ("key", _key),
        ("journal", _journal),
        ("numbers", _numbers),
        ("disk", _disk),
        ("font", _font),
        ("broker", _broker),
        ("printer", _printer),
        ("scale", _scale),
        ("scanner", _scanner),
    ]
    found = []
    marks = {Light.GOOD: "good", Light.WARN: "warn", Light.BAD: "BAD", Light.OFF: "off"}
    for name, check in checks:
        finding = await check(config)
        print(f"{marks[finding.light]:5} {name:8} {finding.text}", flush=True)
        if finding.todo:
            print(f"{'':14} -> {finding.todo}")
        found.append(finding)
    return found


async def _clock(_config: Config) -> Finding:
    now = SystemClock.of_this_machine().wall()
    text = f"{rfc3339(now)}, local day {local_date(now)}"
    if now.year < 2026:
        return Finding(Light.WARN, text, "set the clock or reach a time server; records keep their order meanwhile")
    return Finding(Light.GOOD, text)


async def _key(config: Config) -> Finding:
    try:
        require_suite_of(config.data_folder / app.JOURNAL_FILE, config.chain_suite)
        signer = load_or_make(config.data_folder, config.chain_suite)
    except (IdentityError, JournalError, OSError) as exc:
        return Finding(Light.BAD, str(exc))
    return Finding(Light.GOOD, f"box {config.box}, {config.suite}, public key {signer.public().hex()[:16]}…")


async def _journal(config: Config) -> Finding:
    path = config.data_folder / app.JOURNAL_FILE
    if not path.exists():
        return Finding(Light.GOOD, "none yet; it is made when the box first runs")
    try:
        connection = connect(path)
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        records = connection.execute("SELECT count(*) FROM record").fetchone()[0]
        mode = connection.execute("PRAGMA synchronous").fetchone()[0]
        connection.close()
    except (JournalError, OSError) as exc:
        return Finding(Light.BAD, str(exc))
    if schema > SCHEMA:
        return Finding(Light.BAD, f"schema {schema}, this program knows {SCHEMA}", "install the newer program")
    return Finding(Light.GOOD, f"{records} records, schema {schema}, synchronous={mode} (2 = FULL)")


async def _numbers(config: Config) -> Finding:
    """Whether every waste has label numbers, and until when."""
    from hazgate_edge.commands.leases import held_by_waste
    from hazgate_edge.commands.opening import NoJournalError

    fixed = config.numbers.fixed
    if fixed is not None:
        return Finding(Light.GOOD, f"{fixed[0]:03d} to {fixed[1]:03d} by hand: no other box of the unit may use these")
    try:
        found = held_by_waste(config, local_date(SystemClock.of_this_machine().wall()))
    except NoJournalError as exc:
        return Finding(Light.GOOD, f"none yet: {exc}")
    except (sqlite3.Error, OSError, ValueError) as exc:
        return Finding(Light.BAD, f"leases cannot be read: {exc}", "run: hazgate-edge verify")
    ends = [item.until for item in found if item.until is not None]
    none = [item.waste_code for item in found if item.until is None]
    if none:
        text = f"no label numbers leased for {', '.join(none)}"
        return Finding(Light.WARN, text, "run the box with the network connected once; they come by themselves")
    return Finding(Light.GOOD, f"leased for every waste until {min(ends)}")


async def _disk(config: Config) -> Finding:
    config.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    full = app.disk_check(config.data_folder)
    if full is not None:
        return Finding(Light.BAD, f"{full.values['free_mb']} MB free", f"{app.DISK_FREE_MIN >> 20} MB are wanted")
    return Finding(Light.GOOD, f"{config.data_folder} has room")


async def _font(config: Config) -> Finding:
    from hazgate_protocols.label.errors import FontNotFoundError
    from hazgate_protocols.label.fonts import find_font

    if config.label_font is not None:
        here = config.label_font.exists()
        return Finding(Light.GOOD if here else Light.BAD, str(config.label_font), "" if here else "no such file")
    try:
        return Finding(Light.GOOD, str(find_font()))
    except FontNotFoundError as exc:
        return Finding(Light.BAD, "no Chinese font", str(exc))


async def _broker(config: Config) -> Finding:
    import aiomqtt

    from hazgate_edge.sync.mqtt import login

    where = f"{config.broker.host}:{config.broker.port}"
    try:
        async with aiomqtt.Client(identifier=f"{config.box}-doctor", timeout=5, **login(config.broker)):
            return Finding(Light.GOOD, f"{where} accepts this box's account")
    except (aiomqtt.MqttError, OSError) as exc:
        return Finding(Light.BAD, f"{where}: {exc}", "check address, account and cable; records stay safe meanwhile")


async def _printer(config: Config) -> Finding:
    from hazgate_edge.commands.doctor_printer import examine

    return Finding(*await examine(config))


async def _asked_of_the_agent(config: Config) -> Finding:
    """The running agent holds the port: what does it read?"""
    from hazgate_edge.terminal.remote import RemoteBox

    try:
        box = await RemoteBox.connect(config.data_folder / app.DOOR_FILE)
    except OSError as exc:
        return Finding(Light.BAD, f"the agent holds the scale but does not answer: {exc}", "look at its log")
    try:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LISTEN_S
        while not box.live().weight and loop.time() < deadline:  # noqa: ASYNC110 - a snapshot has no event
            await asyncio.sleep(0.05)
        live = box.live()
    finally:
        box.close()
    if live.weight:
        return Finding(Light.GOOD, f"the running agent reads {live.weight} {live.unit}")
    why = next((f"{say.key} {dict(say.values)}" for say in live.blocked), str(live.phase))
    return Finding(Light.BAD, f"the running agent has no weight: {why}", "check cable, power, baud, profile")


async def _scale(config: Config) -> Finding:
    try:
        held = app.lock(config.data_folder)
    except app.AlreadyRunningError:
        return await _asked_of_the_agent(config)
    try:
        clock = SystemClock.of_this_machine()
        profile, pan, reader = app.scale_of(config, clock)
        listening = asyncio.create_task(reader.run())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LISTEN_S
        while loop.time() < deadline and pan.weight(clock.mono_ns()) is None:  # noqa: ASYNC110 - a pan has no event
            await asyncio.sleep(0.05)
        weight = pan.weight(clock.mono_ns())
        view = pan.view(clock.mono_ns())
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    finally:
        held.close()
    if weight is not None:
        return Finding(Light.GOOD, f"profile {profile.id} reads {weight.text} {weight.unit}; raw {weight.raw.hex(' ')}")
    why = f"{view.refusal.key} {dict(view.refusal.values)}" if view.refusal else str(Phase.NO_WEIGHT)
    return Finding(
        Light.BAD,
        f"no weight in {LISTEN_S:.0f} s with profile {profile.id}: {why}",
        "check cable, power, baud, profile",
    )


async def _scanner(config: Config) -> Finding:
    """Whether each configured scanner is there, and which keyboards could be one. Grabs and opens nothing."""
    from hazgate_edge.scale.links import LinkError
    from hazgate_edge.scanning import keyboard, photo, profiles

    wrong = [f"{place[1]}: {what}" for place, what in profiles.scanner_mistakes(config)]
    for scanner in config.scanners:
        link = scanner.link
        try:
            if link.kind == "keyboard":
                where = keyboard.find(link)
            elif link.kind == "serial":
                where = Path(link.port)
            else:
                continue
        except LinkError as exc:
            wrong.append(f"{scanner.id}: {exc}")
            continue
        if not where.exists():
            wrong.append(f"{scanner.id}: {where} is not there")
    seen = "; ".join(keyboard.described(keyboard.keyboards())) or "none"
    text = f"{len(config.scanners)} configured; keyboards seen: {seen}; photos: {'yes' if photo.can_decode() else 'no'}"
    if wrong:
        return Finding(Light.BAD, "; ".join(wrong), f"plug it in, or mend scanners in the configuration; {text}")
    return Finding(Light.GOOD, text)
