"""Both brokers of the demo serve, and are gone afterwards."""

import socket
from pathlib import Path

import pytest

from agent.demo.broker import broker, mosquitto
from agent.demo.child import DemoError
from agent.demo.picture import Picture
from agent.demo.subscriber import subscribed
from agent.demo.workplace import free_port
from agent.mqtt.client import Client
from agent.mqtt.settings import MqttSettings
from tests.agent.demo.waiting import until


@pytest.mark.parametrize("use_amqtt", [False, True], ids=["mosquitto", "amqtt"])
async def test_messages_reach_the_view(tmp_path: Path, use_amqtt: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What our own client publishes at QoS 1 is what the view learns, on either broker."""
    program = None if use_amqtt else mosquitto()
    if not use_amqtt and program is None:
        pytest.skip("mosquitto is not installed")
    port = free_port()
    settings = MqttSettings(host="127.0.0.1", port=port, version="3.1.1" if use_amqtt else "5")
    picture = Picture("water/demo")

    async with broker(program, port, tmp_path):
        with subscribed(settings, picture):
            async with Client(settings, "test") as client:
                await client.publish("water/demo/station", b'{"flow":504.0}', retain=True)
            await until(lambda: bool(picture.station))

    assert picture.station == {"flow": 504.0}
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free again


async def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    """One sentence, and what the broker said itself."""
    program = mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(DemoError, match=r"the broker ended with status 1:(\n.*)*Address already in use"):
            async with broker(program, taken.getsockname()[1], tmp_path):
                pass
