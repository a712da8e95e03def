"""How often Python looks for rings of dead objects, and how often its threads take turns."""

from __future__ import annotations

import gc
import sys

_AFTER = (20_000, 20, 50)  # objects made and still held; Python's own: 700, 10, 10
_TURN_S = 0.0005  # Python's own: 0.005


def collect_seldom() -> None:
    """Once, when the program has started, for the whole process: what is loaded stays and is not looked at again.

    Records make many short-lived objects and no rings. Python looked through them and all libraries so often that it
    was a seventh of the collector's time (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_AFTER)


def switch_often() -> None:
    """Once, when the program has started. The thread that stores waits for the server some dozen times a push, and
    after each wait for its turn beside the one that reads the next pushes and the one that talks to the broker."""
    sys.setswitchinterval(_TURN_S)
