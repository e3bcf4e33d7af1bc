"""What a decoder that nobody here has written makes of us: Cirrus Link's own, in JavaScript."""

import pytest

from agent.mqtt.sparkplug.edge import death
from agent.mqtt.sparkplug.payload import Content, DataType, Metric, Payload, encode
from drivers.reading import Quality
from tests.agent.mqtt.sparkplug.test_edge import NOW_MS, Recorded, row
from tests.simulators.nodesparkplug import decoded, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


async def test_a_stranger_reads_every_message_of_a_session() -> None:
    """Births with units, data with quality and datatype, history, a bad value as null, and both deaths."""
    session = Recorded()
    session.edge.live([row(1, "flow", 36.5), row(2, "count", -3), row(3, "on", 1), row(4, "text", "Ü")])
    session.edge.live([row(5, "flow", None, Quality.SENSOR_FAILURE, "wire break"), row(6, "count", 4)])
    session.edge.held_back([row(1, "count", -7)])
    session.edge.die()

    node, born, data, history, buried, dead = await decoded([*session.payloads, death(7, NOW_MS)])

    assert [one.get("seq") for one in (node, born, data, history, buried, dead)] == [0, 1, 2, 3, 4, None]
    assert {one["name"]: (one["type"], one["value"]) for one in node["metrics"]} == {
        "bdSeq": ("Int64", 7),
        "Node Control/Rebirth": ("Boolean", False),
        "Properties/Version": ("String", "1.2.3"),
    }
    assert {one["name"]: (one["type"], one["value"], one["timestamp"]) for one in born["metrics"]} == {
        "flow": ("Double", 36.5, NOW_MS + 1),
        "count": ("Int16", -3, NOW_MS + 2),
        "on": ("Boolean", True, NOW_MS + 3),
        "text": ("String", "Ü", NOW_MS + 4),
    }
    assert born["metrics"][0]["properties"] == {
        "Quality": {"type": "Int32", "value": 192},
        "engUnit": {"type": "String", "value": "m3/h"},
    }
    assert [(one["name"], one["value"]) for one in data["metrics"]] == [("flow", None), ("count", 4)]
    assert data["metrics"][0]["properties"] == {
        "Quality": {"type": "Int32", "value": 0},
        "OpcQuality": {"type": "Int32", "value": 16},
        "Reason": {"type": "String", "value": "wire break"},
    }
    assert [(one["value"], one["isHistorical"]) for one in history["metrics"]] == [(-7, True)]
    assert buried["metrics"] == []
    assert [(one["name"], one["value"]) for one in dead["metrics"]] == [("bdSeq", 7)]
    assert node["timestamp"] == NOW_MS


async def test_a_stranger_reads_the_ends_of_every_type_that_tags_have() -> None:
    """But for negative ones of 64 bits: how it reads these depends on where it finds the `long` of its own."""
    ends: dict[DataType, list[Content]] = {
        DataType.INT8: [-128, 127],
        DataType.INT16: [-32_768, 32_767],
        DataType.INT32: [-(2**31), 2**31 - 1],
        DataType.UINT8: [0, 255],
        DataType.UINT16: [0, 65_535],
        DataType.INT64: [0, 2**32 - 1, 2**53],
        DataType.UINT64: [0, 2**53],
        DataType.DOUBLE: [-1.5, 0.1, 1e300],
        DataType.BOOLEAN: [False, True],
        DataType.STRING: ["", "m³/h"],
    }

    read = await decoded(
        [
            encode(Payload(1, [Metric("a", datatype, value, 1) for value in values], 0))
            for datatype, values in ends.items()
        ]
    )

    assert [[(one["type"], one["value"]) for one in payload["metrics"]] for payload in read] == [
        [(NAMES[datatype], value) for value in values] for datatype, values in ends.items()
    ]


NAMES = {
    DataType.INT8: "Int8",
    DataType.INT16: "Int16",
    DataType.INT32: "Int32",
    DataType.UINT8: "UInt8",
    DataType.UINT16: "UInt16",
    DataType.INT64: "Int64",
    DataType.UINT64: "UInt64",
    DataType.DOUBLE: "Double",
    DataType.BOOLEAN: "Boolean",
    DataType.STRING: "String",
}
