"""A photo's codes, read by a process of its own (decode.py): never in the capture path, one at a time, with a time."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE

PHOTO_BYTES_MAX = 6 << 20  # the page makes its photos smaller than a tenth of it
DECODE_TIMEOUT_S = 15.0


class PhotoError(Exception):
    """The photo cannot be read; the text says why."""


def can_decode() -> bool:
    """Whether the optional library is there."""
    return importlib.util.find_spec("zxingcpp") is not None


async def codes_in(photo: bytes) -> list[str]:
    """The texts of its codes, as they stand there: hostile until judged. Raises PhotoError."""
    if len(photo) > PHOTO_BYTES_MAX:
        raise PhotoError(f"{len(photo)} bytes, at most {PHOTO_BYTES_MAX}")
    decoding = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hazgate_edge.scanning.decode", stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(DECODE_TIMEOUT_S):
            out, _ = await decoding.communicate(photo)
    except TimeoutError as exc:
        raise PhotoError(f"not decoded in {DECODE_TIMEOUT_S:.0f} s") from exc
    finally:
        if decoding.returncode is None:
            decoding.kill()
            await decoding.wait()
    try:
        answer = json.loads(out)
        if "why" in answer:
            raise PhotoError(str(answer["why"]))
        return [str(text) for text in answer["texts"]]
    except (ValueError, LookupError) as exc:
        raise PhotoError(f"the decoding process ended with {decoding.returncode}") from exc
