"""What the configuration says of the analyses."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from drivers.settings import Seconds, Settings


class JobSettings(Settings):
    """How often a job runs and how long it may take."""

    # In a file each job has its own default for every key, so an editor must not ask for the period.
    model_config = ConfigDict(json_schema_extra={"required": []})

    period: Seconds
    budget: Seconds = 30.0  # s; killed beyond
    enabled: bool = True


class GapsSettings(JobSettings):
    """Gap filling."""

    longest: Seconds | None = None  # s; a longer gap is left as it is, and counted; by default an hour or 24 readings


class QualitySettings(JobSettings):
    """Judging what was read."""

    report: Seconds = 300.0  # s between two reports


class AnomaliesSettings(JobSettings):
    """Readings that do not fit each other."""

    alarm: bool = False  # whether those of a header are an alarm too, beside what is published


class CurvesSettings(JobSettings):
    """Learning the pumps' curves."""

    filled: bool = False  # whether values that nobody measured may teach them
    # e of 1 - efficiency ~ n^-e, of a pump with its own flow meter that turns slower
    speed_exponent: Annotated[float, Field(ge=0, le=1)] = 0.1


class WearSettings(JobSettings):
    """Watching what pumps lose."""

    learn_days: Annotated[float, Field(gt=0, le=60)] = 1.0  # of a pump's operation that its reference is learnt from
    limit: Annotated[float, Field(gt=0, lt=100)] = 10.0  # percent of the efficiency; worth an overhaul


class SavingSettings(JobSettings):
    """Measuring what advice saves once it is followed."""

    horizon: Annotated[float, Field(ge=1, le=720)] = 24.0  # h for which one advice is counted at most


class DispatchSettings(JobSettings):
    """Saying how pumps are run best."""

    # the others begin with the exact answer, are settled exactly, and count where that is cheaper
    method: Literal["exact", "differential evolution", "genetic", "particle swarm", "NSGA-II"] = "exact"


class ScheduleSettings(JobSettings):
    """Planning the next hours of a station with a tank or well."""

    horizon: Annotated[float, Field(ge=4, le=48)] = 24.0  # h that are planned
    step: Literal[15, 30, 60] = 30  # minutes in which nothing is switched
    # "fitted Q iteration" learns on the station's model, and advises only where it is judged near enough to "exact"
    method: Literal["exact", "fitted Q iteration"] = "exact"

    @property
    def step_ms(self) -> int:
        """The same in milliseconds."""
        return 60_000 * self.step


class JobsSettings(Settings):
    """The analyses; each has safe defaults."""

    quality: QualitySettings = QualitySettings(period=60)
    gaps: GapsSettings = GapsSettings(period=60)
    running: JobSettings = JobSettings(period=10)
    curves: CurvesSettings = CurvesSettings(period=300, budget=60)
    wear: WearSettings = WearSettings(period=300, budget=60)
    conditions: JobSettings = JobSettings(period=30)
    anomalies: AnomaliesSettings = AnomaliesSettings(period=60)
    dispatch: DispatchSettings = DispatchSettings(period=60)
    front: JobSettings = JobSettings(period=300)
    saving: SavingSettings = SavingSettings(period=60)
    forecast: JobSettings = JobSettings(period=300, budget=60)
    schedule: ScheduleSettings = ScheduleSettings(period=300, budget=60)
    rollup: JobSettings = JobSettings(period=300, budget=60)
    seal: JobSettings = JobSettings(period=300, budget=60)
    memory_mb: Annotated[int, Field(ge=300)] = 1_000  # of the process that computes

    @model_validator(mode="before")
    @classmethod
    def _keys_left_out_keep_the_jobs_own_default(cls, given: Any) -> Any:
        """Whoever gives a job another budget has not said anything of its period."""
        if not isinstance(given, Mapping):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {name: _completed(value, defaults.get(name)) for name, value in given.items()}


def _completed(value: object, default: object) -> object:
    if isinstance(value, Mapping) and isinstance(default, JobSettings):
        return {**default.model_dump(), **value}
    return value
