"""A header's minutes as the saving job looks at them: what was measured, and why one is not to be counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.availability import Availability
from agent.jobs.evidence import header_state, header_tags, pump_tags, pumps_of, running
from agent.jobs.job import JobContext
from agent.jobs.running import first_thresholds, thresholds
from agent.mqtt.payloads import Quality
from agent.plant import HeaderSettings, PumpSettings
from agent.window import Frame, frame
from analytics.curves.model import StationModel
from analytics.dispatch.measured import Doubt, Met
from analytics.running import RUNNING, States

Floats = NDArray[np.float64]

STEP_MS = 60_000  # of a cell
_BEFORE_MS = 600_000  # of the log that tell how the pumps stood when the first cell began
_TOLD: Mapping[Doubt, str] = {
    "too_much": "the former operation could not have delivered the flow at the head",
    "too_little": "the former operation could not have been turned down to the flow at the head",
    "not_learnt": "the former operation would have been outside what the curves have learnt",
    "not_explained": "flow and power are not what the curves say of the present operation",
}


@dataclass(frozen=True, slots=True)
class HeaderCells:
    """The minutes of one header, oldest first."""

    times_ms: NDArray[np.int64]  # (n,)
    pumps: tuple[PumpSettings, ...]
    states: Mapping[str, States]  # (n,) by pump
    speeds: Mapping[str, Floats]  # (n,) relative
    powers: Mapping[str, Floats]  # (n,) kW; NaN where not measured
    flow: Floats  # (n,) m³/h
    head: Floats  # (n,) m
    suspects: Mapping[str, NDArray[np.bool_]]  # (n,) of tags that the others speak against
    seen: tuple[Availability, ...]  # what stands behind all this, by tag
    bands: Mapping[str, tuple[float, float]]  # lowest and highest relative speed of the pumps that follow the demand

    def speeds_at(self, place: int) -> dict[str, float] | None:
        """Relative speeds of the pumps that run; None where one is not known."""
        if any(self.states[pump.id][place] < 0 for pump in self.pumps):
            return None
        found = {pump.id: float(self.speeds[pump.id][place]) for pump in self._running(place)}
        return found if all(map(np.isfinite, found.values())) else None

    def why_not(self, place: int, is_learnt: bool) -> str | None:  # noqa: FBT001 - of the station
        """Why a cell cannot be counted, whatever the model says; None where it can."""
        if self.speeds_at(place) is None:
            return "it was not known which pumps ran, or how fast"
        for name, values in (("the flow", self.flow), ("the head", self.head)):
            if not np.isfinite(values[place]):
                return f"{name} was not measured"
        for pump in self._running(place):
            if not np.isfinite(self.powers[pump.id][place]):
                return f"the power of {pump.id} was not measured"
        suspect = next((tag for tag, is_suspect in self.suspects.items() if is_suspect[place]), None)
        if suspect is not None:
            return f"{suspect} was suspected by other meters"
        return None if is_learnt else "no curves had been learnt"

    @staticmethod
    def told(doubt: Doubt) -> str:
        """A doubt of the model's in words."""
        return _TOLD[doubt]

    def met(self, places: list[int], model: StationModel) -> Met:
        """What was measured at *places*, all of which can be counted."""
        speeds = np.zeros((len(places), len(model.pumps)))
        power = np.zeros(len(places))
        for pump in self.pumps:
            runs = self.states[pump.id][places] == RUNNING
            power += np.where(runs, self.powers[pump.id][places], 0.0)
            if pump.id in model.pumps:
                speeds[:, model.pumps.index(pump.id)] = np.where(runs, self.speeds[pump.id][places], 0.0)
        return Met(self.flow[places], self.head[places], speeds, power)

    def _running(self, place: int) -> Iterator[PumpSettings]:
        return (pump for pump in self.pumps if self.states[pump.id][place] == RUNNING)


def header_cells(context: JobContext, header: HeaderSettings, start_ms: int, end_ms: int) -> HeaderCells:
    """What was measured, and never a filled value, from *start_ms* up to *end_ms*."""
    pumps = tuple(pumps_of(context.settings, header))
    tags = [*header_tags(header), *(tag for pump in pumps for tag in pump_tags(pump))]
    whole = frame(context.reader, context.settings, tags, start_ms - _BEFORE_MS, end_ms, STEP_MS)
    limits = thresholds(context.reader.job_state("running")[1]) or first_thresholds(context.settings, whole)
    cells, skipped = whole.since(start_ms), _BEFORE_MS // STEP_MS
    met = header_state(cells, header)
    return HeaderCells(
        times_ms=cells.times_ms,
        pumps=pumps,
        states={pump: states[skipped:] for pump, states in running(whole, pumps, limits).items()},
        speeds={pump.id: _speed(cells, pump) for pump in pumps},
        powers={pump.id: _measured(cells, pump.power) for pump in pumps},
        flow=met.flow,
        head=np.asarray(met.head),
        suspects=_suspects(context, cells),
        seen=tuple(map(cells.availability, cells.values)),
        bands={
            pump.id: (pump.speed_min, pump.speed_max)
            for pump in pumps
            if pump.drive == "variable" and pump.speed is not None
        },
    )


def _speed(cells: Frame, pump: PumpSettings) -> Floats:
    return np.ones(len(cells)) if pump.speed is None else cells.values[pump.speed] / pump.rated_speed


def _measured(cells: Frame, tag: str | None) -> Floats:
    return np.full(len(cells), np.nan) if tag is None else cells.values[tag]


def _suspects(context: JobContext, cells: Frame) -> dict[str, NDArray[np.bool_]]:
    """Where the quality reports suspect one of the tags."""
    found: dict[str, NDArray[np.bool_]] = {}
    if not len(cells):
        return found
    report_ms = round(1_000 * context.settings.jobs.quality.report)
    end_ms = int(cells.times_ms[-1]) + STEP_MS
    for record in context.reader.records("quality", int(cells.times_ms[0]), end_ms + 2 * report_ms):
        said = Quality.kept(record.body) if record.body else None
        for tag in {check.suspect for check in said.cross_checks if check.suspect} if said else ():
            if said is not None and tag in cells.values:
                among = (cells.times_ms + STEP_MS > said.start) & (cells.times_ms < said.end)
                found[tag] = found.get(tag, np.zeros(len(cells), bool)) | among
    return found
