"""The recorded station played as its Modbus PLCs, where the recording is at hand."""

import asyncio
import csv
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import create_server

SHARED = Path(__file__).parents[3] / "shared"
REPLAYER = SHARED / "tools/replay_station.py"
RECORDING = SHARED / "data/real-station/first-hour.csv.gz"
REGISTERS = SHARED / "data/real-station/registers.csv"


def modbus_rows() -> list[dict[str, str]]:
    """The register list's rows of Modbus tags."""
    with REGISTERS.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["protocol"] == "modbus"]


@asynccontextmanager
async def replayed_plcs(speed: float) -> AsyncIterator[int]:
    """The hour at *speed* rows a second, again and again; yields the port of its Modbus units."""
    with create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]  # free a moment ago; the replayer cannot say which one it took
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(REPLAYER), str(RECORDING), "--loop", "--speed", str(speed)),
        *("--modbus-port", str(port), "--opcua-port", "0"),
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield port
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
