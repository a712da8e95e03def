"""The pages in a real Chromium over a scripted box: what the operator sees, and above all what is never shown.

Every test also fails on a script error, a foreign request or a violation of the content security policy (fixture page).
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from hazgate_edge.domain.view import Chip, Light, Numbers, Phase, PrintState, Say
from terminal.conftest import Terminal
from terminal.scripted_box import START, WASTES, Press, ScriptedBox, make_row

pytestmark = pytest.mark.browser

BLANK = "— —"

# In the page: ms from the last frame with a new number to the moment the weight is gone, on the page's own clock.
WATCH_THE_WEIGHT = """() => {
  const weight = document.getElementById("weight");
  window.watched = { shown: performance.now(), gone: null };
  new MutationObserver(() => {
    if (weight.textContent === "— —" && watched.gone === null) watched.gone = performance.now();
  }).observe(weight, { childList: true, characterData: true, subtree: true });
}"""


def button(page: Page) -> Locator:
    return page.locator("#main-button")


def open_ready(page: Page, terminal: Terminal) -> None:
    """The weighing page with operator and waste chosen and the button alive."""
    page.goto(terminal.url)
    page.click("#operator-open")
    page.click("[data-operator=张伟]")
    page.click('[data-waste="900-214-08"]')
    expect(button(page)).to_be_enabled()


def test_the_button_is_dead_and_says_why_until_it_may_be_pressed(
    page: Page, terminal: Terminal, box: ScriptedBox
) -> None:
    """Operator, waste, bag, stability: each missing one is named on the button; then it lives."""
    box.show(phase=Phase.EMPTY, weight="0.00")
    page.goto(terminal.url)
    expect(button(page)).to_contain_text("请选择操作员")
    expect(button(page)).to_be_disabled()
    page.click("#operator-open")
    page.click("[data-operator=李秀英]")
    expect(button(page)).to_contain_text("请选择危废")
    page.click('[data-waste="900-039-49"]')
    expect(button(page)).to_contain_text("请放上一袋")
    box.show(phase=Phase.MOVING, stable=False, weight="8.30", blocked=(Say("SCALE-03"),))
    expect(button(page)).to_contain_text("未稳定，请勿触碰")
    expect(page.locator("#motion-word")).to_have_text("未稳定")
    expect(button(page)).to_be_disabled()
    box.show(phase=Phase.SETTLED, stable=True, weight="8.32", blocked=())
    expect(button(page)).to_be_enabled()
    expect(button(page)).to_contain_text("称重打码")
    expect(page.locator("#weight")).to_have_text("8.32")
    expect(page.locator("#motion-word")).to_have_text("稳定")


def test_what_is_broken_comes_before_what_must_be_chosen(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """A scale without signal is on the button, the printer's trouble beside it and among the notices."""
    paper = Say("PRN-01")
    box.show(
        phase=Phase.NO_WEIGHT,
        weight="",
        age_ms=None,
        stable=None,
        blocked=(Say("SCALE-01", {"n": "7"}), paper),
        chips=(Chip("scale", Light.BAD, Say("SCALE-01", {"n": "7"})), Chip("printer", Light.BAD, paper)),
    )
    page.goto(terminal.url)
    expect(button(page)).to_contain_text("秤无信号（已 7 秒）")
    expect(page.locator("#also")).to_contain_text("打印机缺纸")
    expect(page.locator("#notices")).to_contain_text("换纸")
    expect(page.locator("#weight")).to_have_text(BLANK)
    expect(page.locator("[data-chip=scale]")).to_have_text("秤故障")


def test_few_numbers_are_a_notice_and_none_stop_only_their_waste(
    page: Page, terminal: Terminal, box: ScriptedBox
) -> None:
    """Before the press: what is low is said, what is used up locks the button, another waste still goes."""
    low = Numbers("900-214-08", 7, Say("NUM-02", {"left": "7"}))
    gone = Numbers("900-214-08", 0, Say("NUM-01", {"waste": "900-214-08", "n": "999"}))
    box.show(numbers=(low,))
    open_ready(page, terminal)
    expect(page.locator("#notices")).to_contain_text("号码还剩 7 个")
    box.show(numbers=(gone,))
    expect(button(page)).to_contain_text("号码已用完")
    expect(button(page)).to_be_disabled()
    page.click('[data-waste="900-039-49"]')
    expect(button(page)).to_be_enabled()


