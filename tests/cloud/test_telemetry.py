"""Samples of working conditions at the collector, on both engines: once, answered after the commit, found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, text

from cloud.fakebox import UNIT, Clock, FakeBox
from hazgate_cloud.api.app import Api, build
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.collector.telemetry import Samples
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store import migrate, schema
from hazgate_cloud.store.alarms import listed
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.telemetry import condition_records
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.conditions import BUFFER_FULL, Gap, PointGap
from hazgate_protocols.journal.record import CONDITION, TELEMETRY_GAP
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.uplink.telemetry import Batch, PointFacts, Sample, decode_took, encode_tele

SPOOL = "00112233445566ff"
POINT = "fan.pressure"
FACTS = PointFacts("Pa", "风机压差", "Fan pressure difference", "example-exhaust-fan", "ab" * 32, "150", "1200")


def at(second: int) -> str:
    return f"2026-03-09T01:{second // 60:02d}:{second % 60:02d}.000Z"


def batch(first: int, count: int, *, spool: str = SPOOL, plus: int = 0) -> Batch:
    """Samples first.. of a spool, one a second, each with its number as value."""
    numbers = range(first, first + count)
    samples = tuple(Sample(POINT, at(number), f"{number + plus}.5", "ok") for number in numbers)
    return Batch(spool, first, samples, {POINT: FACTS})


@pytest.fixture
def samples(database: Database, collector_key: Signer, clock: Clock) -> Samples:
    return Samples(database, lambda _suite: collector_key, clock)


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    api = build(Api(database, Presence(), "", lambda: "", lambda: ""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://collector") as client:
        yield client


def sealed(box: FakeBox, given: Batch) -> bytes:
    return encode_tele(given, box.name, box.signer)


def held(database: Database) -> int:
    with database.read() as tx:
        return tx.execute(select(func.count()).select_from(schema.telemetry_samples)).scalar_one()


def test_a_batch_counts_once_however_often_and_overlapping_it_comes(
    samples: Samples, box: FakeBox, database: Database, collector_key: Signer
) -> None:
    """Repeated and longer batches store each number once; every answer is sealed and names what is held."""
    for given in (batch(1, 3), batch(1, 3), batch(2, 4), batch(1, 2)):
        answer = samples.take(box.name, sealed(box, given))
        assert answer is not None
        assert answer.topic == f"hz/1/{box.name}/took"
        took = decode_took(answer.payload)
        assert receipt_seal_holds(collector_key.public(), took.signed_bytes(), took.seal)
        assert took.spool == SPOOL
        assert took.upto >= given.last
    assert held(database) == 5


def test_no_answer_without_a_commit(
    samples: Samples, box: FakeBox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails at the commit gives no answer and holds nothing; the same batch is taken later."""
    own = Database.written

    def fails(self: Database, act: object) -> object:
        def and_then_fails(tx: object) -> object:
            act(tx)  # type: ignore[operator]
            raise StoreUnavailableError("planted")

        return own(self, and_then_fails)

    with monkeypatch.context() as broken:
        broken.setattr(Database, "written", fails)
        with pytest.raises(StoreUnavailableError):
            samples.take(box.name, sealed(box, batch(1, 3)))
    assert held(database) == 0
    assert samples.take(box.name, sealed(box, batch(1, 3))) is not None
    assert held(database) == 3


def test_what_is_not_the_boxs_is_not_taken(samples: Samples, box: FakeBox, database: Database) -> None:
    """Another's seal, another box's name, altered bytes and an unknown box: no answer, nothing stored, an alarm."""
    other = FakeBox("gate-02", Signer.from_secret(b"o" * 32))
    good = sealed(box, batch(1, 2))
    for payload in (sealed(replace(box, signer=other.signer), batch(1, 2)), sealed(other, batch(1, 2)), good[:-3]):
        assert samples.take(box.name, payload) is None
    assert samples.take("gate-77", good) is None
    assert held(database) == 0
    with database.read() as tx:
        (alarm,) = listed(tx, 10)
    assert (alarm["kind"], alarm["box"], alarm["count"]) == ("telemetry_malformed", box.name, 3)


def test_a_spool_that_was_put_back_is_not_taken_for_a_repetition(
    samples: Samples, box: FakeBox, database: Database
) -> None:
    """The same numbers with other samples are refused, so that the box keeps them; taking them would lose them."""
    assert samples.take(box.name, sealed(box, batch(1, 3))) is not None
    assert samples.take(box.name, sealed(box, batch(3, 3, plus=7))) is None
    assert held(database) == 3
    with database.read() as tx:
        assert [alarm["kind"] for alarm in listed(tx, 10)] == ["telemetry_spool_forked"]


