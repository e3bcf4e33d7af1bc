"""What each pump of a header has lost against its reference, from one day's steady points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Flags, Points
from analytics.hydraulics import Floats
from analytics.wear.reference import Reference

BLOCK_MS = 600_000  # readings nearer than this may share a cause and count as one
STEP = 1e-4  # of a head lost, for one-sided differences
ITERATIONS = 8
LEAST_SCALE = 0.003  # share of a reading; no meter scatters less
HUBER = 1.0  # scales; low, so that a day's estimate is nearly its median
MOST = 0.5  # of a head that may be lost or gained
FIRST_STD = 0.005  # of what a reference that has just been taken has lost
HEAD_CHANGE, POWER_CHANGE = 0.01, 0.005  # that a day may bring, where the next one tells no better


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """Head lost by each pump, then power gained, as shares; what is known of them before a day is looked at.

    Attributes:
        mean: Shape (2 pumps,).
        covariance: Shape (2 pumps, 2 pumps).
    """

    mean: Floats
    covariance: Floats

    @classmethod
    def first(cls, pumps: int) -> Self:
        """Of references that have just been taken."""
        return cls(np.zeros(2 * pumps), FIRST_STD**2 * np.eye(2 * pumps))

    @property
    def is_finite(self) -> bool:
        """Whether it says something."""
        return bool(np.isfinite(self.mean).all() and np.isfinite(self.covariance).all())

    def after(self, days: float) -> Self:
        """Some days later: wider."""
        change = np.repeat([HEAD_CHANGE, POWER_CHANGE], len(self.mean) // 2)
        return replace(self, covariance=self.covariance + days * np.diag(change**2))

    def renewed(self, index: int) -> Self:
        """With a new reference of the pump at a place."""
        mean, covariance = self.mean.copy(), self.covariance.copy()
        for place in (index, index + len(mean) // 2):
            mean[place], covariance[place], covariance[:, place] = 0.0, 0.0, 0.0
            covariance[place, place] = FIRST_STD**2
        return replace(self, mean=mean, covariance=covariance)


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """What a header's pumps have lost; every array has one value a pump.

    With the reference's h(φ) and p(φ), a pump that has lost the share l of its head and draws the share g more::

        H = (1 - l) s² h(φ)        P = (1 + g) (s³ p(φ) + c)        η / η_ref = (1 - l) / (1 + g)

    Attributes:
        belief: l of each pump, then g of each.
        points: Steady points inside the reference's range that the pump's own figures rest on.
        flow_slope: d ln Q / d ln H of the reference at the day's duties; NaN without points.
        power_slope: d ln P / d ln Q likewise.
    """

    belief: Belief
    points: NDArray[np.int64]
    flow_slope: Floats
    power_slope: Floats

    def since(self, base: Belief) -> Self:
        """What has changed since *base*: what the reference missed from the beginning is in both."""
        changed = Belief(self.belief.mean - base.mean, self.belief.covariance + base.covariance)
        return replace(self, belief=changed)

    @property
    def head(self) -> Floats:
        """Share of the head lost."""
        return self.belief.mean[: len(self.points)]

    @property
    def power(self) -> Floats:
        """Share of power drawn more."""
        return self.belief.mean[len(self.points) :]

    @property
    def efficiency(self) -> Floats:
        """Share of the efficiency lost."""
        return np.asarray(1.0 - (1.0 - self.head) / (1.0 + self.power))

    @property
    def head_std(self) -> Floats:
        """Standard deviation of l, without the reference's own."""
        return np.sqrt(np.diag(self.belief.covariance)[: len(self.points)])

    @property
    def efficiency_std(self) -> Floats:
        """Standard deviation of the efficiency lost, to first order l + g."""
        n, cov = len(self.points), self.belief.covariance
        return np.sqrt(np.maximum(np.diag(cov)[:n] + np.diag(cov)[n:] + 2.0 * np.diag(cov[:n, n:]), 0.0))


class _Rows(NamedTuple):
    """Readings of one meter beside what the references lead one to expect, as shares of the reading."""

    times_ms: NDArray[np.int64]
    residuals: Floats
    jacobian: Floats  # of the expectation, (k, 2 pumps)


def losses(points: Points, references: Sequence[Reference | None], belief: Belief) -> Losses:
    """What the pumps have lost over the time of *points*.

    A robust fit (Huber 1964, near the median) of every meter at once: total flow, pumps' own flows, powers. For a
    pump alone on its header, or with its own flow meter, that is the median of what its points say by themselves; where
    only sets of pumps are metered, flows of different sets and each pump's power tell the parts, and what they leave
    open stays as believed. Points where a running pump has no reference or is outside its range are passed over.

    Args:
        points: Steady ones of a day or so.
        references: Of each pump, in the order of the points' columns.
        belief: Before.
    """
    mean = belief.mean
    information = np.linalg.inv(belief.covariance)
    matrix = information
    for _ in range(ITERATIONS):
        matrix, vector = information, information @ (belief.mean - mean)
        for rows in _meters(points, _duties(points, references, mean)):
            weights = _weights(rows)
            matrix = matrix + rows.jacobian.T @ (weights[:, np.newaxis] * rows.jacobian)
            vector = vector + rows.jacobian.T @ (weights * rows.residuals)
        mean = np.clip(mean + np.linalg.solve(matrix, vector), -MOST, MOST)
    found = _duties(points, references, mean)
    return Losses(Belief(mean, np.linalg.inv(matrix)), found.inside.sum(axis=0), *_slopes(found))


