"""What a scan means: our label opens its bag, everything else is words; the same scan twice is one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import segno

from edge.makers import UNIT, StandingClock
from edge.test_config import written
from hazgate_edge.config import ConfigError, load
from hazgate_edge.scanning.photo import PhotoError, codes_in
from hazgate_edge.scanning.profiles import scanner_mistakes
from hazgate_edge.scanning.scans import Scans
from hazgate_profiles import scanners
from hazgate_profiles.registry import ProfileError
from hazgate_protocols.scan.commands import gm65_command, gm72_command, is_checked_gm65, is_checked_gm72
from hazgate_protocols.scan.content import SHOWN_CHARACTERS_MAX, ForeignCode, Odd, OwnLabel, identify

BASE = "https://collector.example/t/"
LABEL = f"{UNIT}9002140820261123001"
ELSEWHERE = "91130600MA0EXAMPL49002140820261123001"


@pytest.mark.parametrize("text", [LABEL, BASE + LABEL, f"]Q1{BASE}{LABEL}", (BASE + LABEL).swapcase()])
def test_our_label_is_known_by_its_whole_text(text: str) -> None:
    """The number alone or behind our address, with an identifier in front or the case swapped by Caps Lock."""
    found = identify(text.encode(), base=BASE, unit=UNIT)
    assert isinstance(found, OwnLabel)
    assert (str(found.number), found.unit_is_ours) == (LABEL, True)


@pytest.mark.parametrize(
    ("content", "odd"),
    [
        (b"6901234567892", Odd.FOREIGN),
        (f"https://evil.example/?x={LABEL}".encode(), Odd.FOREIGN),
        (f"{BASE}{LABEL}?next=1".encode(), Odd.FOREIGN),
        (f"{LABEL}{LABEL}".encode(), Odd.FOREIGN),
        (f"{LABEL}\r\nX".encode(), Odd.UNPRINTABLE),
        (f"\x02{LABEL}".encode(), Odd.UNPRINTABLE),
        ("危险废物".encode(), Odd.UNPRINTABLE),
        ("\u202e".encode() + LABEL.encode(), Odd.UNPRINTABLE),
        (b"A" * 257, Odd.TOO_LONG),
        (LABEL.replace("20261123", "20261323").encode(), Odd.DAMAGED),
        (b"", Odd.FOREIGN),
    ],
)
def test_what_only_contains_a_label_is_foreign(content: bytes, odd: Odd) -> None:
    """Nothing before, behind or between; what is shown is short and cannot steer a screen."""
    found = identify(content, base=BASE, unit=UNIT)
    assert isinstance(found, ForeignCode)
    assert found.odd is odd
    assert found.shown.isprintable()
    assert len(found.shown) <= SHOWN_CHARACTERS_MAX


def scans(clock: StandingClock) -> Scans:
    return Scans(base=BASE, unit=UNIT, clock=clock, bag_of=lambda label: "rid-1" if label == LABEL else None)


@pytest.mark.parametrize(
    ("text", "key", "rid"),
    [
        (BASE + LABEL, "SCAN-01", "rid-1"),
        (LABEL[:-1] + "2", "SCAN-02", ""),
        ("6901234567892", "LBL-01", ""),
        ("<script>\x00", "SCAN-03", ""),
        (LABEL[:-2] + "0A", "SCAN-04", ""),
    ],
)
def test_a_scan_is_a_bag_of_this_box_or_words(text: str, key: str, rid: str) -> None:
    """Only a label in this box's journal opens a card."""
    seen = scans(StandingClock()).take("gun-1", text.encode())
    assert seen is not None
    assert (seen.say.key, seen.rid, seen.number) == (key, rid, 1)


def test_the_same_code_again_within_a_second_and_a_half_is_one_scan() -> None:
    """Counted from its last sight, so that a code held in front of the scanner is scanned once; others are not held
    back by it."""
    clock = StandingClock()
    desk = scans(clock)
    assert desk.take("gun-1", LABEL.encode()) is not None
    for _ in range(5):
        clock.pass_ms(1400)
        assert desk.take("gun-2", LABEL.encode()) is None
    assert desk.take("gun-1", b"6901234567892") is not None
    clock.pass_ms(1500)
    again = desk.take("gun-1", LABEL.encode())
    assert again is not None
    assert (again.number, desk.repeats) == (3, 5)


def test_commands_carry_their_check() -> None:
    """As the GM65 and GM72 manuals print them; one changed bit is noticed."""
    save = bytes.fromhex("7E 00 09 01 00 00 00 DE C8")
    start = bytes.fromhex("04 E4 04 00 FF 14")
    assert gm65_command(9, 0, b"\0") == save
    assert gm65_command(8, 2, b"\1", checked=False) == bytes.fromhex("7E 00 08 01 00 02 01 AB CD")
    assert gm72_command(0xE4, b"\0") == start
    for place in range(2, len(save)):
        assert not is_checked_gm65(save[:place] + bytes([save[place] ^ 1]) + save[place + 1 :])
    for place in range(len(start)):
        assert not is_checked_gm72(start[:place] + bytes([start[place] ^ 1]) + start[place + 1 :])


