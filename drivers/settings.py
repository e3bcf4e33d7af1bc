"""What the configuration says of a device and its tags; light, so that checking it loads no protocol library."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# A name becomes a level of an MQTT topic, so it holds neither space nor + # /.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$", max_length=120)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]

DataType = Literal[
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "bcd16",
    "bcd32",
    "string",
]
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Table = Literal["holding", "input", "coil", "discrete"]
Fill = Literal["missing", "zero", "linear", "forward", "correlated"]


class Settings(BaseModel):
    """What every settings model is: frozen, and strict about keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TagSettings(Settings):
    """What every tag has, whatever device it lives on."""

    name: Name  # unique in the station; by custom area.device.quantity
    unit: str = ""  # as the site writes it: m3/h, l/s, kPa, bar, MPa, Hz, rpm, kW, 1 ...
    scale: float = 1.0  # value = raw * scale + offset
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()  # raw values (before scale) that mean "no sensor"
    valid_min: float | None = None  # scaled values outside are bad
    valid_max: float | None = None
    period: Seconds | None = None  # s; the device's period where absent
    deadband: Annotated[float, Field(ge=0)] = 0.0  # in the tag's unit; live topic only
    heartbeat: Seconds = 60.0  # s; live topic sent at least this often
    fill: Fill = "missing"
    totaliser: bool = False  # a cumulative counter: held, never interpolated


class ModbusTagSettings(TagSettings):
    """A tag in the registers of a Modbus device."""

    address: str  # "holding:100", "input:7", "coil:3", "40101", "400101", "holding:0x64"; see docs of the config
    type: DataType = "uint16"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None  # of a register, with type "bool"; 0 is the lowest
    order: WordOrder = "ABCD"
    length: Annotated[int, Field(ge=1, le=125)] = 1  # registers of a string


class OpcuaTagSettings(TagSettings):
    """A tag that is a node of an OPC UA server."""

    node: str  # "ns=2;s=intake.inlet.flow"


class DeviceSettings(Settings):
    """What every device has, whatever it speaks."""

    name: Name
    period: Seconds = 1.0  # s, between two polls
    timeout: Seconds = 1.0  # s, for one answer


class ModbusSettings(DeviceSettings):
    """One Modbus TCP unit."""

    protocol: Literal["modbus-tcp"]
    host: str
    port: Port = 502
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    base: Literal[0, 1] = 0  # what the number of the first register is in "holding:N": the protocol's 0 or a manual's 1
    block_limit: Annotated[int, Field(ge=1, le=125)] = 125  # registers a request may ask for
    max_hole: Annotated[int, Field(ge=0, le=124)] = 16  # unwanted registers bridged to save a request
    tags: tuple[ModbusTagSettings, ...] = Field(default=(), alias="tag")


class OpcuaSettings(DeviceSettings):
    """One OPC UA server, read by subscription."""

    protocol: Literal["opcua"]
    url: str  # opc.tcp://192.0.2.20:4840/path
    timeout: Seconds = 4.0
    security: Literal["None"] = "None"
    user: str | None = None
    password_file: Path | None = None
    tags: tuple[OpcuaTagSettings, ...] = Field(default=(), alias="tag")


AnyDeviceSettings = Annotated[ModbusSettings | OpcuaSettings, Field(discriminator="protocol")]
