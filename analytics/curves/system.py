"""Points, meters and beliefs as one least-squares problem, linear around a state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analytics.curves.channels import TOTAL, Duties, channels, duties_of, is_summed, values_of
from analytics.curves.equations import Equations, State, Told, equations
from analytics.curves.head_error import HeadError, Pull
from analytics.curves.points import Points, Times
from analytics.curves.prior import SHUT_OFF_STD, Prior
from analytics.curves.shape import PARAMETERS, falling_flow, polynomial
from analytics.hydraulics import Floats, wire_to_water_efficiency

MOST_EFFICIENT = 0.9  # wire to water: a pump of 0.94 on a motor of 0.97 and a drive of 0.98 is the best there is
EFFICIENCY_STD = 0.01  # how softly that bound holds
MEMORY_MS = 14 * 86_400_000  # so old a point speaks of the pumps as they are
WEAR = 0.10 / (365 * 86_400_000)  # share of head and power that they may have lost or won in each ms before
USUAL_ERROR = 0.01  # of a steady mean, to tell how much an old point is worth
BLOCK_MS = 600_000  # points nearer than this share one drift of the head
LEAST_LEFT = 0.1  # of a residual's variance that the head's error leaves: where it follows one reading alone
STEP = 1e-6
FAINTEST = 1e-4  # m, of a gauge's noise


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """How far readings may lie from the fit.

    Attributes:
        scales: Per meter: robust standard deviation of its residuals over their first error estimate.
        inflations: Per meter: by how much serial correlation makes its points worth less than independent ones.
        head: How wrong the measured head is.
    """

    scales: tuple[float, ...]
    inflations: tuple[float, ...]
    head: HeadError


class System:
    """The problem; every method takes the state and changes nothing.

    The head that pumps see is the measured one plus a drift, constant over ten minutes and normal from block
    to block: a suction level nobody measures, a gauge's zero, losses up to the gauge. Without it an hour's slow
    common error would be taken for hundreds of independent confirmations. Each point has its gauge's noise besides:
    taken for exact, the head would seem to change with less flow than it does, and every curve would be too steep.

    A point older than `MEMORY_MS` speaks of pumps that may have worn since, or were overhauled, by a share that
    grows with its age. All points of a running set share that error: n of them together know no more of
    today's pumps than one without noise would. So they hold the regions in which nothing newer is, less surely
    the older they are, and give way to a few recent points everywhere else.

    Args:
        points: Usable points.
        priors: One per pump.
        now_ms: The time whose pumps are meant.
    """

    def __init__(self, points: Points, priors: Sequence[Prior], now_ms: int) -> None:
        self._points = points
        self._wear = _wear(points, now_ms)
        self._company = _company(points)
        self.worth = worth(points, now_ms)
        self._priors = priors
        self._shapes = [each.shape for each in priors]
        self._samples = [_samples(points, index) for index in range(len(priors))]
        self.meters = channels(points)
        self._summed = is_summed(points)[self.meters[TOTAL].rows]
        self.blocks = _blocks(points.times_ms)
        self._blocks = int(self.blocks.max(initial=-1)) + 1

    def at(self, theta: Floats) -> State:
        """The state of these parameters in which the measured head is right."""
        return State(theta, np.zeros(self._blocks), np.zeros(len(self._points)))

    def times_of(self, meter: int) -> Times:
        """Of the readings of a meter, by its index."""
        return np.asarray(self._points.times_ms[self.meters[meter].rows])

    def duties(self, state: State) -> Duties:
        """What the pumps do, with derivatives."""
        return duties_of(self._shapes, state.theta, self._points, self._head(state))

    def residuals(self, state: State) -> list[Floats]:
        """Reading less prediction, per meter, in its unit."""
        values = values_of(self._shapes, state.theta, self._points, self._head(state))
        return [meter.observed - meter.predicted(values) for meter in self.meters]

    def errors(self, duties: Duties) -> list[Floats]:
        """Standard error of each residual before any is known, per meter."""
        return [meter.errors(duties, self._points.head) for meter in self.meters]

    def allowed(self, duties: Duties, noise: Noise) -> list[Floats]:
        """Standard deviation of each residual, wear included, per meter."""
        errors, worn = self.errors(duties), self._worn(duties)
        return [np.hypot(scale * e, wear) for scale, e, wear in zip(noise.scales, errors, worn, strict=True)]

    def variances(self, duties: Duties, noise: Noise) -> list[Floats]:
        """What each residual counts as, per meter: errors that readings share are multiplied by how many share them.

        A total that is the pumps' own meters summed tells nothing besides them.
        """
        found = []
        for index, (error, wear) in enumerate(zip(self.errors(duties), self._worn(duties), strict=True)):
            company = self._company[self.meters[index].rows]
            found.append(noise.scales[index] ** 2 * noise.inflations[index] * error**2 + company * wear**2)
        found[TOTAL][self._summed] = np.inf
        return found

    def unexplained(self, duties: Duties, variances: list[Floats], equations: Equations) -> list[Floats]:
        """Share of each residual's variance that the head, which follows the readings, leaves in it, per meter."""
        found, loose = [], equations.head_variance()
        for meter, variance in zip(self.meters, variances, strict=True):
            told = meter.predicted(duties.by_head) ** 2 / variance
            found.append(np.maximum(1.0 - told * loose[meter.rows], LEAST_LEFT))
        return found

    def head_error(
        self, state: State, duties: Duties, weights: list[Floats], variances: list[Floats], before: HeadError
    ) -> HeadError:
        """As residuals at the measured head tell it; *before* is what was thought."""
        pulls, off = [], self._head(state) - self._points.head
        for meter, weight, variance in zip(self.meters, weights, variances, strict=True):
            slope = meter.predicted(duties.by_head)
            residual = meter.observed - meter.predicted(duties.values) + slope * off[meter.rows]
            pulls.append(Pull(meter.rows, residual, slope, weight / variance))
        return before.learnt(pulls, self.blocks, self.worth, float(np.median(self._points.head)))

    def equations(
        self, state: State, duties: Duties, weights: list[Floats], variances: list[Floats], head: HeadError
    ) -> Equations:
        """Readings and beliefs, linear around *state*, at which *duties* are."""
        told = [
            Told(
                meter.rows,
                meter.columns,
                meter.jacobian(duties),
                meter.predicted(duties.by_head),
                meter.observed - meter.predicted(duties.values),
                weight / variance,
            )
            for meter, weight, variance in zip(self.meters, weights, variances, strict=True)
        ]
        return equations(self._beliefs(state.theta), told, state, head, self.blocks)

    def cost(
        self, state: State, residuals: list[Floats], weights: list[Floats], variances: list[Floats], head: HeadError
    ) -> float:
        """Minus twice the logarithm of the posterior at fixed weights, up to a constant."""
        cost = float(state.drifts @ state.drifts) / head.slow**2
        cost += float(state.errors @ state.errors) / max(head.fast, FAINTEST) ** 2
        for residual, weight, variance in zip(residuals, weights, variances, strict=True):
            cost += float(weight @ (residual**2 / variance))
        for index, prior in enumerate(self._priors):
            off = state.theta[own(index)] - prior.mean
            physics = _physics(prior, self._samples[index], state.theta[own(index)])
            cost += float(off @ prior.precision @ off + physics @ physics)
        return cost if np.isfinite(cost) else np.inf

    def _worn(self, duties: Duties) -> list[Floats]:
        return [meter.wear(duties, self._points.head, self._wear) for meter in self.meters]

    def _head(self, state: State) -> Floats:
        return np.asarray(self._points.head + state.drifts[self.blocks] + state.errors)

    def _beliefs(self, theta: Floats) -> tuple[Floats, Floats]:
        information = np.zeros((len(theta), len(theta)))
        pull = np.zeros(len(theta))
        for index, prior in enumerate(self._priors):
            mine, sample = theta[own(index)], self._samples[index]
            jacobian = _gradient(partial(_physics, prior, sample), mine)
            information[own(index), own(index)] = prior.precision + jacobian.T @ jacobian
            pull[own(index)] = prior.precision @ (prior.mean - mine) - jacobian.T @ _physics(prior, sample, mine)
        return information, pull


