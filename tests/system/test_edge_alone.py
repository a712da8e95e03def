"""The box installs from its own pinned requirements and runs without anything of the cloud or the simulators."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOREIGN = ("hazgate_cloud", "hazgate_simulators", "sqlalchemy", "alembic", "psycopg", "httpx", "pytest")

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def test_a_box_needs_only_what_its_manifest_names(tmp_path: Path) -> None:
    """A fresh environment with requirements/edge.txt: every module of the box loads, the commands answer."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "edge.txt")], check=True)
    sources = [str(ROOT / folder / "src") for folder in ("protocols", "firmware_profiles", "edge")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sources)}
    code = f"""
import importlib, pkgutil, sys
import hazgate_edge, hazgate_profiles, hazgate_protocols
for package in (hazgate_protocols, hazgate_profiles, hazgate_edge):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
foreign = [name for name in {FOREIGN!r} if importlib.util.find_spec(name)]
assert foreign == [], foreign
"""
    subprocess.run([str(python), "-c", code], check=True, env=environment)
    helped = subprocess.run(
        [str(python), "-m", "hazgate_edge.cli", "--help"], check=True, env=environment, capture_output=True, text=True
    )
    assert "check-config" in helped.stdout
