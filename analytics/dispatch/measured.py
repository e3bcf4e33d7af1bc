"""What a former operation would have drawn, and what is saved against it by what the meters say.

In the manner of IPMVP, option B (EVO 10000): saving = baseline - measured, the baseline adjusted to the conditions of
the reporting period: the former set of pumps, for the flow that was delivered at the head that was met. Its rule of
speeds is the ratio they had: drives that follow the demand are scaled together, within their limits; a set without
such drives runs for a share of the time. No flow or head is looked at beyond what the model has learnt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.curves.model import StationModel
from analytics.dispatch.formless import formless
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample, missed

Doubt = Literal["too_much", "too_little", "not_learnt", "not_explained"]
"""Why nothing is claimed: the former operation could not have delivered so much, or so little; the model has not learnt
what it would have done; or it does not explain what the meters say of the present one."""

_TRIM = 0.002  # of the speeds, to see what more flow costs
_HALVINGS = 30
_CLOSE = 0.001  # share of the flow by which a trimmed operation may miss it
_LONGER = 0.03  # share by which a set without drives may fall short, as the model may miss a flow
_LEAST_SHARE = 0.5  # of the time that such a set would have run
_DELIVERS = 0.9  # share of the draws that must deliver
_MISFIT = 0.05  # share of flow and power by which the model may miss the present operation, beyond three deviations


@dataclass(frozen=True, slots=True)
class Former:
    """An operation that is no longer run."""

    speeds: Mapping[str, float]  # relative, of the pumps that ran
    bands: Mapping[str, tuple[float, float]]  # lowest and highest of those whose drives follow the demand


@dataclass(frozen=True, slots=True)
class Met:
    """What was measured instead, in n cells."""

    flow: Array  # (n,) m³/h
    head: Array  # (n,) m
    speeds: Array  # (n, pumps) relative, in the model's order; 0 stopped
    power: Array  # (n,) kW, of all pumps that run


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the former operation would have drawn in each cell."""

    power: Array  # (n,) kW
    draws: Array  # (draws, n) kW, by stations that could be the true one
    residual: Array  # (n,) kW, standard deviation of what lasts for a time; the same error throughout
    noise: Array  # (n,) kW, standard deviation of what the meters scatter; another error in each cell
    doubts: Sequence[Doubt | None]  # of each cell; where there is one, the figures are nothing


@dataclass(slots=True)
class Errors:
    """What a sum may be off, kWh or money."""

    spread: list[float] = field(default_factory=list)  # each draw's sum above the mean
    residual: float = 0.0  # standard deviation of what lasts for a time
    noise: float = 0.0  # variance of what the meters scatter

    @property
    def std(self) -> float:
        """Standard deviation of the sum."""
        drawn = float(np.std(self.spread, ddof=1)) if self.spread else 0.0
        return float(np.sqrt(drawn**2 + self.residual**2 + self.noise))

    def plus(self, other: "Errors") -> "Errors":
        """Of both sums together, of different advice.

        The same draws are the same station: what is wrong in both adds up, draw by draw, and what is wrong in one
        way here and in the other there cancels. What lasts for a time is taken as each time's own, and so are draws
        of another number, which are of another version.
        """
        if self.spread and other.spread and len(self.spread) != len(other.spread):
            return Errors(self.spread, self.residual, self.noise + other.std**2)
        spread = _added(self.spread, np.array(other.spread)) if other.spread else self.spread
        return Errors(spread, float(np.hypot(self.residual, other.residual)), self.noise + other.noise)


