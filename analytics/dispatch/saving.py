"""What a change of operation saves, as the model sees both, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np

from analytics.curves.model import Duty, StationModel
from analytics.dispatch.pump import Array

_TRIM = 0.002  # of the speeds, to see what more flow costs
LIKENESS = 0.12  # of a pump's range of flows, over which what is missed of it goes together (make bench-saving)
_OFF_SPEED = 0.3  # share of a pump's power that may be missed for each share by which its speed leaves those seen


@dataclass(frozen=True, slots=True)
class Saving:
    """Of a proposal against the present operation at equal flow; kW."""

    present: float
    proposed: float
    proposed_std: float
    std: float  # of the saving: what is uncertain in both operations cancels
    delivers: float  # share of the draws in which the proposal can be run at all

    @property
    def mean(self) -> float:
        """Expected saving, kW."""
        return self.present - self.proposed

    @property
    def confidence(self) -> float:
        """Probability that the saving is positive."""
        return self.sure_of(0.0)

    def sure_of(self, least: float) -> float:
        """Probability that it is more than *least* kW."""
        if self.std == 0.0:
            return self.delivers * float(self.mean > least)
        return self.delivers * NormalDist().cdf((self.mean - least) / self.std)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run the pumps of a header."""

    speeds: Mapping[str, float]  # of the running ones, relative
    head: float  # m
    trimmed: frozenset[str] = frozenset()  # pumps whose drives follow the demand
    share: float = 1.0  # of the present flow, that it is to deliver


@dataclass(frozen=True, slots=True)
class Sample:
    """A station and others that could be it, so that operations are compared on one and the same.

    They are as unlike as its data leave them; what its form misses is no station's of that form, and counted beside.
    """

    model: StationModel
    stations: Sequence[StationModel]
    drifts: Array  # of the head, one a station, m

    @classmethod
    def of(cls, model: StationModel, draws: int, seed: int) -> Self:
        """*draws* stations; the same *seed* makes two comparisons comparable."""
        rng = np.random.default_rng(seed)
        drifts = model.head_drift * rng.standard_normal(draws)
        return cls(model, model.without_form.draws(draws, rng), drifts)


def compare(sample: Sample, present: Way, proposed: Way, *, beyond_kw: float = 0.0) -> Saving:
    """The saving of *proposed* over *present* by the model, its uncertainty from stations that could be the true one.

    In each of them the present speeds give a flow of their own, and the proposal is trimmed to it, or to the share of
    it that it is to deliver, as the header's controller would: along its variable pumps' speeds, or, where there are
    none, by running for longer. What times left out of the fit have shown is the draws' error too: the greater of the
    two counts.

    Args:
        sample: The stations.
        present: As it is run now.
        proposed: Instead.
        beyond_kw: Standard deviation of what the model's form cannot know of the proposal, kW.
    """
    rows = _rows(sample.model, present, proposed)
    mean_present, mean_proposed = _powers(sample.model, rows, 0.0)
    pairs = zip(sample.stations, sample.drifts, strict=False)  # a covariance out of hand gives fewer stations
    sampled = np.array([_powers(one, rows, drift) for one, drift in pairs]).reshape(-1, 2)
    delivered = sampled[np.isfinite(sampled).all(axis=1)]
    if not np.isfinite(mean_proposed) or len(delivered) < 2:  # noqa: PLR2004 - a spread needs two
        return Saving(mean_present, mean_present, np.inf, np.inf, 0.0)
    spread = float(np.std(delivered[:, 0] - delivered[:, 1], ddof=1))
    of_proposed = float(np.std(delivered[:, 1], ddof=1))
    apart, runs = _apart(sample.model, rows), 1.0 * (rows.speeds[1] > 0.0)
    of_change = np.hypot(spread, _of_form(sample.model, rows, apart, (1.0, -1.0)))
    of_change = max(of_change, _left_out(sample.model, rows, apart, mean_present))
    of_proposed = np.hypot(of_proposed, _of_form(sample.model, rows, runs, (0.0, 1.0)))
    of_proposed = max(of_proposed, _left_out(sample.model, rows, runs, mean_proposed))
    return Saving(
        present=mean_present,
        proposed=mean_proposed,
        proposed_std=float(np.hypot(of_proposed, beyond_kw)),
        std=float(np.hypot(of_change, beyond_kw)),
        delivers=len(delivered) / len(sample.drifts),
    )


