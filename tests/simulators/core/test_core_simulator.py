"""The simulated core: every mode as it says, and nothing forgotten over kill -9."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hazgate_protocols.core_api import Outcome, Submission, decode_answer
from hazgate_simulators.demo.broker import free_port
from servers.core import Core, serving
from servers.programs import Program


def submission(number: int) -> Submission:
    """A submission as the forwarder makes it."""
    return Submission(
        rid=f"00000000-0000-7000-8000-{number:012d}",
        digital_id="91310000MA1FL5G08P9002140820260309001",
        unit_code="91310000MA1FL5G08P",
        unit_name="上海示例机械有限公司",
        waste_code="900-214-08",
        waste_name="废矿物油",
        category_code="HW08",
        hazard_characteristics="T,I",
        produced_on="2026-03-09",
        quantity_t="0.012340",
        weighed_at="2026-03-09T01:00:00.000Z",
        box="gate-01",
        record_hash="00" * 32,
    )


async def post(core: Core, number: int, body: bytes | None = None) -> httpx.Response:
    """Submits."""
    sent = submission(number)
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        return await http.post(
            f"{core.url}/v1/submissions", content=body or sent.encode(), headers={"Idempotency-Key": sent.rid}
        )


async def get(core: Core, number: int) -> httpx.Response:
    """Asks."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"{core.url}/v1/submissions/{submission(number).rid}")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with serving(tmp_path) as running:
        yield running


async def test_it_accepts_once_and_then_says_duplicate(core: Core) -> None:
    """The same reference both times; one filing; both requests counted."""
    first, again = await post(core, 1), await post(core, 1)
    told = [decode_answer(answer.status_code, answer.content) for answer in (first, again)]
    assert [answer.outcome for answer in told] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert told[0].reference == told[1].reference == "CORE-00000001"
    (filed,) = await core.filed()
    assert (filed["posts"], filed["conflicts"], filed["submission"]["quantity_t"]) == (2, 0, "0.012340")


async def test_it_notices_other_content_under_a_held_id(core: Core) -> None:
    """A test can prove that no repetition ever said something else."""
    await post(core, 1)
    await post(core, 1, submission(1).encode().replace(b"0.012340", b"0.999999"))
    (filed,) = await core.filed()
    assert (filed["conflicts"], filed["submission"]["quantity_t"]) == (1, "0.012340")


async def test_it_says_404_for_what_it_never_saw(core: Core) -> None:
    """And the outcome for what it holds."""
    assert (await get(core, 1)).status_code == 404
    await post(core, 1)
    assert (await get(core, 1)).json()["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("mode", "outcome", "filed"),
    [
        ("accept", Outcome.ACCEPTED, 1),
        ("delay", Outcome.ACCEPTED, 1),
        ("slow", Outcome.ACCEPTED, 1),
        ("repeat", Outcome.DUPLICATE, 1),
        ("refuse", Outcome.REFUSED, 1),
        ("error", Outcome.UNKNOWN, 0),
        ("html", Outcome.UNKNOWN, 0),
        ("nonsense", Outcome.UNKNOWN, 0),
        ("envelope", Outcome.UNKNOWN, 0),
    ],
)
async def test_each_mode_answers_as_it_says(mode: str, outcome: Outcome, filed: int, core: Core) -> None:
    """Read by the contract's own decoder; for one request, then it accepts again."""
    await core.set_mode(mode, delay_ms=50, code="R-9", text="不行", remaining=1)
    answer = await post(core, 1)
    told = decode_answer(answer.status_code, answer.content)
    assert told.outcome is outcome
    assert len(await core.filed()) == filed
    if mode == "refuse":
        assert (told.code, told.text) == ("R-9", "不行")
    assert decode_answer(200, (await post(core, 2)).content).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(("mode", "filed"), [("drop", 1), ("lose", 0)])
async def test_it_breaks_off_with_or_without_filing(mode: str, filed: int, core: Core) -> None:
    """The sender cannot tell the two apart without asking."""
    await core.set_mode(mode)
    with pytest.raises(httpx.TransportError):
        await post(core, 1)
    assert len(await core.filed()) == filed


async def test_a_mode_can_be_meant_for_one_submission(core: Core) -> None:
    """The others are accepted."""
    await core.set_mode("error", only_rid=submission(1).rid)
    assert [(await post(core, number)).status_code for number in (1, 2)] == [500, 200]


@pytest.mark.parametrize("body", [b"junk", b"[]", b'{"rid": "x"}'])
async def test_it_refuses_what_is_no_submission(body: bytes, core: Core) -> None:
    """Missing or odd fields are an error status, never a filing."""
    assert (await post(core, 1, body)).status_code in (400, 422)
    assert await core.filed() == []


@pytest.mark.system
async def test_it_forgets_nothing_over_kill_9(tmp_path: Path) -> None:
    """As a command: accepted, killed, started again, still held."""
    core = Core(f"http://127.0.0.1:{free_port()}")
    arguments = ["--port", core.url.rsplit(":", 1)[1], "--folder", str(tmp_path / "kept")]
    program = Program("hazgate_simulators.core.command", arguments, tmp_path)
    program.start()
    first = await _answering(core, program)
    assert first == []
    await post(core, 1)
    program.kill()
    program.start()
    assert [filed["rid"] for filed in await _answering(core, program)] == [submission(1).rid]
    program.kill()


async def _answering(core: Core, program: Program) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return await core.filed()
        except httpx.TransportError:
            program.require_alive()
            await asyncio.sleep(0.05)
    raise AssertionError(program.log.read_text())
