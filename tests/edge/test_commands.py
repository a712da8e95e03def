"""The command line as a person uses it, in processes of its own."""

from __future__ import annotations

import importlib.resources
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.makers import DEV, UNIT, WHO, StandingClock, weigh
from edge.test_config import written
from hazgate_edge.app import JOURNAL_FILE, AlreadyRunningError, lock
from hazgate_edge.domain.view import PrintState
from hazgate_edge.identity import IdentityError, load_or_make
from hazgate_edge.journal.place import place_of
from hazgate_edge.journal.recovered import Link
from hazgate_edge.journal.store import Journal
from hazgate_edge.watch import DECISION_FILE, Decision, take_decision
from hazgate_protocols.journal.record import Record

TRANSCRIPTS = importlib.resources.files("hazgate_profiles") / "transcripts"


def edge(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """hazgate-edge with these arguments and this standard input."""
    command = [sys.executable, "-m", "hazgate_edge.cli", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)


@pytest.fixture
def weighed(tmp_path: Path) -> tuple[Path, str, str]:
    """A configuration whose journal holds one printed and one waiting bag; (config, rid, label) of the first."""
    config = written(tmp_path)
    folder = tmp_path / "box"
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    rid, label = weigh(journal, "press-1")
    job = journal.open_jobs()[0]
    journal.write_now(
        lambda: journal.do_settle_job(job, PrintState.PRINTED, None, by="printer", detail="", who=WHO, dev=DEV)
    )
    weigh(journal, "press-2")
    journal.close()
    return config, rid, label


def test_verify_proves_an_untouched_journal(weighed: tuple[Path, str, str]) -> None:
    """Exit 0, and in words what was proved."""
    done = edge("verify", "--config", weighed[0])
    assert done.returncode == 0, done.stderr
    assert "4 records: none missing, none altered" in done.stdout.decode()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), '12.34', '12.35') AS BLOB) WHERE seq = 2",
            "other bytes",
        ),
        ("DELETE FROM record WHERE seq = 3", "record 3 is missing"),
        ("UPDATE record SET prev = zeroblob(32) WHERE seq = 3", "record 3 does not name"),
        ("UPDATE record SET seal = zeroblob(64) WHERE seal IS NOT NULL", "a seal that this box's key did not make"),
        ("UPDATE record SET seal = NULL", "has no seal"),
        ("UPDATE record SET kind = 'refusal' WHERE seq = 2", "record 2 says another"),
        ("UPDATE bag SET weight = '1.00 kg' WHERE seq = 2", "record 2 says"),
    ],
)
def test_verify_names_what_was_touched(weighed: tuple[Path, str, str], sql: str, says: str) -> None:
    """One changed, removed or unsealed thing: exit 1 and the record's number."""
    path = weighed[0].parent / "box" / JOURNAL_FILE
    with sqlite3.connect(path) as database:
        database.execute(sql)
    database.close()
    done = edge("verify", "--config", weighed[0])
    assert done.returncode == 1
    assert says in done.stderr.decode()


def test_show_tells_a_bags_story_by_label_qr_text_or_record_id(weighed: tuple[Path, str, str]) -> None:
    """The same story whichever code is given; an unknown one is said to be unknown here."""
    config, rid, label = weighed
    stories = [edge("show", code, "--config", config) for code in (label, f"http://x/t/{label}", rid)]
    assert [story.returncode for story in stories] == [0, 0, 0]
    assert len({story.stdout for story in stories}) == 1
    text = stories[0].stdout.decode()
    assert "label original: printed" in text
    assert "not yet at the collector" in text
    unknown = edge("show", label[:-3] + "999", "--config", config)
    assert unknown.returncode == 1
    assert "no weighing of this box" in unknown.stderr.decode()


