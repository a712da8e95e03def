"""The single writer: group commit without a timer.

A thread takes what is queued, runs it in one transaction, commits, answers, repeats. A call may leave its rows to
`before_commit`, which writes those of a whole group at once; one that needs the database itself says `change` first. A
call that raises a rule's error is undone alone; a storage error undoes the whole transaction and every caller hears of
it. On a full disk `on_full` may make room, then the transaction is tried once more. A broken disk (failure.py) ends the
writer: nothing is tried again, callers hear why. When nothing is queued any more, `on_idle` gets a transaction of its
own (the journal seals its head there).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from hazgate_edge.journal.failure import Failure, failure_of

T = TypeVar("T")
QUEUE_MAX = 1000
GROUP_MAX = 200
IDLE_AFTER_S = 0.02

Answer = Callable[[Any, BaseException | None], None]
_Call = tuple[Callable[[], Any], Answer]
_Told = tuple[Answer, Any, BaseException | None]
_Settling = tuple["asyncio.Future[Any]", Any, BaseException | None]


_WATCH: _Call = (lambda: None, lambda _result, _error: None)  # "something was written": no call, only a wake-up


class WriterClosedError(RuntimeError):
    """The writer has been closed or has died; nothing more is saved."""


class WriterFullError(RuntimeError):
    """Too much is waiting for the disk."""


class _Awaited:
    """The answer to a caller on an event loop. A group's answers go to their loop together: each wakes it once."""

    __slots__ = ("future", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def __call__(self, result: Any, error: BaseException | None) -> None:
        self.loop.call_soon_threadsafe(_settle, [(self.future, result, error)])


def _settle(told: list[_Settling]) -> None:
    for future, result, error in told:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


class Writer:
    """Runs calls on the connection in its own thread, many to a transaction.

    on_idle: work for a quiet moment, or None when there is none. after_rollback lets the owner forget what it had
    computed from undone work. on_full: makes room and says whether it could. on_broken: told once, after the callers.
    before_call, before_commit, after_commit, after_failed_call: the owner keeps rows of its own between them; a failed
    call's rows are the owner's to forget. All on the writer's thread.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        on_idle: Callable[[], Callable[[], None] | None],
        after_rollback: Callable[[], None],
        on_full: Callable[[], bool] = lambda: False,
        on_broken: Callable[[BaseException], None] = lambda _exc: None,
        before_call: Callable[[], None] = lambda: None,
        before_commit: Callable[[], None] = lambda: None,
        after_commit: Callable[[], None] = lambda: None,
        after_failed_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._on_idle = on_idle
        self._after_rollback = after_rollback
        self._on_full = on_full
        self._on_broken = on_broken
        self._before_call = before_call
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._after_failed_call = after_failed_call
        self._alone = True  # the call in hand has the transaction for itself
        self._saved = False  # the call in hand has a savepoint
        self._broken: BaseException | None = None
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._writing = threading.Lock()  # whoever holds it is the writer
        self._written = 0
        self._watched = False  # the thread knows that there may be quiet work to come
        self._closed = False
        self._died = False
        self._thread = threading.Thread(target=self._work, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], Any], answer: Answer) -> None:
        """Queue a call. answer(result, None) comes after the commit is durable, answer(None, error) if there was none;
        both on the writer's thread. Raises WriterFullError at the bound, WriterClosedError after the end."""
        self._require_open()
        if self._queue.qsize() >= QUEUE_MAX:
            raise WriterFullError(f"{QUEUE_MAX} writes are waiting for the disk")
        self._queue.put((call, answer))

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """As submit, for the event loop. A cancelled caller does not undo the work."""
        awaited = _Awaited()
        self.submit(call, awaited)
        return awaited.future

    def savepoint(self) -> None:
        """For a call, before its first statement: what it does from here on can be undone alone."""
        if not self._alone and not self._saved:
            self._connection.execute("SAVEPOINT one")
            self._saved = True

    def run_now(self, call: Callable[[], T]) -> T:
        """As submit, in the caller's own thread, which is the writer for one transaction. For programs without an event
        loop: a loop must not wait for a disk."""
        self._require_open()
        got: list[Any] = [None, None]

        def settle(result: Any, error: BaseException | None) -> None:
            got[:] = result, error

        self._commit([(call, settle)])
        if not self._watched:
            self._watched = True
            self._queue.put(_WATCH)
        if got[1] is not None:
            raise got[1]
        return got[0]  # type: ignore[no-any-return] # what the call returned

    def _require_open(self) -> None:
        if self._broken is not None:
            raise self._ended(self._broken)
        if self._closed or self._died:
            raise WriterClosedError("journal writer is closed")

    @property
    def alive(self) -> bool:
        """Whether its thread still works."""
        return self._thread.is_alive()

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            self._write_until_closed()
        finally:
            self._died = True

    def _write_until_closed(self) -> None:
        stop = False
        while not stop:
            group: list[_Call] = []
            first = self._first()
            while first is not None:
                if first is not _WATCH:
                    group.append(first)
                if len(group) == GROUP_MAX:
                    break
                try:
                    first = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                stop = True
            if group:
                self._commit(group)
        self._idle()

    def _first(self) -> _Call | None:
        """The next call; what the writer owes is done when nothing was written for a moment."""
        written = -1
        while written != self._written:
            written = self._written
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=IDLE_AFTER_S)
        self._watched = False
        self._idle()
        return self._queue.get()

    def _idle(self) -> None:
        if self._broken is not None:
            return
        work = self._on_idle()
        if work is not None:
            # A full disk is told to the next caller; the quiet work comes again at the next quiet moment.
            self._commit([(work, lambda _result, _error: None)])

    def _commit(self, group: list[_Call]) -> None:
        if self._broken is not None:  # queued before the end was known
            self._tell([(answer, None, self._ended(self._broken)) for _, answer in group])
            return
        with self._writing:
            try:
                told = self._transaction(group)
            except BaseException as exc:  # noqa: BLE001 - whatever broke the transaction goes to every caller
                told = self._again_with_room(group, exc)
            self._written += 1
        self._tell(told)
        if self._broken is not None:
            self._on_broken(self._broken)

    def _transaction(self, group: list[_Call]) -> list[_Told]:
        told: list[_Told] = []
        self._alone = len(group) == 1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for call, answer in group:
                self._one(call, answer, told)
            self._before_commit()
            self._connection.execute("COMMIT")
        except BaseException as exc:
            self._undo(exc)
            raise
        self._after_commit()
        return told

    def _again_with_room(self, group: list[_Call], exc: BaseException) -> list[_Told]:
        if self._broken is None and failure_of(exc) is Failure.FULL and self._on_full():
            try:
                return self._transaction(group)
            except BaseException as again:  # noqa: BLE001 - as the first time
                exc = again
        return [(answer, None, exc) for _, answer in group]

    def _tell(self, told: list[_Told]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[_Settling]] = {}
        for answer, result, error in told:
            if isinstance(answer, _Awaited):
                loops.setdefault(answer.loop, []).append((answer.future, result, error))
            else:
                answer(result, error)
        for loop, group in loops.items():
            loop.call_soon_threadsafe(_settle, group)

    @staticmethod
    def _ended(why: BaseException) -> WriterClosedError:
        return WriterClosedError(f"the journal takes nothing more until the program has started again: {why}")

    def _one(self, call: Callable[[], Any], answer: Answer, told: list[_Told]) -> None:
        self._saved = False
        self._before_call()
        try:
            told.append((answer, call(), None))
        except sqlite3.Error:
            raise
        except Exception as exc:  # noqa: BLE001 - a rule's refusal belongs to its caller only
            if self._alone:
                self._connection.execute("ROLLBACK")
                self._connection.execute("BEGIN IMMEDIATE")
            elif self._saved:
                self._connection.execute("ROLLBACK TO one")
            self._after_failed_call()
            told.append((answer, None, exc))
        if self._saved:
            self._connection.execute("RELEASE one")

    def _undo(self, exc: BaseException) -> None:
        """Roll back and forget; an error that forbids to go on, or a rollback that fails, ends the writer."""
        if failure_of(exc) is Failure.BROKEN:
            self._broken = exc
            with contextlib.suppress(sqlite3.Error):
                self._roll_back()
            return
        try:
            self._roll_back()
            self._after_rollback()
        except sqlite3.Error as worse:
            self._broken = worse

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
