"""What the configuration says of a device and its tags; light, so that checking it loads no protocol library."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.address import Address, parse
from drivers.device import (
    DeviceSettings,
    ExistingFile,
    Fill,
    LocalPath,
    Name,
    Port,
    Seconds,
    Settings,
    TagSettings,
    contradiction,
    existing,
    in_folder,
    is_file,
)
from drivers.opcua.settings import OpcuaSettings, OpcuaTagSettings

__all__ = [
    "AnyDeviceSettings",
    "AnyUnitSettings",
    "DataType",
    "DeviceSettings",
    "ExistingFile",
    "Fill",
    "LocalPath",
    "ModbusRtuOverTcpSettings",
    "ModbusRtuSettings",
    "ModbusSettings",
    "ModbusTagSettings",
    "Name",
    "OpcuaSettings",
    "OpcuaTagSettings",
    "Port",
    "Seconds",
    "Settings",
    "TagSettings",
    "UnitSettings",
    "WordOrder",
    "contradiction",
    "existing",
    "in_folder",
    "is_file",
]

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
UnitOnLine = Annotated[int, Field(ge=1, le=247)]  # 0 is everybody, whom nobody answers for
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]


def addressed(path: tuple[str | int, ...], text: str, bases: Sequence[int]) -> Address:
    """The place an address means in the first of several ways to count that can be meant."""
    try:
        return parse(text, bases[0])
    except ValueError as error:
        if len(bases) > 1:
            return addressed(path, text, bases[1:])
        raise contradiction(path, str(error)) from error


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


class UnitSettings(DeviceSettings):
    """What every Modbus unit has, however it is reached."""

    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    base: Literal[0, 1] = 0  # what the number of the first register is in "holding:N": the protocol's 0 or a manual's 1
    block_limit: Annotated[int, Field(ge=1, le=125)] = 125  # registers a request may ask for
    max_hole: Annotated[int, Field(ge=0, le=124)] = 16  # unwanted registers bridged to save a request
    tags: tuple[ModbusTagSettings, ...] = Field(default=(), alias="tag")

    @property
    @abstractmethod
    def place(self) -> str:
        """How the unit is called in readings and the log."""

    @model_validator(mode="after")
    def _addresses_are_counted_from_base(self) -> Self:
        for i, tag in enumerate(self.tags):
            addressed(("tag", i, "address"), tag.address, bases=(self.base,))
        return self


class ModbusSettings(UnitSettings):
    """One Modbus TCP unit: a device, or one of several behind a gateway."""

    protocol: Literal["modbus-tcp"]
    host: str = Field(min_length=1, examples=["192.0.2.10"])
    port: Port = 502
    # that devices of this host and port share at the most; absent: each device has its own
    connections: Annotated[int, Field(ge=1, le=16)] | None = None

    @property
    def place(self) -> str:
        """How the unit is called in readings and the log."""
        return f"modbus://{self.host}:{self.port}/{self.unit_id}"


class ModbusRtuSettings(UnitSettings):
    """One Modbus RTU unit on a serial port; units on one port share it."""

    protocol: Literal["modbus-rtu"]
    serial_port: str = Field(examples=["/dev/serial/by-id/usb-FTDI_USB-RS485_A10K-if00-port0"])
    unit_id: UnitOnLine = 1
    timeout: Seconds = 0.5  # s, that the unit may think; the time on the wire comes on top
    # most meters leave the factory with 9600; the standard's own default is 19200, even parity, 1 stop bit
    baudrate: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    parity: Literal["even", "odd", "none"] = "even"
    stop_bits: Literal[1, 2] = 1  # the standard wants 2 where there is no parity, but few devices do

    @property
    def place(self) -> str:
        """How the unit is called in readings and the log."""
        return f"rtu:{self.serial_port}/{self.unit_id}"

    @model_validator(mode="after")
    def _port_is_a_path(self) -> Self:
        if not self.serial_port.startswith("/"):
            remedy = 'write a path like "/dev/ttyUSB0", better one below /dev/serial/by-id/'
            raise contradiction("serial_port", f'"{self.serial_port}" is no serial port; {remedy}')
        return self


class ModbusRtuOverTcpSettings(UnitSettings):
    """One Modbus RTU unit behind a gateway that passes bytes on; units of one gateway share its connection."""

    protocol: Literal["modbus-rtu-over-tcp"]
    host: str = Field(min_length=1, examples=["192.0.2.12"])
    port: Port = Field(examples=[4001])  # as the gateway says; there is no custom
    unit_id: UnitOnLine = 1

    @property
    def place(self) -> str:
        """How the unit is called in readings and the log."""
        return f"rtu+tcp://{self.host}:{self.port}/{self.unit_id}"


AnyUnitSettings = ModbusSettings | ModbusRtuSettings | ModbusRtuOverTcpSettings
AnyDeviceSettings = Annotated[AnyUnitSettings | OpcuaSettings, Field(discriminator="protocol")]
