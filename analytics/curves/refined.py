"""A station's model in which each pump with its own flow meter has the curve that won for it.

The joint fit takes every flow as known, so its slopes are too flat by the meters' noise, and it knows no data sheets;
the methods of `analytics.curves.methods` know better. What they say of a pump is written in the parameters of its
`PumpCurve`, so that whatever asks a station, or its draws, goes on as before: within a range of flows that was
measured a real pump is a parabola to some hundredths of a percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analytics.curves.methods.choice import Choice
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.pump import PumpCurve
from analytics.curves.shape import HEAD_PARAMETERS, PARAMETERS, PEAKED, STRAIGHT, Shape, falling_flow, polynomial
from analytics.hydraulics import Floats

NODES = 9  # flows at which a curve is read
SPEEDS = 3  # at each of which
LIKENESS = 0.5  # of the range of flows, over which what a method does not know better goes together
EDGE = 0.02  # distance of the middle knot's place from a straight line and from a peak, share of what is between
MOST_BEND_STD = 1.5  # of its logit: what is not known of the curvature, which is bounded anyway
CLEAR = 0.02  # of the head's span by which the uppermost knot stays below the peak
WORSE, WORSE_BY = 1.25, 0.002  # times, and share: how much worse than the joint fit it may explain the header's meter
LEAST_TOTALS = 12  # of the header's meter, that are asked


def refined(model: StationModel, chosen: Mapping[str, Choice], points: Points, pumps: tuple[str, ...]) -> StationModel:
    """*model* with the curves of *chosen* in place of its own, where a pump can have them.

    Beyond the flows that a method has learnt from the joint fit's curve is continued from its ends, as far as that one
    was learnt and no further. What the replaced curves do not know goes together with nothing else. Where the header's
    own meter contradicts the pumps' meters the joint fit, which weighs both, stands as it is.

    Args:
        model: The joint fit.
        chosen: By pump; of pumps with their own flow meter.
        points: What it was learnt from.
        pumps: Ids, in the order of the points' columns.
    """
    curves, covariance, form = list(model.curves), model.covariance.copy(), model.form.copy()
    for index, curve in enumerate(model.curves):
        choice = chosen.get(curve.pump)
        better = _drawn_by(choice.advising, choice.flow_range, curve) if choice and choice.advising else None
        if better is not None:
            own = slice(PARAMETERS * index, PARAMETERS * (index + 1))
            curves[index] = better
            covariance[own, :] = 0.0
            covariance[:, own] = 0.0
            covariance[own, own] = better.covariance
            form[own] = 0.0
    found = replace(model, curves=tuple(curves), covariance=covariance, form=form)
    if not _explains(found, model, points, pumps):
        return model
    return found.measured_by(_of(points, [pumps.index(pump) for pump in model.pumps]))


def _drawn_by(method: IncrementalCurve, flows: tuple[float, float], joint: PumpCurve) -> PumpCurve | None:
    """The *joint* curve as *method* has learnt it from *flows*; None where it is none that can be operated on."""
    low, high = joint.flow_range
    if not 0.0 < low < high:
        return None
    read = _Read.of(method, flows, joint)
    if not (np.isfinite(read.head).all() and np.isfinite(read.head_covariance).all()):
        return None
    head, head_covariance = read.parabola()
    shape = _shape(joint, head)
    if shape is None:
        return None
    power, constant, power_covariance = read.power_polynomial(joint)
    theta, slopes = _parameters(shape, head, power, constant)
    covariance = slopes @ _blocks(head_covariance, power_covariance) @ slopes.T
    covariance = _bounded(covariance)
    curve = replace(joint, shape=shape, theta=theta, covariance=covariance, doubt=method.doubt)
    asked = np.linspace(low, high, NODES)
    known = np.array([curve.head(asked, 1.0), curve.power(asked, 1.0)])
    sound = np.isfinite(known).all() and (known > 0.0).all() and np.isfinite(covariance).all()
    return curve if sound and (np.diff(known[0]) < 0.0).all() else None


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A curve read at flows and speeds, shape (n,) each, and what goes together there, (n, n)."""

    phi: Floats  # m³/h at rated speed
    speed: Floats
    head: Floats  # m, over the square of the speed
    head_covariance: Floats
    power: Floats  # kW; NaN where not measured
    power_covariance: Floats

    @classmethod
    def of(cls, method: IncrementalCurve, learnt: tuple[float, float], joint: PumpCurve) -> "_Read":
        flows = np.linspace(*joint.flow_range, num=NODES)
        speeds = np.unique(np.linspace(*joint.speed_range, num=SPEEDS))
        phi, speed = (each.ravel() for each in np.meshgrid(flows, speeds))
        known = np.clip(phi, *learnt)
        said = method.predict(known * speed, speed)
        exact = method.covariances(known * speed, speed)
        beyond = phi != known
        more = [np.where(beyond, std(phi * speed, speed), 0.0) for std in (joint.head_std, joint.power_std)]
        ratios = [of(phi * speed, speed) / of(known * speed, speed) for of in (joint.head, joint.power)]
        covariances = [
            np.outer(ratio, ratio) * _whole(each, std, phi) + _alike(also, phi)
            for ratio, each, std, also in zip(ratios, exact, (said.head_std, said.power_std), more, strict=True)
        ]
        squared = speed**2
        return cls(
            phi=phi,
            speed=speed,
            head=ratios[0] * said.head / squared,
            head_covariance=covariances[0] / np.outer(squared, squared),
            power=ratios[1] * said.power,
            power_covariance=covariances[1],
        )

    def parabola(self) -> tuple[Floats, Floats]:
        """Coefficients of the head, lowest first, and their covariance, with what the form misses."""
        unit = self.phi.max()
        terms = np.vander(self.phi / unit, HEAD_PARAMETERS, increasing=True)
        usual = np.sqrt(np.diag(self.head_covariance))
        solve = np.linalg.pinv(terms / usual[:, np.newaxis]) / usual
        missed = self.head - terms @ (solve @ self.head)
        scale = unit ** -np.arange(HEAD_PARAMETERS, dtype=np.float64)
        covariance = solve @ (self.head_covariance + np.mean(missed**2)) @ solve.T
        return scale * (solve @ self.head), covariance * np.outer(scale, scale)

    def power_polynomial(self, joint: PumpCurve) -> tuple[Floats, float, Floats]:
        """b₀ b₁ b₂, b and the covariance of these four; of the *joint* fit where no power was measured.

        At one speed nothing tells b from b₀: it stays what the joint fit has.
        """
        if not np.isfinite(self.power_covariance).all():
            return joint.power_coefficients, joint.power_constant, _joint_power(joint)
        unit = self.phi.max()
        x, cube = self.phi / unit, self.speed**3
        terms = np.vstack([np.column_stack([cube, cube * x, cube * x**2, np.ones_like(x)]), [0.0, 0.0, 0.0, 1.0]])
        constant_std = max(joint.shape.power_scale * float(np.sqrt(joint.covariance[-1, -1])), 1e-6 * self.power[0])
        usual = np.append(np.sqrt(np.diag(self.power_covariance)), constant_std)
        solve = np.linalg.pinv(terms / usual[:, np.newaxis]) / usual
        values = np.append(self.power, joint.power_constant)
        missed = (values - terms @ (solve @ values))[:-1]
        known = np.zeros((len(values), len(values)))
        known[:-1, :-1] = self.power_covariance + np.mean(missed**2)
        known[-1, -1] = constant_std**2
        scale = np.array([1.0, 1.0 / unit, 1.0 / unit**2, 1.0])
        found = scale * (solve @ values)
        return found[:3], float(found[3]), (solve @ known @ solve.T) * np.outer(scale, scale)


