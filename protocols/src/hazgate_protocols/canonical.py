"""Canonical JSON (RFC 8785) for records: one meaning, one sequence of bytes.

Numbers are whole and at most 2**53 - 1; decimals travel as strings. Under that rule Python's own encoder writes
RFC 8785 exactly; the tests hold it against an independent implementation.
"""

from __future__ import annotations

import json
import marshal
from json.encoder import encode_basestring
from typing import Any

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 32

Json = Any

# A value that contains itself is deeper than DEPTH_MAX, so the encoder need not look for one again.
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False).encode
_REMEMBERED_MAX = 64


class NotCanonicalError(ValueError):
    """The value or the bytes have no canonical form under our rules."""


class Text(str):
    """The canonical text of a part, written by whoever knows its shape: text() takes it as it is, utf8() looks for
    lone surrogates as everywhere. Inside a value it has no canonical form."""

    __slots__ = ()


def encode(value: Json) -> bytes:
    """The canonical bytes of a value; raises NotCanonicalError for floats, huge integers, odd keys, lone surrogates."""
    return utf8(text(value, 0))


def text(value: Json, depth: int) -> str:
    """The canonical text of a part that lies `depth` deep in a whole; raises as encode(), surrogates in utf8()."""
    if type(value) is str:
        return encode_basestring(value)
    if type(value) is int and -INTEGER_MAX <= value <= INTEGER_MAX:
        return str(value)
    if type(value) is Text:
        return value
    _check(value, depth)
    return _ENCODE(value)


quote = encode_basestring
"""The canonical text of a text, without asking what it is; raises TypeError for anything else."""


def utf8(whole: str) -> bytes:
    """The bytes of a whole text; raises NotCanonicalError for lone surrogates."""
    try:
        return whole.encode()
    except UnicodeEncodeError as exc:
        raise NotCanonicalError(f"text with a lone surrogate: {exc.object[exc.start : exc.end]!r}") from exc


class Remembering:
    """As text(), for parts that come again and again: the newest of them are encoded once. Safe from any thread."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._known: dict[bytes, str] = {}

    def text(self, value: Json) -> str:
        """The canonical text of the part."""
        try:
            key = marshal.dumps(value, 2)  # tells true from 1; version 2 has no back references
        except ValueError:  # what marshal does not know has no canonical form either, and text() says why
            return text(value, self._depth)
        found = self._known.get(key)
        if found is None:
            found = text(value, self._depth)
            if len(self._known) == _REMEMBERED_MAX:
                self._known.clear()
            self._known[key] = found
        return found


def decode(data: bytes) -> Json:
    """The value of canonical bytes; raises NotCanonicalError unless they are exactly what encode() writes."""
    try:
        value = _DECODE(data.decode())
    except (ValueError, RecursionError) as exc:
        raise NotCanonicalError(f"not JSON: {exc}") from exc
    if encode(value) != data:
        raise NotCanonicalError("JSON, but not in canonical form")
    return value


def _no_float(text: str) -> Json:
    raise NotCanonicalError(f"number {text}: decimals travel as strings")


_DECODE = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float).decode  # json.loads would make one a call


def _check(value: Json, depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise NotCanonicalError(f"nested deeper than {DEPTH_MAX}")
    kind = type(value)
    if kind is dict:
        for key in value:
            # RFC 8785 sorts keys by UTF-16 units; for ASCII keys that is Python's order too.
            if type(key) is not str or not key.isascii():
                raise NotCanonicalError(f"key {key!r}: keys are ASCII text")
        items = value.values()
    elif kind is list:
        items = value
    else:
        items = (value,)
    for item in items:  # leaves are judged here: a call for each would cost more than the encoding
        kind = type(item)
        if kind is str or item is None or kind is bool:
            continue
        if kind is int:
            if not -INTEGER_MAX <= item <= INTEGER_MAX:
                raise NotCanonicalError(f"integer of {item.bit_length()} bits does not fit 53")
        elif kind is dict or kind is list:
            _check(item, depth + 1)
        else:
            raise NotCanonicalError(f"{kind.__name__} {item!r} has no canonical form")
