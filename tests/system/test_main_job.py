"""The main job on the real chain: real broker, processes and bytes on a pty; scale, printer and core are simulated."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import urllib.request
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from hazgate_edge.domain.view import Light, Live, Phase, PrintState, Refused, SyncState, Weighed
from hazgate_simulators.demo.stack import Stack
from system.operator import WASTE, Operator, until, working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


async def printed_codes(operator: Operator) -> list[str]:
    """The QR codes of all labels that came out, newest first, read back from the printer's pictures."""
    codes = []
    for picture in sorted((operator.stack.folder / "labels").glob("*.png"), reverse=True):
        image = Image.open(io.BytesIO(await asyncio.to_thread(picture.read_bytes))).convert("L")
        codes.append(zxingcpp.read_barcodes(image)[0].text)
    return codes


async def test_a_captured_bag_goes_all_the_way(tmp_path: Path) -> None:
    """Frames recorded from a real Yaohua become a record, a label, a receipt and the core's acceptance."""
    stack = Stack(tmp_path, replay="yaohua-tf0#empty-platform,person-85kg")
    async with working(stack) as operator:
        await operator.take_off()
        await operator.ask(f"{stack.site_url}/api/replay", {})
        await operator.settled()
        done = await operator.press()
        assert isinstance(done, Weighed)
        assert done.weight == "85 kg"
        row = await operator.row(
            done.rid, lambda row: row.sync is SyncState.ACCEPTED and row.print_state is PrintState.PRINTED, "accepted"
        )
        assert row.label == done.label
        assert await printed_codes(operator) == [f"{stack.cloud_url}/t/{done.label}"]
        (submission,) = await operator.submissions()
        assert submission["posts"] == 1
        assert submission["submission"]["quantity_t"] == "0.085000"
        trace = await operator.ask(f"{stack.cloud_url}/v1/trace/{done.label}")
        assert [step["key"] for step in trace["steps"] if step["mark"] == "done"] == [
            *("weighed", "saved", "label_printed", "received", "sent", "core_accepted", "kept"),
        ]
        assert trace["hash"] == submission["submission"]["record_hash"]
        live = await operator.live(lambda live: live.pending == 0 and bool(live.confirmed_at), "all confirmed")
        assert live.phase is Phase.BOOKED


@pytest.mark.parametrize(
    "scale", ["cas-pd", "modbus-laumas", "mt-sics", "st-gs", "toledo-cont", "usb-hid-scale", "yaohua-tf0"]
)
async def test_every_kind_of_scale_weighs_to_the_gram(tmp_path: Path, scale: str) -> None:
    """Stream, poll and Modbus; the digits on the record are the digits on the scale."""
    async with working(Stack(tmp_path, scale=scale)) as operator:
        await operator.take_off()
        for kilograms in ("12.34", "0.57"):
            done = await operator.weigh(kilograms)
            assert done.weight == f"{kilograms} kg"


async def test_another_device_chosen_on_the_page_is_read_after_the_restart(tmp_path: Path) -> None:
    """The page's wish reaches the stack; box and site start again with the new profile, and bags go on."""
    stack = Stack(tmp_path)
    async with working(stack) as operator:
        await operator.take_off()
        assert (await operator.weigh("12.34")).weight == "12.34 kg"
        assert stack.wanted_scale() is None
        for profile in ("modbus-kpr", "sbi22"):
            state = await operator.ask(f"{stack.site_url}/api/device", {"profile": profile})
            assert state["devices"]["wanted"] == profile
            wanted = stack.wanted_scale()
            assert wanted == profile
            assert stack.wanted_scale() is None, "a wish counts once"
            await asyncio.to_thread(stack.switch_scale, wanted)
            state = await operator.ask(f"{stack.site_url}/api/state")
            assert state["scale"]["profile"] == profile
            assert profile in state["devices"]["changed"][0]["en"]
            operator.leave()
            await operator.take_off()
            assert (await operator.weigh("12.34")).weight == "12.34 kg"


async def test_a_double_tap_books_one_bag(tmp_path: Path) -> None:
    """Two presses with one key, at once and later, are one record; another key finds the pan not emptied."""
    async with working(Stack(tmp_path)) as operator:
        await operator.take_off()
        await operator.put("12.34")
        await operator.settled()
        first, second = await asyncio.gather(
            operator.press("tap-0000000000000001"), operator.press("tap-0000000000000001")
        )
        assert first == second
        assert isinstance(first, Weighed)
        refused = await operator.press("tap-0000000000000002")
        assert isinstance(refused, Refused)
        assert refused.say.key == "SCALE-05"
        assert len(await (await operator.box()).rows()) == 1


