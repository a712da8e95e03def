"""One simulated scale: platform, indicator, link and fault put together, in real time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hazgate_protocols.mass import ZERO, Mass
from hazgate_simulators.scale.families import FAMILIES, SENDS_UNASKED, Family, LinkSpec, Traffic
from hazgate_simulators.scale.faults import (
    POLL_FAULTS,
    SLOW_ANSWER_S,
    SLOW_STREAM_FACTOR,
    Fault,
    FaultyWire,
)
from hazgate_simulators.scale.hid import HidPipe
from hazgate_simulators.scale.links import Link, PtyLink, TcpLink
from hazgate_simulators.scale.modbus import ModbusRtuDevice, ModbusTcpPort, ModbusTransmitter
from hazgate_simulators.scale.physics import Answer, Indication, Platform, PlatformSpec
from hazgate_simulators.scale.replay import Replay, ReplayCase
from hazgate_simulators.scale.sics import SicsIndicator

SENT_MAX = 20
OUTBOX_MAX = 64
ANSWER_TICK_S = 0.02
BOOT_S = 1.0
OVERLOAD_FACTOR = 2
LOAD_MAX = Mass.of("200000", "kg")  # more than any weighbridge; a typing mistake otherwise

# TCP neither flips nor loses nor tears a Modbus answer: only what the transmitter itself can do is left.
MODBUS_TCP_FAULTS = frozenset(
    {
        Fault.DUPLICATED_FRAME,
        Fault.STUCK,
        Fault.SILENT,
        Fault.UNSTABLE,
        Fault.OVERLOAD,
        Fault.UNPLUG,
        Fault.WRONG_UNIT,
        Fault.SLOW,
    }
)

# The bus delivers a report whole and checked, or not at all.
HID_NEVER = frozenset({Fault.BIT_FLIPS, Fault.TORN_WRITES, Fault.JOINED, Fault.DROPPED_BYTE, Fault.BOOT_NOISE})


class FaultNotPossibleError(ValueError):
    """This fault cannot happen on this link; the message lists those that can."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes that were sent, with the simulator's clock; heard tells whether anybody listened."""

    at_s: float
    octets: bytes
    heard: bool


