"""From the store to a file to a verdict: what is gathered, what is said, what the commands answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud.fakebox import UNIT, FakeBox, label_of, weighing_body
from edge.makers import StandingClock
from evidence.place import COLLECTOR_KEY, Place, dev, five_bags, frame
from evidence.second_verifier import problems
from hazgate_cloud.cli import app
from hazgate_cloud.evidence.gather import NoEvidenceError
from hazgate_edge.journal.store import Journal, NewWeighing
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_protocols.evidence.bundle import STEPS, STEPS_A_LINE_MAX, decode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.command import main
from hazgate_protocols.evidence.report import Report, Verdict
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import WEIGHING

BOX_KEY = FakeBox().signer


def judged(data: bytes) -> Report:
    """Checked with both keys known; the second verifier must agree."""
    report = check(decode_bundle(data), collector_key=COLLECTOR_KEY.public(), box_key=BOX_KEY.public())
    assert bool(problems(data, COLLECTOR_KEY.public().hex(), BOX_KEY.public().hex())) is not report.holds
    return report


def said(report: Report, verdict: Verdict) -> str:
    return "\n".join(finding.text for finding in report.findings if finding.verdict is verdict)


def test_a_bags_whole_way_is_proved(evidence: bytes) -> None:
    """Every joint from the raw bytes to the core's answer is a sentence of its own; the limits are said too."""
    report = judged(evidence)
    assert said(report, Verdict.FAILED) == ""
    proved = said(report, Verdict.PROVED)
    for part in (
        "All 21 lines are, byte for byte",
        "The collector's key is the one you gave",
        "The 6 records shown stand in one unbroken chain of box gate-01, from its first record to record 14",
        "The box sealed record 14",
        "The box's key is the one you gave",
        "confirms by a receipt that it holds record 14",
        f"Record 4 is the weighing of label {label_of(2)}: 22.34 kg of 900-214-08 废矿物油",
        "The profile yaohua-tf0, revision 1, is byte for byte the one the record names",
        "The 3 raw frames in the record, decoded again by that profile, give exactly 22.34 kg = 22340000 mg",
        "record 5: label printed; record 6: copy 1 asked for; record 7: copy 1 printed",
        "The submission to the core says what the record says (0.022340 t)",
        "The core's answer, as the collector kept it, means accepted",
        "The box took note 2 (accepted) and wrote it into its own chain as record 14",
    ):
        assert part in proved
    limits = said(report, Verdict.OPEN)
    for part in ("Who stood at the scale", "an honest scale", "When it was weighed", "it signs nothing", "8 records"):
        assert part in limits
    assert "was taken from this file itself" not in limits


def test_the_same_steps_make_the_same_bytes(evidence: bytes, tmp_path: Path) -> None:
    """Nothing in the file depends on chance, so two collectors' files about one bag can be compared."""
    place = Place(tmp_path)
    five_bags(place)
    assert place.evidence(2) == evidence
    place.close()


def test_a_bag_not_yet_accepted_is_proved_as_far_as_it_came(place: Place) -> None:
    """Received, not sent: no answer is claimed."""
    place.weigh(1)
    place.push()
    report = judged(place.evidence(1))
    assert report.holds
    assert "so far the outcome is queued" in said(report, Verdict.OPEN)
    assert "means accepted" not in said(report, Verdict.PROVED)


def test_a_bag_held_back_says_why(place: Place) -> None:
    """Flagged by the collector: the reason stands in the file, and no submission."""
    body = weighing_body(1) | {"produced_on": "2026-03-01"}
    place.box.write(WEIGHING, body, dev=dev(), raw=(frame("12.34"),))
    place.push()
    data = place.evidence(1)
    report = check(decode_bundle(data))
    assert "the collector held it back from the core (label_date_wrong" in said(report, Verdict.OPEN)
    assert "the record says otherwise" in said(report, Verdict.FAILED)
    assert problems(data) != []


def test_a_profile_the_collector_does_not_have_is_said(place: Place) -> None:
    """Then the weight is not replayed, and nothing pretends that it was."""
    place.weigh(1, dev={**dev(), "profile_digest": "00" * 32})
    asyncio.run(place.settle())
    report = judged(place.evidence(1))
    assert report.holds
    assert "Whether the raw bytes give this weight: the collector had no profile" in said(report, Verdict.OPEN)


def test_a_long_chain_is_shown_in_bounded_lines(place: Place) -> None:
    """64 bytes a hidden record, at most STEPS_A_LINE_MAX of them a line."""
    for _ in range(STEPS_A_LINE_MAX + 7):
        place.box.write("login", {})
    place.weigh(1)
    while place.sent < len(place.box.bodies):
        count = min(100, len(place.box.bodies) - place.sent)
        place.collector.handle(place.box.name, place.box.push(place.sent, count))
        place.sent += count
    data = place.evidence(1)
    assert [len(part["hashes"]) for part in decode_bundle(data).of(STEPS)] == [STEPS_A_LINE_MAX, 7]
    assert judged(data).holds


def test_a_copied_disk_is_said_and_the_bags_own_branch_shown(place: Place) -> None:
    """Two branches: the file follows the one that holds the bag, and says that there is another."""
    place.weigh(1)
    place.push()
    copy = place.box.copy(start=9)
    place.weigh(2)
    place.push()
    for number in (3, 4, 5):
        copy.write(WEIGHING, weighing_body(number), dev=dev(), raw=(frame("12.34"),))
    assert place.collector.handle(copy.name, copy.push(3)) is not None
    for number in (1, 2):
        report = judged(place.evidence(number))
        assert report.holds
        assert "2 branches of this box's chain" in said(report, Verdict.OPEN)


