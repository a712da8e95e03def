"""Builds the box and runs it: every part is made here and handed in, every task belongs to one group."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import random
import secrets
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hazgate_edge import __version__
from hazgate_edge.agent import Agent
from hazgate_edge.clock import Clock, SystemClock, local_date, moment, rfc3339
from hazgate_edge.config import Config
from hazgate_edge.domain.pan import STALE_MS, Limits, Pan
from hazgate_edge.domain.stability import Rule
from hazgate_edge.domain.view import Chip, Light, Say
from hazgate_edge.door import Door
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal import start
from hazgate_edge.journal.ballast import Ballast
from hazgate_edge.journal.database import JournalError
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.surroundings import Surroundings, look_around
from hazgate_edge.journal.witness import Witness
from hazgate_edge.journal.writer import WriterClosedError, WriterFullError
from hazgate_edge.lastgood import Chosen
from hazgate_edge.numbers import LabelNumbers
from hazgate_edge.porter import Porter
from hazgate_edge.printing.drawing import Drawing
from hazgate_edge.printing.handed_over import CupsPrinter, FolderPrinter
from hazgate_edge.printing.job_printer import JobPrinter
from hazgate_edge.printing.links import FileTarget, SerialTarget, Target, TcpTarget, UsbTarget
from hazgate_edge.printing.model import asked_for_status, model_of
from hazgate_edge.printing.spooler import LabelPrinter, Spooler
from hazgate_edge.scale.reader import ScaleReader
from hazgate_edge.scanning.profiles import traffic_of
from hazgate_edge.scanning.reader import ScannerReader
from hazgate_edge.scanning.scans import Scans
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.mqtt import Uplink
from hazgate_edge.sync.refill import Refill
from hazgate_edge.telemetry.conditions import Conditions
from hazgate_edge.telemetry.sending import Sender
from hazgate_edge.telemetry.spool import Spool
from hazgate_edge.timekeeper import LOOK_EVERY_S, Timekeeper
from hazgate_edge.vehicle.office import WeighOffice
from hazgate_edge.vehicle.switches import Switches
from hazgate_edge.vitals import UnwellError, Vitals
from hazgate_edge.wastes import known_wastes
from hazgate_edge.watch import heed_decisions, keep_watch
from hazgate_profiles import registry, telemetry_registry
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.spec import Profile, Stream

log = logging.getLogger(__name__)

JOURNAL_FILE = "journal.sqlite3"
DOOR_FILE = "agent.sock"
LOCK_FILE = "agent.lock"
DISK_FREE_MIN = 64 << 20  # bytes; below this no new weighing, so that what is saved can still be sent
DISK_WARN_SHARE = 0.2  # free of the whole; below this somebody is to make room in good time
DEVICE_GAP_MS = 1000
BALLAST_EVERY_S = 60.0
NO_ROOM_PAUSE_S = 5.0  # how long sending and printing rest when the disk takes nothing
TELL_S = 1.0  # from a broken disk to the end: time for the answer to reach the terminal
NOBODY = {"operator": "", "shift": ""}


class AlreadyRunningError(Exception):
    """Another agent holds this data folder."""


@dataclass
class Parts:
    """Everything a running box is made of."""

    agent: Agent
    journal: Journal
    reader: ScaleReader
    spooler: Spooler
    drawing: Drawing
    uplink: Uplink
    pan: Pan
    ballast: Ballast
    numbers: LabelNumbers
    clock: Timekeeper
    dev: dict[str, Any]
    journal_fault: str  # what was wrong with the journal at this start, "" for nothing
    refill: Refill
    surroundings: Surroundings
    conditions: Conditions | None  # None without measuring points, or where their file cannot be opened
    spool: Spool | None
    scanners: list[ScannerReader]
    office: WeighOffice | None  # where the scale weighs vehicles
    switches: Switches | None  # its sensors and light


def lock(data_folder: Path) -> IO[str]:
    """Hold the data folder for this process; the lock goes with the process. Raises AlreadyRunningError."""
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = (data_folder / LOCK_FILE).open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        handle.close()
        raise AlreadyRunningError(
            f"start: another hazgate-edge already runs on {data_folder}; stop it first (程序已在运行)"
        ) from exc
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def rule_of(profile: Profile, division: Mass) -> Rule:
    """The profile's stability window with the scale's own division."""
    window = profile.stability_window
    return Rule(
        samples=window.samples,
        span_ms=window.span_ms,
        tolerance=Mass(division.mg * window.tolerance_divisions),
        gap_ms=DEVICE_GAP_MS,
        always=window.when == "always",
    )


def disk_check(folder: Path) -> Say | None:
    """Whether there is room for another weighing."""
    free = shutil.disk_usage(folder).free
    return None if free >= DISK_FREE_MIN else Say("DISK-01", {"free_mb": str(free >> 20)})


def disk_warning(folder: Path) -> Chip | None:
    """Said long before weighing must stop."""
    usage = shutil.disk_usage(folder)
    if usage.free >= usage.total * DISK_WARN_SHARE or usage.free < DISK_FREE_MIN:
        return None
    return Chip("disk", Light.WARN, Say("DISK-02", {"percent": str(usage.free * 100 // usage.total)}))


def scale_of(config: Config, clock: Clock) -> tuple[Profile, Pan, ScaleReader]:
    """The scale's profile, its pan and the reader that feeds it."""
    scale = config.scale
    profile = registry.load(scale.profile)
    limits = Limits(scale.minimum, scale.capacity, scale.empty_below)
    stale_ms = profile.traffic.silence_ms if isinstance(profile.traffic, Stream) else STALE_MS
    pan = Pan(rule_of(profile, scale.division), limits, clock.mono_ns(), stale_ms)
    return profile, pan, ScaleReader(scale, profile, pan, clock)


