"""What the terminal answers: only to its own pages, always in words, and never with a weight from the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hazgate_edge.domain.view import PrintState, Say, SyncState
from hazgate_edge.terminal.app import create_app
from hazgate_edge.terminal.show import label_groups, trace_address
from terminal.conftest import Seat
from terminal.scripted_box import Press, ScriptedBox, make_row

KEY = "0123456789abcdef0123456789abcdef"
PRESS = {"waste": "900-214-08", "container": "drum200", "operator": "张伟", "request_key": KEY}


async def test_a_press_books_what_was_chosen_and_shows_the_card(seat: Seat, box: ScriptedBox) -> None:
    """Waste, container, operator and the page's key reach the box; a weight sent by a browser does not."""
    await seat.open()
    answer = await seat.post("/weigh", PRESS | {"weight": "999.9"})
    assert answer.status_code == 200
    assert box.presses == [Press("900-214-08", "drum200", "张伟", KEY)]
    assert "12.50 kg" in answer.text
    assert "999.9" not in answer.text
    assert "/label/0193-0001.png" in answer.text
    assert (await seat.client.get("/label/0193-0001.png")).content.startswith(b"\x89PNG")


async def test_a_double_tap_books_once(seat: Seat, box: ScriptedBox) -> None:
    """The same key reaches the box twice unchanged and gives the same card."""
    await seat.open()
    first, second = await seat.post("/weigh", PRESS), await seat.post("/weigh", PRESS)
    assert first.text == second.text
    assert [press.request for press in box.presses] == [KEY, KEY]
    assert len(box.booked) == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"x_csrf_token": ""}, 403),
        ({"x_csrf_token": "0" * 64}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://evil.invalid"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[::"}, 403),
        ({"host": "evil.invalid"}, 400),
        ({"host": "127.0.0.1.evil.invalid"}, 400),
        ({"host": "[::"}, 400),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
    ],
    ids=str,
)
async def test_a_page_elsewhere_cannot_weigh(seat: Seat, box: ScriptedBox, wrong: dict[str, str], status: int) -> None:
    """Without our token, origin, host and form the box hears nothing, and the answer is in words."""
    await seat.open()
    answer = await seat.post("/weigh", PRESS, **wrong)
    assert answer.status_code == status
    assert box.presses == []
    assert "REQ-0" in answer.text


async def test_a_token_of_another_seat_is_refused(seat: Seat, box: ScriptedBox) -> None:
    """The token belongs to its cookie."""
    await seat.open()
    seat.client.cookies.clear()
    seat.client.cookies.set("hazgate_seat", "f" * 32)
    assert (await seat.post("/weigh", PRESS)).status_code == 403
    assert box.presses == []


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
async def test_a_long_body_is_refused_whether_it_tells_its_length_or_not(
    seat: Seat, box: ScriptedBox, told: bool
) -> None:
    """More than 8 KiB never reaches the box, and a body that does not tell its length is not read."""
    await seat.open()
    body = b"waste=" + b"9" * 9000

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    headers = seat.headers | {"content-type": "application/x-www-form-urlencoded"}
    answer = await seat.client.post("/weigh", content=body if told else in_pieces(), headers=headers)
    assert answer.status_code == (413 if told else 411)
    assert "REQ-04" in answer.text
    assert box.presses == []


async def test_other_methods_are_refused(seat: Seat) -> None:
    """Only GET, HEAD and POST exist."""
    assert (await seat.client.put("/weigh")).status_code == 405


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"waste": ""}, "PICK-01"),
        ({"waste": "000-000-00"}, "WASTE-01"),
        ({"container": "bag50"}, "PICK-03"),
        ({"operator": ""}, "PICK-02"),
        ({"operator": "nobody"}, "PICK-04"),
        ({"request_key": ""}, "REQ-04"),
        ({"request_key": "short"}, "REQ-04"),
        ({"operator": "x" * 200}, "REQ-04"),
    ],
)
async def test_a_choice_that_was_not_offered_is_refused(
    seat: Seat, box: ScriptedBox, change: dict[str, str], key: str
) -> None:
    """The browser chooses from what the box offers; anything else is refused in words and not booked."""
    await seat.open()
    answer = await seat.post("/weigh", PRESS | change)
    assert 400 <= answer.status_code < 500
    assert f'data-key="{key}"' in answer.text
    assert box.presses == []


