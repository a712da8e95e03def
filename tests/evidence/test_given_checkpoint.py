"""hazgate-verify FILE --checkpoint OTHER: answered, or said to be unanswered, in the verdict and by the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.place import Place
from hazgate_cloud.evidence.gather import NoEvidenceError
from hazgate_protocols.evidence.command import NOT_AS_ASKED, PROVED, main
from hazgate_protocols.journal.checkpoint import Checkpoint


def days(place: Place) -> list[Checkpoint]:
    """Checkpoint 1 before the weighing, 2, 3 and 4 after it, a record between each."""
    made = []
    for day in range(4):
        if day == 1:
            place.weigh(1)
        place.box.write("login", {})
        place.push()
        made.append(place.checkpoint())
        place.clock.pass_s(86_400)
    return made


def judged(folder: Path, data: bytes, given: Checkpoint, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, all that was said, and its last line."""
    file, other = folder / "bag.hazgate", folder / "kept.json"
    file.write_bytes(data)
    other.write_bytes(given.encode())
    code = main([str(file), "--checkpoint", str(other)])
    out = capsys.readouterr().out
    return code, out, out.splitlines()[-1]


def test_a_checkpoint_that_does_not_show_the_weighing_is_not_proved_as_asked(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From before the weighing, and from far behind what the file shows: each with what to do, exit 3."""
    made = days(place)
    data = place.evidence(1)
    code, _, last = judged(tmp_path, data, made[0], capsys)
    assert code == NOT_AS_ASKED
    assert last.startswith("NOT PROVED AS ASKED.")
    assert "it was made before the weighing: of box gate-01 it names record 2, the weighing is record 3" in last
    code, out, last = judged(tmp_path, data, made[3], capsys)
    assert code == NOT_AS_ASKED
    assert "Have the evidence file made anew for this checkpoint: `hazgate-cloud evidence ... --checkpoint 4`" in last
    assert "  ? Whether the checkpoint 4 you gave shows this weighing" in out
    for given in made[1:3]:
        code, _, last = judged(tmp_path, data, given, capsys)
        assert (code, last.startswith("PROVED")) == (PROVED, True)


def test_the_file_made_anew_for_a_checkpoint_shows_the_way_to_it(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the verdict tells to do helps; a checkpoint from before the weighing cannot be had."""
    made = days(place)
    code, out, _ = judged(tmp_path, place.gathered(1, checkpoint_n=4).data, made[3], capsys)
    assert code == PROVED
    assert "The checkpoint 4 you gave" in out
    for n in (1, 9):
        with pytest.raises(NoEvidenceError, match=f"checkpoint {n} is not in the store, was made before"):
            place.gathered(1, checkpoint_n=n)


def test_that_the_collectors_clock_was_right_is_never_proved(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint is dated by the same clock, whoever kept it."""
    made = days(place)
    data = place.evidence(1)
    _, out, _ = judged(tmp_path, data, made[1], capsys)
    assert "  ? That the collector's clock was right" in out
    assert main([str(tmp_path / "bag.hazgate")]) == PROVED
    assert "  ? That the collector's clock was right" in capsys.readouterr().out
