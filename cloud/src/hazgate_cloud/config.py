"""The collector's configuration: one YAML file, checked whole before anything starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, Suite

CONFIG_BYTES_MAX = 256 * 1024


class ConfigError(Exception):
    """The file cannot be used; each line of the text names file, line, key, what is wrong and what is allowed."""


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("allowed: an address like https://core.example:8443/path")
    return text.rstrip("/")


def _database_address(text: str) -> str:
    if not text:
        return text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
        port = url.port
    except (ArgumentError, ValueError):
        raise ValueError(f"allowed: {_DATABASES}") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg") or port == 0:
        raise ValueError(f"allowed: {_DATABASES}")
    if url.password is not None or "password" in url.query:
        raise ValueError("no password here: it belongs in a file of its own, see database_password_file")
    return text


def _some_path(path: Path) -> Path:
    if not str(path) or str(path) == ".":
        raise ValueError("allowed: a path, absolute or relative to this file")
    return path


_DATABASES = "nothing, sqlite:////folder/file.db or postgresql+psycopg://user@host:5432/name"
DatabaseAddress = Annotated[str, AfterValidator(_database_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
SomePath = Annotated[Path, AfterValidator(_some_path)]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Broker(_Part):
    """An MQTT 5 broker."""

    host: str = Field(min_length=1)
    port: Port = 1883
    username: str | None = None
    password_file: SomePath | None = None


class Listen(_Part):
    """Where the API and the trace page are served."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: Annotated[int, Field(ge=0, le=65535, strict=True)] = 8080


class Core(_Part):
    """The regulatory core's submission API."""

    url: WebAddress
    timeout_s: float = Field(default=20, gt=0, le=120)


class Config(_Part):
    """The whole file. Paths are absolute after load()."""

    data_folder: SomePath
    database: DatabaseAddress = ""  # "": SQLite in the data folder
    database_password_file: SomePath | None = None
    broker: Broker
    listen: Listen = Listen()
    public_url: WebAddress = "http://127.0.0.1:8080"
    core: Core
    checkpoints: SomePath | None = None  # None: in the data folder

    @property
    def checkpoint_folder(self) -> Path:
        """Where the files of the daily checkpoints are written."""
        return self.checkpoints or self.data_folder / "checkpoints"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy address of the store."""
        return self.database or f"sqlite:///{self.data_folder / 'collector.db'}"

    @property
    def key_file(self) -> Path:
        """The collector's secret key."""
        return self.key_file_of(DEFAULT)

    def key_file_of(self, suite: Suite) -> Path:
        """The collector's secret key in a suite; one secret is never used in two."""
        return self.data_folder / ("collector-sm2.key" if suite is SM3_SM2 else "collector.key")

    @property
    def authority_key_file(self) -> Path:
        """The secret key of the device authority, which issues certificates."""
        return self.data_folder / "authority.key"


def load(path: Path) -> Config:
    """The configuration of a file; raises ConfigError that names every wrong key with its line."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}; give the collector's YAML file") from exc
    if len(raw) > CONFIG_BYTES_MAX:
        raise ConfigError(f"{path}: {len(raw)} bytes, at most {CONFIG_BYTES_MAX} are allowed")
    try:
        text = raw.decode()
        value = yaml.safe_load(text)
        lines = _lines(yaml.compose(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {getattr(exc, 'problem', None) or exc}") from exc
    if not isinstance(value, dict):
        raise ConfigError(f"{path}:1: the file must be keys and values; allowed keys: {_keys(Config)}")
    try:
        config = Config.model_validate(value)
    except ValidationError as exc:
        raise ConfigError("\n".join(_sentence(path, lines, error) for error in exc.errors())) from exc
    return _absolute(config, path.parent.resolve())


def read_password(broker: Broker) -> str | None:
    """The broker password; raises ConfigError when its file cannot be read."""
    return _password("broker.password_file", broker.password_file)


def read_database_password(config: Config) -> str | None:
    """The database password; raises ConfigError when its file cannot be read."""
    return _password("database_password_file", config.database_password_file)


def _password(key: str, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text().strip()
    except OSError as exc:
        raise ConfigError(f"{key} {path}: {exc.strerror}") from exc


def _absolute(config: Config, folder: Path) -> Config:
    def against(path: Path) -> Path:
        return Path(os.path.normpath(folder / path.expanduser()))

    broker = config.broker
    if broker.password_file is not None:
        broker = broker.model_copy(update={"password_file": against(broker.password_file)})
    changes: dict[str, Any] = {"data_folder": against(config.data_folder), "broker": broker}
    if config.checkpoints is not None:
        changes["checkpoints"] = against(config.checkpoints)
    if config.database_password_file is not None:
        changes["database_password_file"] = against(config.database_password_file)
    return config.model_copy(update=changes)


def _lines(node: yaml.Node | None, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            own = (*at, str(key.value))
            found[own] = key.start_mark.line + 1
            found.update(_lines(value, own))
    return found


def _sentence(path: Path, lines: dict[tuple[str, ...], int], error: Any) -> str:
    where = tuple(str(part) for part in error["loc"])
    known = where
    while known and known not in lines:
        known = known[:-1]
    key = ".".join(where)
    line = lines.get(known, 1)
    if error["type"] == "extra_forbidden":
        what = f"no such key; allowed: {_keys(_part_at(where[:-1]))}"
    elif error["type"] == "missing":
        what = "is missing"
        description = _part_at(where[:-1]).model_fields[where[-1]].annotation
        what += f"; allowed: {_allowed(description)}"
    else:
        # A database address that is refused may carry a password: it is not repeated.
        what = "" if key == "database" else f"{error['input']!r}: "
        what += error["msg"].removeprefix("Value error, ")
    return f"{path}:{line}: {key}: {what}"


def _part_at(where: tuple[str, ...]) -> type[_Part]:
    part: type[_Part] = Config
    for name in where:
        inner = part.model_fields[name].annotation
        if isinstance(inner, type) and issubclass(inner, _Part):
            part = inner
    return part


def _keys(part: type[_Part]) -> str:
    return ", ".join(part.model_fields)


def _allowed(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, _Part):
        return f"keys {_keys(kind)}"
    return {Path: "a path", int: "a whole number", float: "a number", str: "a text"}.get(kind, "a text")
