"""Whose key it is: certificates for the authority, the collector and every box, made once and kept."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from cloud.fakebox import UNIT
from hazgate_cloud.app import certify
from hazgate_cloud.cli import app
from hazgate_cloud.config import Config, load
from hazgate_cloud.domain import authority
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.keys import KeyFileError, own_key
from hazgate_cloud.store import migrate
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.certificates import Authority, certificates_of, issue_missing, root_of
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.schema import certificates
from hazgate_protocols.certificate import decode_certificate
from hazgate_protocols.journal.seal import Signer

BOX_KEY = Signer.from_secret(bytes(range(32)))
COLLECTOR_KEY = Signer.from_secret(b"c" * 32)
AUTHORITY_KEY = Signer.from_secret(b"a" * 32)
KEYS = Authority(AUTHORITY_KEY, COLLECTOR_KEY.public())
NOW = datetime(2026, 11, 23, 2, 0, 0, 123_000, tzinfo=UTC)


def add(database: Database, box: str = "gate-01", at: str = "2026-03-01T08:00:00.250Z", key: bytes = b"") -> None:
    known = RegisteredBox(box, key or BOX_KEY.public(), UNIT, "东门")
    database.written(lambda tx: add_box(tx, known, at))


def issue(database: Database, keys: Authority = KEYS, now: datetime = NOW) -> int:
    return database.written(lambda tx: issue_missing(tx, keys, now))


def test_a_box_registered_before_there_was_an_authority_is_certified_from_its_registration(database: Database) -> None:
    """Its records were taken since then; the root begins no later, so that the whole chain covers them."""
    add(database)
    assert issue(database) == 3
    with database.read() as tx:
        issued = certificates_of(tx, "gate-01", BOX_KEY.public(), COLLECTOR_KEY.public())
    assert issued is not None
    registered = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
    assert (issued.box.role, issued.box.common_name, issued.box.organization) == ("box", "gate-01", UNIT)
    assert (issued.box.public_key, issued.box.not_before) == (BOX_KEY.public(), registered)
    assert issued.root.not_before == issued.collector.not_before == registered
    assert issued.root.issued(issued.root)
    assert issued.root.issued(issued.box)
    assert issued.root.issued(issued.collector)
    assert not issued.box.issued(issued.collector)
    assert not issued.box.authority


def test_nothing_is_issued_twice_and_later_boxes_follow(database: Database) -> None:
    """Every start asks for what is missing; a box that came since gets its own, from its own registration on."""
    add(database)
    issue(database)
    assert issue(database, now=NOW + timedelta(days=400)) == 0
    add(database, "gate-02", "2027-01-01T00:00:00.000Z")
    assert issue(database, now=NOW + timedelta(days=400)) == 1
    with database.read() as tx:
        second = certificates_of(tx, "gate-02", BOX_KEY.public(), COLLECTOR_KEY.public())
        first = certificates_of(tx, "gate-01", BOX_KEY.public(), COLLECTOR_KEY.public())
    assert second is not None
    assert first is not None
    assert second.root.der == first.root.der
    assert second.box.not_before == datetime(2027, 1, 1, tzinfo=UTC)


def test_no_certificate_outlives_the_root(database: Database) -> None:
    """A box registered in the root's last years is covered until the root's end, and no longer."""
    issue(database)
    late = NOW + timedelta(days=authority.ROOT_DAYS - 100)
    add(database, at=late.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    issue(database, now=late)
    with database.read() as tx:
        issued = certificates_of(tx, "gate-01", BOX_KEY.public(), COLLECTOR_KEY.public())
    assert issued is not None
    assert issued.box.not_after == issued.root.not_after


def test_a_lost_authority_key_begins_a_new_root_and_keeps_the_old_certificates(database: Database) -> None:
    """The newest is given out; what was issued before stays in the store."""
    add(database)
    issue(database)
    other = replace(KEYS, issuer=Signer.from_secret(b"o" * 32))
    assert issue(database, other) == 3
    with database.read() as tx:
        issued = certificates_of(tx, "gate-01", BOX_KEY.public(), COLLECTOR_KEY.public())
        old = root_of(tx, AUTHORITY_KEY.public())
        count = tx.execute(select(func.count()).select_from(certificates)).scalar_one()
    assert issued is not None
    assert old is not None
    assert issued.root.public_key == other.issuer.public()
    assert old.der != issued.root.der
    assert count == 6


def test_a_key_of_another_kind_gets_no_certificate(database: Database) -> None:
    """Certificates are of Ed25519; a box of another suite is registered all the same."""
    add(database, key=b"\4" + bytes(64))
    assert issue(database) == 2
    with database.read() as tx:
        assert certificates_of(tx, "gate-01", b"\4" + bytes(64), COLLECTOR_KEY.public()) is None


def test_a_store_of_the_version_before_gets_the_table_and_its_boxes_certificates(tmp_path: Path) -> None:
    """Upgrade from the schema without certificates: nothing that is there is touched."""
    database = Database.open(f"sqlite:///{tmp_path / 'collector.db'}")
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(migrate._SCRIPTS))
    alembic.set_main_option("path_separator", "os")
    with database.write() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0002")
        connection.execute(
            text(
                "INSERT INTO boxes (box, public_key, unit_code, name, registered_at, notes_last, notes_after) "
                "VALUES ('gate-01', :key, :unit, '', '2026-03-01T00:00:00.000Z', 0, 0)"
            ),
            {"key": BOX_KEY.public(), "unit": UNIT},
        )
    migrate.upgrade(database)
    assert issue(database) == 3
    migrate.upgrade(database)
    assert issue(database) == 0
    database.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "cloud.yaml"
    file.write_text("data_folder: store\nbroker: {host: 127.0.0.1}\ncore: {url: 'http://127.0.0.1:9'}\n")
    return file


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.output


def opened(config: Path) -> tuple[Config, Database]:
    settings = load(config)
    return settings, Database.open(settings.database_url)


def test_the_commands_show_the_certificates(config: Path) -> None:
    """Registering issues; list says until when, show says for what, and both certificates leave as PEM."""
    path = str(config)
    run("box", "add", "gate-01", "--public-key", BOX_KEY.public().hex(), "--unit-code", UNIT, "-c", path)
    root = decode_certificate(run("root", "-c", path).encode())
    box = decode_certificate(run("box", "show", "gate-01", "--pem", "-c", path).encode())
    assert root.issued(box)
    assert (box.common_name, box.organization, box.public_key) == ("gate-01", UNIT, BOX_KEY.public())
    shown = run("box", "show", "gate-01", "-c", path)
    for part in (UNIT, BOX_KEY.public().hex(), box.fingerprint, root.fingerprint, str(box.not_after.date())):
        assert part in shown
    assert str(box.not_after.date()) in run("box", "list", "-c", path)
    assert "no box of this name is registered" in run("box", "show", "gate-09", "-c", path, code=1)
    assert decode_certificate(run("root", "-c", path).encode()) == root


def test_a_box_without_a_certificate_is_shown_and_says_so(config: Path) -> None:
    """Of another suite: what is known of it is shown; a certificate asked for is refused in words."""
    settings, database = opened(config)
    migrate.upgrade(database)
    add(database, key=b"\4" + bytes(64))
    database.close()
    assert "fingerprint" not in run("box", "show", "gate-01", "-c", str(config))
    assert "has no certificate" in run("box", "show", "gate-01", "--pem", "-c", str(config), code=1)
    assert settings.authority_key_file.exists()


def test_the_authoritys_key_is_a_file_of_its_own_that_only_its_owner_reads(config: Path) -> None:
    """Made once, 0600, another key than the collector's; a damaged one is never replaced."""
    run("root", "-c", str(config))
    settings, database = opened(config)
    file = settings.authority_key_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert own_key(file).public() != own_key(settings.key_file).public()
    before = file.read_text()
    assert certify(settings, database, NOW) == 0
    assert file.read_text() == before
    file.write_text("damaged")
    with pytest.raises(KeyFileError, match="restore it from the backup"):
        certify(settings, database, NOW)
    database.close()
    assert "restore it from the backup" in run("root", "-c", str(config), code=1)
