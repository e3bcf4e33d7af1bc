"""A flow meter that is not there: one pump's flow from its head, its power and its speed, through its curves."""

from typing import Literal, NamedTuple

import numpy as np

from analytics.curves.model import StationModel
from analytics.curves.pump import PumpCurve
from analytics.hydraulics import Floats

HEAD_ERROR = 0.002  # share of a head by which a gauge may be off, beside its slow drift
OWED_TO_HEAD = 0.5  # of the variance of what the header's total misses; the rest is the flow meter's own
LEAST_BY_POWER = 0.05  # standard deviation, share of the flow: power says no more than that of a flow, whatever the fit
MOST = 0.25  # standard deviation, share of the flow, beyond which it is better to say nothing
BEYOND = 0.3  # standard deviation, share of the flow, for each share by which it leaves what was learnt
CONTRADICTION = 3.0  # standard deviations by which the flows by head and by power may differ
LIKELY = 1.645  # standard deviations: 90 %
WIDTH = (0.5, 1.4)  # of the least and the greatest flow learnt from: where a flow is looked for that has a given power
GRID = 401
STEP = 1e-3  # share of a head or power, for differences


class VirtualFlow(NamedTuple):
    """What a flow meter of the pump would show."""

    flow: float  # m³/h
    std: float  # m³/h
    basis: Literal["head and power", "head", "power"]
    doubt: str | None = None  # what speaks against it


class Unknown(NamedTuple):
    """The flow cannot be told."""

    why: str  # a clause


def virtual_flow(
    model: StationModel, pump: str, *, speed: float, head: float | None, power: float | None
) -> VirtualFlow | Unknown:
    """The flow of a running *pump* of *model*.

    By the head curve and by the power curve, weighted by their joint uncertainty: both rest on the same knots, so two
    of them that agree are worth less than two meters. Where they disagree by more than that, the difference itself is
    the uncertainty. By power alone it is told only where one flow has that power, and no better than within 5 %: the
    power of a pump changes slowly with its flow, and with its wear, its water and its motor besides.

    Args:
        model: Curves of the header's pumps.
        pump: Id of one of them.
        speed: Relative, above 0.
        head: That it adds, m; None where not known.
        power: Electrical, kW; None where not known.
    """
    index, curve = model.pumps.index(pump), model.curve(pump)
    drawn = power if power is not None and power > 0.0 else None
    power_std = _power_std(model, index, drawn)
    if head is None:
        return (
            Unknown("neither its head nor its power is known")
            if drawn is None
            else _by_power(curve, speed, drawn, power_std)
        )
    flow = float(curve.flow(head, speed))
    if not np.isfinite(flow) or flow <= 0.0:
        return Unknown(f"by its curve it does not reach the head of {head:.1f} m")
    head_std = _head_std(model, head, flow / _slope(curve, speed, head))
    found = _by_head(curve, speed, (head, head_std))
    if drawn is not None:
        found = _by_both(curve, speed, (head, head_std), (drawn, power_std)) or found
    return _judged(curve, speed, found)


def _by_head(curve: PumpCurve, speed: float, head: tuple[float, float]) -> VirtualFlow:
    flow = float(curve.flow(head[0], speed))
    slope = _slope(curve, speed, head[0])
    return VirtualFlow(flow, float(np.hypot(curve.flow_std(head[0], speed), slope * head[1])), "head")


def _by_both(
    curve: PumpCurve, speed: float, head: tuple[float, float], power: tuple[float, float]
) -> VirtualFlow | None:
    """The best mean of both; None where power says nothing.

    Args:
        curve: Of the pump.
        speed: Relative.
        head: Its value, m, and standard deviation.
        power: Its value, kW, and standard deviation.
    """
    flow = float(curve.flow(head[0], speed))

    def flows(one: PumpCurve) -> Floats:
        return np.stack([one.flow(head[0], speed), _flow_at_power(one, power[0], speed, flow)])

    both = flows(curve)
    gradient = curve.gradient(flows)
    steps = _slope(curve, speed, head[0]), _slope_of_power(curve, speed, power[0], flow)
    noise = np.array([steps[0] * head[1], steps[1] * power[1]])
    covariance = gradient @ curve.covariance @ gradient.T + np.diag(noise**2)
    if not (np.isfinite(both).all() and np.isfinite(covariance).all()):
        return None
    weights = np.linalg.solve(covariance, np.ones(2))
    if (weights < 0.0).any():  # so alike that the worse one would count against itself
        return None
    std = float(1.0 / np.sqrt(weights.sum()))
    mean = float(weights @ both / weights.sum())
    apart = abs(float(both[0] - both[1]))
    allowed = float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]))
    if apart > CONTRADICTION * allowed:
        doubt = f"by its head it is {both[0]:.0f} m³/h, by its power {both[1]:.0f} m³/h"
        return VirtualFlow(float(both[0]), max(std, apart), "head", doubt)
    return VirtualFlow(mean, std, "head and power")


