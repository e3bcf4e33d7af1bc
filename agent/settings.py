"""The one TOML file as one model; agent/configuration/config_file.py reads it and says what is wrong."""

from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from agent.alarms.settings import AgentAlarmSettings, AlarmSettings, LimitSettings, RuleSettings
from agent.clock.settings import ClockSettings
from agent.jobs.settings import JobsSettings
from agent.mqtt.settings import MqttSettings
from agent.plant import (
    AdviceSettings,
    HeaderSettings,
    PumpSettings,
    StationSettings,
    TankSettings,
)
from agent.store.settings import StorageSettings
from agent.tariff_settings import TariffSettings
from drivers.settings import AnyDeviceSettings, LocalPath, Settings, TagSettings, contradiction


class _Usual(NamedTuple):
    """Rated speeds that can be meant with a unit."""

    unit: str
    low: float
    high: float
    remedy: str


RATED_SPEEDS = {
    "hz": _Usual("Hz", 10, 120, "the frequency at rated speed, like 50"),
    "rpm": _Usual("rpm", 200, 10_000, "the speed on the motor's plate, like 1480"),
    "1/min": _Usual("1/min", 200, 10_000, "the speed on the motor's plate, like 1480"),
    "%": _Usual("%", 90, 110, "what the drive shows at rated speed, mostly 100"),
}


class AgentSettings(Settings):
    """Everything a technician can say."""

    tags_file: LocalPath | None = None  # CSV of tags, each row naming its device; stands before the first [table]
    station: StationSettings
    devices: tuple[AnyDeviceSettings, ...] = Field(alias="device")
    headers: tuple[HeaderSettings, ...] = Field(default=(), alias="header")
    pumps: tuple[PumpSettings, ...] = Field(default=(), alias="pump")
    tank: TankSettings | None = None
    tariff: TariffSettings = TariffSettings()
    advice: AdviceSettings = AdviceSettings()
    limits: tuple[LimitSettings, ...] = Field(default=(), alias="limit")
    rules: tuple[RuleSettings, ...] = Field(default=(), alias="alarm")
    agent_alarms: tuple[AgentAlarmSettings, ...] = Field(default=(), alias="agent_alarm")
    alarms: AlarmSettings = AlarmSettings()
    jobs: JobsSettings = JobsSettings()
    mqtt: MqttSettings = MqttSettings()
    storage: StorageSettings = StorageSettings()
    clock: ClockSettings = ClockSettings()

    @model_validator(mode="after")
    def _alarms_have_ids_of_their_own(self) -> Self:
        known: set[str] = set()
        listed = (("limit", self.limits), ("alarm", self.rules))
        for kind, i, one in ((kind, i, one) for kind, found in listed for i, one in enumerate(found)):
            if taken := known.intersection(one.alarm_ids):
                sentence = f"its alarm \"{taken.pop()}\" is another limit's or alarm's already; choose another id"
                raise contradiction((kind, i, "id"), sentence)
            known.update(one.alarm_ids)
        return self

    @model_validator(mode="after")
    def _a_tank_is_filled_or_emptied(self) -> Self:
        if self.tank is not None and not self.headers:
            sentence = "no header's meters say what the pumps move; add a [[header]] with pressure and flow, or leave"
            raise contradiction(("tank",), f"{sentence} [tank] out")
        return self

    @model_validator(mode="after")
    def _a_level_to_hold_is_a_tank_s(self) -> Self:
        for i, header in enumerate(self.headers):
            wanted, key = header.level_required, ("header", i, "level_required")
            if wanted is None:
                continue
            if self.tank is None:
                raise contradiction(key, "is a tank's, and there is no [tank]; add it, or leave this out")
            if any(other.level_required is not None for other in self.headers[:i]):
                raise contradiction(key, "another header holds the level already; leave one out")
            if not isinstance(wanted, str) and not self.tank.level_min <= wanted <= self.tank.level_max:
                sentence = f"is {wanted:g}, outside level_min and level_max of [tank]; correct one of them"
                raise contradiction(key, sentence)
        return self

    @model_validator(mode="after")
    def _a_test_of_the_alarm_path_can_be_answered(self) -> Self:
        if self.alarms.self_test_every and not self.mqtt.commands:
            sentence = "SCADA answers the test by a command; set commands = true in [mqtt], or leave the test out"
            raise contradiction(("alarms", "self_test_every"), sentence)
        return self

    @model_validator(mode="after")
    def _limits_lie_where_readings_are_good(self) -> Self:
        """A reading outside its valid range is bad, and raises no limit's alarm."""
        tags = {tag.name: tag for device in self.devices for tag in device.tags}
        for i, limit in enumerate(self.limits):
            for side in limit.sides:
                if limit.tag in tags and (sentence := _out_of_reach(tags[limit.tag], side, getattr(limit, side))):
                    raise contradiction(("limit", i, side), sentence)
        return self

    @model_validator(mode="after")
    def _rated_speeds_are_in_their_tags_unit(self) -> Self:
        units = {tag.name: tag.unit.lower() for device in self.devices for tag in device.tags}
        for i, pump in enumerate(self.pumps):
            usual = RATED_SPEEDS.get(units.get(pump.speed or "", ""))
            if usual and not usual.low <= pump.rated_speed <= usual.high:
                sentence = f'is {pump.rated_speed:g}, but tag "{pump.speed}" is in {usual.unit}; write {usual.remedy}'
                raise contradiction(("pump", i, "rated_speed"), sentence)
        return self

    @model_validator(mode="after")
    def _market_prices_begin_at_one_instant(self) -> Self:
        if unclear := self.tariff.unclear_spot(ZoneInfo(self.station.time_zone)):
            sentence = f"has {unclear:%Y-%m-%dT%H:%M}, which the clocks of {self.station.time_zone} skip or show twice"
            raise contradiction(("tariff", "spot"), f"{sentence}; write offsets, like {unclear.isoformat()}")
        return self

    @model_validator(mode="after")
    def _advice_lasts_until_the_next(self) -> Self:
        least = 2 * self.jobs.dispatch.period / 60
        if self.jobs.dispatch.enabled and self.advice.expiry < least:
            sentence = (
                f"ends before the next advice is due; make it {least:g} min or more, or [jobs.dispatch] period shorter"
            )
            raise contradiction(("advice", "expiry"), sentence)
        return self


def _out_of_reach(tag: TagSettings, side: str, value: float) -> str | None:
    """Why no good reading of *tag* can lie beyond a limit; None where one can."""
    is_high = side.startswith("high")
    end, key = (tag.valid_max, "valid_max") if is_high else (tag.valid_min, "valid_min")
    if end is None or (value < end if is_high else value > end):
        return None
    fact = f'is {value:g}, but tag "{tag.name}" is bad beyond its {key} of {end:g}, so the alarm never comes'
    return f"{fact}; {'lower' if is_high else 'raise'} it, or move {key}"
