"""What the configuration says of the system clock."""

from typing import Annotated, Literal

from pydantic import Field

from drivers.settings import LocalPath, Settings


class ClockSettings(Settings):
    """How far the system clock is believed."""

    # "auto": as the kernel says, once it has ever said "synchronised" on this machine; before, a machine without a
    # time service is assumed. "strict": as the kernel says. "always": whatever it says, unless the year is impossible.
    trust: Literal["auto", "strict", "always"] = "auto"
    # that exists while the clock is synchronised, instead of the kernel's word; for containers, which may not ask it
    sync_file: LocalPath | None = Field(default=None, examples=["/run/systemd/timesync/synchronized"])
    holdover_days: Annotated[float, Field(ge=0)] = 7.0  # believed so long after the time service was lost
