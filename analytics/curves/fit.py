"""The joint fit: all pumps' parameters at once from every meter, robustly, with what was believed before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analytics.curves.channels import Channel, Duties
from analytics.curves.equations import Equations, State
from analytics.curves.head_error import HeadError
from analytics.curves.points import Flags, Points, Times
from analytics.curves.prior import Prior
from analytics.curves.system import Noise, System
from analytics.hydraulics import Floats

HUBER, TUKEY = 1.345, 4.685  # 95 % efficient for normal errors (Huber 1964; Beaton and Tukey 1974)
LEAST_SCALE = 0.2  # of the first error estimate: 0.1 % of a reading; no meter is better
FIRST_SCALE = 2.0  # 1 % of a reading
CLUSTER_MS = 120_000  # residuals nearer than this may share a cause
SETTLING, LEARNING, ITERATIONS = 5, 12, 30  # Huber weights; noise learnt from residuals; at most
REFINING = 8  # iterations at most from where another fit ended
CONVERGED = 0.05  # of a standard deviation
LONGEST_STEP = 0.3  # of a parameter in one iteration; they are of order one


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The parameters and what they leave unexplained.

    Attributes:
        theta: Shape (7 pumps,).
        covariance: Shape (7 pumps, 7 pumps).
        channels: The meters.
        residuals: Reading less prediction from the measured head, per meter, in its unit.
        steady_residuals: The same without the error of the head.
        kept: Which readings are what the pumps as they are would give, per meter; outliers are not.
        noise: As estimated.
    """

    theta: Floats
    covariance: Floats
    channels: list[Channel]
    residuals: list[Floats]
    steady_residuals: list[Floats]
    kept: list[Flags]
    noise: Noise


def fit(
    points: Points, priors: Sequence[Prior], now_ms: int, *, start: Floats | None = None, noise: Noise | None = None
) -> Fit:
    """Maximum of the posterior, by iteratively reweighted Gauss-Newton, with its curvature as covariance.

    A point's flows are not unknowns of the fit: at the common head each pump's curve gives its flow, and
    the sum must be what the header's meter says (shares are identified by sets and speeds that vary, and
    by each pump's power). Outliers lose their weight (Huber, then Tukey).

    Args:
        points: Steady points with only the pumps of *priors*, oldest first.
        priors: One per pump, in order.
        now_ms: The time whose pumps are meant: that of the newest point seen.
        start: Parameters to begin with; default: the priors' means.
        noise: Where known from another fit; default: estimated along the way.
    """
    system = System(points, priors, now_ms)
    theta = np.concatenate([each.mean for each in priors]) if start is None else start
    state = system.at(theta)
    is_known = noise is not None
    noise = noise or _first_noise(system, points)
    equations: Equations | None = None
    for iteration in range(REFINING if is_known else ITERATIONS):
        duties = system.duties(state)
        residuals = [meter.observed - meter.predicted(duties.values) for meter in system.meters]
        if not is_known and iteration <= LEARNING:
            noise = _learnt_noise(noise, residuals, system, duties, equations)
            if equations is not None:
                noise = _learnt_head(noise, residuals, system, duties, state)
        robust = _tukey if is_known or iteration >= SETTLING else _huber
        weights = [robust(r / std) for r, std in zip(residuals, system.allowed(duties, noise), strict=True)]
        variances = system.variances(duties, noise)
        equations = system.equations(state, duties, weights, variances, noise.head)
        step = _bounded(equations.step())
        cost = partial(system.cost, weights=weights, variances=variances, head=noise.head)
        state = _descended(system, state, step, cost(state, residuals), cost)
        if (np.abs(step.theta) < CONVERGED * equations.stds()).all() and (is_known or iteration > LEARNING):
            break
    return _result(system, state, noise)


def _first_noise(system: System, points: Points) -> Noise:
    meters = len(system.meters)
    return Noise((FIRST_SCALE,) * meters, (1.0,) * meters, HeadError.believed(float(np.median(points.head))))


