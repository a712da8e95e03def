"""Frames decoded a second on one core: the engine that reads any profile, and a parser written for one protocol."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.resources import files

from benchmarks import by_hand
from benchmarks.bench import Bench
from benchmarks.figure import Bar, Figure, Role
from benchmarks.spread import Goal, Sense
from hazgate_profiles import registry
from hazgate_profiles.transcripts import read_transcript
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading

GOAL = Goal(Sense.AT_LEAST, 0.25)
RATE_GOAL = Goal(Sense.AT_LEAST, 1.0)
FRAMES_PER_S_MIN = 20_000.0
RATE_FRAMES = 4_000
FRAMES = 20_000  # a turn; some tenths of a second a side
READ_BYTES = 64  # as a serial port gives them

Parser = Callable[[bytes, list[Reading]], bytes]
PARSERS: dict[str, Parser] = {
    "yaohua-tf0": by_hand.yaohua_tf0,
    "toledo-cont": by_hand.toledo_cont,
    "st-gs": by_hand.st_gs,
    "rinstrum-11": by_hand.rinstrum_11,
}


def stream_of(name: str, frames: int) -> bytes:
    """So many frames with a weight that changes, as the device sends them."""
    made = []
    for number in range(frames):
        grams = number * 37 % 1_000_000
        match name:
            case "yaohua-tf0":
                body = b"+%06d2" % grams
                check = 0
                for byte in body:
                    check ^= byte
                made.append(b"\x02%s%02X\x03" % (body, check))
            case "toledo-cont":
                body = b"\x0240 %6d%6d\r" % (grams, 1000)
                made.append(body + bytes([-sum(body) & 0x7F]))
            case "st-gs":
                made.append(b"ST,GS,+%7.2fkg\r\n" % (grams / 100))
            case _:
                made.append(b"\x02 %7.2fG\x03" % (grams / 100))
    return b"".join(made)


def reads_of(stream: bytes) -> list[bytes]:
    """The stream as it arrives."""
    return [stream[at : at + READ_BYTES] for at in range(0, len(stream), READ_BYTES)]


def engine_readings(name: str, reads: list[bytes]) -> list[Reading]:
    """Through the engine."""
    decoder = Decoder(registry.load(name))
    return [event for read in reads for event in decoder.feed(read) if isinstance(event, Reading)]


def hand_readings(parse: Parser, reads: list[bytes]) -> list[Reading]:
    """Through the parser written by hand."""
    readings: list[Reading] = []
    rest = b""
    for read in reads:
        rest = parse(rest + read, readings)
    return readings


def decode(bench: Bench) -> list[Figure]:
    """One figure a protocol, rounds in turns, both sides giving the same readings; and the slowest profile."""
    return [*(_figure(bench, name, parse) for name, parse in PARSERS.items()), _rate(bench)]


def example_frames(name: str) -> list[bytes]:
    """Whole frames of a profile's first examples that carry a weight."""
    profile = registry.load(name)
    transcript = read_transcript(files("hazgate_profiles") / "transcripts" / profile.transcripts[0])
    options = transcript.cases[0].options
    decoder = Decoder(profile, options)
    events = [event for case in transcript.cases for read in case.reads for event in decoder.feed(read)]
    return [event.raw for event in events if isinstance(event, Reading) and event.weight is not None]


def rate_of(name: str, frames: int) -> float:
    """Frames decoded a second of CPU time, of a profile's own examples."""
    profile = registry.load(name)
    transcript = read_transcript(files("hazgate_profiles") / "transcripts" / profile.transcripts[0])
    examples = example_frames(name)
    reads = reads_of(b"".join(examples * -(-frames // len(examples))))
    decoder = Decoder(profile, transcript.cases[0].options)
    begun = time.process_time()
    found = sum(len(decoder.feed(read)) for read in reads)
    return found / (time.process_time() - begun)


def _rate(bench: Bench) -> Figure:
    """The slowest of all profiles, against what is wanted of a core."""
    slowest: list[float] = []
    names: set[str] = set()
    for number in range(bench.rounds):
        rates = {name: rate_of(name, RATE_FRAMES) for name in registry.available()}
        last = min(rates, key=rates.__getitem__)
        names.add(last)
        slowest.append(rates[last])
        bench.keep("decode-rate", round=number, frames_per_s=rates)
    bench.say(
        f"slowest of {len(registry.available())} profiles ({', '.join(sorted(names))}): {min(slowest):,.0f} frames/s"
    )
    return Figure(
        key="decode-rate",
        title="Frames decoded a second on one core: the slowest profile",
        unit="frames/s",
        bars=(
            Bar(f"hazgate: {', '.join(sorted(names))}", Role.OURS, tuple(slowest)),
            Bar("wanted of a core", Role.REFERENCE, (FRAMES_PER_S_MIN,) * bench.rounds),
        ),
        goal=RATE_GOAL,
        remarks=(f"All {len(registry.available())} profiles with the frames of their own examples.",),
    )


def _figure(bench: Bench, name: str, parse: Parser) -> Figure:
    reads = reads_of(stream_of(name, FRAMES))
    registry.load(name)  # proven once, as at the box's start
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(bench.rounds):
        begun = time.process_time()
        read = engine_readings(name, reads)
        between = time.process_time()
        wanted = hand_readings(parse, reads)
        ended = time.process_time()
        if read != wanted or len(read) != FRAMES:
            raise AssertionError(f"{name}: engine and hand-written parser differ")
        ours.append(FRAMES / (between - begun))
        theirs.append(FRAMES / (ended - between))
        bench.keep("decode", profile=name, round=number, engine_per_s=ours[-1], by_hand_per_s=theirs[-1])
    bench.say(f"{name}: engine {min(ours):,.0f} frames/s or more, by hand {min(theirs):,.0f}")
    return Figure(
        key=f"decode-{name}",
        title=f"Frames decoded a second on one core: {name}",
        unit="frames/s",
        bars=(
            Bar("hazgate: the engine with the profile", Role.OURS, tuple(ours)),
            Bar("a parser written by hand for this protocol", Role.REFERENCE, tuple(theirs)),
        ),
        goal=GOAL,
        remarks=(f"Reads of {READ_BYTES} bytes; the same readings from both sides; CPU time of one thread.",),
    )