@pytest.mark.parametrize("longer", [True, False], ids=["on the longer branch", "on the shorter branch"])
def test_of_two_branches_the_one_that_says_more_of_the_bag_is_shown(place: Place, longer: bool) -> None:
    """A copy asked for on one of two disks: the file follows that one, whichever is longer."""
    place.weigh(1)
    place.push()
    copy = place.box.copy(start=9)
    place.reprint()
    for _ in range(1 if longer else 5):
        copy.write("login", {})
    for _ in range(3 if longer else 0):
        place.box.write("login", {})
    place.push()
    assert place.collector.handle(copy.name, copy.push(3)) is not None
    report = judged(place.evidence(1))
    assert report.holds
    assert "copy 1 printed" in said(report, Verdict.PROVED)


def test_an_unknown_label_has_no_evidence(place: Place) -> None:
    """Said, with what to do."""
    with pytest.raises(NoEvidenceError, match="no bag has this label number"):
        place.evidence(9)


async def test_a_real_journals_bag_is_proved(place: Place, tmp_path: Path) -> None:
    """The box's own journal and dialogue instead of a small one: same verdict, also from the second verifier."""
    clock = StandingClock()
    (tmp_path / "box").mkdir()
    journal = Journal(tmp_path / "box" / "journal.sqlite3", box=place.box.name, signer=BOX_KEY, clock=clock)
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=dev()))
    dialogue = Dialogue(journal, collector_key=COLLECTOR_KEY.public(), dev=dev(), token=lambda: "t", jitter=lambda: 0.0)
    dialogue.connected()
    body = weighing_body(1)
    body["weight"] |= {"mode": "", "stable_by": "window"}
    new = NewWeighing(
        request="press-1", waste_code=body["waste"]["code"], produced_on=body["produced_on"],
        label_stem=label_of(1)[:-3], first=1, last=9, body=lambda _: WeighingBody.from_json(body),
        who={"operator": "王芳", "shift": ""}, dev=dev(), raw=(frame("12.34"),) * 5,
    )  # fmt: skip
    journal.write_now(lambda: journal.do_weigh(new))
    for round_s in range(0, 400, 100):
        push = dialogue.next_push(float(round_s))
        answer = place.collector.handle(place.box.name, push) if push else None
        if answer is not None:
            await dialogue.on_answer(answer.payload)
        await place.forwarder.step()
    journal.close()
    report = judged(place.evidence(1))
    assert said(report, Verdict.FAILED) == ""
    assert "The 5 raw frames" in said(report, Verdict.PROVED)
    assert "wrote it into its own chain as record 3" in said(report, Verdict.PROVED)


def test_the_commands_write_a_file_and_judge_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """hazgate-cloud evidence, then hazgate-verify: 0 proved, 1 a line named, 2 no evidence file."""
    config = tmp_path / "cloud.yaml"
    config.write_text("data_folder: store\nbroker: {host: 127.0.0.1}\ncore: {url: 'http://127.0.0.1:9'}\n")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "collector.key").write_text(COLLECTOR_KEY.secret().hex())
    place = Place(tmp_path / "store")
    place.weigh(1)
    asyncio.run(place.settle())
    place.close()
    out = tmp_path / "bag.hazgate"
    asked = ["evidence", label_of(1), "--config", str(config), "--out", str(out)]
    written = CliRunner().invoke(app, asked)
    assert written.exit_code == 0, written.output
    again = CliRunner().invoke(app, asked)
    assert again.exit_code == 1
    assert "File exists" in again.output
    unknown = CliRunner().invoke(app, ["evidence", label_of(7), "-c", str(config), "--out", str(tmp_path / "no")])
    assert unknown.exit_code == 1
    assert "no bag has this label number" in unknown.output

    keys = ["--collector-key", COLLECTOR_KEY.public().hex(), "--box-key", BOX_KEY.public().hex()]
    assert main([str(out), *keys]) == 0
    assert capsys.readouterr().out.endswith("PROVED, within the limits above.\n")
    assert main([str(out)]) == 0
    assert capsys.readouterr().out.endswith("PROVED, if the keys named above are the true ones.\n")
    assert main([str(out), "--collector-key", "00" * 32]) == 1
    assert "not the collector's key you gave" in capsys.readouterr().out
    out.write_bytes(out.read_bytes().replace(b"12.34", b"12.35"))
    assert main([str(out), *keys]) == 1
    assert "✗ line 3 (record): bytes were changed here after the file was made" in capsys.readouterr().out
    assert main([str(config)]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("not an evidence file") == 2


def test_the_verifier_needs_protocols_alone(tmp_path: Path, evidence: bytes) -> None:
    """An auditor installs one small distribution: no profiles, no cloud, no YAML, no imaging, no web."""
    file = tmp_path / "bag.hazgate"
    file.write_bytes(evidence)
    asks = (
        "import sys; from hazgate_protocols.evidence.command import main; code = main(sys.argv[1:])\n"
        "heavy = {'hazgate_profiles', 'hazgate_cloud', 'hazgate_edge', 'yaml', 'PIL', 'sqlalchemy', 'pydantic'}\n"
        "sys.exit(code or ', '.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks, str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "give exactly 22.34 kg" in done.stdout
