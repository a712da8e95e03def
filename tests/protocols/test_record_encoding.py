"""A record's bytes are put together from parts; they are those of the canonical encoder for the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.canonical import INTEGER_MAX, NotCanonicalError
from hazgate_protocols.journal.record import Record, encode_record

keys = st.text(st.characters(max_codepoint=127), max_size=6)
texts = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers(-INTEGER_MAX - 2, INTEGER_MAX + 2) | texts | st.floats()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(keys, values, max_size=3)
# Few values for the parts that are remembered, and among them such as Python calls equal: true and 1.
often = st.sampled_from([{}, {"a": 1}, {"a": True}, {"a": "1"}, {"b": {"a": 1}}, {"b": {"a": True}}, {"a": 0.5}])


@given(
    st.fixed_dictionaries(
        {
            "box": texts,
            "seq": st.integers(-1, INTEGER_MAX + 1),
            "rid": texts,
            "kind": texts,
            "t": objects,
            "who": often | objects,
            "dev": often,
            "body": objects,
            "raw": st.lists(texts, max_size=3).map(tuple),
            "evidence": st.lists(objects, max_size=2).map(tuple),
        }
    )
)
def test_the_parts_are_the_bytes_of_the_whole(fields: dict[str, Any]) -> None:
    """Whatever the fields hold, in any order of calls: the same bytes, or the same refusal."""
    whole = {"v": 1, **fields, "raw": list(fields["raw"]), "evidence": list(fields["evidence"])}
    try:
        expected = canonical.encode(whole)
    except NotCanonicalError:
        with pytest.raises(NotCanonicalError):
            encode_record(**fields)
        return
    assert encode_record(**fields) == expected
    assert Record(**fields).encode() == expected


def test_more_kinds_of_a_part_than_are_remembered_are_written_right_too() -> None:
    """At its bound the memory begins anew."""
    remembering = canonical.Remembering(depth=1)
    for turn in range(3):
        for number in range(100):
            assert remembering.text({"n": number, "t": turn}) == f'{{"n":{number},"t":{turn}}}'


def test_what_python_calls_equal_is_not_taken_for_the_same_part() -> None:
    """True equals 1 in Python, and they are two texts."""
    remembering = canonical.Remembering(depth=1)
    parts: list[Any] = [{"a": 1}, {"a": True}, {"b": {"a": 1}}, {"b": {"a": True}}]
    assert [remembering.text(part) for part in parts] == ['{"a":1}', '{"a":true}', '{"b":{"a":1}}', '{"b":{"a":true}}']
