"""Carrying the dialogue over MQTT 5: clean start, QoS 1.

While nothing answers at the broker's address the box tries again at once in small steps, so that the first record goes
within a second of the link's return. A broker that answers, and then does not take us, is asked at doubling intervals.

A PUBACK is no receipt: nothing here settles a record. The broker may lose, double or reorder anything.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt

from hazgate_edge.config import Broker
from hazgate_edge.domain.view import Light, Say
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.telemetry.sending import Sender
from hazgate_protocols.uplink import topics

log = logging.getLogger(__name__)

KEEPALIVE_S = 20
CONNECT_TIMEOUT_S = 10.0
NO_LINK_S = 0.4  # and up to half of it more: under a second with the connection's own time
RECONNECT_S = 0.5
RECONNECT_S_MAX = 30.0
LIVE_EVERY_S = 60.0  # how often the box says that it is there, and its time
STEADY_S = 10.0  # a connection that held this long was a good one: the next pause begins short again
SHORT_LIVES_TOLD = 3  # connections in a row that ended soon after they began: said as an unsteady network
TAKEN_OVER_TOLD_S = 300.0
_TAKEN_OVER = 142  # MQTT 5 reason code: another connected under our name
_NOT_AUTHORISED = (134, 135)  # MQTT 5 reason codes: bad user name or password, not authorised


class Uplink:
    """One supervised connection; `light` and `say` are what the terminal shows of it."""

    def __init__(
        self,
        broker: Broker,
        box: str,
        dialogue: Dialogue,
        *,
        wall: Callable[[], datetime],
        jitter: Callable[[], float],
        present: Callable[[], dict[str, Any]] = dict,
        keepalive_s: int = KEEPALIVE_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        steady: Callable[[], float] = time.monotonic,
        telemetry: Sender | None = None,
    ) -> None:
        """present: what the box says of itself beside "online": its time. steady: seconds that never go back.
        telemetry: samples of working conditions, which go when nothing of the chain does; None for none."""
        self._broker = broker
        self._box = box
        self._dialogue = dialogue
        self._wall = wall
        self._jitter = jitter
        self._present = present
        self._keepalive_s = keepalive_s
        self._connect_timeout_s = connect_timeout_s
        self._steady = steady
        self._telemetry = telemetry
        self._said_live_at = float("-inf")
        self._wake = asyncio.Event()
        dialogue.may_push = self._wake.set
        if telemetry is not None:
            telemetry.wake = self._wake.set
        self.name_unknown = False
        self._taken_over_at = float("-inf")
        self._up_at: float | None = None
        self._short_lives = 0
        self.light = Light.OFF
        self.refused_by_broker = False
        self.offline_since: datetime | None = wall()

    def wake(self) -> None:
        """Something was written: look now."""
        self._wake.set()

    def say(self) -> Say | None:
        """The network in the operator's words, None when all is well."""
        if self.refused_by_broker:
            return Say("NET-05")
        if self._steady() - self._taken_over_at < TAKEN_OVER_TOLD_S:
            return Say("NET-09")
        if self._short_lives >= SHORT_LIVES_TOLD and not self._is_steady():
            return Say("NET-11")
        if self.name_unknown:
            return Say("NET-08", {"host": self._broker.host})
        if self.offline_since is not None:
            return Say("NET-01")
        if self._dialogue.trouble == "bad_seal":
            return Say("NET-06")
        return None

    async def run(self) -> None:
        """Until cancelled: connect, talk, and after any failure connect again."""
        tries = 0
        while True:
            no_link = False
            try:
                async with self._client() as client:
                    self._up()
                    await self._talk(client)
            except* (aiomqtt.MqttError, OSError) as group:
                no_link = self._up_at is None and _is_no_link(group)
                self._down(group.exceptions[0])
            # A link that comes and goes each second is no better than one that stays away.
            tries = 0 if self._is_steady() else tries + 1
            self._short_lives = self._short_lives + 1 if self._up_at is not None and tries else 0
            self._up_at = None
            await asyncio.sleep(NO_LINK_S * (1 + 0.5 * self._jitter()) if no_link else pause_s(tries, self._jitter()))

    def _is_steady(self) -> bool:
        return self._up_at is not None and self._steady() - self._up_at >= STEADY_S

    def _client(self) -> aiomqtt.Client:
        will = aiomqtt.Will(topics.live(self._box), json.dumps({"online": False}).encode(), qos=0)
        return aiomqtt.Client(
            identifier=self._box,
            clean_start=True,
            keepalive=self._keepalive_s,
            timeout=self._connect_timeout_s,
            will=will,
            **login(self._broker),
        )

    async def _talk(self, client: aiomqtt.Client) -> None:
        give, took = topics.give(self._box), topics.took(self._box)
        await client.subscribe([(topics.have(self._box), 1), (topics.need(self._box), 1), (give, 1)])
        if self._telemetry is not None:
            await client.subscribe(took, qos=1)
            self._telemetry.connected()
        self._said_live_at = float("-inf")
        self._dialogue.connected()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(self._ask(client))
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    if message.topic.value == give:
                        await self._dialogue.refill.on_give(message.payload)
                    elif message.topic.value == took:
                        if self._telemetry is not None:
                            self._telemetry.on_took(message.payload)
                    else:
                        await self._dialogue.on_answer(message.payload, self._steady())
                    self._wake.set()
            asking.cancel()

    async def _ask(self, client: aiomqtt.Client) -> None:
        while True:
            self._wake.clear()
            now = self._steady()
            if now - self._said_live_at >= LIVE_EVERY_S:
                self._said_live_at = now
                live = {"online": True, **self._present()}
                await client.publish(topics.live(self._box), json.dumps(live).encode(), qos=0)
            # The dialogue reads the journal; SQLite answers from memory in well under a millisecond here.
            push = self._dialogue.next_push(now)
            if push is not None:
                await client.publish(topics.push(self._box), push, qos=1)
                continue
            refill = self._dialogue.refill
            fetch = refill.next_fetch(now)
            if fetch is not None:
                await client.publish(topics.fetch(self._box), fetch, qos=1)
                continue
            waits = [self._dialogue.due_in_s(now), refill.due_in_s(now)]
            if self._telemetry is not None:
                batch = self._telemetry.next_batch(now)
                if batch is not None:
                    await client.publish(topics.tele(self._box), batch, qos=1)
                    continue
                waits.append(self._telemetry.due_in_s(now))
            try:
                async with asyncio.timeout(max(0.05, min(waits))):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _up(self) -> None:
        if self.light is not Light.GOOD:
            log.info("broker %s:%s: connected", self._broker.host, self._broker.port)
        self._up_at = self._steady()
        self.light, self.offline_since, self.refused_by_broker = Light.GOOD, None, False
        self.name_unknown = False

    def _down(self, exc: BaseException) -> None:
        while isinstance(exc, BaseExceptionGroup):
            exc = exc.exceptions[0]
        if self.light is not Light.BAD:
            log.warning("broker %s:%s: no connection: %s; records stay here", self._broker.host, self._broker.port, exc)
        told = list(_causes(exc))
        codes = {getattr(getattr(one, "rc", None), "value", None) for one in told}
        self.refused_by_broker = not codes.isdisjoint(_NOT_AUTHORISED)
        if _TAKEN_OVER in codes:
            self._taken_over_at = self._steady()
        self.name_unknown = any(isinstance(one, socket.gaierror) for one in told)
        self.light = Light.BAD
        self.offline_since = self.offline_since or self._wall()


