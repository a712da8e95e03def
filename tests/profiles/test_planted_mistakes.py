"""Mistakes people make in profiles, planted one by one: each must be caught by the profile's own transcript."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from hazgate_profiles.registry import ProfileError, Registry

PACKAGE = Path(str(files("hazgate_profiles")))

SILENT = "unit: option"
NEGATIVE = 'mask: "02", map: {0: "+", 1: "-"}'
NET_SIGN = 'at: 0, mask: "01", map: {0: "+", 1: "-"}'
GROSS_SIGN = 'at: 1, mask: "80", map: {0: "+", 1: "-"}'

MISTAKES = [
    ("yaohua-tf0", "ten times too heavy", "0x32: 2", "0x32: 1"),
    ("yaohua-tf0", "decimals read as a seventh digit", "span: [2, 8]", "span: [2, 9]"),
    ("yaohua-tf0", "sign turned round", '0x2D: "-"', '0x2D: "+"'),
    ("yaohua-tf0", "checksum dropped", "check: {algo: xor-hex, over: [1, 9], at: 9}", "check: null"),
    ("yaohua-tf0", "sign outside the checksum", "over: [1, 9]", "over: [2, 9]"),
    ("yaohua-tf0", "wrong unit", "default_unit: kg", "default_unit: g"),
    ("yaohua-tf0", "a silent device called stable", SILENT, f"{SILENT}\n        stable: true"),
    ("toledo-cont", "ten times too heavy", "3: 1, 4: 2", "3: 0, 4: 2"),
    ("toledo-cont", "kg and lb turned round", "{0: lb, 1: kg}", "{0: kg, 1: lb}"),
    ("toledo-cont", "sign lost", NEGATIVE, NEGATIVE.replace("-", "+")),
    ("toledo-cont", "motion turned round", "map: {0: true, 1: false}", "map: {0: false, 1: true}"),
    ("toledo-cont", "checksum dropped", "checksum: required", "checksum: none"),
    ("toledo-cont", "fixed zeros appended", "dummy_zeros: included", "dummy_zeros: append"),
    ("toledo-cont", "overload read as a weight", 'mask: "06", equals: "04"', 'mask: "06", equals: "07"'),
    ("toledo-cont", "parity bit ignored", 'mask: "E0", equals: "20"', 'mask: "60", equals: "20"'),
    ("st-gs", "moving called stable", "US: {stable: false}", "US: {stable: true}"),
    ("st-gs", "grams called kilograms", "g: {unit: g}\n", "g: {unit: kg}\n"),
    ("st-gs", "sign lost", "(?P<sign>[+-]?)", "[+-]?(?P<sign>)"),
    ("st-gs", "unit not demanded", "(?P<unit>[A-Za-z]+|%)", "(?P<unit>[A-Za-z]+|%)?"),
    ("st-gs", "a number may end in the point", "(?:[.,][0-9]+)?", "(?:[.,][0-9]*)?"),
    ("st-gs", "count called gross", "pcs: {unit: pcs, mode: count}", "pcs: {unit: pcs}"),
    ("mt-sics", "moving called stable", "D: {stable: false}", "D: {stable: true}"),
    ("mt-sics", "a tare called the load", "      mode: tare\n    # A stored", "    # A stored"),
    ("mt-sics", "a busy scale called broken", "status: not_ready", "status: error"),
    ("modbus-laumas", "sign lost", NET_SIGN, NET_SIGN.replace("-", "+")),
    ("modbus-laumas", "sign in the wrong bit", GROSS_SIGN, NET_SIGN),
    ("modbus-laumas", "words of the other weight", "weight: {span: [2, 6]", "weight: {span: [6, 10]"),
    ("modbus-laumas", "fault bits not looked at", 'mask: "03", differs: "00"', 'mask: "03", equals: "04"'),
    ("modbus-laumas", "one register off", "address: 6", "address: 7"),
    ("modbus-dat400", "sign lost", "form: int32", "form: uint32"),
    ("modbus-dat400", "ten times too heavy", "form: int32, decimals: option", "form: int32, decimals: 1"),
    ("modbus-dat400", "gross and net turned round", 'mask: "08", equals: "08"', 'mask: "08", equals: "00"'),
    (
        "modbus-dat400",
        "moving called stable",
        'stable: {at: 1, mask: "02", map: {0: false',
        'stable: {at: 1, mask: "02", map: {0: true',
    ),
    ("modbus-dat400", "overload read as a weight", 'mask: "20", equals: "20"', 'mask: "20", equals: "01"'),
    ("modbus-dat400", "wrong unit", "unit: option\n        mode: gross", "unit: g\n        mode: gross"),
    ("modbus-dat400", "zero written with another answer", 'acks: ["06 01 F6 00 01"]', 'acks: ["06 01 F6 00 02"]'),
    ("modbus-kpr", "sign lost", "form: int32", "form: uint32"),
    ("modbus-kpr", "ten times too heavy", "decimals: option", "decimals: 1"),
    ("modbus-kpr", "net called gross", "mode: gross", "mode: net"),
    ("modbus-kpr", "a silent device called stable", "unit: option", "unit: option\n        stable: true"),
    ("modbus-float", "a float read as a whole number", "form: float32", "form: int32"),
    ("modbus-float", "ten times too heavy", "decimals: option", "decimals: 1"),
    ("modbus-float", "word order not offered", "  word_order: big\n", ""),
    ("usb-hid-scale", "value with the high byte first", "form: uint16-le", "form: uint16"),
    ("usb-hid-scale", "ten times too heavy", "0xFE: 2", "0xFE: 1"),
    ("usb-hid-scale", "exponent's sign lost", "1: -1", "1: 1"),
    ("usb-hid-scale", "grams called kilograms", "{2: g", "{2: kg"),
    ("usb-hid-scale", "moving called stable", "stable: false", "stable: true"),
    ("usb-hid-scale", "under zero read as a weight", 'equals: "05"', 'equals: "0A"'),
]


@pytest.mark.parametrize(("name", "mistake", "right", "wrong"), MISTAKES, ids=[f"{m[0]}: {m[1]}" for m in MISTAKES])
def test_a_planted_mistake_is_caught_before_anyone_gets_the_profile(
    tmp_path: Path, name: str, mistake: str, right: str, wrong: str
) -> None:
    """The copy loads as it is; with the mistake it does not, and the message names the profile."""
    _copy(tmp_path / "right", name, "", "")
    assert Registry(tmp_path / "right").load("copy").id == "copy"
    _copy(tmp_path / "wrong", name, right, wrong)
    with pytest.raises(ProfileError, match=r"profile copy: |copy\.yaml:\d+: "):
        Registry(tmp_path / "wrong").load("copy")


def _copy(folder: Path, name: str, right: str, wrong: str) -> None:
    profile = (PACKAGE / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    assert right in profile, "the mistake is no longer plantable: mend this test"
    if right:
        profile = profile.replace(right, wrong)
    (folder / "transcripts").mkdir(parents=True)
    profile = profile.replace(f"id: {name}\n", "id: copy\n")
    profile = profile.replace(f"[{name}.yaml, {name}-more.yaml]", "[copy-1.yaml, copy-2.yaml]")
    (folder / "copy.yaml").write_text(profile, encoding="utf-8")
    for file, copy in ((f"{name}.yaml", "copy-1.yaml"), (f"{name}-more.yaml", "copy-2.yaml")):
        examples = (PACKAGE / "transcripts" / file).read_text(encoding="utf-8")
        examples = examples.replace(f'profile: "{name}"', 'profile: "copy"')
        (folder / "transcripts" / copy).write_text(examples, encoding="utf-8")