def printer_of(config: Config) -> LabelPrinter:
    """The configured printer."""
    printer = config.printer
    path = Path(printer.path or "")
    target: Target
    match printer.kind:
        case "cups":
            return CupsPrinter(printer.queue or "")
        case "folder":
            return FolderPrinter(path)
        case "tcp":
            target = TcpTarget(printer.host or "", printer.port)
        case "file":
            target = FileTarget(path)
        case "usb":
            target = UsbTarget(printer.usb_model, printer.usb_serial)
        case "serial":
            target = SerialTarget(path, printer.baud)
    return JobPrinter(target, speech=asked_for_status(printer, model_of(printer)))


def examine(path: Path, box: str, signer: Signer, clock: Clock) -> str:
    """Check the journal before it is used, set it aside if it cannot be; what was wrong, "" for nothing.

    Raises JournalError when the disk cannot be read or written: then nothing is moved.
    """
    try:
        start.finish_setting_aside(path)
        start.require_suite_of(path, signer.suite)
        fault = start.fault_in(path, box=box, public_key=signer.public())
        if fault is None:
            return ""
        if fault.usable:
            log.error("journal %s: %s; the collector holds it, weighing goes on; run: verify", path, fault.text)
            return fault.text
        kept = start.set_aside(path, clock.wall())
    except (sqlite3.Error, OSError) as exc:
        raise JournalError(f"read journal {path}: {exc}; kernel log, then a new disk (存储错误)") from exc
    log.error(
        "journal %s: %s; set aside as %s, a new one is begun (日志损坏，已另存); keep that file until everything is"
        " confirmed: records that were not sent yet are read from it. The collector will report a fork",
        path,
        fault.text,
        kept.name,
    )
    return f"{kept.name}: {fault.text}"


