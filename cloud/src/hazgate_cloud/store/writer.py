"""The one thread that writes, as the event loop sees it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_IN_A_ROW_MAX = 16


@dataclass(frozen=True, slots=True)
class _Job:
    act: Callable[[], Any]
    result: Future[Any]


class Writer:
    """Runs blocking store work one after the other off the event loop.

    What a box waits for goes first; after so many of those in a row whoever else waits has a turn.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._first: deque[_Job] = deque()
        self._others: deque[_Job] = deque()
        self._in_a_row = 0  # the thread's own

    async def run(self, act: Callable[[], T], *, first: bool = False) -> T:
        """act's result. first: before all that was not asked for so. A cancelled caller does not stop work that has
        begun."""
        job = _Job(act, Future())
        (self._first if first else self._others).append(job)
        self._threads.submit(self._one)  # as many turns as jobs, not for this job above all
        return await asyncio.wrap_future(job.result)

    def close(self) -> None:
        """Waits for what is running; what has not begun is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for job in (*self._first, *self._others):
            job.result.cancel()

    def _one(self) -> None:
        if self._first and (self._in_a_row < FIRST_IN_A_ROW_MAX or not self._others):
            job = self._first.popleft()
            self._in_a_row += 1
        else:
            job = self._others.popleft()
            self._in_a_row = 0
        if not job.result.set_running_or_notify_cancel():
            return
        try:
            result = job.act()
        except BaseException as exc:  # noqa: BLE001 - goes to who asked
            job.result.set_exception(exc)
        else:
            job.result.set_result(result)
