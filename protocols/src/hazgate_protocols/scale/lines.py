"""Lines to readings: regular expressions and word tables, compiled once from the variants of a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec import LineVariant, Says

LineMeaning = Callable[[bytes, bytes], Reading | Reject | None]
"""(line without its end, raw) to what it says; None for an answer that carries no reading."""
_Words = tuple[Status, str | None, bool | None, Mode | None]


def compile_lines(variants: Sequence[LineVariant], head: str, options: Options) -> LineMeaning:
    """One function for all variants; it never raises, whatever the bytes."""
    ways = [_compile_variant(variant) for variant in variants]
    begins = re.compile(head.encode("ascii")).match
    pinned = options.line_length

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
        return Reject(Reason.CONTENT, raw, "no variant of the profile fits")

    return meaning


_NO_FIT = object()


def _compile_variant(variant: LineVariant) -> Callable[[bytes, bytes], Any]:
    fits = re.compile(variant.regex.encode("ascii")).fullmatch
    tables = [
        (group, {word.encode("ascii"): says for word, says in words.items()}) for group, words in variant.maps.items()
    ]
    names = [group for group, _ in tables]
    has_sign = "(?P<sign>" in variant.regex
    has_weight = "(?P<weight>" in variant.regex
    seen: dict[tuple[bytes | None, ...], _Words | None] = {}  # bounded: at most one entry per mix of known words

    def words_of(found: tuple[bytes | None, ...]) -> _Words | None:
        status, unit, stable, mode = variant.status, None, None, variant.mode
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
        weight = None
        if has_weight:
            text = match["weight"].replace(b",", b".").decode("ascii")
            weight = Decimal(f"{match['sign'].decode('ascii')}{text}" if has_sign else text)
            if not weight:
                weight = weight.copy_abs()  # a negative zero is a zero
        return Reading(weight, unit, stable, mode, status, None, None, None, None, raw)

    return read


_SILENT = Says()
