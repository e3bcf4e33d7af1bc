"""What was read lately, and since a pump was last started or stopped: a reading from before contradicts nobody."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from agent.jobs.evidence import pumps_of
from agent.of_settings import OfSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.window import Frame, Times
from analytics.running import States

_SETTLES_MS = 30_000  # after a start or a stop: water speeds up and runs out
_OLDEST_MS = 120_000  # of a reading that is held against others: demand moves on, and a whole minute of cells is judged


@dataclass(slots=True)
class Switched:
    """What was seen up to the last cells."""

    states: dict[str, int] = field(default_factory=dict)  # by pump
    changed_ms: dict[str, int] = field(default_factory=dict)  # likewise: the last time
    read_ms: dict[str, int] = field(default_factory=dict)  # by tag: the last time

    def read_since(self, settings: AgentSettings, cells: Frame, states: Mapping[str, States]) -> Frame:
        """*cells* without what is old, or was read before the pumps that it tells of had settled; this moves past them.

        A meter that is read every five minutes is held until then, and would speak of the plant as it was. One that is
        kept only where it changes speaks of now.
        """
        if not len(cells):
            return cells
        changed_ms = {pump: self._changed_ms(cells.times_ms, pump, state) for pump, state in states.items()}
        values, known = dict(cells.values), known_tags(settings)
        for tag, pumps in _TOLD(settings).items():
            read_ms = _last(cells.times_ms, cells.measured(tag), self.read_ms.get(tag, 0))
            self.read_ms[tag] = int(read_ms[-1])
            settled_ms = np.max([changed_ms[pump] for pump in pumps], axis=0, initial=0) + _SETTLES_MS
            silence_ms = known[tag].silence_ms - known[tag].period_ms
            is_new = (read_ms >= settled_ms) & (cells.times_ms - read_ms < _OLDEST_MS + silence_ms)
            values[tag] = np.where(is_new, cells.values[tag], np.nan)
        return replace(cells, values=values)

    def _changed_ms(self, times_ms: Times, pump: str, state: States) -> Times:
        """When the pump had last changed, in each cell."""
        changes = np.diff(state, prepend=self.states.get(pump, state[0])) != 0
        found = _last(times_ms, changes, self.changed_ms.get(pump, 0))
        self.states[pump], self.changed_ms[pump] = int(state[-1]), int(found[-1])
        return found


def _last(times_ms: Times, happened: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], before_ms: int) -> Times:
    """When something had last happened, in each cell; a time that has not come, as the clock was set back, is none."""
    first = before_ms if before_ms <= times_ms[0] else 0
    return np.maximum.accumulate(np.where(happened, times_ms, first))


def _told(settings: AgentSettings) -> dict[str, set[str]]:
    """Tags, each with the pumps whose switching it shows."""
    found = defaultdict[str, set[str]](set)
    for header in settings.headers:
        pumps = list(pumps_of(settings, header))
        own = (pump.flow for pump in pumps if pump.flow is not None)
        for tag in (*header.flow, *header.pressure, *own):
            found[tag] |= {pump.id for pump in pumps}
    for pump in settings.pumps:
        for meter in (pump.power, pump.speed, pump.current, pump.voltage, pump.power_factor, pump.apparent_power):
            if meter is not None:
                found[meter] |= {pump.id}
    if settings.station.flow is not None:
        found[settings.station.flow] = {pump.id for pump in settings.pumps}
    return dict(found)


_TOLD = OfSettings(_told)