def _whole(known: Floats, std: Floats, phi: Floats) -> Floats:
    """*known* covariance, and what *std* has besides, which neighbouring flows *phi* have in common."""
    return np.asarray(known + _alike(np.sqrt(np.maximum(std**2 - np.diag(known), 0.0)), phi))


def _alike(std: Floats, phi: Floats) -> Floats:
    """The covariance of what has *std*, and in common at neighbouring flows *phi*."""
    apart = (phi[:, np.newaxis] - phi) / (LIKENESS * max(float(np.ptp(phi)), 1e-9))
    return np.asarray(np.outer(std, std) * np.exp(-0.5 * apart**2))


def _shape(joint: PumpCurve, head: Floats) -> Shape | None:
    """Knots over the learnt heads, on the falling side; None where the *head* does not fall."""
    top, bottom = polynomial(head, np.array(joint.flow_range))
    if head[2] < 0.0:
        peak = head[0] - head[1] ** 2 / (4.0 * head[2])
        top = min(top, peak - CLEAR * (peak - bottom))
    levels = np.linspace(top, bottom, num=3)
    knots = falling_flow(head, levels)
    if not (top > bottom > 0.0 and np.isfinite(knots).all() and (np.diff(knots) > 0.0).all()):
        return None
    return Shape(levels, joint.shape.flow_scale, joint.shape.power_scale)