def _by_power(curve: PumpCurve, speed: float, power: float, std: float) -> VirtualFlow | Unknown:
    """The flows at which the pump may well draw *power*, where they lie together."""
    flows = speed * np.linspace(WIDTH[0] * curve.flow_range[0], WIDTH[1] * curve.flow_range[1], GRID)
    off = np.abs(curve.power(flows, speed) - power)
    likely = off <= LIKELY * np.hypot(curve.power_std(flows, speed), std)
    if not likely.any():
        return Unknown(f"no flow that was learnt has its power of {power:.1f} kW")
    first, last = (int(each) for each in np.flatnonzero(likely)[[0, -1]])
    flow, spread = 0.5 * (flows[first] + flows[last]), 0.5 * (flows[last] - flows[first]) / LIKELY
    if not likely[first : last + 1].all():
        return Unknown(f"both {flows[first]:.0f} and {flows[last]:.0f} m³/h have its power, and its head is not known")
    if spread > MOST * flow:
        return Unknown(
            f"any flow from {flows[first]:.0f} to {flows[last]:.0f} m³/h has its power, and its head is not known"
        )
    return _judged(curve, speed, VirtualFlow(float(flow), max(float(spread), LEAST_BY_POWER * flow), "power"))


def _judged(curve: PumpCurve, speed: float, found: VirtualFlow) -> VirtualFlow | Unknown:
    """As sure as it may be: less where the duty lies beyond what was learnt, nothing where it is anybody's guess."""
    ranges = ((found.flow / speed, *curve.flow_range), (speed, *curve.speed_range))
    excess = max(max(low - value, value - high, 0.0) / high for value, low, high in ranges)
    std = float(np.hypot(found.std, BEYOND * excess * found.flow))
    if not np.isfinite(std):  # a little more head is out of reach, so that there is no slope
        return Unknown(f"by its curve it could be {found.flow:.0f} m³/h, where its head is about the most it reaches")
    if std > MOST * found.flow:
        share = f"it could be {found.flow:.0f} m³/h, but that is known to {100 * std / found.flow:.0f} % only"
        return Unknown(found.doubt or share)
    return found._replace(std=std)


def _flow_at_power(curve: PumpCurve, power: float, speed: float, near: float) -> Floats:
    """The flow with that *power* that is nearest to *near*, m³/h; NaN where none has it."""
    b0, b1, b2 = curve.power_coefficients
    root = np.roots([b2, b1, b0 - (power - curve.power_constant) / speed**3])
    real = speed * root.real[np.abs(root.imag) < STEP * np.abs(root.real)]
    return np.asarray(real[np.argmin(np.abs(real - near))] if len(real) else np.nan)


def _slope(curve: PumpCurve, speed: float, head: float) -> float:
    """Of the flow over the head, m³/h per m."""
    step = STEP * head
    return abs(float(curve.flow(head + step, speed) - curve.flow(head - step, speed))) / (2.0 * step)


def _slope_of_power(curve: PumpCurve, speed: float, power: float, near: float) -> float:
    """Of the flow over the power, m³/h per kW."""
    above, below = (float(_flow_at_power(curve, power * (1.0 + step), speed, near)) for step in (STEP, -STEP))
    return abs(above - below) / (2.0 * STEP * power)


def _head_std(model: StationModel, head: float, per_share: float) -> float:
    """What a steady mean of the head is off by, m; *per_share* is by how much it moves the flow as a whole.

    An error of the head moves all pumps' flows by a like share, which shows in what the total of the header misses.
    """
    scale = model.basis.flow_scale
    share = model.flow_noise / scale if scale > 0.0 else 0.0
    seen = np.sqrt(OWED_TO_HEAD) * share * per_share
    return float(np.hypot(model.head_drift, max(HEAD_ERROR * head, seen)))


def _power_std(model: StationModel, index: int, power: float | None) -> float:
    """What a steady mean of its power is off by, kW: a share of what it shows, where the model knows it."""
    noise = float(model.power_noise[index])
    scale = model.basis.power_scale[index] if model.basis.power_scale else 0.0
    return noise if power is None or scale <= 0.0 else noise * power / scale
