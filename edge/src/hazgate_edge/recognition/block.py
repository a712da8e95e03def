"""The `scales:` part of a configuration: written from what was recognised, and put into a file's text.

Text in, text out: what else stands in the file keeps its lines and comments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from hazgate_edge.recognition.capture import LineSettings
from hazgate_edge.recognition.verdict import Choice, last_place
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.spec import Value

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/_.-]*")
MINIMUM_DIVISIONS = 20  # OIML R 76-1, 3.2: smallest load of class III, in divisions
EMPTY_DIVISIONS = 10
CAPACITY_UNKNOWN = "150 kg"
CAPACITY_NOTE = "  # assumed: write what the scale's plate says"
DIVISION_NOTE = "  # one unit of the last digit: write what the scale's plate says (d or e)"


def scales_block(
    choice: Choice, link: Mapping[str, Value], *, scale_id: str = "platform-1", limits: Mapping[str, str] | None = None
) -> str:
    """The lines from `scales:` on. limits: capacity, minimum, empty_below, division that are known, as text."""
    reading = choice.last
    step = last_place(reading) if reading is not None else Mass.of("0.01", "kg")
    known = dict(limits or {})
    options = {name: value for name, value in choice.options.items() if value is not None}
    lines = ["scales:", f"  - id: {scale_id}", f"    profile: {choice.candidate.profile.id}", "    link:"]
    lines += [f"      {name}: {_scalar(value)}" for name, value in link.items()]
    if options:
        lines += ["    options:", *(f"      {name}: {_scalar(value)}" for name, value in options.items())]
    division = known.get("division")
    lines.append(f'    capacity: "{known.get("capacity", CAPACITY_UNKNOWN)}"' + _note("capacity", known, CAPACITY_NOTE))
    lines.append(f'    minimum: "{known.get("minimum", _kg(step, MINIMUM_DIVISIONS))}"')
    lines.append(f'    empty_below: "{known.get("empty_below", _kg(step, EMPTY_DIVISIONS))}"')
    lines.append(f'    division: "{division or _kg(step, 1)}"' + _note("division", known, DIVISION_NOTE))
    return "\n".join(lines) + "\n"


def serial_link(choice: Choice, port: str) -> dict[str, Value]:
    """The link of a serial port, at the settings that were heard; a parity in bit 7 becomes a 7-bit port."""
    profile, capture = choice.candidate.profile, choice.candidate.capture
    at = capture.settings or LineSettings(profile.link.baud[0])
    bits, parity, stop = at.bits, at.parity, at.stop
    if capture.parity is not None:
        bits, parity = 7, capture.parity
    if profile.registers is not None:
        return {"kind": "modbus-rtu", "port": port, "baud": at.baud, "parity": parity, "stop": stop}
    return {"kind": "serial", "port": port, "baud": at.baud, "bits": bits, "parity": parity, "stop": stop}


def inserted(text: str, block: str) -> str:
    """The text of a configuration with the block in place of its `scales`, or behind it. Raises yaml.YAMLError."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(tree, yaml.MappingNode):
        for key, value in tree.value:
            if key.value == "scales":
                lines = text.splitlines(keepends=True)
                return "".join([*lines[: key.start_mark.line], block, *lines[_last_line(value) + 1 :]])
    return text + ("" if text.endswith("\n") or not text else "\n") + block


def limits_of(text: str) -> tuple[str | None, dict[str, str]]:
    """Id and limits of the scale that a configuration has now, to be kept; nothing where it has none."""
    tree = yaml.safe_load(text)
    scales = tree.get("scales") if isinstance(tree, dict) else None
    first = scales[0] if isinstance(scales, list) and scales and isinstance(scales[0], dict) else {}
    wanted = ("capacity", "minimum", "empty_below", "division")
    kept = {name: str(first[name]) for name in wanted if isinstance(first.get(name), str)}
    return (str(first["id"]) if isinstance(first.get("id"), str) else None), kept


def _last_line(node: yaml.Node) -> int:
    """The line of the last thing that belongs to a node; its end mark may stand behind the comments that follow."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return max(_last_line(value) for _, value in node.value)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return max(_last_line(value) for value in node.value)
    return int(node.end_mark.line)


def _note(name: str, known: Mapping[str, str], note: str) -> str:
    return "" if name in known else note


def _kg(step: Mass, divisions: int) -> str:
    return f"{Mass(step.mg * divisions).to('kg'):f} kg"


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return text if yaml.safe_load(text) == text and _PLAIN.fullmatch(text) else f'"{text}"'
