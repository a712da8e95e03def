"""Hears what is on a port, for recognition: listens at the usual rates, then asks gently. Never zero, tare or a write.

unknown device -> listen -> bytes that a profile explains: done
                         -> bytes that nothing explains: the next rate
                         -> silence: ask, question by question
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hazgate_edge.recognition.capture import CAPTURE_BYTES_MAX, Capture, LineSettings
from hazgate_edge.recognition.plan import Probe, listening_settings, probes
from hazgate_edge.recognition.scoring import Candidate, candidates, question_of
from hazgate_edge.scale import links, names
from hazgate_edge.scale.links import ByteLink, LinkError, SerialSettings
from hazgate_protocols.scale.checks import crc16_modbus
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Profile

LISTEN_S = 3.2  # three records of a device that prints once a second
NONSENSE_S = 1.2  # bytes that nothing explains by now are of another rate
NONSENSE_BYTES_MIN = 40
LOOK_EVERY_S = 0.25
READINGS_ENOUGH = 4
FIT_ENOUGH = 0.85
ANSWER_GAP_S = 0.12  # quiet for so long: the answer is over
REPEATS = 3
SPAN_S_MAX = 60.0
TARGET_FORMS = "/dev/ttyUSB0, usb:1a86:7523, /dev/hidraw0, tcp://host:port or modbus://host[:port]"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to listen. text: how the configuration will name it."""

    kind: str  # serial | tcp | modbus-tcp | hid
    text: str
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str, places: names.Places) -> Target:
        """Raises LinkError for a text that names no port."""
        scheme, separator, rest = text.partition("://")
        if separator:
            host, colon, port = rest.rstrip("/").rpartition(":")
            if scheme in ("modbus", "modbus-tcp") and not colon:
                host, port = port, "502"
            if scheme in ("tcp", "modbus", "modbus-tcp") and host and port.isdecimal() and 0 < int(port) < 65536:
                return cls("tcp" if scheme == "tcp" else "modbus-tcp", text, host, int(port))
            raise LinkError(f"listen on {text}: not understood; write {TARGET_FORMS}")
        if text.startswith("usb:"):
            for kind in ("tty", "hidraw"):
                with suppress(names.PortNameError):
                    names.resolve(text, kind, places)
                    return cls("serial" if kind == "tty" else "hid", text)
            raise LinkError(f"listen on {text}: nothing of that name is plugged in; `doctor scale` lists what is")
        kind = "hid" if "hidraw" in Path(text).name else "serial"
        return cls(kind, names.stable_name(Path(text), "hidraw" if kind == "hid" else "tty", places))


@dataclass
class Heard:
    """What came of it. candidates: best first, of whatever question or rate. silent: nothing came at all."""

    target: Target
    candidates: list[Candidate] = field(default_factory=list)
    unexplained: list[Capture] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        return not self.candidates and not self.unexplained


