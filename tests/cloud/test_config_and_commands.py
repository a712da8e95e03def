"""The configuration names file, line and key; the commands do what they say."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud.fakebox import UNIT
from hazgate_cloud.cli import app
from hazgate_cloud.config import ConfigError, load
from hazgate_cloud.keys import KeyFileError, own_key

GOOD = """\
data_folder: store
broker:
  host: 127.0.0.1
  port: 1883
core:
  url: http://127.0.0.1:8090
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "cloud.yaml"
    path.write_text(text)
    return path


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.output


def test_paths_are_relative_to_the_file_and_the_rest_has_defaults(tmp_path: Path) -> None:
    """The smallest file is enough."""
    config = load(written(tmp_path, GOOD))
    assert config.data_folder == tmp_path / "store"
    assert config.database_url == f"sqlite:///{tmp_path}/store/collector.db"
    assert (config.listen.host, config.listen.port, config.core.timeout_s) == ("127.0.0.1", 8080, 20)
    assert "good" in run("check-config", "-c", str(tmp_path / "cloud.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("  port: 1883", "  prot: 1883", 4, "broker.prot: no such key; allowed: host, port, username, password_file"),
        ("  port: 1883", "  port: 99999", 4, "broker.port: 99999: Input should be less than or equal to 65535"),
        ("  port: 1883", "  port: '1883'", 4, "broker.port: '1883': Input should be a valid integer"),
        ("  url: http://127.0.0.1:8090", "  url: ftp://x", 6, "core.url: 'ftp://x': allowed: an address like https://"),
        ("  host: 127.0.0.1", "  username: x", 2, "broker.host: is missing; allowed: a text"),
        ("core:\n  url: http://127.0.0.1:8090\n", "", 1, "core: is missing; allowed: keys url, timeout_s"),
        ("data_folder: store", "data_folder: store\nspeed: 9", 2, "speed: no such key; allowed: data_folder, database"),
        ("data_folder: store", "data_folder: [", 3, "not YAML"),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_what_is_allowed(
    old: str, new: str, line: int, said: str, tmp_path: Path
) -> None:
    """Never a stack trace: one line a mistake."""
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert any(part.startswith(f"{path}:{line}: {said}") for part in str(caught.value).splitlines()), caught.value
    assert said in run("check-config", "-c", str(path), code=1)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Not one a run."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, GOOD.replace("port: 1883", "port: x").replace("url: http", "url: gopher")))
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """With the path and what to do."""
    assert "cannot be read" in run("run", "-c", str(tmp_path / "none.yaml"), code=1)


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The same public key every time; the file is its owner's alone."""
    path = str(written(tmp_path, GOOD))
    first = run("identity", "-c", path)
    assert len(bytes.fromhex(first.strip())) == 32
    assert run("identity", "-c", path) == first
    assert stat.S_IMODE((tmp_path / "store" / "collector.key").stat().st_mode) == 0o600
    assert sorted(file.name for file in (tmp_path / "store").iterdir()) == ["collector.key"]


def test_a_damaged_key_is_never_replaced(tmp_path: Path) -> None:
    """A new key would make every box refuse receipts: a person must decide."""
    (tmp_path / "key").write_text("damaged")
    with pytest.raises(KeyFileError, match="restore it from the backup"):
        own_key(tmp_path / "key")
    assert (tmp_path / "key").read_text() == "damaged"


def test_boxes_are_added_once_and_listed(tmp_path: Path) -> None:
    """A second box of the name, a bad key, id or unit code are refused in words."""
    path = str(written(tmp_path, GOOD))
    good = ["box", "add", "gate-01", "--public-key", "ab" * 32, "--unit-code", UNIT, "--name", "东门", "-c", path]
    assert "registered" in run(*good)
    assert "registered already" in run(*good, code=1)
    assert "东门" in run("box", "list", "-c", path)
    for at, wrong, said in ((2, "Gate_01", "lower-case"), (4, "abc", "bytes in hex"), (6, "123", "unit code")):
        words = list(good)
        words[at] = wrong
        assert said in run(*words, code=1)


def test_verify_says_what_it_checked(tmp_path: Path) -> None:
    """Also for an empty store."""
    path = str(written(tmp_path, GOOD))
    assert "everything held is whole" in run("verify", "-c", path)
