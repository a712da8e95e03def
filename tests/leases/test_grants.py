"""Which numbers the collector grants: disjoint whatever is asked by whom, some rather than none, fair."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloud.fakebox import UNIT, Clock, FakeBox, label_of, weighing_body
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.domain.leases import Lease, choose_range, sharers
from hazgate_cloud.store import leases as leases_of_store
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.leases import Leasing, lease_of, leases_on
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.leases import Days, LeaseAsk, LeasedRange
from hazgate_protocols.journal.record import LEASE_ASK
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Have, Note, decode_answer

KEY = Signer.from_secret(b"c" * 32)
START = date(2026, 3, 9)
WASTES = ("900-214-08", "900-249-08")
NAMES = ("gate-01", "gate-02", "gate-03")


def days_of(first: int, count: int) -> Days:
    """Days counted from START."""
    return Days(START + timedelta(days=first), START + timedelta(days=first + count - 1))


asks = st.builds(
    LeaseAsk,
    st.sampled_from(WASTES),
    st.builds(days_of, st.integers(0, 20), st.integers(1, 30)),
    st.one_of(st.integers(1, 999), st.sampled_from([100, 300, 999])),
    st.just("first"),
)
Scenario = list[tuple[int, LeaseAsk | int]]  # which box asks, or weighs with this number of its own choice
scenarios: st.SearchStrategy[Scenario] = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(asks, st.integers(1, 999))), max_size=14
)


class Store:
    """A collector with three boxes of one unit."""

    def __init__(self, path: Path) -> None:
        self.database = Database.open(f"sqlite:///{path}")
        upgrade(self.database)
        self.collector = Collector(self.database, KEY, Clock())
        self.boxes = [
            FakeBox(name, Signer.from_secret(name.encode().ljust(32, b"-")), start=index + 1).begin()
            for index, name in enumerate(NAMES)
        ]
        for box in self.boxes:
            known = RegisteredBox(box.name, box.signer.public(), UNIT, "")
            self.database.written(lambda tx, known=known: add_box(tx, known, "2026-03-01T00:00:00.000Z"))  # type: ignore[misc]

    def push(self, box: FakeBox, start: int = 0, notes_after: int = 0) -> tuple[Note, ...]:
        """The box's records from there on; the notes that come with the receipt."""
        answer = self.collector.handle(box.name, box.push(start, notes_after=notes_after))
        assert answer is not None
        said = decode_answer(answer.payload)
        assert isinstance(said, Have)
        return said.notes

    def held(self) -> list[Lease]:
        with self.database.read() as tx:
            return [lease_of(row) for row in leases_on(tx, UNIT, date(2000, 1, 1), date(2099, 12, 31))]

    def faults(self) -> list[str]:
        with self.database.read() as tx:
            return verify(tx).faults


@contextmanager
def store_in(folder: Path) -> Iterator[Store]:
    store = Store(folder / "c.db")
    try:
        yield store
    finally:
        store.database.close()


def shared(held: Iterable[Lease]) -> list[tuple[Lease, Lease]]:
    """Pairs of leases of one waste with a common number on a common day."""
    rows = list(held)
    return [
        (one, other)
        for index, one in enumerate(rows)
        for other in rows[index + 1 :]
        if one.waste_code == other.waste_code and one.range.meets(other.range)
    ]


def play(store: Store, scenario: Scenario) -> None:
    """Each step is pushed, the whole chain is pushed again, and then another time at the end."""
    for index, step in scenario:
        box = store.boxes[index]
        if isinstance(step, LeaseAsk):
            box.write(LEASE_ASK, step.as_json())
        else:
            box.weigh(step)
        store.push(box)
    before = store.held()
    for box in store.boxes:
        store.push(box)
    assert store.held() == before, "granted again on a resend"


