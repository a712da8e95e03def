"""A wrong configuration is told by file, line, key and what is allowed; a right one says what the box will do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hazgate_edge.cli import main
from hazgate_edge.config import ConfigError, load

GOOD = """\
box: box-0001
data_folder: {folder}
site: 北厂
unit:
  code: 91130606MA0TETT01H
  name: 保定示范机械有限公司
  contact: 张三 0312-5550100
operators: [张三]
collector:
  public_key: "{key}"
broker:
  host: 127.0.0.1
scales:
  - id: platform-1
    profile: yaohua-tf0
    link: {{kind: serial, port: /dev/ttyUSB0}}
    capacity: "150 kg"
    minimum: "0.2 kg"
    empty_below: "0.1 kg"
    division: "0.01 kg"
printer:
  kind: tcp
  host: 127.0.0.1
containers:
  - {{id: bag-50, name: 编织袋, volume_l: 50}}
wastes:
  - code: 900-214-08
    name: 废矿物油
    form: 液态
    main_components: 矿物油
    harmful_components: 石油烃
    precautions: 远离火源
    containers: [bag-50]
"""


def written(folder: Path, *edits: tuple[str, str]) -> Path:
    """The good file with texts replaced."""
    text = GOOD.format(folder=folder / "box", key="ab" * 32)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "edge.yaml"
    path.write_text(text, "utf-8")
    return path


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status and what a person sees of check-config."""
    with pytest.raises(SystemExit) as exit_:
        main(["check-config", "--config", str(path)])
    seen = capsys.readouterr()
    return int(exit_.value.code or 0), seen.out, seen.err


def test_a_good_file_is_called_good_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and the facts a person would check."""
    code, out, err = check(written(tmp_path), capsys)
    assert (code, err) == (0, "")
    assert "box-0001" in out
    assert "yaohua-tf0 on serial, up to 150 kg" in out


@pytest.mark.parametrize(
    ("edit", "line", "key", "says"),
    [
        (("box: box-0001", "box: BOX 1"), 1, "box", "lower-case letters, digits and hyphens"),
        (("site: 北厂", "site: 12"), 3, "site", "put it in quotes"),
        (("site: 北厂", "sitte: 北厂"), 3, "sitte", "no setting"),
        (("  code: 91130606MA0TETT01H", "  code: 911ABC"), 5, "unit.code", "{18}"),
        (("  host: 127.0.0.1\nscales", "  port: 99999\n  host: x\nscales"), 12, "broker.port", "65535"),
        (("kind: serial,", "kind: bluetooth,"), 16, "scales[0].link", "'serial', 'tcp', 'modbus-rtu', 'modbus-tcp'"),
        (("port: /dev/ttyUSB0", "port: /dev/ttyUSB0, baud: 9601"), 16, "scales[0].link.baud", "9600"),
        (('capacity: "150 kg"', "capacity: 150"), 17, "scales[0].capacity", 'such as "0.2 kg"'),
        (('minimum: "0.2 kg"', 'minimum: "200 kg"'), 14, "scales[0]", "minimum < capacity"),
        (("profile: yaohua-tf0", "profile: yaohua-tf9"), 15, "scales[0].profile", "yaohua-tf0"),
        (
            ("    link: {kind: serial, port: /dev/ttyUSB0}", "    link: {kind: modbus-tcp, host: x}"),
            16,
            "link.kind",
            "serial",
        ),
        (("form: 液态", "form: 液体"), 29, "wastes[0].form", "'固态'"),
        (("code: 900-214-08", "code: 900-214-09"), 27, "wastes[0].code", "900-214-08"),
        (("containers: [bag-50]", "containers: [drum]"), 33, "wastes[0].containers", "bag-50"),
        (("volume_l: 50}", "volume_l: 200}"), 25, "containers[0].volume_l", "150 mm label"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_each_mistake_is_named_where_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: tuple[str, str], line: int, key: str, says: str
) -> None:
    """file:line: key: and what is allowed; exit 1."""
    path = written(tmp_path, edit)
    code, _, err = check(path, capsys)
    assert code == 1
    assert re.search(
        rf"^{re.escape(str(path))}:{line}: \S*{re.escape(key)}[^:]*: .*{re.escape(says)}", err, re.MULTILINE
    ), err


def test_all_mistakes_are_told_at_once_and_duplicates_too(tmp_path: Path) -> None:
    """An installer mends a file in one go."""
    path = written(
        tmp_path, ("box: box-0001", "box: X"), ("site: 北厂", "site: 北厂\nsite: 南厂"), ("volume_l: 50", "volume_l: 0")
    )
    with pytest.raises(ConfigError) as told:
        load(path)
    assert len(told.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "mapping"),
        (b"\xff\xfe", "UTF-8"),
        (b"box: [", "not YAML"),
        (b"- a", "mapping"),
        (b"#" * 300_000, "longer"),
    ],
    ids=["empty", "not-utf8", "not-yaml", "list", "huge"],
)
def test_what_is_no_configuration_at_all_is_said(tmp_path: Path, content: bytes, says: str) -> None:
    """One clear line, no trace."""
    path = tmp_path / "edge.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_a_doubtful_credit_code_only_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some codes issued early fail the check; they are used all the same."""
    code, out, err = check(written(tmp_path, ("91130606MA0TETT01H", "91130606MA0TETT01J")), capsys)
    assert code == 0
    assert "warning" in err
    assert "1 warning" in out


def test_the_digest_follows_the_meaning_not_the_spelling(tmp_path: Path) -> None:
    """Comments and order of keys change nothing; a value does."""
    one = load(written(tmp_path)).digest()
    assert load(written(tmp_path, ("site: 北厂", "site: '北厂' # north"))).digest() == one
    assert load(written(tmp_path, ("site: 北厂", "site: 南厂"))).digest() != one


def test_a_weighbridge_is_a_scale_that_weighs_vehicles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check-config says so; without `use` the scale weighs bags and nothing is said."""
    assert "weighbridge: " not in check(written(tmp_path), capsys)[1]
    bridge = '    division: "0.01 kg"\n    use: vehicle\n    vehicle: {switches: {host: x, front: 0, rear: 1}}\n'
    code, out, err = check(written(tmp_path, ('    division: "0.01 kg"\n', bridge)), capsys)
    assert (code, err) == (0, "")
    assert "weighbridge: vehicles by platform, with position sensors" in out


@pytest.mark.parametrize(
    ("vehicle", "says"),
    [
        ("vehicle: {}", "goes with `use: vehicle`"),
        ("use: vehicle\n    vehicle: {switches: {host: x, front: 0}}", "front and rear go together"),
        ("use: vehicle\n    vehicle: {switches: {host: x, red: 0}}", "red and green go together"),
        ("use: vehicle\n    vehicle: {switches: {host: x}}", "or leave switches out"),
        ("use: vehicle\n    vehicle: {switches: {host: x, front: 1, rear: 1}}", "the same"),
        ("use: vehicle\n    vehicle: {weighing: axles, switches: {host: x, front: 0, rear: 1}}", "single axles"),
        ("use: lorry", "vehicle"),
    ],
)
def test_a_wrong_weighbridge_is_told_so(tmp_path: Path, vehicle: str, says: str) -> None:
    """Half a pair of sensors, a light without its other half, sensors for axles: each in words."""
    path = written(tmp_path, ('    division: "0.01 kg"\n', f'    division: "0.01 kg"\n    {vehicle}\n'))
    with pytest.raises(ConfigError) as told:
        load(path)
    assert any(says in problem for problem in told.value.problems), told.value.problems