def build(config: Config, clock: Timekeeper, problem: str = "") -> Parts:
    """Every part, wired. The data folder must be locked. problem: why this is not the configuration asked for."""
    signer = load_or_make(config.data_folder, config.chain_suite)
    profile, pan, reader = scale_of(config, clock)
    dev: dict[str, Any] = {
        "profile": profile.id,
        "profile_digest": registry.digest(profile),
        "sw": __version__,
        "config_digest": config.digest(),
        # With the profile, all that an auditor needs to read the raw bytes again.
        **({"options": dict(config.scale.options)} if config.scale.options else {}),
    }
    ballast = Ballast(config.data_folder, spare=DISK_FREE_MIN)
    path = config.data_folder / JOURNAL_FILE
    wrong = examine(path, config.box, signer, clock)
    witness = Witness.read(config.data_folder, config.box)
    journal = Journal(
        path,
        box=config.box,
        signer=signer,
        clock=clock,
        make_room=ballast.release,
        given_before=start.numbers_aside(path, config.unit.code),
        at_rest=witness.at_rest,
    )
    if (newest := journal.newest_time()) and (known := moment(newest)) is not None:
        clock.know(known)
    try:
        found = look_around(journal, witness)
    except sqlite3.Error as exc:
        journal.close()
        raise _broken(journal, exc) from exc
    drawing = Drawing(config.printer, config.label_font)
    dialogue = Dialogue(
        journal,
        collector_key=bytes.fromhex(config.collector.public_key),
        dev=dev,
        token=lambda: secrets.token_hex(8),
        jitter=random.random,
        refill=Refill(
            journal,
            collector_key=bytes.fromhex(config.collector.public_key),
            dev=dev,
            token=lambda: secrets.token_hex(8),
            place=found.place,
            moved=found.moved,
            behind=bool(found.behind),
        ),
    )
    spool, spool_fault = spool_of(config, clock)
    collector_key = bytes.fromhex(config.collector.public_key)
    sender = None if spool is None else Sender(spool, config.box, signer, collector_key)
    uplink = Uplink(
        config.broker,
        config.box,
        dialogue,
        wall=clock.wall,
        jitter=random.random,
        present=lambda: present(clock),
        telemetry=sender,
    )
    conditions = None
    if spool is not None and sender is not None:
        sources = [(source, telemetry_registry.load(source.profile)) for source in config.telemetry.sources]
        conditions = Conditions(sources, spool=spool, sender=sender, journal=journal, clock=clock, dev=dev)
    spooler = Spooler(journal, printer_of(config), drawing, config, dev=dev, on_record=uplink.wake)
    wastes = known_wastes(config, local_date(clock.wall()))
    numbers = LabelNumbers(config, clock=clock, journal=journal, wastes=tuple(wastes), dev=dev, on_record=uplink.wake)
    scans = scans_of(config, clock, journal)
    scanners = [ScannerReader(scanner, traffic_of(scanner), clock, scans.take) for scanner in config.scanners]
    scans.watch([*scanners])
    switches = switches_of(config, clock)
    office = None
    if config.scale.use == "vehicle":
        office = WeighOffice(
            config.scale,
            operators=config.operators,
            clock=clock,
            journal=journal,
            pan=pan,
            dev=dev,
            disk=lambda: disk_check(config.data_folder) or dialogue.refill.blocks(),
            position=switches.position if switches is not None and switches.has_sensors else None,
            on_record=uplink.wake,
        )
    agent = Agent(
        config,
        clock=clock,
        journal=journal,
        pan=pan,
        spooler=spooler,
        drawing=drawing,
        dialogue=dialogue,
        uplink=uplink,
        wastes=wastes,
        dev=dev,
        disk=lambda: disk_check(config.data_folder),
        numbers=numbers,
        scans=scans,
        notices=lambda: (
            *((switches.chip(),) if switches is not None else ()),
            *notices(config.data_folder, clock, problem),
            *condition_notices(conditions, spool_fault),
        ),
        office=office,
    )
    return Parts(
        agent,
        journal,
        reader,
        spooler,
        drawing,
        uplink,
        pan,
        ballast,
        numbers,
        clock,
        dev,
        wrong,
        dialogue.refill,
        found,
        conditions,
        spool,
        scanners,
        office,
        switches,
    )


def switches_of(config: Config, clock: Clock) -> Switches | None:
    """The weighbridge's sensors and light, None when it has none."""
    vehicle = config.scale.vehicle
    return Switches(vehicle.switches, clock) if vehicle is not None and vehicle.switches is not None else None


def spool_of(config: Config, clock: Clock) -> tuple[Spool | None, str]:
    """The samples' file, None without measuring points or when it cannot be opened: then why. Weighing goes on; what is
    missing of the points is on record after the next start that can open it."""
    if not config.telemetry.sources:
        return None, ""
    try:
        return Spool(config.data_folder, new_id=secrets.token_hex(8), now=clock.wall()), ""
    except (sqlite3.Error, OSError) as exc:
        log.error("working conditions are not read: open their file in %s: %s", config.data_folder, exc)
        return None, str(exc)