def test_a_press_weighs_once_and_shows_the_card(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """Two fast taps reach the box as one press with the choices made; the card has code, weight and label; the next bag
    waits for the empty pan; the choice stays."""
    open_ready(page, terminal)
    page.evaluate("() => { const b = document.getElementById('main-button'); b.click(); b.click(); }")
    card = page.locator(".card")
    expect(card).to_contain_text("已保存")
    expect(card).to_contain_text("12.50 kg")
    expect(card.locator(".label-code .tail")).to_have_text("001")
    expect(card.locator("img")).to_have_js_property("naturalWidth", 400)
    assert [(press.waste_code, press.container, press.operator) for press in box.presses] == [
        ("900-214-08", "drum200", "张伟")
    ]
    expect(button(page)).to_be_disabled()
    page.click("[data-close]")
    expect(button(page)).to_contain_text("请取下这一袋")
    expect(page.locator("#recent li").first).to_contain_text("001")
    box.show(phase=Phase.SETTLED)
    button(page).click()
    expect(card.locator(".label-code .tail")).to_have_text("002")
    assert len({press.request for press in box.presses}) == 2


def test_the_card_goes_when_the_bag_is_off_the_pan(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """No touch is needed between two bags."""
    open_ready(page, terminal)
    button(page).click()
    expect(page.locator(".card")).to_be_visible()
    box.show(phase=Phase.EMPTY, weight="0.00")
    expect(page.locator(".card")).to_have_count(0)
    expect(button(page)).to_contain_text("请放上一袋")


def test_a_label_in_doubt_keeps_the_card_and_asks(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """已出 / 未出 is asked on the card, which stays though the pan is empty; the answer reaches the box."""
    box.print_state = PrintState.UNKNOWN
    open_ready(page, terminal)
    button(page).click()
    box.show(phase=Phase.EMPTY, weight="0.00")
    expect(page.locator(".card.held")).to_contain_text("标签出来了吗")
    page.locator(".card").get_by_role("button", name="已出").click()
    expect(page.locator(".toast")).to_contain_text("已收到回答")
    assert box.answers == [("0193-0001", True, "张伟")]


def test_a_refusal_fills_the_width_and_a_new_press_has_a_new_key(
    page: Page, terminal: Terminal, box: ScriptedBox
) -> None:
    """Not saved: why, what is safe, what to do; it stays until it is read."""
    box.refuse_with = Say("SCALE-14")
    open_ready(page, terminal)
    button(page).click()
    band = page.locator(".card .band")
    expect(band).to_contain_text("按下后重量变了，已取消")
    expect(band).to_contain_text("本袋未记录")
    box_of_band = band.bounding_box()
    assert box_of_band is not None
    assert box_of_band["width"] == 1366
    expect(page.locator(".card .do")).to_have_text("等稳定后再按一次")
    page.click("[data-close]")
    button(page).click()
    expect(band).to_be_visible()
    assert len({press.request for press in box.presses}) == 2


def test_a_press_without_an_answer_is_repeated_with_the_same_key(
    page: Page, terminal: Terminal, box: ScriptedBox
) -> None:
    """The box failed in the middle: the page does not know, says so, and the same key makes the repeat harmless, also
    after a reload."""
    box.fail_with = RuntimeError("planted")
    open_ready(page, terminal)
    button(page).click()
    expect(page.locator(".card")).to_contain_text("没有得到本机的回答")
    expect(page.locator(".card")).to_contain_text("以今日记录为准")
    page.reload()
    box.fail_with = None
    expect(button(page)).to_be_enabled()
    button(page).click()
    expect(page.locator(".card")).to_contain_text("已保存")
    assert len(box.presses) == 2
    assert len({press.request for press in box.presses}) == 1


def test_a_weight_older_than_a_second_is_never_shown(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """The box stands still while the server lives: within a second of the last snapshot the weight is gone and the
    button locked; after three the page is grey; when snapshots return, so does all."""
    open_ready(page, terminal)
    page.evaluate(WATCH_THE_WEIGHT)
    box.ticking = False
    expect(page.locator("#weight")).to_have_text(BLANK)
    expect(button(page)).to_be_disabled()
    expect(button(page)).to_contain_text("画面数据中断，重量已隐去")
    expect(page.locator("#unit")).to_have_text("")
    watched = page.evaluate("() => watched.gone - watched.shown")
    # At most: the reading's 1000 ms, one beat of the page, and the look that was under way on a busy machine.
    assert watched < 1000 + 100 + 400
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#lost")).to_contain_text(re.compile(r"终端程序无响应（[345] 秒）"))
    box.ticking = True
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#weight")).to_have_text("12.50")
    expect(button(page)).to_be_enabled()


def test_an_old_reading_in_a_new_snapshot_is_not_shown(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """Snapshots go on but the reading in them ages: blank and locked, without the grey page."""
    open_ready(page, terminal)
    box.show(age_ms=1001)
    expect(page.locator("#weight")).to_have_text(BLANK)
    expect(button(page)).to_contain_text("现在没有可用的重量")
    expect(page.locator("#lost")).to_be_hidden()


def test_frames_that_waited_in_a_queue_are_counted_as_old(page: Page, terminal: Terminal) -> None:
    """A stalled link delivers its frames in one burst: each is as old as it waited, whatever age it carries."""
    page.goto(terminal.url)
    ages = page.evaluate(
        """async () => {
          const script = document.querySelector('script[type="module"]').src;
          const { Feed } = await import(script.replace("weigh.js", "feed.js"));
          const feed = Object.create(Feed.prototype);
          Object.assign(feed, { boot: "b", frame: null, since: 0, least: null, leastAt: 0, heard: () => {} });
          const now = performance.now();
          const take = (number, sent) => {
            feed.take({ boot: "b", number, sent_ms: sent, age_ms: 50, weight: "1" });
            return feed.weightAgeMs();
          };
          return [take(1, now), take(2, now - 5000), take(3, now - 400), take(4, now)];
        }"""
    )
    assert [age // 100 for age in ages] == [0, 50, 4, 0]


def test_the_page_comes_back_after_the_program_was_restarted(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """Server gone: blank, then grey. Server back: the page renews itself with its choices and a press works, though all
    tokens changed."""
    open_ready(page, terminal)
    before = page.get_attribute("body", "data-boot")
    terminal.stop()
    expect(page.locator("#weight")).to_have_text(BLANK)
    expect(button(page)).to_be_disabled()
    expect(page.locator("#lost")).to_be_visible()
    terminal.start()
    expect(page.locator("body")).not_to_have_attribute("data-boot", before or "", timeout=15_000)
    expect(page.locator("#lost")).to_be_hidden()
    expect(button(page)).to_be_enabled()
    expect(page.locator('[data-waste="900-214-08"]')).to_have_attribute("aria-pressed", "true")
    button(page).click()
    expect(page.locator(".card")).to_contain_text("已保存")
    assert [press.operator for press in box.presses] == ["张伟"]


def test_the_language_switches_with_everything_on_the_page(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """Fixed words and live sentences change; the other language is one touch away."""
    box.show(phase=Phase.BOOKED, blocked=(Say("SCALE-05"),))
    open_page = page.goto(terminal.url)
    assert open_page is not None
    page.click("#operator-open")
    page.click("[data-operator=张伟]")
    page.click('[data-waste="900-214-08"]')
    expect(button(page)).to_contain_text("上一袋还在秤上")
    page.click("#language")
    expect(button(page)).to_contain_text("The last bag is still on the scale")
    expect(page.locator("#sync")).to_contain_text("Waiting 37")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.click("#language")
    expect(page.locator("#sync")).to_have_text(re.compile("待传 37.*拒收 1.*已确认 10:42"))


def test_containers_follow_the_waste(page: Page, terminal: Terminal) -> None:
    """The usual container is chosen, another can be, and the choice for a waste is kept."""
    open_ready(page, terminal)
    expect(page.locator("[data-container=drum200]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-container=bag50]")).to_be_hidden()
    page.click("[data-container=drum50]")
    page.click('[data-waste="900-039-49"]')
    expect(page.locator("[data-container=bag50]")).to_have_attribute("aria-pressed", "true")
    page.reload()
    page.click('[data-waste="900-214-08"]')
    expect(page.locator("[data-container=drum50]")).to_have_attribute("aria-pressed", "true")


def test_a_waste_without_containers_of_its_own_offers_all(page: Page, terminal: Terminal) -> None:
    """An empty list means no restriction."""
    page.goto(terminal.url)
    page.click(f'[data-waste="{WASTES[7].code}"]')
    expect(page.locator("[data-container]:visible")).to_have_count(5)


def test_the_records_follow_the_box_without_losing_the_place(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """A new record appears by itself; scroll and focus stay where they were."""
    box.records = [make_row(n) for n in range(60, 0, -1)]
    page.goto(f"{terminal.url}/records")
    chosen = page.locator("#reprint-0193-0030")
    chosen.scroll_into_view_if_needed()
    chosen.focus()
    place = page.evaluate("() => document.getElementById('records-list').scrollTop")
    assert place > 500
    box.put(make_row(61))
    expect(page.locator("#row-0193-0061")).to_have_count(1)
    expect(chosen).to_be_focused()
    kept = page.evaluate("() => document.getElementById('records-list').scrollTop")
    assert abs(kept - place) < 120  # the browser may keep the row in place instead of the offset


def test_a_copy_is_printed_with_a_reason(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """补打 asks why; the reason and the operator reach the box and the row counts the copy."""
    page.goto(f"{terminal.url}/records")
    page.click("#operator-open")
    page.click("[data-operator=张伟]")
    page.click("#reprint-0193-0006")
    expect(page.locator("#reprint-label")).to_contain_text("006")
    page.get_by_role("button", name="标签破损").click()
    expect(page.locator(".toast")).to_contain_text("标签已送打印机")
    expect(page.locator("#row-0193-0006")).to_contain_text("补打 1 次")
    assert box.prints == [("0193-0006", "damaged", "张伟")]


def test_an_unsure_label_is_answered_in_the_list(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """未出 turns into a label that can be printed again as the original."""
    page.goto(f"{terminal.url}/records")
    page.click("#operator-open")
    page.click("[data-operator=张伟]")
    row = page.locator("#row-0193-0009")
    row.get_by_role("button", name="未出").click()
    row.get_by_role("button", name="重新打印").click()
    expect(row).to_contain_text("已打印")
    assert box.answers == [("0193-0009", False, "张伟")]
    assert box.prints == [("0193-0009", "not_printed", "张伟")]


SIZES = [ViewportSize(width=1366, height=768), ViewportSize(width=1024, height=768)]

# In the page: controls that are too small for a glove, and boxes whose text runs out of them.
MISFITS = """() => {
  const wrong = [];
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) wrong.push("the page scrolls");
  for (const each of document.querySelectorAll("button, a")) {
    const at = each.getBoundingClientRect();
    if (at.width === 0) continue;
    const name = each.id || each.textContent.trim();
    if (at.height < 63.5 || at.width < 63.5) wrong.push(`${name}: ${at.width}x${at.height}`);
    if (each.scrollWidth > each.clientWidth + 3) wrong.push(`${name}: text runs out`);
    const off = at.right > innerWidth || at.bottom > innerHeight;
    if (off && !each.closest("#records-list")) wrong.push(`${name}: off screen`);
  }
  const boxes = ".scale, .figure, .top, .status, .wastes, .tiles, .main, .card, .card-body, .facts, .band";
  for (const each of document.querySelectorAll(boxes)) {
    if (each.scrollWidth > each.clientWidth + 1) wrong.push(`${each.className}: too wide`);
    if (each.scrollHeight > each.clientHeight + 1) wrong.push(`${each.className}: too high`);
  }
  return wrong;
}"""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_everything_fits_and_can_be_touched_with_gloves(
    page: Page, terminal: Terminal, box: ScriptedBox, size: ViewportSize, lang: str
) -> None:
    """Both screens, both languages, in work, in trouble, with the card and the list: nothing scrolls or runs out, every
    target is at least 64 px, the weight at least 120 px, the main button at least 96 px high."""
    page.set_viewport_size(size)
    page.context.add_cookies([{"name": "hazgate_lang", "value": lang, "url": terminal.url}])
    open_ready(page, terminal)
    assert page.evaluate(MISFITS) == []
    box.show(weight="1234.56")
    expect(page.locator("#weight")).to_have_text("1234.56")
    assert page.evaluate(MISFITS) == []
    size_of_weight = page.evaluate("() => parseFloat(getComputedStyle(document.getElementById('weight')).fontSize)")
    assert size_of_weight >= 120
    at = button(page).bounding_box()
    assert at is not None
    assert at["height"] >= 96
    offline, few_left = Say("PRN-02"), Say("NET-04", {"n": "31", "m": "120"})
    box.show(
        chips=(Chip("scale", Light.BAD), Chip("printer", Light.BAD, offline), Chip("network", Light.WARN, few_left)),
        blocked=(Say("NUM-01", {"waste": "900-214-08", "n": "999"}), Say("SCALE-05")),
    )
    expect(page.locator(".notice")).to_have_count(2)
    assert page.evaluate(MISFITS) == []
    box.show(chips=START.chips, blocked=())
    expect(button(page)).to_be_enabled()
    button(page).click()
    expect(page.locator(".card")).to_be_visible()
    assert page.evaluate(MISFITS) == []
    box.put(make_row(1, print_state=PrintState.UNKNOWN, print_say=Say("PRN-03")))
    expect(page.locator(".card .ask")).to_be_visible()
    assert page.evaluate(MISFITS) == []
    page.goto(f"{terminal.url}/records")
    expect(page.locator("[data-chip]")).to_have_count(3)
    assert page.evaluate(MISFITS) == []


def test_the_key_of_a_press_has_the_form_the_box_is_promised(page: Page, terminal: Terminal, box: ScriptedBox) -> None:
    """32 hex digits at random."""
    open_ready(page, terminal)
    button(page).click()
    expect(page.locator(".card")).to_be_visible()
    (press,) = box.presses
    assert press == Press("900-214-08", "drum200", "张伟", press.request)
    assert re.fullmatch("[0-9a-f]{32}", press.request)
