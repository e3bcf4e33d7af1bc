"""A subscriber of everything the agent says, as a SCADA system is one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from agent.demo.picture import Picture
from agent.mqtt.settings import MqttSettings


@contextmanager
def subscribed(settings: MqttSettings, picture: Picture) -> Iterator[None]:
    """Let *picture* learn from every message under its root; in the event loop, though paho has a thread."""
    loop = asyncio.get_running_loop()

    def subscribe(client: Client, *_: Any) -> None:
        client.subscribe(f"{picture.root}/#", qos=1)

    def learn(_client: Client, _user: Any, message: MQTTMessage) -> None:
        loop.call_soon_threadsafe(lambda: picture.take(message.topic, bytes(message.payload), loop.time()))

    protocol = MQTTv5 if settings.version == "5" else MQTTv311
    client = Client(CallbackAPIVersion.VERSION2, client_id="pump-agent-demo-view", protocol=protocol)
    client.on_connect = subscribe
    client.on_message = learn
    client.connect(settings.host, settings.port, keepalive=settings.keepalive)
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()
