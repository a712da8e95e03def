"""A mosquitto of our own on a free loopback port, configured for latency; it keeps nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import aiomqtt

from benchmarks.children import Child, find_command, free_port, wait_for_port

START_S_MAX = 20.0
NEXT_STEP = "run `make setup`"


class Broker(Child):
    """Runs until its context is left; `port` accepts MQTT 3.1.1 and 5 without accounts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        configuration = folder / f"mosquitto-{self.port}.conf"
        # Without set_tcp_nodelay, Nagle's algorithm may hold a small message for 40 ms.
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "persistence false\nlog_type error\nlog_dest stderr\n",
            encoding="utf-8",
        )
        super().__init__([broker_command(), "-c", configuration], folder / f"mosquitto-{self.port}.log")
        wait_for_port(self.port, self, START_S_MAX)


def mqtt_client(port: int, name: str) -> aiomqtt.Client:
    """A client of such a broker, MQTT 5, clean start.

    TCP_NODELAY, because paho leaves it off: a PUBACK followed by an answer of our own was measured to wait 41 ms.
    """
    return aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


def broker_command() -> str:
    """The path of mosquitto; raises BenchError."""
    return find_command("mosquitto", NEXT_STEP)
