"""How often Python looks for rings of dead objects."""

from __future__ import annotations

import gc

_AFTER = (20_000, 20, 50)  # objects made and still held; Python's own: 700, 10, 10


def collect_seldom() -> None:
    """Once, when the program has started, for the whole process: what is loaded stays and is not looked at again.

    Records make many short-lived objects and no rings. Python looked through them and all libraries so often that it
    was a seventh of the collector's time (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_AFTER)
