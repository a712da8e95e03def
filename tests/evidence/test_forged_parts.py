"""Forged pictures, certificates and checkpoints, sealed by the collector itself; and what is said of honest ones."""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cloud.fakebox import UNIT, FakeBox
from evidence.forging import BOX_KEY, OTHER_KEY, Line, certified_by, failures, taken_apart, values
from evidence.place import AUTHORITY_KEY, COLLECTOR_KEY, Place, five_bags
from hazgate_cloud.domain import authority
from hazgate_protocols.certificate import CertificateError, decode_certificate, to_pem
from hazgate_protocols.evidence.bundle import RECORD, decode_bundle, encode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.report import Report, Verdict
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.checkpoint import Checkpoint
from hazgate_protocols.label.picture import Picture, decode_png, encode_png

REGISTERED = datetime(2026, 3, 1, tzinfo=UTC)
ROOT = authority.root_certificate(AUTHORITY_KEY, not_before=REGISTERED)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, Checkpoint, Checkpoint]:
    """Files about the second and third bag, the day's checkpoint, and the next one."""
    place = Place(tmp_path_factory.mktemp("place"))
    first = five_bags(place)
    place.clock.pass_s(86_400)
    place.box.write("login", {})
    place.push()
    files = place.evidence(2), place.evidence(3), first, place.checkpoint()
    place.close()
    return files


def said(report: Report, verdict: Verdict) -> str:
    return "\n".join(finding.text for finding in report.findings if finding.verdict is verdict)


def pictures(lines: list[Line]) -> list[dict[str, Any]]:
    return [given for name, given in lines if name == "picture"]


def dots(given: dict[str, Any]) -> Picture:
    return decode_png(bytes.fromhex(given["png"]))


