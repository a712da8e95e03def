"""How well a profile explains bytes.

Four facts, each from the real decoder: how much of the bytes its readings cover, how many frames it refused on the way,
how much of a frame it checks at all (every bit of an accepted frame is turned once: what is still read then was never
looked at), and whether frames come about as often as the family sends them. A bare number fits almost any text, so
a profile that checks more of its frame goes before one that checks less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hazgate_edge.recognition.capture import Capture
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.commands import request_bytes
from hazgate_protocols.scale.decoder import Decoder, Event
from hazgate_protocols.scale.options import OptionError, resolve_options
from hazgate_protocols.scale.reading import Reading, Reject, Status
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Block, Line, Poll, Profile, Registers, Value

FIT_MIN = 0.5  # below this the bytes are something else
READINGS_MIN = 2  # one frame can be chance
TURNED_FRAMES_MAX = 2
FLOAT_PLACES_MIN = 3  # a gram
FLOAT_STEPS = 2**22  # of a float32 in its range: half of its precision
UNITS_TRIED = ("kg", "g", "t")
DECIMALS_TRIED = range(7)
# Settings that change what the same bytes say, apart from unit and decimals, which only move the point.
STRUCTURAL: dict[str, tuple[Value, ...]] = {
    "bcd_order": ("low_first", "high_first"),
    "word_order": ("big", "little"),
    "dummy_zeros": ("included", "append"),
    "checksum": ("required", "none"),
}


@dataclass(frozen=True)
class Candidate:
    """A profile with settings, and what it makes of the bytes.

    fit: share of the bytes its readings cover times share of its frames that were accepted, 0 to 1. checked: share of
    an accepted frame's bits whose turning is noticed, 0 to 1. score: what candidates are ordered by.
    """

    capture: Capture
    profile: Profile
    options: Mapping[str, Value]
    readings: tuple[Reading, ...]
    rejects: int
    fit: float
    checked: float
    score: float

    @property
    def weights(self) -> tuple[Reading, ...]:
        """The readings that say a weight."""
        return tuple(reading for reading in self.readings if reading.weight is not None)


def candidates(capture: Capture, profiles: Sequence[Profile]) -> list[Candidate]:
    """All that explain the bytes at all, best first; of each profile one a setting that changes the meaning."""
    found = [
        candidate
        for profile in profiles
        if _was_asked(profile, capture)
        for options in _structural(profile, capture)
        if (candidate := assess(capture, profile, options)) is not None
    ]
    return sorted(found, key=lambda item: (-item.score, item.profile.id))


def assess(capture: Capture, profile: Profile, options: Mapping[str, Value]) -> Candidate | None:
    """None when the profile does not explain the bytes."""
    view = _as_port_gives(capture, profile, options)
    events = decoded(view, profile, options)
    readings = tuple(event for event in events if isinstance(event, Reading))
    rejects = sum(isinstance(event, Reject) for event in events)
    if not any(reading.status is Status.OK for reading in readings) and not (
        len({reading.raw for reading in readings}) >= READINGS_MIN
    ):
        return None
    fit = _covered(profile, view, readings) * len(readings) / (len(readings) + rejects)
    if fit < FIT_MIN or (len(readings) < READINGS_MIN and len(view.pieces) > 1):
        return None
    checked = _checked(profile, options, view.asked, readings)
    score = 10 * fit + 4 * checked + _says(readings) + _usual(capture, profile, readings, options)
    return Candidate(capture, profile, options, readings, rejects, fit, checked, score)


def decoded(capture: Capture, profile: Profile, options: Mapping[str, Value]) -> list[Event]:
    """The events of a capture, as the profile's port would have given it."""
    capture = _as_port_gives(capture, profile, options)
    decoder = Decoder(profile, options)
    if capture.asked:
        decoder.asked(capture.asked)
    events: list[Event] = []
    for piece in capture.pieces:
        if capture.separate:
            decoder.reset()
        events += decoder.feed(piece)
        if capture.separate:
            events += decoder.finish()
    return events


