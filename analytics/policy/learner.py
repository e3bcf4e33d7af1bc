"""Fitted Q iteration (Ernst, Geurts and Wehenkel, 2005) with extremely randomised trees, on the station's model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from analytics.dispatch.pump import Array
from analytics.policy.moves import Moves

SHARES = 5  # of a window while learning
_SAMPLED, _SAMPLES = 48_000, (500, 2_000)  # states of a day; of a step at least and at most
_TREES, _LEAF = 25, 1
_DEMANDS = (0.75, 1.25)  # times what is expected: what is drawn may be
_DEAR = 5.0  # dearest steps: a set that is dearer by more than that is only never chosen


class Learner:
    """What is still to come at a level with a set running, learnt step by step backwards through the day.

    ``Q(x, a) = c(x, a) + V(x')``, ``V(x, b) = min over a of start(b, a) + Q(x, a)`` with b the set that ran before.
    The state x is the step (which is its price and the expected demand), volume, and demand over the expected one.
    The model tells the cost of an action and the state x' it leads to; a forest a step learns Q of all sets at once,
    each at its best flow. After the last step the problem says what water is worth. States are drawn evenly over all
    there are and not from how the station was run: a policy is worth nothing where its operators never were.

    Args:
        moves: The model; the problem's timers are kept by whoever acts, not while learning.
        seed: Of the dice.
    """

    def __init__(self, moves: Moves, seed: int) -> None:
        self.moves, self._seed = moves, seed
        self._rng = np.random.default_rng(seed)
        storage = moves.problem.storage
        low, high = storage.volume(np.array([storage.low, storage.high])).tolist()
        self._ends = float(low), float(high)
        self._samples = int(np.clip(_SAMPLED // moves.problem.steps, *_SAMPLES))
        self._learnt: list[_Worth | None] = [None] * (moves.problem.steps + 1)

    def rounds(self) -> Iterator[int]:
        """Learn; yields after each round how many are left, so that whoever has a clock may stop."""
        for step in reversed(range(self.moves.problem.steps)):
            self._learnt[step] = self._fitted(step)
            yield step

    def worth(self, step: int, volume: Array, demand: Array) -> Array:
        """Q (k, s), money, of every set in *step* at *volume* (k,), *demand* over the expected one.

        After the last step it is the worth of the water; nothing where the step was not learnt yet.
        """
        problem, learnt = self.moves.problem, self._learnt[step]
        if learnt is not None:
            return learnt.of(np.column_stack([volume, demand]))
        at_end = (
            -problem.water_value * problem.storage.sign * volume if step == problem.steps else np.zeros(len(volume))
        )
        return np.tile(at_end[:, None], len(self.moves.atlas.sets))

    def _fitted(self, step: int) -> "_Worth":
        moves = self.moves
        volume = self._rng.uniform(*self._ends, self._samples)
        demand = self._rng.uniform(*_DEMANDS, self._samples)
        after, cost = moves.outcomes(volume, step, demand * moves.problem.demand[step])
        count, actions = after.shape
        inside = np.clip(after, *self._ends).ravel()  # what lies beyond is paid for in the cost
        best = self.worth(step + 1, inside, np.repeat(demand, actions)).reshape(count, actions, -1)
        is_last = step + 1 == moves.problem.steps
        value = cost + (best[:, :, 0] if is_last else (best + moves.switching[moves.chosen]).min(axis=2))
        sets = np.stack([value[:, moves.chosen == place].min(axis=1) for place in range(len(moves.atlas.sets))], axis=1)
        dearest = sets.min(axis=1) + _DEAR * moves.dearest(step)
        return _Worth.fitted(np.column_stack([volume, demand]), np.minimum(sets, dearest[:, None]), self._seed + step)


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """A plane for each set, and a forest for what it leaves over: most of what water is worth is straight in volume."""

    plane: Array  # (3, s)
    forest: ExtraTreesRegressor

    @classmethod
    def fitted(cls, seen: Array, value: Array, seed: int) -> "_Worth":
        plane = np.asarray(np.linalg.lstsq(_with_one(seen), value)[0], np.float64)
        forest = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=seed, n_jobs=1)
        return cls(plane, forest.fit(seen, value - _with_one(seen) @ plane))

    def of(self, seen: Array) -> Array:
        return np.asarray(_with_one(seen) @ self.plane + self.forest.predict(seen))


def _with_one(seen: Array) -> Array:
    return np.column_stack([np.ones(len(seen)), seen])
