"""What may tell of a tag beside its companions: the pumps' physics around it, and the counter of what it measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent.jobs.evidence import header_tags, pump_tags
from agent.jobs.filled.past import Past
from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.curves.model import StationModel
from analytics.gaps.physics import flow_columns, head_columns, power_columns
from analytics.running import Thresholds

_HOUR_MS = 3_600_000
_RUNNING = 0.02  # share of the largest power, above which a pump without a speed runs


def measured(cells: Frame, tag: str) -> Floats:
    """The tag's values; NaN where nothing good was measured in the cell, nor in the one before.

    Two devices are not asked at the same instant, so a cell may be empty between two that are not. A value held for
    longer is one that nobody measured while the gap lasted.
    """
    is_fresh = cells.measured(tag)
    is_fresh[1:] |= is_fresh[:-1].copy()
    return np.where(is_fresh, cells.values[tag], np.nan)


def told(cells: Frame, tags: Sequence[str]) -> Floats:
    """*tags* as columns, shape (n, len(tags))."""
    return np.column_stack([measured(cells, tag) for tag in tags]) if tags else np.empty((len(cells), 0))


@dataclass(frozen=True, slots=True)
class Sources:
    """Of one tag."""

    tag: str
    header: HeaderSettings | None = None  # whose flow or head it is, or that of its pump
    pumps: tuple[PumpSettings, ...] = ()  # of that header
    pump: PumpSettings | None = None  # whose power or own flow it is
    counter: str | None = None  # totaliser of the same quantity, and of what *others* measure
    others: tuple[str, ...] = ()
    model: StationModel | None = None  # of the header's pumps
    limits: Mapping[str, Thresholds] = field(default_factory=dict)  # between which pumps run
    past: Past | None = None  # the tag's own weeks, where gaps are long

    @property
    def tags(self) -> frozenset[str]:
        """What has to be read for it."""
        names = {self.counter, *self.others} if self.counter else set()
        names |= set(header_tags(self.header)) if self.header else set()
        return frozenset(names.union(*(pump_tags(pump) for pump in self.pumps)))

    def taught(self, models: Mapping[str, StationModel], limits: Mapping[str, Thresholds]) -> "Sources":
        """The same with its header's learnt curves, where there are any."""
        return self if self.header is None else replace(self, model=models.get(self.header.id), limits=limits)

    def counts(self, cells: Frame) -> Floats | None:
        """The totaliser in the tag's unit times cells, without what others measured; None where there is none.

        Where another one was not measured nobody knows the tag's share of the count, which is as if it began anew.
        """
        if self.counter is None:
            return None
        seen = np.where(cells.measured(self.counter), cells.values[self.counter], np.nan) * (_HOUR_MS / cells.step_ms)
        if not np.isfinite(seen).any():
            return None
        fall = 2.0 * (1.0 + float(np.nanmax(seen) - np.nanmin(seen)))
        for name in self.others:
            flow = measured(cells, name)
            flow = np.where(np.isfinite(flow), flow, fall)
            seen -= np.cumsum(flow) - 0.5 * flow
        return seen

    def computed(self, cells: Frame) -> Floats:
        """What physics says of it, shape (n, m); m is 0 where nothing does."""
        if self.header is None:
            return np.empty((len(cells), 0))
        flow = np.sum([measured(cells, name) for name in self.header.flow], axis=0)
        head = np.mean([measured(cells, name) for name in self.header.pressure], axis=0)
        if self.pump is not None and self.tag == self.pump.power:
            return power_columns(flow, head, _speed(cells, self.pump))
        pumps = [pump for pump in self.pumps if pump.power is not None]
        if not pumps:
            return np.empty((len(cells), 0))
        speeds = np.column_stack([_speed(cells, pump) for pump in pumps])
        powers = np.column_stack([measured(cells, pump.power) for pump in pumps if pump.power is not None])
        is_flow = self.pump is not None or self.tag in self.header.flow
        return flow_columns(head, speeds, powers) if is_flow else head_columns(flow, speeds, powers)


def sources_of(settings: AgentSettings, tag: str) -> Sources:
    """By the part *tag* plays in the plant."""
    for header in settings.headers:
        pumps = tuple(pump for pump in settings.pumps if pump.header == header.id)
        if tag in header.flow:
            others = tuple(name for name in header.flow if name != tag)
            return Sources(tag, header, pumps, counter=header.volume, others=others)
        if tag in header.pressure:
            return Sources(tag, header, pumps)
        for pump in pumps:
            if tag == pump.power:
                return Sources(tag, header if pump.speed else None, (pump,), pump, pump.energy)
            if tag == pump.flow:
                others = tuple(other.flow for other in pumps if other.flow and other != pump)
                is_whole = len(others) == len(pumps) - 1
                return Sources(tag, header, (pump,), pump, header.volume if is_whole else None, others)
    return Sources(tag)


def _speed(cells: Frame, pump: PumpSettings) -> Floats:
    """Relative; of a pump without a speed, whether it runs."""
    if pump.speed is not None:
        return measured(cells, pump.speed) / pump.rated_speed
    power = measured(cells, pump.power) if pump.power is not None else np.full(len(cells), np.nan)
    runs: NDArray[np.float64] = np.where(np.isfinite(power), power > _RUNNING * _largest(power), np.nan)
    return runs


def _largest(values: Floats) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
