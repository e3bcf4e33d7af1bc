"""What flows of sequences of sets cost, by the tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping

OUTSIDE = 1e9  # money, of a step that cannot be
_HAIR = 1e-6  # of room: less is not known to be missing


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """Sequences of sets of b drafts, and what their flows cost."""

    problem: Problem
    atlas: Atlas
    keeping: Keeping
    sets: NDArray[np.intp]  # (b, T)

    def cost(self, volumes: Array, flows: Array) -> Array:
        """Money (b,), starts and penalties included, of volumes (b, T + 1) and flows (b, T)."""
        problem, on = self.problem, self.atlas.sets[self.sets]  # (b, T, n)
        now = np.broadcast_to([unit.is_on for unit in problem.units], (len(on), 1, len(problem.units)))
        starts = (on & ~np.concatenate([now, on[:, :-1]], axis=1)).sum(axis=1)
        window = self.atlas.window(self.sets.ravel(), volumes[:, :-1].ravel())
        power = window.power(flows.reshape(-1, 1)).reshape(flows.shape)
        cost = problem.step * (power @ problem.price)
        cost += self.atlas.beside.cost(self.sets, volumes[:, :-1], flows).sum(axis=1)
        cost += starts @ np.array([unit.start_cost for unit in problem.units])
        cost += self.keeping.cost(volumes[:, 1:], np.arange(problem.steps)).sum(axis=1)
        cost += OUTSIDE * (window.room.reshape(power.shape) < -_HAIR).sum(axis=1)
        return np.asarray(cost - problem.water_value * problem.storage.sign * volumes[:, -1])
