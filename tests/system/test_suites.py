"""The whole chain in the suite sm3+sm2: real broker and processes, from the press to the auditor's command."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from hazgate_edge.domain.view import SyncState
from hazgate_simulators.demo.stack import BOX, Stack, command
from system.operator import working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


async def told(name: str, *arguments: str | Path) -> str:
    """What one of our commands says; it must end with 0."""
    words = [command(name), *map(str, arguments)]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_box_of_sm3_sm2_goes_all_the_way(tmp_path: Path) -> None:
    """Weighed, receipted in its own suite (else nothing would settle), accepted; journal, store and evidence proved."""
    stack = Stack(tmp_path, suite="sm3+sm2")
    async with working(stack) as operator:
        await operator.take_off()
        done = await operator.weigh("12.34")
        await operator.row(done.rid, lambda row: row.sync is SyncState.ACCEPTED, "accepted")
        edge, cloud = ("--config", stack.edge_config), ("--config", stack.cloud_config)
        out = tmp_path / "bag.hazgate"
        identity, verified, _ = await asyncio.gather(
            told("hazgate-edge", "identity", *edge),
            told("hazgate-edge", "verify", *edge),
            told("hazgate-cloud", "evidence", done.label, *cloud, "--out", out),
        )
        box, key, _ = identity.split()
        assert (box, len(key)) == (BOX, 130)
        assert "seals of sm3+sm2 hold" in verified
        proof = await told("hazgate-verify", out, "--box-key", key)
        assert "in the suite sm3+sm2" in " ".join(proof.split())
