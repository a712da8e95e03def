"""HTTP to the core: one request, one reply, whatever happens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType

import httpx

from hazgate_protocols.core_api import ANSWER_BYTES_MAX

# Said by something in front of the core: it never saw the submission.
_NOT_THE_CORE = (502, 503, 504)


@dataclass(frozen=True, slots=True)
class Reply:
    """status None: no answer; detail says why. reached: whether the core itself may have seen the request."""

    status: int | None
    body: bytes
    detail: str
    reached: bool
    took_ms: int


class CoreClient:
    """timeout_s bounds a whole request, from connecting to the last byte."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        # No environment proxies: where the submissions go is said in the configuration alone.
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> CoreClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def post(self, rid: str, submission: bytes) -> Reply:
        """Submits. The rid is the idempotency key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": rid}
        return await self._ask(self._http.build_request("POST", "/v1/submissions", content=submission, headers=headers))

    async def get(self, rid: str) -> Reply:
        """Asks what became of a submission; status 404: the core has never seen it."""
        return await self._ask(self._http.build_request("GET", f"/v1/submissions/{rid}"))

    async def post_checkpoint(self, hash_hex: str, body: bytes) -> Reply:
        """Hands over a checkpoint. Repeating it does no harm; status 404, 405 or 501: this core takes none."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": hash_hex}
        return await self._ask(self._http.build_request("POST", "/v1/checkpoints", content=body, headers=headers))

    async def _ask(self, request: httpx.Request) -> Reply:
        started = time.monotonic()

        def reply(status: int | None, body: bytes, detail: str, *, reached: bool) -> Reply:
            return Reply(status, body, detail, reached, round((time.monotonic() - started) * 1000))

        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.send(request, stream=True)
                try:
                    body = b""
                    async for piece in response.aiter_raw():
                        body += piece
                        if len(body) > ANSWER_BYTES_MAX:
                            break
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            return reply(None, b"", f"no connection to the core: {_cause(exc)}", reached=False)
        except TimeoutError:
            return reply(None, b"", f"no answer within {self._timeout_s:g} s", reached=True)
        except httpx.HTTPError as exc:
            return reply(None, b"", f"answer broke off: {_cause(exc)}", reached=True)
        return reply(response.status_code, body, "", reached=response.status_code not in _NOT_THE_CORE)


def _cause(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
