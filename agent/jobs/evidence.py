"""What a frame says of pumps and headers: the plant's parts instead of its tags."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.hydraulics import pump_head
from analytics.running import Evidence, States, Thresholds, held, states

Floats = NDArray[np.float64]


def pump_tags(pump: PumpSettings) -> list[str]:
    """Tags that tell whether it runs, and at what duty."""
    return [tag for tag in (pump.status, pump.power, pump.current, pump.speed, pump.flow) if tag is not None]


def has_power_alone(pump: PumpSettings) -> bool:
    """Whether nothing but its power tells that it runs, and no plate what that may be."""
    others = (pump.status, pump.current, pump.speed, pump.rated_power)
    return pump.power is not None and all(each is None for each in others)


def header_tags(header: HeaderSettings) -> list[str]:
    """Tags of its head and flow."""
    more = (suction_tag(header), header.temperature)
    return [*header.pressure, *header.flow, *(tag for tag in more if tag is not None)]


def suction_tag(header: HeaderSettings) -> str | None:
    """The tag that tells the pressure at its pumps' inlet."""
    return header.suction_pressure or header.suction_level


def duty_tags(header: HeaderSettings, pumps: Iterable[PumpSettings]) -> list[str]:
    """Tags that the duty of *pumps* rests on, which run; beside these one of the header's pressure gauges."""
    of_pumps = (tag for pump in pumps for tag in (pump.speed, pump.power))
    return [tag for tag in (*header.flow, *of_pumps, suction_tag(header)) if tag is not None]


def plant_tags(settings: AgentSettings) -> list[str]:
    """Every tag that plays a part in the state of pumps and headers."""
    return [
        *(tag for pump in settings.pumps for tag in pump_tags(pump)),
        *(tag for header in settings.headers for tag in header_tags(header)),
    ]


def evidence(frame: Frame, pump: PumpSettings) -> Evidence:
    """What the frame says of a pump's running; speed relative to the rated one."""
    return Evidence(
        times_ms=frame.times_ms,
        status=_column(frame, pump.status),
        power=_column(frame, pump.power),
        current=_column(frame, pump.current),
        speed=_column(frame, pump.speed) / pump.rated_speed,
    )


def running(frame: Frame, pumps: tuple[PumpSettings, ...], thresholds: Mapping[str, Thresholds]) -> dict[str, States]:
    """Each pump's state in each cell (`analytics.running`: 1 running, 0 stopped, -1 unknown), by its id.

    Without dwell: a cell in which a pump starts or stops says what its evidence says there.
    """
    return {pump.id: held(states(evidence(frame, pump), thresholds.get(pump.id, Thresholds()))) for pump in pumps}


@dataclass(frozen=True, slots=True)
class HeaderState:
    """A header in each cell of a frame, each of shape (n,), NaN where not known."""

    flow: Floats  # m³/h, sum of its meters
    head: Floats  # m, that its pumps add


def header_state(frame: Frame, header: HeaderSettings) -> HeaderState:
    """Flow and head of a header; the median of its pressure gauges counts."""
    return HeaderState(
        flow=frame.matrix(header.flow).sum(axis=1),
        head=pump_head(gauge(frame, header), suction(frame, header), header.elevation),
    )


def gauge(frame: Frame, header: HeaderSettings) -> Floats:
    """Gauge pressure of a header, m of water, shape (n,): the median of its gauges."""
    return _median(frame.matrix(header.pressure))


def suction(frame: Frame, header: HeaderSettings) -> Floats | float:
    """Gauge pressure at the pumps' inlet, m of water: by a gauge, else by the level they draw from, else as configured.

    A level says nothing of what the suction pipe loses.
    """
    if header.suction_pressure is not None:
        return frame.values[header.suction_pressure]
    if header.suction_level is not None:
        return np.asarray(frame.values[header.suction_level] + header.suction_level_zero)
    return header.suction_head


def pumps_of(settings: AgentSettings, header: HeaderSettings) -> Iterator[PumpSettings]:
    """The pumps that deliver into a header."""
    return (pump for pump in settings.pumps if pump.header == header.id)


def _column(frame: Frame, tag: str | None) -> Floats:
    return np.full(len(frame), np.nan) if tag is None else frame.values[tag]


def _median(gauges: Floats) -> Floats:
    """Of the gauges that say something; NaN where none does."""
    ordered = np.sort(gauges, axis=1)  # what is not known comes last
    known, row = np.isfinite(gauges).sum(axis=1), np.arange(len(gauges))
    median: Floats = (ordered[row, (known - 1) // 2] + ordered[row, known // 2]) / 2
    return np.where(known > 0, median, np.nan)
