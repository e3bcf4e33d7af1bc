"""The one TOML file as one model; agent/config_file.py reads it and says what is wrong."""

from pydantic import Field

from agent.alarms.settings import AlarmSettings, LimitSettings
from agent.clock.settings import ClockSettings
from agent.jobs.settings import JobsSettings
from agent.mqtt.settings import MqttSettings
from agent.plant import (
    AdviceSettings,
    HeaderSettings,
    PumpSettings,
    StationSettings,
    TankSettings,
    TariffSettings,
)
from agent.store.settings import StorageSettings
from drivers.settings import AnyDeviceSettings, LocalPath, Settings


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
    alarms: AlarmSettings = AlarmSettings()
    jobs: JobsSettings = JobsSettings()
    mqtt: MqttSettings = MqttSettings()
    storage: StorageSettings = StorageSettings()
    clock: ClockSettings = ClockSettings()
