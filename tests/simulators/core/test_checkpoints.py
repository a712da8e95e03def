"""The simulated core keeps checkpoints as a core must: each number once, each behind the one before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx

from hazgate_simulators.core.app import build


def body(n: int, prev: str, more: str = "") -> tuple[str, bytes]:
    """Hash and request body of a checkpoint written by hand."""
    statement = json.dumps({"more": more, "n": n, "prev": prev}, separators=(",", ":"))
    return hashlib.sha256(statement.encode()).hexdigest(), json.dumps(
        {"statement": statement, "seal": "ab" * 64}
    ).encode()


async def test_a_number_is_taken_once_and_in_its_chain(tmp_path: Path) -> None:
    """Accepted, then duplicate; another of the number and one that follows something else are refused with why."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(tmp_path)), base_url="http://core") as http:

        async def post(key: str, content: bytes) -> httpx.Response:
            return await http.post("/v1/checkpoints", content=content, headers={"Idempotency-Key": key})

        first, content = body(1, "00" * 32)
        assert [(await post(first, content)).json()["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
        other = (await post(*body(1, "00" * 32, "x"))).json()
        assert (other["outcome"], other["code"], first in other["text"]) == ("refused", "C-002", True)
        astray = (await post(*body(2, "11" * 32))).json()
        assert (astray["outcome"], astray["code"], first in astray["text"]) == ("refused", "C-003", True)
        assert (await post(*body(2, first))).json()["outcome"] == "accepted"
        assert (await post("00" * 32, content)).status_code == 422
        assert (await post(first, b'{"statement": 5}')).status_code == 422
        listed = (await http.get("/sim/checkpoints")).json()["checkpoints"]
        assert [(item["number"], item["posts"]) for item in listed] == [(1, 2), (2, 1)]
