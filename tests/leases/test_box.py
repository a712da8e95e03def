"""When one box asks, what it says, and which number it gives next."""

from __future__ import annotations

import importlib.resources
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.makers import DEV
from hazgate_edge.cli import main
from hazgate_edge.domain.leasing import HORIZON_DAYS, RENEW_BEFORE_DAYS, Asked, Lease, covered_until, wanted
from hazgate_edge.journal import leases as box_leases
from hazgate_edge.journal.database import SCHEMA, open_database
from hazgate_edge.journal.leases import next_number, numbers_left
from hazgate_edge.journal.store import NumbersUsedUpError
from hazgate_protocols.journal.leases import Days, LeasedRange
from hazgate_protocols.journal.record import NOTES
from leases.unit import OIL, RAGS, Unit, sequences

TODAY = date(2026, 11, 23)


def days(first: int, last: int) -> Days:
    """Counted from today."""
    return Days(TODAY + timedelta(days=first), TODAY + timedelta(days=last))


def holding(*ranges: tuple[int, int, Days]) -> list[Lease]:
    return [Lease(n + 1, OIL, LeasedRange(*item)) for n, item in enumerate(ranges)]


def asks(held: list[Lease], asked: list[Asked], left: int, today: date = TODAY) -> list[tuple[str, Days, int]]:
    found = wanted(today, [OIL], a_day=100, leases=held, asked=asked, left={OIL: left})
    return [(ask.why, ask.days, ask.count) for ask in found]


def test_a_box_asks_for_what_it_lacks_and_for_nothing_else() -> None:
    """None at all: from today to the horizon. Ending early: from there on, as many a day as it has by now. Few left
    today: to the end of what it holds. Enough of both: nothing."""
    until = HORIZON_DAYS
    assert asks([], [], 0) == [("first", days(0, until), 100)]
    enough = holding((1, 100, days(-3, RENEW_BEFORE_DAYS)))
    assert asks(enough, [], 100) == []
    short = RENEW_BEFORE_DAYS - 1
    assert asks(holding((1, 100, days(-3, short))), [], 100) == [("horizon", days(short + 1, until), 100)]
    twice = holding((1, 100, days(-3, short)), (201, 350, days(0, short)))
    assert asks(twice, [], 100) == [("horizon", days(short + 1, until), 250)]
    assert asks(enough, [], 21) == []
    assert asks(enough, [], 20) == [("low", days(0, RENEW_BEFORE_DAYS), 100)]


def test_after_a_small_grant_more_is_asked_for_only_when_half_of_it_is_used() -> None:
    """Where the collector has little left, the box does not take the rest in a minute."""
    held = holding((1, 100, days(-3, 50)), (101, 110, days(0, 50)))
    assert asks(held, [], 10) == []
    assert asks(held, [], 5) == [("low", days(0, 50), 100)]


@pytest.mark.parametrize(
    ("asked", "open_"),
    [
        (Asked(OIL, days(0, 60), TODAY, stored=False), True),
        (Asked(OIL, days(-80, 5), TODAY - timedelta(days=80), stored=False), True),
        (Asked(OIL, days(-9, -1), TODAY - timedelta(days=9), stored=False), False),
        (Asked(RAGS, days(0, 60), TODAY, stored=False), False),
        (Asked(OIL, days(0, 60), TODAY, stored=True), True),
        (Asked(OIL, days(-1, 60), TODAY - timedelta(days=1), stored=True), False),
        (Asked(OIL, days(-1, 60), TODAY - timedelta(days=1), True, "none", TODAY), True),
        (Asked(OIL, days(-1, 60), TODAY - timedelta(days=1), True, "none", TODAY - timedelta(days=1)), False),
        (Asked(OIL, days(0, 60), TODAY, True, "granted", TODAY), False),
    ],
    ids=[
        "unanswered", "unanswered for long", "of days gone by", "another waste", "stored today",
        "stored by a collector that never answers", "refused today", "refused yesterday", "granted",
    ],
)  # fmt: skip
def test_what_is_asked_already_is_not_asked_again(asked: Asked, open_: bool) -> None:
    """Unanswered it stays open however long; refused for that day; stored and never answered for that day."""
    assert (asks([], [asked], 0) == []) == open_


def test_with_a_clock_that_was_never_set_nothing_is_asked() -> None:
    """1970: an ask for such days would waste its answer. The same box asks when the clock is right."""
    assert asks([], [], 0, date(1970, 1, 1)) == []


spans = st.tuples(st.integers(-5, 12), st.integers(0, 12)).map(lambda span: days(span[0], span[0] + span[1]))


