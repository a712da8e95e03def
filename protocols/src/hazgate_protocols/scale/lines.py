"""Lines to readings: regular expressions and word tables, compiled once from the variants of a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec import LineVariant, Says

LineMeaning = Callable[[bytes, bytes], Reading | Reject | None]
"""(line without its end, raw) to what it says; None for an answer that carries no reading."""
_Words = tuple[Status, str | None, bool | None, Mode | None, bool | None]

# Padding and sign, then the digits to the end of the field. Blanks behind them (Sartorius leaves a restless last place
# blank) only where a point stands in front: 120 with a lost 0 must not become 12.
_FIELD = re.compile(rb" *([+-]?) *([0-9]+(?:[.,][0-9]+ *)?)")
_UNVERIFIED = re.compile(rb"([^][]*)\[([0-9])\]")  # OIML R 76: a digit that is not verified is marked
_HIGH_BYTE = re.compile(rb"<([89A-F][0-9A-F])>")


def decimal_of(text: bytes) -> Decimal | None:
    """The number that a whole field of text writes, None when it is not exactly one number. A zero has no sign."""
    marked = _UNVERIFIED.fullmatch(text)
    match = _FIELD.fullmatch(marked[1] + marked[2] if marked is not None else text)
    if match is None:
        return None
    number = Decimal((match[1] + match[2].rstrip(b" ").replace(b",", b".")).decode("ascii"))
    return number or number.copy_abs()


def word_table(words: Mapping[str, Says]) -> dict[bytes, Says]:
    """What the words of a group say, by their bytes."""
    return {
        _HIGH_BYTE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), word.encode("ascii")): says
        for word, says in words.items()
    }


def places_differ(number: Decimal, pinned: int | None) -> str:
    """A sentence when a number has not as many decimals as the site pinned, else empty."""
    places = -int(number.as_tuple().exponent)
    return "" if pinned in (None, places) else f"number {number} has {places} decimals, pinned are {pinned}"


def compile_lines(variants: Sequence[LineVariant], head: str, options: Options, shortest: int = 0) -> LineMeaning:
    """One function for all variants; it never raises, whatever the bytes."""
    ways = [_compile_variant(variant, options) for variant in variants]
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
        if len(line) < shortest:
            return Reject(Reason.FRAMING, raw, f"line of {len(line)} characters, a record has at least {shortest}")
        return Reject(Reason.CONTENT, raw, "no variant of the profile fits")

    return meaning


_NO_FIT = object()
SEEN_MAX = 4096  # mixes of words that are remembered; status characters make them many


def _compile_variant(variant: LineVariant, options: Options) -> Callable[[bytes, bytes], Any]:
    fits = re.compile(variant.regex.encode("ascii")).fullmatch
    groups = (*variant.maps, *variant.bits)
    words_of = _compile_words(variant, options.default_unit if variant.unit == "option" else variant.unit)
    number_of = _compile_number(variant)
    carries = variant.status  # ok, or hold for devices whose held value is to be shown
    pinned = options.decimals
    seen: dict[tuple[bytes | None, ...], _Words] = {}
    ignore = variant.ignore

    def read(line: bytes, raw: bytes) -> Any:
        match = fits(line)
        if match is None:
            return _NO_FIT
        if ignore:
            return None
        key = match.group(*groups) if len(groups) > 1 else (match[groups[0]],) if groups else ()
        words = seen.get(key)
        if words is None:
            words = words_of(key)
            if words is None:
                return Reject(Reason.CONTENT, raw, f"a word the profile does not know: {key!r}")
            if len(seen) < SEEN_MAX:
                seen[key] = words
        status, unit, stable, mode, zero = words
        weight = None
        if number_of is not None and status is carries:
            weight = number_of(match)
            if weight is None:
                return Reject(Reason.CONTENT, raw, "what stands in the place of the number is none")
            if pinned is not None and (sentence := places_differ(weight, pinned)):
                return Reject(Reason.CONTENT, raw, sentence)
        return Reading(weight, unit, stable, mode, status, zero, None, None, None, raw)

    return read


def _compile_words(variant: LineVariant, unit: str | None) -> Callable[[tuple[bytes | None, ...]], _Words | None]:
    """What the groups say together; None when one of them is a word the profile does not know."""
    tables = [word_table(words) for words in variant.maps.values()]
    rules = [
        [(int(rule.mask, 16), int(rule.equals, 16), rule.says) for rule in rules] for rules in variant.bits.values()
    ]

    def said(found: tuple[bytes | None, ...]) -> list[Says] | None:
        heard: list[Says] = []
        for table, word in zip(tables, found, strict=False):
            says = table.get(word) if word is not None else _SILENT
            if says is None:
                return None
            heard.append(says)
        for rows, character in zip(rules, found[len(tables) :], strict=True):
            if character is None:
                continue
            if len(character) != 1:
                return None
            heard += [says for mask, equals, says in rows if character[0] & mask == equals]
        return heard

    def words_of(found: tuple[bytes | None, ...]) -> _Words | None:
        heard = said(found)
        if heard is None:
            return None
        status, stable, mode, zero = variant.status, variant.stable, variant.mode, None
        named = unit
        for says in heard:
            status = says.status or status
            named = says.unit or named
            stable = says.stable if says.stable is not None else stable
            mode = says.mode or mode
            zero = says.zero if says.zero is not None else zero
        if rules and status not in (Status.OK, Status.IN_MOTION):
            stable = zero = None  # flags beside a fault say nothing of a load
        return status, named, stable, mode, zero

    return words_of


def _compile_number(variant: LineVariant) -> Callable[[re.Match[bytes]], Decimal | None] | None:
    """The weight of a match, which is None where the text is no number; None for a variant without a weight."""
    if "(?P<number>" in variant.regex:
        return lambda match: decimal_of(match["number"])
    if "(?P<weight>" not in variant.regex:
        return None
    has_sign = "(?P<sign>" in variant.regex
    has_places = "(?P<places>" in variant.regex
    step = -1 if variant.reverse else 1
    has_slash = "/" in variant.regex
    shift = variant.decimals

    def number_of(match: re.Match[bytes]) -> Decimal:
        text = match["weight"][::step].replace(b",", b".").decode("ascii")
        if has_slash:
            text = text.replace("/", "")
        weight = Decimal(f"{match['sign'].decode('ascii')}{text}" if has_sign else text)
        if has_places:
            weight = weight.scaleb(0x30 - match["places"][0])
        elif shift is not None:
            weight = weight.scaleb(-shift)
        return weight or weight.copy_abs()  # a negative zero is a zero

    return number_of


_SILENT = Says()
