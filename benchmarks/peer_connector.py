"""The peer's way in: a connector that runs inside the ThingsBoard gateway, never inside hazgate.

A line of JSON over TCP goes to the gateway's storage and `a{seq}` comes back. There is no cheaper way in, so the
figures are the peer's best case. The bench copies this file into the gateway's extension folder.
"""

import json
import socket
from threading import Thread
from typing import Any

from thingsboard_gateway.connectors.connector import Connector  # type: ignore[import-not-found] # in the peer's venv
from thingsboard_gateway.gateway.entities.converted_data import (  # type: ignore[import-not-found] # in the peer's venv
    ConvertedData,
)
from thingsboard_gateway.gateway.entities.datapoint_key import (  # type: ignore[import-not-found] # in the peer's venv
    DatapointKey,
)
from thingsboard_gateway.gateway.entities.telemetry_entry import (  # type: ignore[import-not-found] # in the peer's venv
    TelemetryEntry,
)


class LineConnector(Thread, Connector):  # type: ignore[misc] # the base's types live in the peer's venv
    """One TCP listener on the port of its configuration; each connection has a thread."""

    def __init__(self, gateway: Any, config: dict[str, Any], connector_type: str) -> None:
        super().__init__(daemon=True)
        self.name = config["name"]
        self.statistics = {"MessagesReceived": 0, "MessagesSent": 0}
        self._gateway, self._config, self._type = gateway, config, connector_type
        self._is_closed = False

    def open(self) -> None:
        self.start()

    def close(self) -> None:
        self._is_closed = True

    def get_id(self) -> Any:
        return self._config.get("id")

    def get_name(self) -> str:
        return self.name

    def get_type(self) -> str:
        return self._type

    def get_config(self) -> dict[str, Any]:
        return self._config

    def is_connected(self) -> bool:
        return True

    def is_stopped(self) -> bool:
        return self._is_closed

    def on_attributes_update(self, content: Any) -> None:
        """Nothing listens for attributes here."""

    def server_side_rpc_handler(self, content: Any) -> None:
        """Nothing can be called here."""

    def run(self) -> None:
        with socket.create_server(("127.0.0.1", self._config["port"])) as listener:
            while not self._is_closed:
                connection, _ = listener.accept()
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                record = json.loads(line)
                at_ms = record.pop("ts")
                data = ConvertedData(device_name="scale-01", device_type="scale")
                values = {DatapointKey(name): value for name, value in record.items()}
                data.add_to_telemetry(TelemetryEntry(values, ts=at_ms))
                self._gateway.send_to_storage(self.get_name(), self.get_id(), data)
                connection.sendall(b"a%d\n" % record["seq"])