class Ear:
    """One port, to be recognised. Every method raises LinkError when the port cannot be opened or is lost."""

    def __init__(
        self,
        target: Target,
        profiles: Sequence[Profile],
        say: Callable[[str], None],
        places: names.Places | None = None,
    ) -> None:
        """say: told each step, for people."""
        self._target = target
        self._profiles = [profile for profile in profiles if _reachable(profile, target)]
        self._say = say
        self._places = places or names.Places()

    async def recognise(self, span_s: float = SPAN_S_MAX) -> Heard:
        """Listens and asks until something explains the bytes, everything was tried, or the time is over."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + span_s
        if self._target.kind == "modbus-tcp":
            return await self._registers()
        heard = await self._listen(end_s)
        if heard.silent and self._target.kind != "hid":
            await self._ask(heard, end_s)
        return heard

    async def again(self, candidate: Candidate) -> Candidate | None:
        """The same device once more, now that something else lies on it; None when it says nothing now."""
        was = candidate.capture
        if self._target.kind == "modbus-tcp":
            heard = await self._registers([candidate.profile])
            return heard.candidates[0] if heard.candidates else None
        link = await self._open(was.settings)
        try:
            if was.asked:
                capture = await self._answers(link, asked_again(candidate), REPEATS)
            else:
                capture = await self._stream(link, was.settings, LISTEN_S)
        finally:
            link.close()
        return next(iter(candidates(capture, [candidate.profile])), None)

    async def retake(self, found: Sequence[Candidate]) -> list[Candidate]:
        """All candidates of one kind of capture anew."""
        taken: dict[tuple[bytes, LineSettings | None], Capture] = {}
        fresh: list[Candidate] = []
        for item in found:
            key = (item.capture.asked, item.capture.settings)
            if key not in taken:
                seen = await self.again(item)
                if seen is None:
                    continue
                taken[key] = seen.capture
            fresh += [
                one
                for one in candidates(taken[key], [item.profile])
                if one.profile.id not in {known.profile.id for known in fresh}
            ]
        return sorted(fresh, key=lambda item: -item.score)

    # -- listening -------------------------------------------------------------------------------------------------

    async def _listen(self, end_s: float) -> Heard:
        heard = Heard(self._target)
        wanted: list[LineSettings | None] = [None]
        if self._target.kind == "serial":
            wanted = [*listening_settings(self._profiles)]
        for settings in wanted:
            if asyncio.get_running_loop().time() >= end_s:
                break
            self._say(f"listening{f' at {settings}' if settings else ''}")
            link = await self._open(settings)
            try:
                capture = await self._stream(link, settings, LISTEN_S)
            finally:
                link.close()
            if not capture.received:
                break  # silence is the same at every rate
            found = candidates(capture, self._profiles)
            if found:
                heard.candidates, heard.unexplained = found, []
                break
            heard.unexplained.append(capture)
        return heard

    async def _stream(self, link: ByteLink, settings: LineSettings | None, span_s: float) -> Capture:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        pieces: list[bytes] = []
        size = 0
        separate = self._target.kind == "hid"
        look_s = began_s + LOOK_EVERY_S
        while size < CAPTURE_BYTES_MAX and (now_s := loop.time()) < began_s + span_s:
            try:
                async with asyncio.timeout_at(min(look_s, began_s + span_s)):
                    piece = (await link.read())[: CAPTURE_BYTES_MAX - size]
                pieces.append(piece)
                size += len(piece)
            except TimeoutError:
                pass
            if (now_s := loop.time()) < look_s:
                continue
            look_s = now_s + LOOK_EVERY_S
            if size and self._enough(Capture(tuple(pieces), b"", separate, settings, now_s - began_s), now_s - began_s):
                break
        return Capture(tuple(pieces), b"", separate, settings, loop.time() - began_s)

    def _enough(self, capture: Capture, span_s: float) -> bool:
        found = candidates(capture, self._profiles)
        if found:
            return found[0].fit >= FIT_ENOUGH and len(found[0].readings) >= READINGS_ENOUGH and span_s >= 0.7
        return span_s >= NONSENSE_S and len(capture.received) >= NONSENSE_BYTES_MIN

    # -- asking ----------------------------------------------------------------------------------------------------

    async def _ask(self, heard: Heard, end_s: float) -> None:
        loop = asyncio.get_running_loop()
        link: ByteLink | None = None
        open_at: LineSettings | None = None
        asked_registers = False
        registers = False  # registers answer many questions: all of them are asked before anything is said
        try:
            for probe in probes(self._profiles, serial=self._target.kind == "serial"):
                here = [profile for profile in self._profiles if profile.id in probe.profiles]
                is_register = any(profile.registers is not None for profile in here)
                if loop.time() >= end_s or (heard.candidates and not (registers and is_register)):
                    break
                if probe.settings is not None and probe.settings.parity != "N" and self._is_pty():
                    continue
                if registers and probe.settings != heard.candidates[0].capture.settings:
                    continue
                if link is None or probe.settings != open_at:
                    if link is not None:
                        link.close()
                    link, open_at = await self._open(probe.settings), probe.settings
                    self._say(f"asking{f' at {open_at}' if open_at else ''}")
                capture = await self._answers(link, probe, 1)
                if is_register and not asked_registers and not capture.received:
                    # What the transmitter made of the text before may have swallowed the first question with it.
                    capture = await self._answers(link, probe, 1)
                asked_registers = is_register
                if not capture.received:
                    continue
                capture = capture.merged(await self._answers(link, probe, REPEATS - 1))
                if found := candidates(capture, here):
                    heard.candidates = sorted([*heard.candidates, *found], key=lambda item: -item.score)
                    heard.unexplained = []
                    registers = is_register
                elif not heard.candidates:
                    heard.unexplained.append(capture)
        finally:
            if link is not None:
                link.close()

    async def _answers(self, link: ByteLink, probe: Probe, times: int) -> Capture:
        pieces = []
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(times):
            await link.drain()
            await link.write(probe.question)
            if answer := await self._answer(link, probe):
                pieces.append(answer)
        return Capture(tuple(pieces), probe.question, True, probe.settings, loop.time() - began_s)

    async def _answer(self, link: ByteLink, probe: Probe) -> bytes:
        """What comes until it is quiet; the steps of a handshake are taken on the way."""
        answer, seen, steps = b"", 0, list(probe.steps)
        wait_s = probe.wait_s
        while len(answer) < CAPTURE_BYTES_MAX:
            try:
                async with asyncio.timeout(wait_s):
                    answer += await link.read()
            except TimeoutError:
                break
            wait_s = ANSWER_GAP_S
            if steps and (place := answer.find(bytes.fromhex(steps[0].after), seen)) >= 0:
                seen = place + 1
                await link.write(bytes.fromhex(steps.pop(0).tx))
                wait_s = probe.wait_s
        return answer

    async def _registers(self, profiles: Sequence[Profile] | None = None) -> Heard:
        """Modbus TCP: each register map is read; the answers are kept as the RTU bytes they would be."""
        from hazgate_edge.scale.modbus import ModbusLink

        heard = Heard(self._target)
        for profile in profiles or self._profiles:
            options = {"decimals": 0} if profile.options.get("decimals", 0) is None else {}
            registers = RegisterMap(profile, options)
            self._say(f"asking for the registers of {profile.id}")
            link = await ModbusLink.open_tcp(self._target.host, self._target.port, registers, 1.0)
            try:
                events = [await link.ask() for _ in range(REPEATS)]
            finally:
                link.close()
            answers = tuple(
                _as_rtu(registers, event.raw) for event in events if isinstance(event, Reading) and event.raw
            )
            capture = Capture(answers, question_of(profile), True)
            heard.candidates += candidates(capture, [profile]) if answers else []
        heard.candidates.sort(key=lambda item: -item.score)
        return heard

    def _is_pty(self) -> bool:
        """A pseudo-terminal carries characters, not bits: it refuses a parity, and needs none."""
        with suppress(names.PortNameError):
            return names.resolve(self._target.text, "tty", self._places).resolve().parent == Path("/dev/pts")
        return False

    async def _open(self, settings: LineSettings | None) -> ByteLink:
        target = self._target
        if target.kind == "tcp":
            return await links.TcpLink.open(target.host, target.port)
        try:
            node = str(names.resolve(target.text, "hidraw" if target.kind == "hid" else "tty", self._places))
        except names.PortNameError as exc:
            raise LinkError(str(exc)) from exc
        if target.kind == "hid":
            return links.HidLink(node, skip_first=True)
        if settings is None:
            raise ValueError("a serial port is opened with settings")
        return await links.SerialLink.open(
            SerialSettings(node, settings.baud, settings.bits, settings.parity, settings.stop)
        )


def asked_again(candidate: Candidate) -> Probe:
    """The question a candidate answered."""
    read = candidate.profile.commands.get("read")
    return Probe(
        candidate.capture.settings,
        candidate.capture.asked,
        1.0,
        (candidate.profile.id,),
        read.steps if read is not None else (),
    )


def _reachable(profile: Profile, target: Target) -> bool:
    kinds = profile.link.kinds
    if target.kind == "serial":
        return "serial" in kinds or "modbus-rtu" in kinds
    return target.kind in kinds


def _as_rtu(registers: RegisterMap, payload: bytes) -> bytes:
    body = bytes([registers.unit_id, registers.registers.function, len(payload)]) + payload
    return body + crc16_modbus(body)
