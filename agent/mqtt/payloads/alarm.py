"""What is said of an alarm: its present state, and each transition."""

from typing import Annotated, Literal

from pydantic import Field

from agent.alarms.settings import Priority
from agent.alarms.state import Event, State
from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload
from drivers.reading import Value


class Alarm(Payload):
    """`<root>/alarm/<id>`: one alarm's present state."""

    id: str
    occurrence: Count  # which raising; an acknowledgement names it
    state: State
    active: bool
    acked: bool
    confirmed: bool = False
    latched: bool = False  # stays until it is reset
    shelved_until: Instant | None = None
    suppressed: bool = False
    suppressed_by: tuple[Literal["command", "design"], ...] = ()
    out_of_service: bool = False
    priority: Priority
    severity: Annotated[int, Field(ge=1, le=1_000)]  # as in OPC UA
    type: str  # high, low, bad_quality, device_silent, efficiency_low ...
    pump: str | None = None
    tag: str | None = None
    value: Value = None
    limit: float | None = None
    unit: str | None = None
    group: str | None = None
    first_out: bool = False  # none of its group stood when it came
    message: str
    reason: str | None = None  # what the reading that raised it said; in the message too
    cause: str | None = None
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

    event: Event
    user: str | None = None
    comment: str | None = None