async def test_the_box_refusal_is_shown_in_words(seat: Seat, box: ScriptedBox) -> None:
    """Refused is status 409 with what happened, what is safe and what to do."""
    box.refuse_with = Say("SCALE-14")
    await seat.open()
    answer = await seat.post("/weigh", PRESS)
    assert answer.status_code == 409
    for part in ("按下后重量变了，已取消", "本袋未记录", "等稳定后再按一次"):
        assert part in answer.text


async def test_a_failure_inside_shows_a_sentence_and_no_trace(seat: Seat, box: ScriptedBox) -> None:
    """An exception becomes SYS-04 with the security headers; its text stays in the log."""
    box.fail_with = RuntimeError("secret detail of the box")
    await seat.open()
    answer = await seat.post("/weigh", PRESS)
    assert answer.status_code == 500
    assert "SYS-04" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/result/0193-9999", "/label/0193-9999.png", "/label/..%2f..%2fx.png"])
async def test_an_unknown_record_is_said_in_words(seat: Seat, path: str) -> None:
    """404 in words, never an empty page."""
    answer = await seat.client.get(path)
    assert answer.status_code == 404
    assert "REQ-0" in answer.text


async def test_an_unknown_page_is_said_in_words(seat: Seat) -> None:
    """404 in the operator's language with the way back."""
    answer = await seat.client.get("/nowhere")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text


