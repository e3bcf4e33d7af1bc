"""What the plant did while readings came: which pumps ran, and whether one was just switched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agent.jobs.evidence import pump_tags
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.running import RUNNING, States

Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Activity:
    """States of pumps in the cells of a frame, asked by time."""

    settling_ms: ClassVar[int] = 60_000  # after a switching, and before it, in which a plant may jump

    times_ms: Times  # of the cells, shape (n,)
    running: Mapping[str, Booleans]  # by pump, each (n,)
    pump_of: Mapping[str, str]  # tag → the pump it watches
    switched_ms: Times  # when any pump was started or stopped

    def is_active(self, tag: str, times_ms: Times) -> Booleans:
        """Whether the pump that *tag* watches runs (any pump, where it watches none), shape as *times_ms*."""
        if not self.running or not len(self.times_ms):
            return np.full(len(times_ms), not self.running)
        pump = self.pump_of.get(tag)
        runs = np.any(list(self.running.values()), axis=0) if pump is None else self.running[pump]
        cell = np.clip(np.searchsorted(self.times_ms, times_ms, side="right") - 1, 0, len(self.times_ms) - 1)
        found: Booleans = runs[cell]
        return found

    def is_quiet(self, times_ms: Times) -> Booleans:
        """Whether no pump was switched around each time, shape as *times_ms*."""
        first = np.searchsorted(self.switched_ms, times_ms - self.settling_ms)
        last = np.searchsorted(self.switched_ms, times_ms + self.settling_ms)
        found: Booleans = first == last
        return found


def activity(settings: AgentSettings, cells: Frame, states: Mapping[str, States]) -> Activity:
    """What *cells* say of the plant, with each pump's state in them."""
    running = {pump: state == RUNNING for pump, state in states.items()}
    switched = np.zeros(max(len(cells) - 1, 0), np.bool_)
    for runs in running.values():
        switched |= runs[1:] != runs[:-1]
    return Activity(
        times_ms=cells.times_ms,
        running=running,
        pump_of=_watched(settings),
        switched_ms=cells.times_ms[1:][switched],
    )


def _watched(settings: AgentSettings) -> dict[str, str]:
    """Which pump each tag watches: it plays a part in it, or is named like those that do ("p1.power", "p1.heat")."""
    found: dict[str, str] = {}
    for pump in settings.pumps:
        stems = {tag.rpartition(".")[0] for tag in pump_tags(pump)} - {""}
        for tag in (tag.name for device in settings.devices for tag in device.tags):
            if tag.rpartition(".")[0] in stems or tag in pump_tags(pump):
                found[tag] = pump.id
    return found
