"""Evidence files of every version ever given out still prove what they proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.second_verifier import problems
from hazgate_protocols.certificate import decode_certificate
from hazgate_protocols.evidence.bundle import VERSION, decode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.report import Report, Verdict

FROZEN = Path(__file__).parent / "evidence"
COLLECTOR = "a7f6dfaf8f38b89ba8ce649b594f91e4d01fdc57f9c9493df43b5e50a9987367"
BOX = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
IN_EVERY_VERSION = (
    "are, byte for byte, what the collector",
    "stand in one unbroken chain of box gate-01, from its first record to record 14",
    "The box sealed record 14",
    "confirms by a receipt that it holds record 14",
    "Record 4 is the weighing of label 91310000MA1FL5G08P9002140820260309002: 22.34 kg",
    "give exactly 22.34 kg = 22340000 mg",
    "record 5: label printed; record 6: copy 1 asked for; record 7: copy 1 printed",
    "means accepted",
    "wrote it into its own chain as record 14",
)
SINCE_2 = (
    "is dot for dot what the box sent to the printer as label (record 5)",
    "is dot for dot what the box sent to the printer as copy 1 (record 7)",
    "the chain's key is that of box gate-01 of the unit 91310000MA1FL5G08P",
    "Checkpoint 1, which the same collector's key sealed on 2026-03-09",
)


def proved(report: Report) -> str:
    assert [found.text for found in report.findings if found.verdict is Verdict.FAILED] == []
    return "\n".join(found.text for found in report.findings if found.verdict is Verdict.PROVED)


def test_every_version_has_a_frozen_file() -> None:
    """Whoever adds a version freezes one."""
    assert {path.name for path in FROZEN.iterdir() if path.is_dir()} == {f"v{n}" for n in range(1, VERSION + 1)}


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_frozen_file_proves_what_it_always_proved(version: int) -> None:
    """Both verifiers, with the keys known; the sentences that matter are still there."""
    data = (FROZEN / f"v{version}" / "bag.hazgate").read_bytes()
    bundle = decode_bundle(data)
    assert bundle.parts[0]["v"] == version
    report = check(bundle, collector_key=bytes.fromhex(COLLECTOR), box_key=bytes.fromhex(BOX))
    said = proved(report)
    assert [part for part in IN_EVERY_VERSION if part not in said] == []
    assert [part for part in SINCE_2 if part not in said] == ([] if version > 1 else list(SINCE_2))
    assert problems(data, COLLECTOR, BOX) == []
    limits = "\n".join(found.text for found in report.findings if found.verdict is Verdict.OPEN)
    names_the_other = (
        "another weighing carries this code, says the collector: 4.04 kg, record 2 of box gate-02" in limits
    )
    assert names_the_other is (version > 2)
    assert ("a file of version" in limits) is (version < 3)


def test_a_file_of_version_1_says_what_it_does_not_show() -> None:
    """Never silently less."""
    report = check(decode_bundle((FROZEN / "v1" / "bag.hazgate").read_bytes()))
    said = "\n".join(found.text for found in report.findings if found.verdict is Verdict.OPEN)
    for part in ("Which picture was printed as label", "by a checkpoint: the file has none", "Whose key the box's key"):
        assert part in said


def test_the_frozen_root_and_checkpoint_vouch_for_the_frozen_file() -> None:
    """What an auditor has from elsewhere still fits."""
    folder = FROZEN / "v2"
    root = decode_certificate((folder / "root.pem").read_bytes())
    report = check(
        decode_bundle((folder / "bag.hazgate").read_bytes()),
        root=root,
        checkpoint=(folder / "checkpoint.json").read_bytes(),
    )
    assert report.keys_known
    assert "The checkpoint 1 you gave" in proved(report)
