"""Canonical JSON against an independent implementation of RFC 8785."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.canonical import DEPTH_MAX, INTEGER_MAX, NotCanonicalError

keys = st.text(st.characters(max_codepoint=127), max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_our_bytes_are_those_of_rfc_8785(value: Any) -> None:
    """The independent implementation writes the same bytes, and they decode to the value."""
    data = canonical.encode(value)
    assert data == rfc8785.dumps(value)
    assert canonical.decode(data) == value


def test_every_single_character_is_written_as_the_standard_writes_it() -> None:
    """All control characters, quotes, and samples beyond the first plane."""
    for code in [*range(0x300), 0x2028, 0x2029, 0x4E2D, 0xFFFD, 0xFFFF, 0x1F600, 0x10FFFF]:
        assert canonical.encode(chr(code)) == rfc8785.dumps(chr(code))


@given(values)
def test_no_canonical_text_holds_a_raw_line_feed(value: Any) -> None:
    """A push puts one record on a line; this is what makes it safe."""
    assert b"\n" not in canonical.encode(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        {"a": [0.5]},
        INTEGER_MAX + 1,
        -INTEGER_MAX - 1,
        10**5000,
        "\ud800",
        {"a": "\udfff"},
        {"ü": 1},
        {1: 1},
        {"a": b"x"},
        (1,),
        {"a": {1, 2}},
        {"a": object()},
    ],
    ids=lambda value: repr(value)[:24] if not isinstance(value, int) else f"int{value.bit_length()}bits",
)
def test_a_value_without_one_meaning_is_refused(value: Any) -> None:
    """Floats, integers beyond 53 bits, lone surrogates, keys that are not ASCII text, other types."""
    with pytest.raises(NotCanonicalError):
        canonical.encode(value)


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_ends_at_its_bound() -> None:
    """DEPTH_MAX is taken, one more is not, and neither are the bytes of a hundred thousand."""
    assert canonical.decode(canonical.encode(nested(DEPTH_MAX))) == nested(DEPTH_MAX)
    with pytest.raises(NotCanonicalError):
        canonical.encode(nested(DEPTH_MAX + 1))
    with pytest.raises(NotCanonicalError):
        canonical.decode(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"NaN",
        b"Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"9007199254740992",
        b"9" * 5000,
        '{"ü":1}'.encode(),
        "1".encode("utf-16"),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_json_that_is_not_canonical_is_refused(data: bytes) -> None:
    """Spaces, order, doubled keys, other spellings of the same value, other encodings."""
    with pytest.raises(NotCanonicalError):
        canonical.decode(data)


@given(st.binary(max_size=60) | st.text(max_size=30).map(str.encode) | values.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_either_are_canonical_or_raise_that_error_alone(data: bytes) -> None:
    """What decodes encodes to the same bytes."""
    try:
        value = canonical.decode(data)
    except NotCanonicalError:
        return
    assert canonical.encode(value) == data
