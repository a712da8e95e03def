"""Photos of labels by the page's own route: who may send one, what is refused, where its text goes."""

from __future__ import annotations

import io

import httpx
import pytest
import segno

from terminal.conftest import Seat
from terminal.scripted_box import ScriptedBox


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
