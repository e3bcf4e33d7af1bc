"""What the plant did while readings came: which pumps ran, and whether one was just switched or sped up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agent.jobs.evidence import evidence, pump_tags
from agent.of_settings import OfSettings
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.running import RUNNING, States

Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_RAMP = 0.005  # of rated speed a second: no control loop at rest moves a drive so fast
_MOST_RAMP = 0.02  # between two readings, however far apart they are


@dataclass(frozen=True, slots=True)
class Activity:
    """States of pumps in the cells of a frame, asked by time."""

    settling_ms: ClassVar[int] = 60_000  # after a change, and before it, in which a plant may jump

    times_ms: Times  # of the cells, shape (n,)
    running: Mapping[str, Booleans]  # by pump, each (n,)
    any_runs: Booleans  # of them, (n,)
    pump_of: Mapping[str, str]  # tag → the pump it watches
    changed_ms: Times  # when any pump was started, stopped, or driven to another speed; ascending

    def cells(self, times_ms: Times) -> Times:
        """The cell in which each time lies, or the nearest one, shape as *times_ms*."""
        found: Times = np.searchsorted(self.times_ms, times_ms, side="right") - 1
        return np.clip(found, 0, max(0, len(self.times_ms) - 1))

    def is_active(self, tag: str, cells: Times) -> Booleans:
        """Whether the pump that *tag* watches runs (any pump, where it watches none), shape as *cells*."""
        if not self.running or not len(self.times_ms):
            return np.full(len(cells), not self.running)
        pump = self.pump_of.get(tag)
        found: Booleans = (self.any_runs if pump is None else self.running[pump])[cells]
        return found

    def is_quiet(self, times_ms: Times) -> Booleans:
        """Whether no pump was switched or driven to another speed around each time, shape as *times_ms*."""
        first = np.searchsorted(self.changed_ms, times_ms - self.settling_ms)
        last = np.searchsorted(self.changed_ms, times_ms + self.settling_ms)
        found: Booleans = first == last
        return found


def activity(settings: AgentSettings, cells: Frame, states: Mapping[str, States]) -> Activity:
    """What *cells* say of the plant, with each pump's state in them."""
    running = {pump: state == RUNNING for pump, state in states.items()}
    changed = np.zeros(len(cells), np.bool_)
    for runs in running.values():
        changed[1:] |= runs[1:] != runs[:-1]
    for pump in settings.pumps:
        if pump.speed is not None:
            read = np.flatnonzero(cells.measured(pump.speed))
            changed[read] |= ramped(cells.times_ms[read], evidence(cells, pump).speed[read])
    return Activity(
        times_ms=cells.times_ms,
        running=running,
        any_runs=np.any(list(running.values()), axis=0) if running else np.zeros(len(cells), np.bool_),
        pump_of=_WATCHED(settings),
        changed_ms=cells.times_ms[changed],
    )


def ramped(times_ms: Times, speeds: NDArray[np.float64]) -> Booleans:
    """Which readings of a drive show that it was sent to another speed since the one before, shape (n,).

    Flow and power then follow at once, and no meter of theirs is broken.

    >>> ramped(np.array([0, 1_000, 2_000, 32_000]), np.array([0.8, 0.801, 0.81, 0.82]))
    array([False, False,  True, False])
    """
    found = np.zeros(len(speeds), np.bool_)
    seconds = np.diff(times_ms) / 1_000.0
    found[1:] = np.abs(np.diff(speeds)) >= np.minimum(_RAMP * seconds, _MOST_RAMP)
    return found


def _watched(settings: AgentSettings) -> dict[str, str]:
    """Which pump each tag watches: it plays a part in it, or is named like those that do ("p1.power", "p1.heat")."""
    found: dict[str, str] = {}
    for pump in settings.pumps:
        stems = {tag.rpartition(".")[0] for tag in pump_tags(pump)} - {""}
        for tag in (tag.name for device in settings.devices for tag in device.tags):
            if tag.rpartition(".")[0] in stems or tag in pump_tags(pump):
                found[tag] = pump.id
    return found


_WATCHED = OfSettings(_watched)
