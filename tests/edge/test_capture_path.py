"""What the agent carries: the capture path loads no web, imaging, numeric or vision library."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    *("fastapi", "starlette", "uvicorn", "jinja2", "httpx", "typer", "rich"),
    *("PIL", "segno", "numpy", "cv2", "onnxruntime", "zxingcpp"),
)


@pytest.mark.parametrize("module", ["hazgate_edge.app", "hazgate_edge.cli", "hazgate_edge.agent"])
def test_the_agent_loads_no_heavy_library(module: str) -> None:
    """Asked of a fresh interpreter, after everything the agent imports at its start."""
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_modbus_comes_only_with_a_modbus_scale() -> None:
    """pymodbus takes ten megabytes; a serial scale must not pay for it."""
    code = "import sys, hazgate_edge.app; print('pymodbus' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_the_look_itself_can_see_a_heavy_library() -> None:
    """The terminal does load them: the test above is not blind."""
    code = f"import sys, hazgate_edge.terminal.app; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"fastapi", "jinja2"} <= set(done.stdout.split())
