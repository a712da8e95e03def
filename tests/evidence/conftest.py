"""A settled weighing place and the evidence of one of its bags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence.place import Place, five_bags


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of the second of five bags: weighed, printed, copied, accepted, records of others around it, and the
    day's checkpoint over another box too and over records behind those that are shown."""
    place = Place(tmp_path_factory.mktemp("place"))
    five_bags(place)
    made = place.evidence(2)
    place.close()
    return made
