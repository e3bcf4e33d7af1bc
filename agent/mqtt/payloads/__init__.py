"""What SCADA and machines read on our topics: one model a payload.

In JSON every instant is RFC 3339 UTC with milliseconds; in the program it is an `int` in ms, and models are made
from either. Flow is m³/h, head m, speed relative to rated (1.0); other units stand in the key. An absent key means
"not known": `encode` drops keys without a value, so that no client keeps an old number over a null.
"""

from agent.mqtt.payloads.advice import PumpAdvice, Recommendation, RecommendationEvent, Schedule, ScheduleRow
from agent.mqtt.payloads.alarm import Alarm, AlarmCount, AlarmEvent, AlarmMetrics, AlarmTest, ConditionLine, Conditions
from agent.mqtt.payloads.command import (
    Accept,
    Ack,
    AlarmCommand,
    AnswerTest,
    Command,
    CommandResult,
    CommentOn,
    Confirm,
    OccurrenceCommand,
    OutOfService,
    Reject,
    Reset,
    Return,
    Shelve,
    Suppress,
    TellOverhaul,
    Unshelve,
    Unsuppress,
)
from agent.mqtt.payloads.live import Info, Readings, TagValue
from agent.mqtt.payloads.losses import Losses, LossLine
from agent.mqtt.payloads.payload import Payload, QualityWord, Source
from agent.mqtt.payloads.plant import CurvePoint, HeaderFigures, Pump, PumpCurve, Station
from agent.mqtt.payloads.reports import (
    Backlog,
    CrossCheck,
    FlagWord,
    Health,
    PartHealth,
    Quality,
    TagFinding,
    TagQuality,
)
from agent.mqtt.payloads.wear import Overhaul, Wear, WearDay

__all__ = [
    "Accept",
    "Ack",
    "Alarm",
    "AlarmCommand",
    "AlarmCount",
    "AlarmEvent",
    "AlarmMetrics",
    "AlarmTest",
    "AnswerTest",
    "Backlog",
    "Command",
    "CommandResult",
    "CommentOn",
    "ConditionLine",
    "Conditions",
    "Confirm",
    "CrossCheck",
    "CurvePoint",
    "FlagWord",
    "HeaderFigures",
    "Health",
    "Info",
    "LossLine",
    "Losses",
    "OccurrenceCommand",
    "OutOfService",
    "Overhaul",
    "PartHealth",
    "Payload",
    "Pump",
    "PumpAdvice",
    "PumpCurve",
    "Quality",
    "QualityWord",
    "Readings",
    "Recommendation",
    "RecommendationEvent",
    "Reject",
    "Reset",
    "Return",
    "Schedule",
    "ScheduleRow",
    "Shelve",
    "Source",
    "Station",
    "Suppress",
    "TagFinding",
    "TagQuality",
    "TagValue",
    "TellOverhaul",
    "Unshelve",
    "Unsuppress",
    "Wear",
    "WearDay",
]
