"""What the person sees whose profile file is wrong: file, line, key and what is allowed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from hazgate_profiles.registry import ProfileError, Registry, UnknownProfileError

GOOD = Path(str(files("hazgate_profiles"))) / "profiles" / "yaohua-tf0.yaml"

MISTAKES = [
    ("  length: 12", "  lenght: 12", ["frame.lenght: unknown key; allowed: kind, start, length", "length is missing"]),
    ("trust: field", "trust: sure", ["trust: 'sure' is not allowed; allowed: assumed, manual, bench, field"]),
    ("revision: 1", 'revision: "1"', ["revision: '1' is not allowed; allowed: a whole number"]),
    ("  kind: fixed", "  kind: fixd", ["frame.kind: 'fixd' is not allowed; allowed: fixed, line, block, delimited"]),
    ("mode: stream", "mode: listen", ["traffic.mode: 'listen' is not allowed; allowed: stream, poll"]),
    ("algo: xor-hex", "algo: crc", ["frame.check.algo: 'crc' is not allowed; allowed: xor, xor-hex, sum8, sum7-neg"]),
    ("span: [2, 8]", "span: [8, 2]", ["frame.variants.0.fields.weight: span [8, 2] does not fit form ascii-int"]),
    ("span: [2, 8]", "span: [2, 8, 9]", ["weight.span: [2, 8, 9] is not allowed; allowed: a list of 2"]),
    ("over: [1, 9], at: 9", "over: [1, 9], at: 12", ["a range and after it the check"]),
    ("span: [2, 8]", "span: [8, 14]", ["frame: offset 13 is outside the 12 bytes of the frame"]),
    ('0x2D: "-"', '0x2D: "minus"', ["frame: 'minus' is not allowed; allowed: +, -"]),
    ("status: ok", "status: fine", ["frame.variants.0.status: 'fine' is not allowed; allowed: ok, in_motion"]),
    ("status: ok", "status: overload", ["a weight goes with status ok and with no other"]),
    ("dtr: false", "dtr: 0", ["link.open.dtr: 0 is not allowed; allowed: true or false"]),
    ("kinds: [serial, tcp]", "kinds: serial", ["link.kinds: 'serial' is not allowed; allowed: a list"]),
    ("default_unit: kg", "default_unit: jin", ["option default_unit has the value 'jin'; allowed: kg, g"]),
    ("default_unit: kg", "stable: true", ["option 'stable' is unknown; known: address"]),
    ("transcripts: [own.yaml]", "transcripts: [no.yaml]", ["transcript no.yaml does not exist"]),
    ("transcripts: [own.yaml]", "transcripts: [../own.yaml]", ["must be the plain name of a file"]),
    ("revision: 1", "revision: 1\nrevision: 2", ["key 'revision' stands twice"]),
    ("revision: 1", "revision: &a 1\nnotes: *a", ["anchors are not allowed"]),
    ("revision: 1", "revision: {", ["not YAML"]),
    ("id: own", "id: other", ["id is 'other'; allowed: 'own', the name of the file"]),
    ("revision: 1", "revision: 1\ninherits: own", ["inherits in a loop or too deep: own <- own"]),
    ("revision: 1", "revision: 1\ninherits: nobody", ["profile 'nobody' does not exist; there are: "]),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "sentences"), MISTAKES, ids=[wrong for _, wrong, _ in MISTAKES])
def test_a_mistake_in_a_profile_is_named(tmp_path: Path, right: str, wrong: str, sentences: list[str]) -> None:
    """The message has the key and what is allowed; nothing is loaded."""
    _write(tmp_path, right, wrong)
    with pytest.raises(ProfileError) as caught:
        Registry(tmp_path).load("own")
    for sentence in sentences:
        assert sentence in str(caught.value)


def test_a_mistake_is_found_by_file_and_line(tmp_path: Path) -> None:
    """file:line stands in front of the key, also when the key came from a parent."""
    path = _write(tmp_path, "trust: field", "trust: sure")
    line = path.read_text(encoding="utf-8").splitlines().index("trust: sure") + 1
    with pytest.raises(ProfileError) as caught:
        Registry(tmp_path).load("own")
    assert str(caught.value).startswith(f"{path}:{line}: trust: ")
    (tmp_path / "child.yaml").write_text("id: child\ninherits: own\ntranscripts: [child.yaml]\n", encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        Registry(tmp_path).load("child")
    assert str(caught.value).startswith(f"{path}:{line}: trust: ")


NUMBER = "(?P<weight>[0-9]+)"
STALLING = [
    f"{NUMBER}$",
    f"^{NUMBER}",
    "^(?P<weight>([0-9]+)+)$",
    f"^(?=a){NUMBER}$",
    f"^(a)\\\\1{NUMBER}$",
    "^(?P<weight>[0-9]{1,3}){2}$",
    "^(?P<weight>[0-9+$",
]


@pytest.mark.parametrize("regex", STALLING)
def test_a_regular_expression_that_could_stall_the_box_is_refused(tmp_path: Path, regex: str) -> None:
    """Profiles come from the field: expressions are anchored and linear."""
    line = f'{{kind: line, ends: ["0A"], head: "^S", max_length: 64, variants: [{{name: w, regex: "{regex}"}}]}}'
    text = GOOD.read_text(encoding="utf-8").replace("id: yaohua-tf0", "id: own")
    start, stop = text.index("frame:\n"), text.index("options:")
    (tmp_path / "own.yaml").write_text(f"{text[:start]}frame: {line}\n{text[stop:]}", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"frame\.variants\.0: regex "):
        Registry(tmp_path).load("own")


def test_an_own_profile_may_inherit_but_not_replace_a_packaged_one(tmp_path: Path) -> None:
    """An id has one meaning; a site's difference is a child with examples of its own."""
    _write(tmp_path, "", "")
    (tmp_path / "child.yaml").write_text(
        "id: child\ninherits: yaohua-tf0\noptions: {default_unit: t}\ntranscripts: [child.yaml]\n", encoding="utf-8"
    )
    (tmp_path / "transcripts" / "child.yaml").write_text(
        'profile: child\ncases:\n  - id: a\n    rx: "02 2B 30 30 30 30 38 35 30 31 36 03"\n'
        '    readings: [{weight: "85", unit: t}]\n',
        encoding="utf-8",
    )
    registry = Registry(tmp_path)
    assert {"own", "child", "yaohua-tf0"} <= set(registry.available())
    assert registry.load("child").options == {"default_unit": "t"}
    (tmp_path / "st-gs.yaml").write_text("id: st-gs\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="st-gs is packaged"):
        Registry(tmp_path).available()


def test_an_unknown_profile_is_answered_with_the_list() -> None:
    """The message names all there are."""
    with pytest.raises(UnknownProfileError, match=r"'xy' does not exist; there are: .*yaohua-tf0"):
        Registry().load("xy")


def _write(folder: Path, right: str, wrong: str) -> Path:
    text = GOOD.read_text(encoding="utf-8").replace("id: yaohua-tf0", "id: own")
    text = text.replace("transcripts: [yaohua-tf0.yaml, yaohua-tf0-more.yaml]", "transcripts: [own.yaml]")
    assert right in text, "the mistake is no longer plantable: mend this test"
    (folder / "own.yaml").write_text(text.replace(right, wrong, 1) if right else text, encoding="utf-8")
    (folder / "transcripts").mkdir(exist_ok=True)
    examples = GOOD.parent.parent / "transcripts" / "yaohua-tf0.yaml"
    mine = examples.read_text(encoding="utf-8").replace('profile: "yaohua-tf0"', 'profile: "own"')
    (folder / "transcripts" / "own.yaml").write_text(mine, encoding="utf-8")
    return folder / "own.yaml"