def _bounded(step: State) -> State:
    share = min(1.0, LONGEST_STEP / max(float(np.abs(step.theta).max()), 1e-12))
    return State(*(share * way for way in step))


def _descended(
    system: System, state: State, step: State, present: float, cost: Callable[[State, list[Floats]], float]
) -> State:
    """The state along *step*, halved until the cost is not higher than at present."""
    share = 1.0
    for _ in range(5):
        reached = state.moved(step, share)
        if cost(reached, system.residuals(reached)) <= present:
            return reached
        share *= 0.5
    return state


def _result(system: System, state: State, noise: Noise) -> Fit:
    duties = system.duties(state)
    errors = system.errors(duties)
    steady = system.residuals(state)
    weights = [_tukey(r / std) for r, std in zip(steady, system.allowed(duties, noise), strict=True)]
    variances = system.variances(duties, noise)
    # An old point that contradicts the pumps as they are is no outlier of the fit, and no part of what it explains.
    present = [_tukey(r / e / scale) for r, e, scale in zip(steady, errors, noise.scales, strict=True)]
    return Fit(
        theta=state.theta,
        covariance=system.equations(state, duties, weights, variances, noise.head).covariance(),
        channels=system.meters,
        residuals=system.residuals(system.at(state.theta)),
        steady_residuals=steady,
        kept=[w > 0.0 for w in present],
        noise=noise,
    )


def _learnt_noise(
    before: Noise, residuals: list[Floats], system: System, duties: Duties, equations: Equations | None
) -> Noise:
    """From residuals in units of their first error estimate, as they were before the head followed the readings."""
    scaled = [r / e for r, e in zip(residuals, system.errors(duties), strict=True)]
    if equations is not None:
        left = system.unexplained(duties, system.variances(duties, before), equations)
        scaled = [u / np.sqrt(share) for u, share in zip(scaled, left, strict=True)]
    rows = [meter.rows for meter in system.meters]
    found = [
        _meter_noise(u, system.worth[rows[index]], system.times_of(index))
        if len(u)
        else (before.scales[index], before.inflations[index])
        for index, u in enumerate(scaled)
    ]
    return replace(
        before, scales=tuple(scale for scale, _ in found), inflations=tuple(inflation for _, inflation in found)
    )


def _learnt_head(before: Noise, residuals: list[Floats], system: System, duties: Duties, state: State) -> Noise:
    """From what the residuals of all meters have in common; what fits none of them is no part of it."""
    weights = [_tukey(r / std) for r, std in zip(residuals, system.allowed(duties, before), strict=True)]
    head = system.head_error(state, duties, weights, system.variances(duties, before), before.head)
    return replace(before, head=head)


def _meter_noise(scaled: Floats, worth: Floats, times_ms: Times) -> tuple[float, float]:
    """Scale and inflation of one meter; a point counts as much as it is worth."""
    scale = max(1.4826 * _median(np.abs(scaled), worth), LEAST_SCALE)
    u = np.sqrt(worth) * np.clip(scaled, -3.0 * scale, 3.0 * scale)
    _, cluster = np.unique(times_ms // CLUSTER_MS, return_inverse=True)
    # Variance of cluster sums over what it would be for independent residuals (Kish's design effect, 1965).
    inflation = float((np.bincount(cluster, weights=u) ** 2).sum() / max(float((u**2).sum()), 1e-12))
    return scale, max(inflation, 1.0)


def _median(values: Floats, worth: Floats) -> float:
    """The value below and above which half of the *worth* lies."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(worth[order])
    return float(values[order[int(np.searchsorted(below, 0.5 * below[-1]))]])


def _huber(u: Floats) -> Floats:
    return np.asarray(np.minimum(1.0, HUBER / np.maximum(np.abs(u), 1e-9)))


def _tukey(u: Floats) -> Floats:
    return np.where(np.abs(u) < TUKEY, (1.0 - (u / TUKEY) ** 2) ** 2, 0.0)
