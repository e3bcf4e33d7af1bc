"""Normal equations of a joint fit, from which what is not known of the head at each point is eliminated."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.curves.head_error import HeadError
from analytics.hydraulics import Floats


class State(NamedTuple):
    """What is fitted, with how wrong the measured head is, m.

    Attributes:
        theta: All pumps' parameters, shape (7 pumps,).
        drifts: In each block of points near in time, shape (blocks,).
        errors: At each point besides, shape (points,).
    """

    theta: Floats
    drifts: Floats
    errors: Floats

    def moved(self, step: "State", share: float) -> "State":
        """By a *share* of *step*."""
        return State(*(mine + share * way for mine, way in zip(self, step, strict=True)))


class Told(NamedTuple):
    """What a meter says, linear around a state.

    Attributes:
        rows: Of its points, rising.
        columns: Of the parameters it depends on.
        jacobian: Of what it should show by these, shape (rows, columns).
        by_head: By the head, shape (rows,).
        residual: Reading less what it should show.
        information: One over the variance of that; 0 for outliers.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    jacobian: Floats
    by_head: Floats
    residual: Floats
    information: Floats


class AtPoints(NamedTuple):
    """What all meters say of the head's own error at each point.

    Attributes:
        mixed: Information shared with the parameters, shape (points, parameters).
        told: Of the error itself, 1/m².
        loose: Variance that it has once these are known, m².
        moves: Where it goes if nothing else moves, m.
    """

    mixed: Floats
    told: Floats
    loose: Floats
    moves: Floats


class Equations(NamedTuple):
    """Information (blocks of parameters, mixed, drifts) and gradients at a state, the points' errors eliminated."""

    of_theta: Floats
    mixed: Floats
    of_drifts: Floats
    pull_theta: Floats
    pull_drifts: Floats
    points: AtPoints
    blocks: NDArray[np.int64]

    def covariance(self) -> Floats:
        """Of the parameters, drifts marginalised (Schur complement)."""
        reduced = self.of_theta - (self.mixed / self.of_drifts) @ self.mixed.T
        return np.asarray(np.linalg.inv(reduced), dtype=np.float64)

    def stds(self) -> Floats:
        """Standard deviations of the parameters."""
        return np.asarray(np.sqrt(np.diag(self.covariance())))

    def step(self) -> State:
        """The Gauss-Newton step."""
        theta = self.covariance() @ (self.pull_theta - (self.mixed / self.of_drifts) @ self.pull_drifts)
        drifts = (self.pull_drifts - self.mixed.T @ theta) / self.of_drifts
        _, told, loose, moves = self.points
        return State(theta, drifts, moves - loose * (self.points.mixed @ theta + told * drifts[self.blocks]))

    def head_variance(self) -> Floats:
        """Of the head at each point by what its meters say, the parameters known, m²."""
        left = 1.0 - self.points.told * self.points.loose
        return np.asarray(self.points.loose + left**2 / self.of_drifts[self.blocks])


def equations(
    beliefs: tuple[Floats, Floats], meters: Sequence[Told], state: State, head: HeadError, blocks: NDArray[np.int64]
) -> Equations:
    """Of all *meters* and *beliefs* of the parameters (information and gradient) at *state*.

    Each point's own error e has variance f² and stands in its point only, so it is eliminated there: of the head's
    information t at it 1 / (1 + t f²) is left for what points share.

    Args:
        beliefs: Information and gradient of the parameters.
        meters: What they say.
        state: Around which.
        head: How wrong the measured one is.
        blocks: The block of each point, numbered from 0, rising.
    """
    of_theta, pull_theta = (each.copy() for each in beliefs)
    mixed, told, pulls = np.zeros((len(blocks), len(state.theta))), np.zeros(len(blocks)), np.zeros(len(blocks))
    for rows, columns, jacobian, by_head, residual, information in meters:
        of_theta[np.ix_(columns, columns)] += jacobian.T @ (information[:, np.newaxis] * jacobian)
        pull_theta[columns] += jacobian.T @ (information * residual)
        shared = information * by_head
        mixed[np.ix_(rows, columns)] += shared[:, np.newaxis] * jacobian
        told[rows] += shared * by_head
        pulls[rows] += shared * residual
    left = 1.0 / (1.0 + told * head.fast**2)
    points = AtPoints(mixed, told, left * head.fast**2, left * (pulls * head.fast**2 - state.errors))
    begins = np.flatnonzero(np.diff(blocks, prepend=-1))
    return Equations(
        of_theta - mixed.T @ (points.loose[:, np.newaxis] * mixed),
        np.add.reduceat(left[:, np.newaxis] * mixed, begins).T,
        1.0 / head.slow**2 + np.add.reduceat(left * told, begins),
        pull_theta - mixed.T @ points.moves,
        np.add.reduceat(pulls - told * points.moves, begins) - state.drifts / head.slow**2,
        points,
        blocks,
    )
