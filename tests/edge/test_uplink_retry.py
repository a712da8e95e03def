"""When the box tries its broker again: at once while there is no link, ever more rarely while the broker refuses."""

from __future__ import annotations

import asyncio
import ssl

import aiomqtt
import pytest

from hazgate_edge.sync.mqtt import _is_no_link


async def test_a_refused_connection_is_no_link() -> None:
    """What aiomqtt raises when nobody listens is recognised, also inside a group."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(aiomqtt.MqttError) as raised:
        async with aiomqtt.Client("127.0.0.1", port, timeout=5):
            pass
    assert _is_no_link(raised.value)
    assert _is_no_link(ExceptionGroup("", [raised.value]))


async def test_a_peer_that_answers_and_says_nothing_of_mqtt_is_a_link() -> None:
    """It closes what we open: something is there, and it must not be asked faster."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(aiomqtt.MqttError) as raised:
        async with aiomqtt.Client("127.0.0.1", port, timeout=1):
            pass
    server.close()
    assert not _is_no_link(raised.value)


@pytest.mark.parametrize("exc", [TimeoutError("slow"), ssl.SSLError("wrong certificate"), aiomqtt.MqttError("refused")])
def test_a_late_or_refusing_broker_is_a_link(exc: BaseException) -> None:
    """Time-outs, wrong certificates and refusals keep the doubling interval."""
    assert not _is_no_link(exc)
