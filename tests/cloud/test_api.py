"""The API and the pages over a real application: shapes, problems, words for what is missing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from cloud.fakebox import Clock, FakeBox, label_of, weighing_body
from hazgate_cloud.api.app import Api, build
from hazgate_cloud.api.sentences import ALARM_STEPS, ALARMS, FLAGS, STATES, STEPS, WORDS, say
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.held import reject
from hazgate_protocols.journal.chain import link
from hazgate_protocols.journal.record import Record


class Trouble:
    """What the parts say of themselves."""

    broker = ""
    core = ""


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
async def http(database: Database, clock: Clock, trouble: Trouble) -> AsyncIterator[httpx.AsyncClient]:
    presence = Presence()
    presence.hear("gate-01", True, clock())
    api = Api(database, presence, "http://127.0.0.1:1", lambda: trouble.broker, lambda: trouble.core)
    transport = httpx.ASGITransport(build(api))
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        yield client


async def test_a_trace_says_what_is_missing(http: httpx.AsyncClient, collector: Collector, box: FakeBox) -> None:
    """Held but not printed, not forwarded, not told: each missing joint is a step without a time."""
    own = box.weigh(1)
    collector.handle(box.name, box.push())
    said = (await http.get(f"/v1/trace/{label_of(1).lower()}")).json()
    assert (said["label"], said["hash"], said["state"]) == (label_of(1), own.hex(), "under_way")
    assert said["weight"] == {"text": "12.34", "unit": "kg", "mg": "12340000", "mode": "gross"}
    assert [(step["key"], step["mark"], step["at"] is None) for step in said["steps"]] == [
        ("weighed", "done", False),
        ("saved", "done", False),
        ("label_missing", "missing", True),
        ("received", "done", False),
        ("forward_missing", "missing", True),
        ("core_missing", "missing", True),
        ("kept_missing", "missing", True),
    ]
    page = (await http.get(f"/t/{label_of(1).lower()}")).text
    assert page.count('<li class="missing"') == 4
    assert page.index("kept_missing") < page.index('data-step="weighed"')


async def test_a_reprint_tells_its_reason_in_words_and_no_address_of_the_site(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox
) -> None:
    """The page that a label's QR code opens is for everybody; what the printer said stays in the JSON."""
    box.weigh(1)
    rid = Record.decode(box.bodies[-1]).rid
    told = {"rid": rid, "copy": 0, "state": "unknown", "by": "printer", "detail": "192.168.7.9:9100: hung up"}
    box.write("print", told)
    box.write("reprint", {"rid": rid, "copy": 1, "reason": "not_printed"})
    collector.handle(box.name, box.push())
    page = (await http.get(f"/t/{label_of(1)}")).text
    assert "操作员说标签未打出" in page
    assert "192.168.7.9" not in page
    trace = (await http.get(f"/v1/trace/{label_of(1)}")).text
    assert "192.168.7.9" in trace


async def test_a_flagged_bag_says_so_plainly(http: httpx.AsyncClient, collector: Collector, box: FakeBox) -> None:
    """State, reason in words, and no claim of being forwarded."""
    box.write("weighing", {**weighing_body(1), "produced_on": "2026-03-08"})
    collector.handle(box.name, box.push())
    said = (await http.get(f"/v1/trace/{label_of(1)}")).json()
    assert said["state"] == "flagged"
    assert [flag["code"] for flag in said["flags"]] == ["label_date_wrong"]
    assert "识别码中的日期与记录不符" in (await http.get(f"/t/{label_of(1)}")).text
    assert "names another day" in (await http.get(f"/t/{label_of(1)}?lang=en")).text


async def test_a_label_with_two_weighings_shows_both_and_what_was_decided(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox, database: Database
) -> None:
    """Weight, time, box and why it is held; after the ruling who, when and why, and no word of being held any more."""
    box.weigh(1)
    held = box.weigh(1, kg="55.00")
    unreadable = box.write("weighing", {"label": label_of(1)})
    collector.handle(box.name, box.push())
    readable, other = (await http.get(f"/v1/trace/{label_of(1)}")).json()["same_label"]
    assert (readable["hash"], readable["weight"], readable["state"]) == (held.hex(), "55.00 kg", "flagged")
    assert (readable["weighed_at"], readable["box"]) == ("2026-03-09T01:00:02.000Z", "gate-01")
    assert [flag["code"] for flag in readable["flags"]] == ["label_reused"]
    assert (other["hash"], other["weight"], other["decision"]) == (unreadable.hex(), None, None)
    page = (await http.get(f"/t/{label_of(1)}")).text
    shown = page[page.index(f'data-hash="{held.hex()}"') : page.index(f'data-hash="{unreadable.hex()}"')]
    for words in ("55.00 kg", "2026-03-09 09:00:02", "gate-01", "已暂扣", "识别码已被另一条记录使用"):
        assert words in shown, words
    person = Person.of("李明", "标签贴错了袋")
    database.written(lambda tx: reject(tx, held, person, "2026-03-09T03:00:00.000Z"))
    said = (await http.get(f"/v1/trace/{label_of(1)}")).json()["same_label"][0]
    assert said["state"] == "rejected"
    assert said["decision"] == {
        "what": "rejected", "at": "2026-03-09T03:00:00.000Z", "by": "李明", "reason": "标签贴错了袋",
    }  # fmt: skip
    page = (await http.get(f"/t/{label_of(1)}")).text
    shown = page[page.index(f'data-hash="{held.hex()}"') : page.index(f'data-hash="{unreadable.hex()}"')]
    for words in ("已作废", "经 李明 核实作废", "标签贴错了袋", "2026-03-09 11:00:00"):
        assert words in shown, words
    assert "已暂扣" not in shown