def _is_no_link(exc: BaseException) -> bool:
    """Whether nobody answered at the address: refused or unreachable. Silence until a time-out is not among them: a
    broker that is overrun looks like that too, and must not be asked faster."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    cause = exc if isinstance(exc, OSError) else exc.__context__  # aiomqtt hides it from the trace, not from us
    return isinstance(cause, OSError) and not isinstance(cause, TimeoutError | ssl.SSLError)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it: the client library wraps what the operator must be told."""
    for _ in range(8):
        if exc is None:
            return
        yield exc
        exc = exc.__cause__ or exc.__context__


def pause_s(tries: int, jitter: float) -> float:
    """How long to wait after the tries-th failure in a row (from 0): doubling, capped, up to a half longer by jitter
    (0.0 to 1.0), so that boxes which lost one broker together do not come back together."""
    return float(min(RECONNECT_S * 2 ** min(tries, 16), RECONNECT_S_MAX) * (1 + 0.5 * jitter))


def login(broker: Broker) -> dict[str, Any]:
    """Address, account and protocol as aiomqtt's client takes them. Raises OSError for an unreadable file."""
    return {
        "hostname": broker.host,
        "port": broker.port,
        "username": broker.username,
        "password": None if broker.password_file is None else broker.password_file.read_text("utf-8").strip(),
        "protocol": aiomqtt.ProtocolVersion.V5,
        "tls_context": _tls(broker.tls_ca_file),
        # Else Nagle and delayed acknowledgements hold a receipt behind its PUBACK for some 40 ms (measured).
        "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    }


def _tls(ca_file: Path | None) -> ssl.SSLContext | None:
    return None if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
