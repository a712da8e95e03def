"""Which bytes of a frame are the weight, the unit, the flags: for the installer's eyes, from the profile alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hazgate_edge.recognition.scoring import Candidate
from hazgate_protocols.scale.checks import WIDTHS
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.spec import (
    Block,
    Check,
    Delimited,
    Fields,
    Fixed,
    Line,
    LineVariant,
    Lookup,
    Number,
    Registers,
    Report,
    Test,
    Variant,
)

_LOW_7_BITS = bytes(byte & 0x7F for byte in range(256))
RTU_HEAD_BYTES = 3  # address, function, number of bytes
GROUP_NAMES = {"number": "weight", "kind": "gross or net", "state": "stable or moving", "legend": "gross or net"}


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Bytes [start, stop) of a frame and what they are."""

    start: int
    stop: int
    name: str


def parts(candidate: Candidate, reading: Reading) -> list[Part]:
    """In order of place; bytes that mean nothing are left out, and some have two meanings."""
    raw = reading.raw
    if any(byte & 0x80 for byte in raw) and candidate.options.get(
        "strip_high_bit", candidate.profile.options.get("strip_high_bit", False)
    ):
        raw = raw.translate(_LOW_7_BITS)
    frame = candidate.profile.frame
    if isinstance(frame, Fixed):
        start = len(bytes.fromhex(frame.start))
        found = [Part(0, start, "start"), *(Part(end.offset, end.offset + 1, "end") for end in frame.end_at)]
        found += [*_fields(frame.variants, raw, 0), *_check(frame.check, len(raw))]
        found = [part for part in found if part.stop <= len(raw)]
    elif isinstance(frame, Report):
        found = [Part(0, 1, "report number"), *_fields(frame.variants, raw, 0)]
    elif isinstance(frame, Registers):
        found = [
            Part(0, 1, "unit address"),
            Part(1, 2, "function"),
            Part(2, 3, "number of bytes"),
            *_fields(frame.variants, raw[RTU_HEAD_BYTES:-2], RTU_HEAD_BYTES),
            Part(len(raw) - 2, len(raw), "checksum"),
        ]
    elif isinstance(frame, Block):
        found = list(_block(frame, raw))
    else:
        found = list(_text(frame, raw))
    return sorted(set(found))


def shown(candidate: Candidate, reading: Reading) -> str:
    """Lines: the bytes of each part in hex, as text where they are text, and their meaning."""
    rows = []
    for part in parts(candidate, reading):
        octets = reading.raw[part.start : part.stop]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in octets)
        place = f"{part.start + 1}" if part.stop - part.start == 1 else f"{part.start + 1}-{part.stop}"
        rows.append(f"    byte {place:7} {octets.hex(' '):36} {text:14} {part.name}")
    return "\n".join(rows)


def _fields(variants: tuple[Variant, ...], raw: bytes, shift: int) -> Iterator[Part]:
    variant = next((one for one in variants if all(_holds(test, raw) for test in one.when)), None)
    if variant is None:
        return
    for test in variant.when:
        yield Part(test.at + shift, test.at + 1 + shift, "state")
    said: Fields = variant.fields
    for name in ("weight", "gross", "net", "tare"):
        number: Number | None = getattr(said, name)
        if number is None:
            continue
        yield Part(number.span[0] + shift, number.span[1] + shift, name)
        inner: tuple[tuple[object, str], ...] = ((number.sign, "sign"), (number.decimals, "decimal point"))
        for rule, what in inner:
            if isinstance(rule, Lookup):
                yield Part(rule.at + shift, rule.at + rule.width + shift, what)
    rules: tuple[tuple[object, str], ...] = (
        (said.unit, "unit"),
        (said.stable, "stable or moving"),
        (said.mode, "gross or net"),
        (said.zero, "zero lamp"),
    )
    for rule, what in rules:
        if isinstance(rule, Lookup):
            yield Part(rule.at + shift, rule.at + rule.width + shift, what)


def _holds(test: Test, raw: bytes) -> bool:
    if test.at >= len(raw):
        return False
    value = raw[test.at] & int(test.mask, 16)
    return value == int(test.equals, 16) if test.equals is not None else value != int(test.differs or "0", 16)


def _check(check: Check | None, length: int) -> Iterator[Part]:
    if check is not None:
        start = check.at if check.at >= 0 else length + check.at
        yield Part(start, start + WIDTHS[check.algo], "checksum")


def _text(frame: Line | Delimited, raw: bytes) -> Iterator[Part]:
    body, shift = raw, 0
    if isinstance(frame, Line):
        lead = bytes.fromhex(frame.lead)
        if lead and body.startswith(lead):
            body, shift = body[1:], 1
        for end in sorted((bytes.fromhex(text) for text in frame.ends), key=len, reverse=True):
            if body.endswith(end):
                body = body[: -len(end)]
                yield Part(len(raw) - len(end), len(raw), "line end")
                break
    for variant in frame.variants:
        if (match := re.fullmatch(_pattern(variant), body)) is not None:
            yield from _groups(match, shift)
            break
    yield from _check(frame.check, len(body))


def _pattern(variant: LineVariant) -> bytes:
    return variant.regex.encode("ascii")


def _block(frame: Block, raw: bytes) -> Iterator[Part]:
    start = 0
    for number, line in enumerate(raw.splitlines(keepends=True), 1):
        body = line.strip(b"\r\n")
        begin = start + line.index(body) if body else start
        for known in frame.lines:
            if body and known.at in (None, number) and (match := re.fullmatch(known.regex.encode("ascii"), body)):
                yield from _groups(match, begin)
                break
        start += len(line)


def _groups(match: re.Match[bytes], shift: int) -> Iterator[Part]:
    for name in match.groupdict():
        start, stop = match.span(name)
        if 0 <= start < stop:
            yield Part(start + shift, stop + shift, GROUP_NAMES.get(name, name))
