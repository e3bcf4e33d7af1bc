"""The plant as configured: which tag plays which part, and in which limits it may be run."""

from datetime import datetime
from itertools import pairwise
from math import inf
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.catalogue import CatalogueSettings
from agent.configuration.mistakes import did_you_mean
from agent.configuration.named import Available, HeaderName, Setpoint, TagName
from drivers.settings import Name, Settings, contradiction

WIDEST_POR = 3.0  # shares of best efficiency flow; percentages are far beyond

Share = Annotated[float, Field(ge=0, le=2)]
Minutes = Annotated[float, Field(ge=0)]
SELDOMEST = 1 / 48  # starts an hour: starts are remembered for two days
Positive = Annotated[float, Field(gt=0)]


def _ordered(settings: Settings, low: str, high: str) -> None:
    if getattr(settings, low) >= getattr(settings, high):
        raise contradiction(low, f"not below {high} ({getattr(settings, high):g}); swap or correct them")


class StationSettings(Settings):
    """The station itself."""

    name: Name = Field(examples=["waterworks-north"])  # part of every topic
    time_zone: str = "UTC"  # IANA name; for tariffs and "today"
    flow: TagName | None = None  # tag of a meter for all headers together, to check theirs against

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            remedy = did_you_mean(name, available_timezones()) or '; write one like "Europe/Berlin" or "UTC"'
            sentence = f'there is no time zone "{name}"{remedy}'
            raise PydanticCustomError("time_zone", "{sentence}", {"sentence": sentence}) from error
        return name


class HeaderSettings(Settings):
    """A discharge header: pumps that share one head and, usually, one flow meter."""

    id: Name = Field(examples=["main"])
    # discharge pressure tags, gauge; the median counts
    pressure: tuple[TagName, ...] = Field(min_length=1, examples=[["header.pressure"]])
    flow: tuple[TagName, ...] = Field(min_length=1, examples=[["header.flow"]])  # flow tags, summed
    volume: TagName | None = None  # totaliser of the same flow
    suction_pressure: TagName | None = None  # tag, gauge; takes precedence over suction_head
    suction_level: TagName | None = None  # tag, m: of the water they draw from, where no gauge stands at their inlet
    suction_level_zero: float = 0.0  # m, the level's zero above the pumps' inlet
    suction_head: float = 0.0  # m of water, gauge, at the pumps' inlet where no tag measures it
    altitude: Annotated[float, Field(ge=-500, le=6000)] = 0.0  # m above the sea: less air, sooner cavitation
    temperature: TagName | None = None  # tag, of the water
    temperature_usual: Annotated[float, Field(ge=0, le=60)] = 20.0  # degC, where no tag measures it
    elevation: float = 0.0  # m, discharge gauge above the suction gauge
    pressure_min: float | None = None  # in the unit of the first pressure tag; what advice may plan
    pressure_max: float | None = None
    pressure_preferred: float | None = None  # likewise, between the two
    # money per hour for each unit of pressure by which the header is away from the preferred one
    pressure_cost: Annotated[float, Field(ge=0)] = 0.0
    # what it has to deliver or hold, where that is not what it delivers now: in the unit of the first tag of its kind,
    # or the tag of a setpoint; the level is that of the tank, where no schedule plans it
    flow_required: Setpoint | None = None
    pressure_required: Setpoint | None = None
    level_required: Setpoint | None = None  # m
    # share of the flow by which advice may deliver more or less, as far as water_value says that it pays
    flow_tolerance: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    water_value: Annotated[float, Field(ge=0)] = 0.0  # money per m³ more or less

    @model_validator(mode="after")
    def _meters_are_named_once(self) -> Self:
        for key, tags in (("pressure", self.pressure), ("flow", self.flow)):
            if len(set(tags)) < len(tags):
                raise contradiction(key, "names a tag twice, which would count twice; leave the second out")
        return self

    @model_validator(mode="after")
    def _band_is_a_band(self) -> Self:
        band = (self.pressure_min, self.pressure_max)
        if None not in band:
            _ordered(self, "pressure_min", "pressure_max")
        wanted = self.pressure_preferred
        if wanted is not None and (None in band or not band[0] <= wanted <= band[1]):  # type: ignore[operator]
            remedy = "not between pressure_min and pressure_max, within which advice may choose; give all three"
            raise contradiction("pressure_preferred", remedy)
        if self.pressure_cost and wanted is None:
            raise contradiction("pressure_cost", "says what leaving pressure_preferred costs; give that too")
        return self

    @model_validator(mode="after")
    def _requires_one_thing(self) -> Self:
        keys = ("pressure_preferred", "flow_required", "pressure_required", "level_required")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) > 1:
            raise contradiction(given[-1], f"and {given[0]} are both there; leave one of them out")
        if bool(self.flow_tolerance) != bool(self.water_value):
            key, other = ("flow_tolerance", "water_value") if self.flow_tolerance else ("water_value", "flow_tolerance")
            raise contradiction(key, f"means nothing without {other}; give that too, or leave it out")
        if self.flow_tolerance and self.flow_required is None and self.level_required is None:
            raise contradiction("flow_tolerance", "needs flow_required or level_required too")
        if isinstance(self.flow_required, float) and self.flow_required <= 0:
            raise contradiction("flow_required", f"must be above 0, not {self.flow_required:g}")
        low = -inf if self.pressure_min is None else self.pressure_min
        high = inf if self.pressure_max is None else self.pressure_max
        key, wanted = "pressure_required", self.pressure_required
        if isinstance(wanted, float) and not low <= wanted <= high:
            raise contradiction(key, f"is {wanted:g}, outside pressure_min and pressure_max; correct one of them")
        return self


