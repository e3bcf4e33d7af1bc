"""The simulated station on the wire: its plant runs, and its Modbus and OPC UA servers show what the meters show."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import NoReturn
from urllib.parse import urlsplit

from agent.demo.meters import DEAD, lagged, shown, silent_tags
from agent.demo.modbus import modbus_server
from agent.demo.opcua import Nodes, opcua_server
from agent.demo.plant import State, step
from agent.demo.registers import Unit
from agent.settings import AgentSettings
from drivers.settings import ModbusSettings, ModbusTagSettings, OpcuaSettings

BEAT = 0.5  # s between two looks of the meters at the plant


class Station:
    """The devices of a configuration with the simulated plant behind them.

    Which register or node holds which tag is read from the configuration itself, so that there is no second map.
    """

    def __init__(self, settings: AgentSettings, state: State, rng: Random) -> None:
        self._devices = [device for device in settings.devices if isinstance(device, ModbusSettings)]
        self.units = {device.unit_id: Unit() for device in self._devices}
        self.state = state
        self._inside = lagged({}, state, 0.0)
        self._rng = rng
        self._born: float | None = None

    def begin(self) -> None:
        """The agent starts now: scripted dropouts count from here."""
        self._born = asyncio.get_running_loop().time()

    async def run(self, nodes: Nodes) -> NoReturn:
        """Let the plant live in real time and show it."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(BEAT)
            now = loop.time()
            self.advance(now - last)
            last = now
            silent = silent_tags(now - self._born) if self._born is not None else frozenset()
            await nodes.show(self.show(silent), silent)

    def advance(self, seconds: float) -> None:
        """Let the plant run on."""
        self.state = step(self.state, seconds, self._rng)
        self._inside = lagged(self._inside, self.state, seconds)

    def show(self, silent: frozenset[str] = frozenset()) -> dict[str, float]:
        """Put what the meters show into the registers; returns it, for the nodes."""
        values = shown(self._inside, self._rng)
        for device in self._devices:
            self._show_registers(self.units[device.unit_id], device.tags, values, silent)
        return values

    def _show_registers(
        self, unit: Unit, tags: Iterable[ModbusTagSettings], values: dict[str, float], silent: frozenset[str]
    ) -> None:
        for tag in tags:
            if tag.name == DEAD:
                unit.show_no_sensor(tag)
            else:
                unit.show(tag, values[tag.name])
        unit.fail(tag for tag in tags if tag.name in silent)


@asynccontextmanager
async def serving(settings: AgentSettings, station: Station) -> AsyncIterator[Nodes]:
    """Serve the station at the configured ports, already showing values."""
    opcua = next(device for device in settings.devices if isinstance(device, OpcuaSettings))
    port = next(device.port for device in settings.devices if isinstance(device, ModbusSettings))
    async with opcua_server(opcua.url, opcua.tags) as nodes, modbus_server(port, station.units):
        await nodes.show(station.show(), frozenset())
        yield nodes


def ports(settings: AgentSettings) -> set[int]:
    """Every port of this machine that the configuration expects somebody at."""
    wanted = {settings.mqtt.port}
    for device in settings.devices:
        match device:
            case ModbusSettings():
                wanted.add(device.port)
            case OpcuaSettings():
                wanted.add(urlsplit(device.url).port or 4840)
    return wanted
