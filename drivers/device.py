"""What every device and every tag has, whatever it speaks, and what settings are made of."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

# A name becomes a level of an MQTT topic, so it holds neither space nor + # /.
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=120)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]

# Where systemd shows a service, and nobody else, what it was given: not to be looked for by who checks a configuration.
CREDENTIALS = Path("/run/credentials")

Fill = Literal["missing", "zero", "linear", "forward", "correlated", "auto"]


class Settings(BaseModel):
    """What every settings model is: frozen, and strict about keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def contradiction(key: str | tuple[str | int, ...], sentence: str) -> PydanticCustomError:
    """What a validator raises where values do not go together.

    Args:
        key: Which one to look at, or the path to it from the model.
        sentence: The fact and its remedy.
    """
    path = (key,) if isinstance(key, str) else key
    return PydanticCustomError("contradiction", "{sentence}", {"path": path, "sentence": sentence})


def in_folder(path: Path, info: ValidationInfo) -> Path:
    """A path as written, made relative to the folder of the file it stands in, where that is known."""
    folder: Path | None = (info.context or {}).get("folder")
    return path if folder is None else folder / path


def existing(path: Path, info: ValidationInfo) -> Path:
    """The same, for a file that must be there before the agent starts."""
    found = in_folder(path, info)
    if info.context and not is_file(found) and not found.is_relative_to(CREDENTIALS):
        raise PydanticCustomError("missing_file", "there is no file {found}; correct the path", {"found": str(found)})
    return found


def is_file(path: Path) -> bool:
    """Whether a path, which may be anything a person has typed, is that of a file in sight."""
    try:
        return path.is_file()
    except OSError:  # its name is too long, or its folder closed to us
        return False


LocalPath = Annotated[Path, AfterValidator(in_folder)]
ExistingFile = Annotated[Path, AfterValidator(existing)]


class TagSettings(Settings):
    """What every tag has, whatever device it lives on."""

    name: Name = Field(examples=["intake.p1.flow"])  # unique in the station; by custom area.device.quantity
    unit: str = ""  # as the site writes it: m3/h, l/s, kPa, bar, MPa, Hz, rpm, kW, 1 ...
    scale: float = 1.0  # value = raw * scale + offset
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()  # raw values (before scale) that mean "no sensor"
    valid_min: float | None = None  # scaled values outside are bad
    valid_max: float | None = None
    period: Seconds | None = None  # s; the device's period where absent
    deadband: Annotated[float, Field(ge=0)] = 0.0  # in the tag's unit; a smaller change is no news to the live topic
    heartbeat: Seconds = 60.0  # s; live topic sent at least this often
    store: Literal["always", "exception"] = "always"  # "exception": only what is news to the live topic is stored
    usual_min: float | None = None  # values outside are suspect; learnt where absent
    usual_max: float | None = None
    usual_step: Annotated[float, Field(gt=0)] | None = None  # a larger change between two readings is suspect; likewise
    frozen_after: Seconds | None = None  # s without a change, while its pump runs, that are suspect; likewise
    fill: Fill = "missing"
    totaliser: bool = False  # a cumulative counter: held, never interpolated

    @field_validator("scale")
    @classmethod
    def _scale_tells_values_apart(cls, scale: float) -> float:
        if not scale:
            sentence = "is 0, which makes every reading the same; write what a raw step is worth, or leave scale out"
            raise PydanticCustomError("contradiction", "{sentence}", {"path": (), "sentence": sentence})
        return scale

    @model_validator(mode="after")
    def _range_is_a_range(self) -> Self:
        if self.valid_min is not None and self.valid_max is not None and self.valid_min >= self.valid_max:
            raise contradiction("valid_min", f"not below valid_max ({self.valid_max:g}); swap or correct them")
        if self.usual_min is not None and self.usual_max is not None and self.usual_min >= self.usual_max:
            raise contradiction("usual_min", f"not below usual_max ({self.usual_max:g}); swap or correct them")
        return self


class DeviceSettings(Settings):
    """What every device has, whatever it speaks."""

    name: Name = Field(examples=["plc-1"])
    period: Seconds = 1.0  # s, between two polls
    timeout: Seconds = 1.0  # s, for one answer
    tags_file: LocalPath | None = None  # CSV with one tag a row, besides the tags written here