class PumpSettings(Settings):
    """A pump and its drive."""

    id: Name = Field(examples=["p1"])
    header: HeaderName = Field(examples=["main"])
    speed: TagName | None = None  # tag of drive output frequency or shaft speed; absent: fixed speed
    rated_speed: Annotated[float, Field(gt=0)] = 50.0  # the speed tag's value at relative speed 1.0
    power: TagName | None = None  # tag, electrical, kW
    current: TagName | None = None  # tag, A, of one phase
    voltage: TagName | None = None  # tag, V; to check power against current
    voltage_between: Literal["neutral", "phases"] = "neutral"  # a phase and what the voltage is of
    power_factor: TagName | None = None  # tag; likewise
    apparent_power: TagName | None = None  # tag, kVA; likewise
    status: TagName | None = None  # tag, not 0 while running
    # it stands up to the first and runs from the second on, kW and A; learnt from the pump's own history where absent
    running_power: tuple[Positive, Positive] | None = None
    running_current: tuple[Positive, Positive] | None = None
    flow: TagName | None = None  # tag, where the pump has its own meter
    energy: TagName | None = None  # tag, kWh counter
    drive: Literal["variable", "fixed"] = "variable"
    speed_min: Share = 0.6  # relative; what advice may plan
    speed_max: Share = 1.0
    flow_min: Positive | None = None  # m³/h at its rated speed, less at less: continuously; what advice may plan
    flow_max: Positive | None = None
    rated_flow: Annotated[float, Field(gt=0)] | None = None  # m³/h at the best efficiency point, from the plate
    rated_head: Annotated[float, Field(gt=0)] | None = None  # m
    rated_power: Annotated[float, Field(gt=0)] | None = None  # kW, of the motor
    # m at rated_flow, lost between its flanges and the gauges of its header: what a sheet says is at the flanges
    branch_loss: Annotated[float, Field(ge=0)] = 0.0
    suction_bore: Annotated[float, Field(ge=10, le=5000)] | None = None  # mm, of its own pipes where the gauges are
    discharge_bore: Annotated[float, Field(ge=10, le=5000)] | None = None
    motor_efficiency: Annotated[float, Field(gt=0.3, lt=1)] | None = None  # at rated_power; estimated where absent
    # [load, efficiency] pairs instead, the load a share of rated_power, rising
    motor_efficiency_by_load: tuple[tuple[Positive, Annotated[float, Field(gt=0, lt=1)]], ...] = ()
    drive_efficiency: Annotated[float, Field(gt=0.5, le=1)] | None = None  # of the frequency converter
    por: tuple[float, float] = (0.7, 1.2)  # preferred operating region, share of best efficiency flow
    por_by_curve: bool = False  # about the learnt best flow too, where neither plate nor catalogue tells one
    available: Available = True  # false: advice never runs it; or a tag that is 0 while that holds
    must_run: bool = False  # true: advice never stops it, and starts it where it stands
    run_hours: TagName | None = None  # tag, a time, the plant's own counter; absent: the agent's count
    # [from, to] of works during which it cannot run, in the station's own time where no offset is written
    maintenance: tuple[tuple[datetime, datetime], ...] = ()
    min_on: Minutes = 15.0
    min_off: Minutes = 10.0
    starts_per_hour: Annotated[float, Field(gt=0)] = 4.0
    start_cost: Annotated[float, Field(ge=0)] = 0.0  # money per start, for wear
    efficiency_low: Annotated[float, Field(gt=0, lt=1)] | None = None  # wire-to-water; alarm below
    npsh: Annotated[float, Field(gt=0, le=30)] | None = None  # m, required at rated flow; alarm where it lacks
    catalogue: CatalogueSettings | None = None  # its curves by the data sheet

    @model_validator(mode="after")
    def _limits_are_limits(self) -> Self:
        if self.speed_min > self.speed_max:
            raise contradiction("speed_min", f"above speed_max ({self.speed_max:g}); swap or correct them")
        for key in ("running_power", "running_current"):
            band: tuple[float, float] | None = getattr(self, key)
            if band is not None and band[0] >= band[1]:
                raise contradiction(key, "must rise: it stands up to the first and runs from the second on; swap them")
        if self.must_run and self.available is False:
            raise contradiction("must_run", "and available = false contradict each other; take one of them out")
        if self.starts_per_hour < SELDOMEST:
            remedy = "fewer than one in two days, and older ones are forgotten; write 0.021, or available = false"
            raise contradiction("starts_per_hour", remedy)
        if self.flow_min is not None and self.flow_max is not None:
            _ordered(self, "flow_min", "flow_max")
        self._losses_are_told_once()
        self._gauges_are_told_whole()
        for begin, end in self.maintenance:
            if (begin.tzinfo is None) != (end.tzinfo is None) or begin >= end:
                raise contradiction("maintenance", "must end after it begins, both with an offset or both without")
        if not 0 <= self.por[0] < self.por[1] <= WIDEST_POR:
            raise contradiction("por", "must rise, in shares of best efficiency flow; write for example [0.7, 1.2]")
        return self

    def _losses_are_told_once(self) -> None:
        table = self.motor_efficiency_by_load
        if table and self.motor_efficiency is not None:
            raise contradiction("motor_efficiency", "and motor_efficiency_by_load are both there; leave one out")
        if any(one[0] >= other[0] for one, other in pairwise(table)):
            raise contradiction("motor_efficiency_by_load", "must rise in load, for example [[0.5, 0.9], [1, 0.93]]")
        if (table or self.motor_efficiency is not None) and self.rated_power is None:
            raise contradiction("rated_power", "missing, but the motor's efficiency is there; write its kW")

    def _gauges_are_told_whole(self) -> None:
        if self.branch_loss and self.rated_flow is None:
            raise contradiction("branch_loss", "is the loss at rated_flow, which is missing; write its m³/h")
        if self.rated_head is not None and self.branch_loss >= self.rated_head:
            raise contradiction("branch_loss", f"not below rated_head ({self.rated_head:g} m); correct one of them")
        if (self.suction_bore is None) != (self.discharge_bore is None):
            key = "suction_bore" if self.discharge_bore is None else "discharge_bore"
            raise contradiction(key, "tells the velocity head on one side only; give suction_bore and discharge_bore")


