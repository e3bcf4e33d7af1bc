"""The configuration changed while the agent runs."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from agent.store.reader import Reader
from tests.agent.test_agent import config
from tests.simulators.agent import agent
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.subscriber import subscriber

SECOND = """
[[device]]
name = "other"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {port}
period = 0.2
[[device.tag]]
name = "level"
address = "holding:0"
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with mosquitto(tmp_path / "broker") as broker:
        yield broker


async def test_a_changed_device_begins_anew_and_the_others_are_not_interrupted(tmp_path: Path, broker: Broker) -> None:
    """The untouched one keeps its beat of 0.2 s over the change; the changed one's values have the new scale."""
    async with modbus_server(holding={0: [75]}) as port:
        path = config(tmp_path, broker, port, SECOND.format(port=port))
        async with agent(path) as running, subscriber(broker.port, "water/north/tag/#") as scada:
            await scada.on_topic("water/north/tag/pressure")
            path.write_text(path.read_text().replace("scale = 0.1", "scale = 0.01"))
            said = await running.says("is taken")
            await scada.until(lambda: scada.on("water/north/tag/pressure")[-1].json.get("value") == 0.75)
            answers = [line for line in running.lines if "answers" in line]
    with Reader(tmp_path / "north.db") as reader:
        times = [row.ts_ms for row in reader.after(0, 100_000) if row.tag == "level"]

    assert "plc" in said
    assert "other" not in said
    assert sorted(answers) == ["INFO other: answers", "INFO plc: answers", "INFO plc: answers"]
    assert sum(later - earlier > 900 for earlier, later in pairwise(times)) == 0


async def test_a_wrong_file_is_refused_whole_and_shown(tmp_path: Path, broker: Broker) -> None:
    """One mistake and one good change in the same save: neither is taken, and the place of the mistake is said."""
    async with modbus_server(holding={0: [75]}) as port:
        path = config(tmp_path, broker, port)
        right = path.read_text()
        async with agent(path) as running, subscriber(broker.port, "water/north/#") as scada:
            await scada.on_topic("water/north/tag/pressure")
            path.write_text(right.replace("scale = 0.1", "scale = 0.01\nadress = 7"))
            await running.says("the agent goes on as before")
            complaint = await running.says("adress")
            await scada.until(
                lambda: any(one.json["configuration"]["state"] == "degraded" for one in scada.on("water/north/health"))
            )
            path.write_text(right.replace("scale = 0.1", "scale = 0.001"))
            await running.says("is taken")
            await scada.until(lambda: scada.on("water/north/tag/pressure")[-1].json.get("value") == 0.075)
            values = {one.json.get("value") for one in scada.on("water/north/tag/pressure")}

    assert 'station.toml:22: device "plc", tag "pressure": adress: no such key' in complaint
    assert values == {7.5, 0.075}


async def test_a_tag_that_is_no_longer_configured_leaves_the_broker(tmp_path: Path, broker: Broker) -> None:
    """Its retained value would be read as the present one for ever."""
    async with modbus_server(holding={0: [75]}) as port:
        path = config(tmp_path, broker, port, SECOND.format(port=port))
        async with agent(path):
            async with subscriber(broker.port, "water/north/tag/#") as scada:
                await scada.on_topic("water/north/tag/level")
                path.write_text(path.read_text().split('\n[[device]]\nname = "other"')[0])
                await scada.until(lambda: scada.on("water/north/tag/level")[-1].payload == b"")
            async with subscriber(broker.port, "water/north/tag/#", name="later") as later:
                await later.on_topic("water/north/tag/pressure")

    assert later.on("water/north/tag/level") == []
