"""An independent receiver: paho on its own thread with a session that outlives the broker, as SCADA has."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 60.0  # s a test waits for what never comes


class Received(NamedTuple):
    """One message, in order of arrival."""

    topic: str
    payload: bytes
    is_old: bool  # the broker had kept it
    at: float  # s, when it arrived, on a clock that only goes forward
    qos: int = 1

    @property
    def json(self) -> Any:
        """The payload as parsed by the standard library, which takes NaN for a number: it is refused."""
        return json.loads(self.payload, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


class Subscriber:
    """What has arrived so far."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.messages: list[Received] = []

    def take(self, message: MQTTMessage) -> None:
        """Called on paho's thread."""
        arrived = Received(message.topic, bytes(message.payload), message.retain, time.monotonic(), message.qos)
        self.messages.append(arrived)
        self._loop.call_soon_threadsafe(self._news.set)

    def on(self, topic: str) -> list[Received]:
        """Messages on exactly *topic*, oldest first."""
        return [message for message in self.messages if message.topic == topic]

    def rows(self, topic: str) -> list[tuple[str, int, float, int]]:
        """Readings of all batches on *topic*, in order of arrival."""
        return [tuple(row) for message in self.on(topic) for row in message.json["rows"]]

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait until *condition* holds; looks after each arrival."""
        async with asyncio.timeout(patience):
            while not condition():
                self._news.clear()
                if not condition():
                    await self._news.wait()

    async def on_topic(self, topic: str, count: int = 1) -> list[Received]:
        """Wait for *count* messages on *topic*."""
        await self.until(lambda: len(self.on(topic)) >= count)
        return self.on(topic)

    def say(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, as a SCADA client does."""
        self._client.publish(topic, payload, qos=qos, retain=retain)


@asynccontextmanager
async def subscriber(
    port: int, *topics: str, name: str = "scada", login: tuple[str, str] | None = None
) -> AsyncIterator[Subscriber]:
    """Subscribe; the body begins once the broker has taken the subscriptions."""
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    client.reconnect_delay_set(1, 1)
    if login is not None:
        client.username_pw_set(*login)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3_600
    receiver = Subscriber(client)
    loop = asyncio.get_running_loop()
    subscribed = asyncio.Event()

    def on_connect(*_: object) -> None:
        client.subscribe([(topic, 1) for topic in topics])

    def on_subscribe(*_: object) -> None:
        loop.call_soon_threadsafe(subscribed.set)

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = lambda _client, _userdata, message: receiver.take(message)
    client.connect("127.0.0.1", port, keepalive=5, clean_start=False, properties=properties)
    client.loop_start()
    try:
        async with asyncio.timeout(PATIENCE):
            await subscribed.wait()
        yield receiver
    finally:
        await loop.run_in_executor(None, _leave, client)


def _leave(client: Client) -> None:
    client.disconnect()
    client.loop_stop()
