"""What the configuration says of the analyses."""

from typing import Annotated

from pydantic import Field

from drivers.settings import Seconds, Settings


class JobSettings(Settings):
    """How often a job runs and how long it may take."""

    period: Seconds
    budget: Seconds = 30.0  # s; killed beyond
    enabled: bool = True


class JobsSettings(Settings):
    """The analyses; each has safe defaults."""

    quality: JobSettings = JobSettings(period=60)
    gaps: JobSettings = JobSettings(period=60)
    running: JobSettings = JobSettings(period=10)
    curves: JobSettings = JobSettings(period=300, budget=60)
    dispatch: JobSettings = JobSettings(period=60)
    memory_mb: Annotated[int, Field(ge=300)] = 1_000  # of the process that computes