class TankSettings(Settings):
    """The tank the station fills or empties."""

    level: TagName = Field(examples=["tank.level"])  # tag, m
    area: float | None = Field(default=None, gt=0, examples=[120.0])  # m², where the walls are upright; else volumes
    volumes: tuple[tuple[float, float], ...] = ()  # [level m, volume m³], both rising; instead of area
    kind: Literal["tank", "well"] = "tank"  # the station fills a tank, and empties a well
    level_min: float = Field(examples=[1.0])  # m
    level_max: float = Field(examples=[4.5])  # m
    header: HeaderName | None = None  # whose pumps fill or empty it; absent: the only one
    water_value: Annotated[float, Field(ge=0)] | None = None  # money per m³ that a plan leaves at its end

    @model_validator(mode="after")
    def _band_is_a_band(self) -> Self:
        _ordered(self, "level_min", "level_max")
        return self

    @model_validator(mode="after")
    def _volume_is_told_once(self) -> Self:
        if bool(self.volumes) == (self.area is not None):
            raise contradiction("area", "or volumes says how much the tank holds; give exactly one of the two")
        rises = all(one[0] < other[0] and one[1] < other[1] for one, other in pairwise(self.volumes))
        if not rises or len(self.volumes) == 1:
            remedy = "needs two rows or more that rise in level and volume; write for example [[0.5, 10], [3.0, 90]]"
            raise contradiction("volumes", remedy)
        return self


class AdviceSettings(Settings):
    """How careful the advice is."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.9  # that a saving is positive, before it is claimed
    least_saving: Annotated[float, Field(ge=0)] = 0.01  # share of the present power; below it the advice is "keep"
    # money per hour that a pump is dearer to run for each 1000 h it has run more than the least-run one of its header
    balance_cost: Annotated[float, Field(ge=0)] = 0.0
    expiry: Minutes = 15.0
    stale_after: Annotated[float, Field(gt=0)] = 60.0  # s; inputs older than this: no advice
