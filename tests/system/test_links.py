"""A box behind every kind of broken link: it weighs, says what is so, loses and doubles nothing, and catches up."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from sqlalchemy import select

from edge.makers import BOX, weighing
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.store import schema
from hazgate_edge.config import Broker
from hazgate_edge.domain.view import Light, Say
from hazgate_edge.sync.dialogue import BATCH_BYTES
from hazgate_edge.sync.mqtt import Uplink
from system.chain import COLLECTOR_KEY, KEEPALIVE_S, Chain, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
SOAK = os.environ.get("HAZGATE_SOAK") == "1"
BACKLOG = 6000 if SOAK else 400
GONE = ["refuse", "cut", "reset", "html", "blackhole", "silent-up", "silent-down"]


@pytest.mark.fault(60, 63, 64)
@pytest.mark.parametrize("fault", GONE)
async def test_a_link_that_is_gone_is_noticed_and_everything_arrives_once_when_it_is_back(
    tmp_path: Path, fault: str
) -> None:
    """Refused, cut, reset, a sign-in page, swallowed both ways or one way: offline is said within two keepalives, bags
    are weighed as ever, none counts as received, and the link's return brings each to the collector once."""
    async with running(Chain(tmp_path)) as chain:
        await chain.weigh(3)
        await chain.until_settled()
        await chain.play(fault)
        before = chain.received
        await chain.weigh(5)
        await chain.until(
            lambda: chain.uplink.light is Light.BAD and chain.uplink.say() == Say("NET-01"),
            "offline",
            3 * KEEPALIVE_S + 5,
        )
        await chain.weigh(2)
        assert fault == "silent-down" or chain.received == before
        await chain.play("clear")
        await chain.until(lambda: chain.uplink.light is Light.GOOD, "online again")
        await chain.until_settled()


@pytest.mark.fault(61)
async def test_a_flapping_link_makes_no_storm_and_no_double(tmp_path: Path) -> None:
    """Cut twice a second for five seconds: the pauses grow, so the box connects a handful of times."""
    async with running(Chain(tmp_path)) as chain:
        await chain.weigh(3)
        await chain.until_settled()
        taken = chain.link.taken
        for _ in range(10):
            await chain.play("cut")
            await chain.weigh()
            await chain.play("clear")
            await chain.weigh()
            await asyncio.sleep(0.5)
        assert chain.link.taken - taken <= 6
        assert chain.uplink.say() in (Say("NET-11"), Say("NET-01"))
        await chain.until_settled()


@pytest.mark.fault(62)
@pytest.mark.parametrize("fault", ["latency 1000", "slow 9600"])
async def test_on_a_slow_link_receipts_come_and_little_is_sent_twice(tmp_path: Path, fault: str) -> None:
    """Two seconds there and back, or 9.6 kB/s, while an answer is first expected within half a second: the box learns
    how slow its link is, its batches shrink, and what is sent stays below three times what there is."""
    async with running(Chain(tmp_path, answer_wait_s=0.5, connect_timeout_s=10)) as chain:
        await chain.weigh()
        await chain.until_settled()
        clear = chain.link.bytes_up
        await chain.weigh(60)
        await chain.until_settled()
        needed = chain.link.bytes_up - clear
        await chain.play(fault)
        before = chain.link.bytes_up
        await chain.weigh(60)
        await chain.until_settled(90)
        assert chain.link.bytes_up - before < 3 * needed + 5000


@pytest.mark.fault(65)
async def test_a_name_that_does_not_resolve_is_said_by_name(tmp_path: Path) -> None:
    """Not the network, the name: what to look at stands in the sentence."""
    async with running(Chain(tmp_path)) as chain:
        named = chain.uplink_at(1)
        named._broker = Broker(host="broker.invalid", port=1)
        task = asyncio.create_task(named.run())
        try:
            await chain.until(lambda: named.say() == Say("NET-08", {"host": "broker.invalid"}), "NET-08")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.fault(66)
async def test_a_broker_that_comes_back_empty_is_no_loss(tmp_path: Path) -> None:
    """Killed with pushes in it, and again while nobody listens."""
    async with running(Chain(tmp_path)) as chain:
        await chain.weigh(5)
        await asyncio.to_thread(chain.broker.restart)
        await chain.weigh(5)
        await chain.until_settled()


@pytest.mark.fault(67)
async def test_what_a_full_broker_drops_in_silence_is_sent_again(tmp_path: Path) -> None:
    """A queue of one message and a collector that is away: PUBACKs all the same, and no receipt; then all arrive."""
    settings = ("max_queued_messages 1", "max_inflight_messages 1")
    async with running(Chain(tmp_path, broker_settings=settings)) as chain:
        await chain.until(lambda: chain.uplink.light is Light.GOOD, "online")
        await chain.until_settled()
        await chain.stop_collecting()
        before = chain.received
        await chain.weigh(20)
        sent = chain.link.bytes_up
        await chain.until(lambda: chain.link.bytes_up > sent + 2000, "pushes that nobody takes")
        assert chain.received == before, "a PUBACK is no receipt"
        chain.collect()
        await chain.until_settled()


