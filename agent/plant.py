"""The plant as configured: which tag plays which part, and in which limits it may be run."""

from typing import Annotated, Literal

from pydantic import Field

from drivers.settings import Name, Settings

Share = Annotated[float, Field(ge=0, le=2)]
Minutes = Annotated[float, Field(ge=0)]


class StationSettings(Settings):
    """The station itself."""

    name: Name  # part of every topic
    time_zone: str = "UTC"  # IANA name; for tariffs and "today"


class HeaderSettings(Settings):
    """A discharge header: pumps that share one head and, usually, one flow meter."""

    id: Name
    pressure: tuple[Name, ...] = Field(min_length=1)  # discharge pressure tags, gauge; the median counts
    flow: tuple[Name, ...] = Field(min_length=1)  # flow tags, summed
    volume: Name | None = None  # totaliser of the same flow
    suction_pressure: Name | None = None  # tag, gauge; takes precedence over suction_head
    suction_head: float = 0.0  # m of water, gauge, at the pumps' inlet where no tag measures it
    elevation: float = 0.0  # m, discharge gauge above the suction gauge
    pressure_min: float | None = None  # in the unit of the first pressure tag; what advice may plan
    pressure_max: float | None = None


class PumpSettings(Settings):
    """A pump and its drive."""

    id: Name
    header: Name
    speed: Name | None = None  # tag of drive output frequency or shaft speed; absent: fixed speed
    rated_speed: Annotated[float, Field(gt=0)] = 50.0  # the speed tag's value at relative speed 1.0
    power: Name | None = None  # tag, electrical, kW
    current: Name | None = None  # tag, A
    status: Name | None = None  # tag, not 0 while running
    flow: Name | None = None  # tag, where the pump has its own meter
    energy: Name | None = None  # tag, kWh counter
    drive: Literal["variable", "fixed"] = "variable"
    speed_min: Share = 0.6  # relative; what advice may plan
    speed_max: Share = 1.0
    rated_flow: Annotated[float, Field(gt=0)] | None = None  # m³/h at the best efficiency point, from the plate
    rated_head: Annotated[float, Field(gt=0)] | None = None  # m
    rated_power: Annotated[float, Field(gt=0)] | None = None  # kW, of the motor
    por: tuple[float, float] = (0.7, 1.2)  # preferred operating region, share of best efficiency flow
    available: bool = True  # false: advice never runs it
    min_on: Minutes = 15.0
    min_off: Minutes = 10.0
    starts_per_hour: Annotated[float, Field(gt=0)] = 4.0
    start_cost: Annotated[float, Field(ge=0)] = 0.0  # money per start, for wear
    efficiency_low: Annotated[float, Field(gt=0, lt=1)] | None = None  # wire-to-water; alarm below


class TankSettings(Settings):
    """The tank the station fills or empties."""

    level: Name  # tag, m
    area: Annotated[float, Field(gt=0)]  # m²
    level_min: float  # m
    level_max: float  # m


class TariffBand(Settings):
    """A price that holds at some hours of some days, in the station's own time."""

    price: float  # money per kWh
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
    )
    start: str = "00:00"  # HH:MM
    end: str = "24:00"


class TariffSettings(Settings):
    """What energy costs."""

    currency: str = "EUR"
    price: float = 0.0  # money per kWh outside every band; 0: cost is not shown
    bands: tuple[TariffBand, ...] = Field(default=(), alias="band")


class AdviceSettings(Settings):
    """How careful the advice is."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = (
        0.9  # a saving is claimed only if it is positive with this probability
    )
    least_saving: Annotated[float, Field(ge=0)] = 0.01  # share of the present power; below it the advice is "keep"
    expiry: Minutes = 15.0
    stale_after: Annotated[float, Field(gt=0)] = 60.0  # s; inputs older than this: no advice
