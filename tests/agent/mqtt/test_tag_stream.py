"""Live values on their way to a broker that is slow."""

import asyncio

from agent.health import Part
from agent.mqtt.client import Client
from agent.mqtt.denials import Denials
from agent.mqtt.settings import MqttSettings
from agent.mqtt.tag_stream import AHEAD, TagStream
from agent.mqtt.topics import Topics
from agent.store.records import Row
from drivers.reading import Quality
from drivers.settings import TagSettings
from tests.agent.mqtt.station import NOON_MS
from tests.simulators.strict_broker import strict_broker

ALARMS = 20


async def test_however_many_values_there_are_few_stand_before_an_alarm() -> None:
    """Of 5,000 that change each second as many were on their way as the connection allows; all of them come still."""
    tags = [TagSettings(name=f"t{number}") for number in range(3 * AHEAD)]
    rows = [Row(number, tag.name, NOON_MS, 1.0, Quality.GOOD, None) for number, tag in enumerate(tags, 1)]
    async with (
        strict_broker() as broker,
        Client(MqttSettings(host="127.0.0.1", port=broker.port), "agent") as client,
    ):
        stream = TagStream(client, Topics("w"), tags, Denials(Part("broker")), has_bare_values=False)
        stream.offer(rows)
        saying = asyncio.create_task(stream.say())
        while client.acknowledged < len(tags):  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0.01)
        most_of_values = broker.most_in_flight
        await asyncio.gather(*[await client.send("a", b"1") for _ in range(ALARMS)])
        saying.cancel()

    assert (most_of_values, broker.most_in_flight) == (AHEAD, ALARMS)
