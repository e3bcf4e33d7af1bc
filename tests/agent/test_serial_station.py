"""A station whose meters are on a serial port, read by the whole agent, as the adapter comes and goes."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.store.reader import Reader
from agent.store.records import Row
from drivers.reading import Quality
from tests.simulators.agent import agent
from tests.simulators.serial_bus import answering, right, serial_bus, silent, word


def config(folder: Path, port: Path) -> Path:
    """Units 1, 2 and 3 of a serial port, with one tag each; nobody is at the broker's port."""
    devices = "".join(
        f"""
[[device]]
name = "u{unit}"
protocol = "modbus-rtu"
serial_port = "{port}"
unit_id = {unit}
period = 0.2
timeout = 0.2
tag = [{{ name = "u{unit}.value", address = "holding:5" }}]
"""
        for unit in (1, 2, 3)
    )
    path = folder / "station.toml"
    path.write_text(f"""
[station]
name = "north"
[mqtt]
port = 1
[storage]
path = "north.db"
{devices}
""")
    return path


@pytest.mark.slow
async def test_an_adapter_that_returns_is_read_within_ten_seconds(tmp_path: Path) -> None:
    """Unit 3 is dead all the time; the others are bad while the adapter is out, and no value is ever a wrong one."""
    database = tmp_path / "north.db"
    units = {1: answering(right), 2: answering(right), 3: silent}
    async with serial_bus(tmp_path, units) as bus, agent(config(tmp_path, bus.port.path)) as running:
        await running.says("polling 3 devices")
        await _until(lambda: {"u1.value", "u2.value"} <= good(database))
        bus.port.unplug()
        await _until(lambda: not good(database))
        began = time.monotonic()
        bus.port.plug()
        await _until(lambda: {"u1.value", "u2.value"} <= good(database))
        took = time.monotonic() - began

    found = {(row.tag, row.value) for row in rows(database) if row.value is not None}
    assert took < 15  # ten, and what a loaded machine takes to look into the database
    assert found == {("u1.value", word(1, 5)), ("u2.value", word(2, 5))}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not condition():  # noqa: ASYNC110 - another process writes the database
            await asyncio.sleep(0.05)


def good(database: Path) -> set[str]:
    """Tags whose newest value is good."""
    newest = {row.tag: row.quality for row in rows(database)}
    return {tag for tag, quality in newest.items() if quality == Quality.GOOD}


def rows(database: Path) -> list[Row]:
    """Everything stored, oldest first."""
    with Reader(database) as reader:
        return list(reader.after(0, 1_000_000))