@pytest.mark.fault(68)
async def test_a_second_device_of_the_same_name_is_said_and_makes_no_storm(tmp_path: Path) -> None:
    """Each throws the other out; the pauses grow, the operator reads why, and records still arrive once."""
    async with running(Chain(tmp_path)) as chain:
        await chain.weigh()
        await chain.until_settled()
        double: Uplink = chain.uplink_at(chain.link.port)
        task = asyncio.create_task(double.run())
        try:
            told = {Say("NET-09").key, Say("NET-11").key}  # mosquitto 2.0.11 does not say why it ends a connection

            def said() -> bool:
                return any(say is not None and say.key in told for say in (chain.uplink.say(), double.say()))

            await chain.until(said, "NET-09 or NET-11")
            taken = chain.link.taken
            await asyncio.sleep(3)
            assert chain.link.taken - taken <= 12
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await chain.weigh(3)
        await chain.until_settled()


@pytest.mark.fault(68)
def test_a_broker_that_says_taken_over_is_passed_on_to_the_operator(tmp_path: Path) -> None:
    """Reason code 142 of MQTT 5, wrapped as the client library wraps it."""
    chain = Chain(tmp_path)
    uplink = chain.uplink_at(1)
    try:
        try:
            raise aiomqtt.MqttError("Disconnected") from aiomqtt.MqttCodeError(
                ReasonCode(PacketTypes.DISCONNECT, identifier=142)
            )
        except aiomqtt.MqttError as exc:
            uplink._down(exc)
        assert uplink.say() == Say("NET-09")
    finally:
        chain.close()


@pytest.mark.fault(69)
async def test_more_than_one_message_may_carry_is_split(tmp_path: Path) -> None:
    """Records near their own bound: each push stays below the batch's bound and one record, all arrive in order."""
    async with running(Chain(tmp_path)) as chain:
        await chain.play("refuse")
        raw = (os.urandom(25_000).hex(),)
        await chain.weigh(30, raw=raw)
        sizes = []
        at = chain.received
        while batch := chain.journal.after(at, 100, BATCH_BYTES):
            sizes.append(sum(len(item.body) for item in batch))
            at = batch[-1].seq
        assert len(sizes) >= 3
        assert max(sizes) <= BATCH_BYTES
        await chain.play("clear")
        await chain.until_settled(60)


@pytest.mark.fault(71)
async def test_what_was_altered_on_the_way_is_kept_apart_and_what_was_meant_arrives(tmp_path: Path) -> None:
    """Each push with a changed byte ends in quarantine with an alarm, or at the broker; the records come when the link
    is clean, as they were."""
    async with running(Chain(tmp_path)) as chain:
        await chain.until_settled()
        await chain.play("tamper")
        before = chain.received

        def quarantined() -> list[str]:
            with chain.database.read() as tx:
                return list(tx.execute(select(schema.quarantine.c.code)).scalars())

        await chain.weigh(10)
        await chain.until(lambda: bool(quarantined()), "quarantine")
        assert chain.received == before
        assert set(quarantined()) <= {"malformed", "seal_wrong", "record_malformed"}
        with chain.database.read() as tx:
            kinds = set(tx.execute(select(schema.alarms.c.kind)).scalars())
        assert kinds == {f"push_{code}" for code in quarantined()}
        await chain.play("clear")
        await chain.until_settled()


@pytest.mark.fault(72)
async def test_a_backlog_drains_in_order_while_weighing_goes_on(tmp_path: Path) -> None:
    """30 days of bags with the digests of their pictures; new bags are answered at once during the drain, and each has
    one effect."""
    picture = {"role": "bag", "digest": "ab" * 32, "size": 200_000, "mime": "image/jpeg"}
    async with running(Chain(tmp_path)) as chain:
        await chain.play("refuse")
        await chain.until(lambda: chain.uplink.light is not Light.OFF, "the first try")
        await chain.weigh(BACKLOG, evidence=(picture,))
        assert chain.received == 0
        await chain.play("clear")
        loop = asyncio.get_running_loop()
        slowest = 0.0
        answered = 0
        while chain.received < BACKLOG:
            begin = loop.time()
            await chain.weigh()
            slowest = max(slowest, loop.time() - begin)
            answered += chain.received > 0
            await asyncio.sleep(0.02)
            assert chain.weighed < BACKLOG + 900
        assert answered > 0, "some were weighed during the drain"
        assert slowest < 1.0
        await chain.until_settled(60)


@pytest.mark.fault(62)
async def test_a_dialogue_learns_the_round_trip_instead_of_sending_everything_twice(tmp_path: Path) -> None:
    """In virtual time: answers take two seconds where half a second was expected. Once that is learnt, hardly anything
    is sent in vain, though each batch is small."""
    chain = Chain(tmp_path, answer_wait_s=0.5)
    collector = Collector(chain.database, COLLECTOR_KEY, lambda: datetime.now(UTC))
    dialogue = chain.dialogue()
    for number in range(300):
        chain.journal.write_now(partial(chain.journal.do_weigh, weighing(f"press-{number:08d}")))
    now, sent, coming = 0.0, 0, list[tuple[float, bytes]]()
    try:
        while chain.received < chain.journal.head_seq:
            push = dialogue.next_push(now)
            if push is not None:
                sent += 1
                answer = collector.handle(BOX, push)
                assert answer is not None
                coming.append((now + 2.0, answer.payload))
            for at, payload in [item for item in coming if item[0] <= now]:
                coming.remove((at, payload))
                await dialogue.on_answer(payload, now)
            now += 0.05
            assert now < 200
        assert sent <= 12
        assert now < 30
    finally:
        chain.close()
