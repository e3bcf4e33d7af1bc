"""Lines with raw units on them, and the drivers that read them as the configuration would make them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from drivers.bus.buses import Buses
from drivers.modbus import ModbusDriver
from drivers.reading import Reading, UnreachableError
from drivers.settings import AnyDeviceSettings, UnitSettings
from tests.simulators.serial_bus import Behaviour, Units, gateway, serial_bus, word

Kind = Literal["serial", "gateway"]
ANY_DEVICE: TypeAdapter[AnyDeviceSettings] = TypeAdapter(AnyDeviceSettings)
TIMEOUT = 0.1  # s, of who does not answer
PATIENCE = 2.0  # s, with who does, on a machine that is busy


@dataclass
class Rig:
    """A line, and what makes drivers for its units."""

    place: dict[str, object]  # the keys of a device that say where the line is
    units: Units
    buses: Buses

    def driver(self, unit: int, *starts: int, **settings: object) -> ModbusDriver:
        """A driver of one unit with one tag of four registers at each start, each a request of its own."""
        tags = [
            {"name": f"u{unit}.{start + n}", "address": f"holding:{start + n}"}
            for start in starts or (0,)
            for n in range(4)
        ]
        return device(self.buses, {"timeout": PATIENCE, "max_hole": 0} | self.place | settings, unit, *tags)


def device(buses: Buses, keys: Mapping[str, object], unit: int, *tags: Mapping[str, object]) -> ModbusDriver:
    """A driver as the configuration would make it."""
    found = ANY_DEVICE.validate_python({"name": f"u{unit}", "unit_id": unit, "tag": tags, **keys})
    assert isinstance(found, UnitSettings)
    return ModbusDriver(found, buses.of(found))


@asynccontextmanager
async def rig(kind: Kind, folder: Path, behaviours: Mapping[int, Behaviour]) -> AsyncIterator[Rig]:
    """A serial port, or a gateway, with raw units behind it."""
    if kind == "serial":
        async with serial_bus(folder, behaviours) as bus:
            place = {"protocol": "modbus-rtu", "serial_port": str(bus.port.path), "baudrate": 115_200}
            yield Rig(place, bus.units, Buses())
    else:
        async with gateway(behaviours) as found:
            place = {"protocol": "modbus-rtu-over-tcp", "host": "127.0.0.1", "port": found.port}
            yield Rig(place, found.units, Buses())


async def visit(driver: ModbusDriver) -> list[Reading]:
    """What the caller keeps of one poll by a new driver, whether it fails or not."""
    try:
        async with driver:
            return await driver.read(0)
    except UnreachableError as error:
        return driver.unavailable(0, str(error))


async def until_good(make: Callable[[], ModbusDriver]) -> list[Reading]:
    """Polls by new drivers, as the supervisor makes them, until one is good."""
    async with asyncio.timeout(20):
        readings = await visit(make())
        while any(reading.value is None for reading in readings):
            await asyncio.sleep(0.001)
            readings = await visit(make())
    return readings


async def poll(driver: ModbusDriver, tick: int) -> list[Reading]:
    """The same of one that is open."""
    try:
        return await driver.read(tick)
    except UnreachableError as error:
        return driver.unavailable(0, str(error))


def wrong(readings: list[Reading]) -> list[Reading]:
    """Those with a value that is not the one of their unit and register."""
    return [one for one in readings if one.value is not None and one.value != expected(one.tag)]


def expected(tag: str) -> int:
    """What the register of a tag holds."""
    unit, address = tag.removeprefix("u").split(".")
    return word(int(unit), int(address))
