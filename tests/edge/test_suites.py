"""A box of sm3+sm2: configured, founded, proved; and a chain that never changes its suite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.makers import BOX, DEV, UNIT, StandingClock, journal_in, weigh
from edge.test_config import check, written
from hazgate_edge import app
from hazgate_edge.cli import main
from hazgate_edge.commands import doctor, verify
from hazgate_edge.config import load
from hazgate_edge.domain.view import Light
from hazgate_edge.identity import IdentityError, load_or_make
from hazgate_edge.journal.database import JournalError
from hazgate_edge.journal.start import fault_in, require_suite_of
from hazgate_edge.journal.store import Journal
from hazgate_edge.timekeeper import Timekeeper
from hazgate_protocols.journal import sm2
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer, chain_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, SuiteMissingError

SIGNER = Signer.from_secret(bytes(range(32)), SM3_SM2)
COLLECTOR = Signer.from_secret(b"c" * 32, SM3_SM2).public().hex()
SM = ("site: 北厂", "site: 北厂\nsuite: sm3+sm2")
KEY = ('public_key: "' + "ab" * 32, f'public_key: "{COLLECTOR}')


@pytest.fixture
def sm_journal(tmp_path: Path) -> Path:
    """Two bags in a chain of sm3+sm2."""
    journal = journal_in(tmp_path, signer=SIGNER)
    weigh(journal, "press-1")
    weigh(journal, "press-2")
    journal.close()
    return tmp_path / "journal.sqlite3"


def founded(folder: Path, suite: str) -> Path:
    """A configuration of this suite whose journal holds one bag."""
    config = load(written(folder, SM, KEY) if suite == SM3_SM2.name else written(folder))
    signer = load_or_make(config.data_folder, config.chain_suite)
    path = config.data_folder / app.JOURNAL_FILE
    journal = Journal(path, box=config.box, signer=signer, clock=StandingClock())
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    weigh(journal, "press-1")
    journal.close()
    return folder / "edge.yaml"


def test_the_chain_is_sm3_and_its_head_is_sealed_with_sm2(sm_journal: Path) -> None:
    """Every hash, the name and the key in the first record, one seal for the burst."""
    with sqlite3.connect(sm_journal) as database:
        rows = database.execute("SELECT hash, prev, body, seal FROM record ORDER BY seq").fetchall()
    database.close()
    prev = ROOT
    for digest, parent, body, _ in rows:
        assert (parent, digest) == (prev, link(prev, body, SM3_SM2))
        prev = digest
    first = Record.decode(rows[0][2]).body
    assert (first["suite"], first["public_key"]) == ("sm3+sm2", SIGNER.public().hex())
    assert chain_seal_holds(SIGNER.public(), BOX, rows[-1][0], rows[-1][3])
    assert fault_in(sm_journal, box=BOX, public_key=SIGNER.public()) is None


def test_a_changed_byte_in_an_sm3_journal_is_found_at_the_start(sm_journal: Path) -> None:
    """The same check as in the default suite."""
    with sqlite3.connect(sm_journal) as database:
        database.execute("UPDATE record SET body = CAST(replace(CAST(body AS TEXT), '12.34', '12.35') AS BLOB)")
    database.close()
    fault = fault_in(sm_journal, box=BOX, public_key=SIGNER.public())
    assert fault is not None
    assert "other bytes than were hashed" in fault.text


def test_planted_a_start_that_hashes_with_sha256_calls_a_sound_journal_damaged(
    sm_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug: the suite ignored at the start."""
    monkeypatch.setattr("hazgate_edge.journal.start.link", lambda prev, body, _suite=None: link(prev, body))
    assert fault_in(sm_journal, box=BOX, public_key=SIGNER.public()) is not None


