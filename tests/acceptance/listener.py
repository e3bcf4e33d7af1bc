"""An independent subscriber that keeps every reading it is sent."""

import json
import threading
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

Row = tuple[str, int, Any, int]  # tag, ts_ms, value, quality


class Listener:
    """Subscribes to `<root>/readings` and `<root>/history` in a session the broker keeps while it is away."""

    def __init__(self, port: int, root: str) -> None:
        self.streams: dict[str, list[Row]] = {"readings": [], "history": []}
        self._root = root
        self._subscribed = threading.Event()
        self._port = port
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)

    def __enter__(self) -> Self:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        self._subscribed.wait(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def received(self) -> set[Row]:
        """Every row, from either topic."""
        return {row for rows in self.streams.values() for row in list(rows)}

    def disorder(self) -> int:
        """How many rows came after a newer one of the same tag in the same topic; a repetition is no disorder."""
        wrong = 0
        for rows in self.streams.values():
            newest: dict[str, int] = {}
            seen: set[Row] = set()
            for row in rows:
                if row not in seen and row[1] < newest.get(row[0], 0):
                    wrong += 1
                seen.add(row)
                newest[row[0]] = max(newest.get(row[0], 0), row[1])
        return wrong

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(f"{self._root}/{stream}", SubscribeOptions(qos=1)) for stream in self.streams])

    def _on_message(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        rows = json.loads(message.payload)["rows"]
        self.streams[message.topic.rsplit("/", 1)[1]] += [tuple(row) for row in rows]
