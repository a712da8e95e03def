"""Telemetry profiles: found, validated, and proven by their own examples before anyone gets one.

Packaged ones lie in `telemetry/`; a site's own file is given by its path. Errors name file, line, key and what is
allowed, like those of the scale profiles (registry.py), and are ProfileError too.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from hazgate_profiles.registry import ProfileError, UnknownProfileError
from hazgate_profiles.validation import ERRORS_SHOWN, read_yaml
from hazgate_protocols.hj212.frames import Frame, Splitter
from hazgate_protocols.hj212.messages import Message, decode
from hazgate_protocols.scale.building import Builder
from hazgate_protocols.telemetry.points import Example, TelemetryProfile, number_text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def available() -> list[str]:
    """The ids of the packaged telemetry profiles, sorted."""
    folder = files("hazgate_profiles") / "telemetry"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


@cache
def load(name: str) -> TelemetryProfile:
    """A packaged profile by its id, or a site's own by the path of its file (a name that ends with .yaml).

    Raises UnknownProfileError, ProfileError.
    """
    if name.endswith(".yaml"):
        path = Path(name)
        if not path.is_file():
            raise UnknownProfileError(f"telemetry profile {name}: there is no such file")
        return read(path, path.name.removesuffix(".yaml"))
    if name not in available():
        raise UnknownProfileError(f"telemetry profile {name!r} does not exist; there are: {', '.join(available())}")
    return read(files("hazgate_profiles") / "telemetry" / f"{name}.yaml", name)


def read(source: Traversable, wanted_id: str) -> TelemetryProfile:
    """The proven profile of a file. Raises ProfileError with a line for each mistake (the first few)."""
    tree, lines = read_yaml(source)
    # Maps of registers by number have number keys in YAML, and read_yaml counts lines by their text.
    builder = Builder()
    profile = typing.cast(TelemetryProfile, builder.build(TelemetryProfile, tree, ()))
    if builder.mistakes:
        texts = []
        for loc, sentence in builder.mistakes[:ERRORS_SHOWN]:
            dotted = ".".join(map(str, loc)) or "top"
            texts.append(f"{source}:{_line(lines, loc)}: {dotted}: {sentence}")
        raise ProfileError("\n".join(texts))
    if profile.id != wanted_id:
        raise ProfileError(f"{source}: id is {profile.id!r}; allowed: {wanted_id!r}, the name of the file")
    for number, example in enumerate(profile.examples, 1):
        if problem := problem_of(profile, example):
            line = _line(lines, ("examples", number - 1))
            raise ProfileError(f"{source}:{line}: example {number}: {problem}; the profile is not used")
    return profile


def problem_of(profile: TelemetryProfile, example: Example) -> str:
    """What is wrong with an example, "" when it gives the values it must."""
    if set(example.values) != {point.id for point in profile.points}:
        return "values must name every point once"
    got: Mapping[str, Decimal | None]
    if profile.protocol == "modbus":
        if any(not 0 <= word <= 0xFFFF for word in example.registers.values()):
            return "a register holds 0 to 65535"
        functions = {point.register.function for point in profile.points if point.register is not None}
        got = profile.of_registers({(f, at): word for f in functions for at, word in example.registers.items()})
    else:
        frames = [event for event in Splitter().feed(f"{example.frame}\r\n".encode()) if isinstance(event, Frame)]
        message = decode(frames[0].segment) if len(frames) == 1 else None
        if not isinstance(message, Message):
            return f"frame is no HJ 212 frame: {'its length or CRC is wrong' if message is None else message.text}"
        got = {reading.point.id: reading.value for reading in profile.of_message(message)}
    for point, wanted in example.values.items():
        if point not in got:
            return f"{point} is not in the registers or the frame"
        value = got[point]
        said = "" if value is None else number_text(value)
        if said != wanted:
            return f"{point} is {said or 'no value'}, the example says {wanted or 'no value'}"
    return ""


def _line(lines: Mapping[tuple[str | int, ...], int], loc: tuple[str | int, ...]) -> int:
    for length in range(len(loc), -1, -1):
        place = tuple(part if isinstance(part, int) else str(part) for part in loc[:length])
        if place in lines:
            return lines[place]
    return 1
