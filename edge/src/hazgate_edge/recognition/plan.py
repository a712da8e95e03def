"""In which order a port is listened to and asked: the most usual first, and nothing that could change the device.

Silence is the same at every rate, and a device that talks is heard at a wrong one too, as nonsense. So the first
listening decides: bytes that nothing explains mean another rate, no bytes mean a device that waits to be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hazgate_edge.recognition.capture import LineSettings
from hazgate_edge.recognition.scoring import question_of
from hazgate_protocols.scale.spec import Poll, Profile, Step

TRUST = ("field", "bench", "manual", "assumed")
USUAL_BAUD = 9600  # as delivered, by far most of the families
ANSWER_S_MAX = 0.5  # an indicator answers within a few frame times; only its time-out is longer


@dataclass(frozen=True)
class Probe:
    """One question at one setting; profiles: whose. settings: None where the port has none."""

    settings: LineSettings | None
    question: bytes
    wait_s: float
    profiles: tuple[str, ...]
    steps: tuple[Step, ...] = field(default=())


def listening_settings(profiles: Sequence[Profile]) -> list[LineSettings]:
    """Rates of devices that talk by themselves, the rate of most families first; always 8N1, see Capture.parity."""
    worth: dict[int, float] = {}
    for profile in profiles:
        for place, baud in enumerate(profile.link.baud):
            worth[baud] = worth.get(baud, 0.0) + (1000.0 if place == 0 else 1.0 / place)
    return [LineSettings(baud) for baud in sorted(worth, key=lambda baud: -worth[baud])]


def probes(profiles: Sequence[Profile], *, serial: bool) -> list[Probe]:
    """The read commands of polled profiles: at the family's own settings, then as 8N1 and 7E1, then at other rates.

    Only `read` commands and Modbus reads are in it, so nothing is set to zero, tared or written.
    """
    polled = sorted(
        (profile for profile in profiles if isinstance(profile.traffic, Poll) and question_of(profile)),
        key=lambda profile: (profile.registers is not None, TRUST.index(profile.trust), profile.id),
    )
    wanted: list[tuple[LineSettings | None, Profile]] = []
    if not serial:
        wanted = [(None, profile) for profile in polled]
    else:
        lines = [profile.link for profile in polled]
        wanted += [
            (LineSettings(line.baud[0], line.bits, line.parity, line.stop), profile)
            for line, profile in zip(lines, polled, strict=True)
            if line.baud
        ]
        text = [profile for profile in polled if profile.registers is None]
        wanted += [(LineSettings(profile.link.baud[0]), profile) for profile in text]
        wanted += [(LineSettings(profile.link.baud[0], 7, "E"), profile) for profile in text]
        for place in range(1, max((len(line.baud) for line in lines), default=0)):
            wanted += [
                (LineSettings(profile.link.baud[place], profile.link.bits, profile.link.parity), profile)
                for profile in polled
                if place < len(profile.link.baud)
            ]
    if serial:  # within a round the rate that most families are delivered with; sorting keeps the rest in order
        first = sum(bool(profile.link.baud) for profile in polled)
        wanted[:first] = sorted(wanted[:first], key=lambda item: item[0] is not None and item[0].baud != USUAL_BAUD)
    asked: dict[tuple[LineSettings | None, bytes], list[Profile]] = {}
    for settings, profile in wanted:
        same = asked.setdefault((settings, question_of(profile)), [])
        if profile not in same:
            same.append(profile)
    return [
        Probe(settings, question, _wait_s(who), tuple(profile.id for profile in who), _steps(who))
        for (settings, question), who in asked.items()
    ]


def _wait_s(profiles: Sequence[Profile]) -> float:
    timeouts = [profile.traffic.timeout_ms for profile in profiles if isinstance(profile.traffic, Poll)]
    return min(ANSWER_S_MAX, max(timeouts) / 1000)


def _steps(profiles: Sequence[Profile]) -> tuple[Step, ...]:
    reads = [profile.commands["read"] for profile in profiles if "read" in profile.commands]
    return next((read.steps for read in reads if read.steps), ())