def test_show_and_verify_know_a_bag_that_was_found_again(weighed: tuple[Path, str, str]) -> None:
    """With label, weight, time and where it was; a changed byte of it is found."""
    config, rid, label = weighed
    folder = config.parent / "box"
    lost = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    links = [Link(row[1], row[2], row[3], Record.decode(row[3])) for row in lost.chain()]
    lost.close()
    for part in ("", "-wal", "-shm"):
        Path(f"{folder / JOURNAL_FILE}{part}").unlink(missing_ok=True)
    journal = Journal(folder / JOURNAL_FILE, box="box-0001", signer=load_or_make(folder), clock=StandingClock())
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    twice = weigh(journal, "press-3", kilograms="45.67")
    assert twice[1] == label  # as a box does that was put back and told nothing
    head = links[-1]
    journal.write_now(lambda: journal.do_want(head.hash, head.record.seq, "other", needs=head.hash))
    journal.write_now(lambda: journal.do_keep(head.hash, links, needs=None))
    journal.close()
    for code in (label, rid):
        shown = edge("show", code, "--config", config)
        assert shown.returncode == 0, shown.stderr
        for word in (label, "12.34 kg", "2026-11-23 10:00:00 +08:00", "label original: printed", "找回的记录"):
            assert word in shown.stdout.decode()
    both = edge("show", label, "--config", config).stdout.decode()
    assert "2 weighings have this number" in both
    for word in (rid, twice[0], "45.67 kg", "not yet at the collector"):
        assert word in both
    proved = edge("verify", "--config", config)
    assert "4 records of other branches, found again: none altered" in proved.stdout.decode()
    with sqlite3.connect(folder / JOURNAL_FILE) as database:
        database.execute(
            "UPDATE recovered SET body = CAST(replace(CAST(body AS TEXT), '12.34', '12.35') AS BLOB) WHERE seq = 2"
        )
    database.close()
    assert edge("verify", "--config", config).returncode == 1


def test_verify_of_a_journal_that_was_copied_says_so_and_ends_with_3(weighed: tuple[Path, str, str]) -> None:
    """Every record is right, and what is newer than the copy may be lacking: "good" alone would hide that."""
    path = weighed[0].parent / "box" / JOURNAL_FILE
    with sqlite3.connect(path) as database:
        database.execute("UPDATE standing SET place = ?", (json.dumps(place_of(path)),))
    database.close()
    assert edge("verify", "--config", weighed[0]).returncode == 0
    copied = path.with_name("copy")
    shutil.copy(path, copied)
    copied.rename(path)
    done = edge("verify", "--config", weighed[0])
    assert done.returncode == 3, done.stderr
    assert "good" in done.stdout.decode()
    assert "is not where it was last (" in done.stderr.decode()
    assert "hazgate-edge decide" in done.stderr.decode()


def test_decide_leaves_what_the_box_takes_and_wants_a_name_and_a_reason(weighed: tuple[Path, str, str]) -> None:
    """The file lies in the data folder; an empty name or reason decides nothing, nor does an older program's file."""
    config = weighed[0]
    folder = config.parent / "box"
    nothing = "--nothing-weighed-since"
    assert edge("decide", "--config", config, "--who", " ", "--reason", "x", nothing).returncode == 1
    assert take_decision(folder) is None
    done = edge("decide", "--config", config, "--who", "李工", "--reason", "换了硬盘", nothing)
    assert done.returncode == 0, done.stderr
    assert "is given again" in done.stdout.decode()
    assert take_decision(folder) == Decision("李工", "换了硬盘", ())
    for left in (b"{", '{"who": "李工", "reason": "换了硬盘"}'.encode()):
        (folder / DECISION_FILE).write_bytes(left)
        assert take_decision(folder) is None
        assert not (folder / DECISION_FILE).exists()


def test_decide_asks_which_numbers_were_given_since_the_copy(weighed: tuple[Path, str, str]) -> None:
    """Neither word, both, or a label of another unit: refused, and why; labels as printed or scanned are taken."""
    config, _, label = weighed
    folder = config.parent / "box"
    asked = ("decide", "--config", config, "--who", "李工", "--reason", "换了硬盘")
    neither = edge(*asked)
    assert neither.returncode == 1
    for word in ("give them again", "--last-label CODE", "--nothing-weighed-since"):
        assert word in neither.stderr.decode()
    assert edge(*asked, "--last-label", label, "--nothing-weighed-since").returncode == 2
    assert edge(*asked, "--last-label", label[:-1]).returncode == 1
    assert "of unit" in edge(*asked, "--last-label", f"91110000100000033C{label[18:]}").stderr.decode()
    assert take_decision(folder) is None
    second = f"{label[:18]} 90004149 {label[26:34]} 017"
    done = edge(*asked, "--last-label", f"http://x/t/{label}", "--last-label", second)
    assert done.returncode == 0, done.stderr
    assert take_decision(folder) == Decision("李工", "换了硬盘", (label, second.replace(" ", "")))


