"""Messages of hz/1: round trips, refusals and bounds. The exact bytes are frozen in tests/contract/uplink."""

from __future__ import annotations

import contextlib
import json
import os
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.journal.chain import link
from hazgate_protocols.journal.record import BODY_BYTES_MAX, NOTES, Record
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.text import one_line
from hazgate_protocols.uplink import messages, topics
from hazgate_protocols.uplink.messages import (
    Fetch,
    Have,
    MalformedError,
    Need,
    Note,
    Push,
    decode_answer,
    decode_fetch,
    decode_push,
    encode_fetch,
    encode_have,
    encode_need,
    encode_push,
)

SIGNER = Signer.from_secret(bytes(range(32)))
HASH = bytes(range(32))
SEAL = bytes(range(64))
PUSH = Push(token="t1", prev=HASH, bodies=(b'{"a":1}', b'{"b":2}'), seal=SEAL, notes_after=3)
NOTE = Note(1, HASH, "accepted", "2024-03-15T01:02:03Z", "0", "好", "R-1")
HAVE = Have(token="t1", hash=HASH, seq=2, stored_at="2024-03-15T01:02:03Z", notes=(NOTE,), seal=SEAL)

hashes = st.binary(min_size=32, max_size=32)
seals = st.binary(min_size=64, max_size=64)
whole = st.integers(0, canonical.INTEGER_MAX)


def lines(most: int) -> st.SearchStrategy[str]:
    return st.text(max_size=most).map(lambda text: one_line(text, most))


pushes = st.builds(
    Push,
    token=lines(messages.TOKEN_CHARS_MAX),
    prev=hashes,
    bodies=st.lists(st.binary(max_size=30).filter(lambda body: b"\n" not in body), max_size=5).map(tuple),
    seal=seals,
    notes_after=whole,
)
notes = st.builds(
    Note,
    n=whole,
    hash=hashes,
    what=lines(messages.WORD_CHARS_MAX),
    at=lines(messages.WORD_CHARS_MAX),
    code=lines(messages.NOTE_CODE_CHARS_MAX),
    text=lines(messages.NOTE_TEXT_CHARS_MAX),
    reference=lines(messages.NOTE_CODE_CHARS_MAX),
)
haves = st.builds(
    Have,
    token=lines(messages.TOKEN_CHARS_MAX),
    hash=hashes,
    seq=whole,
    stored_at=lines(messages.WORD_CHARS_MAX),
    notes=st.lists(notes, max_size=3).map(tuple),
    seal=seals,
)
needs = st.builds(Need, token=lines(messages.TOKEN_CHARS_MAX), ladder=st.lists(hashes, max_size=5).map(tuple))