@dataclass(slots=True)
class Tally:
    """A saving as it is summed up; adding up in any portions gives the same."""

    hours: float = 0.0
    baseline_kwh: float = 0.0
    measured_kwh: float = 0.0
    money: float = 0.0
    spread: list[float] = field(default_factory=list)  # kWh, each draw's baseline above the mean
    money_spread: list[float] = field(default_factory=list)
    residual_kwh: float = 0.0
    money_residual: float = 0.0
    noise: float = 0.0  # kWh²
    money_noise: float = 0.0

    def add(self, baseline: Baseline, power: Array, prices: Array, hours: float) -> None:
        """Add the cells without doubt.

        Args:
            baseline: Of n cells.
            power: Measured, shape (n,), kW.
            prices: Money per kWh, shape (n,).
            hours: Length of a cell.
        """
        good = np.array([doubt is None for doubt in baseline.doubts], bool)
        if not good.any():
            return  # there may be fewer draws than of another time
        expected, worth = baseline.power[good], prices[good]
        above = (baseline.draws[:, good] - expected) * hours
        self.hours += hours * int(good.sum())
        self.baseline_kwh += hours * float(expected.sum())
        self.measured_kwh += hours * float(power[good].sum())
        self.money += hours * float(((expected - power[good]) * worth).sum())
        self.spread = _added(self.spread, above.sum(axis=1))
        self.money_spread = _added(self.money_spread, (above * worth).sum(axis=1))
        self.residual_kwh += hours * float(baseline.residual[good].sum())
        self.money_residual += hours * float((baseline.residual[good] * worth).sum())
        self.noise += hours**2 * float((baseline.noise[good] ** 2).sum())
        self.money_noise += hours**2 * float(((baseline.noise[good] * worth) ** 2).sum())

    @property
    def kwh(self) -> float:
        """Saved."""
        return self.baseline_kwh - self.measured_kwh

    @property
    def errors(self) -> Errors:
        """Of what is saved, kWh."""
        return Errors(self.spread, self.residual_kwh, self.noise)

    @property
    def money_errors(self) -> Errors:
        """The same of the money."""
        return Errors(self.money_spread, self.money_residual, self.money_noise)

    @property
    def std(self) -> float:
        """Standard deviation of what is saved, kWh."""
        return self.errors.std

    @property
    def money_std(self) -> float:
        """Standard deviation of the money."""
        return self.money_errors.std


def _added(before: list[float], more: Array) -> list[float]:
    return [float(each) for each in (np.array(before) + more if before else more)]


def baseline(sample: Sample, former: Former, met: Met) -> Baseline:
    """What *former* would have drawn for the flow at the head of each cell."""
    model = sample.model
    speeds = _trimmed(model, former, met)
    flow, power = _duty(model, speeds, met.head)
    expected = _at_flow(model, former, speeds, met, 0.0)
    pairs = zip(sample.stations, sample.drifts, strict=False)
    draws = np.array([_at_flow(one, former, speeds, met, float(drift)) for one, drift in pairs])
    draws = draws.reshape(-1, len(met.flow))
    draws = expected + np.sqrt(model.basis.misfit.lack) * (draws - expected)
    draws = draws + formless(model, speeds, met.head, len(draws))
    delivers = np.isfinite(draws).sum(axis=0) / len(sample.drifts)
    residual = np.nan_to_num(model.basis.misfit.lasts) * power
    noise = np.hypot(
        np.sqrt(((met.speeds > 0) * np.nan_to_num(model.power_noise) ** 2).sum(axis=1)),
        _share(model.flow_noise, met.flow) * power,
    )
    is_learnt = _is_learnt(model, former, speeds, met.head)
    is_learnt &= len(draws) == len(sample.drifts)  # fewer: a covariance out of hand
    fits = _explains(model, met)
    doubts: list[Doubt | None] = []
    for place, ratio in enumerate(np.divide(met.flow, flow, out=np.full(len(flow), np.nan), where=flow > 0)):
        doubts.append(_doubt(former, ratio, (bool(fits[place]), bool(is_learnt[place]), float(delivers[place]))))
    return Baseline(expected, np.where(np.isfinite(draws), draws, expected), residual, noise, doubts)


def _is_judged(model: StationModel, former: Former) -> bool:
    """Whether what the model misses of all the former pumps is known, in times that it was fitted to and in others."""
    (powers, flows), seen = missed(model), model.basis.misfit
    if len(seen.works) != len(model.pumps) or not set(former.speeds) <= set(model.pumps):
        return False  # learnt before it was looked at, or without a pump
    ran = np.array([pump in former.speeds for pump in model.pumps])
    return bool(np.isfinite([*powers[ran], flows, *np.array(seen.works)[ran], seen.lasts]).all())


