"""What hosts ask of the edge node, message by message."""

import asyncio

import pytest

from agent.mqtt.link import Message
from agent.mqtt.sparkplug.edge import REBIRTH
from agent.mqtt.sparkplug.payload import DataType, Metric, Payload, encode
from agent.mqtt.sparkplug.requests import Requests
from tests.cpu import least_seconds

NCMD = "spBv1.0/water/NCMD/east"
REBIRTH_WANTED = encode(Payload(1, (Metric(REBIRTH, DataType.BOOLEAN, content=True, ts_ms=1),), None))


@pytest.mark.parametrize("field", [b"\x12\x00", b"\xa0\x06\x01", b"\x0a\x00\x12\x00"])
async def test_a_command_of_many_fields_is_dropped_before_it_takes_time(
    field: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """16 KB, 100 times, as metrics, as fields of nobody, as properties; read one by one that takes seconds."""
    requests = Requests(NCMD)
    long = Message(NCMD, REBIRTH_WANTED + field * (16_000 // len(field)), is_old=False)

    def take_all() -> None:
        for _ in range(100):
            requests.take(long)

    took = least_seconds(take_all)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(requests.next_rebirth(), 0.01)
    requests.take(Message(NCMD, REBIRTH_WANTED, is_old=False))
    await requests.next_rebirth()

    assert took < 0.5
    assert ["1,000 are read" in line for line in caplog.messages] == [True]
