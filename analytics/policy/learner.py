"""Fitted Q iteration (Ernst, Geurts and Wehenkel, 2005) with extremely randomised trees, on the station's model."""

from collections.abc import Iterator

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from analytics.dispatch.pump import Array
from analytics.policy.moves import Moves, Places

SHARES = 5  # of a window while learning
_SAMPLES, _TREES, _LEAF = 400, 40, 1
_DEMANDS = (0.75, 1.25)  # times what is expected: what is drawn may be
_BEYOND = 0.05  # share of the storage beyond its limits from which it must be known how to come back
_PASSES = 2  # through the day: the first says what water is worth at the end of the second


class Learner:
    """What it is worth to be at a level with a set running, step by step, backwards through the day.

    ``Q(x, a) = c(x, a) + V(x')``, ``V(x) = min over a of Q(x, a)``. The state is the step (which is its price and
    the expected demand), volume, demand over the expected one, and set. The model tells the cost of an action and the
    state x' it leads to, so that trees need only learn V, one forest a step. States are drawn evenly over all there
    are and not from how the station was run: a policy is worth nothing where its operators never were.

    Args:
        moves: The model; the problem's timers are kept by whoever acts, not while learning.
        seed: Of the dice.
    """

    def __init__(self, moves: Moves, seed: int) -> None:
        self._moves, self._seed = moves, seed
        self._rng = np.random.default_rng(seed)
        volumes = moves.problem.storage.volume(np.array([moves.problem.storage.low, moves.problem.storage.high]))
        edge = _BEYOND * float(volumes[1] - volumes[0])
        self._ends = float(volumes[0]) - edge, float(volumes[1]) + edge
        self._forests: list[ExtraTreesRegressor | None] = [None] * (moves.problem.steps + 1)

    def rounds(self) -> Iterator[int]:
        """Learn; yields after each round how many are left, so that whoever has a clock may stop."""
        steps = self._moves.problem.steps
        for left in reversed(range(_PASSES * steps)):
            step = left % steps
            if step == steps - 1:
                self._forests[steps] = self._forests[0]  # the next day is like this one
            self._forests[step] = self._fitted(step)
            yield left

    def worth(self, step: int, volume: Array, demand: Array, chosen: Places) -> Array:
        """V (k,), money, at the beginning of *step* at *volume* (k,), *demand* over the expected, with sets running."""
        forest = self._forests[step]
        if forest is None:
            return np.zeros(len(volume))
        return np.asarray(forest.predict(self._seen(volume, demand, chosen)))

    def values(self, moves: Moves, step: int, volume: Array, demand: Array) -> tuple[Array, Array, Array]:
        """Volumes after, flows and Q without starts of all actions of *moves* in k states, all (k, A)."""
        drawn = demand * self._moves.problem.demand[step]
        after, flow, cost = moves.outcomes(volume, step, drawn)
        count, actions = after.shape
        chosen = np.tile(moves.chosen, count)
        worth = self.worth(step + 1, after.ravel(), np.repeat(demand, actions), chosen)
        return after, flow, cost + worth.reshape(count, actions)

    def _fitted(self, step: int) -> ExtraTreesRegressor:
        moves = self._moves
        volume = self._rng.uniform(*self._ends, _SAMPLES)
        demand = self._rng.uniform(*_DEMANDS, _SAMPLES)
        chosen = self._rng.integers(len(moves.atlas.sets), size=_SAMPLES)
        _, _, value = self.values(moves, step, volume, demand)
        least = (value + moves.switching[chosen]).min(axis=1)
        forest = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=self._seed + step, n_jobs=1)
        forest.fit(self._seen(volume, demand, chosen), least)
        return forest

    def _seen(self, volume: Array, demand: Array, chosen: Places) -> Array:
        return np.column_stack([volume, demand, self._moves.atlas.sets[chosen]])
