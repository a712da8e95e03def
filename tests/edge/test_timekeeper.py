"""How far the machine's clock is believed, and what is kept of its jumps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from edge.makers import BOX, DEV, UNIT, WHO
from edge.test_config import written
from hazgate_edge.app import build
from hazgate_edge.clock import JudgedClock, local_date, moment, rfc3339, stamp, uuid7
from hazgate_edge.config import load
from hazgate_edge.domain.stability import Settled, Weight
from hazgate_edge.domain.view import Say
from hazgate_edge.journal.store import Journal
from hazgate_edge.timekeeper import PROGRAM_DATE, TOLD_S, ClockChange, Sync, Timekeeper, kernel_sync
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.mass import Mass

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)


@dataclass
class Machine:
    """A machine whose clock can be set, and its time server."""

    at: datetime = NOW
    mono: int = 7_000_000_000
    sync: Sync = field(default=Sync(False))

    def wall(self) -> datetime:
        return self.at

    def mono_ns(self) -> int:
        return self.mono

    def boot(self) -> str:
        return "boot"

    def pass_s(self, seconds: float, *, step_s: float = 0) -> None:
        """Time passes, and the clock is set on top of it."""
        self.mono += int(seconds * 1e9)
        self.at += timedelta(seconds=seconds + step_s)


def kept(machine: Machine, known: datetime = PROGRAM_DATE) -> Timekeeper:
    keeper = Timekeeper(machine, sync=lambda: machine.sync)
    keeper.know(known)
    return keeper


@pytest.mark.fault(29)
def test_at_1970_the_time_is_the_newest_known_one_and_says_that_it_is_not_to_be_trusted() -> None:
    """It goes on from there, is marked on each record, and is told until the clock is right."""
    machine = Machine(EPOCH)
    keeper = kept(machine, NOW)
    assert (stamp(keeper)["wall"], stamp(keeper)["source"], stamp(keeper)["unc_ms"]) == (
        rfc3339(NOW),
        "untrusted",
        None,
    )
    machine.pass_s(90)
    assert keeper.wall() == NOW + timedelta(seconds=90)
    assert keeper.say() == Say("CLK-01")
    assert keeper.look() is None
    machine.pass_s(1, step_s=(NOW - EPOCH).total_seconds() + 3600)
    machine.sync = Sync(True, 12)
    change = keeper.look()
    assert change is not None
    assert (change.reason, change.synchronised, change.before.year, change.after) == ("ahead", True, 1970, machine.at)
    assert (stamp(keeper)["wall"], stamp(keeper)["source"], stamp(keeper)["unc_ms"]) == (rfc3339(machine.at), "ntp", 12)
    assert keeper.trusted


@pytest.mark.fault(29)
def test_without_any_record_the_program_itself_is_the_oldest_time_there_can_be() -> None:
    """A new box at 1970 prints no label of 1970."""
    keeper = Timekeeper(Machine(EPOCH), sync=lambda: Sync(False))
    assert keeper.wall() == PROGRAM_DATE


@pytest.mark.fault(30, 33)
def test_a_jump_back_is_taken_recorded_with_both_times_and_told() -> None:
    """Whoever set it; the monotonic time, by which everything waits, does not move."""
    machine = Machine()
    keeper = kept(machine, NOW - timedelta(minutes=5))
    machine.pass_s(60)
    assert keeper.look() is None
    before_ns = keeper.mono_ns()
    machine.pass_s(1, step_s=-3600)
    change = keeper.look()
    assert change == ClockChange("back", machine.at + timedelta(hours=1), machine.at, -3_600_000, False)
    assert change.as_json() == {
        "reason": "back",
        "before": "2026-11-23T02:01:01.000Z",
        "after": "2026-11-23T01:01:01.000Z",
        "step_ms": -3_600_000,
        "synchronised": False,
    }
    assert keeper.mono_ns() == before_ns + 1_000_000_000
    assert keeper.say() == Say("CLK-02", {"s": "3600"})
    assert (keeper.wall(), keeper.trusted) == (machine.at, True), "set on purpose: the new time counts"
    machine.pass_s(TOLD_S + 1)
    assert keeper.say() is None


@pytest.mark.fault(30)
def test_a_clock_that_falls_to_1970_while_running_is_not_followed() -> None:
    """The last good time goes on, untrusted."""
    machine = Machine()
    keeper = kept(machine)
    machine.pass_s(10)
    keeper.look()
    machine.at = EPOCH
    machine.mono += 1_000_000_000
    change = keeper.look()
    assert change is not None
    assert (change.reason, stamp(keeper)["source"]) == ("back", "untrusted")
    assert keeper.wall() == NOW + timedelta(seconds=11)
    assert keeper.say() == Say("CLK-01")


@pytest.mark.fault(31)
def test_a_jump_ahead_is_recorded_and_told() -> None:
    """A day ahead, nobody vouching for it."""
    machine = Machine()
    keeper = kept(machine)
    machine.pass_s(1, step_s=86_400)
    change = keeper.look()
    assert change is not None
    assert (change.reason, change.step_ms) == ("ahead", 86_400_000)
    assert keeper.say() == Say("CLK-03", {"s": "86400"})


@pytest.mark.fault(32)
def test_drift_is_told_when_the_time_server_is_back() -> None:
    """Too slow for a jump, summed up, and said with the first synchronised moment; small corrections are no news."""
    machine = Machine()
    keeper = kept(machine)
    for _ in range(300):
        machine.pass_s(1, step_s=0.4)
        assert keeper.look() is None
    machine.sync = Sync(True, 3)
    machine.pass_s(1)
    change = keeper.look()
    assert change is not None
    assert (change.reason, change.step_ms) == ("synchronised", 120_000)
    assert keeper.say() == Say("CLK-04", {"s": "120"})
    machine.pass_s(1, step_s=0.1)
    assert keeper.look() is None


@pytest.mark.fault(30)
def test_a_clock_that_was_wrong_before_the_start_is_believed_when_the_kernel_vouches_for_it() -> None:
    """A record from the future (the clock had been ahead) must not hold the box in the future for ever."""
    machine = Machine()
    keeper = kept(machine, NOW + timedelta(days=400))
    assert not keeper.trusted
    machine.sync = Sync(True, 5)
    assert keeper.trusted
    assert (keeper.wall(), stamp(keeper)["source"]) == (NOW, "ntp")


@pytest.mark.fault(30)
def test_the_chain_orders_records_whatever_the_clock_does(tmp_path: Path) -> None:
    """Times may repeat or go back; numbers, parents and ids do not."""
    machine = Machine()
    keeper = kept(machine)
    journal = Journal(tmp_path / "j.sqlite3", box=BOX, signer=Signer.from_secret(bytes(32)), clock=keeper)
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    for step_s in (0, -3600, 90_000, -7200):
        machine.pass_s(1, step_s=step_s)
        change = keeper.look()
        if change is not None:
            body = change.as_json()
            journal.write_now(lambda body=body: journal.do_append("clock", body, who=WHO, dev=DEV))  # type: ignore[misc]
    records = [Record.decode(row[3]) for row in journal.chain()]
    newest = journal.newest_time()
    journal.close()
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert len({record.rid for record in records}) == 4
    times = [moment(record.t["wall"]) for record in records]
    assert times != sorted(times, key=str)
    assert newest == records[-1].t["wall"]


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2028-02-28T15:59:59.999Z", "2028-02-28"),
        ("2028-02-28T16:00:00.000Z", "2028-02-29"),
        ("2027-02-28T16:00:00.000Z", "2027-03-01"),
        ("2026-12-31T15:59:59.999Z", "2026-12-31"),
        ("2026-12-31T16:00:00.000Z", "2027-01-01"),
        ("2038-01-19T03:14:08.000Z", "2038-01-19"),
        ("2106-02-07T06:28:16.000Z", "2106-02-07"),
    ],
)
def test_every_odd_day_has_its_date_and_its_ids(utc: str, day: str) -> None:
    """Leap days, year ends at Beijing midnight, the ends of 31 and 32 bits of seconds; ids still sort by time."""
    at = moment(utc)
    assert at is not None
    assert local_date(at).isoformat() == day
    assert rfc3339(at) == utc
    assert uuid7(at) < uuid7(at + timedelta(milliseconds=1))
    machine = Machine(at)
    keeper = kept(machine, at - timedelta(days=1))
    machine.pass_s(1)
    assert keeper.look() is None
    assert stamp(keeper)["source"] == "system"


@pytest.mark.fault(34)
def test_a_leap_second_is_no_jump() -> None:
    """The kernel repeats or smears one second; that stays below what counts."""
    machine = Machine(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    keeper = kept(machine)
    machine.pass_s(1, step_s=-0.999)
    assert keeper.look() is None


def test_the_kernel_can_be_asked() -> None:
    """Whatever it says, it is an answer; a bound comes only with being synchronised."""
    sync = kernel_sync()
    assert sync.synchronised == (sync.error_ms is not None)
    assert isinstance(Timekeeper(Machine()), JudgedClock)


class Ticking(Machine):
    """Each look at this machine's clock takes a millisecond."""

    def wall(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@pytest.mark.fault(35)
def test_at_midnight_the_labels_day_and_the_records_are_of_one_moment(tmp_path: Path) -> None:
    """The day changes between two looks at the clock, wherever that falls: day, label and record agree."""
    for before_ms in range(12):
        machine = Ticking(datetime(2026, 12, 31, 16, 0, tzinfo=UTC) - timedelta(milliseconds=before_ms))
        folder = tmp_path / str(before_ms)
        folder.mkdir()
        config = written(folder, ("box: box-0001\n", "box: box-0001\nnumbers: {first: 1, last: 999}\n"))
        parts = build(load(config), Timekeeper(machine, sync=lambda: Sync(False)))
        try:
            weight = Weight(Mass.of("12.34", "kg"), "12.34", "kg", "gross", True, None, b"", 0)
            new = parts.agent._new_weighing(
                Settled(weight, "device", (b"\x02",)), "900-214-08", "bag-50", "张三", "press-1"
            )
            rid, label = parts.journal.write_now(partial(parts.journal.do_weigh, new))
            record = parts.journal.weighing(rid)
            assert record is not None
            day = local_date(datetime.fromisoformat(record.t["wall"]))
            assert record.body["produced_on"] == day.isoformat()
            assert label[26:34] == f"{day:%Y%m%d}"
        finally:
            parts.drawing.close()
            parts.journal.close()
