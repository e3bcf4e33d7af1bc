"""Drafts' flows made the best for their sets, by the tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.interior import Interior
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping
from analytics.schedule.search import Draft
from analytics.schedule.worth import Worth


def polished(problem: Problem, atlas: Atlas, drafts: Sequence[Draft]) -> list[Draft]:
    """The same sets at better flows, in the same order; none dearer by the tables than along the volumes it had.

    Args:
        problem: The problem.
        atlas: Its tables.
        drafts: What is to be made better, all at once; their volumes are followed as nearly as their sets can.
    """
    if not drafts:
        return []
    keeping = Keeping.of(problem, atlas)
    sets, path = (np.stack(each) for each in zip(*((draft.sets, draft.volumes) for draft in drafts), strict=True))
    worth = Worth(problem, atlas, keeping, sets)
    volumes, flows = _followed(problem, atlas, sets, path)
    cost = worth.cost(volumes, flows)
    if not atlas.is_rigid[sets].all():
        path = Interior(problem, atlas, keeping, sets).walked(volumes)
        found = _followed(problem, atlas, sets, path)
        costs = worth.cost(*found)
        is_better = (costs < cost)[:, None]
        volumes, flows = np.where(is_better, found[0], volumes), np.where(is_better, found[1], flows)
        cost = np.minimum(cost, costs)
    return [Draft(*each) for each in zip(sets, volumes, flows, cost.tolist(), strict=True)]


def _followed(problem: Problem, atlas: Atlas, sets: NDArray[np.intp], path: Array) -> tuple[Array, Array]:
    """Volumes (b, T + 1) and flows (b, T) of *sets* (b, T) as near to *path* (b, T + 1) as their windows allow."""
    volumes, flows, sign = np.empty(path.shape), np.empty(sets.shape), problem.storage.sign
    volumes[:, 0] = path[:, 0]
    ends = np.stack([atlas.low, atlas.high], axis=2)
    for step, demand in enumerate(problem.demand.tolist()):
        now, chosen = volumes[:, step], sets[:, step]
        low, high = atlas.between(ends, chosen, now).T
        wanted = demand + sign * (path[:, step + 1] - now) / problem.step
        flows[:, step] = np.minimum(np.maximum(wanted, low), high)
        volumes[:, step + 1] = problem.after(now, flows[:, step], demand)
    return volumes, flows