class ScaleSimulator:
    """A scale that weighs, speaks and fails on request.

    Same seed, same calls at the same times: same bytes. start() opens the link, stop() closes it and ends the tasks;
    everything else is safe to call in between from the same event loop. Bounds: OUTBOX_MAX frames wait to be sent (one
    more is simply not sent, as by a busy UART), SENT_MAX are remembered.
    """

    def __init__(
        self,
        profile: str,
        link: str,
        *,
        spec: PlatformSpec | None = None,
        seed: int = 0,
        rate_hz: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """link as in LinkSpec. Raises KeyError for an unknown profile, LinkSpecError, ValueError for the spec."""
        self.family: Family = FAMILIES[profile]
        where = LinkSpec.parse(link)
        where.check_fits(self.family)
        rng = random.Random(seed)
        usual = PlatformSpec(capacity=self.family.capacity, division=self.family.division)
        self.platform = Platform(spec or usual, rng)
        self.load = ZERO
        self.sent: deque[Sent] = deque(maxlen=SENT_MAX)
        self.sent_count = 0
        self.fault: Fault | None = None
        self._rate_hz = rate_hz or self.family.rate_hz
        self._clock = clock
        self._advanced_to_s: float | None = None
        self._wire = FaultyWire(rng)
        self._frozen: Indication | None = None
        self._boot_until_s: float | None = None
        self._frames: Iterator[ReplayCase] | None = None
        self._replayed: ReplayCase | None = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(OUTBOX_MAX)
        self._tasks: list[asyncio.Task[None]] = []

        self._encoder = self.family.encoder() if self.family.encoder else None
        self._sics = SicsIndicator(self.platform, self.indication_now) if self.family.traffic is Traffic.SICS else None
        self._asked = self.family.asked() if self.family.asked else None
        self._link: Link | None = None
        self._tcp_port: ModbusTcpPort | None = None
        self._rtu: ModbusRtuDevice | None = None
        self._build_link(where)

    @property
    def address(self) -> str:
        """What a consumer opens; real ports after start()."""
        if self._tcp_port is not None:
            return self._tcp_port.address
        address = self._link.address if self._link is not None else ""
        return address.replace("pty:", "modbus-rtu:", 1) if self._rtu is not None else address

    @property
    def is_listened_to(self) -> bool | None:
        """None where the link does not tell (Modbus TCP)."""
        return None if self._link is None else self._link.is_listened_to

    @property
    def possible_faults(self) -> frozenset[Fault]:
        if self._tcp_port is not None:
            return MODBUS_TCP_FAULTS
        if self.family.traffic is Traffic.HID:
            return frozenset(Fault) - HID_NEVER
        return frozenset(Fault) if self.family.traffic is Traffic.STREAM else POLL_FAULTS

    @property
    def replayed(self) -> ReplayCase | None:
        """The captured case that is being played, or None while physics speaks."""
        return self._replayed

    async def start(self) -> None:
        """Open the link and begin. Raises LinkError."""
        await self._open()
        if self._rtu is not None:
            await self._rtu.start()
        self._tasks = [
            asyncio.create_task(self._weigh(), name="scale: weigh"),
            asyncio.create_task(self._send(), name="scale: send"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        if self._rtu is not None:
            await self._rtu.stop()
        await self._close()

    def check_alive(self) -> None:
        """Raises what ended one of the simulator's tasks, if anything did."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def put(self, load: Mass) -> None:
        """Put load in place of what lies on the platform; ends a replay. Raises ValueError outside 0..LOAD_MAX."""
        if not ZERO <= load <= LOAD_MAX:
            raise ValueError(f"load {load.to('kg'):f} kg: use 0 to {LOAD_MAX.to('kg'):f} kg")
        self._end_replay()
        self.load = load
        self._load_platform()

    def remove(self) -> None:
        """Take everything off."""
        self.put(ZERO)

    def zero(self) -> Answer:
        """Press zero on the indicator."""
        self._end_replay()
        return self.platform.zero()

    def tare(self) -> Answer:
        """Press tare on the indicator; on an empty platform it clears the tare."""
        self._end_replay()
        return self.platform.tare()

    def play(self, replay: Replay) -> None:
        """Play captured frames; the last case repeats until somebody touches the scale. Raises ValueError for polls."""
        if self._frames_are_asked_for or replay.profile != self.family.profile:
            raise ValueError(f"replay {replay.source}: only a stream of {self.family.profile} can be played here")
        self._frames = replay.frames(1 / self._rate_hz)
        self._replayed = None

    async def set_fault(self, fault: Fault | None) -> None:
        """Switch to this fault, or to none. Raises FaultNotPossibleError; LinkError when replugging fails."""
        if fault is not None and fault not in self.possible_faults:
            possible = ", ".join(sorted(self.possible_faults))
            raise FaultNotPossibleError(f"{fault} cannot happen on {self.address}; possible are {possible}")
        before, self.fault = self.fault, fault
        polled = self._frames_are_asked_for
        self._frozen = self.indication_now() if fault is Fault.STUCK and polled else None
        self._wire.fault = None if self._frozen is not None else fault
        self.platform.restless = fault is Fault.UNSTABLE
        if fault in (Fault.UNSTABLE, Fault.OVERLOAD, Fault.WRONG_UNIT, Fault.BOOT_NOISE):
            self._end_replay()
        self._load_platform()
        if fault is Fault.UNPLUG and before is not Fault.UNPLUG:
            await self._close()
        if before is Fault.UNPLUG and fault is not Fault.UNPLUG:
            await self._open()
        if fault is Fault.BOOT_NOISE:
            self.fault = self._wire.fault = None  # it happens once
            self.platform.power_up()
            self._boot_until_s = self._clock() + BOOT_S
            self._deliver(self._wire.noise())

    def indication_now(self) -> Indication:
        """What the indicator knows now."""
        if self._frozen is not None:
            return self._frozen
        self._catch_up()
        indication = self.platform.indication
        if self.fault is Fault.WRONG_UNIT and indication.unit == "kg":
            return indication.in_pounds()
        return indication

    @property
    def _frames_are_asked_for(self) -> bool:
        return self.family.traffic not in SENDS_UNASKED

    def _build_link(self, where: LinkSpec) -> None:
        image = self.family.registers() if self.family.registers else None
        if where.kind == "modbus-tcp" and image is not None:
            transmitter = ModbusTransmitter(
                self.platform,
                self.indication_now,
                answer_pause=lambda: SLOW_ANSWER_S if self.fault is Fault.SLOW else 0.0,
                registers=image,
            )
            self._tcp_port = ModbusTcpPort(where.host, where.port, transmitter, self._trace_modbus_tcp)
            return
        if where.kind == "hid":
            self._link = HidPipe(Path(where.path))
        else:
            self._link = TcpLink(where.host, where.port) if where.kind == "tcp" else PtyLink(Path(where.path))
        if image is not None:
            transmitter = ModbusTransmitter(
                self.platform, self.indication_now, answer_pause=lambda: 0.0, registers=image
            )
            self._rtu = ModbusRtuDevice(transmitter, self._emit)

    async def _open(self) -> None:
        if self._tcp_port is not None:
            await self._tcp_port.start()
        elif self._link is not None:
            await self._link.start(self._receive)

    async def _close(self) -> None:
        if self._tcp_port is not None:
            await self._tcp_port.stop()
        elif self._link is not None:
            await self._link.stop()

    def _receive(self, octets: bytes) -> None:
        """Bytes from the consumer; a streaming indicator does not listen."""
        if self._boot_until_s is not None or self.fault is Fault.SILENT:
            return
        if self._rtu is not None:
            self._rtu.receive(octets)
        elif self._sics is not None:
            for answer in self._sics.receive(octets, self._clock()):
                self._emit(answer)
        elif self._asked is not None:
            for answer in self._asked.receive(octets, self.indication_now(), self.platform):
                self._emit(answer)

    async def _weigh(self) -> None:
        """Physics and, for streams, one frame a period."""
        due_s = self._clock()
        while True:
            now_s = self._clock()
            self._catch_up()
            if self._boot_until_s is not None and now_s >= self._boot_until_s:
                self._boot_until_s = None
                if self._sics is not None:
                    self._emit(self._sics.power_up_line())
            if self._boot_until_s is None:
                for frame in self._due_frames(now_s):
                    self._emit(frame)
            period_s = ANSWER_TICK_S if self._sics or self._asked else 1 / self._rate_hz
            if self.fault is Fault.SLOW and not self._frames_are_asked_for:
                period_s *= SLOW_STREAM_FACTOR
            due_s = max(due_s + period_s, now_s)
            await asyncio.sleep(due_s - now_s)

    def _due_frames(self, now_s: float) -> list[bytes]:
        if self._sics is not None:
            return self._sics.tick(now_s)
        if self._asked is not None:
            return self._asked.tick(self.indication_now())
        if self._frames is not None:
            case = next(self._frames)
            if case is not self._replayed:
                self._replayed = case
                if case.load is not None:
                    self.load = case.load
                    self.platform.place(case.load)
            return list(case.reads)
        if self._encoder is not None and (frame := self._encoder.encode(self.indication_now())) is not None:
            return [frame]
        return []

    def _emit(self, frame: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait(frame)

    async def _send(self) -> None:
        while True:
            frame = await self._outbox.get()
            if self.fault is Fault.SLOW and self._frames_are_asked_for:
                await asyncio.sleep(SLOW_ANSWER_S)
            for write in self._wire.writes(frame):
                if write.pause_s:
                    await asyncio.sleep(write.pause_s)
                self._deliver(write.octets)

    def _deliver(self, octets: bytes) -> None:
        heard = self._link is not None and self._link.send(octets)
        self._note_sent(octets, heard=heard)

    def _note_sent(self, octets: bytes, *, heard: bool) -> None:
        self.sent.append(Sent(self._clock(), octets, heard))
        self.sent_count += 1

    def _trace_modbus_tcp(self, sending: bool, octets: bytes) -> bytes:
        if not sending:
            return octets
        octets = b"".join(write.octets for write in self._wire.writes(octets))
        if octets:
            self._note_sent(octets, heard=True)
        return octets

    def _catch_up(self) -> None:
        now_s = self._clock()
        if self._advanced_to_s is not None:
            self.platform.advance(now_s - self._advanced_to_s)
        self._advanced_to_s = now_s

    def _load_platform(self) -> None:
        extra = ZERO
        if self.fault is Fault.OVERLOAD:
            spec = self.platform.spec
            extra = Mass.of(spec.capacity * OVERLOAD_FACTOR, spec.unit)
        self._catch_up()
        self.platform.put(self.load + extra)

    def _end_replay(self) -> None:
        self._frames = self._replayed = None


def readable(octets: bytes) -> str:
    """Bytes for human eyes: control bytes and those above 7Eh as <XX>."""
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else f"<{byte:02X}>" for byte in octets)