def _parameters(shape: Shape, head: Floats, power: Floats, constant: float) -> tuple[Floats, Floats]:
    """θ, shape (7,), of the polynomials' coefficients, and its derivative by them, shape (7, 7)."""
    coefficients = np.concatenate([head, power, [constant]])
    usual = falling_flow(head, shape.levels)[1]
    size = np.array([1.0, 1.0 / usual, 1.0 / usual**2])
    steps = 1e-5 * np.concatenate([shape.levels[1] * size, shape.power_scale * size, [shape.power_scale]])
    columns = []
    for index, step in enumerate(steps):
        moved = np.zeros(PARAMETERS)
        moved[index] = step
        above, below = (_raw(shape, coefficients + sign * moved) for sign in (1.0, -1.0))
        columns.append((above - below) / (2.0 * step))
    theta, slopes = _raw(shape, coefficients), np.column_stack(columns)
    place = float(np.clip((theta[2] - STRAIGHT) / (PEAKED - STRAIGHT), EDGE, 1.0 - EDGE))
    theta[2] = np.log(place / (1.0 - place))
    slopes[2] /= (PEAKED - STRAIGHT) * place * (1.0 - place)
    return theta, slopes


def _raw(shape: Shape, coefficients: Floats) -> Floats:
    """θ, but for the place of the middle knot itself instead of its logit."""
    flows = falling_flow(coefficients[:3], shape.levels)
    span = flows[2] - flows[0]
    knots = polynomial(coefficients[3:6], flows) / shape.power_scale
    place = [flows[1] / shape.flow_scale, np.log(span / shape.flow_scale), (flows[1] - flows[0]) / span]
    return np.array([*place, *knots, coefficients[6] / shape.power_scale])


def _joint_power(joint: PumpCurve) -> Floats:
    """Covariance of b₀ b₁ b₂ and b as the joint fit has them at its own knots."""
    slopes = np.zeros((PARAMETERS - HEAD_PARAMETERS, PARAMETERS - HEAD_PARAMETERS))
    inverse = np.linalg.inv(np.vander(joint.shape.flows(joint.theta), 3, increasing=True))
    slopes[:3, :3] = inverse * joint.shape.power_scale
    slopes[3, 3] = joint.shape.power_scale
    return np.asarray(slopes @ joint.covariance[HEAD_PARAMETERS:, HEAD_PARAMETERS:] @ slopes.T)


def _blocks(head: Floats, power: Floats) -> Floats:
    whole = np.zeros((PARAMETERS, PARAMETERS))
    whole[:HEAD_PARAMETERS, :HEAD_PARAMETERS] = head
    whole[HEAD_PARAMETERS:, HEAD_PARAMETERS:] = power
    return whole


def _bounded(covariance: Floats) -> Floats:
    """With a curvature that is no less known than between straight and peaked."""
    shrink = np.ones(PARAMETERS)
    shrink[2] = min(MOST_BEND_STD / max(float(np.sqrt(max(covariance[2, 2], 0.0))), 1e-12), 1.0)
    return np.asarray(0.5 * (covariance + covariance.T) * np.outer(shrink, shrink))


def _of(points: Points, columns: list[int]) -> Points:
    """The points in which only the pumps of *columns* run."""
    others = np.delete(points.running, columns, axis=1).any(axis=1)
    kept = points.take(np.flatnonzero(~others))
    return replace(
        kept,
        running=kept.running[:, columns],
        speeds=kept.speeds[:, columns],
        powers=kept.powers[:, columns],
        pump_flows=kept.pump_flows[:, columns],
    )


def _explains(found: StationModel, joint: StationModel, points: Points, pumps: tuple[str, ...]) -> bool:
    """Whether *found* tells the header's flow nearly as well as the *joint* fit, or nothing measures it."""
    seen = _of(points, [pumps.index(pump) for pump in joint.pumps])
    seen = seen.take(seen.running.any(axis=1) & (np.nan_to_num(seen.flow) > 0.0))
    if len(seen) < LEAST_TOTALS:
        return True
    speeds = np.where(seen.running, seen.speeds, 0.0)
    missed = []
    for model in (found, joint):
        off = model.duty(speeds, seen.head).flows.sum(axis=1) / seen.flow - 1.0
        missed.append(float(np.median(np.abs(np.nan_to_num(off, nan=1.0)))))
    return missed[0] <= WORSE * missed[1] + WORSE_BY