@given(st.lists(spans, max_size=6))
def test_covered_is_the_last_day_before_the_first_without_numbers(held: list[Days]) -> None:
    """Against walking the days."""
    day, found = TODAY, None
    while any(day in span for span in held):
        day, found = day + timedelta(days=1), day
    assert covered_until(TODAY, [LeasedRange(1, 9, span) for span in held]) == found


own = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 30)).map(lambda ends: LeasedRange(min(ends), max(ends), days(0, 0))),
    max_size=4,
)


def give_all(ranges: list[LeasedRange], floor: int) -> list[int]:
    """Numbers until there are none; the highest in a range is read from what was given, as from the labels."""
    given: list[int] = []

    def highest(first: int, last: int) -> int:
        return max((number for number in given if first <= number <= last), default=0)

    while (found := next_number(ranges, floor, highest)) is not None:
        assert numbers_left(ranges, floor, highest) >= 1
        given.append(found[0])
        assert len(given) <= 1000
    assert numbers_left(ranges, floor, highest) == 0
    return given


@given(ranges=own, floor=st.integers(0, 30))
def test_each_number_once_inside_the_ranges_and_above_the_floor(ranges: list[LeasedRange], floor: int) -> None:
    """Also when ranges of one box overlap, as a collector that went back may grant them."""
    given_ = give_all(ranges, floor)
    assert len(set(given_)) == len(given_)
    assert all(any(held.first <= number <= held.last for held in ranges) for number in given_)
    assert all(number > floor for number in given_)


def test_ranges_apart_are_used_up_whole_and_in_the_order_of_their_grants() -> None:
    """No number of a lease is wasted."""
    ranges = [LeasedRange(21, 23, days(0, 0)), LeasedRange(1, 2, days(0, 0)), LeasedRange(9, 9, days(0, 0))]
    assert give_all(ranges, 0) == [21, 22, 23, 1, 2, 9]