def _share(error: float, flow: Array) -> Array:
    """Of the flow, (n,); NaN where there is none."""
    return np.asarray(np.divide(error, flow, out=np.full(len(flow), np.nan), where=flow > 0))


def _doubt(former: Former, ratio: float, known: tuple[bool, bool, float]) -> Doubt | None:
    """By the *ratio* of the flow met to the former operation's, and what is *known* of the cell."""
    fits, is_learnt, delivers = known
    low, high = (1 - _CLOSE, 1 + _CLOSE) if former.bands else (_LEAST_SHARE, 1 + _LONGER)
    if not fits:
        return "not_explained"
    if not ratio <= high:  # NaN where a pump does not reach the head
        return "too_much"
    if ratio < low:
        return "too_little"
    if not is_learnt:
        return "not_learnt"
    return None if delivers >= _DELIVERS else "too_much"


def _trimmed(model: StationModel, former: Former, met: Met) -> Array:
    """The former speeds, those of its drives scaled together to the flow as near as their limits allow; (n, pumps)."""
    ratios = [bound / former.speeds[pump] for pump, band in former.bands.items() for bound in band]
    cells = len(met.flow)
    low, high = np.full(cells, min(ratios, default=1.0)), np.full(cells, max(ratios, default=1.0))
    if former.bands:
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            flow, _ = _duty(model, _scaled(model, former, middle), met.head)
            is_short = ~(flow >= met.flow)  # also where one does not reach the head
            low, high = np.where(is_short, middle, low), np.where(is_short, high, middle)
    return _scaled(model, former, high)


def _scaled(model: StationModel, former: Former, factor: Array) -> Array:
    speeds = np.zeros((len(factor), len(model.pumps)))
    for index, pump in enumerate(model.pumps):
        own = former.speeds.get(pump, 0.0)
        band = former.bands.get(pump)
        speeds[:, index] = own if band is None else np.clip(factor * own, *band)
    return speeds


def _duty(model: StationModel, speeds: Array, head: Array) -> tuple[Array, Array]:
    """Total flow, m³/h, and power, kW, each (n,)."""
    duty = model.duty(speeds, head)
    return np.asarray(duty.flows.sum(axis=-1)), np.asarray(duty.powers.sum(axis=-1))


def _at_flow(station: StationModel, former: Former, speeds: Array, met: Met, drift: float) -> Array:
    """Power at the flow that was met, kW, (n,), near *speeds*; NaN where a pump does not reach the head."""
    head = met.head + drift
    flow, power = _duty(station, speeds, head)
    if not former.bands:
        return np.asarray(power * met.flow / flow)
    follows = np.array([pump in former.bands for pump in station.pumps])
    more_flow, more_power = _duty(station, speeds * (1 + _TRIM * follows), head)
    steps = (met.flow - flow) / np.where(more_flow > flow, more_flow - flow, np.nan)
    slope = (more_power - power) / np.where(more_flow > flow, more_flow - flow, np.nan)
    flow, power = _duty(station, speeds * (1 + _TRIM * follows * steps[:, np.newaxis]), head)
    return np.asarray(np.where(np.isfinite(steps), power + slope * (met.flow - flow), np.nan))


def _is_learnt(model: StationModel, former: Former, speeds: Array, head: Array) -> NDArray[np.bool_]:
    """Whether each running pump's duty lies inside what was learnt, (n,)."""
    flows = model.duty(speeds, head).flows
    inside = np.full(len(speeds), _is_judged(model, former))
    for index, pump in enumerate(model.pumps):
        runs = speeds[:, index] > 0
        inside &= ~runs | model.supports(pump, flows[:, index], speeds[:, index])
    return inside


def _explains(model: StationModel, met: Met) -> Array:
    """Whether the model's flow and power of the present operation are the meters', (n,)."""
    told = model.predict(met.speeds, met.head)
    power, std = told.powers.sum(axis=-1), np.sqrt((told.power_std**2).sum(axis=-1))
    is_flow = np.abs(told.flow - met.flow) <= _MISFIT * met.flow + 3 * told.flow_std
    return np.asarray(is_flow & (np.abs(power - met.power) <= _MISFIT * met.power + 3 * std))
