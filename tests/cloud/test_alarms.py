"""Fork, gap, rollback, tamper: each is raised once, says what, where, why and what to do, and can be acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update
from typer.testing import CliRunner

from cloud.fakebox import Clock, FakeBox
from hazgate_cloud.api.app import Api, build
from hazgate_cloud.api.sentences import ALARM_STEPS, ALARMS
from hazgate_cloud.cli import app
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.domain.acts import ActRefusedError, Person
from hazgate_cloud.domain.alarming import FAMILIES, family
from hazgate_cloud.keeper.checkpointer import Checkpointer
from hazgate_cloud.keeper.folder import Folder
from hazgate_cloud.keeper.keeper import QUIET_STEPS_MAX, Keeper
from hazgate_cloud.keeper.watch import NEED_H_MAX, SILENT_H_MAX, watch
from hazgate_cloud.store import schema
from hazgate_cloud.store.alarms import acknowledge, listed, raise_alarm, raise_once
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.journal.seal import Signer

SOMEBODY = Person("李雷", "现场看过")
AT = "2026-03-09T02:00:00.000Z"


def raised(database: Database) -> list[dict[str, Any]]:
    """The open alarms."""
    with database.read() as tx:
        return listed(tx, 100)


def kinds(database: Database) -> list[str]:
    return sorted(alarm["kind"] for alarm in raised(database))


def test_every_kind_about_the_proof_has_words_and_a_next_step() -> None:
    """In both languages; a kind nobody lists is about waiting records."""
    assert FAMILIES.keys() <= ALARMS.keys()
    assert FAMILIES.keys() <= ALARM_STEPS.keys()
    assert ALARM_STEPS.keys() <= ALARMS.keys()
    assert set(FAMILIES.values()) == {"fork", "gap", "rollback", "tamper"}
    assert family("core_refused") == ""


def test_a_box_that_starts_from_an_older_state_is_a_rollback_and_a_fork(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """It wrote a boot record after an old one: the text counts what is held beyond it."""
    old = box.copy(9)
    for number in (1, 2):
        box.weigh(number)
    collector.handle(box.name, box.push())
    old.write("boot", {"reason": "start"})
    collector.handle(old.name, old.push(1))
    assert kinds(database) == ["box_rollback", "fork"]
    text = next(alarm["text"] for alarm in raised(database) if alarm["kind"] == "box_rollback")
    assert text.startswith("box gate-01: it started after record 1, though 2 later records of it are held")


def test_late_and_repeated_pushes_are_no_rollback(collector: Collector, box: FakeBox, database: Database) -> None:
    """Old records again, an old question again: what a network does every day."""
    box.weigh_and_print(1)
    collector.handle(box.name, box.push())
    for start, count in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0)):
        collector.handle(box.name, box.push(start, count))
    box.write("boot", {"reason": "start"})
    collector.handle(box.name, box.push(3))
    assert kinds(database) == []


def test_two_boxes_that_both_go_on_are_a_fork_only(collector: Collector, box: FakeBox, database: Database) -> None:
    """No start in between: a copy ran beside it from the beginning."""
    clone = box.copy(9)
    box.weigh(1)
    clone.weigh(2)
    collector.handle(box.name, box.push())
    collector.handle(clone.name, clone.push(1))
    assert kinds(database) == ["fork"]


def test_a_parent_that_never_comes_is_a_gap_after_a_day(
    collector: Collector, box: FakeBox, database: Database, clock: Clock
) -> None:
    """Not before; once a gap; gone when the parent came, and then a second gap is a second alarm."""
    box.weigh_and_print(1)

    def look() -> list[str]:
        database.written(lambda tx: watch(tx, {"": clock()}, clock()))
        return kinds(database)

    for wait_h in (0, NEED_H_MAX - 1):
        clock.at += timedelta(hours=wait_h)
        collector.handle(box.name, box.push(2))
        assert look() == []
    clock.at += timedelta(hours=1)
    assert look() == look() == ["gap_need"]
    (alarm,) = raised(database)
    assert (alarm["box"], alarm["count"]) == ("gate-01", 1)
    assert "since 2026-03-09T02:00:00.000Z it sends records whose parent is not held" in alarm["text"]
    collector.handle(box.name, box.push())
    database.written(lambda tx: acknowledge(tx, alarm["number"], SOMEBODY, AT))
    clock.at += timedelta(hours=NEED_H_MAX)
    assert look() == []
    box.weigh(2)
    box.weigh(3)
    collector.handle(box.name, box.push(4))
    clock.at += timedelta(hours=NEED_H_MAX)
    assert look() == ["gap_need"]


def test_a_silent_box_is_a_gap_after_three_days_and_once(
    collector: Collector, box: FakeBox, database: Database, clock: Clock, register: Callable[[FakeBox], FakeBox]
) -> None:
    """Counted from its newest record, from when it was last connected, or from the collector's own start; a box that
    never sent anything is not silent."""
    register(FakeBox("gate-02", Signer.generate(), start=5))
    collector.handle(box.name, box.push())
    sent = clock()

    def look(online_at: dict[str, Any]) -> list[str]:
        database.written(lambda tx: watch(tx, online_at, clock()))
        return kinds(database)

    clock.at = sent + timedelta(hours=SILENT_H_MAX)
    assert look({"": clock() - timedelta(hours=1)}) == []
    assert look({"": sent, box.name: clock() - timedelta(hours=1)}) == []
    clock.at -= timedelta(hours=1)
    assert look({"": sent}) == []
    clock.at += timedelta(hours=1)
    assert look({"": sent}) == look({"": sent}) == ["box_silent"]
    (alarm,) = raised(database)
    assert (alarm["count"], alarm["subject"]) == (1, box.head.hex())


def test_an_acknowledged_alarm_is_open_again_when_it_is_raised_again(database: Database) -> None:
    """Who and why stand in the audit log; taking note twice changes nothing; verify finds a note that nobody took."""
    database.written(lambda tx: raise_alarm(tx, "fork", "gate-01", "ab", "why", AT))
    database.written(lambda tx: raise_once(tx, "fork", "gate-01", "ab", "why", AT))
    (alarm,) = raised(database)
    assert database.written(lambda tx: acknowledge(tx, alarm["number"], SOMEBODY, AT))
    assert not database.written(lambda tx: acknowledge(tx, alarm["number"], SOMEBODY, AT))
    assert raised(database) == []
    with database.read() as tx:
        assert [item["open"] for item in listed(tx, 9, every=True)] == [False]
        assert verify(tx).faults == []
    database.written(lambda tx: raise_once(tx, "fork", "gate-01", "ab", "why", AT))
    assert raised(database) == []
    database.written(lambda tx: raise_alarm(tx, "fork", "gate-01", "ab", "why", AT))
    assert len(raised(database)) == 1
    with pytest.raises(ActRefusedError, match="there is none"):
        database.written(lambda tx: acknowledge(tx, 99, SOMEBODY, AT))
    with database.write() as tx:
        tx.execute(delete(schema.audit))
    with database.read() as tx:
        assert any("alarm 1: it counts as acknowledged" in fault for fault in verify(tx).faults)
    with database.write() as tx:
        tx.execute(update(schema.alarms).values(acked_at=None, acked_count=None))
    with database.read() as tx:
        assert verify(tx).faults == []


async def test_health_and_page_show_open_alarms_until_somebody_took_note(database: Database) -> None:
    """status "alarm" with 200: it serves on. The page says what to do."""
    api = Api(database, Presence(), "http://127.0.0.1:1", lambda: "", lambda: "", lambda: "no file")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(api)), base_url="http://collector") as http:
        said = (await http.get("/health")).json()
        assert (said["status"], said["alarms"], said["checkpoints"]) == ("ok", {}, "no file")
        database.written(lambda tx: raise_alarm(tx, "core_refused", "gate-01", "x", "why", AT))
        assert (await http.get("/health")).json()["status"] == "ok"
        database.written(lambda tx: raise_alarm(tx, "store_rollback", "", "x", "why", AT))
        answer = await http.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "alarm")
        assert answer.json()["alarms"] == {"store_rollback": 1}
        assert ALARM_STEPS["store_rollback"][0] in (await http.get("/")).text
        (first, *_) = (await http.get("/v1/alarms")).json()["alarms"]
        assert (first["family"], first["open"]) == ("rollback", True)
        for alarm in raised(database):
            with database.write() as tx:
                acknowledge(tx, alarm["number"], SOMEBODY, AT)
        assert (await http.get("/health")).json()["status"] == "ok"
        assert ALARM_STEPS["store_rollback"][0] not in (await http.get("/")).text


async def test_the_keeper_waits_for_a_quiet_moment_but_not_for_ever(
    database: Database, collector: Collector, box: FakeBox, collector_key: Signer, clock: Clock, tmp_path: Path
) -> None:
    """Pushes waiting: later; at the bound: all the same. The courier is woken, the file written."""
    collector.handle(box.name, box.push())
    busy, made = [True], list[bool]()
    writer, folder = Writer(), Folder(tmp_path / "files")
    maker = Checkpointer(database, collector_key, folder, clock)
    keeper = Keeper(
        database, writer, maker, Presence(), clock,
        is_busy=lambda: busy[0], on_made=lambda: made.append(True),
    )  # fmt: skip
    for _ in range(QUIET_STEPS_MAX):
        await keeper.step()
    assert made == []
    await keeper.step()
    assert made == [True]
    busy[0] = False
    clock.pass_s(86_400)
    await keeper.step()
    await keeper.step()
    assert made == [True, True]
    assert [file.number for file in folder.newest_first()] == [2, 1]
    clock.pass_s(86_400 * 5)
    await keeper.step()
    assert kinds(database) == ["box_silent"]
    writer.close()


CONFIG = """\
data_folder: store
checkpoints: elsewhere
broker: {host: 127.0.0.1}
core: {url: 'http://127.0.0.1:1'}
"""


def run(folder: Path, *words: str, code: int = 0) -> str:
    """What hazgate-cloud printed."""
    path = folder / "cloud.yaml"
    if not path.exists():
        path.write_text(CONFIG)
    done = CliRunner().invoke(app, [*words, "-c", str(path)])
    assert done.exit_code == code, done.output
    return done.output


def test_the_commands_make_show_and_write_checkpoints_and_verify_finds_what_was_cut(
    tmp_path: Path, clock: Clock
) -> None:
    """From the first checkpoint to the alarm that verify raises and a person acknowledges."""
    box = FakeBox().begin()
    key = box.signer.public().hex()
    run(tmp_path, "box", "add", box.name, "--public-key", key, "--unit-code", "91310000MA1FL5G08P")
    database = Database.open(f"sqlite:///{tmp_path / 'store' / 'collector.db'}")
    signer = (
        Signer.from_secret(bytes.fromhex((tmp_path / "store" / "collector.key").read_text().strip()))
        if (tmp_path / "store" / "collector.key").exists()
        else Signer.generate()
    )
    Collector(database, signer, clock).handle(box.name, box.push())
    said = run(tmp_path, "checkpoint", "make")
    assert "checkpoint 1: 1 records under 1 heads" in said
    assert "1 boxes are told" in said
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert "waiting" in run(tmp_path, "checkpoint", "list")
    copy = tmp_path / "copy.json"
    run(tmp_path, "checkpoint", "write", "1", "--out", str(copy))
    assert copy.read_bytes() == next((tmp_path / "elsewhere").iterdir()).read_bytes()
    assert "give another --out" in run(tmp_path, "checkpoint", "write", "1", "--out", str(copy), code=1)
    assert "there is none" in run(tmp_path, "checkpoint", "write", "9", "--out", str(copy), code=1)
    assert "1 files of checkpoints: whole" in run(tmp_path, "verify")
    with database.write() as tx:
        tx.execute(delete(schema.anchors))
        tx.execute(delete(schema.checkpoints))
    assert "the store lacks this checkpoint" in run(tmp_path, "verify", code=1)
    shown = run(tmp_path, "alarms", "list")
    assert "store_tampered" in shown
    assert "Keep the store as it is" in shown
    assert "noted" in run(tmp_path, "alarms", "acknowledge", "1", "--by", "李雷", "--reason", "看过")
    assert "before" in run(tmp_path, "alarms", "acknowledge", "1", "--by", "李雷", "--reason", "看过")
    assert "store_tampered" not in run(tmp_path, "alarms", "list")
    assert "store_tampered" in run(tmp_path, "alarms", "list", "--all")
    database.close()
