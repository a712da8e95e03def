"""The operator's page on the real box: Chromium, the real chain behind it, nothing scripted but scale and printer."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from hazgate_edge.domain.view import Phase
from hazgate_simulators.demo.stack import Stack
from system.operator import working

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.timeout(240)]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 45_000


async def choose(page: Page, terminal: str) -> None:
    """Open the page, choose operator and waste."""
    await page.goto(f"{terminal}/")
    await page.get_by_text("操作员").first.click()
    await page.get_by_text("张三").first.click()
    await page.get_by_text("废矿物油").first.click()


async def test_a_bag_from_the_pan_to_accepted_on_the_page(tmp_path: Path) -> None:
    """Weigh, see the label, find it accepted in the list, follow it to its trace; no request leaves this machine."""
    async with working(Stack(tmp_path)) as operator, async_playwright() as play:
        await operator.take_off()
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1024, "height": 768})
        page.set_default_timeout(PATIENCE_MS)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await choose(page, operator.stack.terminal_url)
        button = page.locator("#main-button")
        await expect(button).to_be_disabled()
        await operator.put("12.34")
        await expect(page.locator("#weight")).to_have_text("12.34", timeout=PATIENCE_MS)
        await expect(button).to_be_enabled(timeout=PATIENCE_MS)
        await button.click()
        await expect(page.get_by_text("已保存").first).to_be_visible(timeout=PATIENCE_MS)
        await operator.take_off()
        await page.goto(f"{operator.stack.terminal_url}/records")
        await expect(page.get_by_text(re.compile("已确认 ..:..")).last).to_be_visible(timeout=PATIENCE_MS)
        trace = await page.locator('a[href*="/t/"]').first.get_attribute("href")
        assert trace is not None
        assert all(url.startswith((operator.stack.terminal_url, "data:")) for url in asked), asked
        await page.goto(trace)
        await expect(page.get_by_text("12.34").first).to_be_visible()
        await expect(page.get_by_text("监管平台已接收").first).to_be_visible()
        await browser.close()


async def test_a_killed_box_takes_the_weight_off_the_page_and_comes_back(tmp_path: Path) -> None:
    """Within a second no weight and a dead button; after the restart the page works again without a hand on it."""
    async with working(Stack(tmp_path)) as operator, async_playwright() as play:
        await operator.take_off()
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(PATIENCE_MS)
        await choose(page, operator.stack.terminal_url)
        await operator.put("25.00")
        await expect(page.locator("#weight")).to_have_text("25.00", timeout=PATIENCE_MS)
        await asyncio.to_thread(operator.stack.edge.kill)
        await expect(page.locator("#weight")).not_to_have_text("25.00", timeout=3000)
        await expect(page.locator("#main-button")).to_be_disabled(timeout=3000)
        await asyncio.to_thread(operator.stack.start_edge)
        await expect(page.locator("#weight")).to_have_text("25.00", timeout=PATIENCE_MS)
        live = await operator.live(lambda live: live.weight == "25.00", "weight after the restart")
        assert live.phase is Phase.BOOKED, "a bag found on the pan at the start must come off first"
        await expect(page.locator("#main-button")).to_be_disabled()
        await browser.close()
