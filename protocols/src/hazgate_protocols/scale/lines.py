"""Lines to readings: regular expressions and word tables, compiled once from the variants of a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec import Line, LineVariant, Says

LineMeaning = Callable[[bytes, bytes], Reading | Reject | None]
"""(line without its end, raw) to what it says; None for an answer that carries no reading."""
_Words = tuple[Status, str | None, bool | None, Mode | None]

# Padding and sign, then the digits to the end of the field. Blanks behind them (Sartorius leaves a restless last place
# blank) only where a point stands in front: 120 with a lost 0 must not become 12.
_FIELD = re.compile(rb" *([+-]?) *([0-9]+(?:[.,][0-9]+ *)?)")
_UNVERIFIED = re.compile(rb"([^][]*)\[([0-9])\]")  # OIML R 76: a digit that is not verified is marked


def decimal_of(text: bytes) -> Decimal | None:
    """The number that a whole field of text writes, None when it is not exactly one number. A zero has no sign."""
    marked = _UNVERIFIED.fullmatch(text)
    match = _FIELD.fullmatch(marked[1] + marked[2] if marked is not None else text)
    if match is None:
        return None
    number = Decimal((match[1] + match[2].rstrip(b" ").replace(b",", b".")).decode("ascii"))
    return number if number else number.copy_abs()


def compile_lines(frame: Line, options: Options) -> LineMeaning:
    """One function for all variants; it never raises, whatever the bytes."""
    ways = [_compile_variant(variant, options) for variant in frame.variants]
    begins = re.compile(frame.head.encode("ascii")).match
    pinned = options.line_length
    shortest = frame.min_length

    def meaning(line: bytes, raw: bytes) -> Reading | Reject | None:
        for read in ways:
            answer = read(line, raw)
            if answer is not _NO_FIT:
                if (
                    pinned is not None
                    and isinstance(answer, Reading)
                    and answer.weight is not None
                    and len(line) != pinned
                ):
                    return Reject(Reason.CONTENT, raw, f"line of {len(line)} characters, pinned are {pinned}")
                return answer  # type: ignore[no-any-return]  # only _NO_FIT is outside the type
        if not begins(line):
            return Reject(Reason.FRAMING, raw, "not the beginning of a record")
        if len(line) < shortest:
            return Reject(Reason.FRAMING, raw, f"line of {len(line)} characters, a record has at least {shortest}")
        return Reject(Reason.CONTENT, raw, "no variant of the profile fits")

    return meaning


_NO_FIT = object()


def word_tables(maps: Mapping[str, Mapping[str, Says]]) -> list[tuple[str, dict[bytes, Says]]]:
    """The maps of a variant by the bytes on the wire; a character from 80h to FFh is that byte."""
    return [(group, {word.encode("latin-1"): says for word, says in words.items()}) for group, words in maps.items()]


def _compile_variant(variant: LineVariant, options: Options) -> Callable[[bytes, bytes], Any]:
    fits = re.compile(variant.regex.encode("ascii")).fullmatch
    tables = word_tables(variant.maps)
    names = [group for group, _ in tables]
    default_unit = options.default_unit if variant.unit == "option" else variant.unit
    number = _compile_number(variant, options)
    gross, net, tare = (_compile_companion(variant, name) for name in ("gross", "net", "tare"))
    has_companions = any(f"(?P<{name}>" in variant.regex for name in ("gross", "net", "tare"))
    seen: dict[tuple[bytes | None, ...], _Words | None] = {}  # bounded: at most one entry per mix of known words

    def words_of(found: tuple[bytes | None, ...]) -> _Words | None:
        status, unit, stable, mode = variant.status, default_unit, None, variant.mode
        for (_, table), word in zip(tables, found, strict=True):
            says = table.get(word) if word is not None else _SILENT
            if says is None:
                return None
            status = says.status or status
            unit = says.unit or unit
            stable = says.stable if says.stable is not None else stable
            mode = says.mode or mode
        return status, unit, stable, mode

    def read(line: bytes, raw: bytes) -> Any:
        match = fits(line)
        if match is None:
            return _NO_FIT
        if variant.ignore:
            return None
        key = tuple([match[name] for name in names])
        words = seen.get(key)
        if words is None:
            words = words_of(key)
            if words is None:
                return Reject(Reason.CONTENT, raw, f"a word the profile does not know: {key!r}")
            seen[key] = words
        status, unit, stable, mode = words
        weight = number(match)
        if type(weight) is str:
            return Reject(Reason.CONTENT, raw, weight)
        if weight is not None and status not in (Status.OK, Status.HOLD):
            weight = None
        if not has_companions:
            return Reading(weight, unit, stable, mode, status, None, None, None, None, raw)
        parts = gross(match), net(match), tare(match)
        if any(type(part) is str for part in parts):
            return Reject(Reason.CONTENT, raw, "a number beside the weight is none")
        return Reading(weight, unit, stable, mode, status, None, parts[2], parts[0], parts[1], raw)

    return read


_SILENT = Says()


def _compile_number(variant: LineVariant, options: Options) -> Callable[[re.Match[bytes]], Any]:
    """The weight of a match: a number, None where the variant has none, a sentence where the text is no weight."""
    has_sign = "(?P<sign>" in variant.regex
    pinned = options.decimals

    def of_field(match: re.Match[bytes]) -> Decimal | None:
        return decimal_of(match["number"])

    def of_parts(match: re.Match[bytes]) -> Decimal | None:
        return decimal_of((match["sign"] or b"") + match["weight"] if has_sign else match["weight"])

    if "(?P<number>" in variant.regex:
        take = of_field
    elif "(?P<weight>" in variant.regex:
        take = of_parts
    else:
        return lambda _: None

    def weight(match: re.Match[bytes]) -> Decimal | str:
        number = take(match)
        if number is None:
            return "what stands in the place of the number is none"
        if pinned is not None and -number.as_tuple().exponent != pinned:  # type: ignore[operator]  # finite: an int
            return f"number {number}: {pinned} decimals are pinned"
        return number

    return weight


def _compile_companion(variant: LineVariant, name: str) -> Callable[[re.Match[bytes]], Decimal | str | None]:
    if f"(?P<{name}>" not in variant.regex:
        return lambda _: None
    def companion(match: re.Match[bytes]) -> Decimal | str | None:
        number = decimal_of(match[name] or b"")
        return "no number" if number is None else number

    return companion
