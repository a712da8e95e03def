"""The commands held and quarantine, as a person types them; the schema step under a store with data in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as Alembic
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from cloud.fakebox import UNIT, FakeBox, weighing_body
from cloud.test_config_and_commands import GOOD, run, written
from hazgate_cloud.app import open_store
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.config import load
from hazgate_cloud.keys import own_key
from hazgate_cloud.store import migrate, schema
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.record import WEIGHING

WHO = ["--by", "李明", "--reason", "核对了地磅单"]


class Desk:
    """A collector's folder and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.path = written(folder, GOOD)
        self.config = load(self.path)
        self.box = FakeBox().begin()

    def register(self) -> None:
        key = self.box.signer.public().hex()
        self.run("box", "add", self.box.name, "--public-key", key, "--unit-code", UNIT)

    def run(self, *words: str, code: int = 0) -> str:
        return run(*words, "-c", str(self.path), code=code)

    def push(self, payload: bytes) -> None:
        database = open_store(self.config)
        Collector(database, own_key(self.config.key_file), lambda: datetime.now(UTC)).handle(self.box.name, payload)
        database.close()

    def quarantined(self) -> str:
        database = open_store(self.config)
        with database.read() as tx:
            (digest,) = tx.execute(select(schema.quarantine.c.digest)).scalars()
        database.close()
        return bytes(digest).hex()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_held_record_is_listed_shown_released_and_gone_from_the_list(desk: Desk) -> None:
    """Whole hash in the list; the second release says that nothing changed; verify is content."""
    desk.register()
    own = desk.box.write(WEIGHING, {**weighing_body(1), "produced_on": "2026-03-01"}).hex()
    desk.push(desk.box.push())
    assert own in desk.run("held", "list")
    assert json.loads(desk.run("held", "show", own))["flags"][0]["code"] == "label_date_wrong"
    assert "released; the box is told" in desk.run("held", "release", own, *WHO)
    assert "already" in desk.run("held", "release", own, *WHO)
    assert own not in desk.run("held", "list")
    assert own in desk.run("held", "list", "--decided")
    said = json.loads(desk.run("held", "show", own))
    assert (said["ruling"]["by"], [row["act"] for row in said["audit"]]) == ("李明", ["release"])
    assert "that stays" in desk.run("held", "reject", own, *WHO, code=1)
    assert "everything held is whole" in desk.run("verify")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("held", "list"), "nothing is held"),
        (("quarantine", "list"), "nothing is in quarantine"),
        (("alarms", "list"), "no alarm is open"),
        (("checkpoint", "list"), "no checkpoint was made yet"),
        (("leases", "list", UNIT), f"no label numbers are leased in unit {UNIT}"),
        (("box", "list"), "no box is registered"),
    ],
)
def test_an_empty_list_says_so_in_words(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """No bare frame."""
    shown = desk.run(*words)
    assert said in shown
    assert "━" not in shown
    group, *rest = words
    assert run(group, "-c", str(desk.path), *rest) == shown  # people type the file first


def test_without_a_terminal_the_list_of_boxes_is_not_cut(desk: Desk) -> None:
    """A script finds the box's name, the unit's code and the name people gave it, each whole."""
    desk.box.name = "box-with-a-rather-long-name-01"
    key = desk.box.signer.public().hex()
    name = "保定示范机械有限公司一号危废暂存间东门地磅"
    desk.run("box", "add", desk.box.name, "--public-key", key, "--unit-code", UNIT, "--name", name)
    (line,) = [line for line in desk.run("box", "list").splitlines() if desk.box.name in line]
    assert UNIT in line
    assert name in line


@pytest.mark.parametrize("group", ["box", "held", "leases", "quarantine", "checkpoint", "alarms"])
def test_a_group_without_a_verb_shows_its_verbs(desk: Desk, group: str) -> None:
    """Also when the configuration is named."""
    shown = desk.run(group, code=2)  # desk.run adds -c FILE
    assert "No such option" not in shown
    assert ("resume" if group == "leases" else "list") in shown
    assert run(group, code=2) == shown


def test_what_is_no_hash_or_has_no_reason_is_refused_in_words(desk: Desk) -> None:
    """Exit 1, one sentence."""
    assert "32 bytes in hex" in desk.run("held", "release", "abc", *WHO, code=1)
    assert "no such record" in desk.run("held", "reject", "00" * 32, *WHO, code=1)
    assert "reason" in desk.run("held", "reject", "00" * 32, "--by", "x", "--reason", " ", code=1)
    assert "none of this digest" in desk.run("quarantine", "discard", "00" * 32, *WHO, code=1)


def test_a_push_of_an_unknown_box_is_taken_after_registering_it(desk: Desk) -> None:
    """Replay before: refused again, exit 1, and logged. After: stored; a third time it is said to be done."""
    desk.box.weigh(1)
    desk.push(desk.box.push())
    digest = desk.quarantined()
    assert digest in desk.run("quarantine", "list")
    assert "refused again (box_unknown)" in desk.run("quarantine", "replay", digest, code=1)
    desk.register()
    assert "taken" in desk.run("quarantine", "replay", digest, "--by", "李明", "--reason", "设备已登记")
    assert "was replayed at" in desk.run("quarantine", "replay", digest, code=1)
    assert "is stored" in desk.run("quarantine", "discard", digest, *WHO, code=1)
    said = json.loads(desk.run("quarantine", "show", digest))
    assert (said["outcome"], [row["act"] for row in said["audit"]]) == ("replayed", ["replay", "replay"])
    assert "everything held is whole" in desk.run("verify")
    assert desk.box.name in desk.run("box", "list")


def test_a_discarded_push_is_marked_and_its_bytes_stay(desk: Desk) -> None:
    """Also when it comes again it only counts up; it cannot be replayed."""
    desk.register()
    desk.push(b"nonsense")
    digest = desk.quarantined()
    assert "its bytes stay" in desk.run("quarantine", "discard", digest, *WHO)
    assert "already" in desk.run("quarantine", "discard", digest, *WHO)
    desk.push(b"nonsense")
    said = json.loads(desk.run("quarantine", "show", digest))
    assert (said["outcome"], said["count"], said["first_bytes"]) == ("discarded", 2, b"nonsense".hex())
    assert "was discarded at" in desk.run("quarantine", "replay", digest, code=1)
    assert "everything held is whole" in desk.run("verify")


def test_a_push_whose_parent_is_not_held_stays_in_quarantine(desk: Desk) -> None:
    """Replayed after registering: not taken, with what happens next."""
    desk.box.weigh(1)
    desk.push(desk.box.push(1))
    desk.register()
    digest = desk.quarantined()
    assert "the record it follows is not held" in desk.run("quarantine", "replay", digest, code=1)
    assert json.loads(desk.run("quarantine", "show", digest))["outcome"] is None


def test_the_second_step_keeps_everything_the_first_schema_held(tmp_path: Path) -> None:
    """A store of the first version with records, a flag, a submission and a refused push goes up and is whole."""
    database = Database.open(f"sqlite:///{tmp_path / 'c.db'}")
    config = Alembic()
    config.set_main_option("script_location", str(migrate._SCRIPTS))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = {row[1] for row in connection.execute(text("PRAGMA table_info(quarantine)"))}
        assert "outcome" not in columns
        connection.execute(
            text("INSERT INTO boxes VALUES ('gate-01', :key, :unit, 'x', '2026-03-01T00:00:00.000Z', NULL, 0, 0)"),
            {"key": FakeBox().signer.public(), "unit": UNIT},
        )
        connection.execute(
            text("INSERT INTO quarantine VALUES (:d, 'gate-02', 'box_unknown', 'why', :raw, 'a', 'b', 3)"),
            {"d": bytes(32), "raw": b"raw"},
        )
        box = FakeBox().begin()
        columns_of = "(hash, prev, box, seq, rid, kind, body, stored_at)"
        connection.execute(
            text(
                f"INSERT INTO records {columns_of} VALUES (:h, :p, 'gate-01', 1, :r, 'genesis', :b, 'x')"  # noqa: S608
            ),
            {"h": box.head, "p": bytes(32), "r": box.record("boot", {}).rid, "b": box.bodies[0]},
        )
    before = dump(database)
    newest = ScriptDirectory.from_config(config).get_current_head()
    migrate.upgrade(database)
    assert dump(database) == before
    with database.read() as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == newest
        assert tx.execute(select(schema.quarantine.c.outcome)).scalar_one() is None
        assert "0 acts of people: one unbroken log, and everything decided stands in it" in verify(tx).checked
    database.close()


def dump(database: Database) -> list[tuple[object, ...]]:
    """The content of the tables that both schemas have, by their first columns."""
    with database.read() as tx:
        boxes = tx.execute(
            text("SELECT box, public_key, unit_code, name, registered_at, receipt_hash, notes_last FROM boxes")
        ).all()
        records = tx.execute(text("SELECT * FROM records")).all()
        kept = tx.execute(text("SELECT digest, box, code, reason, raw, first_at, last_at, count FROM quarantine")).all()
    return [tuple(row) for row in (*boxes, *records, *kept)]
