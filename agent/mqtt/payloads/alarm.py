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


class AlarmCount(Payload):
    """How often one alarm was raised."""

    id: str
    count: Count


class AlarmMetrics(Payload):
    """`<root>/alarm_metrics`: how good the alarms themselves are; names as in OPC UA Part 9, rates in ten minutes."""

    station: str
    ts: Instant
    start_time: Instant
    alarm_count: Count  # alarms that the configuration has
    current_alarm_rate: Count  # raised within the last ten minutes
    maximum_alarm_rate: Count
    average_alarm_rate: float
    maximum_active_state_s: float
    maximum_unack_s: float
    maximum_realarm_count: Count  # of one alarm within a day
    raised: Count  # since the start
    standing: Count  # active and shown
    unacknowledged: Count
    shelved: Count
    suppressed: Count
    out_of_service: Count
    flood: bool
    stale: tuple[str, ...] = ()  # active for more than a day
    chattering: tuple[str, ...] = ()
    top: tuple[AlarmCount, ...] = ()  # most often raised within a day


class ConditionLine(Payload):
    """One condition that holds."""

    id: str
    type: str  # dry_run, closed_valve, blockage ...
    suspect: str  # pump or header
    since: Instant


class Conditions(Payload):
    """`<root>/conditions`: what the plant's physics says is wrong with pumps and headers now; alarms follow from it."""

    station: str
    ts: Instant
    conditions: tuple[ConditionLine, ...] = ()
    doubt: str | None = None  # which tags too little was measured of; what needs them is neither found nor taken back
    stale: bool = False


class AnomalyLine(Payload):
    """One tag that does not fit the others, in the plant's unit."""

    tag: str
    header: str
    since: Instant
    value: float
    expected: float  # what would have fitted
    unit: str
    score: float  # multiples of the misfit at which an anomaly begins


WatchState = Literal["unsteady", "learning", "watching", "withheld"]


class AnomalyWatch(Payload):
    """How far one header's tags are watched."""

    header: str
    pumps: tuple[str, ...] = ()  # that run now; none where that is changing
    state: WatchState
    learnt: Count  # sets of pumps whose normal is known
    doubt: str | None = None  # which of its tags too little was measured of to be watched well


class Anomalies(Payload):
    """`<root>/anomalies`: tags that do not fit the others by what is normal for the pumps that run."""

    station: str
    ts: Instant
    watches: tuple[AnomalyWatch, ...] = ()
    anomalies: tuple[AnomalyLine, ...] = ()
    stale: bool = False


class AlarmTest(Payload):
    """`<root>/alarm_test`: a test of the way of an alarm, which SCADA answers on `cmd/alarm_test`."""

    id: str
    ts: Instant
    station: str
    state: Literal["asked", "answered", "failed"]
    answer_by: Instant
    user: str | None = None  # who has answered
    took_ms: Count | None = None


class AlarmEvent(Alarm):
    """`<root>/alarm_event`: journal of every transition; the alarm as it is after it."""

    event: Event
    user: str | None = None
    comment: str | None = None
