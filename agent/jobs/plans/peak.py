"""The highest half hour of the month so far, which a demand charge is reckoned by."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from agent.availability import LEAST_SUMMED
from agent.jobs.job import JobContext
from agent.jobs.memory import JobMemory
from agent.jobs.plans.demand import SLOT_MS
from agent.jobs.plans.served import serving
from agent.tariff import month_ms
from agent.window import frame

_CELL_MS = 60_000
_PER_SLOT = SLOT_MS // _CELL_MS
_PORTION = 4 * 48  # half hours of one run
_MOST_KW = 100_000.0  # of a station: more is a register in the wrong word order


@dataclass(slots=True)
class PeakState:
    """What the schedule job leaves for itself."""

    version: int = 1
    month_ms: int = 0  # when the month began
    seen_ms: int = 0  # up to when half hours were looked at
    kw: float = 0.0  # the highest of them
    headers: str = ""  # whose pumps these are of


MEMORY = JobMemory(PeakState)


def peak_so_far(context: JobContext) -> PeakState:
    """What an earlier run left and the half hours since; at most a portion of them."""
    kept = MEMORY.restored(context.state)
    zone = ZoneInfo(context.settings.station.time_zone)
    begin_ms = month_ms(context.now_ms, zone)
    planned = {header.id for header in serving(context.settings)}  # what else runs is taken to go on
    headers = " ".join(sorted(planned))
    if (kept.month_ms, kept.headers) != (begin_ms, headers):
        oldest_ms, _ = context.reader.extent
        seen_ms = max(begin_ms, oldest_ms or context.now_ms) // SLOT_MS * SLOT_MS
        kept = PeakState(month_ms=begin_ms, seen_ms=seen_ms, headers=headers)
    count = min(_PORTION, (context.now_ms - kept.seen_ms) // SLOT_MS)
    pumps = (pump for pump in context.settings.pumps if pump.header in planned)
    tags = [pump.power for pump in pumps if pump.power is not None]
    if count > 0 and tags:
        end_ms = kept.seen_ms + count * SLOT_MS
        cells = frame(context.reader, context.settings, tags, kept.seen_ms, end_ms, _CELL_MS)
        power = np.stack([cells.values[tag] for tag in tags])
        power = np.where(np.isfinite(power).any(axis=0), np.nansum(power, axis=0), np.nan)
        kept.kw = max(kept.kw, _highest(np.where(np.abs(power) <= _MOST_KW, power, np.nan).reshape(count, _PER_SLOT)))
    kept.seen_ms += max(0, count) * SLOT_MS
    return kept


def _highest(power: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Of half hours (n, minutes), kW; 0 where none is known well enough."""
    known = np.isfinite(power)
    means = np.where(known, power, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return float(np.max(means[known.mean(axis=1) >= LEAST_SUMMED], initial=0.0))
