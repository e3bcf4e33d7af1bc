"""What a station has used and delivered in a day, and how much of the day that is known of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from agent import tariff
from agent.jobs.evidence import evidence, header_state
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.running import RUNNING, STOPPED, States

HOUR_MS = 3_600_000
_MOST_HOURS = 72  # that are kept: today and two days more


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the station's day: sums over the time in which every part of them was known."""

    energy_kwh: float = 0.0
    cost: float = 0.0
    power_ms: int = 0  # how long the power of every pump was known
    volume_m3: float = 0.0
    flow_ms: int = 0  # how long the flow of every header was known

    def __add__(self, other: "Hour") -> "Hour":
        """Both together."""
        return Hour(
            self.energy_kwh + other.energy_kwh,
            self.cost + other.cost,
            self.power_ms + other.power_ms,
            self.volume_m3 + other.volume_m3,
            self.flow_ms + other.flow_ms,
        )


Hours = dict[int, Hour]  # by the instant each begins, ms; whole hours since the station's midnight, last counted last


def hour_ms(ts_ms: int, zone: ZoneInfo) -> int:
    """When the hour that an instant belongs to begins."""
    midnight_ms, _ = tariff.midnights_ms(ts_ms, zone)
    return ts_ms - (ts_ms - midnight_ms) % HOUR_MS


def counted(hours: Hours, settings: AgentSettings, cells: Frame, states: Mapping[str, States], zone: ZoneInfo) -> Hours:
    """*hours* with *cells* in them.

    An hour that *cells* has from its beginning is counted anew: whatever a wrong clock once put there is gone. Those
    that were counted longest ago are forgotten, whatever date they bear, so that no excursion of the clock costs today.

    Args:
        hours: As counted so far.
        settings: The plant.
        cells: What comes now.
        states: Of each pump in each cell.
        zone: The station's.
    """
    found: Hours = {}
    powers, flows = _powers(settings, cells, states), _flows(settings, cells)
    prices = tariff.prices(settings.tariff, cells.times_ms, zone)
    for start_ms, part in _parts(cells, zone):
        is_whole = int(cells.times_ms[0]) - cells.step_ms < start_ms
        before = Hour() if is_whole else hours.get(start_ms, Hour())
        found[start_ms] = before + _hour(powers[part], flows[part], prices[part], cells.step_ms)
    kept = {start_ms: hour for start_ms, hour in hours.items() if start_ms not in found} | found
    return dict(list(kept.items())[-_MOST_HOURS:])


def _parts(cells: Frame, zone: ZoneInfo) -> Iterator[tuple[int, slice]]:
    """Each hour's beginning and its cells; the last hour of a day ends with the day."""
    begin = 0
    while begin < len(cells):
        at_ms = int(cells.times_ms[begin])
        start_ms, (_, next_ms) = hour_ms(at_ms, zone), tariff.midnights_ms(at_ms, zone)
        end = int(np.searchsorted(cells.times_ms, min(start_ms + HOUR_MS, next_ms)))
        yield start_ms, slice(begin, end)
        begin = end


def _hour(powers: Floats, flows: Floats, prices: Floats, step_ms: int) -> Hour:
    """Of cells with these kW, m³/h and money per kWh."""
    energy = np.nansum(powers, axis=1) * step_ms / HOUR_MS
    return Hour(
        energy_kwh=float(energy.sum()),
        cost=float((energy * prices).sum()),
        power_ms=int(np.isfinite(powers).all(axis=1).sum()) * step_ms,
        volume_m3=float(np.nansum(flows)) * step_ms / HOUR_MS,
        flow_ms=int(np.isfinite(flows).all(axis=1).sum()) * step_ms,
    )


def _powers(settings: AgentSettings, cells: Frame, states: Mapping[str, States]) -> Floats:
    """Of each pump in each cell, kW, shape (n, pumps), NaN where not known; a stopped one's is its meter's noise."""
    found = np.full((len(cells), len(settings.pumps)), np.nan)
    for column, pump in enumerate(settings.pumps):
        is_running, is_stopped = (states[pump.id] == state for state in (RUNNING, STOPPED))
        found[is_running, column] = evidence(cells, pump).power[is_running]
        found[is_stopped, column] = 0.0
    return found


def _flows(settings: AgentSettings, cells: Frame) -> Floats:
    """Of each header in each cell, m³/h, shape (n, headers), NaN where not known."""
    found = np.full((len(cells), len(settings.headers)), np.nan)
    for column, header in enumerate(settings.headers):
        found[:, column] = header_state(cells, header).flow
    return found


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day so far: what was measured of it, None where that is nothing.

    A figure is the whole where its covered share is 1, and else the least that it can be.
    """

    energy_kwh: float | None
    cost: float | None
    power_covered: (
        float | None
    )  # share of the time since midnight in which every pump's was known; None where a pump has no power meter
    volume_m3: float | None
    flow_covered: float

    @property
    def is_whole(self) -> bool:
        """Whether what is missing does not matter."""
        return min(self.flow_covered, 1.0 if self.power_covered is None else self.power_covered) >= 0.99  # noqa: PLR2004


def day_figures(hours: Hours, settings: AgentSettings, now_ms: int, zone: ZoneInfo) -> DayFigures:
    """Of the station's day up to *now_ms*; the instant that ends a day belongs to it."""
    midnight_ms, _ = tariff.midnights_ms(now_ms - 1, zone)
    today = sum((hour for start_ms, hour in hours.items() if midnight_ms <= start_ms < now_ms), Hour())
    # a pump without a meter of power uses energy that nobody sees
    is_metered = bool(settings.pumps) and all(pump.power is not None for pump in settings.pumps)
    has_energy = is_metered and (today.power_ms or today.energy_kwh) > 0
    return DayFigures(
        energy_kwh=today.energy_kwh if has_energy else None,
        cost=today.cost if has_energy and settings.tariff.is_priced else None,
        power_covered=min(1.0, today.power_ms / (now_ms - midnight_ms)) if is_metered else None,
        volume_m3=today.volume_m3 if today.flow_ms or today.volume_m3 else None,
        flow_covered=min(1.0, today.flow_ms / (now_ms - midnight_ms)),
    )