def meanings(candidate: Candidate) -> Iterator[Mapping[str, Value]]:
    """The candidate's settings with every unit and number of decimals the frames leave open."""
    offered = candidate.profile.options
    units: tuple[Value, ...] = UNITS_TRIED if "default_unit" in offered else (None,)
    places: tuple[Value, ...] = (None,)
    if moves_point(candidate.profile):
        places = (_float_places(candidate),) if _is_float(candidate.profile) else tuple(DECIMALS_TRIED)
    for unit, decimals in product(units, places):
        chosen = dict(candidate.options)
        if unit is not None:
            chosen["default_unit"] = unit
        if decimals is not None:
            chosen["decimals"] = decimals
        yield chosen


def moves_point(profile: Profile) -> bool:
    """Whether the number of decimals is the site's to say, because the device keeps it to itself."""
    return "decimals" in profile.options and not isinstance(profile.frame, Line | Block)


def _is_float(profile: Profile) -> bool:
    """A binary float has its point; decimals only say where it is rounded."""
    frame = profile.frame
    numbers = [variant.fields.weight for variant in frame.variants] if isinstance(frame, Registers) else []
    return any(number is not None and number.form == "float32" for number in numbers)


def _float_places(candidate: Candidate) -> int:
    """Enough that nothing the device says is rounded away, also of weights not seen yet."""
    finest = [reading.weight for reading in _weights(candidate, DECIMALS_TRIED[-1])]
    for places in range(FLOAT_PLACES_MIN, DECIMALS_TRIED[-1]):
        rounded = [reading.weight for reading in _weights(candidate, places)]
        if all(
            a is not None and b is not None and abs(a - b) <= abs(a) / FLOAT_STEPS
            for a, b in zip(finest, rounded, strict=False)
        ):
            return places
    return DECIMALS_TRIED[-1]


def _weights(candidate: Candidate, decimals: int) -> list[Reading]:
    events = decoded(candidate.capture, candidate.profile, {**candidate.options, "decimals": decimals})
    return [event for event in events if isinstance(event, Reading) and event.weight is not None]


def mass_of(reading: Reading) -> Mass | None:
    """None where the reading has no weight or none in metric units."""
    if reading.weight is None or reading.unit is None or reading.status is not Status.OK:
        return None
    try:
        return Mass.of(reading.weight, reading.unit)
    except ValueError:
        return None


def question_of(profile: Profile, options: Mapping[str, Value] | None = None) -> bytes:
    """What a polled profile asks; empty for one that only listens."""
    if not isinstance(profile.traffic, Poll):
        return b""
    filled = _filled(profile, dict(options or {}))
    if profile.registers is not None:
        return RegisterMap(profile, filled).request()
    return request_bytes(profile, "read", resolve_options(profile, filled))


def _was_asked(profile: Profile, capture: Capture) -> bool:
    """Only who was asked can have answered. A device that talks by itself is matched with all that are no registers."""
    question = question_of(profile)
    if capture.asked:
        return question == capture.asked
    return profile.registers is None


def _filled(profile: Profile, chosen: dict[str, Value]) -> dict[str, Value]:
    """With something for what a site must say, so that it can be decoded at all."""
    if moves_point(profile) and chosen.get("decimals", profile.options["decimals"]) is None:
        chosen["decimals"] = 0
    return chosen


def _structural(profile: Profile, capture: Capture) -> Iterator[Mapping[str, Value]]:
    open_ones = {name: values for name, values in STRUCTURAL.items() if name in profile.options}
    for values in product(*open_ones.values()):
        chosen = {
            name: value
            for name, value in zip(open_ones, values, strict=True)
            if value != profile.options[name]  # a default is not written down
        }
        chosen = _filled(profile, chosen)
        if capture.parity is not None and capture.settings is None and "strip_high_bit" in profile.options:
            chosen["strip_high_bit"] = True
        if "line_length" in profile.options:
            chosen["line_length"] = None
        try:
            resolve_options(profile, chosen)
            Decoder(profile, chosen)
        except OptionError:
            continue
        yield _with_line_length(profile, chosen, capture)