def packed(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(plain)


def header(**fields: Any) -> bytes:
    """A right header of an empty push with some fields replaced; ... removes one."""
    value = {"v": 1, "token": "t", "prev": HASH.hex(), "n": 0, "notes_after": 0, "seal": SEAL.hex(), **fields}
    return json.dumps({key: item for key, item in value.items() if item is not ...}).encode()


def answer(message: bytes, **fields: Any) -> bytes:
    """An answer with some fields replaced; ... removes one."""
    value = {**json.loads(message), **fields}
    return json.dumps({key: item for key, item in value.items() if item is not ...}).encode()


@given(pushes)
def test_every_push_goes_round(push: Push) -> None:
    """With and without records; the records' bytes are not touched."""
    assert decode_push(encode_push(push)) == push


@given(haves | needs)
def test_every_answer_goes_round_as_canonical_json(message: Have | Need) -> None:
    """have and need are told apart and come back whole."""
    data = encode_have(message) if isinstance(message, Have) else encode_need(message)
    assert decode_answer(data) == message
    assert canonical.encode(canonical.decode(data)) == data


def test_the_head_is_the_last_hash_or_the_parent_of_nothing() -> None:
    """What the seal signs."""
    first = link(HASH, PUSH.bodies[0])
    assert PUSH.hashes() == [first, link(first, PUSH.bodies[1])]
    assert PUSH.head() == link(first, PUSH.bodies[1])
    assert replace(PUSH, bodies=()).head() == HASH


def test_fields_of_a_later_collector_are_ignored_and_do_not_break_the_seal() -> None:
    """Two versions always talk: an addition to a have leaves the old box's check of the seal right."""
    have = replace(HAVE, seal=SIGNER.seal_receipt(HAVE.signed_bytes()))
    later = json.loads(encode_have(have))
    later["later"] = {"x": 0.5}
    later["notes"][0]["later"] = True
    decoded = decode_answer(json.dumps(later).encode())
    assert decoded == have
    assert isinstance(decoded, Have)
    assert receipt_seal_holds(SIGNER.public(), decoded.signed_bytes(), decoded.seal)
    assert decode_push(packed(header(later=[1]))).prev == HASH


@pytest.mark.parametrize(
    "changed",
    [
        replace(HAVE, token="t2"),
        replace(HAVE, hash=HASH[::-1]),
        replace(HAVE, seq=3),
        replace(HAVE, stored_at=""),
        replace(HAVE, notes=()),
        replace(HAVE, notes=(replace(NOTE, what="refused"),)),
        replace(HAVE, notes=(replace(NOTE, n=2),)),
        replace(HAVE, notes=(replace(NOTE, reference="R-2"),)),
    ],
)
def test_a_receipts_seal_covers_every_field(changed: Have) -> None:
    """Whatever is altered on the way, the seal no longer holds."""
    seal = SIGNER.seal_receipt(HAVE.signed_bytes())
    assert receipt_seal_holds(SIGNER.public(), replace(HAVE, seal=seal).signed_bytes(), seal)
    assert not receipt_seal_holds(SIGNER.public(), changed.signed_bytes(), seal)


@pytest.mark.parametrize(
    "fields",
    [
        {"v": 2},
        {"v": True},
        {"v": 1.0},
        {"v": ...},
        {"token": 1},
        {"token": "x" * 65},
        {"token": "\ud800"},
        {"token": "a\nb"},
        {"token": ...},
        {"prev": ""},
        {"prev": HASH.hex().upper()},
        {"prev": " " + HASH.hex()},
        {"prev": HASH.hex()[:-2]},
        {"prev": 5},
        {"seal": HASH.hex()},
        {"seal": ...},
        {"n": 1},
        {"n": -1},
        {"n": True},
        {"n": "0"},
        {"n": ...},
        {"notes_after": -1},
        {"notes_after": 0.0},
        {"notes_after": 2**53},
    ],
    ids=repr,
)
def test_a_push_with_a_wrong_header_is_malformed(fields: dict[str, Any]) -> None:
    """Each field's type, form and bound; the same header unchanged is fine."""
    assert decode_push(packed(header())).bodies == ()
    with pytest.raises(MalformedError):
        decode_push(packed(header(**fields)))


def test_a_push_without_notes_after_asks_from_the_beginning() -> None:
    """The field may be left out."""
    assert decode_push(packed(header(notes_after=...))).notes_after == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"v": 0},
        {"v": True},
        {"token": None},
        {"hash": "00"},
        {"hash": HASH.hex().upper()},
        {"seq": -1},
        {"seq": 1.0},
        {"seq": True},
        {"stored_at": 5},
        {"stored_at": "x" * 41},
        {"seal": ...},
        {"notes": {}},
        {"notes": [1]},
        {"notes": [{}]},
        {"notes": [{**json.loads(encode_have(HAVE))["notes"][0], "n": "1"}]},
        {"notes": [{**json.loads(encode_have(HAVE))["notes"][0], "hash": ""}]},
        {"notes": [{**json.loads(encode_have(HAVE))["notes"][0], "text": "x" * 201}]},
        {"notes": [{**json.loads(encode_have(HAVE))["notes"][0], "code": "a\0b"}]},
        {"notes": json.loads(encode_have(HAVE))["notes"] * (messages.NOTES_MAX + 1)},
    ],
    ids=lambda fields: repr(fields)[:60],
)
def test_a_wrong_receipt_is_malformed(fields: dict[str, Any]) -> None:
    """Each field's type, form and bound; the same receipt unchanged is fine."""
    assert decode_answer(answer(encode_have(HAVE))) == HAVE
    with pytest.raises(MalformedError):
        decode_answer(answer(encode_have(HAVE), **fields))


@pytest.mark.parametrize(
    "ladder",
    [None, {}, "00", [1], [""], [HASH.hex()[1:]], [HASH.hex()] * (messages.LADDER_MAX + 1)],
    ids=lambda v: repr(v)[:30],
)
def test_a_wrong_ladder_is_malformed(ladder: object) -> None:
    """A list of hashes within its bound."""
    need = encode_need(Need("t", (HASH,)))
    assert decode_answer(answer(need)) == Need("t", (HASH,))
    with pytest.raises(MalformedError):
        decode_answer(answer(need, ladder=ladder))


@given(st.binary(max_size=80), st.booleans())
def test_random_bytes_are_malformed_and_nothing_else(data: bytes, pack: bool) -> None:
    """Bare and inside a right zstd frame."""
    with pytest.raises(MalformedError):
        decode_push(packed(data) if pack else data)
    with pytest.raises(MalformedError):
        decode_answer(data)


jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(HASH.hex())
    | st.just(SEAL.hex()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["n", "hash", "what", "x"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["v", "token", "prev", "n", "seal", "hash", "seq", "ladder", "notes"]), jsons))