def from_standstill(sample: Sample, present: Way, proposed: Way, *, beyond_kw: float = 0.0) -> Saving:  # noqa: ARG001 - as `compare`
    """The same where no pump runs at *present*: all that is *proposed* is drawn more."""
    found = compare(sample, proposed, proposed, beyond_kw=beyond_kw)
    return replace(found, present=0.0, std=found.proposed_std)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The present, the proposal, and the proposal with its drives turned up a little."""

    speeds: Array  # (3, pumps)
    heads: Array  # (3,) m
    share: float  # of the present flow, that the proposal is to deliver


def _rows(model: StationModel, present: Way, proposed: Way) -> _Rows:
    now = [present.speeds.get(pump, 0.0) for pump in model.pumps]
    then = [proposed.speeds.get(pump, 0.0) for pump in model.pumps]
    more = [speed * (1 + _TRIM * (pump in proposed.trimmed)) for pump, speed in zip(model.pumps, then, strict=True)]
    heads = np.array([present.head, proposed.head, proposed.head])
    return _Rows(np.array([now, then, more]), heads, proposed.share)


def _powers(model: StationModel, rows: _Rows, drift: float) -> tuple[float, float]:
    """Power now and proposed at the flow it is to deliver, kW; NaN where a pump does not reach the head."""
    duty = model.duty(rows.speeds, rows.heads + drift)
    flow, power = duty.flows.sum(axis=1), duty.powers.sum(axis=1)
    gain, asked = flow[2] - flow[1], rows.share * flow[0]
    if gain > 0:
        return float(power[0]), float(power[1] + (power[2] - power[1]) / gain * (asked - flow[1]))
    return float(power[0]), float(power[1] * asked / flow[1]) if flow[1] > 0 else np.nan


def _apart(model: StationModel, rows: _Rows) -> Array:
    """Variances by which what is missed of each pump differs in the two operations, (pumps,): 0 where it stays as is.

    It differs the more, the farther a pump's flow goes; of one that is started or stopped, all of it.
    """
    speeds = rows.speeds[:2]
    runs = speeds > 0.0
    phi = model.duty(speeds, rows.heads[:2]).flows / np.where(runs, speeds, 1.0)
    span = np.array([max(curve.flow_range[1] - curve.flow_range[0], 1e-9) for curve in model.curves])
    alike = np.exp(-0.5 * ((phi[1] - phi[0]) / (LIKENESS * span)) ** 2)
    return np.asarray(np.where(runs.all(axis=0), 2.0 * (1.0 - alike), 1.0 * (runs[0] != runs[1])))


def _of_form(model: StationModel, rows: _Rows, variances: Array, signs: tuple[float, float]) -> float:
    """What the model's form misses in so many *variances* of each pump, kW.

    Args:
        model: The station.
        rows: The present and the proposal.
        variances: Shape (pumps,).
        signs: With which present and proposed operation are looked at.
    """
    speeds = rows.speeds[:2]
    sources = _sources(model, speeds, rows.heads[:2])
    each = np.concatenate([variances, variances, [variances.max(initial=0.0)]])
    running = np.abs(signs) @ (speeds > 0.0)
    counts = np.concatenate([running, running, [np.abs(signs).sum()]])
    usual = np.abs(signs) @ sources[:, :-1] / np.maximum(counts, 1.0)
    return float(np.sqrt(each @ usual**2 + (np.array(signs) @ sources[:, -1]) ** 2))


def _sources(model: StationModel, speeds: Array, heads: Array) -> Array:
    """What the model's form may miss of operations' power, by source, kW, shape (n, 2 pumps + 2).

    Sources are independent: each pump's power, each pump's flow where all have meters of their own, else the total
    flow of the set; and, last, that no pump follows the affinity laws off the speeds at which it was seen, which goes
    one way for all of them.

    Args:
        model: The station.
        speeds: Shape (n, pumps).
        heads: Shape (n,), m.
    """
    seen, pumps = model.basis.misfit, len(model.pumps)
    sources = np.zeros((len(speeds), 2 * pumps + 2))
    if len(seen.powers) != pumps:
        return sources  # learnt before it was looked at
    duty = model.duty(speeds, heads)
    power, flow = duty.powers.sum(axis=1), duty.flows.sum(axis=1)
    sources[:, :pumps] = np.nan_to_num(seen.powers) * duty.powers
    flatness = model.slopes(speeds, heads) * (power / flow)[:, np.newaxis]
    if np.isfinite(seen.heads).all():
        sources[:, pumps:-2] = seen.heads * flatness
    else:
        sources[:, -2] = np.nan_to_num(seen.total) * flatness.sum(axis=1)
    sources[:, -1] = of_speeds(model, speeds, duty)
    return sources


def of_speeds(model: StationModel, speeds: Array, duty: Duty) -> Array:
    """What is missed of operations' power because pumps follow the affinity laws nearly, kW, (n,).

    Off the speeds at which a pump was seen, and below them (< 0) the other way than above.
    """
    return np.asarray(_OFF_SPEED * (_off_speed(model, speeds, duty.flows) * duty.powers).sum(axis=1))


def _off_speed(model: StationModel, speeds: Array, flows: Array) -> Array:
    """Share by which each pump's speed is above, or below (< 0), those at which such a flow was seen, (n, pumps)."""
    off = np.zeros(speeds.shape)
    for index, (curve, bands) in enumerate(zip(model.curves, model.basis.misfit.bands, strict=True)):
        low, high = curve.flow_range
        ends = np.array(bands)
        known = np.isfinite(ends).all(axis=1)
        runs = speeds[:, index] > 0.0
        if not known.any() or not runs.any():
            continue
        middles = low + (high - low) * (np.arange(len(ends))[known] + 0.5) / len(ends)
        speed = speeds[runs, index]
        least, most = (np.interp(flows[runs, index] / speed, middles, ends[known, end]) for end in (0, 1))
        off[runs, index] = (np.maximum(speed - most, 0.0) - np.maximum(least - speed, 0.0)) / speed
    return off


def _left_out(model: StationModel, rows: _Rows, variances: Array, power: float) -> float:
    """What times left out of the fit have shown, in so many *variances* of each pump, kW; the flow's as *power*."""
    if not variances.any():
        return 0.0
    flow = float(model.duty(rows.speeds[0], rows.heads[0]).flows.sum())
    powers, flows = missed(model)
    powers = np.where(np.isfinite(powers), powers, model.power_noise)
    share = (flows if np.isfinite(flows) else model.flow_noise) / flow
    return float(np.sqrt(variances @ powers**2 + variances.max() * (share * power) ** 2))


def missed(model: StationModel) -> tuple[Array, float]:
    """What it misses in times that it was not fitted to, beyond what its meters scatter anyway.

    Returns:
        Of each power, kW, shape (pumps,), and of the total flow, m³/h; NaN where nothing was left out.
    """
    basis = model.basis
    within, without = np.array(basis.power_rmse), np.array(basis.power_rmse_blocks)
    powers = np.sqrt(np.maximum(without**2 - within**2, 0.0))
    return np.asarray(powers), float(np.sqrt(np.maximum(basis.flow_rmse_blocks**2 - basis.flow_rmse**2, 0.0)))
