"""What the configuration says of alarms."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.plant import TagName
from drivers.settings import Name, Settings, contradiction

OURS = ("bad.", "silent.", "efficiency.", "storage")  # how the ids of alarms begin that nobody has to configure
Priority = Literal["low", "medium", "high", "urgent"]


class LimitSettings(Settings):
    """A limit on one tag that raises an alarm."""

    id: Name = Field(examples=["pressure-low"])
    tag: TagName = Field(examples=["header.pressure"])
    high: float | None = None  # in the tag's unit; alarm above
    low: float | None = None  # alarm below
    deadband: Annotated[float, Field(ge=0)] = 0.0  # tag's unit; how far back before it clears
    on_delay: Annotated[float, Field(ge=0)] = 0.0  # s beyond the limit before it is raised
    off_delay: Annotated[float, Field(ge=0)] = 0.0  # s back within before it clears
    priority: Priority = "medium"
    message: str = ""  # a sentence for the operator; one is made where absent
    consequence: str = ""
    action: str = ""

    @field_validator("id")
    @classmethod
    def _is_not_one_of_ours(cls, name: str) -> str:
        for prefix in OURS:
            if name.startswith(prefix):
                sentence = f'alarms that begin with "{prefix}" are the agent\'s own; choose another id'
                raise PydanticCustomError("reserved", "{sentence}", {"sentence": sentence})
        return name

    @property
    def alarm_ids(self) -> tuple[str, ...]:
        """Ids of its alarms: one with both sides has two."""
        both = self.high is not None and self.low is not None
        return (f"{self.id}.high", f"{self.id}.low") if both else (self.id,)

    @model_validator(mode="after")
    def _can_be_crossed(self) -> Self:
        if self.high is None and self.low is None:
            raise contradiction("high", "missing, and so is low; add one of them, or both")
        if self.high is not None and self.low is not None and self.low >= self.high:
            raise contradiction("low", f"not below high ({self.high:g}); swap or correct them")
        return self


class AlarmSettings(Settings):
    """What is alarmed without being listed."""

    bad_quality_after: Annotated[float, Field(ge=0)] = 30.0  # s a tag is bad before an alarm
    device_silent_after: Annotated[float, Field(ge=0)] = 15.0  # s
    efficiency_low_after: Annotated[float, Field(ge=0)] = 300.0  # s a pump is below its efficiency_low