def test_json_of_any_shape_is_a_message_or_malformed(value: dict[str, Any]) -> None:
    """Wrong types anywhere raise nothing but MalformedError."""
    data = json.dumps({"v": 1, "token": "t", **value}).encode()
    for decode in (lambda: decode_push(packed(data)), lambda: decode_answer(data)):
        with contextlib.suppress(MalformedError):
            decode()


@given(pushes, st.data())
def test_a_push_cut_short_or_with_bytes_behind_it_is_malformed(push: Push, data: st.DataObject) -> None:
    """Never a part of a push, also not when only the last record lost bytes."""
    whole_push = encode_push(push)
    cut = data.draw(st.integers(0, len(whole_push) - 1))
    with pytest.raises(MalformedError):
        decode_push(whole_push[:cut])
    with pytest.raises(MalformedError):
        decode_push(whole_push + data.draw(st.binary(min_size=1, max_size=9)))


@given(pushes, st.data())
def test_a_damaged_push_never_raises_anything_but_malformed(push: Push, data: st.DataObject) -> None:
    """A flipped byte may leave a push (its seal fails then) or none."""
    damaged = bytearray(encode_push(push))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MalformedError):
        decode_push(bytes(damaged))


def bomb(*, declared: bool) -> bytes:
    """256 MiB of zeros in some kilobytes; with or without its size in the frame's header."""
    size = 256 << 20
    packer = zstandard.ZstdCompressor(level=1).compressobj(size=size if declared else -1)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize("declared", [True, False])
