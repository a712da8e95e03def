"""The weighbridge's page in a real Chromium, over a real office with its journal; the lorry is the test's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from edge.vehicle.bridge import PLATE, SWITCHES, Gate
from hazgate_edge.terminal.app import create_app
from terminal.conftest import NOON, Terminal
from terminal.gate_box import GateBox

WIDE = {"width": 1366, "height": 768}
NARROW = {"width": 1024, "height": 768}


class BridgeTerminal(Terminal):
    """A terminal with an office."""

    def make_app(self) -> FastAPI:
        assert isinstance(self.box, GateBox)
        return create_app(self.box, now=lambda: NOON, office=self.box.gate.office)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    made = Gate(tmp_path, switches=SWITCHES)
    made.frame("0")
    return made


@pytest.fixture
def bridge(gate: Gate) -> Iterator[BridgeTerminal]:
    served = BridgeTerminal(GateBox(gate=gate, records=[]))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def screen(chromium: Browser, bridge: BridgeTerminal) -> Iterator[Page]:
    """Fails on script errors and refused styles."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    wrong: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    opened.on("console", lambda line: wrong.append(line.text) if "Content Security" in line.text else None)
    opened.goto(bridge.url)
    yield opened
    context.close()
    assert wrong == []


def type_plate(page: Page, plate: str) -> None:
    page.click("#plate-open")
    for key in plate:
        page.click(f'#plate-keys [data-key="{key}"]:visible')
    page.click("#plate-keys [data-dismiss]")


@pytest.mark.browser
def test_a_lorry_is_weighed_twice_by_touch_and_its_ticket_shows_gross_tare_and_net(screen: Page, gate: Gate) -> None:
    """From the root address: blocked in words until it stands right, then two presses make one ticket."""
    button = screen.locator("#main-button")
    expect(screen).to_have_url(re.compile("/vehicle$"))
    expect(screen.locator("#lamp")).to_have_attribute("data-green", "true")
    type_plate(screen, PLATE)
    expect(button).to_contain_text("请车辆上秤")
    gate.rear = False
    gate.stand("9020")
    expect(button).to_contain_text("车尾未全部上秤")
    expect(button).to_be_disabled()
    expect(screen.locator("#lamp")).to_have_attribute("data-green", "false")
    gate.rear = True
    gate.frame("9020")
    expect(button).to_contain_text("第一次称重")
    expect(screen.locator("#weight")).to_have_text("9020")
    button.click()
    expect(screen.locator(".card")).to_contain_text("第一次称重已保存")
    screen.click(".card [data-close]")
    gate.drive_off()
    expect(screen.locator("[data-ticket]")).to_contain_text(PLATE)
    screen.click("[data-ticket]")
    expect(screen.locator("#pairing")).to_contain_text("第二次称重")
    gate.stand("15240")
    expect(button).to_contain_text("第二次称重")
    button.click()
    expect(screen.locator("#card-net")).to_have_text("6220 kg")
    expect(screen.locator("#card-gross")).to_have_text("15240 kg")
    expect(screen.locator("#card-tare")).to_have_text("9020 kg")
    assert [body.weighing for body in gate.bodies()] == ["first", "second"]
    assert not any(body.plate_corrected for body in gate.bodies())


@pytest.mark.browser
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1366", "1024"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_and_can_be_touched_with_gloves(
    screen: Page, gate: Gate, size: dict[str, int], language: str
) -> None:
    """No page scrolls; every button in sight is at least 60 pixels high, in both languages."""
    screen.set_viewport_size({"width": size["width"], "height": size["height"]})
    if language == "en":
        screen.click("#language")
        expect(screen.locator("html")).to_have_attribute("lang", "en")
        expect(screen).to_have_url(re.compile("/vehicle$"))
    gate.stand("9020")
    type_plate(screen, PLATE)
    expect(screen.locator("#main-button")).to_be_enabled()
    fits = "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
    assert screen.evaluate(fits)
    small = screen.evaluate(
        "[...document.querySelectorAll('button, a')].filter(one => one.offsetParent && one.offsetHeight < 60)"
        ".map(one => one.id || one.textContent)"
    )
    assert small == []
    inside = screen.evaluate(
        "[...document.querySelectorAll('.entry > *, .tickets > *')].filter(one => one.offsetParent &&"
        " one.getBoundingClientRect().bottom > one.parentElement.getBoundingClientRect().bottom + 1).map(one => one.id)"
    )
    assert inside == []