def test_a_box_that_ignores_the_end_of_its_range_is_caught(
    made: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the range goes on to 999. The collector holds back what lies in the other's lease, and says whose."""
    unit = made("gate-01", "gate-02")
    unit.talk()

    def endless(ranges: list[LeasedRange], floor: int, highest: Callable[[int, int], int]) -> tuple[int, LeasedRange]:
        return max(ranges[0].first, floor + 1, highest(1, 999) + 1), ranges[0]

    monkeypatch.setattr(box_leases, "next_number", endless)
    labels = [unit.boxes["gate-01"].weigh() for _ in range(103)]
    assert sequences(labels[99:]) == [100, 101, 102, 103]
    unit.talk()
    assert unit.flags() == ["number_not_leased"] * 3


def test_a_collector_of_before_leases_is_asked_once_a_day(
    made: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stores the ask and never answers: one ask a waste and day, and numbers on the day after its upgrade."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    with monkeypatch.context() as older:
        older.setattr("hazgate_cloud.store.leases.Leasing.reach", lambda _self, _entry: None)
        for day in range(1, 4):
            unit.talk()
            unit.talk()
            assert box.asks() == [(OIL, "first"), (RAGS, "first")] * day
            assert box.said() == {OIL: "NUM-03", RAGS: "NUM-03"}
            unit.clock.pass_days(1)
    unit.talk()
    assert box.said() == {}


def test_a_refusal_is_said_and_asked_again_the_next_day(made: Callable[..., Unit]) -> None:
    """All 999 are another's: no numbers at the cloud either, said before the weighing; no second ask that day."""
    unit = made("gate-01", gate_01="numbers: {a_day: 999}")
    unit.talk()
    second = unit.add("gate-02")
    unit.talk()
    assert second.said() == {OIL: "NUM-05", RAGS: "NUM-05"}
    with pytest.raises(NumbersUsedUpError):
        second.weigh()
    second.restart()
    unit.talk()
    assert len(second.asks()) == 2
    unit.clock.pass_days(1)
    unit.talk()
    assert len(second.asks()) == 4


def test_few_days_of_numbers_are_said_while_there_is_time(made: Callable[..., Unit]) -> None:
    """54 days offline: seven days are left, and the page says by when to connect."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    unit.talk()
    unit.clock.pass_days(HORIZON_DAYS - 7)
    assert box.said() == {}
    unit.clock.pass_days(1)
    assert box.said() == {OIL: "NUM-08", RAGS: "NUM-08"}
    (item, _) = box.numbers.notices()
    assert (item.left, item.say.values) == (100, {"days": "7"})
    unit.clock.pass_days(7)
    assert box.said() == {OIL: "NUM-03", RAGS: "NUM-03"}


def test_a_range_by_hand_asks_for_nothing_and_ends_where_it_says(made: Callable[..., Unit]) -> None:
    """The explicit alternative; beside a box that leases, what it takes is held back from the core."""
    unit = made("gate-01", gate_01="numbers: {first: 501, last: 502}")
    box = unit.boxes["gate-01"]
    assert sequences([box.weigh(), box.weigh()]) == [501, 502]
    assert box.said() == {OIL: "NUM-01", RAGS: "NUM-02"}
    with pytest.raises(NumbersUsedUpError):
        box.weigh()
    unit.talk()
    assert (box.asks(), unit.flags()) == ([], [])
    leasing = unit.add("gate-02")
    unit.talk()
    assert sequences([leasing.weigh()]) == [1]
    unit.clock.pass_days(1)
    box.weigh()
    unit.talk()
    assert unit.flags() == ["number_not_leased"]


def test_another_chains_grant_is_nobodys_number(made: Callable[..., Unit]) -> None:
    """A note about an ask that is not in this chain (a copied disk hears its twin's) is kept and gives no number."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    note = {"n": 1, "hash": "ab" * 32, "what": "lease", "at": "", "code": "granted", "text": "",
            "reference": "1-9 2026-11-23..2026-11-30"}  # fmt: skip
    body = {"after": 0, "upto": 1, "notes": [note], "receipt": {}}
    box.journal.write_now(lambda: box.journal.do_append(NOTES, body, who={}, dev=DEV))
    with pytest.raises(NumbersUsedUpError):
        box.weigh()


def test_the_lease_tables_follow_from_the_records_and_verify_says_when_not(
    made: Callable[..., Unit], capsys: pytest.CaptureFixture[str]
) -> None:
    """Derived anew they are the same; a range widened behind the box's back is found; deriving mends it."""
    unit = made("gate-01", "gate-02")
    unit.talk()
    box = unit.boxes["gate-01"]
    journal = box.folder / "journal.sqlite3"
    box.journal.close()

    def verified() -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["verify", "--config", str(box.folder / "edge.yaml")])
        return int(ended.value.code or 0), capsys.readouterr().err

    assert verified() == (0, "")
    database = open_database(journal)
    database.execute("UPDATE lease SET last_number = 999")
    database.close()
    code, said = verified()
    assert code == 1
    assert "leases says something else than the records" in said
    database = open_database(journal)
    box_leases.derive(database)
    database.close()
    assert verified() == (0, "")
    box.start()


def test_the_command_shows_what_is_held_and_asked_for(
    made: Callable[..., Unit], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any number: exit 1 and the open asks. After: until when, and each range."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    monkeypatch.setattr("hazgate_edge.clock.SystemClock.of_this_machine", lambda: unit.clock)

    def shown() -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["leases", "--config", str(box.folder / "edge.yaml")])
        return int(ended.value.code or 0), capsys.readouterr().out

    code, text = shown()
    assert code == 1
    assert "no numbers for today" in text
    assert "asked on 2026-11-23 for 2026-11-23..2027-01-22: no answer yet" in text
    unit.talk()
    box.weigh()
    code, text = shown()
    assert code == 0
    assert "900-214-08  99 left today, numbers until 2027-01-22" in text
    assert "    1-100 2026-11-23..2027-01-22  (note 1)" in text


def test_a_journal_of_the_first_schema_goes_up_with_everything_in_it(tmp_path: Path) -> None:
    """The step adds the tables of leases and touches nothing; opened twice it is the same."""
    path = tmp_path / "journal.sqlite3"
    first = importlib.resources.files("hazgate_edge.journal").joinpath("schema_0001.sql").read_text("utf-8")
    old = sqlite3.connect(path)
    old.executescript(f"{first}\nPRAGMA user_version=1;")
    old.execute("INSERT INTO record VALUES (1, x'aa', x'bb', 'r', 'genesis', x'cc', NULL)")
    old.execute("INSERT INTO bag VALUES (1, 'r', 'L', 'q', 'w', 'n', '1 kg', 't', 'd', '', '', '')")
    old.commit()
    rows = {table: old.execute(f"SELECT * FROM {table}").fetchall() for table in ("record", "bag")}  # noqa: S608
    old.close()
    for _ in range(2):
        opened = open_database(path)
        assert opened.execute("PRAGMA user_version").fetchone()[0] == SCHEMA
        assert opened.execute("SELECT count(*) FROM lease").fetchone()[0] == 0
        kept = {table: opened.execute(f"SELECT * FROM {table}").fetchall() for table in ("record", "bag")}  # noqa: S608
        assert [row[:7] for row in kept["record"]] == rows["record"]
        assert kept["bag"] == rows["bag"]
        opened.close()