def condition_notices(conditions: Conditions | None, fault: str) -> tuple[Chip, ...]:
    """The measuring points in the top bar: only while something is abnormal, the worst alone."""
    if fault:
        return (Chip("conditions", Light.WARN, Say("COND-03", {"why": fault[-120:]})),)
    shown = () if conditions is None else conditions.standings()
    for key, concerned in (
        ("COND-01", [point for point in shown if point.limit]),
        ("COND-02", [point for point in shown if point.state in ("stale", "error")]),
    ):
        if concerned:
            first = f"{concerned[0].zh} {concerned[0].en}"
            said = Say(key, {"point": first, "count": str(len(concerned))})
            return (Chip("conditions", Light.WARN, said),)
    return ()


def scans_of(config: Config, clock: Clock, journal: Journal) -> Scans:
    """What scanned codes mean on this box."""

    def bag_of(label: str) -> str | None:
        found = journal.bag(label=label) or journal.found_bag(label=label)
        return found.rid if found else None

    return Scans(base=config.label_qr_base, unit=config.unit.code, clock=clock, bag_of=bag_of)


def present(clock: Timekeeper) -> dict[str, Any]:
    """What the box says of itself to the collector beside being there: its time."""
    now, source, _ = clock.stamped()
    return {"wall": rfc3339(now), "source": source}


def notices(folder: Path, clock: Timekeeper, problem: str) -> tuple[Chip, ...]:
    """What the top bar shows beside the devices: only what somebody should look at."""
    found = [Chip("settings", Light.WARN, Say("CFG-01", {"why": problem[-120:]}))] if problem else []
    if (said := clock.say()) is not None:
        found.append(Chip("clock", Light.WARN, said))
    if (disk := disk_warning(folder)) is not None:
        found.append(disk)
    return tuple(found)


async def run(chosen: Chosen, *, on_ready: Callable[[], None] = lambda: None) -> None:
    """The box until SIGTERM or SIGINT. Raises AlreadyRunningError, ConfigError, JournalError, IdentityError,
    UnwellError. on_ready: called once when everything runs."""
    config = chosen.config
    held = lock(config.data_folder)
    clock = Timekeeper(SystemClock.of_this_machine())
    parts = build(config, clock, chosen.problem)
    journal, dev = parts.journal, parts.dev
    try:
        await journal.write(lambda: journal.do_found(unit_code=config.unit.code, dev=dev))
        unknown = await parts.spooler.recover()
        found: dict[str, Any] = {"reason": "start", "found": {"jobs_unknown": unknown}}
        if chosen.problem:
            found["found"]["configuration"] = chosen.problem[:500]
        if parts.journal_fault:
            found["found"]["journal"] = parts.journal_fault[:500]
        found["found"] |= parts.surroundings.as_found()
        await journal.write(lambda: journal.do_append(kinds.BOOT, found, who=NOBODY, dev=dev))
        await parts.numbers.ask()  # before the first connection: the answer comes with its receipt
        await _until_stopped(parts, chosen, on_ready)
    except sqlite3.Error as exc:
        raise _broken(journal, exc) from exc
    except BaseExceptionGroup as group:
        why = _leaf(group)
        if isinstance(why, OSError) and why.errno in (errno.EMFILE, errno.ENFILE):
            raise UnwellError(f"{why} (E-105): something leaks; ending, to be started anew") from None
        raise
    finally:
        parts.drawing.close()
        if parts.spool is not None:
            parts.spool.close()
        journal.close()
        held.close()
        log.info("stopped")


