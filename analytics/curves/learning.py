"""From kept points to a station model: scales and beliefs, the joint fit, and its trial on time left out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from analytics.curves.channels import values_of
from analytics.curves.fit import Fit, fit
from analytics.curves.forms import Asked, best_form
from analytics.curves.missed import Missed, errors, heads_of
from analytics.curves.model import Basis, StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate, Prior, Typical, prior
from analytics.curves.pump import PumpCurve
from analytics.curves.shape import PARAMETERS
from analytics.curves.system import own, worth
from analytics.hydraulics import Floats, hydraulic_power

FOLDS = 5  # time blocks, each left out in turn
USUAL_EFFICIENCY = 0.7  # wire to water, where a power or a flow is not measured
FLOW_FORM = 0.005  # share of a flow by which pumps differ from the model's form (tests/simulators/waterworks.py)
POWER_FORM = 0.002  # the same of power
OUTERMOST = 0.01  # share of the points at either end that does not widen a learnt range
RECENT = 0.5  # worth of a point from which the pumps as they are are learnt first
LEAST_OF_EACH = 24  # points of each pump that take part in that, however old
KNOTTED = 0.1  # share of them beyond either outer knot; outliers of the head are among them


def learnt(points: Points, plates: Sequence[Plate], *, seen: int, first_ms: int, last_ms: int) -> StationModel:
    """The model of the pumps of *plates*, each of which runs in some of the *points*.

    Args:
        points: Usable steady points, columns as *plates*.
        plates: The pumps.
        seen: Steady points ever offered.
        first_ms: Time of the oldest of them.
        last_ms: Time of the newest.
    """
    priors = [prior(plate, _typical(points, index)) for index, plate in enumerate(plates)]
    trusting = partial(_curves, points, plates)
    form = best_form(Asked(points, plates, last_ms), priors, _fitted(points, priors, last_ms), trusting)
    believed, found = form.priors, form.fit
    worths = worth(points, last_ms)
    left_out = _left_out(points, believed, found, last_ms)
    blocks = _each_rms(left_out.residuals, found, worths)
    formless = _form(found.theta)
    covariance, pumps = found.covariance + np.diag(formless), len(plates)
    curves = trusting(believed, replace(found, covariance=covariance))
    observed = [meter.observed for meter in found.channels]
    within, steady, scales = (
        _each_rms(of, found, worths) for of in (found.residuals, found.steady_residuals, observed)
    )
    noise = np.nan_to_num(np.fmax(steady, blocks))  # what was not learnt from is what will be predicted
    basis = Basis(
        n=len(points),
        seen=seen,
        first_ms=first_ms,
        last_ms=last_ms,
        flow_rmse=within[0],
        flow_rmse_blocks=blocks[0],
        power_rmse=tuple(within[1 : 1 + pumps]),
        power_rmse_blocks=tuple(blocks[1 : 1 + pumps]),
        flow_scale=float(np.nan_to_num(scales[0])),
        power_scale=tuple(np.nan_to_num(scales[1 : 1 + pumps]).tolist()),
        missed=tuple(_missed(index, points, left_out, found, worths) for index in range(pumps)),
        form=form.reason,
    )
    model = StationModel(
        curves, covariance, float(noise[0]), noise[1 : 1 + pumps], found.noise.head.slow, basis, formless
    )
    return model.measured_by(points)


def _fitted(points: Points, priors: Sequence[Prior], now_ms: int) -> Fit:
    """The fit to all *points*, begun where recent ones end: from old ones it might not find the way to worn pumps."""
    chosen = worth(points, now_ms) > RECENT
    for runs in points.running.T:
        chosen[np.flatnonzero(runs)[-LEAST_OF_EACH:]] = True
    if chosen.all():
        return fit(points, priors, now_ms)
    first = fit(points.take(chosen), priors, now_ms)
    return fit(points, priors, now_ms, start=first.theta, noise=first.noise)


def _typical(points: Points, index: int) -> Typical:
    """A pump's usual duty, brought to rated speed."""
    runs = points.running[:, index]
    s, head = points.speeds[runs, index], points.head[runs]
    level = head / s**2
    flow = _median(_shares(points)[runs, index] / s)
    power = _median(points.powers[runs, index] / s**3)
    usual_level = _median(level)
    if np.isnan(power):
        power = float(hydraulic_power(flow, usual_level)) / USUAL_EFFICIENCY
    if np.isnan(flow):
        flow = power * USUAL_EFFICIENCY / float(hydraulic_power(1.0, usual_level))
    low, high = np.quantile(level, [KNOTTED, 1.0 - KNOTTED])
    return Typical(flow, usual_level, power, (float(low), float(high)))


def _shares(points: Points) -> Floats:
    """Each pump's flow, m³/h: its own meter's, else the total shared out by power, else by speed."""
    running = np.where(points.running, 1.0, 0.0)
    powers = np.where(points.running, points.powers, 0.0)
    by_speed = running * np.nan_to_num(points.speeds)
    weights = np.where(np.isfinite(powers).all(axis=1, keepdims=True), powers, by_speed)
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.where(np.isfinite(points.pump_flows), points.pump_flows, share * points.flow[:, np.newaxis])