def test_a_decompression_bomb_is_refused_without_unpacking_it(declared: bool) -> None:
    """Refused at the bound, whether the frame says its size or not, and memory stays near the bound."""
    data = bomb(declared=declared)
    assert len(data) < messages.PUSH_BYTES_MAX
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            decode_push(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * messages.PUSH_PLAIN_BYTES_MAX


def test_a_frame_that_wants_a_huge_window_is_refused() -> None:
    """A few bytes must not make the library set aside a hundred megabytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = packer.compress(header()) + packer.flush()
    with pytest.raises(MalformedError):
        decode_push(data)


def test_another_encoders_frame_without_a_declared_size_is_read() -> None:
    """Streaming encoders leave the size out; that is a right push too."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    assert decode_push(packer.compress(header()) + packer.flush()).prev == HASH


@pytest.mark.parametrize(
    "plain",
    [
        b"\n" * messages.PUSH_PLAIN_BYTES_MAX,
        header(n=messages.RECORDS_MAX + 1) + b"\n{}" * (messages.RECORDS_MAX + 1),
        header(n=1) + b"\n" + b"x" * (BODY_BYTES_MAX + 1),
        header(n=1) + b"\n{}\n{}",
        header(n=1),
        b"[" * 100_000,
        header().decode().encode("utf-16"),
        b"",
    ],
    ids=["line feeds", "too many", "too long", "more than said", "fewer", "deep", "utf-16", "nothing"],
)
def test_a_push_beyond_its_bounds_is_malformed(plain: bytes) -> None:
    """Records in number and length, and the count the header says."""
    with pytest.raises(MalformedError):
        decode_push(packed(plain))


def test_messages_longer_than_their_bound_are_not_looked_into() -> None:
    """The first check is the length."""
    with pytest.raises(MalformedError, match="at most"):
        decode_push(bytes(messages.PUSH_BYTES_MAX + 1))
    with pytest.raises(MalformedError, match="at most"):
        decode_answer(b" " * (messages.ANSWER_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "push",
    [
        replace(PUSH, bodies=(b"{}",) * (messages.RECORDS_MAX + 1)),
        replace(PUSH, bodies=(b"a\nb",)),
        replace(PUSH, bodies=(b"x" * (BODY_BYTES_MAX + 1),)),
        replace(PUSH, bodies=(b"x" * BODY_BYTES_MAX,) * 65),
        replace(PUSH, bodies=tuple(os.urandom(BODY_BYTES_MAX).replace(b"\n", b" ") for _ in range(17))),
    ],
    ids=["records", "line feed", "record bytes", "plain bytes", "compressed bytes"],
)
def test_what_no_collector_would_take_is_not_encoded(push: Push) -> None:
    """Our own misuse raises at the sender instead of being refused at the other end again and again."""
    with pytest.raises(ValueError, match=r"at most|one line"):
        encode_push(push)


def test_the_largest_record_always_fits_a_push_of_its_own() -> None:
    """So a box that halves its batch always gets on."""
    body = os.urandom(BODY_BYTES_MAX).replace(b"\n", b" ")
    assert decode_push(encode_push(replace(PUSH, bodies=(body,)))).bodies == (body,)


def test_a_receipt_without_seal_or_beyond_its_bounds_is_not_encoded() -> None:
    """Our own misuse raises."""
    for wrong in (
        replace(HAVE, seal=b""),
        replace(HAVE, notes=(NOTE,) * (messages.NOTES_MAX + 1)),
        replace(HAVE, stored_at="x" * 41),
        replace(HAVE, notes=(replace(NOTE, what="a\nb"),)),
    ):
        with pytest.raises(ValueError, match=r"receipt|printable"):
            encode_have(wrong)
    with pytest.raises(ValueError, match="ladder"):
        encode_need(Need("t", (HASH,) * (messages.LADDER_MAX + 1)))


def test_whatever_the_core_says_a_receipt_can_be_read_and_kept_in_one_record() -> None:
    """The worst texts, NOTES_MAX times: within the answer's bound, sealed as sent, and within one journal record."""
    worst = Note(
        canonical.INTEGER_MAX, HASH, "\U00020000" * 40, "\U00020000" * 40, *["\0\n\ud800\U00020000" * 9000] * 3
    )
    have = replace(HAVE, notes=(replace(worst, text="\U00020000" * 9000),) * messages.NOTES_MAX)
    have = replace(have, seal=SIGNER.seal_receipt(have.signed_bytes()))
    data = encode_have(have)
    assert len(data) <= messages.ANSWER_BYTES_MAX
    decoded = decode_answer(data)
    assert isinstance(decoded, Have)
    assert receipt_seal_holds(SIGNER.public(), decoded.signed_bytes(), decoded.seal)
    kept = Record(
        box="b" * 40,
        seq=1,
        rid="018e3e3c-0001-7000-8000-000000000002",
        kind=NOTES,
        t={"wall": "2024-03-15T01:02:03.456Z", "mono_ns": 2**52, "boot": "b" * 36, "source": "ntp", "unc_ms": 1000},
        who={"operator": "", "shift": ""},
        dev={"profile": "", "profile_digest": "", "sw": "1" * 40, "config_digest": "0" * 64},
        body={
            "after": 0,
            "upto": messages.NOTES_MAX,
            "notes": canonical.decode(data)["notes"],
            "receipt": {"hash": HASH.hex(), "seq": 1, "stored_at": HAVE.stored_at},
        },
    )
    assert Record.decode(kept.encode()) == kept


def test_the_longest_ladder_fits_an_answer() -> None:
    """LADDER_MAX steps are within ANSWER_BYTES_MAX."""
    need = Need("t" * messages.TOKEN_CHARS_MAX, (HASH,) * messages.LADDER_MAX)
    assert decode_answer(encode_need(need)) == need


def test_topics_name_their_box() -> None:
    """Each of ours gives the box back; the collectors' subscription is shared."""
    for topic in (topics.push("box-1"), topics.have("box-1"), topics.need("box-1")):
        assert topics.box_of(topic) == "box-1"
    assert topics.push("box-1") == "hz/1/box-1/push"
    assert topics.COLLECTORS == "$share/collect/hz/1/+/push"


@pytest.mark.parametrize(
    "topic",
    ["", "hz", "hz/1//push", "hz/1/BOX/push", "hz/2/box-1/push", "hz/1/box-1", "hz/1/box-1/push/x", "/hz/1/box-1/push"],
)
def test_other_topics_name_no_box(topic: str) -> None:
    """Another version, no box, a box name that is none."""
    assert topics.box_of(topic) is None


@pytest.mark.parametrize(
    "change",
    [
        {"other": 7},
        {"other": {"hash": "00", "seq": 1}},
        {"other": {"hash": "00" * 32, "seq": -1}},
        {"other": {"seq": 1}},
        {"other_seal": "00"},
        {"other_seal": None},
    ],
)
def test_an_answer_with_a_wrong_other_is_malformed(change: dict[str, object]) -> None:
    """Either both keys are as they must be, or nothing of the answer counts."""
    have = Have("t", bytes(32), 0, "2026-01-01T00:00:00.000Z", seal=bytes(64), other_seal=bytes(64))
    value = json.loads(encode_have(have)) | change
    with pytest.raises(MalformedError):
        decode_answer(json.dumps(value).encode())


@pytest.mark.parametrize("change", [{"n": 0}, {"n": 201}, {"n": True}, {"upto": "00"}, {"v": 2}, {"token": 7}])
def test_a_wrong_fetch_is_malformed_and_unknown_keys_are_not(change: dict[str, object]) -> None:
    """Bounds and types; what a later version adds is ignored."""
    value = json.loads(encode_fetch(Fetch("t", bytes(32), 200)))
    assert decode_fetch(json.dumps(value | {"later": 1}).encode()) == Fetch("t", bytes(32), 200)
    with pytest.raises(MalformedError):
        decode_fetch(json.dumps(value | change).encode())
    with pytest.raises(ValueError, match="fetch of 0 records"):
        encode_fetch(Fetch("t", bytes(32), 0))
