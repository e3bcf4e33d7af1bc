"""What the configuration says of the disk."""

from typing import Annotated

from pydantic import Field

from drivers.settings import LocalPath, Settings


class StorageSettings(Settings):
    """Where readings are kept and for how long."""

    path: LocalPath = Field(default="pump-agent.db", validate_default=True)  # relative to the configuration file
    keep_days: Annotated[float, Field(gt=0)] = 30.0  # readings older than this are dropped
    keep_rollup_days: Annotated[float, Field(gt=0)] = 400.0  # the same of minutes, quarters of an hour and hours
    keep_event_days: Annotated[float, Field(gt=0)] = 400.0  # of alarms and advice; other records go with readings
    max_mb: Annotated[float, Field(gt=1)] = 8_000.0  # the oldest go first beyond this
    hot_hours: Annotated[float, Field(gt=0)] = 2.0  # older readings are sealed: a fiftieth of the bytes
    hold_hours: Annotated[float, Field(gt=0)] = 24.0  # so long that waits for receivers and analyses that lag behind
    commit_interval: Annotated[float, Field(gt=0, le=1)] = 0.2  # s; one commit at most so often
    ballast_mb: Annotated[float, Field(ge=0)] = 64.0  # reserved on the disk and given up when that is full; 0 for none
