"""What a person is told about an alarm: the same words every time. Pure."""

from dataclasses import dataclass
from typing import Final

from agent.alarms.settings import Priority, Wording

SEVERITY: Final[dict[Priority, int]] = {  # as OPC UA counts, 1 to 1000
    "low": 200,
    "medium": 500,
    "high": 700,
    "urgent": 900,
}


@dataclass(frozen=True, slots=True)
class Rationale:
    """Why there is the alarm at all, and what is to be done."""

    id: str
    type: str  # high, low, rate, device_silent ...
    priority: Priority
    message: str
    tag: str | None = None
    pump: str | None = None
    limit: float | None = None
    unit: str | None = None
    cause: str | None = None
    consequence: str | None = None
    action: str | None = None
    group: str | None = None  # alarms of one group have a first
    is_latching: bool = False


def worded(words: Wording, alarm_id: str, alarm_type: str, message: str, **more: object) -> Rationale:
    """The rationale of a configured alarm; *message* is what is said where the configuration does not."""
    facts = {
        "id": alarm_id,
        "type": alarm_type,
        "priority": words.priority,
        "message": words.message or message,
        "pump": words.pump,
        "cause": words.cause or None,
        "consequence": words.consequence or None,
        "action": words.action or None,
        "group": words.group,
        "is_latching": words.latch,
    }
    return Rationale(**facts | more)  # type: ignore[arg-type]  # a mapping has one type of value
