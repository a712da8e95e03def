"""Journal records and the weighing's body as bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, BodyError, WeighingBody
from hazgate_protocols.journal.record import BODY_BYTES_MAX, WEIGHING, Record, RecordError
from hazgate_protocols.mass import Mass

RECORD = Record(
    box="box-1",
    seq=2,
    rid="018e3e3c-0001-7000-8000-000000000002",
    kind=WEIGHING,
    t={"wall": "2024-03-15T01:02:03.456Z", "mono_ns": 1, "boot": "b", "source": "ntp", "unc_ms": None},
    who={"operator": "op", "shift": ""},
    dev={"profile": "p", "profile_digest": "d", "sw": "1", "config_digest": "c"},
    body={"any": ["thing", 1, None, "中"]},
    raw=("0201",),
    evidence=({"role": "overview", "digest": "00", "size": 1, "mime": "image/jpeg"},),
)
WEIGHED = WeighingBody(
    label="91130606MA0TETT01H9002140820240315001",
    unit_code="91130606MA0TETT01H",
    unit_name="测试单位",
    waste_code="900-214-08",
    waste_name="废机油",
    category="HW08",
    hazards=("T", "I"),
    produced_on="2024-03-15",
    container="D-1",
    volume_l=200,
    weight_mg=12_340_000,
    weight_text="12.34",
    weight_unit="kg",
    mode="gross",
    tare_mg=None,
    stable_by=STABLE_BY_DEVICE,
    scale="scale-1",
    label_side_mm=150,
    labels=1,
    findings=("edition_not_loaded",),
)

objects = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9) | st.text("xyz中", max_size=4), max_size=3)


def changed(**fields: Any) -> bytes:
    """RECORD's bytes with some fields replaced; None removes one."""
    value = canonical.decode(RECORD.encode())
    value.update(fields)
    return canonical.encode({key: item for key, item in value.items() if item is not ...})


@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]", fullmatch=True),
    st.integers(1, canonical.INTEGER_MAX),
    st.from_regex(r"[a-z][a-z_]{1,30}", fullmatch=True),
    objects,
    st.lists(st.binary(max_size=20).map(bytes.hex), max_size=3),
    st.lists(objects, max_size=2),
)
def test_every_record_goes_round(
    box: str, seq: int, kind: str, body: dict[str, Any], raw: list[str], evidence: list[dict[str, Any]]
) -> None:
    """decode(encode(r)) is r and its bytes are the same again."""
    record = replace(RECORD, box=box, seq=seq, kind=kind, body=body, raw=tuple(raw), evidence=tuple(evidence))
    data = record.encode()
    assert Record.decode(data) == record
    assert Record.decode(data).encode() == data


def test_a_record_with_fields_of_a_later_version_is_read() -> None:
    """Within a version only additions: what is unknown is ignored, the bytes stay what they were."""
    assert Record.decode(changed(added={"x": 1})) == RECORD
    assert Record.decode(changed(t={**RECORD.t, "leap": True})).seq == RECORD.seq


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"v": 2}, "version"),
        ({"v": True}, "version"),
        ({"v": "1"}, "version"),
        ({"box": "Box"}, "box"),
        ({"box": "ab"}, "box"),
        ({"box": "a/b"}, "box"),
        ({"box": 7}, "box"),
        ({"box": "x" * 41}, "box"),
        ({"rid": "018e3e3c-0001-4000-8000-000000000002"}, "rid"),
        ({"rid": "018E3E3C-0001-7000-8000-000000000002"}, "rid"),
        ({"kind": "Weighing"}, "kind"),
        ({"seq": 0}, "seq"),
        ({"seq": True}, "seq"),
        ({"seq": "1"}, "seq"),
        ({"t": []}, "t is not"),
        ({"t": {"wall": ""}}, "t lacks"),
        ({"who": None}, "who"),
        ({"dev": "x"}, "dev"),
        ({"body": [1]}, "body"),
        ({"raw": "00"}, "raw"),
        ({"raw": [1]}, "raw"),
        ({"evidence": ["x"]}, "evidence"),
        ({"evidence": ...}, "evidence"),
        ({"who": ...}, "who"),
    ],
    ids=repr,
)
def test_a_record_that_breaks_the_contract_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    """Each field's type and form."""
    with pytest.raises(RecordError, match=says):
        Record.decode(changed(**fields))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", RECORD.encode() + b"\n", b" " + RECORD.encode()])
def test_bytes_that_are_no_canonical_record_are_refused(data: bytes) -> None:
    """One record has one sequence of bytes."""
    with pytest.raises(RecordError):
        Record.decode(data)


def test_a_record_beyond_its_bound_is_neither_written_nor_read() -> None:
    """BODY_BYTES_MAX holds on both sides."""
    spare = BODY_BYTES_MAX - len(changed(body={"x": ""}))
    fits = replace(RECORD, body={"x": "a" * spare})
    assert len(fits.encode()) == BODY_BYTES_MAX
    assert Record.decode(fits.encode()) == fits
    with pytest.raises(RecordError, match="at most"):
        replace(RECORD, body={"x": "a" * (spare + 1)}).encode()
    with pytest.raises(RecordError, match="at most"):
        Record.decode(changed(body={"x": "a" * (spare + 1)}))


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_the_records_own_error(data: bytes) -> None:
    """Random bytes are no record."""
    with pytest.raises(RecordError):
        Record.decode(data)


def test_a_weighing_goes_round_and_knows_its_mass() -> None:
    """Body to JSON and back, through canonical bytes."""
    body = canonical.decode(canonical.encode(WEIGHED.as_json()))
    assert WeighingBody.from_json(body) == WEIGHED
    assert WeighingBody.from_json({**body, "later": 1}) == WEIGHED
    assert WEIGHED.mass == Mass(12_340_000)
    tared = WEIGHED._replace(mode="net", tare_mg=500_000)
    assert WeighingBody.from_json(tared.as_json()) == tared


@pytest.mark.parametrize(
    ("part", "key", "value", "says"),
    [
        ("weight", "mg", 12_340_001, "is not 12340001 mg"),
        ("weight", "mg", "12340000", "mg"),
        ("weight", "mg", True, "mg"),
        ("weight", "unit", "lb", "unit"),
        ("weight", "text", "", "weight"),
        ("weight", "tare_mg", 0.5, "tare_mg"),
        ("waste", "hazards", "T", "hazards"),
        ("waste", "hazards", [1], "hazards"),
        ("unit", "name", None, "name"),
        ("container", "volume_l", "200", "volume_l"),
        ("print", "labels", None, "labels"),
        ("", "label", 1, "label"),
        ("", "unit", "text", "no object"),
        ("", "weight", None, "no object"),
        ("", "findings", {}, "findings"),
    ],
)
def test_a_weighing_that_contradicts_itself_or_lacks_a_part_is_refused(
    part: str, key: str, value: object, says: str
) -> None:
    """Above all: the milligrams are those of the indicator's own digits."""
    body = WEIGHED.as_json()
    (body[part] if part else body)[key] = value
    with pytest.raises(BodyError, match=says):
        WeighingBody.from_json(body)


@pytest.mark.parametrize("key", sorted(WEIGHED.as_json()))
def test_a_weighing_without_a_part_names_it(key: str) -> None:
    """Every key of the body is needed."""
    body = WEIGHED.as_json()
    del body[key]
    with pytest.raises(BodyError, match=key):
        WeighingBody.from_json(body)
