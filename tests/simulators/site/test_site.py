"""The page's API puts bags on a real simulated scale and shows what a printer printed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hazgate_simulators.scale.replay import Replay, ReplayCase
from hazgate_simulators.scale.simulator import ScaleSimulator
from hazgate_simulators.site.app import Site, create_app
from hazgate_simulators.site.printer import SiteLabelPrinter

# Two labels of 8x8 dots, the upper half black (a 0 bit burns a dot).
JOB = b"SIZE 1 mm,1 mm\r\nCLS\r\nBITMAP 0,0,1,8,0,\x00\x00\x00\x00\xff\xff\xff\xff\r\nPRINT 1,2\r\n"
CAPTURED = bytes.fromhex("02 2B 30 30 30 30 38 35 30 31 36 03")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    replay = Replay("yaohua-tf0", "test", (ReplayCase("person-85kg", "capture", (CAPTURED,), None),))
    made = Site(
        ScaleSimulator("yaohua-tf0", f"pty:{tmp_path / 'scale'}", seed=5),
        printer=SiteLabelPrinter("127.0.0.1", 0, tmp_path / "labels"),
        replay=replay,
    )
    await made.start()
    yield made
    made.scale.check_alive()
    await made.stop()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(site))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as made:
        yield made


async def state_when(client: httpx.AsyncClient, condition: Callable[[Any], bool]) -> Any:
    """The first state that fulfils the condition, within 20 s."""
    async with asyncio.timeout(20):
        while True:
            state = (await client.get("/api/state")).json()
            if condition(state):
                return state
            await asyncio.sleep(0.02)


async def test_a_bag_put_on_by_http_is_weighed_tared_and_removed(client: httpx.AsyncClient) -> None:
    """The load swings, settles at its weight, is tared, and leaves its negative behind."""
    reply = await client.post("/api/load", json={"kg": "12.34"})
    assert reply.status_code == 200
    assert reply.json()["scale"]["load_kg"] == "12.34"
    moving = await state_when(client, lambda s: not s["scale"]["stable"])
    assert moving["scale"]["shown"] != "12.34"
    assert (await client.post("/api/tare")).status_code == 409
    await state_when(client, lambda s: s["scale"]["stable"] and s["scale"]["shown"] == "12.34")
    assert (await client.post("/api/zero")).status_code == 409
    assert (await client.post("/api/tare")).json()["scale"]["net_shown"] is True
    await client.post("/api/remove")
    await state_when(client, lambda s: s["scale"]["stable"] and s["scale"]["shown"] == "-12.34")
    assert (await client.post("/api/tare")).json()["scale"]["net_shown"] is False
    assert (await client.post("/api/zero")).status_code == 200


async def test_the_state_shows_the_bytes_last_sent(client: httpx.AsyncClient) -> None:
    """Hex and readable text of one and the same frame."""
    await client.post("/api/load", json={"kg": "48.6"})
    state = await state_when(client, lambda s: any("48602" in frame["text"] for frame in s["scale"]["frames"]))
    frame = next(frame for frame in state["scale"]["frames"] if "48602" in frame["text"])
    assert frame == {
        "hex": "02 2B 30 30 34 38 36 30 32 31 33 03",
        "text": "<02>+004860213<03>",
        "heard": False,
    }


@pytest.mark.parametrize(
    "order", [{"kg": 12.34}, {"kg": "-1"}, {"kg": "1e3"}, {"kg": "999999"}, {}, {"kg": "1", "x": 1}]
)
async def test_a_load_that_is_no_decimal_text_is_refused(client: httpx.AsyncClient, order: dict[str, object]) -> None:
    """No floats, no signs, no exponents, nothing heavier than any weighbridge."""
    reply = await client.post("/api/load", json=order)
    assert reply.status_code == 422
    assert (await client.get("/api/state")).json()["scale"]["load_kg"] == "0"


async def test_faults_of_scale_and_printer_are_set_apart(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A key left out changes nothing; null clears; unplug removes the port's name until it is cleared."""
    await client.post("/api/fault", json={"scale": "silent", "printer": "paper_out"})
    state = (await client.post("/api/fault", json={"scale": "unplug"})).json()
    assert (state["scale"]["fault"], state["printer"]["fault"]) == ("unplug", "paper_out")
    assert not tmp_path.joinpath("scale").is_symlink()
    state = (await client.post("/api/fault", json={"scale": None, "printer": None})).json()
    assert (state["scale"]["fault"], state["printer"]["fault"]) == (None, None)
    assert tmp_path.joinpath("scale").is_symlink()
    for wrong in ({"scale": "gremlins"}, {"printer": "gremlins"}):
        assert (await client.post("/api/fault", json=wrong)).status_code == 422


async def test_the_captured_bag_is_replayed_until_the_load_is_removed(client: httpx.AsyncClient) -> None:
    """The button sends the captured frame; removing ends it."""
    await client.post("/api/replay")
    text = "<02>+000085016<03>"
    state = await state_when(client, lambda s: s["scale"]["frames"] and s["scale"]["frames"][0]["text"] == text)
    assert state["scale"]["replay"] == {"case": "person-85kg", "origin": "capture"}
    state = (await client.post("/api/remove")).json()
    assert state["scale"]["replay"] is None
    await state_when(client, lambda s: s["scale"]["frames"][0]["text"] == "<02>+000000219<03>")


async def test_printed_labels_are_listed_newest_first_and_shown_again_by_the_next_run(
    site: Site, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """A TSPL job sent to the printer's port appears as two pictures, which outlive the process as files."""
    assert site.printer is not None
    host, _, port = site.printer.address.removeprefix("tcp:").rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(JOB)
    await writer.drain()
    await state_when(client, lambda s: s["labels"] == [2, 1])
    writer.close()
    assert (await client.get("/api/labels")).json() == {"labels": [2, 1]}
    picture = await client.get("/api/labels/1.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content == tmp_path.joinpath("labels", "label-000001.png").read_bytes()
    assert (await client.get("/api/labels/3.png")).status_code == 404
    next_run = SiteLabelPrinter("127.0.0.1", 0, tmp_path / "labels")
    await next_run.start()
    assert (next_run.numbers, next_run.png(1)) == ([2, 1], picture.content)
    await next_run.stop()


async def test_the_page_asks_nobody_else(client: httpx.AsyncClient) -> None:
    """No other address in page, style or script, and a policy that forbids it."""
    for path in ("/", "/static/site.css", "/static/site.js"):
        reply = await client.get(path)
        assert reply.status_code == 200
        assert "http" + "://" not in reply.text
        assert "https:" not in reply.text
        assert reply.headers["content-security-policy"] == "default-src 'self'"


async def test_events_carry_the_state_and_end_when_the_site_stops(site: Site, client: httpx.AsyncClient) -> None:
    """The stream ends by itself, so that stopping need not wait for the browser."""

    async def end() -> None:
        async with asyncio.timeout(20):
            while site.scale.sent_count < 3:  # noqa: ASYNC110 the frames come from the simulator
                await asyncio.sleep(0.01)
        site.stopping.set()

    ending = asyncio.create_task(end())
    async with asyncio.timeout(20):
        events = (await client.get("/api/events")).text
    await ending
    assert events.startswith('data: {"scale":{"profile":"yaohua-tf0"')
    assert events.count("\n\n") >= 2