async def test_the_page_shows_steps_newest_first_by_their_time(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox, clock: Clock
) -> None:
    """A label printed after the receipt stands above it; what has not happened yet stands on top."""
    box.weigh(1)
    rid = Record.decode(box.bodies[-1]).rid
    collector.handle(box.name, box.push())
    late = {"wall": "2026-03-09T02:30:00.000Z", "mono_ns": 1, "boot": "b", "source": "ntp", "unc_ms": 5}
    printed = {"rid": rid, "job": 1, "copy": 0, "state": "printed", "by": "printer", "detail": ""}
    box.write("print", printed, t=late)
    clock.pass_s(3600)
    collector.handle(box.name, box.push(2))
    page = (await http.get(f"/t/{label_of(1)}")).text
    assert re.findall('data-step="([a-z_]+)"', page) == [
        *("kept_missing", "core_missing", "forward_missing", "label_printed", "received", "saved", "weighed"),
    ]


async def test_a_record_comes_with_what_proves_its_hash(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox
) -> None:
    """Anyone can hash it again."""
    own = box.weigh(1)
    collector.handle(box.name, box.push())
    said = (await http.get(f"/v1/records/{own.hex()}")).json()
    assert link(bytes.fromhex(said["prev"]), said["body"].encode()) == own


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v1/trace/{label_of(9)}", 404, "label_unknown"),
        ("/v1/trace/nonsense", 400, "label_malformed"),
        (f"/v1/records/{'00' * 32}", 404, "record_unknown"),
        ("/v1/records/xyz", 400, "hash_malformed"),
        ("/v1/bags?limit=0", 422, "query_invalid"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
async def test_errors_are_problem_documents_with_a_stable_code(
    path: str, status: int, code: str, http: httpx.AsyncClient
) -> None:
    """RFC 9457."""
    answer = await http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/t/{label_of(9)}", 404, "没有查到这个识别码"),
        (f"/t/{label_of(9)}?lang=en", 404, "No such label number here"),
        ("/t/nonsense", 400, "识别码格式不对"),
        ("/t/%3Cscript%3E", 400, "&lt;script&gt;"),
    ],
)
async def test_a_label_nobody_knows_gets_a_page_in_words(
    path: str, status: int, words: str, http: httpx.AsyncClient
) -> None:
    """What is the matter and what to do; nothing of the address runs as script."""
    answer = await http.get(path)
    assert answer.status_code == status
    assert words in answer.text
    assert "<script" not in answer.text


async def test_pages_ask_no_other_host_for_anything(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox
) -> None:
    """The policy says so, and the files the page names are here."""
    box.weigh(1)
    collector.handle(box.name, box.push())
    for path in ("/", f"/t/{label_of(1)}"):
        answer = await http.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert "style=" not in answer.text
        assert 'src="http' not in answer.text
        assert 'href="http' not in answer.text
    for path in ("/static/pages.css", "/static/icon.svg"):
        assert (await http.get(path)).status_code == 200


async def test_the_search_leads_to_the_trace(http: httpx.AsyncClient) -> None:
    """Blanks inside are let pass; odd texts lead to the page that explains."""
    label = label_of(1)
    found = await http.get("/t", params={"label": f" {label[:18]} {label[18:]} "})
    assert found.headers["location"] == f"/t/{label}"
    assert (await http.get("/t", params={"label": "//evil.example"})).headers["location"] == "/t/-"


async def test_lists_show_boxes_bags_alarms_and_quarantine(
    http: httpx.AsyncClient, collector: Collector, box: FakeBox
) -> None:
    """Newest first, with presence."""
    box.weigh(1)
    box.weigh(2)
    collector.handle(box.name, box.push())
    collector.handle(box.name, b"junk")
    (said,) = (await http.get("/v1/boxes")).json()["boxes"]
    assert (said["box"], said["seq"], said["branches"], said["online"]) == ("gate-01", 3, 1, True)
    bags = (await http.get("/v1/bags")).json()["bags"]
    assert [(bag["label"], bag["state"]) for bag in bags] == [(label_of(2), "queued"), (label_of(1), "queued")]
    assert (await http.get("/v1/alarms")).json()["alarms"][0]["kind"] == "push_malformed"
    assert (await http.get("/v1/quarantine")).json()["quarantine"][0]["code"] == "malformed"
    index = (await http.get("/")).text
    assert label_of(1) in index
    assert "收到无法解析的报文" in index


async def test_health_names_what_is_gone(http: httpx.AsyncClient, trouble: Trouble, database: Database) -> None:
    """A lost broker or database is 503; a lost core is only said."""
    trouble.core = "no connection"
    answer = await http.get("/health")
    assert (answer.status_code, answer.json()["core"]) == (200, "no connection")
    trouble.broker = "connection refused"
    answer = await http.get("/health")
    assert (answer.status_code, answer.json()["broker"]) == (503, "connection refused")
    trouble.broker = ""
    database.written(lambda tx: tx.exec_driver_sql("ALTER TABLE boxes RENAME TO gone"))
    answer = await http.get("/health")
    assert answer.status_code == 503
    assert re.search('no such table|relation "boxes" does not exist', answer.json()["database"])
    assert (await http.get("/v1/boxes")).json()["code"] == "store_unavailable"


def test_every_sentence_has_both_languages() -> None:
    """Nothing is empty, and the two are not the same text."""
    for table in (STEPS, FLAGS, STATES, WORDS, ALARMS, ALARM_STEPS):
        for key, (zh, en) in table.items():
            assert zh, key
            assert en, key
            assert zh != en, key
    assert say(STEPS, "sent", "en", number="3") == "Try 3: the core answered"
    assert say(STEPS, "a_new_step", "zh") == "a_new_step"