@pytest.mark.parametrize(
    ("fault", "keys"),
    [
        ("silent", {"SCALE-01"}),
        ("bit_flips", {"SCALE-03", "SCALE-13"}),
        ("unstable", {"SCALE-03"}),
        ("overload", {"SCALE-01"}),  # this indicator falls silent when overloaded
        ("unplug", {"SCALE-01"}),
    ],
)
async def test_what_is_no_steady_weight_is_refused_in_words(tmp_path: Path, fault: str, keys: set[str]) -> None:
    """Stale, damaged, moving, overloaded, unplugged: the button says why, a press makes no record of a bag."""
    async with working(Stack(tmp_path)) as operator:
        await operator.take_off()
        await operator.put("12.34")
        await operator.settled()
        await operator.fault(scale=fault)
        live = await operator.live(lambda live: bool({say.key for say in live.blocked} & keys), f"{keys}")
        if keys == {"SCALE-01"}:
            assert live.weight == ""
        if fault != "bit_flips":  # some frames come through whole, so the weight may settle between two damaged ones
            answer = await operator.press()
            assert isinstance(answer, Refused)
            assert answer.say.key in keys
            assert await (await operator.box()).rows() == []
        await operator.fault(scale=None)
        await operator.take_off()
        assert (await operator.weigh("25.00")).weight == "25.00 kg"


@pytest.mark.fault(53)
async def test_an_empty_printer_blocks_the_next_bag_and_prints_when_it_is_loaded(tmp_path: Path) -> None:
    """The record is kept, the button says why it is dead, and the label comes by itself, once, as the original."""
    async with working(Stack(tmp_path)) as operator:
        await operator.take_off()
        await operator.put("12.34")
        await operator.settled()
        await operator.fault(printer="paper_out")
        done = await operator.press()
        assert isinstance(done, Weighed)
        waiting = (PrintState.QUEUED, PrintState.FAILED)  # known before, or found out on trying
        row = await operator.row(done.rid, lambda row: row.print_say is not None, "a reason on the row")
        assert row.print_state in waiting
        assert row.print_say is not None
        assert row.print_say.key == "PRN-01"
        await operator.take_off()
        live = await operator.live(lambda live: any(say.key == "PRN-01" for say in live.blocked), "PRN-01")
        assert next(chip for chip in live.chips if chip.name == "printer").light is Light.BAD
        await operator.fault(printer=None)
        row = await operator.row(done.rid, lambda row: row.print_state is PrintState.PRINTED, "printed label")
        assert row.copies == 0
        assert await printed_codes(operator) == [f"{operator.stack.cloud_url}/t/{done.label}"]


@pytest.mark.fault(54, 59)
async def test_a_label_of_unknown_fate_is_asked_of_the_operator(tmp_path: Path) -> None:
    """Cut off while printing: said on the page, never printed again by itself; "not out" prints a numbered copy."""
    async with working(Stack(tmp_path)) as operator:
        await operator.take_off()
        await operator.put("12.34")
        await operator.settled()
        await operator.fault(printer="cut")
        done = await operator.press()
        assert isinstance(done, Weighed)
        await operator.row(done.rid, lambda row: row.print_state is PrintState.UNKNOWN, "unknown label")
        await operator.fault(printer=None)
        await operator.live(
            lambda live: any(chip.say is not None and chip.say.key == "PRN-11" for chip in live.chips), "PRN-11"
        )
        await operator.fault(printer=None)
        box = await operator.box()
        assert await box.answer_print(rid=done.rid, printed=False, operator="张三") is None
        row = await operator.row(done.rid, lambda row: row.print_state is PrintState.PRINTED, "printed label")
        assert row.copies == 1, "a person's word may be wrong: what follows an unknown label is a marked copy"
        assert await box.print_again(rid=done.rid, reason="damaged", operator="张三") is None
        row = await operator.row(
            done.rid, lambda row: row.copies == 2 and row.print_state is PrintState.PRINTED, "printed copy"
        )
        assert len(await printed_codes(operator)) == 2


@pytest.mark.fault(85)
async def test_a_refusing_core_is_shown_on_its_row_and_blocks_nobody(tmp_path: Path) -> None:
    """The refused bag says why in the core's words; the next one is accepted."""
    async with working(Stack(tmp_path)) as operator:
        core = operator.stack.core_url
        await operator.take_off()
        await operator.ask(f"{core}/sim/mode", {"mode": "refuse", "code": "R-7", "text": "计划外代码"})
        refused = await operator.weigh("12.34")
        row = await operator.row(refused.rid, lambda row: row.sync is SyncState.REFUSED, "refusal on the row")
        assert "计划外代码" in row.sync_text
        await operator.ask(f"{core}/sim/mode", {"mode": "accept"})
        accepted = await operator.weigh("25.00")
        await operator.row(accepted.rid, lambda row: row.sync is SyncState.ACCEPTED, "acceptance")
        await operator.live(lambda live: live.refused == 1, "one refused in the top bar")


