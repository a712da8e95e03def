"""Scans on the page: the bag's card or words, wherever the operator is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from hazgate_edge.domain.view import Say, Scanned
from terminal.conftest import Terminal
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
