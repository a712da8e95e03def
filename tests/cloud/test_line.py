"""Pushes wait in a line, are read ahead and stored together; the store's thread serves them first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from cloud.fakebox import FakeBox
from hazgate_cloud.collector import line
from hazgate_cloud.collector.collector import Answer, Collector, Prepared
from hazgate_cloud.collector.line import Line
from hazgate_cloud.store.engine import StoreUnavailableError
from hazgate_cloud.store.writer import FIRST_IN_A_ROW_MAX, Writer
from hazgate_protocols.uplink import topics

WAIT_S = 10.0


class SlowStore:
    """In place of a collector: each transaction lasts until it is let go; says what was done in which order."""

    def __init__(self, *, fails: int = 0) -> None:
        self.done: list[str] = []
        self.groups: list[int] = []
        self.go = threading.Semaphore(0)
        self.storing = threading.Event()
        self.read = threading.Event()
        self.fails = fails

    def handle_many(self, pushes: Sequence[tuple[str, bytes]]) -> list[Answer | None]:
        """Reads and stores."""
        return self.store(self.prepare(pushes))

    def prepare(self, pushes: Sequence[tuple[str, bytes]]) -> list[Prepared]:
        """Reads."""
        self.done += [f"read {payload.decode()[:3]}" for _, payload in pushes]
        if self.storing.is_set():
            self.read.set()
        return [Prepared(box, payload, None) for box, payload in pushes]

    def store(self, pushes: Sequence[Prepared]) -> list[Answer | None]:
        """Stores; answers each."""
        self.storing.set()
        assert self.go.acquire(timeout=WAIT_S)
        self.storing.clear()
        if self.fails:
            self.fails -= 1
            raise StoreUnavailableError("write to the store: it is away")
        self.groups.append(len(pushes))
        self.done += [f"store {push.payload.decode()[:3]}" for push in pushes]
        return [Answer(topics.have(push.box), push.payload) for push in pushes]


@asynccontextmanager
async def running(collector: SlowStore | Collector) -> AsyncIterator[tuple[Line, list[Answer]]]:
    """A line at work, and what it answered."""
    writer, answers = Writer(), list[Answer]()
    made = Line(collector, writer)  # type: ignore[arg-type] # SlowStore does what a line asks for

    async def answer(some: list[Answer]) -> None:
        answers.extend(some)

    task = asyncio.create_task(made.run(answer))
    try:
        yield made, answers
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Waits for the condition, at most WAIT_S."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 - other threads make it so
            await asyncio.sleep(0.001)


async def test_what_comes_while_others_are_stored_is_read_meanwhile_and_stored_next_in_order() -> None:
    """The second and third are read before the first is stored, and go into one transaction behind it."""
    store = SlowStore()
    async with running(store) as (made, answers):
        made.put("a", b"one")
        await until(store.storing.is_set)
        made.put("b", b"two")
        await until(store.read.is_set)
        made.put("c", b"thr")
        await until(lambda: "read thr" in store.done)
        store.go.release()
        await until(lambda: len(answers) == 1)
        store.go.release()
        await until(lambda: len(answers) == 3)
    assert store.done == ["read one", "read two", "read thr", "store one", "store two", "store thr"]
    assert store.groups == [1, 2]
    assert [answer.payload for answer in answers] == [b"one", b"two", b"thr"]


async def test_a_transaction_holds_so_many_pushes_or_bytes_and_no_push_is_left_out() -> None:
    """Small ones by number, full pages by size."""
    for payload, most in ((b"x" * 100, line.BATCH_MAX), (b"x" * (line.BATCH_BYTES // 4), 4)):
        store = SlowStore()
        async with running(store) as (made, answers):
            for number in range(200):
                made.put(f"box-{number}", b"%03d" % number + payload)
            store.go.release(200)
            await until(lambda answers=answers: len(answers) == 200)  # type: ignore[misc] # bound now
        assert max(store.groups) == most
        assert [answer.topic for answer in answers] == [topics.have(f"box-{number}") for number in range(200)]


async def test_a_full_line_drops_its_oldest() -> None:
    """Its box has waited the longest, and sends again."""
    store = SlowStore()
    async with running(store) as (made, answers):
        made.put("first", b"fst")
        await until(store.storing.is_set)
        for number in range(line.QUEUE_MAX + line.BATCH_MAX + 5):
            made.put(f"box-{number}", b"%03d" % (number % 1000))
        store.go.release(line.QUEUE_MAX)
        await until(lambda: bool(answers) and answers[-1].topic == topics.have(f"box-{number}"))
    assert topics.have("box-0") not in {answer.topic for answer in answers}
    assert len(answers) <= 1 + line.QUEUE_MAX


async def test_a_store_that_is_away_gives_no_answer_and_the_line_goes_on() -> None:
    """Nothing is answered before a commit; the next push is."""
    store = SlowStore(fails=1)
    async with running(store) as (made, answers):
        made.put("a", b"one")
        store.go.release(2)
        await until(lambda: store.fails == 0)
        made.put("a", b"two")
        await until(lambda: len(answers) == 1)
    assert [answer.payload for answer in answers] == [b"two"]


async def test_a_real_collector_answers_pushes_that_were_read_ahead(collector: Collector, box: FakeBox) -> None:
    """Receipts for all of a box's pushes, in order, whichever way they were read."""
    pushes = []
    for number in range(1, 9):
        start = len(box.bodies) if number > 1 else 0
        box.weigh(number)
        pushes.append(box.push(start))
    async with running(collector) as (made, answers):
        for push in pushes:
            made.put(box.name, push)
            await asyncio.sleep(0)
        await until(lambda: len(answers) == len(pushes))
    assert {answer.topic for answer in answers} == {topics.have(box.name)}


async def test_the_writer_takes_what_boxes_wait_for_first_and_the_others_in_their_turn() -> None:
    """Behind a job that runs: urgent ones go ahead, but after so many in a row one of the others has its turn."""
    writer, order, go = Writer(), list[str](), threading.Event()
    running_job = asyncio.create_task(writer.run(lambda: go.wait(WAIT_S)))
    await asyncio.sleep(0)
    others = [asyncio.create_task(writer.run(lambda n=n: order.append(f"other {n}"))) for n in range(2)]  # type: ignore[misc] # bound now
    await asyncio.sleep(0)
    count = FIRST_IN_A_ROW_MAX + 3
    first = [asyncio.create_task(writer.run(lambda: order.append("first"), first=True)) for _ in range(count)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(running_job, *others, *first)
    writer.close()
    assert order == ["first"] * FIRST_IN_A_ROW_MAX + ["other 0"] + ["first"] * 3 + ["other 1"]


async def test_a_writer_that_closes_drops_what_has_not_begun() -> None:
    """And who waits for it is told so, instead of waiting for ever."""
    writer, go = Writer(), threading.Event()
    begun = asyncio.create_task(writer.run(lambda: go.wait(WAIT_S)))
    waiting = asyncio.create_task(writer.run(lambda: None))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    go.set()
    await closing
    results = await asyncio.wait_for(asyncio.gather(begun, waiting, return_exceptions=True), WAIT_S)
    assert results[0] is True
    assert results[1] is None or isinstance(results[1], asyncio.CancelledError)