def one_dot_more(lines: list[Line]) -> None:
    given = pictures(lines)[0]
    picture = dots(given)
    rows = bytearray(picture.rows)
    rows[len(rows) // 2] ^= 0x10
    given["png"] = encode_png(replace(picture, rows=bytes(rows))).hex()


def picture_of_another_bag(lines: list[Line], other: list[Line]) -> None:
    pictures(lines)[0]["png"] = pictures(other)[0]["png"]


def copy_shown_as_the_original(lines: list[Line]) -> None:
    original, copy = pictures(lines)
    original["png"] = copy["png"]


def true_picture_called_redrawn(lines: list[Line]) -> None:
    pictures(lines)[0]["is"] = "redrawn"


def picture_called_something_else(lines: list[Line]) -> None:
    pictures(lines)[0]["is"] = "SENT"


def picture_of_no_print(lines: list[Line]) -> None:
    own = next(given for name, given in lines if name == RECORD and '"kind":"weighing"' in given["bytes"])
    pictures(lines)[0]["print"] = own["hash"]


def picture_in_another_form(lines: list[Line]) -> None:
    """A good PNG of the same dots, with a comment in it."""
    given = pictures(lines)[0]
    png = bytes.fromhex(given["png"])
    chunk = b"tEXt" + b"Comment\0no"
    text = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    given["png"] = (png[:33] + text + png[33:]).hex()


def certificate_of_another_box(lines: list[Line]) -> None:
    """A true one of this authority: it names the other box, and the other box's key."""
    own = authority.box_certificate(
        AUTHORITY_KEY, ROOT, box="gate-02", unit_code=UNIT, public_key=OTHER_KEY.public(), registered=REGISTERED
    )
    values(lines, "certificates")["box"] = own.der.hex()


def certificate_of_another_name(lines: list[Line]) -> None:
    certified_by(lines, AUTHORITY_KEY, box_key=BOX_KEY, collector_key=COLLECTOR_KEY, box="gate-02")


def certificate_of_another_key(lines: list[Line]) -> None:
    certified_by(lines, AUTHORITY_KEY, box_key=OTHER_KEY, collector_key=COLLECTOR_KEY)


def certificate_of_another_unit(lines: list[Line]) -> None:
    unit = "91320000MA1FL5G08P"
    certified_by(lines, AUTHORITY_KEY, box_key=BOX_KEY, collector_key=COLLECTOR_KEY, unit=unit)


def collector_of_another_key(lines: list[Line]) -> None:
    certified_by(lines, AUTHORITY_KEY, box_key=BOX_KEY, collector_key=OTHER_KEY)


def certificate_not_yet_valid(lines: list[Line]) -> None:
    later = datetime(2026, 3, 10, tzinfo=UTC)
    own = authority.box_certificate(
        AUTHORITY_KEY, ROOT, box="gate-01", unit_code=UNIT, public_key=BOX_KEY.public(), registered=later
    )
    values(lines, "certificates")["box"] = own.der.hex()


def certificate_expired(lines: list[Line]) -> None:
    root = authority.root_certificate(AUTHORITY_KEY, not_before=datetime(1990, 3, 1, tzinfo=UTC))
    own = authority.box_certificate(
        AUTHORITY_KEY, root, box="gate-01", unit_code=UNIT, public_key=BOX_KEY.public(), registered=root.not_before
    )
    collector = authority.collector_certificate(AUTHORITY_KEY, root, public_key=COLLECTOR_KEY.public())
    values(lines, "certificates").update(box=own.der.hex(), collector=collector.der.hex(), root=root.der.hex())


def certificate_of_another_root(lines: list[Line]) -> None:
    """Same names, another key's signature."""
    root = authority.root_certificate(OTHER_KEY, not_before=REGISTERED)
    own = authority.box_certificate(
        OTHER_KEY, root, box="gate-01", unit_code=UNIT, public_key=BOX_KEY.public(), registered=REGISTERED
    )
    values(lines, "certificates")["box"] = own.der.hex()


def box_as_its_own_authority(lines: list[Line]) -> None:
    given = values(lines, "certificates")
    given["root"] = given["box"]


def roles_swapped(lines: list[Line]) -> None:
    given = values(lines, "certificates")
    given["box"], given["collector"] = given["collector"], given["box"]


def certificate_edited(lines: list[Line]) -> None:
    given = values(lines, "certificates")
    assert b"gate-01".hex() in given["box"]
    given["box"] = given["box"].replace(b"gate-01".hex(), b"gate-09".hex())


def no_certificate(lines: list[Line]) -> None:
    values(lines, "certificates")["root"] = "3000"


def earlier_checkpoint(lines: list[Line]) -> None:
    """One day earlier, and the collector's seal over it left as it was."""
    given = values(lines, "checkpoint")
    given["statement"] = given["statement"].replace("2026-03-09", "2026-03-08")


def checkpoint_by_another_key(lines: list[Line]) -> None:
    given = values(lines, "checkpoint")
    text = given["statement"].replace(COLLECTOR_KEY.public().hex(), OTHER_KEY.public().hex())
    given.update(statement=text, seal=OTHER_KEY.seal_checkpoint(text.encode()).hex())


def checkpoint_for_the_other_box(lines: list[Line]) -> None:
    """The other box's place in the same checkpoint: its head and its path."""
    box = FakeBox("gate-02", OTHER_KEY)
    box.begin()
    given = values(lines, "checkpoint")
    given.update(index=1, path=given["path"])


def checkpoint_of_another_record(lines: list[Line]) -> None:
    """The record behind the weighing, which the chain holds, and the checkpoint does not name."""
    given, seal = values(lines, "checkpoint"), values(lines, "seal")
    given.update(seq=seal["seq"], hash=seal["hash"], steps=[])


def checkpoint_before_the_weighing(lines: list[Line]) -> None:
    first = next(given for name, given in lines if name == RECORD)
    values(lines, "checkpoint").update(seq=1, hash=first["hash"], steps=[])


def checkpoint_step_changed(lines: list[Line]) -> None:
    values(lines, "checkpoint")["steps"][0] = "00" * 32


def checkpoint_step_left_out(lines: list[Line]) -> None:
    values(lines, "checkpoint")["steps"].pop()


def checkpoint_step_too_many(lines: list[Line]) -> None:
    values(lines, "checkpoint")["steps"].append("00" * 32)


def checkpoint_path_changed(lines: list[Line]) -> None:
    values(lines, "checkpoint")["path"][0] = "00" * 32


def checkpoint_path_longer(lines: list[Line]) -> None:
    values(lines, "checkpoint")["path"].append("00" * 32)


def checkpoint_of_no_heads(lines: list[Line]) -> None:
    """An index that no such tree has."""
    values(lines, "checkpoint")["index"] = 2


FORGERIES: list[tuple[Callable[[list[Line]], None], int, str]] = [
    (one_dot_more, 16, "its dots are not those that record 5 names"),
    (copy_shown_as_the_original, 16, "its dots are not those that record 5 names"),
    (true_picture_called_redrawn, 16, "is 'redrawn', and its dots are those that record 5 names"),
    (picture_called_something_else, 16, "is 'SENT'"),
    (picture_of_no_print, 16, "no record of this bag's prints"),
    (picture_in_another_form, 16, "its picture cannot be read"),
    (earlier_checkpoint, 18, "its seal is not of the key"),
    (checkpoint_by_another_key, 18, "it names the collector's key"),
    (checkpoint_for_the_other_box, 18, "its path does not lead from record 16 of box gate-01"),
    (checkpoint_of_another_record, 18, "its path does not lead from record 14"),
    (checkpoint_before_the_weighing, 18, "stands before the weighing 4"),
    (checkpoint_step_changed, 18, "do not lead to the record 16"),
    (checkpoint_step_left_out, 18, "do not lead to the record 16"),
    (checkpoint_step_too_many, 18, "do not lead to the record 16"),
    (checkpoint_path_changed, 18, "its path does not lead from record 16"),
    (checkpoint_path_longer, 18, "its path does not lead from record 16"),
    (checkpoint_of_no_heads, 18, "its path does not lead from record 16"),
    (certificate_of_another_box, 19, "is for box 'gate-02', not for 'box gate-01'"),
    (certificate_of_another_name, 19, "is for box 'gate-02', not for 'box gate-01'"),
    (certificate_of_another_key, 19, "the box's certificate is for the key"),
    (certificate_of_another_unit, 19, "the box's certificate is for the unit 91320000MA1FL5G08P"),
    (collector_of_another_key, 19, "the collector's certificate is for the key"),
    (certificate_not_yet_valid, 19, "is valid 2026-03-10 to 2046-03-05, not at the time of the receipt, 2026-03-09"),
    (certificate_expired, 19, "is valid 1990-03-01 to 2010-02-24, not at the time of the receipt, 2026-03-09"),
    (certificate_of_another_root, 19, "the box's certificate is not signed by the root in this file"),
    (box_as_its_own_authority, 19, "the root's certificate is for 'box': no authority"),
    (roles_swapped, 19, "the box's certificate is for collector 'collector'"),
    (certificate_edited, 19, "the box's certificate is not signed by the root"),
    (no_certificate, 19, "the root's certificate: no X.509 certificate"),
]


@pytest.mark.parametrize(("forge", "line", "says"), FORGERIES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_forged_part_is_found_and_named_by_both_verifiers(
    evidence: bytes, forge: Callable[[list[Line]], None], line: int, says: str
) -> None:
    """The collector's own seal stands over each; the record, the authority and the checkpoint's seal contradict."""
    lines = taken_apart(evidence)
    forge(lines)
    found = failures(encode_bundle(lines, COLLECTOR_KEY))
    assert any(text.startswith(f"line {line} ") and says in text for text in found), found


def test_another_bags_picture_is_found_or_proves_nothing(made: tuple[bytes, bytes, Checkpoint, Checkpoint]) -> None:
    """Called sent, it contradicts the print record; called a re-drawing, nothing is proved by it and that is said."""
    lines = taken_apart(made[0])
    picture_of_another_bag(lines, taken_apart(made[1]))
    assert "its dots are not those" in "\n".join(failures(encode_bundle(lines, COLLECTOR_KEY)))
    pictures(lines)[0]["is"] = "redrawn"
    data = encode_bundle(lines, COLLECTOR_KEY)
    assert failures(data) == []
    report = check(decode_bundle(data))
    assert "line 16 was drawn again, and its dots are not those that were sent" in said(report, Verdict.OPEN)
    assert "sent to the printer as label" not in said(report, Verdict.PROVED)
    assert "sent to the printer as copy 1" in said(report, Verdict.PROVED)


def test_the_root_from_elsewhere_vouches_for_both_keys(evidence: bytes) -> None:
    """With it no key need be known; with another root the file does not hold."""
    report = check(decode_bundle(evidence), root=ROOT)
    assert report.holds
    assert report.keys_known
    assert "That root is the one you gave" in said(report, Verdict.PROVED)
    assert "taken from this file itself" not in said(report, Verdict.OPEN)
    other = check(decode_bundle(evidence), root=authority.root_certificate(OTHER_KEY, not_before=REGISTERED))
    assert not other.holds
    assert not other.keys_known


def test_a_root_for_a_file_without_certificates_vouches_for_nothing(evidence: bytes) -> None:
    """What was asked and could not be answered is said."""
    lines = [line for line in taken_apart(evidence) if line[0] != "certificates"]
    report = check(decode_bundle(encode_bundle(lines, COLLECTOR_KEY)), root=ROOT)
    assert "the file carries no certificates" in said(report, Verdict.OPEN)
    assert not report.keys_known


def test_a_weighing_before_the_certificate_is_said_and_no_forgery(place: Place) -> None:
    """A box may weigh before it is registered, and its clock may be wrong: the receipt's time is what counts."""
    at = {"wall": "1970-01-01T00:00:07.000Z", "mono_ns": 1, "boot": "b", "source": "rtc", "unc_ms": None}
    place.weigh(1, t=at)
    place.push()
    data = place.evidence(1)
    assert failures(data) == []
    report = check(decode_bundle(data))
    assert "Why the box's clock says '1970-01-01T00:00:07.000Z'" in said(report, Verdict.OPEN)


def test_a_checkpoint_from_elsewhere_is_compared(made: tuple[bytes, bytes, Checkpoint, Checkpoint]) -> None:
    """The same one and a later one name a record at or behind the weighing; a second one of the same number, one that
    does not follow, a changed and a foreign one fail; one that says nothing about it is said to."""
    bundle, first, second = decode_bundle(made[0]), made[2], made[3]
    for given, says in (
        (first, "The checkpoint 1 you gave"),
        (second, "checkpoint 2 you gave follows the checkpoint 1"),
    ):
        report = check(bundle, checkpoint=given.encode())
        assert report.holds
        assert says in said(report, Verdict.PROVED)

    def other(signer: Any = COLLECTOR_KEY, **changes: Any) -> bytes:
        told = second.said
        content = {key: getattr(told, key) for key in ("n", "date", "at", "prev", "records", "audit_n", "audit")}
        return checkpoint.make(signer, changes.pop("heads", second.heads), **{**content, **changes}).encode()

    cases = [
        (other(n=1, prev=bytes(32)), "is another one than the checkpoint 1 of this file"),
        (other(prev=b"\1" * 32), "does not follow the checkpoint 1"),
        (other(OTHER_KEY), "does not hold: it names the collector's key"),
        (second.encode().replace(b'"seq":17', b'"seq":18'), "does not hold: the root over its heads"),
        (b"{}", "cannot be read"),
    ]
    for data, says in cases:
        report = check(bundle, checkpoint=data)
        assert not report.holds
        assert says in said(report, Verdict.FAILED), says
    silent = check(bundle, checkpoint=other(n=7))
    assert silent.holds
    assert silent.unanswered
    assert "Whether the checkpoint 7 you gave shows this weighing" in said(silent, Verdict.OPEN)


def test_certificates_bytes_are_read_or_refused_and_never_crash() -> None:
    """Every byte of a certificate, changed: a certificate (whose signature then fails) or a CertificateError."""
    own = authority.box_certificate(
        AUTHORITY_KEY, ROOT, box="gate-01", unit_code=UNIT, public_key=BOX_KEY.public(), registered=REGISTERED
    )
    assert ROOT.issued(own)
    for at in range(len(own.der)):
        for change in (0x01, 0x20, 0x80):
            edited = own.der[:at] + bytes([own.der[at] ^ change]) + own.der[at + 1 :]
            try:
                found = decode_certificate(edited)
            except CertificateError:
                continue
            assert found.der != edited or not ROOT.issued(found), (at, change)


def test_the_same_key_name_and_times_give_the_same_certificate() -> None:
    """Two workers of one collector that issue at once cannot disagree; another box has another number."""
    assert authority.root_certificate(AUTHORITY_KEY, not_before=REGISTERED).der == ROOT.der
    serials = {
        x509.load_der_x509_certificate(
            authority.box_certificate(
                AUTHORITY_KEY, ROOT, box=box, unit_code=UNIT, public_key=BOX_KEY.public(), registered=REGISTERED
            ).der
        ).serial_number
        for box in ("gate-01", "gate-02", "gate-01")
    }
    assert len(serials) == 2


def test_other_tools_accept_the_certificates(tmp_path: Path) -> None:
    """OpenSSL follows the signature and the constraints from the root to box and collector, at a time inside."""
    box = authority.box_certificate(
        AUTHORITY_KEY, ROOT, box="gate-01", unit_code=UNIT, public_key=BOX_KEY.public(), registered=REGISTERED
    )
    collector = authority.collector_certificate(AUTHORITY_KEY, ROOT, public_key=COLLECTOR_KEY.public())
    for name, own in (("root", ROOT), ("box", box), ("collector", collector)):
        (tmp_path / f"{name}.pem").write_text(to_pem(own))
    asks = ["openssl", "verify", "-x509_strict", "-attime", str(int(REGISTERED.timestamp()) + 60)]
    asks += ["-CAfile", "root.pem", "box.pem", "collector.pem"]
    done = subprocess.run(asks, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("box.pem: OK\ncollector.pem: OK\n", 0), done.stderr
