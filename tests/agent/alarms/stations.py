"""A station with two tags and the alarms a test asks for, and rows of its log."""

from typing import Any

from agent.alarms.board import Board, Transition
from agent.settings import AgentSettings
from agent.store.records import Row
from drivers.reading import Quality


def station(*alarms: dict[str, Any], limits: tuple[dict[str, Any], ...] = (), **more: Any) -> AgentSettings:
    """Tags `pressure` and `level`, these [[alarm]] and [[limit]] tables, and further parts."""
    tags = [
        {"name": "pressure", "address": "holding:0", "unit": "bar"},
        {"name": "level", "address": "holding:1", "unit": "m"},
        {"name": "running", "address": "coil:1", "type": "bool"},
    ]
    return AgentSettings.model_validate(
        {
            "station": {"name": "north"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
            "alarm": [{"id": f"a{number}", **alarm} for number, alarm in enumerate(alarms, 1)],
            "limit": list(limits),
            **more,
        }
    )


def board(*alarms: dict[str, Any], **more: Any) -> Board:
    return Board(station(*alarms, **more))


def row(tag: str, value: float | None, ts_ms: int = 0) -> Row:
    """A good reading, or one of a broken sensor."""
    good = value is not None
    return Row(1, tag, ts_ms, value, Quality.GOOD if good else Quality.SENSOR_FAILURE, None if good else "no sensor")


def events(changes: list[Transition]) -> list[tuple[str, str]]:
    """Which alarm, and what happened to it."""
    return [(change.rationale.id, change.event) for change in changes]