async def test_a_series_comes_in_pages_without_loss_or_repetition(
    samples: Samples, box: FakeBox, http: httpx.AsyncClient
) -> None:
    """Walking by `next` gives each sample once, in time order, across two spools; bounds hold; texts stay exact."""
    samples.take(box.name, sealed(box, batch(1, 7)))
    samples.take(box.name, sealed(box, batch(1, 2, spool="ff" * 8, plus=100)))
    url, found, after = f"/v1/conditions/{box.name}/{POINT}/series", [], ""
    while True:
        page = (await http.get(url, params={"limit": 2, "after": after})).json()
        assert len(page["samples"]) <= 2
        found += [(sample["at"], sample["value"]) for sample in page["samples"]]
        if page["next"] is None:
            break
        after = page["next"]
    wanted = [(at(n), f"{n}.5") for n in range(1, 8)] + [(at(n), f"{n + 100}.5") for n in (1, 2)]
    assert sorted(found) == sorted(wanted)
    assert [time for time, _ in found] == sorted(time for time, _ in found)
    some = (await http.get(url, params={"since": at(3), "until": at(5)})).json()["samples"]
    assert [sample["value"] for sample in some] == ["3.5", "4.5"]
    (meaning,) = (await http.get(url)).json()["meanings"].values()
    assert (meaning["unit"], meaning["low"]) == ("Pa", "150")
    (newest,) = (await http.get("/v1/conditions")).json()["points"]
    assert (newest["point"], newest["value"], newest["zh"]) == (POINT, "7.5", "风机压差")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/conditions/gate-01/fan.none/series", 404),
        ("/v1/conditions/gate-01/FAN/series", 400),
        ("/v1/conditions/gate-01/fan.pressure/series?since=yesterday", 400),
        ("/v1/conditions/gate-01/fan.pressure/series?limit=1001", 422),
        ("/v1/conditions/gate-01/fan.pressure/series?after=1", 400),
        ("/v1/conditions?limit=201", 422),
    ],
)
async def test_what_cannot_be_asked_is_said(
    samples: Samples, box: FakeBox, http: httpx.AsyncClient, path: str, status: int
) -> None:
    """Unknown points, malformed times and cursors, and pages beyond the bound."""
    samples.take(box.name, sealed(box, batch(1, 1)))
    assert (await http.get(path)).status_code == status


async def test_a_hole_is_shown_until_the_chain_accounts_for_it(
    samples: Samples, box: FakeBox, collector: Collector, database: Database, http: httpx.AsyncClient
) -> None:
    """Missing numbers are listed; a gap record that covers them is named, and the store verifies."""
    samples.take(box.name, sealed(box, batch(1, 2)))
    samples.take(box.name, sealed(box, batch(6, 2)))
    url = f"/v1/conditions/{box.name}/holes"
    (hole,) = (await http.get(url)).json()["holes"]
    assert (hole["first"], hole["last"], hole["record"]) == (3, 5, None)
    for first, last in ((3, 4), (5, 5)):  # given up in two steps
        gap = Gap(BUFFER_FULL, (PointGap(POINT, at(first), at(last), last - first + 1),), SPOOL, first, last)
        box.write(TELEMETRY_GAP, gap.as_json())
    collector.handle(box.name, box.push())
    (hole,) = (await http.get(url)).json()["holes"]
    assert hole["record"] in [own.hex() for own in box.hashes]
    with database.read() as tx:
        assert verify(tx).faults == []


async def test_records_of_conditions_are_found_and_prove_themselves(
    box: FakeBox, collector: Collector, database: Database, http: httpx.AsyncClient
) -> None:
    """Both kinds come in the chain's order, in pages, with the hash by which their bytes are served; no other kind."""
    box.write(CONDITION, {"what": "begun", "point": POINT, "limit": "high", "bound": "1200", "value": "1300.0"})
    box.weigh(1)
    box.write(TELEMETRY_GAP, Gap("not_running", (PointGap(POINT, at(1), at(2), None),)).as_json())
    collector.handle(box.name, box.push())
    url = f"/v1/conditions/{box.name}/records"
    first = (await http.get(url, params={"limit": 1})).json()
    rest = (await http.get(url, params={"after": first["next"]})).json()
    found = first["records"] + rest["records"]
    assert [record["kind"] for record in found] == [CONDITION, TELEMETRY_GAP]
    assert (await http.get(f"/v1/records/{found[0]['hash']}")).status_code == 200
    with database.read() as tx:
        assert verify(tx).faults == []


def test_a_store_from_before_the_upgrade_is_whole_and_shows_what_it_took_as_unknown(
    tmp_path: Path, collector_key: Signer, clock: Clock
) -> None:
    """Records of the new kinds that an older collector stored are found, and verify() finds no fault before or after
    new ones come."""
    database = Database.open(f"sqlite:///{tmp_path / 'collector.db'}")
    migrate.upgrade(database)
    box = FakeBox().begin()
    known = RegisteredBox(box.name, box.signer.public(), UNIT, "")
    database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
    collector = Collector(database, collector_key, clock)
    box.weigh(1)
    box.write(CONDITION, {"what": "begun", "point": POINT})
    collector.handle(box.name, box.push())
    with database.write() as tx:  # the schema of 0009 is this one without what 0010 adds
        for table in ("telemetry_spools", "telemetry_points", "telemetry_samples", "telemetry_holes"):
            tx.execute(text(f"DROP TABLE {table}"))
        tx.execute(text("DROP INDEX ix_records_conditions"))
        tx.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    migrate.upgrade(database)
    box.write(CONDITION, {"what": "ended", "point": POINT})
    collector.handle(box.name, box.push(3))
    assert Samples(database, lambda _suite: collector_key, clock).take(box.name, sealed(box, batch(1, 2))) is not None
    with database.read() as tx:
        assert verify(tx).faults == []
        assert [found["body"]["what"] for found in condition_records(tx, box.name, 0, 10)] == ["begun", "ended"]
    database.close()
