"""What may be believed of the candidates: one meaning is left, or a known weight must choose between several.

A unit or a number of decimals that comes from the settings and not from the frame is ambiguous by a factor of ten or a
thousand, whoever is right about everything else. So are two profiles that read different numbers from the same bytes,
and an empty scale says nothing at all: all of them read zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from hazgate_edge.recognition.anatomy import parts
from hazgate_edge.recognition.scoring import (
    STRUCTURAL,
    Candidate,
    decoded,
    mass_of,
    meanings,
    moves_point,
)
from hazgate_protocols.mass import ZERO, Mass
from hazgate_protocols.scale.checks import crc16_modbus
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.spec import Value

RIVAL_FIT = Fraction(4, 5)  # of the best one's fit: who explains less than this is no rival
RIVAL_CHECKED = 0.3  # who checks so much less of its frames is beaten by who checks them
TOLERANCE = Fraction(3, 100)  # of the known weight: a jerrycan of "20 kg" is not exact; a tenth would already be 90 off
TOLERANCE_MAX = Fraction(3, 10)


class Certainty(StrEnum):
    """How far the answer is believed."""

    SURE = "sure"
    WEIGH = "weigh"  # several meanings: put a known weight on
    EMPTY = "empty"  # all say zero: put any weight on, then a known one
    NOTHING = "nothing"  # nothing explains the bytes


@dataclass(frozen=True)
class Choice:
    """A candidate with all its settings, and the weights it reads."""

    candidate: Candidate
    options: Mapping[str, Value]
    readings: tuple[Reading, ...]

    @property
    def masses(self) -> tuple[Mass, ...]:
        found = [mass_of(reading) for reading in self.readings]
        return tuple(mass for mass in found if mass is not None)

    @property
    def said(self) -> frozenset[Mass]:
        return frozenset(self.masses)

    @property
    def last(self) -> Reading | None:
        """The newest weight, at rest if the device ever says so."""
        weights = [reading for reading in self.readings if reading.weight is not None]
        resting = [reading for reading in weights if reading.stable is not False]
        chosen = resting or weights
        return chosen[-1] if chosen else None


@dataclass(frozen=True)
class Verdict:
    """choice is the best one even when it is not sure. others: what else could be meant, with other numbers."""

    certainty: Certainty
    choice: Choice | None = None
    runner_up: Candidate | None = None
    others: tuple[Choice, ...] = ()
    why: str = ""


def judge(found: Sequence[Candidate]) -> Verdict:
    """Without a known weight."""
    if not found:
        return Verdict(Certainty.NOTHING, why="no profile explains these bytes")
    choices = [choice for candidate in rivals(found) for choice in _choices(candidate)]
    first, runner_up = choices[0], _runner_up(found)
    others = _others(first, choices)
    if all(mass == ZERO for choice in choices for mass in choice.masses) and _open(choices):
        return Verdict(Certainty.EMPTY, first, runner_up, tuple(choices[1:]), "the scale says zero, in every meaning")
    if others or not first.masses:
        why = "these bytes are read with different numbers" if others else "no weight was said in a metric unit"
        return Verdict(Certainty.WEIGH, first, runner_up, others, why)
    return Verdict(Certainty.SURE, first, runner_up, why="all meanings of these bytes are one")


def settle(found: Sequence[Candidate], known: Mass) -> Verdict:
    """With the weight that lies on the scale. known: above zero, ValueError otherwise."""
    if known <= ZERO:
        raise ValueError(f"known weight {known.to('kg'):f} kg: more than zero is wanted")
    if not found:
        return Verdict(Certainty.NOTHING, why="no profile explains these bytes")
    choices = [choice for candidate in rivals(found) for choice in _choices(candidate)]
    fitting = [choice for choice in choices if choice.last is not None and _is(choice.last, known)]
    runner_up = _runner_up(found)
    if not fitting:
        why = f"none of the meanings is {known.to('kg'):f} kg; look at the display, and whether the weight lies at rest"
        return Verdict(Certainty.WEIGH, choices[0], runner_up, tuple(_one_of_each(choices)), why)
    first = fitting[0]
    others = _others(first, fitting)
    if others:
        return Verdict(Certainty.WEIGH, first, runner_up, others, "this weight fits several meanings; take another one")
    return Verdict(Certainty.SURE, first, runner_up, why=f"it reads the known weight, {known.to('kg'):f} kg")


def rivals(found: Sequence[Candidate]) -> list[Candidate]:
    """Who could be right besides the best one, best first."""
    best = found[0]
    return [
        item
        for item in found
        if item.fit >= RIVAL_FIT * Fraction(best.fit) and item.checked >= best.checked - RIVAL_CHECKED
    ]


def tell_apart(first: Candidate, second: Candidate) -> str:
    """How a person can see which of the two it is."""
    ours, theirs = ({reading.raw: reading for reading in item.readings} for item in (first, second))
    shared = [(ours[raw], theirs[raw]) for raw in ours if raw in theirs]
    for mine, other in reversed(shared):
        if (mine.weight, mine.unit) != (other.weight, other.unit) and mine.weight and other.weight:
            return (
                f"compare with the display: {first.profile.id} reads {mine.weight} {mine.unit},"
                f" {second.profile.id} {other.weight} {other.unit}"
            )
    if second.fit < first.fit:
        return f"it explains {second.fit:.0%} of the bytes, {first.profile.id} {first.fit:.0%}"
    for what in ("stable", "mode", "status", "zero"):
        for mine, other in shared:
            if getattr(mine, what) != getattr(other, what):
                return (
                    f"same numbers, but {what}: {first.profile.id} reads {getattr(mine, what)},"
                    f" {second.profile.id} {getattr(other, what)}; move or tare the scale and compare with its lamps"
                )
    if first.capture.asked != second.capture.asked:
        return "both questions are answered; a known weight shows which answer is the weight"
    return "both read the same from these bytes; the line settings of the indicator's menu (parity, checksum) decide"


def _choices(candidate: Candidate) -> Iterator[Choice]:
    for options in meanings(candidate):
        events = decoded(candidate.capture, candidate.profile, options)
        readings = tuple(event for event in events if isinstance(event, Reading))
        if readings:
            yield Choice(candidate, options, readings)


def _open(choices: Sequence[Choice]) -> bool:
    """Whether zero hides a difference."""
    first = choices[0]
    return (
        len({choice.candidate.profile.id for choice in choices}) > 1
        or any(choice.options != first.options and _matters(choice, first) for choice in choices)
        or moves_point(first.candidate.profile)
    )


def _matters(choice: Choice, first: Choice) -> bool:
    changed = {name for name, value in choice.options.items() if first.options.get(name) != value}
    if changed == {"default_unit"}:  # a frame that names its unit does not ask for one
        return [reading.unit for reading in choice.readings] != [reading.unit for reading in first.readings]
    return True


def _others(first: Choice, choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """One of each meaning that is not the first one's, also where both read the same number just now (11.11 is the same
    from behind)."""
    seen: dict[frozenset[Mass], Choice] = {}
    for choice in choices:
        if choice.said not in seen and (choice.said != first.said or _would_differ(first, choice)):
            seen[choice.said] = choice
    return tuple(seen.values())


def _would_differ(first: Choice, other: Choice) -> bool:
    """Whether another digit in the place of the weight would be read differently."""
    reading = first.last
    mine, theirs = first.candidate, other.candidate
    same_words = {name: mine.options.get(name) for name in STRUCTURAL} == {
        name: theirs.options.get(name) for name in STRUCTURAL
    }
    if reading is None or (mine.profile.id == theirs.profile.id and same_words):
        return False  # unit and decimals only move the point, and the number was compared
    for part in parts(mine, reading):
        if part.name not in ("weight", "net", "gross"):
            continue
        for place in range(part.start, part.stop):
            for bit in range(8):
                frame = _turned(mine, reading.raw, place, bit)
                ours, heard = (_read_alone(choice, frame) for choice in (first, other))
                if ours is not None and heard is not None and ours != heard:
                    return True
    return False


def _turned(candidate: Candidate, raw: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 1 << bit
    if candidate.profile.registers is not None:  # its checksum is no part of the meaning
        changed[-2:] = crc16_modbus(bytes(changed[:-2]))
    return bytes(changed)


def _read_alone(choice: Choice, frame: bytes) -> Mass | None:
    capture = replace(choice.candidate.capture, pieces=(frame,))
    events = decoded(capture, choice.candidate.profile, choice.options)
    return next((mass_of(event) for event in events if isinstance(event, Reading)), None)


def _one_of_each(choices: Sequence[Choice]) -> list[Choice]:
    """One of all that say the same numbers."""
    return list({choice.said: choice for choice in reversed(choices)}.values())[::-1]


def _runner_up(found: Sequence[Candidate]) -> Candidate | None:
    return next((item for item in found[1:] if item.profile.id != found[0].profile.id), None)


def _is(reading: Reading, known: Mass) -> bool:
    mass = mass_of(reading)
    if mass is None:
        return False
    allowed = min(max(known.mg * TOLERANCE, Fraction(2 * last_place(reading).mg)), known.mg * TOLERANCE_MAX)
    return abs(mass.mg - known.mg) <= allowed


def last_place(reading: Reading) -> Mass:
    """One unit in the last digit of a weight; a milligram where there is none."""
    if reading.weight is None or reading.unit is None or mass_of(reading) is None:
        return Mass(1)
    exponent = reading.weight.as_tuple().exponent
    try:
        return Mass.of(Decimal((0, (1,), int(exponent))), reading.unit)
    except ValueError:  # finer than a milligram
        return Mass(1)
