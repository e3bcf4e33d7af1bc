"""What the configuration says of alarms."""

from typing import Annotated, Literal

from pydantic import Field

from drivers.settings import Name, Settings

Priority = Literal["low", "medium", "high", "urgent"]


class LimitSettings(Settings):
    """A limit on one tag that raises an alarm."""

    id: Name
    tag: Name
    high: float | None = None  # in the tag's unit; alarm above
    low: float | None = None  # alarm below
    deadband: Annotated[float, Field(ge=0)] = 0.0  # tag's unit; how far back before it clears
    on_delay: Annotated[float, Field(ge=0)] = 0.0  # s beyond the limit before it is raised
    off_delay: Annotated[float, Field(ge=0)] = 0.0  # s back within before it clears
    priority: Priority = "medium"
    message: str = ""  # a sentence for the operator; one is made where absent
    consequence: str = ""
    action: str = ""


class AlarmSettings(Settings):
    """What is alarmed without being listed."""

    bad_quality_after: Annotated[float, Field(ge=0)] = 30.0  # s a tag is bad before an alarm
    device_silent_after: Annotated[float, Field(ge=0)] = 15.0  # s
