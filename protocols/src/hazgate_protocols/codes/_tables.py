"""The package's own CSV tables, read when first asked for."""

from __future__ import annotations


def rows(name: str) -> list[dict[str, str]]:
    """The rows of data/name by column name."""
    import csv  # here, and resources: the box's start-up does not need them
    import io
    from importlib import resources

    text = (resources.files("hazgate_protocols.codes") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))