@pytest.mark.fault(60)
async def test_without_broker_or_collector_work_goes_on_and_catches_up(tmp_path: Path) -> None:
    """Offline and unconfirmed are said; nothing is lost; afterwards everything is accepted once."""
    async with working(Stack(tmp_path)) as operator:
        stack = operator.stack
        await operator.take_off()
        await asyncio.to_thread(stack.broker.kill)
        await operator.live(
            lambda live: any(chip.say is not None and chip.say.key == "NET-01" for chip in live.chips), "NET-01"
        )
        first = await operator.weigh("12.34")
        assert (await operator.row(first.rid, lambda _row: True, "row")).sync is SyncState.KEPT
        await asyncio.to_thread(stack.cloud.kill)
        await asyncio.to_thread(stack.broker.start)
        await operator.live(lambda live: not any(chip.say for chip in live.chips if chip.name == "network"), "online")
        second = await operator.weigh("25.00")
        live = await operator.live(lambda live: live.pending == 2, "two pending")
        assert live.pending == 2
        await asyncio.to_thread(stack.cloud.start)
        for done in (first, second):
            await operator.row(done.rid, lambda row: row.sync is SyncState.ACCEPTED, "accepted after the outage")
        assert sorted(item["posts"] for item in await operator.submissions()) == [1, 1]


@pytest.mark.fault(74)
async def test_a_collector_that_stands_still_is_seen_though_everybody_is_connected(tmp_path: Path) -> None:
    """Stopped, not ended: its connections stay, receipts do not come, what waits is counted, and goes up when it goes
    on. (When it is said in words: tests/edge/test_unsent.py.)"""
    async with working(Stack(tmp_path)) as operator:
        stack = operator.stack
        await operator.take_off()
        first = await operator.weigh("12.34")
        await operator.row(first.rid, lambda row: row.sync is SyncState.ACCEPTED, "accepted")
        os.kill(stack.cloud.pid, signal.SIGSTOP)
        try:
            second = await operator.weigh("25.00")
            live = await operator.live(lambda live: live.pending == 1, "one waits")
            assert next(chip for chip in live.chips if chip.name == "network").light is Light.GOOD, "all look connected"
            assert (await operator.row(second.rid, lambda _row: True, "row")).sync is SyncState.KEPT
        finally:
            os.kill(stack.cloud.pid, signal.SIGCONT)
        await operator.row(second.rid, lambda row: row.sync is SyncState.ACCEPTED, "accepted afterwards")
        assert [item["posts"] for item in await operator.submissions()] == [1, 1]


async def test_the_last_numbers_are_announced_before_and_their_end_stops_only_that_waste(tmp_path: Path) -> None:
    """Two numbers: two left is said, none left is said, the press is refused, another waste still goes."""
    stack = Stack(tmp_path, settings="numbers: {first: 1, last: 2}\n")
    async with working(stack) as operator:
        await operator.take_off()
        left = {1: "NUM-02", 0: "NUM-01"}
        for expected in (1, 0):
            await operator.weigh("12.34")
            wanted = (WASTE, expected)

            def is_said(live: Live, wanted: tuple[str, int] = wanted) -> bool:
                return wanted in [(low.waste_code, low.left) for low in live.numbers]

            live = await operator.live(is_said, f"{expected} left")
            (low,) = [low for low in live.numbers if low.waste_code == WASTE]
            assert low.say.key == left[expected]
        await operator.put("25.00")
        await operator.settled()
        refused = await operator.press()
        assert isinstance(refused, Refused)
        assert refused.say.key == "NUM-01"
        box = await operator.box()
        other = await box.weigh(waste_code="900-249-08", container="bag-50", operator="张三", request="x" * 20)
        assert isinstance(other, Weighed)
        assert other.label.endswith("001")


@pytest.mark.fault(20)
async def test_the_terminal_page_comes_with_its_first_visitor_and_again_after_its_death(tmp_path: Path) -> None:
    """Nobody looks: no web process. Somebody comes: a page. Killed: the next visitor gets a page again."""
    async with working(Stack(tmp_path)) as operator:
        stack = operator.stack
        children = Path(f"/proc/{stack.edge.pid}/task/{stack.edge.pid}/children")

        def terminals() -> list[int]:
            pids = [int(pid) for pid in children.read_text().split()]
            return [pid for pid in pids if b"hazgate_edge.terminal" in Path(f"/proc/{pid}/cmdline").read_bytes()]

        assert terminals() == []

        async def page() -> bool | None:
            def fetch() -> bool:
                with urllib.request.urlopen(f"{stack.terminal_url}/", timeout=15) as answer:  # noqa: S310 - loopback
                    return "重量" in answer.read().decode()

            try:
                return await asyncio.to_thread(fetch)
            except OSError:
                return None

        assert await until(page, "the page")
        (first,) = terminals()
        os.kill(first, signal.SIGKILL)
        assert await until(page, "the page after the kill")
        assert terminals() != [first]
