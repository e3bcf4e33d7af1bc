"""What is said of an alarm: its present state, and each transition."""

from typing import Annotated, Literal

from pydantic import Field

from agent.alarms.settings import Priority
from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload
from drivers.reading import Value

AlarmState = Literal[
    "NORM",
    "UNACK",
    "ACKED",
    "RTNUN",
    "LATCHED_UNACK",
    "LATCHED_ACKED",
    "SHELVED",
    "SUPPRESSED",
    "OUT_OF_SERVICE",
]


class Alarm(Payload):
    """`<root>/alarm/<id>`: one alarm's present state."""

    id: str
    occurrence: Count  # which raising; an acknowledgement names it
    state: AlarmState
    active: bool
    acked: bool
    shelved_until: Instant | None = None
    suppressed: bool = False
    out_of_service: bool = False
    priority: Priority
    severity: Annotated[int, Field(ge=1, le=1_000)]  # as in OPC UA
    type: str  # high, low, bad_quality, device_silent, efficiency_low ...
    pump: str | None = None
    tag: str | None = None
    value: Value = None
    limit: float | None = None
    unit: str | None = None
    message: str
    consequence: str | None = None
    action: str | None = None
    raised_at: Instant | None = None
    cleared_at: Instant | None = None
    acked_at: Instant | None = None
    acked_by: str | None = None
    count: Count = 0  # raisings since the first
    ts: Instant
    seq: Count = 0  # ascending per alarm


class AlarmEvent(Alarm):
    """`<root>/alarm_event`: journal of every transition; the alarm as it is after it."""

    event: Literal[
        "raised",
        "cleared",
        "acknowledged",
        "confirmed",
        "reset",
        "shelved",
        "unshelved",
        "suppressed",
        "unsuppressed",
        "out_of_service",
        "returned",
        "commented",
    ]
    user: str | None = None
    comment: str | None = None
