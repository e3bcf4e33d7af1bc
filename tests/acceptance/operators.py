"""The demo's station run by a script instead of by habit, so that advice can be followed, withheld and rejected."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import NoReturn

from agent.demo.habits import Orders
from agent.demo.history import write_history
from agent.demo.opcua import Nodes
from agent.demo.plant import ELEVATION, State
from agent.demo.pumps import PUMPS
from agent.demo.servers import BEAT, Station
from agent.settings import AgentSettings
from drivers.settings import ModbusSettings

HOURS = 5.0  # of history
NAMES = tuple(pump.name for pump in PUMPS)


@dataclass(slots=True)
class Operators:
    """What is set at the station, and what its meters are made to say; its clock and its town stand still."""

    state: State
    orders: Orders = field(init=False)
    silent: frozenset[str] = frozenset()  # tags whose meters say nothing
    claimed: dict[str, float] = field(default_factory=dict)  # what registers show instead of the truth

    def __post_init__(self) -> None:
        self.orders = self.state.orders

    @classmethod
    async def of(cls, settings: AgentSettings, history: Path, end_ms: int, rng: Random) -> "Operators":
        """After hours of habit, which *history* keeps."""
        state, _ = await asyncio.to_thread(write_history, history, end_ms, HOURS, settings.devices[0].period, rng)
        return cls(state)

    def run(self, speeds: Mapping[str, float], lift: float) -> None:
        """Let the pumps of *speeds* run, the drives in their ratio, so that each adds *lift* m."""
        drives = [speeds[pump.name] for pump in PUMPS if pump.name in speeds and not pump.is_fixed]
        trims = tuple(speeds.get(name, 0.0) - max(drives, default=1.0) for name in NAMES)
        self.orders = replace(
            self.orders,
            running=frozenset(NAMES.index(name) for name in speeds),
            setpoint=lift - ELEVATION + self.state.suction,
            trims=trims,
        )

    def saves(self, former: Mapping[str, float]) -> float:
        """What is truly saved, kW: the *former* speeds, of drives scaled, at the present flow and head."""
        lift = self.state.head + ELEVATION - self.state.suction
        low, high = 0.7, 1.2
        for _ in range(40):
            flows, powers = 0.0, 0.0
            middle = 0.5 * (low + high)
            for pump in (each for each in PUMPS if each.name in former):
                speed = former[pump.name] * (1.0 if pump.is_fixed else middle)
                flow = pump.flow_at(lift, speed)
                flows, powers = flows + flow, powers + pump.power(flow, lift, speed)
            low, high = (low, middle) if flows > self.state.flow else (middle, high)
        return powers - sum(self.state.powers)

    async def live(self, settings: AgentSettings, station: Station, nodes: Nodes) -> NoReturn:
        """Let the station run in real time."""
        loop = asyncio.get_running_loop()
        last, clock = loop.time(), self.state.clock
        while True:
            await asyncio.sleep(BEAT)
            now = loop.time()
            held = replace(self.orders, changed=clock)
            station.state = replace(station.state, clock=clock, whim=0.0, orders=held)
            station.advance(now - last)
            last, self.state = now, station.state
            values = station.show(self.silent) | self.claimed
            for device in settings.devices:
                if isinstance(device, ModbusSettings):
                    for tag in device.tags:
                        if tag.name in self.claimed:
                            station.units[device.unit_id].show(tag, values[tag.name])
            await nodes.show(values, self.silent)
