"""The one thread that writes, as the event loop sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Writer:
    """Runs blocking store work one after the other off the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def run(self, act: Callable[[], T]) -> T:
        """act's result. A cancelled caller does not stop work that has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    def close(self) -> None:
        """Waits for what is running; what has not begun is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
