"""What the configuration says of a device and its tags; light, so that checking it loads no protocol library."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from drivers.address import Address, parse

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
Fill = Literal["missing", "zero", "linear", "forward", "correlated"]
NODE_ID = re.compile(r"(ns=\d+;|nsu=[^;]+;)?(i=\d+|[sgb]=.+)$")


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
    if info.context and not is_file(found):
        raise PydanticCustomError("missing_file", "there is no file {found}; correct the path", {"found": str(found)})
    return found


def is_file(path: Path) -> bool:
    """Whether a path, which may be anything a person has typed, is that of a file in sight."""
    try:
        return path.is_file()
    except OSError:  # its name is too long, or its folder closed to us
        return False


def addressed(path: tuple[str | int, ...], text: str, bases: Sequence[int]) -> Address:
    """The place an address means in the first of several ways to count that can be meant."""
    try:
        return parse(text, bases[0])
    except ValueError as error:
        if len(bases) > 1:
            return addressed(path, text, bases[1:])
        raise contradiction(path, str(error)) from error


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
    deadband: Annotated[float, Field(ge=0)] = 0.0  # in the tag's unit; live topic only
    heartbeat: Seconds = 60.0  # s; live topic sent at least this often
    fill: Fill = "missing"
    totaliser: bool = False  # a cumulative counter: held, never interpolated

    @model_validator(mode="after")
    def _range_is_a_range(self) -> Self:
        if self.valid_min is not None and self.valid_max is not None and self.valid_min >= self.valid_max:
            raise contradiction("valid_min", f"not below valid_max ({self.valid_max:g}); swap or correct them")
        return self


class ModbusTagSettings(TagSettings):
    """A tag in the registers of a Modbus device."""

    # "holding:100", "input:7", "coil:3", "40101", "400101", "holding:0x64"; see config/station.toml
    address: str = Field(examples=["holding:100"])
    type: DataType = "uint16"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None  # of a register, with type "bool"; 0 is the lowest
    order: WordOrder = "ABCD"
    length: Annotated[int, Field(ge=1, le=125)] = 1  # registers of a string

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Self:
        if self.bit is not None and self.type != "bool":
            raise contradiction("bit", f'a bit is a "bool", not a "{self.type}"; write type = "bool" or leave bit out')
        if self.length != 1 and self.type != "string":
            raise contradiction("length", f'only a "string" has a length, a "{self.type}" has its own; leave it out')
        return self

    @model_validator(mode="after")
    def _address_holds_the_type(self) -> Self:
        address = addressed(("address",), self.address, bases=(0, 1))  # the device says which
        if address.holds_bits and self.type != "bool":
            raise contradiction("type", f'a {address.table} holds one bit; write type = "bool" or another table')
        if address.holds_bits and self.bit is not None:
            raise contradiction("bit", f"a {address.table} is a single bit already; leave bit out")
        return self


class OpcuaTagSettings(TagSettings):
    """A tag that is a node of an OPC UA server."""

    node: str = Field(examples=["ns=2;s=intake.inlet.flow"])

    @model_validator(mode="after")
    def _node_is_a_node_id(self) -> Self:
        if not NODE_ID.match(self.node):
            raise contradiction(
                "node", f'"{self.node}" is no node id; write it like "ns=2;s=inlet.flow" or "ns=4;i=17"'
            )
        return self


class DeviceSettings(Settings):
    """What every device has, whatever it speaks."""

    name: Name = Field(examples=["plc-1"])
    period: Seconds = 1.0  # s, between two polls
    timeout: Seconds = 1.0  # s, for one answer
    tags_file: LocalPath | None = None  # CSV with one tag a row, besides the tags written here


class ModbusSettings(DeviceSettings):
    """One Modbus TCP unit."""

    protocol: Literal["modbus-tcp"]
    host: str = Field(min_length=1, examples=["192.0.2.10"])
    port: Port = 502
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    base: Literal[0, 1] = 0  # what the number of the first register is in "holding:N": the protocol's 0 or a manual's 1
    block_limit: Annotated[int, Field(ge=1, le=125)] = 125  # registers a request may ask for
    max_hole: Annotated[int, Field(ge=0, le=124)] = 16  # unwanted registers bridged to save a request
    tags: tuple[ModbusTagSettings, ...] = Field(default=(), alias="tag")

    @model_validator(mode="after")
    def _addresses_are_counted_from_base(self) -> Self:
        for i, tag in enumerate(self.tags):
            addressed(("tag", i, "address"), tag.address, bases=(self.base,))
        return self


class OpcuaSettings(DeviceSettings):
    """One OPC UA server, read by subscription."""

    protocol: Literal["opcua"]
    url: str = Field(examples=["opc.tcp://192.0.2.20:4840/path"])
    timeout: Seconds = 4.0
    security: Literal["None"] = "None"
    user: str | None = None
    password_file: ExistingFile | None = None
    tags: tuple[OpcuaTagSettings, ...] = Field(default=(), alias="tag")

    @model_validator(mode="after")
    def _can_be_opened(self) -> Self:
        if not re.match(r"opc\.tcp://[^\s/]+", self.url):
            raise contradiction("url", f'"{self.url}" is no address; write it like "opc.tcp://192.0.2.20:4840/path"')
        if self.password_file and not self.user:
            raise contradiction("password_file", "a password needs a user; add user or leave the password out")
        return self


AnyDeviceSettings = Annotated[ModbusSettings | OpcuaSettings, Field(discriminator="protocol")]