def _median(values: Floats) -> float:
    """Of what is there, NaN where nothing is."""
    there = values[np.isfinite(values) & (values > 0.0)]
    return float(np.median(there)) if len(there) else float("nan")


def _without_outliers(points: Points, found: Fit) -> Points:
    """The points of which no meter is an outlier; all, where a pump would be left without any."""
    trusted = np.ones(len(points), dtype=np.bool_)
    for channel, kept in zip(found.channels, found.kept, strict=True):
        trusted[channel.rows[~kept]] = False
    left = points.take(trusted)
    return left if left.running.any(axis=0).all() else points


def _form(theta: Floats) -> Floats:
    """Variances of what no pump owes to the model: it is no parabola, and follows the affinity laws nearly."""
    kinds = np.array([FLOW_FORM, 0.0, 0.0, POWER_FORM, POWER_FORM, POWER_FORM, 0.0])
    return np.asarray((np.tile(kinds, len(theta) // PARAMETERS) * theta) ** 2)


def _curves(points: Points, plates: Sequence[Plate], priors: Sequence[Prior], found: Fit) -> tuple[PumpCurve, ...]:
    """Of all pumps, as *found*."""
    trusted, fitted = _without_outliers(points, found), (found.theta, found.covariance)
    return tuple(_curve(index, plate.pump, trusted, priors[index], fitted) for index, plate in enumerate(plates))


def _curve(index: int, pump: str, points: Points, believed: Prior, fitted: tuple[Floats, Floats]) -> PumpCurve:
    theta, covariance = fitted[0][own(index)], fitted[1][own(index), own(index)]
    runs = points.running[:, index]
    s = points.speeds[runs, index]
    speed_low, speed_high = np.quantile(s, [OUTERMOST, 1.0 - OUTERMOST])
    curve = PumpCurve(
        pump=pump,
        shape=believed.shape,
        theta=theta,
        covariance=covariance,
        flow_range=(0.0, 0.0),
        speed_range=(float(speed_low), float(speed_high)),
        n=int(runs.sum()),
        flow_is_metered=bool(np.isfinite(points.pump_flows[runs, index]).mean() > 0.5),  # noqa: PLR2004 - most of them
    )
    phi = curve.flow(points.head[runs], s) / s
    phi = phi[np.isfinite(phi)]
    low, high = np.quantile(phi, [OUTERMOST, 1.0 - OUTERMOST]) if len(phi) else (0.0, 0.0)
    return curve.with_range(float(low), float(high))


class _LeftOut(NamedTuple):
    """What is said of points by a fit to all but the time block they are in.

    Attributes:
        residuals: Per meter, NaN where nothing was said.
        heads: Of the header at its flow, m, shape (n,); likewise.
    """

    residuals: list[Floats]
    heads: Floats


def _left_out(points: Points, priors: Sequence[Prior], found: Fit, now_ms: int) -> _LeftOut:
    """Of time blocks of equal worth, each predicted from the rest."""
    shapes = [each.shape for each in priors]
    order = np.argsort(points.times_ms, kind="stable")
    total = np.cumsum(worth(points, now_ms)[order])
    ends = np.searchsorted(total, total[-1] * np.arange(1, FOLDS) / FOLDS, side="right")
    values, heads = np.full((2, *points.running.shape), np.nan), np.full(len(points), np.nan)
    for block in np.split(order, ends):
        kept = np.ones(len(points), dtype=np.bool_)
        kept[block] = False
        rest = points.take(kept)
        if len(block) == 0 or not rest.running.any(axis=0).all():  # a pump that runs in it only cannot be predicted
            continue
        theta, own = fit(rest, priors, now_ms, start=found.theta, noise=found.noise).theta, points.take(block)
        values[:, block] = values_of(shapes, theta, own, own.head)
        heads[block] = heads_of(shapes, theta, own)
    return _LeftOut([meter.observed - meter.predicted(values) for meter in found.channels], heads)


def _missed(index: int, points: Points, said: _LeftOut, found: Fit, worths: Floats) -> Missed:
    """Of the pump at place *index*; meters' outliers of the whole fit aside."""
    power, total = found.channels[1 + index], found.channels[0]
    off = said.residuals[1 + index]
    judged = found.kept[1 + index] & np.isfinite(off)
    ran = total.rows[found.kept[0] & points.running[total.rows, index] & np.isfinite(said.heads[total.rows])]
    observed, rows = power.observed[judged], power.rows[judged]
    return Missed(
        head=errors(points.head[ran], said.heads[ran], worths[ran]),
        power=errors(observed, observed - off[judged], worths[rows]),
    )


def _each_rms(of_meters: Sequence[Floats], found: Fit, worths: Floats) -> list[float]:
    """RMS per meter of values that the fit kept and that are known."""
    meters = zip(of_meters, found.kept, found.channels, strict=True)
    known = [(values, kept & np.isfinite(values), meter.rows) for values, kept, meter in meters]
    return [_rms(values[judged], worths[rows[judged]]) for values, judged, rows in known]


def _rms(residuals: Floats, worths: Floats) -> float:
    """By what each is worth; NaN where there is none."""
    return float(np.sqrt(worths @ residuals**2 / worths.sum())) if len(residuals) else float("nan")
