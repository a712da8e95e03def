"""What the core's answer may mean: exactly four things, and never an exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.core_api import (
    ANSWER_BYTES_MAX,
    ANSWER_TEXT_CHARS_MAX,
    Answer,
    Outcome,
    Submission,
    decode_answer,
)

SUBMISSION = Submission(
    rid="018e3e3c-0001-7000-8000-000000000002",
    digital_id="91130606MA0TETT01H9002140820240315001",
    unit_code="91130606MA0TETT01H",
    unit_name="测试单位",
    waste_code="900-214-08",
    waste_name="废机油",
    category_code="HW08",
    hazard_characteristics="T,I",
    produced_on="2024-03-15",
    quantity_t="0.012340",
    weighed_at="2024-03-15T01:02:03.456Z",
    box="box-1",
    record_hash="00" * 32,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"outcome": "accepted"}, Answer(Outcome.ACCEPTED)),
        (
            {"outcome": "accepted", "reference": "R-1", "code": "0", "text": "好"},
            Answer(Outcome.ACCEPTED, "R-1", "0", "好"),
        ),
        ({"outcome": "duplicate", "reference": "R-1"}, Answer(Outcome.DUPLICATE, "R-1")),
        ({"outcome": "refused", "code": "E7", "text": "no"}, Answer(Outcome.REFUSED, "", "E7", "no")),
        ({"outcome": "accepted", "later": {"x": [1.5]}}, Answer(Outcome.ACCEPTED)),
    ],
)
def test_a_plain_outcome_is_taken_as_it_is(body: dict[str, object], expected: Answer) -> None:
    """The three outcomes, texts optional, unknown keys ignored."""
    assert decode_answer(200, json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html><body>502 Bad Gateway</body></html>",
        b"null",
        b"true",
        b"[]",
        b'["accepted"]',
        b'"accepted"',
        b"{}",
        b'{"success":true}',
        b'{"success":"true"}',
        b'{"success":true,"msg":"accepted"}',
        b'{"outcome":true}',
        b'{"outcome":1}',
        b'{"outcome":null}',
        b'{"outcome":["accepted"]}',
        b'{"outcome":{"accepted":1}}',
        b'{"outcome":"Accepted"}',
        b'{"outcome":"ACCEPTED"}',
        b'{"outcome":" accepted"}',
        b'{"outcome":"ok"}',
        b'{"outcome":"unknown"}',
        b'{"outcome":""}',
        b'{"Outcome":"accepted"}',
        b'{"outcome":"accepted"',
        b'{"outcome":"accepted"}{"outcome":"refused"}',
        b'{"outcome":"accepted","reference":7}',
        b'{"outcome":"accepted","code":null}',
        b'{"outcome":"refused","text":["no"]}',
        b'\xff\xfe{"outcome":"accepted"}',
        b'{"outcome":"accepted","n":' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"outcome":"accepted","text":"' + b"x" * ANSWER_BYTES_MAX + b'"}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_anything_less_than_plain_is_unknown_with_the_reason(body: bytes) -> None:
    """The forwarder asks before it repeats; "success": true says nothing about a submission."""
    answer = decode_answer(200, body)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.detail


@pytest.mark.parametrize("status", [0, 100, 201, 202, 204, 301, 400, 401, 404, 409, 429, 500, 502, 503, 504])
def test_any_other_status_is_unknown_whatever_the_body_says(status: int) -> None:
    """A gateway's 500 around an accepted, a 202 of a queue, a 409 of somebody else's duplicate."""
    answer = decode_answer(status, b'{"outcome":"accepted"}')
    assert answer.outcome is Outcome.UNKNOWN
    assert str(status) in answer.detail


def test_only_accepted_and_duplicate_are_settled() -> None:
    """Refused and unknown are not held by the core."""
    assert {outcome for outcome in Outcome if outcome.settled} == {Outcome.ACCEPTED, Outcome.DUPLICATE}


def test_texts_of_the_core_come_back_fit_to_store() -> None:
    """NUL, line feeds and lone surrogates cost a character, length ends at its bound; the outcome stays."""
    body = b'{"outcome":"refused","code":"a\\u0000b","reference":"\\ud800","text":"x\\n' + b"y" * 2000 + b'"}'
    answer = decode_answer(200, body)
    assert (answer.outcome, answer.code, answer.reference) == (Outcome.REFUSED, "a b", " ")
    assert answer.text == "x " + "y" * (ANSWER_TEXT_CHARS_MAX - 2)


texts = st.text(max_size=30) | st.characters(categories=["Cs"])
near_answers = st.dictionaries(
    st.sampled_from(["outcome", "reference", "code", "text", "success"]),
    st.sampled_from(["accepted", "duplicate", "refused", "unknown"]) | texts | st.none() | st.integers() | st.floats(),
).map(lambda value: json.dumps(value).encode())


@given(st.sampled_from([200, 200, 200, 404, 500]), st.binary(max_size=100) | near_answers)
def test_no_answer_ever_raises_and_every_text_can_be_stored(status: int, body: bytes) -> None:
    """Whatever the status and the bytes: an Answer whose texts encode; only a plain outcome settles."""
    answer = decode_answer(status, body)
    "".join((answer.reference, answer.code, answer.text, answer.detail)).encode()
    if answer.outcome is not Outcome.UNKNOWN:
        assert status == 200
        assert json.loads(body)["outcome"] == answer.outcome.value


def test_a_submission_is_plain_json_of_texts() -> None:
    """Exact bytes; tonnes are a text of six places."""
    assert (
        SUBMISSION.encode()
        == (
            '{"rid":"018e3e3c-0001-7000-8000-000000000002","digital_id":"91130606MA0TETT01H9002140820240315001",'
            '"unit_code":"91130606MA0TETT01H","unit_name":"测试单位","waste_code":"900-214-08","waste_name":"废机油",'
            '"category_code":"HW08","hazard_characteristics":"T,I","produced_on":"2024-03-15","quantity_t":"0.012340",'
            '"weighed_at":"2024-03-15T01:02:03.456Z","box":"box-1","record_hash":"' + "00" * 32 + '"}'
        ).encode()
    )
