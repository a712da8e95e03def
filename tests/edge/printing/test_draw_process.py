"""The drawing process, as the box starts it."""

from __future__ import annotations

import subprocess
import sys


def test_the_drawing_process_ends_quietly_when_the_box_is_killed() -> None:
    """Nobody reads its answers any more: it ends, and its trace is not the last thing in the box's log."""
    command = [sys.executable, "-m", "hazgate_edge.printing.draw"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as drawing:
        assert drawing.stdin is not None
        assert drawing.stdout is not None
        assert drawing.stderr is not None
        drawing.stdout.close()
        drawing.stdin.write(b"no request\n")
        drawing.stdin.close()
        assert drawing.wait(timeout=60) == 0
        assert drawing.stderr.read() == b""