@settings(
    max_examples=400 if os.environ.get("HAZGATE_SOAK") else 12, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(scenario=scenarios)
@example(scenario=[(0, LeaseAsk(WASTES[0], days_of(0, 30), 999, "first")), (1, 5)])
@example(scenario=[(1, 5), (0, LeaseAsk(WASTES[0], days_of(0, 30), 100, "first"))])
def test_whatever_is_asked_no_number_is_granted_twice_nor_after_it_was_seen(
    tmp_path_factory: pytest.TempPathFactory, scenario: Scenario
) -> None:
    """Over three boxes, two wastes, overlapping days, hand-chosen numbers between and everything pushed again: leases
    share nothing, hold no number that was on a label before, and `verify` reads the same from the records."""
    with store_in(tmp_path_factory.mktemp("grants")) as store:
        play(store, scenario)
        assert shared(store.held()) == []
        assert store.faults() == []


Choice = Callable[..., LeasedRange | None]


def careless(ask: LeaseAsk, leased: Any, used: Any, sharers: int) -> LeasedRange | None:
    """A planted mistake: other leases are not looked at."""
    return choose_range(ask, [], used, sharers=sharers)


def forgetful(ask: LeaseAsk, leased: Any, used: Any, sharers: int) -> LeasedRange | None:
    """A planted mistake: numbers on labels are not looked at."""
    return choose_range(ask, leased, [], sharers=sharers)


def generous(ask: LeaseAsk, leased: Any, used: Any, sharers: int) -> LeasedRange | None:
    """A planted mistake: a number more than was asked for."""
    found = choose_range(ask, leased, used, sharers=sharers)
    return found and LeasedRange(found.first, found.first + ask.count, found.days)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [(careless, "shares numbers with"), (forgetful, "was on a label before"), (generous, "more than the")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_verify_finds_grants_that_no_sound_collector_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Choice, says: str
) -> None:
    """Planted in the granting, found from the stored records alone."""
    monkeypatch.setattr(leases_of_store, "choose_range", mistake)
    ask = LeaseAsk(WASTES[0], days_of(0, 10), 100, "first")
    with store_in(tmp_path) as store:
        store.boxes[2].weigh(7)
        store.push(store.boxes[2])
        for box in store.boxes[:2]:
            box.write(LEASE_ASK, ask.as_json())
            store.push(box)
        assert any(says in fault for fault in store.faults()), store.faults()


def test_a_grant_repeated_on_a_resend_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: an ask that comes again is answered again. The second lease of one ask is a fault."""
    answered_once = Leasing.reach

    def reach(self: Leasing, entry: Any) -> None:
        answered_once(self, entry)
        answered_once(self, entry)

    monkeypatch.setattr(Leasing, "reach", reach)
    with store_in(tmp_path) as store:
        box = store.boxes[0]
        box.write(LEASE_ASK, LeaseAsk(WASTES[0], days_of(0, 10), 100, "first").as_json())
        store.push(box)
        assert any("one ask is granted once" in fault for fault in store.faults()), store.faults()


def test_two_collectors_on_one_store_grant_in_turn(tmp_path: Path) -> None:
    """Two boxes ask through two collectors, each with connections of its own: disjoint."""
    with store_in(tmp_path) as store:
        other_database = Database.open(f"sqlite:///{tmp_path / 'c.db'}")
        collectors = [store.collector, Collector(other_database, KEY, Clock())]
        for round_ in range(3):
            for box, collector in zip(store.boxes[:2], collectors, strict=True):
                box.write(LEASE_ASK, LeaseAsk(WASTES[0], days_of(round_, 30), 100, "low").as_json())
                assert collector.handle(box.name, box.push()) is not None
        other_database.close()
        assert len(store.held()) == 6
        assert shared(store.held()) == []
        assert store.faults() == []


@given(
    count=st.integers(1, 999),
    taken=st.lists(st.tuples(st.integers(1, 999), st.integers(1, 999)), max_size=6),
    used=st.sets(st.integers(1, 999), max_size=8),
    sharers=st.integers(1, 12),
)
def test_a_grant_is_free_not_more_than_asked_and_at_most_its_share(
    count: int, taken: list[tuple[int, int]], used: set[int], sharers: int
) -> None:
    """Against counting it out: None only when nothing is free; never a leased or used number."""
    days = days_of(0, 5)
    leased = [LeasedRange(min(ends), max(ends), days) for ends in taken]
    free = set(range(1, 1000)) - used - {n for held in leased for n in range(held.first, held.last + 1)}
    found = choose_range(LeaseAsk(WASTES[0], days, count, "low"), leased, used, sharers=sharers)
    if not free:
        assert found is None
        return
    assert found is not None
    granted = set(range(found.first, found.last + 1))
    assert granted <= free
    assert len(granted) <= min(count, max(1, len(free) // sharers))
    assert found.days == days


def test_leases_of_other_days_take_nothing_away() -> None:
    """The whole range is free again on a day that no lease covers."""
    ask = LeaseAsk(WASTES[0], days_of(10, 5), 999, "horizon")
    before, after = LeasedRange(1, 999, days_of(0, 10)), LeasedRange(1, 999, days_of(15, 5))
    assert choose_range(ask, [before, after], [], sharers=1) == LeasedRange(1, 999, days_of(10, 5))
    touching = LeasedRange(1, 999, days_of(14, 1))
    assert choose_range(ask, [touching], [], sharers=1) is None


def test_twelve_boxes_of_a_unit_get_equal_shares_and_none_can_take_the_rest() -> None:
    """All ask for 100 while only 999 are there: 83 to 86 each. With two boxes, one that asks on and on leaves numbers
    to the other, which has its first ones still to ask for; alone, a box may have all."""
    names = [f"gate-{number:02d}" for number in range(12)]
    assert [size(names, names[:turn], 100, name) for turn, name in enumerate(names)] == [83] * 9 + [84, 84, 86]
    assert size(["a", "b"], [], 999, "a") == 499
    assert size(["a", "b"], ["a", "b"], 999, "a") == (999 - 2 * 83) // 2
    assert size(["a"], [], 999, "a") == 999


def size(boxes: list[str], served: list[str], count: int, box: str) -> int:
    """How many a box gets when those served before it have 83 each."""
    held = [LeasedRange(83 * n + 1, 83 * n + 83, days_of(0, 30)) for n in range(len(served))]
    ask = LeaseAsk(WASTES[0], days_of(0, 30), count, "first")
    found = choose_range(ask, held, [], sharers=sharers(box, boxes, set(served)))
    assert found is not None
    return found.last + 1 - found.first


def test_a_number_outside_its_boxs_leases_is_held_back(tmp_path: Path) -> None:
    """In another's lease, or outside all while others have leases: flagged, told, kept from the core. Before anybody
    leases, numbers shared by hand are nobody's business; so are they on days and for wastes without leases."""
    with store_in(tmp_path) as store:
        leasing, by_hand, _ = store.boxes
        by_hand.weigh(1)
        assert [note.what for note in store.push(by_hand)] == []
        leasing.write(LEASE_ASK, LeaseAsk(WASTES[0], days_of(0, 10), 100, "first").as_json())
        (granted,) = store.push(leasing)
        assert (granted.what, granted.code, granted.reference) == ("lease", "granted", "2-101 2026-03-09..2026-03-18")
        leasing.weigh(2)
        leasing.weigh(102)  # behind the end of its own range: nobody else leases
        by_hand.weigh(3)  # another's
        by_hand.weigh(500)  # nobody's, while another box leases
        notes = [*store.push(leasing, 0, 1), *store.push(by_hand)]
        assert [(note.what, note.code) for note in notes] == [("flagged", "number_not_leased")] * 2
        assert "leased to box gate-01" in notes[0].text
        assert store.faults() == []


def test_an_ask_that_cannot_be_read_is_answered_all_the_same(tmp_path: Path) -> None:
    """Stored as it is, answered with none and why; the box asks no more today."""
    with store_in(tmp_path) as store:
        box = store.boxes[0]
        own = box.write(LEASE_ASK, {"waste_code": "900-214-08", "from": "soon"})
        (note,) = store.push(box)
        assert (note.hash, note.what, note.code) == (own, "lease", "none")
        assert "lease_ask" in note.text
        assert store.faults() == []


def test_when_nothing_is_free_the_box_is_told_so(tmp_path: Path) -> None:
    """Every number of the day has a holder: none, with the waste and the days."""
    with store_in(tmp_path) as store:
        whole = LeaseAsk(WASTES[0], days_of(0, 1), 999, "first").as_json()
        box = store.boxes[0]
        for _ in range(30):
            box.write(LEASE_ASK, whole)
        notes = [*store.push(box), *store.push(box, 0, 30)]
        assert [note.code for note in notes][:2] == ["granted", "granted"]
        assert (notes[-1].code, notes[-1].text) == (
            "none",
            "no number of 900-214-08 is free on 2026-03-09..2026-03-09",
        )
        assert sum(held.range.last + 1 - held.range.first for held in store.held()) == 999


def test_a_weighing_body_of_the_maker_is_what_these_tests_think(tmp_path: Path) -> None:
    """The maker's day and waste are the ones leased here."""
    assert weighing_body(3)["label"] == label_of(3)
    assert (weighing_body(3)["produced_on"], weighing_body(3)["waste"]["code"]) == (START.isoformat(), WASTES[0])
