"""Scans on the page: the bag's card or words, wherever the operator is; photos by the page's own route."""

from __future__ import annotations

import io

import httpx
import pytest
import segno
from playwright.sync_api import Page, expect

from hazgate_edge.domain.view import Say, Scanned
from terminal.conftest import Seat, Terminal
from terminal.scripted_box import ScriptedBox


def scanned(number: int, say: Say, rid: str = "") -> Scanned:
    return Scanned(number, "2026-11-23T02:40:05Z", "gun-1", rid, "", say)


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/records"])
def test_a_scan_shows_wherever_the_operator_is(page: Page, terminal: Terminal, box: ScriptedBox, path: str) -> None:
    """An old scan is no news; a foreign code is words and only text; our own label opens its bag's card."""
    box.show(scanned=scanned(1, Say("LBL-01", {"text": "before"})))
    page.goto(terminal.url + path)
    expect(page.locator("#clock")).not_to_have_text("--:--")
    expect(page.locator("#result > *")).to_have_count(0)
    box.show(scanned=scanned(2, Say("LBL-01", {"text": "<img src=x>"})))
    expect(page.locator("#result [data-key=LBL-01]")).to_contain_text("二维码不是本系统的袋号：<img src=x>")
    assert page.locator("#result img").count() == 0
    row = box.records[4]
    box.show(scanned=scanned(3, Say("SCAN-01", {"number": "005"}), row.rid))
    card = page.locator(f'#result [data-rid="{row.rid}"]')
    expect(card).to_contain_text(row.weight)
    expect(card).to_contain_text("已确认")
    expect(card).to_contain_text("2026-11-23 10:40")


async def post_photo(seat: Seat, body: bytes, **headers: str) -> httpx.Response:
    await seat.open()
    return await seat.client.post(
        "/scan/photo", content=body, headers=seat.headers | {"content-type": "image/png"} | headers
    )


async def test_a_photo_goes_the_way_of_every_scan(seat: Seat, box: ScriptedBox) -> None:
    """Its text is handed to the box, which judges it; the page's token is wanted as everywhere."""
    target = io.BytesIO()
    segno.make(box.records[0].label, micro=False).save(target, kind="png", scale=6, border=4)
    assert (await post_photo(seat, target.getvalue())).status_code == 204
    assert box.scans == [(box.records[0].label, "photo")]
    refused = await post_photo(seat, target.getvalue(), **{"x-csrf-token": "0" * 64})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\x89PNG nothing", {}, 422),
        (b"x", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"x", {"content-type": "image/svg+xml"}, 415),
        (b"x" * ((6 << 20) + 1), {}, 413),
    ],
    ids=["broken", "form", "svg", "too-large"],
)
async def test_what_is_no_photo_is_refused(
    seat: Seat, box: ScriptedBox, body: bytes, headers: dict[str, str], status: int
) -> None:
    """By type, by size before it is read, and by what is in it; nothing reaches the box."""
    assert (await post_photo(seat, body, **headers)).status_code == status
    assert box.scans == []


async def test_a_large_body_is_taken_for_photos_alone(seat: Seat) -> None:
    """The bound of every other route stays."""
    await seat.open()
    answer = await seat.client.post("/weigh", content=b"x" * 9000, headers=seat.headers | {"content-type": "image/png"})
    assert answer.status_code == 415