@pytest.mark.parametrize("profile_id", scanners.available())
def test_every_scanner_profile_is_proven_by_its_examples(profile_id: str) -> None:
    """Well formed, and its examples pass however the bytes arrive."""
    assert scanners.load(profile_id).id == profile_id


@pytest.mark.parametrize(
    ("profile_id", "planted", "says"),
    [
        ("serial-crlf", ("suffix: crlf", "suffix: cr"), "cases?|scans"),
        ("gm65", ("answers: gm65", "answers: none"), "acknowledgement-in-front"),
        ("gm65", ("A7 EA", "A7 EB"), "right check"),
        ("usb-keyboard", ("gap_ms: 50", "gap_ms: 60"), "pause-inside"),
        ("serial-none", ("silence_ms: 100", "silence_ms: 50"), "torn-below-the-silence"),
        ("serial-cr", ("suffix: cr", "suffix: cr, baudd: 1"), r"serial-cr\.yaml:6: traffic\.baudd: unknown key"),
    ],
)
def test_a_planted_mistake_in_a_profile_is_caught(
    profile_id: str, planted: tuple[str, str], says: str, tmp_path: Path
) -> None:
    """By the schema, by the check of a command, or by the profile's own examples."""
    folder = Path(scanners.__file__).parent / "scanners"
    text = (folder / f"{profile_id}.yaml").read_text("utf-8")
    assert planted[0] in text
    changed = tmp_path / f"{profile_id}.yaml"
    changed.write_text(text.replace(*planted), "utf-8")
    name = f"{profile_id}.yaml"
    with pytest.raises(ProfileError, match=says):
        scanners.verify(scanners.read_profile(changed), scanners.read_transcript(folder / "transcripts" / name), name)


SCANNERS = """\
scanners:
  - id: gun-1
    profile: serial-cr
    link: {kind: serial, port: /dev/ttyUSB1}
  - id: gun-2
    profile: usb-keyboard
    link: {kind: keyboard, vendor: 0c2e, product: 0b61, usb_port: 1-1.4}
containers:
"""


def test_two_scanners_are_configured(tmp_path: Path) -> None:
    """Serial and keyboard side by side."""
    config = load(written(tmp_path, ("containers:\n", SCANNERS)))
    assert [scanner.id for scanner in config.scanners] == ["gun-1", "gun-2"]
    assert list(scanner_mistakes(config)) == []


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("/dev/ttyUSB1", "/dev/ttyUSB0"), r"scanners\[0\]\.link\.port: /dev/ttyUSB0 is another device's port already"),
        (("gun-2", "gun-1"), r"scanners\[1\]: gun-1 stands twice"),
        (("vendor: 0c2e, ", ""), r"scanners\[1\]\.link: either device is wanted"),
        (("vendor: 0c2e", "vendor: 0C2"), r"scanners\[1\]\.link\.vendor"),
    ],
)
def test_a_wrong_scanner_is_refused_by_key(edit: tuple[str, str], says: str, tmp_path: Path) -> None:
    """With file, line and what is allowed."""
    with pytest.raises(ConfigError, match=says):
        load(written(tmp_path, ("containers:\n", SCANNERS.replace(*edit))))


def test_a_link_that_does_not_fit_the_profile_is_named(tmp_path: Path) -> None:
    """check-config says which kind is allowed, and which profiles there are."""
    text = SCANNERS.replace("profile: serial-cr", "profile: usb-keyboard").replace(
        "gun-2\n    profile: usb-keyboard", "gun-2\n    profile: gm99"
    )
    found = dict(scanner_mistakes(load(written(tmp_path, ("containers:\n", text)))))
    assert "allowed: keyboard" in found["scanners", 0, "link", "kind"]
    assert "gm65" in found["scanners", 1, "profile"]


def photo_of(text: str) -> bytes:
    """A PNG with a QR code."""
    target = io.BytesIO()
    segno.make(text, error="q", micro=False).save(target, kind="png", scale=6, border=4)
    return target.getvalue()


async def test_a_photo_is_read_by_a_process_of_its_own() -> None:
    """The code's text comes back exactly; a photo without one has none."""
    assert await codes_in(photo_of(BASE + LABEL)) == [BASE + LABEL]


@pytest.mark.parametrize("photo", [b"", b"GIF89a" + bytes(40), photo_of(LABEL)[:60], b"\x89PNG\r\n\x1a\n" + bytes(90)])
async def test_a_photo_that_is_none_is_refused_in_words(photo: bytes) -> None:
    """Broken, cut or foreign files end in a reason, never in a crash of the box."""
    with pytest.raises(PhotoError):
        await codes_in(photo)
