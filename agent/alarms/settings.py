"""What the configuration says of alarms."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.alarms.conditions import condition
from agent.configuration.named import PumpName, TagName, tag_exists
from drivers.settings import Name, Settings, contradiction

# How the ids of alarms begin that nobody has to configure.
OURS = ("bad.", "silent.", "efficiency.", "storage", "condition.", "anomaly.", "frozen.", "self_test")
MOST = 32  # conditions of one alarm

Priority = Literal["low", "medium", "high", "urgent"]
Delay = Annotated[float, Field(ge=0)]  # s


def _is_condition(text: str, info: ValidationInfo) -> str:
    try:
        found = condition(text)
    except ValueError as error:
        raise PydanticCustomError("contradiction", "{sentence}", {"sentence": str(error), "path": ()}) from error
    for tag in found.tags:
        tag_exists(tag, info)
    return text


ConditionText = Annotated[str, Field(max_length=300), AfterValidator(_is_condition)]
Conditions = Annotated[tuple[ConditionText, ...], Field(max_length=MOST)]


class Wording(Settings):
    """What every configured alarm has: who is told what, how urgently, and when it is no matter."""

    id: Name = Field(examples=["pressure-low"])
    pump: PumpName | None = None  # that it is of, and no other; absent: those whose tags it looks at
    on_delay: Delay = 0.0  # s it must be so before it is raised
    off_delay: Delay = 0.0  # s it must not be so before it clears
    priority: Priority = "medium"
    message: str = ""  # a sentence for the operator; one is made where absent
    cause: str = ""
    consequence: str = ""
    action: str = ""
    latch: bool = False  # it stays until a person resets it
    group: Name | None = None  # of alarms with one cause; the first of them is marked
    suppress_while: Conditions = ()  # all of them hold: the alarm means nothing now

    @property
    def alarm_ids(self) -> tuple[str, ...]:
        """Ids of its alarms."""
        return (self.id,)

    @field_validator("id")
    @classmethod
    def _is_not_one_of_ours(cls, name: str) -> str:
        for prefix in OURS:
            if name.startswith(prefix):
                sentence = f'alarms that begin with "{prefix}" are the agent\'s own; choose another id'
                raise PydanticCustomError("reserved", "{sentence}", {"sentence": sentence})
        return name


class LimitSettings(Wording):
    """A limit on one tag that raises an alarm."""

    tag: TagName = Field(examples=["header.pressure"])
    high: float | None = None  # in the tag's unit; alarm above
    low: float | None = None  # alarm below
    high_urgent: float | None = None  # an urgent alarm of its own above this
    low_urgent: float | None = None
    deadband: Annotated[float, Field(ge=0)] = 0.0  # tag's unit; how far back before it clears

    @property
    def sides(self) -> tuple[str, ...]:
        """Those of its limits that are set, from the top down."""
        sides = ("high_urgent", "high", "low", "low_urgent")
        return tuple(side for side in sides if getattr(self, side) is not None)

    @property
    def alarm_ids(self) -> tuple[str, ...]:
        """Ids of its alarms: one with several sides has several."""
        return tuple(f"{self.id}.{side}" for side in self.sides) if len(self.sides) > 1 else (self.id,)

    @model_validator(mode="after")
    def _can_be_crossed(self) -> Self:
        if not self.sides:
            raise contradiction("high", "missing, and so is low; add one of them, or both")
        if self.high is not None and self.low is not None and self.low >= self.high:
            raise contradiction("low", f"not below high ({self.high:g}); swap or correct them")
        for upper, lower in zip(self.sides, self.sides[1:], strict=False):
            if getattr(self, lower) >= getattr(self, upper):
                raise contradiction(lower, f"not below {upper} ({getattr(self, upper):g}); swap or correct them")
        return self


# What each type of alarm asks for, and what it may have besides.
_KEYS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "rate": (("tag",), ("rise", "fall", "over")),
    "deviation": (("tag", "setpoint", "band"), ("deadband",)),
    "state": (("tag", "states"), ()),
    "bad_quality": (("tag", "after"), ()),
    "stale": (("tag", "after"), ()),
    "logic": (("when",), ("need",)),
}
_OWN = frozenset(key for keys in _KEYS.values() for part in keys for key in part)


class RuleSettings(Wording):
    """An alarm that is more than a limit."""

    type: Literal["rate", "deviation", "state", "bad_quality", "stale", "logic"] = Field(examples=["rate"])
    tag: TagName | None = Field(default=None, examples=["header.pressure"])
    rise: Annotated[float, Field(gt=0)] | None = None  # rate: tag's unit a minute
    fall: Annotated[float, Field(gt=0)] | None = None
    over: Annotated[float, Field(ge=1, le=3600)] = 60.0  # rate: s over which it is measured
    setpoint: TagName | None = Field(default=None, examples=["header.setpoint"])  # deviation: from this tag
    band: Annotated[float, Field(gt=0)] | None = Field(default=None, examples=[0.3])  # either side of it
    deadband: Annotated[float, Field(ge=0)] = 0.0
    states: tuple[float, ...] = Field(default=(), examples=[[2, 3]])  # state: values that are an alarm
    after: Annotated[float, Field(gt=0)] | None = Field(default=None, examples=[60.0])  # s
    when: Conditions = Field(default=(), examples=[["p1.running = 1", "header.flow < 5"]])
    need: Annotated[int, Field(ge=1, le=MOST)] | None = None  # logic: so many of them, 1 for any; absent: all

    @property
    def alarm_ids(self) -> tuple[str, ...]:
        """Ids of its alarms: a rate with both directions has two."""
        both = self.rise is not None and self.fall is not None
        return (f"{self.id}.rise", f"{self.id}.fall") if both else (self.id,)

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Self:
        needed, possible = _KEYS[self.type]
        for key in needed:
            if getattr(self, key) in (None, ()):
                raise contradiction(key, f'missing; an alarm of type "{self.type}" needs it')
        for key in sorted((self.model_fields_set & _OWN) - {*needed, *possible}):
            raise contradiction(key, f'an alarm of type "{self.type}" has none; leave it out')
        if self.type == "rate" and self.rise is None and self.fall is None:
            raise contradiction("rise", "missing, and so is fall; add one of them, or both")
        if self.need is not None and self.need > len(self.when):
            raise contradiction("need", f"more than the {len(self.when)} conditions there are; need fewer or add some")
        return self


def _begins_as_ours(pattern: str) -> str:
    if not pattern.startswith(OURS):
        sentence = f'no alarm of the agent\'s own begins like "{pattern}"; they begin with {", ".join(OURS)}'
        raise PydanticCustomError("contradiction", "{sentence}", {"sentence": sentence, "path": ()})
    return pattern


Pattern = Annotated[str, Field(max_length=200), AfterValidator(_begins_as_ours)]


def fits(alarm_id: str, pattern: str) -> bool:
    """Whether an alarm is one of *pattern*, in which * is anything."""
    return fnmatchcase(alarm_id, pattern)


class AgentAlarmSettings(Settings):
    """What the station says itself of alarms that come without being listed; what is absent stays as it is."""

    ids: Annotated[tuple[Pattern, ...], Field(min_length=1)] = Field(
        examples=[["condition.dry_run.*"]]
    )  # * is anything
    priority: Priority | None = None
    message: Annotated[str, Field(min_length=1)] | None = None
    cause: Annotated[str, Field(min_length=1)] | None = None
    consequence: Annotated[str, Field(min_length=1)] | None = None
    action: Annotated[str, Field(min_length=1)] | None = None
    group: Name | None = None
    latch: bool | None = None
    suppress_while: Conditions = ()

    def means(self, alarm_id: str) -> bool:
        """Whether it is about that alarm."""
        return any(fits(alarm_id, pattern) for pattern in self.ids)


class AlarmSettings(Settings):
    """What is alarmed without being listed, and what operators may do."""

    bad_quality_after: Delay = 30.0  # s a tag is bad before an alarm
    device_silent_after: Delay = 15.0  # s
    efficiency_low_after: Delay = 300.0  # s a pump is below its efficiency_low
    shelve_longest: Annotated[float, Field(gt=0, le=10_080)] = 480.0  # min an operator may shelve an alarm
    self_test_every: Annotated[float, Field(ge=0)] = 0.0  # h between two tests of the alarm path; 0: none
    self_test_answer: Annotated[float, Field(ge=1)] = 60.0  # s SCADA has to answer one
