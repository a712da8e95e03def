"""The forwarder against a real HTTP core that misbehaves in every way it can."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from cloud.fakebox import UNIT, Clock, FakeBox, label_of
from hazgate_cloud.api import queries
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.domain.delivery import (
    BACKOFF_S_MAX,
    BREAKER_AFTER,
    BREAKER_S,
    STEP_ASIDE_AFTER,
    Breaker,
    retry_delay_s,
)
from hazgate_cloud.forwarder.core_client import CoreClient
from hazgate_cloud.forwarder.forwarder import Forwarder
from hazgate_cloud.store import schema
from hazgate_cloud.store.boxes import add_box, notes_after
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Note
from hazgate_simulators.demo.broker import free_port
from servers.core import Core, serving

OTHER_UNIT = "91310115MA1K3XYH1A"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with serving(tmp_path / "core") as running:
        yield running


class Desk:
    """A forwarder with what a test wants to ask of it."""

    def __init__(self, database: Database, clock: Clock, client: CoreClient) -> None:
        self.told: list[str] = []
        self.database, self.clock = database, clock
        self.writer = Writer()
        self.forwarder = Forwarder(database, self.writer, client, clock, random.Random(1), self.told.append)

    async def steps(self, number: int = 1) -> None:
        """So many rounds, each after the longest pause."""
        for _ in range(number):
            await self.forwarder.step()
            self.clock.pass_s(BACKOFF_S_MAX)

    def states(self) -> list[str]:
        """States of all submissions in their order."""
        with self.database.read() as tx:
            return list(tx.execute(select(schema.outbox.c.state).order_by(schema.outbox.c.number)).scalars())

    def notes(self, box: FakeBox) -> tuple[Note, ...]:
        """All notes to the box."""
        with self.database.read() as tx:
            return notes_after(tx, box.name, 0)

    def sendings(self, number: int) -> list[tuple[str, int | None, str]]:
        """(method, status, outcome) of each try for the bag with this label sequence."""
        with self.database.read() as tx:
            way = queries.way_of(tx, label_of(number))
        assert way is not None
        assert way.delivery is not None
        return [(item.method, item.status, item.outcome) for item in way.delivery.sendings]

    def faults(self) -> list[str]:
        """What verify finds."""
        with self.database.read() as tx:
            return verify(tx).faults


@pytest.fixture
async def desk(database: Database, clock: Clock, core: Core) -> AsyncIterator[Desk]:
    async with CoreClient(core.url, 0.5) as client:
        made = Desk(database, clock, client)
        yield made
        made.writer.close()


def other_unit(database: Database) -> FakeBox:
    """A registered box of another unit."""
    other = FakeBox("gate-02", Signer.from_secret(b"2" * 32), start=2).begin()
    known = RegisteredBox(other.name, other.signer.public(), OTHER_UNIT, "")
    database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
    return other


def take(collector: Collector, box: FakeBox, *labels: int) -> list[bytes]:
    """Weighs and pushes."""
    start = len(box.bodies) if len(box.bodies) > 1 else 0
    unit = OTHER_UNIT if box.name == "gate-02" else UNIT
    hashes = [box.weigh(number, unit=unit) for number in labels]
    assert collector.handle(box.name, box.push(start)) is not None
    return hashes


async def test_a_bag_reaches_the_core_once_and_its_box_is_told(
    desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """Exactly the record's weight and hash; one POST; a note with the core's reference; an announcement asked for."""
    (own,) = take(collector, box, 1)
    await desk.steps(3)
    (filed,) = await core.filed()
    assert (filed["posts"], filed["gets"]) == (1, 0)
    assert filed["submission"]["digital_id"] == label_of(1)
    assert filed["submission"]["quantity_t"] == "0.012340"
    assert filed["submission"]["record_hash"] == own.hex()
    (note,) = desk.notes(box)
    assert (note.n, note.hash, note.what, note.reference) == (1, own, "accepted", "CORE-00000001")
    assert desk.told == [box.name]
    assert desk.faults() == []


@pytest.mark.fault(84, 86)
@pytest.mark.parametrize("mode", ["drop", "slow", "delay"])
async def test_an_answer_lost_after_acceptance_is_asked_for_and_not_filed_again(
    mode: str, desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """Unknown first; then GET finds it; one POST in all."""
    await core.set_mode(mode, delay_ms=3000, remaining=1)
    take(collector, box, 1)
    await desk.steps()
    assert desk.states() == ["unknown"]
    assert desk.notes(box) == ()
    await desk.steps()
    (filed,) = await core.filed()
    assert (filed["posts"], filed["gets"]) == (1, 1)
    assert [note.what for note in desk.notes(box)] == ["accepted"]
    assert desk.sendings(1) == [("POST", None, "unknown"), ("GET", 200, "accepted")]


@pytest.mark.fault(83, 85)
@pytest.mark.parametrize("mode", ["lose", "error", "html", "nonsense", "envelope", "schema"])
async def test_nonsense_is_unknown_and_asked_about_before_it_is_repeated(
    mode: str, desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """The core has never seen it, says so with 404, and gets it once more."""
    await core.set_mode(mode, remaining=1)
    take(collector, box, 1)
    await desk.steps()
    assert desk.states() == ["unknown"]
    await desk.steps()
    assert desk.states() == ["accepted"]
    assert [method for method, _, _ in desk.sendings(1)] == ["POST", "GET", "POST"]
    assert [filed["posts"] for filed in await core.filed()] == [2]


@pytest.mark.fault(87)
async def test_a_duplicate_is_as_good_as_accepted(desk: Desk, core: Core, collector: Collector, box: FakeBox) -> None:
    """The core already held it: settled, with its reference."""
    await core.set_mode("repeat", remaining=1)
    take(collector, box, 1)
    await desk.steps()
    (note,) = desk.notes(box)
    assert (note.what, note.reference) == ("duplicate", "CORE-00000001")
    assert desk.faults() == []


async def test_a_refused_bag_never_blocks_those_behind_it(
    desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """Refused with code and text, told to the box, not sent again; the next bags of the unit pass in order."""
    await core.set_mode("refuse", code="R-17", text="批次号不存在", remaining=1)
    take(collector, box, 1, 2, 3)
    await desk.steps(5)
    assert desk.states() == ["refused", "accepted", "accepted"]
    refused = desk.notes(box)[0]
    assert (refused.what, refused.code, refused.text) == ("refused", "R-17", "批次号不存在")
    assert [filed["submission"]["digital_id"] for filed in await core.filed()] == [label_of(n) for n in (1, 2, 3)]
    assert [heard["posts"] for heard in (await core.heard()).values()] == [1, 1, 1]


async def test_bags_of_a_unit_go_in_order_also_over_a_failing_core(
    desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """While the first is unclear the second waits."""
    await core.set_mode("error", remaining=2)
    take(collector, box, 1, 2)
    await desk.steps(2)
    assert desk.states() == ["unknown", "queued"]
    await desk.steps(3)
    assert [filed["submission"]["digital_id"] for filed in await core.filed()] == [label_of(1), label_of(2)]


async def test_a_running_forwarder_goes_on_with_a_unit_in_order_and_makes_room_for_the_intake(
    database: Database, clock: Clock, core: Core, collector: Collector, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More bags than a unit has in a row: each is filed once and in order, and told; while pushes are being stored,
    each try waits for them, but never longer than its bound."""
    monkeypatch.setattr("hazgate_cloud.forwarder.forwarder.ONWARD_MAX", 3)
    hashes = take(collector, box, *range(1, 9))
    worked_s = itertools.count(start=0.0, step=1000.0)
    told, all_told = list[str](), asyncio.Event()

    def note(name: str) -> None:
        told.append(name)
        if len(told) == len(hashes):
            all_told.set()

    writer = Writer()
    async with CoreClient(core.url, 5.0) as client:
        spread = random.Random(1)
        forwarder = Forwarder(database, writer, client, clock, spread, note, lambda: next(worked_s))
        running = asyncio.create_task(forwarder.run())
        async with asyncio.timeout(30):
            await all_told.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        writer.close()
    assert [filed["submission"]["record_hash"] for filed in await core.filed()] == [own.hex() for own in hashes]
    assert {filed["posts"] for filed in await core.filed()} == {1}
    assert next(worked_s) >= 1000.0 * len(hashes)


