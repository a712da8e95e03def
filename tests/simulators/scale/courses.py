"""A simulated weighing from the empty scale to the overload and back, and what a device that speaks must say of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hazgate_profiles import registry
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.commands import request_bytes
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Registers, Value
from hazgate_simulators.scale.families import FAMILIES, Family, Said, Traffic
from hazgate_simulators.scale.physics import Indication, Platform, PlatformSpec, Range
from hazgate_simulators.scale.sics import SicsIndicator


@dataclass(frozen=True)
class Moment:
    """What lay there, and the bytes that came for it (b"" = silence)."""

    indication: Indication
    octets: bytes


class Device:
    """One simulated device without a link: each look gives the bytes of this moment."""

    def __init__(self, profile: str, seed: int = 5) -> None:
        self.family: Family = FAMILIES[profile]
        self.spec = PlatformSpec(capacity=self.family.capacity, division=self.family.division)
        self.platform = Platform(self.spec, random.Random(seed))
        self.profile = registry.load(profile)
        self._ask = self._asker()

    def look(self) -> Moment:
        return Moment(self.platform.indication, self._ask(self.platform.indication))

    def said(self, indication: Indication) -> bytes:
        """The bytes for any indication."""
        return self._ask(indication)

    def decoder(self, options: Mapping[str, Value] | None = None) -> Decoder:
        """As the box has it, with further options of the site."""
        made = Decoder(self.profile, {**self.family.options, **(options or {})})
        if self.question:
            made.asked(self.question)
        return made

    @property
    def question(self) -> bytes:
        """What the box asks for a weight; b"" for devices that send unasked."""
        if self.family.traffic is Traffic.MODBUS:
            return RegisterMap(self.profile, self.family.options).request()
        if "read" not in self.profile.commands or self.family.traffic in (Traffic.STREAM, Traffic.HID):
            return b""
        return request_bytes(self.profile, "read", Decoder(self.profile, self.family.options).options)

    def put(self, divisions: int) -> None:
        self.platform.put(Mass.of(divisions * self.spec.division, "kg"))

    def course(self) -> Iterator[Moment]:
        """Empty, ramp and settle, stable; tare; net; removed (negative); overload; empty; power cycle."""
        full = self.spec.capacity_divisions

        def watch(seconds: float) -> Iterator[Moment]:
            for _ in range(int(seconds / 0.1)):
                self.platform.advance(0.1)
                yield self.look()

        yield from watch(1)
        self.put(full // 7 * 2)
        yield from watch(4)
        self.platform.tare()
        self.put(full // 7 * 3)
        yield from watch(4)
        self.put(0)
        yield from watch(4)
        self.platform.tare()  # empty: clears the tare
        self.put(full + 200)
        yield from watch(3)
        self.put(full // 3)
        yield from watch(4)
        self.platform.power_up()
        yield from watch(1)
        self.put(0)
        yield from watch(4)
        # A hook lifts the platform: below zero without a tare, then beyond the range.
        self.put(-(full // 50))
        yield from watch(3)
        self.put(-(full // 10))
        yield from watch(3)

    def _asker(self) -> Callable[[Indication], bytes]:
        family = self.family
        if family.encoder is not None:
            encoder = family.encoder()
            return lambda indication: encoder.encode(indication) or b""
        if family.registers is not None:
            image = family.registers()
            return lambda indication: rtu_answer(self.profile.registers, image.first, image.image(indication))
        if family.traffic is Traffic.SICS:
            indicator = SicsIndicator(self.platform, lambda: self.platform.indication)
            return lambda _: b"".join(indicator.receive(self.question, 0.0))
        assert family.asked is not None
        asked = family.asked()
        read = self.profile.commands["read"]

        def ask(indication: Indication) -> bytes:
            heard = b"".join(asked.receive(self.question, indication, self.platform))
            for step in read.steps:
                if bytes.fromhex(step.after) in heard:
                    heard += b"".join(asked.receive(bytes.fromhex(step.tx), indication, self.platform))
            return heard

        return ask


def rtu_answer(asked: Registers | None, first: int, image: list[int]) -> bytes:
    """The answer of unit 1 to the profile's one request, framed here by hand (Modbus over serial line 1.02, 2.5.1)."""
    assert asked is not None
    function, address, count = asked.function, asked.address, asked.count
    words = image[address - first : address - first + count]
    assert len(words) == count, "the profile asks for registers the simulator does not have"
    body = bytes([1, function, 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)
    return body + crc(body)


def crc(body: bytes) -> bytes:
    """CRC-16 of Modbus, low byte first."""
    value = 0xFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


@dataclass(frozen=True)
class Truth:
    """What must be read: nothing (silence), a status without a weight, or a weight with what the device can say."""

    said: Said
    weight: Decimal | None = None
    stable: bool | None = None
    unit: str | None = "kg"
    mode: str | None = None


def truth(family: Family, indication: Indication) -> Truth:
    """From the platform alone: what an honest device of this family says now."""
    says = family.says
    negative = indication.shown < 0 and says.mode not in ("gross", "net")
    states: list[Said] = [
        says.over if indication.range is Range.OVER else "weight",
        says.under if indication.range is Range.UNDER else "weight",
        says.negative if negative else "weight",
        says.moving if not indication.stable else "weight",
    ]
    unready: Said = "weight" if indication.ready else says.unready
    # A status word of several bits tells range and motion before the missing zero; others tell nothing before it.
    in_status_word = says.moving == "in_motion" and says.unready != "silence"
    states = [*states, unready] if in_status_word else [unready, *states]
    said: Said = next((state for state in states if state != "weight"), "weight")
    if said != "weight":
        return Truth(said)
    number = {"gross": indication.gross, "net": indication.net}.get(says.mode or "", indication.shown)
    mode = ("net" if indication.net_shown else "gross") if says.mode == "shown" else says.mode
    vague = says.vague_moving and not indication.stable
    stable = indication.stable if says.rest else None
    return Truth(
        "weight", number, stable, None if vague and says.unit else "kg", None if vague and not says.unit else mode
    )


def said_of(reading: Reading) -> Truth:
    """A reading in the same words."""
    if reading.status != "ok":
        return Truth(reading.status.value)  # type: ignore[arg-type]
    mode = None if reading.mode is None else reading.mode.value
    return Truth("weight", reading.weight, reading.stable, reading.unit, mode)
