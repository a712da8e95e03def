"""A simulated scale with a weight on it, recognised over its own link, then read at another weight."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hazgate_edge.recognition.scoring import decoded, mass_of
from hazgate_edge.recognition.verdict import Certainty, Verdict, judge, settle
from hazgate_edge.scale.listening import Ear, Target
from hazgate_edge.scale.names import Places
from hazgate_profiles import registry
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.reading import Reading, Status
from hazgate_simulators.scale.families import FAMILIES
from hazgate_simulators.scale.physics import PlatformSpec
from hazgate_simulators.scale.simulator import ScaleSimulator

KNOWN_DIVISIONS = 2035  # 20.35 kg on the usual platform; no digit twice, so that no order of digits is the same
SECOND_DIVISIONS = 742
REST_S_MAX = 15.0
PROFILES = [registry.packaged().resolve(name) for name in registry.available()]


@dataclass(frozen=True)
class Outcome:
    """verdict: with the known weight. alone: without it. wrong: masses that were read afterwards and never shown."""

    profile: str
    took_s: float
    alone: Verdict
    verdict: Verdict
    wrong: tuple[str, ...]
    read_after: int

    @property
    def named(self) -> str:
        choice = self.verdict.choice
        return choice.candidate.profile.id if choice is not None else ""


async def recognise_simulated(profile: str, folder: Path, link: str | None = None) -> Outcome:
    family = FAMILIES[profile]
    kind = link or family.links[0]
    where = f"{kind}:127.0.0.1:0" if kind in ("tcp", "modbus-tcp") else f"{kind}:{folder / profile}"
    spec = PlatformSpec(capacity=family.capacity, division=family.division)
    simulator = ScaleSimulator(profile, where, spec=spec)
    await simulator.start()
    loop = asyncio.get_running_loop()
    try:
        simulator.put(Mass.of(family.division * KNOWN_DIVISIONS, "kg"))
        await at_rest(simulator)
        ear = Ear(target_of(simulator.address), PROFILES, lambda _: None, Places())
        began_s = loop.time()
        heard = await ear.recognise()
        took_s = loop.time() - began_s
        alone = judge(heard.candidates)
        verdict = settle(heard.candidates, shown(simulator))
        wrong: list[str] = []
        read_after = 0
        if verdict.certainty is Certainty.SURE and verdict.choice is not None:
            displayed: set[Mass] = set()
            watching = asyncio.create_task(_watch(simulator, displayed))
            simulator.put(Mass.of(family.division * SECOND_DIVISIONS, "kg"))
            await at_rest(simulator)
            again = await ear.again(verdict.choice.candidate)
            watching.cancel()
            assert again is not None
            for event in decoded(again.capture, verdict.choice.candidate.profile, verdict.choice.options):
                if isinstance(event, Reading) and event.status is Status.OK:
                    read_after += 1
                    if mass_of(event) not in displayed:
                        wrong.append(f"{event.weight} {event.unit} for {shown(simulator).to('kg')} kg")
        return Outcome(profile, took_s, alone, verdict, tuple(wrong), read_after)
    finally:
        await simulator.stop()


async def at_rest(simulator: ScaleSimulator) -> None:
    """Until the indicator has been at rest for half a second, so that what is under way says so too."""
    loop = asyncio.get_running_loop()
    end_s, since_s = loop.time() + REST_S_MAX, loop.time()
    while loop.time() < since_s + 0.5:
        if not simulator.indication_now().stable or shown(simulator) != simulator.load:
            since_s = loop.time()
        assert loop.time() < end_s, "the simulated platform did not come to rest"
        await asyncio.sleep(0.05)


async def _watch(simulator: ScaleSimulator, displayed: set[Mass]) -> None:
    """Collects what the display shows: the platform is never quite at rest."""
    while True:
        displayed.add(shown(simulator))
        await asyncio.sleep(0.005)


def shown(simulator: ScaleSimulator) -> Mass:
    indication = simulator.indication_now()
    return Mass.of(Decimal(indication.shown), indication.unit)


def target_of(address: str) -> Target:
    kind, _, rest = address.partition(":")
    if kind == "pty" or kind == "modbus-rtu":
        return Target("serial", rest)
    if kind == "hid":
        return Target("hid", rest)
    host, _, port = rest.rpartition(":")
    return Target(kind, rest, host, int(port))
