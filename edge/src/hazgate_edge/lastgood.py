"""The last configuration that worked, for the day when a new one does not.

Three starts with a file that cannot be used, and the copy of the last one that ran is taken; the terminal and the boot
record say so. Copy and count lie in systemd's state folder ($STATE_DIRECTORY), else beside the configuration: not in
the data folder, because which that is only a good configuration can tell.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hazgate_edge.config import CONFIG_BYTES_MAX, Config, ConfigError, load
from hazgate_profiles import registry

log = logging.getLogger(__name__)

TRIES = 3
GOOD = ".last-good"
FAILED = ".failed-starts"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to run with. problem: why it is not the file that was asked for, "" when it is."""

    config: Config
    path: Path
    problem: str = ""


class LastGood:
    """One configuration file with its copy and its count of failed starts."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        folder = Path(environment.get("STATE_DIRECTORY", "").split(":")[0] or path.parent)
        self._path = path
        self._good = folder / f"{path.name}{GOOD}"
        self._failed = folder / f"{path.name}{FAILED}"

    def choose(self) -> Chosen:
        """The file itself, or from the third start with it in vain the last good one. Raises ConfigError."""
        try:
            config = _usable(self._path)
        except ConfigError as exc:
            tries = self._count()
            if tries < TRIES or not self._good.exists():
                raise
            good = _usable(self._good)
            log.error("%s; %d starts failed: the last good configuration is used (配置有误，已用上一版本)", exc, tries)
            return Chosen(good, self._good, exc.problems[0])
        self._failed.unlink(missing_ok=True)
        return Chosen(config, self._path)

    def keep(self) -> None:
        """The box runs with this file: remember it. A folder that cannot be written to is no reason to stop."""
        try:
            text = self._path.read_bytes()
            if len(text) > CONFIG_BYTES_MAX or (self._good.exists() and self._good.read_bytes() == text):
                return
            _write(self._good, text)
        except OSError as exc:
            log.warning("keep %s as the last good configuration: %s; a bad one will stop the box", self._path, exc)

    def _count(self) -> int:
        """One more failed start with these bytes; how many there were."""
        try:
            digest = hashlib.sha256(self._path.read_bytes() if self._path.exists() else b"").hexdigest()
            told = self._failed.read_text("ascii").split() if self._failed.exists() else []
            tries = int(told[1]) + 1 if len(told) == 2 and told[0] == digest and told[1].isdigit() else 1
            _write(self._failed, f"{digest} {min(tries, TRIES)}".encode())
        except (OSError, ValueError) as exc:
            log.warning("count a failed start in %s: %s", self._failed, exc)
            return 1
        return tries


def _usable(path: Path) -> Config:
    config = load(path)
    try:
        registry.load(config.scale.profile)
    except (registry.UnknownProfileError, registry.ProfileError) as exc:
        raise ConfigError([f"{path}: scales[0].profile: {exc}"]) from exc
    return config


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
