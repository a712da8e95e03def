"""A record's bytes are put together from parts; they are those of the canonical encoder for the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.canonical import INTEGER_MAX, NotCanonicalError
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import Record, encode_record

keys = st.text(st.characters(max_codepoint=127), max_size=6)
texts = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers(-INTEGER_MAX - 2, INTEGER_MAX + 2) | texts | st.floats()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(keys, values, max_size=3)
times = st.fixed_dictionaries(dict.fromkeys(("wall", "mono_ns", "boot", "source", "unc_ms"), values))
# Few values for the parts that are remembered, and among them such as Python calls equal: true and 1.
often = st.sampled_from([{}, {"a": 1}, {"a": True}, {"a": "1"}, {"b": {"a": 1}}, {"b": {"a": True}}, {"a": 0.5}])


@given(
    st.fixed_dictionaries(
        {
            "box": texts,
            "seq": st.integers(-1, INTEGER_MAX + 1),
            "rid": texts,
            "kind": texts,
            "t": objects | times,
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


any_text = st.text(st.characters(), max_size=4) | st.sampled_from(
    ["", '"', "\\", "\x1f", "\x7f", "\u2028", "\ud800", "吨"]
)
whole = st.integers(-INTEGER_MAX - 2, INTEGER_MAX + 2) | st.sampled_from([0, 1])
# Few values again: the texts that stay the same from bag to bag are remembered.
weighings = st.builds(
    WeighingBody,
    label=any_text,
    unit_code=st.sampled_from(["u", "v"]),
    unit_name=any_text,
    waste_code=any_text,
    waste_name=any_text,
    category=any_text,
    hazards=st.lists(st.sampled_from("TCI"), max_size=2).map(tuple),
    produced_on=any_text,
    container=any_text,
    volume_l=whole,
    weight_mg=whole,
    weight_text=any_text,
    weight_unit=any_text,
    mode=any_text,
    tare_mg=st.none() | whole,
    stable_by=any_text,
    scale=any_text,
    label_side_mm=whole,
    labels=whole,
    hazards_raw=st.sampled_from(["", "T,I"]),
    findings=st.lists(any_text, max_size=2).map(tuple),
)


@given(weighings)
def test_a_weighing_writes_the_text_of_its_json(body: WeighingBody) -> None:
    """Byte for byte what the canonical encoder makes of as_json(), or the same refusal."""
    try:
        expected = canonical.encode(body.as_json())
    except NotCanonicalError:
        with pytest.raises(NotCanonicalError):
            canonical.utf8(body.as_text())
        return
    assert canonical.utf8(body.as_text()) == expected


def test_a_part_written_already_is_not_written_twice_and_is_nothing_inside_a_value() -> None:
    """Else a text of ours would be quoted, or a forged one taken for JSON."""
    assert canonical.encode(canonical.Text('{"a":1}')) == b'{"a":1}'
    with pytest.raises(NotCanonicalError):
        canonical.encode({"a": canonical.Text('{"a":1}')})


def test_what_python_calls_equal_is_not_the_same_weighing() -> None:
    """True is 1 in Python: after one was written, the other still gets its own text."""
    bodies = [given_labels(1), given_labels(True), given_labels(1)]
    assert [body.as_text() for body in bodies] == [canonical.encode(body.as_json()).decode() for body in bodies]


def given_labels(labels: int) -> WeighingBody:
    return WeighingBody("", "", "", "", "", "", (), "", "", 1, 1, "", "", "", None, "", "", 1, labels)


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
