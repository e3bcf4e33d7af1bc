"""What a drawing of a pump's curves shows, and the words beside it; how it is drawn is decided elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from agent.mqtt.payloads import PumpCurve
from analytics.hydraulics import Floats

Quantity = Literal["head", "efficiency", "power"]
UNITS: dict[Quantity, str] = {"head": "m", "efficiency": "%", "power": "kW"}
LIKELY = 1.645  # standard deviations either side: 90 % of a normal distribution
ROOM = 0.06  # of an axis, beyond what is shown
LEAST_SPAN = 0.06  # of the values, that an axis spans: a flat line looks flat
COMMON = (1.0, 99.0)  # percentiles of the readings that an axis has to hold
OUTLIER = 4.0  # robust standard deviations off the curve, beyond which a reading does not count in R² and RMSE


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Points or a line: flow, m³/h, and what belongs to it, each of shape (n,); NaN where not known.

    Attributes:
        flow: m³/h.
        values: m, kW and %.
        stds: Their standard deviations; empty where none are known.
    """

    flow: Floats
    values: Mapping[Quantity, Floats]
    stds: Mapping[Quantity, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Present:
    """What the pump does now, at its own speed.

    Attributes:
        duty: One point.
        curve: Of the same pump at that speed.
        speed: Relative.
        flow_source: Measured, derived or modelled.
        flow_std: Standard deviation of its flow, m³/h, where one is known.
        ts_ms: Of what time.
    """

    duty: Trace
    curve: Trace
    speed: float
    flow_source: str
    flow_std: float | None
    ts_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """The reference that wear is held against.

    Attributes:
        curve: At rated speed.
        source: Learnt or catalogue.
        taken_ms: When it was taken.
    """

    curve: Trace
    source: str
    taken_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A pump's curves at rated speed and what they rest on.

    Attributes:
        station: Its name.
        said: The curve as it is published.
        fit: Where data support it.
        beyond: The same formulas to the left and right of that.
        readings: Steady means, brought to rated speed.
        is_metered: Their flow is the pump's own meter's; else what the other pumps leave of the header's.
        times_ms: Of the oldest and newest of them; None where there are none.
        plate: Flow and head of the plate, or of the best point of its data sheet, at the gauges.
        plate_name: Which of the two.
        best_flow: m³/h, by the curve or else, where the data do not reach both sides of it, by the plate.
        por: Preferred operating region, m³/h.
        present: None while it does not run.
        reference: None until there is one.
        zone: In which dates are written.
    """

    station: str
    said: PumpCurve
    fit: Trace
    beyond: tuple[Trace, ...]
    readings: Trace
    is_metered: bool
    times_ms: tuple[int, int] | None
    plate: tuple[float, float] | None
    plate_name: str
    best_flow: float | None
    por: tuple[float, float] | None
    present: Present | None
    reference: Frozen | None
    zone: ZoneInfo

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.said.pump} of {self.station}: curves at rated speed"

    @property
    def best_name(self) -> str:
        """What the best flow that is drawn is."""
        return "best efficiency" + ("" if self.said.bep_flow is not None else f" by the {self.plate_name}")

    def words(self) -> Iterator[str]:
        """What the picture rests on, a sentence a line."""
        yield f"Method: {self.said.method}; {self._goodness()}."
        yield self._basis()
        reach = "{:.0f} to {:.0f} m³/h at rated speed".format(*self.fit.flow[[0, -1]])
        if self.said.readings:
            yield f"Supported by data from {reach}; dashed where nothing was measured."
        else:
            yield f"Its data sheet reaches from {reach}; dashed beyond."
        yield self._best()
        if self.reference is not None:
            taken = datetime.fromtimestamp(self.reference.taken_ms / 1_000, self.zone)
            yield f"Reference, against which wear is told: {self.reference.source}, taken {taken:%Y-%m-%d}."
        if self.present is not None:
            yield self._duty(self.present)
        if self.said.reason is not None:
            yield f"{self.said.reason[0].upper()}{self.said.reason[1:]}."

    def _goodness(self) -> str:
        said = self.said
        if said.head_r2 is not None and said.head_rmse is not None:
            of = "head of the header" if said.left_out == "time_blocks" else "head"
            where = (said.left_out or "flow_ranges").replace("_", " ")
            return f"{of} R² {said.head_r2:.3f}, RMSE {said.head_rmse:.2f} m in {where} left out of the fit"
        return _agreement(self.readings, self.fit)

    def _basis(self) -> str:
        speeds = ""
        if self.said.speed_min is not None and self.said.speed_max is not None:
            ends = (f"{100 * self.said.speed_min:.0f}", f"{100 * self.said.speed_max:.0f}")
            speeds = f" at {' to '.join(dict.fromkeys(ends))} % of rated speed"
        how = (
            "its own flow meter" if self.is_metered else "the header's flow, less what the curves give the other pumps"
        )
        if not self.said.readings:
            return "Nothing was measured of it yet."
        if self.times_ms is None:
            return f"From {self.said.readings} steady readings{speeds}, by {how}; none of them is kept to be shown."
        first, last = (f"{datetime.fromtimestamp(ms / 1_000, self.zone):%Y-%m-%d %H:%M}" for ms in self.times_ms)
        return f"From {self.said.readings} steady readings, {first} to {last}{speeds}, by {how}."

    def _best(self) -> str:
        said = self.said
        if said.bep_flow is not None and said.bep_efficiency is not None:
            spread = "" if said.bep_flow_std is None else f" ± {said.bep_flow_std:.1f}"
            return (
                f"Best efficiency: {100 * said.bep_efficiency:.1f} % wire to water at {said.bep_flow:.0f}{spread} m³/h."
            )
        return f"Best efficiency: {said.bep_reason or 'not known'}."

    def _duty(self, now: Present) -> str:
        when = f"{datetime.fromtimestamp(now.ts_ms / 1_000, self.zone):%Y-%m-%d %H:%M}"
        spread = "" if now.flow_std is None else f" ± {now.flow_std:.1f}"
        figures = [f"{now.duty.flow[0]:.0f}{spread} m³/h ({now.flow_source})"]
        figures += [
            f"{now.duty.values[what][0]:.1f} {unit}"
            for what, unit in UNITS.items()
            if np.isfinite(now.duty.values[what])
        ]
        return f"Duty {when} at {100 * now.speed:.1f} % speed: {', '.join(figures)}."


def limits(picture: Picture, what: Quantity | None = None) -> tuple[float, float]:
    """Ends of the axis of *what*, of the flow where it is None; a single wild reading does not stretch it."""

    def of(trace: Trace) -> Floats:
        values = trace.flow if what is None else trace.values[what]
        return values[np.isfinite(values)]

    readings = of(picture.readings)
    shown = [of(picture.fit), np.percentile(readings, COMMON) if len(readings) else readings]
    if what is not None and what in picture.fit.stds:
        band = LIKELY * np.nan_to_num(picture.fit.stds[what])
        shown += [of(picture.fit) + band * side for side in (-1.0, 1.0)]
    shown += [of(each) for each in picture.beyond]
    if what is None and picture.best_flow is not None:
        shown.append(np.array([picture.best_flow]))
    if what in {None, "head"} and picture.plate is not None:
        shown.append(np.array([picture.plate[0 if what is None else 1]]))
    if picture.present is not None:
        shown.append(of(picture.present.duty))
    every = np.concatenate(shown)
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    room = max(ROOM * (high - low), 0.5 * (LEAST_SPAN * high - (high - low)))
    return max(low - room, 0.0), high + room


def _agreement(readings: Trace, fit: Trace) -> str:
    """R² and RMSE of the head of the readings within the fit's range, outliers aside."""
    head = readings.values["head"]
    inside = np.isfinite(head) & (readings.flow >= fit.flow[0]) & (readings.flow <= fit.flow[-1])
    if not inside.any():
        return "no reading to hold it against"
    head = head[inside]
    off = head - np.interp(readings.flow[inside], fit.flow, fit.values["head"])
    kept = np.abs(off) <= OUTLIER * 1.4826 * float(np.median(np.abs(off)))
    head, off = head[kept], off[kept]
    spread = float(((head - head.mean()) ** 2).sum())
    r2 = f"R² {1.0 - float(off @ off) / spread:.3f}, " if spread > 0.0 else ""
    aside = f", {(~kept).sum()} outliers of {len(kept)} aside" if not kept.all() else ""
    return f"head {r2}RMSE {float(np.sqrt((off**2).mean())):.2f} m of the readings shown{aside}"
