"""Every tag of every device read from the plant, without a store and without being in anybody's way for long."""

import asyncio
from dataclasses import dataclass

from agent.settings import AgentSettings
from agent.tasks import driver
from drivers.bus.buses import Buses
from drivers.evidence import Evidence
from drivers.reading import Driver, DriverError, Quality, Reading, now_ms
from drivers.settings import AnyDeviceSettings

PATIENCE = 60.0  # s for one device; a serial line with hundreds of registers needs some of it
ROUNDS = 8  # of reading, at most: a device that refuses much is taken apart over several polls
ALL_DUE = 1_000_000  # ticks to the next round; no tag waits for longer than that


@dataclass(frozen=True, slots=True)
class Inspected:
    """What one device said."""

    device: AnyDeviceSettings
    readings: dict[str, Reading]  # by tag
    evidence: Evidence
    trouble: str | None  # why it could not be read, if so


async def inspect(settings: AgentSettings) -> list[Inspected]:
    """Ask all devices side by side, each as the agent would; those on one line take turns."""
    buses = Buses()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_inspected(device, driver(device, buses)), name=device.name)
            for device in settings.devices
        ]
    return [task.result() for task in tasks]


async def _inspected(device: AnyDeviceSettings, opened: Driver) -> Inspected:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _read(device, opened)
    except DriverError as error:
        trouble = str(error)
    except TimeoutError:
        trouble = f"{device.name} has not answered everything within {PATIENCE:g} s"
    return Inspected(device, _by_tag(opened.unavailable(now_ms(), trouble)), Evidence({}, ()), trouble)


async def _read(device: AnyDeviceSettings, opened: Driver) -> Inspected:
    """Read until what the device refuses is told apart from what it answers, which is at once if it refuses nothing.

    The last round is one like all that the agent will make, so its requests are those to predict from.
    """
    readings: dict[str, Reading] = {}
    known: tuple[int, int] | None = None
    async with opened:
        for tick in range(0, ROUNDS * ALL_DUE, ALL_DUE):
            readings |= _by_tag(await opened.read(tick))
            refused = sum(reading.quality == Quality.CONFIGURATION_ERROR for reading in readings.values())
            if tick and (refused, len(opened.evidence().requests)) == known:
                break
            known = refused, len(opened.evidence().requests)
        return Inspected(device, readings, opened.evidence(), None)


def _by_tag(readings: list[Reading]) -> dict[str, Reading]:
    return {reading.tag: reading for reading in readings}
