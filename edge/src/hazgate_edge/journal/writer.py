"""The single writer: group commit without a timer.

A thread takes what is queued, runs it in one transaction, commits, answers, repeats. A call that raises a rule's
error is undone alone; a storage error undoes the whole transaction and every caller hears of it.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
QUEUE_MAX = 1000
GROUP_MAX = 200

_Call = tuple[Callable[[], Any], "Future[Any]"]


class WriterClosedError(RuntimeError):
    """The writer has been closed or has died; nothing more is saved."""


class Writer:
    """Runs calls on the connection in its own thread, many to a transaction.

    before_commit runs last inside each transaction (the seal); after_rollback lets the owner forget what it had
    computed from the undone work.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        before_commit: Callable[[], None],
        after_rollback: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._before_commit = before_commit
        self._after_rollback = after_rollback
        self._queue: queue.Queue[_Call | None] = queue.Queue(QUEUE_MAX)
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call; the future answers after the commit is durable. Raises queue.Full at the bound."""
        if self._closed or not self._thread.is_alive():
            raise WriterClosedError("journal writer is closed")
        future: Future[T] = Future()
        self._queue.put_nowait((call, future))
        return future

    async def run(self, call: Callable[[], T]) -> T:
        """As submit, for the event loop. A cancelled caller does not undo the work."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(call)))

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            stop = False
            while len(group) < GROUP_MAX:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                group.append(more)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[_Call]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for call, future in group:
                self._one(call, future, done, alone=len(group) == 1)
            if done:
                self._before_commit()
            self._connection.execute("COMMIT")
        except BaseException as exc:  # noqa: BLE001 - whatever broke the transaction goes to every caller
            self._undo()
            for _, future in group:
                if not future.done():
                    future.set_exception(exc)
            return
        for future, result in done:
            future.set_result(result)

    def _one(self, call: Callable[[], Any], future: Future[Any], done: list[Any], *, alone: bool) -> None:
        if not alone:
            self._connection.execute("SAVEPOINT one")
        try:
            result = call()
        except sqlite3.Error:
            raise
        except Exception as exc:  # noqa: BLE001 - a rule's refusal belongs to its caller only
            self._connection.execute("ROLLBACK" if alone else "ROLLBACK TO one")
            self._after_rollback()
            if alone:
                self._connection.execute("BEGIN IMMEDIATE")
            future.set_exception(exc)
        else:
            done.append((future, result))
        if not alone:
            self._connection.execute("RELEASE one")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._after_rollback()
