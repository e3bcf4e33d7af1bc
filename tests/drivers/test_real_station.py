"""All 251 tags of a recorded station, as its PLCs would answer, where the recording is at hand."""

import asyncio
import csv
import gzip
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from socket import create_server

import pytest

from drivers.modbus import ModbusDriver
from drivers.opcua.driver import OpcuaDriver
from drivers.reading import Quality, Reading
from drivers.settings import ModbusSettings, OpcuaSettings

SHARED = Path(__file__).parents[3] / "shared"
REGISTERS = SHARED / "data/real-station/registers.csv"
RECORDING = SHARED / "data/real-station/first-hour.csv.gz"
REPLAYER = SHARED / "tools/replay_station.py"
ORDERS = {"AB": "ABCD"}  # how its list says that one register has no word order
STILL = "0.001"  # rows per second: one row, standing still

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REPLAYER.exists(), reason=f"the recorded station is not at {SHARED}"),
]


def free_port() -> int:
    """A port that was free a moment ago; the replayer cannot say which one it took."""
    with create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@asynccontextmanager
async def replayed() -> AsyncIterator[tuple[int, str]]:
    """The first row of the recording; yields the Modbus port and the OPC UA address."""
    modbus, opcua = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(REPLAYER), str(RECORDING), "--speed", STILL),
        *("--modbus-port", str(modbus), "--opcua-port", str(opcua)),
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield modbus, f"opc.tcp://127.0.0.1:{opcua}/station"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def modbus_tag(row: dict[str, str]) -> dict[str, object]:
    """A row of the register list as our settings; 32767 is what its temperature modules say without a sensor."""
    return {
        "name": row["tag"],
        "address": f"{row['table']}:{row['address']}",
        "type": row["datatype"],
        "order": ORDERS.get(row["order"], row["order"]),
        "scale": float(row["scale"]),
        "sentinels": [32_767] if row["datatype"] == "int16" else [],
    }


def drivers(port: int, url: str) -> list[ModbusDriver | OpcuaDriver]:
    """One for each unit of the register list, and one for the OPC UA server."""
    with REGISTERS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found: list[ModbusDriver | OpcuaDriver] = []
    for unit in sorted({row["unit_id"] for row in rows if row["protocol"] == "modbus"}):
        tags = [modbus_tag(row) for row in rows if row["unit_id"] == unit]
        device = {"name": f"unit-{unit}", "protocol": "modbus-tcp", "host": "127.0.0.1", "port": port, "tag": tags}
        found.append(ModbusDriver(ModbusSettings.model_validate({**device, "unit_id": int(unit)})))
    nodes = [{"name": row["tag"], "node": row["node_id"]} for row in rows if row["protocol"] == "opcua"]
    server = {"name": "intake", "protocol": "opcua", "url": url, "tag": nodes}
    return [*found, OpcuaDriver(OpcuaSettings.model_validate(server))]


def first_row() -> dict[str, float]:
    """What the station's historian recorded."""
    with gzip.open(RECORDING, "rt", newline="") as file:
        row = next(csv.DictReader(file))
    return {name: float(text) for name, text in row.items() if name != "time"}


async def test_every_tag_reads_as_recorded() -> None:
    """Eight units, four word orders and a server: 251 of 251 tags, seven of them without a sensor.

    Takes seconds, because the replayer has to start.
    """
    readings: list[Reading] = []
    async with replayed() as (port, url), AsyncExitStack() as stack:
        for driver in drivers(port, url):
            await stack.enter_async_context(driver)
            readings += await driver.read(0)

    recorded = first_row()
    bad = {reading.tag: reading for reading in readings if reading.quality != Quality.GOOD}
    assert sorted(reading.tag for reading in readings) == sorted(recorded)
    assert len(readings) == 251
    assert set(bad) == {name for name, value in recorded.items() if value == 3276.7}
    assert len(bad) == 7
    assert {reading[2:] for reading in bad.values()} == {(None, Quality.SENSOR_FAILURE, "no sensor (raw value 32767)")}
    for reading in readings:
        if reading.tag not in bad:
            assert reading.value == pytest.approx(recorded[reading.tag], rel=1e-6, abs=1e-6), reading.tag
