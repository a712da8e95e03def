"""The collector's side of the broker: pushes in, answers and announcements out, presence. The only user of aiomqtt.

The client library acknowledges a message to the broker before our code sees it, and drops what its queue cannot hold:
both do no harm, because a box repeats what gets no receipt.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import aiomqtt
import structlog

from hazgate_cloud.collector.clocks import Clocks
from hazgate_cloud.collector.collector import Answer, Collector
from hazgate_cloud.collector.line import STORE_RETRY_S, Line
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.collector.telemetry import Samples
from hazgate_cloud.store.engine import StoreUnavailableError
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.uplink import topics

log = structlog.get_logger()

ANNOUNCEMENTS_MAX = 10_000  # boxes with fresh notes; more wait for their next push
FETCHES_MAX = 1_000  # boxes whose questions for records of their own wait here
BATCHES_MAX = 200  # boxes whose samples wait here; more are dropped and sent again
RECONNECT_S_FIRST = 0.5
RECONNECT_S_MAX = 5.0
PUBLISH_S_MAX = 10.0


class BrokerLink:
    """Keeps one connection to the broker and hands pushes to the collector."""

    def __init__(
        self,
        connect: Callable[[], aiomqtt.Client],
        collector: Collector,
        writer: Writer,
        presence: Presence,
        now: Callable[[], datetime],
        samples: Samples,
    ) -> None:
        self._connect = connect
        self._collector = collector
        self._writer = writer
        self._presence = presence
        self._now = now
        self._clocks = Clocks()
        self._line = Line(collector, writer)
        self._fetches: dict[str, bytes] = {}  # box -> its newest question: a box repeats what gets no answer
        self._fetch_wake = asyncio.Event()
        self._samples = samples
        self._batches: dict[str, bytes] = {}  # box -> its newest batch: a box repeats what gets no answer
        self._batch_wake = asyncio.Event()
        self._announce: dict[str, None] = {}
        self._announce_wake = asyncio.Event()
        self.trouble = "not connected yet"  # "" while connected

    def announce(self, box: str) -> None:
        """Sends the box its new notes soon, if it can be done. Only from the event loop's thread."""
        if len(self._announce) < ANNOUNCEMENTS_MAX:
            self._announce[box] = None
            self._announce_wake.set()

    def worked_s(self) -> float:
        """For how long pushes were being stored, in all: others may judge by it how much they disturb."""
        return self._line.worked_s

    def is_busy(self) -> bool:
        """Whether pushes wait to be stored."""
        return self._line.is_busy()

    async def run(self) -> None:
        """Serves until cancelled; connects again whenever the broker is lost."""
        pause = RECONNECT_S_FIRST
        while True:
            try:
                async with self._connect() as client:
                    await client.subscribe([(topics.COLLECTORS, 1), (topics.FETCHES, 1), (topics.PRESENCE, 0)])
                    await client.subscribe(topics.TELEMETRY, qos=1)
                    self.trouble = ""
                    pause = RECONNECT_S_FIRST
                    log.info("broker connected")
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._receive(client))
                        group.create_task(self._answer(client))
                        group.create_task(self._send_announcements(client))
                        group.create_task(self._give(client))
                        group.create_task(self._take_samples(client))
            except* (aiomqtt.MqttError, OSError) as lost:
                cause = str(lost.exceptions[0])
                if not self.trouble:
                    log.warning("broker lost; boxes keep their records", cause=cause)
                self.trouble = cause
            await asyncio.sleep(pause)
            pause = min(pause * 2, RECONNECT_S_MAX)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic = message.topic.value
            box = topics.box_of(topic)
            payload = message.payload
            if box is None or not isinstance(payload, bytes):
                continue
            if topic == topics.push(box):
                self._presence.hear(box, online=True, at=self._now())
                self._line.put(box, payload)
            elif topic == topics.fetch(box):
                if box in self._fetches or len(self._fetches) < FETCHES_MAX:
                    self._fetches[box] = payload
                    self._fetch_wake.set()
            elif topic == topics.tele(box):
                if box in self._batches or len(self._batches) < BATCHES_MAX:
                    self._batches[box] = payload
                    self._batch_wake.set()
            else:
                live, now = _decoded(payload), self._now()
                self._presence.hear(box, isinstance(live, dict) and live.get("online") is True, now)
                self._clocks.hear(box, live, now)
                if suspicion := self._clocks.suspicion(now):
                    await self._suspect_clock(suspicion)

    async def _suspect_clock(self, text: str) -> None:
        log.error("clock suspect", cause=text)
        try:
            await self._writer.run(partial(self._collector.suspect_clock, text))
        except StoreUnavailableError as exc:
            log.warning("alarm not kept", cause=str(exc))

    async def _answer(self, client: aiomqtt.Client) -> None:
        async def publish(answers: list[Answer]) -> None:
            await asyncio.gather(*(_publish(client, answer) for answer in answers))

        await self._line.run(publish)

    async def _send_announcements(self, client: aiomqtt.Client) -> None:
        while True:
            await self._announce_wake.wait()
            self._announce_wake.clear()
            waiting, self._announce = self._announce, {}
            for box in waiting:
                answer = await self._writer.run(partial(self._collector.announcement, box))
                if answer is not None:
                    await _publish(client, answer)

    async def _give(self, client: aiomqtt.Client) -> None:
        """One page at a time, so that boxes which fetch a lot leave the writer to those which push."""
        while True:
            await self._fetch_wake.wait()
            self._fetch_wake.clear()
            while self._fetches:
                box = next(iter(self._fetches))
                answer = await self._writer.run(partial(self._collector.give, box, self._fetches.pop(box)))
                if answer is not None:
                    await _publish(client, answer)

    async def _take_samples(self, client: aiomqtt.Client) -> None:
        """One batch at a time, behind the pushes."""
        while True:
            await self._batch_wake.wait()
            self._batch_wake.clear()
            while self._batches:
                box = next(iter(self._batches))
                batch = self._batches.pop(box)
                try:
                    answer = await self._writer.run(partial(self._samples.take, box, batch))
                except StoreUnavailableError as exc:
                    log.error("samples not taken: the store does not write; boxes keep them", cause=str(exc))
                    await asyncio.sleep(STORE_RETRY_S)
                    continue
                if answer is not None:
                    await _publish(client, answer)


async def _publish(client: aiomqtt.Client, answer: Answer) -> None:
    await client.publish(answer.topic, answer.payload, qos=1, timeout=PUBLISH_S_MAX)


def _decoded(payload: bytes) -> Any:
    """A live message, None for what is no JSON."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