@dataclass(frozen=True, slots=True, eq=False)
class _Duties:
    """Flow and power that worn pumps should have at each point's head, and derivatives by l, each (points, pumps)."""

    flows: Floats
    powers: Floats
    flow_change: Floats
    power_change: Floats  # by l
    plain: Floats  # the power's derivative by g
    inside: Flags  # the pump runs, within its reference's range
    complete: Flags  # so do all that run, shape (points,)


def _duties(points: Points, references: Sequence[Reference | None], mean: Floats) -> _Duties:
    shape = points.running.shape
    flows, powers, moved, moved_powers = (np.full(shape, np.nan) for _ in range(4))
    inside = np.zeros(shape, np.bool_)
    pumps = len(references)
    for index, reference in enumerate(references):
        if reference is None:
            continue
        rows, lost = points.running[:, index], mean[index]
        head, speed = points.head[rows], points.speeds[rows, index]
        flows[rows, index] = reference.flow(head / (1.0 - lost), speed)
        moved[rows, index] = reference.flow(head / (1.0 - lost - STEP), speed)
        powers[rows, index] = reference.power(flows[rows, index], speed)
        moved_powers[rows, index] = reference.power(moved[rows, index], speed)
        measured = _measured(points, index)[rows]
        by_flow = reference.supports(measured, speed)
        by_head = reference.supports(flows[rows, index], speed) & ~reference.is_far(measured, speed)
        known = np.isfinite(flows[rows, index]) & np.isfinite(moved[rows, index])
        inside[rows, index] = (by_flow | by_head) & known
    more = 1.0 + mean[pumps:]
    return _Duties(
        flows=flows,
        powers=more * powers,
        flow_change=(moved - flows) / STEP,
        power_change=more * (moved_powers - powers) / STEP,
        plain=powers,
        inside=inside,
        complete=np.asarray((inside | ~points.running).all(axis=1)),
    )


def _measured(points: Points, index: int) -> Floats:
    """Flow of the pump at a place, shape (n,): by its own meter, or the header's where it runs alone; else NaN.

    What it lost at once, at its only duty, takes the flow that its reference has at its head far out of the range.
    """
    alone = np.where(points.running.sum(axis=1) == 1, points.flow, np.nan)
    own = points.pump_flows[:, index]
    return np.where(np.isfinite(own), own, alone)


def _meters(points: Points, duties: _Duties) -> Iterator[_Rows]:
    """Each meter's rows where it says something of pumps inside their references' ranges."""
    pumps = points.running.shape[1]
    some = duties.complete & points.running.any(axis=1) & np.isfinite(points.flow) & (points.flow > 0.0)
    flow = points.flow[some]
    expected = np.where(duties.inside, duties.flows, 0.0)[some].sum(axis=1)
    jacobian = np.zeros((len(flow), 2 * pumps))
    jacobian[:, :pumps] = np.where(duties.inside, duties.flow_change, 0.0)[some] / flow[:, np.newaxis]
    yield _Rows(points.times_ms[some], (flow - expected) / flow, jacobian)
    for index in range(pumps):
        for values, wanted, by_head, by_power in (
            (points.pump_flows, duties.flows, duties.flow_change, None),
            (points.powers, duties.powers, duties.power_change, duties.plain),
        ):
            own = values[:, index]
            rows = duties.inside[:, index] & np.isfinite(own) & (own > 0.0) & np.isfinite(wanted[:, index])
            jacobian = np.zeros((int(rows.sum()), 2 * pumps))
            jacobian[:, index] = by_head[rows, index] / own[rows]
            if by_power is not None:
                jacobian[:, pumps + index] = by_power[rows, index] / own[rows]
            yield _Rows(points.times_ms[rows], (own[rows] - wanted[rows, index]) / own[rows], jacobian)


def _weights(rows: _Rows) -> Floats:
    """Of each reading, shape (k,): robust, and those of one block together no more than one reading's."""
    if len(rows.residuals) == 0:
        return rows.residuals
    centre = np.median(rows.residuals)
    scale = max(1.4826 * float(np.median(np.abs(rows.residuals - centre))), LEAST_SCALE)
    far = np.abs(rows.residuals) / scale
    _, block, counts = np.unique(rows.times_ms // BLOCK_MS, return_inverse=True, return_counts=True)
    return np.asarray(HUBER / np.maximum(far, HUBER) / (scale**2 * counts[block]))


def _slopes(duties: _Duties) -> tuple[Floats, Floats]:
    """Elasticities of flow and power, each (pumps,)."""
    pumps = duties.inside.shape[1]
    flow_slope, power_slope = np.full(pumps, np.nan), np.full(pumps, np.nan)
    for index in range(pumps):
        rows = duties.inside[:, index]
        if rows.any():
            by_head = duties.flow_change[rows, index] / duties.flows[rows, index]
            flow_slope[index] = np.median(by_head)
            power_slope[index] = np.median(duties.power_change[rows, index] / duties.powers[rows, index] / by_head)
    return flow_slope, power_slope