async def test_a_unit_in_trouble_does_not_hold_up_another(
    desk: Desk, core: Core, collector: Collector, box: FakeBox, database: Database
) -> None:
    """Each unit has its own queue."""
    other = other_unit(database)
    await core.set_mode("error", only_unit=UNIT)
    take(collector, box, 1, 2)
    take(collector, other, 1, 2)
    await desk.steps(2)
    assert desk.states() == ["unknown", "queued", "accepted", "accepted"]


@pytest.mark.fault(88)
async def test_a_bag_the_core_chokes_on_steps_aside_and_is_kept(
    desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """After the counted tries those behind it pass; it is told, alarmed, tried on, and accepted when the core can."""
    take(collector, box, 1, 2, 3)
    rid = next(iter(_rids(desk)))
    await core.set_mode("error", only_rid=rid)
    await desk.steps(STEP_ASIDE_AFTER)
    assert desk.states() == ["unknown", "queued", "queued"]
    assert [note.what for note in desk.notes(box)] == ["unknown"]
    await desk.steps(3)
    assert desk.states() == ["unknown", "accepted", "accepted"]
    await core.set_mode("accept")
    await desk.steps()
    assert desk.states() == ["accepted"] * 3
    assert [note.what for note in desk.notes(box)] == ["unknown", "accepted", "accepted", "accepted"]
    assert desk.faults() == []


@pytest.mark.fault(88)
async def test_a_field_the_core_wants_of_late_parks_only_the_bags_it_concerns(
    desk: Desk, core: Core, collector: Collector, box: FakeBox
) -> None:
    """The core's words are kept with each try and stand in the alarm's number; those behind pass; nothing is lost."""
    take(collector, box, 1, 2)
    await core.set_mode("schema", only_rid=_rids(desk)[0])
    await desk.steps(STEP_ASIDE_AFTER + 2)
    assert desk.states() == ["unknown", "accepted"]
    with desk.database.read() as tx:
        replies = set(tx.execute(select(schema.attempts.c.reply).where(schema.attempts.c.status == 422)).scalars())
        alarm = queries.newest_alarms(tx, 1)[0]
    assert replies == {b'{"detail":"field wasteFormCode is required"}'}
    assert (alarm["kind"], "HTTP status 422" in alarm["text"]) == ("core_unclear", True)
    await core.set_mode("accept")
    await desk.steps()
    assert desk.states() == ["accepted", "accepted"]


@pytest.mark.fault(89)
async def test_a_core_that_knows_us_no_longer_is_spared_and_told_and_nothing_is_lost(
    desk: Desk, core: Core, collector: Collector, box: FakeBox, database: Database
) -> None:
    """One try at a time, whatever the unit; no bag steps aside for it; one alarm; with the access renewed all pass."""
    take(collector, box, 1, 2)
    take(collector, other_unit(database), 1)
    await core.set_mode("barred")

    async def tries() -> int:
        return sum(heard["posts"] + heard["gets"] for heard in (await core.heard()).values())

    await desk.steps()
    for _ in range(2 * STEP_ASIDE_AFTER + 2):
        before = await tries()
        assert await desk.forwarder.step() == 1
        assert await desk.forwarder.step() == 0, "spared until the pause is over, though another unit is due"
        assert await tries() == before + 1
        desk.clock.pass_s(BACKOFF_S_MAX)
    assert desk.states() == ["unknown", "queued", "unknown"]
    with desk.database.read() as tx:
        kinds = {alarm["kind"] for alarm in queries.newest_alarms(tx, 10)}
    assert kinds == {"core_barred"}
    assert desk.notes(box) == ()
    await core.set_mode("accept")
    await desk.steps(5)
    assert desk.states() == ["accepted"] * 3


@pytest.mark.fault(83)
def test_a_core_that_answers_nobody_is_asked_once_in_a_while() -> None:
    """Counted over all units, closed by any plain answer; a clock that went back holds nothing for ever."""
    breaker, clock = Breaker(), Clock()
    assert [breaker.failed(clock(), barred=False) for _ in range(BREAKER_AFTER)] == [False] * (BREAKER_AFTER - 1) + [
        True
    ]
    assert breaker.wait_s(clock()) == BREAKER_S
    clock.pass_s(BREAKER_S)
    assert breaker.wait_s(clock()) == 0
    assert not breaker.failed(clock(), barred=False), "still open, not opened"
    clock.pass_s(-7200)
    assert breaker.wait_s(clock()) == BREAKER_S
    breaker.answered()
    assert (breaker.open, breaker.wait_s(clock())) == (False, 0)
    assert breaker.failed(clock(), barred=True), "one word of that kind is enough"


def _rids(desk: Desk) -> list[str]:
    with desk.database.read() as tx:
        return list(tx.execute(select(schema.outbox.c.rid).order_by(schema.outbox.c.number)).scalars())


@pytest.mark.fault(83)
async def test_a_core_out_of_reach_costs_no_order(
    database: Database, clock: Clock, collector: Collector, box: FakeBox
) -> None:
    """Tries that never reached it do not count towards stepping aside; the trouble is said until it is back."""
    take(collector, box, 1, 2)
    async with CoreClient(f"http://127.0.0.1:{free_port()}", 0.5) as client:
        desk = Desk(database, clock, client)
        await desk.steps(STEP_ASIDE_AFTER + 2)
        assert desk.states() == ["unknown", "queued"]
        assert "no connection to the core" in desk.forwarder.trouble
        desk.writer.close()


async def test_a_submission_in_flight_at_a_kill_is_asked_about_first(
    desk: Desk, core: Core, collector: Collector, box: FakeBox, database: Database, clock: Clock
) -> None:
    """State "sent" after a restart means unknown: GET before POST, so one filing."""
    await core.set_mode("drop", remaining=1)
    take(collector, box, 1)
    await desk.steps()
    database.written(
        lambda tx: tx.execute(schema.outbox.update().values(state="sent", not_before="2026-03-09T23:59:59.000Z"))
    )
    assert await desk.forwarder.step() == 0
    await desk.writer.run(lambda: database.written(desk.forwarder._free_claims))
    await desk.steps()
    assert [(filed["posts"], filed["gets"]) for filed in await core.filed()] == [(1, 1)]


@pytest.mark.fault(87)
async def test_of_two_workers_one_takes_a_submission(
    desk: Desk, core: Core, collector: Collector, box: FakeBox, database: Database, clock: Clock
) -> None:
    """The claim is the database's; the slower worker finds nothing."""
    take(collector, box, 1)
    async with CoreClient(core.url, 0.5) as client:
        second = Desk(database, clock, client)
        due = await desk.forwarder._due()
        assert due == await second.forwarder._due()
        await desk.forwarder._one(*due[0])
        await second.forwarder._one(*due[0])
        second.writer.close()
    assert [filed["posts"] for filed in await core.filed()] == [1]
    assert len(desk.notes(box)) == 1


async def test_the_reply_is_kept_bounded(desk: Desk, core: Core, collector: Collector, box: FakeBox) -> None:
    """What the core said is kept for people, cut at a bound."""
    await core.set_mode("refuse", text="x" * 5000)
    take(collector, box, 1)
    await desk.steps()
    with desk.database.read() as tx:
        reply = tx.execute(select(schema.attempts.c.reply)).scalar_one()
    assert len(reply) == 2048
    assert desk.states() == ["refused"]


def test_pauses_double_up_to_their_cap() -> None:
    """From half a second to one on the first try, never above the cap, never below half of the full pause."""
    rng = random.Random(7)
    for tries in range(1, 40):
        full = min(2.0 ** (tries - 1), BACKOFF_S_MAX)
        assert full / 2 <= retry_delay_s(tries, rng) <= full


def test_the_outbox_holds_a_rid_once(database: Database, collector: Collector, box: FakeBox) -> None:
    """The database itself refuses a second submission of one rid."""
    take(collector, box, 1)
    with database.read() as tx:
        row = dict(tx.execute(select(schema.outbox)).mappings().one())
    row.pop("number")

    row["hash"] = box.hashes[0]
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: outbox\.rid|uq_outbox_rid"):
        database.written(lambda tx: tx.execute(insert(schema.outbox).values(row)))