def _with_line_length(profile: Profile, chosen: dict[str, Value], capture: Capture) -> Mapping[str, Value]:
    """Pins the length when every line that was read has the same and there is room in it for larger numbers."""
    if "line_length" not in profile.options:
        return chosen
    usual = profile.options["line_length"]
    view = _as_port_gives(capture, profile, chosen)
    heard = [event for event in decoded(view, profile, chosen) if isinstance(event, Reading)]
    texts = {reading.raw.strip(b"\r\n") for reading in heard if reading.weight is not None}
    lengths = {len(text) for text in texts}
    padded = all(b" " in text or b"0" in text.strip(b"+-")[:1] for text in texts)
    if len(lengths) == 1:
        only = lengths.pop()
        if only == usual:
            return {name: value for name, value in chosen.items() if name != "line_length"}
        if padded and 4 <= only <= 256 and usual is not None:
            return {**chosen, "line_length": only}
    if usual is None:
        return {name: value for name, value in chosen.items() if name != "line_length"}
    return chosen


def _as_port_gives(capture: Capture, profile: Profile, options: Mapping[str, Value]) -> Capture:
    """Without the parity bit, unless the profile's own decoder takes it away."""
    if capture.parity is None:
        return capture
    strips = options.get("strip_high_bit", profile.options.get("strip_high_bit", False))
    return capture if strips or capture.settings is None else capture.stripped()


def _covered(profile: Profile, capture: Capture, readings: Sequence[Reading]) -> float:
    """The share of the bytes that belong to readings; a frame cut off at either end of a stream does not count."""
    total = len(capture.received)
    if not readings or not total:
        return 0.0
    covered = sum(len(reading.raw) for reading in readings)
    if isinstance(profile.frame, Line) and profile.frame.lead:
        covered += sum(not reading.raw.startswith(bytes.fromhex(profile.frame.lead)) for reading in readings)
    longest = max(len(reading.raw) for reading in readings)
    if not capture.separate:
        head = capture.received.find(readings[0].raw)
        tail = total - capture.received.rfind(readings[-1].raw) - len(readings[-1].raw)
        total -= (head if 0 < head < longest else 0) + (tail if 0 < tail < longest else 0)
    return min(1.0, covered / max(total, 1))


def _checked(profile: Profile, options: Mapping[str, Value], asked: bytes, readings: Sequence[Reading]) -> float:
    frames = list(dict.fromkeys(reading.raw for reading in readings if reading.status is Status.OK))
    turned = noticed = 0
    decoder = Decoder(profile, options)
    for frame in frames[:TURNED_FRAMES_MAX]:
        for place in range(len(frame)):
            for bit in range(8):
                changed = bytearray(frame)
                changed[place] ^= 1 << bit
                decoder.reset()
                if asked:
                    decoder.asked(asked)
                turned += 1
                noticed += not any(isinstance(event, Reading) for event in decoder.feed(bytes(changed)))
    return noticed / turned if turned else 0.0


def _says(readings: Sequence[Reading]) -> float:
    """A frame that names its unit and says whether it is at rest has explained more of itself."""
    unit = any(reading.unit is not None for reading in readings)
    stable = any(reading.stable is not None for reading in readings)
    return 0.2 * unit + 0.4 * stable


def _usual(capture: Capture, profile: Profile, readings: Sequence[Reading], options: Mapping[str, Value]) -> float:
    """What goes by habit: the family's line settings, its rate, and settings left as they are delivered."""
    worth = -0.3 * len([name for name in options if name in STRUCTURAL])
    line = profile.link
    if capture.settings is not None and line.baud:
        worth += 0.02 * (capture.settings.baud == line.baud[0])
        parity = capture.parity or (capture.settings.parity if capture.settings.bits == 7 else None)
        worth += 1.0 * (parity is not None and parity == line.parity)
    if isinstance(profile.traffic, Poll):
        return worth - (0.0 if capture.asked else 1.5)
    if capture.span_s > 0:
        period_s = capture.span_s / len(readings)
        usual_s = profile.traffic.period_ms / 1000
        worth += 0.2 * (usual_s / 10 <= period_s <= usual_s * 10)
    return worth