def test_decode_turns_raw_and_hex_bytes_into_the_same_lines() -> None:
    """One JSON object an event; damaged frames are lines too."""
    good = bytes.fromhex("022B3030303038353031 3603")
    raw = edge("decode", "--profile", "yaohua-tf0", given=good)
    text = edge(
        "decode", "--profile", "yaohua-tf0", "--hex", given=b"02 2B 30 30 30 30 38 35\n30,31:36 03 # a person\n"
    )
    assert raw.returncode == text.returncode == 0, raw.stderr + text.stderr
    assert raw.stdout == text.stdout
    (line,) = raw.stdout.splitlines()
    assert json.loads(line) | {"raw": ""} == {
        "weight": "85",
        "unit": "kg",
        "stable": None,
        "mode": None,
        "status": "ok",
        "zero": None,
        "tare": None,
        "gross": None,
        "net": None,
        "raw": "",
    }
    damaged = edge("decode", "--profile", "yaohua-tf0", given=good.replace(b"\x38", b"\x39"))
    assert json.loads(damaged.stdout.splitlines()[0])["reject"] == "checksum"


def test_decode_needs_what_a_profile_needs_and_says_so() -> None:
    """An option is given on the command line; an unknown profile or bad hex is told in a line."""
    answer = bytes.fromhex("01030A08000000311000003110 74E2")
    assert edge("decode", "--profile", "modbus-laumas", given=answer).returncode == 1
    done = edge("decode", "--profile", "modbus-laumas", "--option", "decimals=2", given=answer)
    assert json.loads(done.stdout)["weight"] == "125.60"
    for wrong in (("--profile", "nonsense"), ("--profile", "yaohua-tf0", "--hex")):
        done = edge("decode", *wrong, given=b"xyz")
        assert done.returncode == 1
        assert done.stdout == b""
        assert b"Traceback" not in done.stderr


def test_a_transcript_is_run_a_line_a_case_and_a_failing_case_is_exit_1(tmp_path: Path) -> None:
    """The shape consumers rely on: profile, id, readings, rejects."""
    for name in ("yaohua-tf0", "toledo-cont", "st-gs", "mt-sics", "modbus-laumas"):
        source = tmp_path / f"{name}.yaml"
        source.write_text((TRANSCRIPTS / f"{name}.yaml").read_text("utf-8"), "utf-8")
        done = edge("decode", "--transcript", source)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            assert json.loads(line).keys() == {"profile", "id", "readings", "rejects"}
    broken = tmp_path / "broken.yaml"
    text = (tmp_path / "yaohua-tf0.yaml").read_text("utf-8")
    broken.write_text(text.replace('weight: "85"', 'weight: "86"'), "utf-8")
    done = edge("decode", "--transcript", broken)
    assert done.returncode == 1
    assert b"person-85kg" in done.stderr


def test_a_second_agent_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """And the first one's lock goes with its process."""
    held = lock(tmp_path)
    with pytest.raises(AlreadyRunningError, match="程序已在运行"):
        lock(tmp_path)
    held.close()
    lock(tmp_path).close()


def test_a_key_is_made_once_and_guarded(tmp_path: Path) -> None:
    """0600; the same key again; one that others may read or that is damaged is refused in words."""
    key = load_or_make(tmp_path).public()
    assert load_or_make(tmp_path).public() == key
    path = tmp_path / "box.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(IdentityError, match="chmod 600"):
        load_or_make(tmp_path)
    path.write_bytes(b"short")
    with pytest.raises(IdentityError, match="32 are wanted"):
        load_or_make(tmp_path)


def test_identity_prints_what_the_collector_wants(tmp_path: Path) -> None:
    """Box, key and unit on one line."""
    done = edge("identity", "--config", written(tmp_path))
    box, key, unit = done.stdout.decode().split()
    assert (box, len(bytes.fromhex(key)), unit) == ("box-0001", 32, UNIT)


def test_run_with_a_bad_configuration_ends_with_its_problems(tmp_path: Path) -> None:
    """No trace, exit 1."""
    done = edge("run", "--config", written(tmp_path, ("site: 北厂", "sitte: 北厂")))
    assert done.returncode == 1
    assert b"sitte: is no setting" in done.stderr
    assert b"Traceback" not in done.stderr
