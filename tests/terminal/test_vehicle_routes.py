"""The weighbridge's routes: what is no press is refused in words, and a box of bags has none of them."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx

from edge.vehicle.bridge import PLATE, SWITCHES, Gate
from hazgate_edge.terminal.app import create_app
from terminal.conftest import NOON, Seat
from terminal.gate_box import GateBox


async def test_the_routes_refuse_what_is_no_press(tmp_path: Path) -> None:
    """Keys, tickets and marks have their form; an empty plate and a half-on lorry are told in words."""
    gate = Gate(tmp_path, switches=SWITCHES)
    gate.front = False
    gate.stand("9020")
    app = create_app(GateBox(gate=gate), now=lambda: NOON, office=gate.office)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    press = {"plate": PLATE, "operator": "张三", "request_key": "k" * 16}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        seat = Seat(client)
        assert (await client.get("/")).headers["location"] == "/vehicle"
        page = (await client.get("/vehicle")).text
        found = re.search(r'X-CSRF-Token": "(\w+)"', html.unescape(page))
        assert found is not None
        seat.headers = {"origin": "http://127.0.0.1", "x-csrf-token": found[1], "hx-request": "true"}
        for change, status, key in (
            ({"request_key": ""}, 422, "REQ-04"),
            ({"ticket": "<x>"}, 422, "REQ-04"),
            ({"corrected": "no"}, 422, "REQ-04"),
            ({"operator": "nobody"}, 409, "PICK-04"),
            ({"plate": ""}, 409, "VEH-19"),
            ({"plate": "x"}, 409, "VEH-09"),
            ({}, 409, "VEH-02"),
        ):
            answer = await seat.post("/vehicle/weigh", press | change)
            assert (answer.status_code, key in answer.text) == (status, True), (change, answer.text)
        assert (await seat.post("/vehicle/axle", {"operator": "张三"})).status_code == 409
        assert (await seat.post("/vehicle/drop", {"operator": "张三"})).status_code == 200
    assert gate.bodies() == []


async def test_a_box_of_bags_has_no_weighbridge_page(seat: Seat) -> None:
    """Without an office the page is not there, and the bag page is."""
    assert (await seat.client.get("/vehicle")).status_code == 404
    assert (await seat.client.get("/")).status_code == 200