async def test_every_answer_carries_the_security_headers(seat: Seat) -> None:
    """Pages, fragments, pictures, refusals and static files all do; no inline script or style is allowed."""
    page = await seat.open()
    asset = page.split('rel="stylesheet" href="')[1].split('"')[0]
    for path in ("/", "/records", "/records/list", "/recent", "/label/0193-0009.png", "/nowhere", asset):
        headers = (await seat.client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cache-control"] == ("public, max-age=31536000, immutable" if path == asset else "no-store")
    assert (await seat.client.get("/", headers={"host": "evil.invalid"})).headers["x-frame-options"] == "DENY"


async def test_the_seat_is_a_strict_cookie(seat: Seat) -> None:
    """HttpOnly, SameSite=Strict, and not renewed while it is good."""
    first = await seat.client.get("/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Strict" in first.headers["set-cookie"]
    assert "set-cookie" not in (await seat.client.get("/")).headers


async def test_text_from_the_box_cannot_become_markup(seat: Seat, box: ScriptedBox) -> None:
    """A refusal in the other side's words is shown, not run."""
    box.records = [make_row(1, sync=SyncState.REFUSED, sync_text="<script>alert(1)</script>")]
    listed = (await seat.client.get("/records/list")).text
    assert "&lt;script&gt;alert(1)" in listed
    assert "<script>alert" not in listed


async def test_the_list_says_how_far_each_record_is(seat: Seat) -> None:
    """待传, 云端已收 HH:MM, 已确认 HH:MM, 拒收 with its reason, and a link to the trace."""
    listed = (await seat.client.get("/records/list")).text
    for part in ("待传", "云端已收 10:38", "已确认 10:30", "拒收", "单袋上限 500 kg", "补打 2 次"):
        assert part in listed, part
    assert 'href="https://cloud.invalid/t/91130600MA0EXAMPL49002140820261123009"' in listed


async def test_a_held_record_says_why_and_what_to_do_in_the_operators_words(seat: Seat, box: ScriptedBox) -> None:
    """The collector's own words are the tooltip; a code that no sentence of ours knows is shown as it came."""
    raw = "label_reused label number 9113 belongs to record 056d455e"
    box.records = [
        make_row(1, sync=SyncState.REFUSED, sync_text=raw),
        make_row(2, sync=SyncState.REFUSED, sync_text="new_rule something of tomorrow"),
    ]
    listed = (await seat.client.get("/records/list")).text
    assert "暂扣：袋号已被另一条记录使用<br>袋子先放一边，请管理员核实" in listed
    assert f'title="{raw}"' in listed
    assert listed.count(raw) == 1
    assert "new_rule something of tomorrow" in listed


@pytest.mark.parametrize(("said", "state"), [("yes", PrintState.PRINTED), ("no", PrintState.FAILED)])
async def test_the_answer_about_an_unsure_label_reaches_the_box(
    seat: Seat, box: ScriptedBox, said: str, state: PrintState
) -> None:
    """已出 / 未出 goes to the box with the operator, and the list is told to refresh."""
    await seat.open()
    answer = await seat.post("/records/0193-0009/answer", {"printed": said, "operator": "张伟"})
    assert answer.status_code == 200
    assert answer.headers["hx-trigger"] == "records-changed"
    assert box.answers == [("0193-0009", said == "yes", "张伟")]
    row = await box.row("0193-0009")
    assert row is not None
    assert row.print_state is state


async def test_an_answer_nobody_asked_for_is_refused(seat: Seat) -> None:
    """A label that is not in doubt stays as it is."""
    await seat.open()
    answer = await seat.post("/records/0193-0006/answer", {"printed": "yes", "operator": "张伟"})
    assert answer.status_code == 409
    assert "REQ-07" in answer.text


@pytest.mark.parametrize(
    ("rid", "reason", "status"),
    [
        ("0193-0006", "damaged", 200),
        ("0193-0006", "not_printed", 409),
        ("0193-0006", "because", 409),
        ("0193-0008", "not_printed", 200),
        ("0193-0008", "damaged", 409),
        ("0193-0009", "damaged", 409),
        ("0193-9999", "damaged", 404),
    ],
)
async def test_a_copy_needs_a_reason_and_an_original_needs_none(
    seat: Seat, box: ScriptedBox, rid: str, reason: str, status: int
) -> None:
    """A printed label goes out again only with a listed reason; one that failed goes out as the original; one in
    doubt not before the question is answered."""
    await seat.open()
    answer = await seat.post(f"/records/{rid}/print", {"reason": reason, "operator": "张伟"})
    assert answer.status_code == status
    assert box.prints == ([(rid, reason, "张伟")] if status == 200 else [])


async def test_the_language_is_kept_and_the_way_back_is_ours(seat: Seat) -> None:
    """EN is remembered; the page to go back to is one of ours, whatever the form says."""
    await seat.open()
    answer = await seat.post("/language", {"to": "en", "back": "https://evil.invalid/"})
    assert answer.headers["hx-redirect"] == "/"
    assert '<html lang="en">' in (await seat.client.get("/")).text
    await seat.post("/language", {"to": "xx"})
    assert '<html lang="en">' in (await seat.client.get("/")).text


async def test_no_page_names_a_foreign_address(seat: Seat) -> None:
    """Nothing is loaded from anywhere else; the trace link is the only address with a host."""
    for path in ("/", "/records"):
        text = (await seat.client.get(path)).text.replace("https://cloud.invalid/t/", "")
        for unwanted in ("http://", "https://", " style=", " onclick="):
            assert unwanted not in text


def test_missing_browser_libraries_stop_the_start(box: ScriptedBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without htmx the page would look alive and do nothing: the start says what to run."""
    monkeypatch.setattr("pathlib.Path.is_file", lambda _: False)
    with pytest.raises(FileNotFoundError, match=r"run tools/assets\.py"):
        create_app(box)


def test_a_label_number_splits_into_its_segments() -> None:
    """18 + 8 + 8 + 3; a number of another length still shows its last three apart."""
    assert label_groups("91130600MA0EXAMPL49002140820261123001") == (
        "91130600MA0EXAMPL4",
        "90021408",
        "20261123",
        "001",
    )
    assert label_groups("AB-12345") == ("AB-12", "345")
    assert label_groups("7") == ("7",)


def test_a_trace_address_is_a_web_address() -> None:
    """No link without a base, and none that could run a script."""
    assert trace_address("http://cloud.invalid/t/", "A/B") == "http://cloud.invalid/t/A%2FB"
    assert trace_address("", "A") == ""
    assert trace_address("javascript:alert(1)//", "A") == ""