async def _until_stopped(parts: Parts, chosen: Chosen, on_ready: Callable[[], None]) -> None:
    config = chosen.config
    stop = asyncio.Event()
    vitals = Vitals(os.environ, alive=lambda: parts.journal.alive)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    porter = await _porter(config, chosen.path)
    door = Door(parts.agent, config.data_folder / DOOR_FILE, parts.office)
    await door.open()
    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(_beat(vitals, stop), name="vitals")
        running = [
            tasks.create_task(parts.reader.run(), name="scale"),
            *_weighbridge_tasks(tasks, parts),
            *(
                tasks.create_task(_through_full_disk("look a scan up", one.run), name=f"scanner {one.id}")
                for one in parts.scanners
            ),
            tasks.create_task(_through_full_disk("print", lambda: _print(parts.spooler)), name="spooler"),
            tasks.create_task(_through_full_disk("send", parts.uplink.run), name="uplink"),
            tasks.create_task(_through_full_disk("ask for numbers", parts.numbers.run), name="numbers"),
            tasks.create_task(_keep_ballast(parts.ballast), name="ballast"),
            tasks.create_task(_stop_when_broken(parts.journal, stop), name="journal"),
            tasks.create_task(_through_full_disk("walk", lambda: keep_watch(parts.journal, parts.refill)), name="walk"),
            tasks.create_task(
                _through_full_disk(
                    "decide", lambda: heed_decisions(config.data_folder, parts.refill, parts.uplink.wake)
                ),
                name="decisions",
            ),
            tasks.create_task(door.run(), name="door"),
            tasks.create_task(porter.run(), name="porter"),
            tasks.create_task(_keep_time(parts), name="clock"),
            *([tasks.create_task(parts.conditions.run(), name="conditions")] if parts.conditions is not None else []),
            beating,
        ]
        host, port = porter.address
        log.info("box %s ready; terminal on http://%s:%s/", config.box, host, port)
        on_ready()
        await stop.wait()
        log.info("stopping")
        vitals.tell("STOPPING=1")
        for task in running:
            task.cancel()
    if parts.journal.broken is not None:
        raise _broken(parts.journal, parts.journal.broken)
    if not beating.cancelled():
        raise UnwellError(beating.result())


def _weighbridge_tasks(tasks: asyncio.TaskGroup, parts: Parts) -> list[asyncio.Task[None]]:
    if parts.office is None:
        return []
    made = [tasks.create_task(parts.office.run(), name="weighbridge")]
    if parts.switches is not None:
        made.append(tasks.create_task(parts.switches.run(parts.office.green), name="switches"))
    return made


def _broken(journal: Journal, why: BaseException) -> JournalError:
    return JournalError(
        f"journal {journal.path}: {why}; the box starts again and reads everything anew; "
        "if it stays so, the disk is full or failing: make room, kernel log, new disk (存储错误)"
    )


async def _print(spooler: Spooler) -> None:
    """A label that was under way when the disk took nothing more is unknown, as after a restart."""
    await spooler.recover()
    await spooler.run()


async def _through_full_disk(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """A task that could not write begins anew after a pause; one that meets a broken disk waits here for the end."""
    while True:
        try:
            await run()
        except* (sqlite3.OperationalError, WriterClosedError, WriterFullError) as group:
            log.warning("%s: not kept: %s; again in %d s", what, _leaf(group), NO_ROOM_PAUSE_S)
        await asyncio.sleep(NO_ROOM_PAUSE_S)


def _leaf(exc: BaseException) -> BaseException:
    return _leaf(exc.exceptions[0]) if isinstance(exc, BaseExceptionGroup) else exc


async def _beat(vitals: Vitals, stop: asyncio.Event) -> str:
    """A box that is not well ends; systemd starts it again. Returns why."""
    why = await vitals.run()
    stop.set()
    return why


async def _keep_time(parts: Parts) -> None:
    """Each jump of the clock is a record."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        change = parts.clock.look()
        if change is None:
            continue
        log.warning("clock: %s by %d ms, from %s to %s", change.reason, change.step_ms, change.before, change.after)
        body = change.as_json()
        try:
            await parts.journal.write(
                lambda body=body: parts.journal.do_append(kinds.CLOCK, body, who=NOBODY, dev=parts.dev)  # type: ignore[misc]
            )
        except (sqlite3.Error, WriterClosedError, WriterFullError) as exc:
            log.warning("clock record not kept: %s", exc)
        parts.uplink.wake()


async def _keep_ballast(ballast: Ballast) -> None:
    while True:
        await asyncio.to_thread(ballast.lay)
        await asyncio.sleep(BALLAST_EVERY_S)


async def _stop_when_broken(journal: Journal, stop: asyncio.Event) -> None:
    """A failed disk ends the program, after its caller has been told; systemd starts it again."""
    why = await journal.until_broken()
    log.error("journal %s: %s; ending, to read everything anew", journal.path, why)
    await asyncio.sleep(TELL_S)
    stop.set()


async def _porter(config: Config, config_path: Path) -> Porter:
    """Bind the terminal's address; a terminal process of a killed agent may hold it for a moment still."""
    deadline = asyncio.get_running_loop().time() + 5
    while True:
        try:
            return Porter(host=config.terminal.host, port=config.terminal.port, config_path=config_path)
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)