def test_verify_proves_an_sm3_journal_and_names_what_was_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 0 with the suite's name; a changed byte, a seal of the other suite, or a check that ignores the suite: 1."""
    config = founded(tmp_path, SM3_SM2.name)
    assert verify.run(config) == 0
    assert "seals of sm3+sm2 hold" in capsys.readouterr().out

    with monkeypatch.context() as planted:
        planted.setattr(verify, "link", lambda prev, body, _suite=None: link(prev, body))
        assert verify.run(config) == 1
    assert "record 1 (" in capsys.readouterr().err

    def missing() -> None:
        raise SuiteMissingError("this OpenSSL has no SM2")

    with monkeypatch.context() as planted:
        planted.setattr(sm2, "require", missing)
        assert verify.run(config) == 1
    assert "this OpenSSL has no SM2" in capsys.readouterr().err

    path = tmp_path / "box" / app.JOURNAL_FILE
    with sqlite3.connect(path) as database:
        (head,) = database.execute("SELECT hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
        other = Signer.from_secret(bytes(range(32))).seal_chain("box-0001", head)
        database.execute("UPDATE record SET seal = ? WHERE seal IS NOT NULL", (other,))
    database.close()
    assert verify.run(config) == 1
    assert "a seal that this box's key did not make" in capsys.readouterr().err
    with sqlite3.connect(path) as database:
        database.execute("UPDATE record SET body = CAST(replace(CAST(body AS TEXT), 'sm3+sm2', 'md5') AS BLOB)")
    database.close()
    assert verify.run(config) == 1
    assert "record 1 (" in capsys.readouterr().err


@pytest.mark.parametrize(("begun", "now"), [(DEFAULT.name, SM3_SM2.name), (SM3_SM2.name, DEFAULT.name)])
def test_a_suite_changed_later_is_refused_in_words_and_nothing_is_moved(
    begun: str, now: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent, identity and doctor say what was begun and what to do; the journal is not taken for damaged."""
    founded(tmp_path, begun)
    path = written(tmp_path, SM, KEY) if now == SM3_SM2.name else written(tmp_path)
    config = load(path)
    with pytest.raises(JournalError, match=r"不能更改") as refused:
        app.build(config, Timekeeper(StandingClock()))
    assert f"begun with suite {begun}, the configuration says {now}" in str(refused.value)
    assert f"write suite: {begun} again" in str(refused.value)
    names = {file.name for file in config.data_folder.iterdir()}
    assert app.JOURNAL_FILE in names
    assert not [name for name in names if "set-aside" in name]
    with pytest.raises(SystemExit) as ended:
        main(["identity", "--config", str(path)])
    assert ended.value.code == 1
    assert f"begun with suite {begun}" in capsys.readouterr().err


async def test_doctor_names_the_suite_and_refuses_a_changed_one(tmp_path: Path) -> None:
    """One line about the key."""
    path = founded(tmp_path, SM3_SM2.name)
    good = await doctor._key(load(path))
    assert (good.light, "sm3+sm2, public key 04" in good.text) == (Light.GOOD, True)
    bad = await doctor._key(load(written(tmp_path)))
    assert (bad.light, "never changes its suite" in bad.text) == (Light.BAD, True)


def test_no_journal_and_an_unreadable_one_say_nothing_about_the_suite(tmp_path: Path) -> None:
    """That is for the check that sets a damaged journal aside."""
    path = tmp_path / "journal.sqlite3"
    require_suite_of(path, SM3_SM2)
    path.write_bytes(b"")
    require_suite_of(path, SM3_SM2)
    path.write_bytes(b"no database at all" * 100)
    require_suite_of(path, SM3_SM2)
    path.unlink()
    journal_in(tmp_path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE record SET body = x'00'")
    database.close()
    require_suite_of(path, SM3_SM2)


def test_a_right_configuration_of_sm3_sm2_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the default needs no line."""
    code, out, err = check(written(tmp_path, SM, KEY), capsys)
    assert (code, err) == (0, "")
    assert "records sealed with sm3+sm2" in out
    assert "records sealed with sha256+ed25519" in check(written(tmp_path), capsys)[1]


@pytest.mark.parametrize(
    ("edits", "line", "said"),
    [
        (
            (SM,),
            11,
            "collector.public_key: is no key of suite sm3+sm2; the line `hazgate-cloud identity --suite sm3+sm2",
        ),
        (
            (KEY,),
            10,
            "collector.public_key: is no key of suite sha256+ed25519; the line `hazgate-cloud identity` prints",
        ),
        ((SM, (KEY[0], 'public_key: "04' + "ab" * 64)), 11, "collector.public_key: is no SM2 key"),
        ((("site: 北厂", "site: 北厂\nsuite: md5"),), 4, "suite: Input should be 'sha256+ed25519' or 'sm3+sm2'"),
        (((KEY[0], 'public_key: "06' + "ab" * 64),), 10, "130 that begin with 04 for sm3+sm2"),
    ],
)
def test_a_wrong_suite_or_key_is_told_by_line(
    edits: tuple[tuple[str, str], ...], line: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and which command prints the right line."""
    code, _, err = check(written(tmp_path, *edits), capsys)
    assert code == 1
    assert any(text.startswith(f"{tmp_path}/edge.yaml:{line}: ") and said in text for text in err.splitlines()), err


def test_a_machine_without_sm3_refuses_the_suite_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, at the line; the default suite is not concerned."""

    def missing() -> None:
        raise SuiteMissingError("this OpenSSL has no SM3")

    monkeypatch.setattr(sm2, "require", missing)
    code, _, err = check(written(tmp_path, SM, KEY), capsys)
    assert code == 1
    assert "edge.yaml:4: suite: this machine cannot do sm3+sm2: this OpenSSL has no SM3" in err
    assert check(written(tmp_path), capsys)[0] == 0


def test_each_suite_has_a_key_file_of_its_own(tmp_path: Path) -> None:
    """One secret never serves two suites; guarded and checked alike."""
    ed25519, shangmi = load_or_make(tmp_path), load_or_make(tmp_path, SM3_SM2)
    assert (len(ed25519.public()), len(shangmi.public())) == (32, 65)
    assert ed25519.secret() != shangmi.secret()
    assert load_or_make(tmp_path, SM3_SM2).public() == shangmi.public()
    path = tmp_path / "box-sm2.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"\xff" * 32)
    with pytest.raises(IdentityError, match="restore it from your backup"):
        load_or_make(tmp_path, SM3_SM2)


def test_identity_prints_the_sm2_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """65 bytes that begin with 04."""
    with pytest.raises(SystemExit) as ended:
        main(["identity", "--config", str(written(tmp_path, SM, KEY))])
    assert ended.value.code == 0
    box, key, unit = capsys.readouterr().out.split()
    assert (box, unit, len(key), key[:2]) == ("box-0001", UNIT, 130, "04")