def own(index: int) -> slice:
    """Where a pump's parameters stand among all."""
    return slice(PARAMETERS * index, PARAMETERS * (index + 1))


def worth(points: Points, now_ms: int) -> Floats:
    """How much each point says of the pumps as they are at *now_ms*, 0 to 1, shape (n,); 1 for a recent one."""
    return np.asarray(1.0 / (1.0 + _company(points) * (_wear(points, now_ms) / USUAL_ERROR) ** 2))


def _wear(points: Points, now_ms: int) -> Floats:
    """Share of head and power that pumps may have changed by since each point, shape (n,)."""
    return np.asarray(WEAR * np.maximum(now_ms - points.times_ms - MEMORY_MS, 0))


def _company(points: Points) -> NDArray[np.int64]:
    """How many points have the running set of each, shape (n,)."""
    _, which, counts = np.unique(points.running, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[which.ravel()], dtype=np.int64)


def _blocks(times_ms: Times) -> NDArray[np.int64]:
    """The block of each point, numbered from 0."""
    return np.asarray(np.unique(times_ms // BLOCK_MS, return_inverse=True)[1], dtype=np.int64)


def _samples(points: Points, index: int) -> Floats:
    """Speed and head of a pump at five of its points, across its levels, shape (2, 5)."""
    rows = np.flatnonzero(points.running[:, index])
    by_level = rows[np.argsort(points.head[rows] / points.speeds[rows, index] ** 2)]
    chosen = by_level[(np.linspace(0.02, 0.98, 5) * (len(by_level) - 1)).round().astype(np.int64)]
    return np.stack([points.speeds[chosen, index], points.head[chosen]])


def _physics(prior: Prior, sample: Floats, theta: Floats) -> Floats:
    """How far a pump is from a usual shut-off head, a possible efficiency and curves it is like, in deviations."""
    speed, head = sample
    coefficients = prior.shape.head(theta)
    shut_off = np.log(max(float(coefficients[0]), 1e-3)) - prior.log_shut_off
    phi = falling_flow(coefficients, head / speed**2, softness=0.02)
    power = speed**3 * polynomial(prior.shape.power(theta), phi) + prior.shape.constant(theta)
    excess = np.maximum(np.nan_to_num(wire_to_water_efficiency(speed * phi, head, power)) - MOST_EFFICIENT, 0.0)
    found = np.append(excess / EFFICIENCY_STD / np.sqrt(len(speed)), shut_off / SHUT_OFF_STD)
    return found if prior.likeness is None else np.append(found, prior.likeness.missed(prior.shape, theta))


def _gradient(function: Callable[[Floats], Floats], theta: Floats) -> Floats:
    base = function(theta)
    columns = [(function(theta + step) - base) / STEP for step in STEP * np.eye(len(theta))]
    return np.stack(columns, axis=-1)
