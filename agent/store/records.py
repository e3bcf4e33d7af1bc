"""What is kept besides readings: records (verdicts, advice, alarms) and filled values."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from drivers.reading import Value

Kind = Literal[
    "station",
    "pump",
    "curve",
    "wear",
    "overhaul",
    "recommendation",
    "recommendation_event",
    "front",
    "saving",
    "schedule",
    "alarm",
    "alarm_event",
    "alarm_test",
    "alarm_metrics",
    "conditions",
    "anomalies",
    "quality",
    "filled",
    "health",
    "losses",
]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing said at one time; its body is what subscribers receive."""

    kind: Kind
    key: str  # pump, alarm or header id; "" where there is one of the kind
    ts_ms: int
    body: bytes  # a JSON object of agent.mqtt.payloads; b"" withdraws the retained message


class Row(NamedTuple):
    """A reading as the log holds it: with its place."""

    id: int  # ascending, never reused; `seq` in messages
    tag: str
    ts_ms: int
    value: Value
    quality: int
    reason: str | None


class Filled(NamedTuple):
    """A value that nobody measured; kept beside the log, never in it."""

    tag: str
    ts_ms: int
    value: float
    std: float  # standard deviation, in the tag's unit
    method: str
    made_ms: int


class Stretch(NamedTuple):
    """A part of a tag's time."""

    tag: str
    start_ms: int
    end_ms: int  # not included


class Batch(NamedTuple):
    """Consecutive rows of the log."""

    first: int
    last: int
    rows: list[Row]
