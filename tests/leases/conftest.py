"""Units of boxes for the tests of label number leases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leases.unit import Unit


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Unit]]:
    """Makes a unit with boxes of these names."""
    units: list[Unit] = []

    def make(*names: str, **settings: str) -> Unit:
        units.append(Unit(tmp_path / f"unit-{len(units)}", *names, **settings))
        return units[-1]

    yield make
    for unit in units:
        unit.close()
