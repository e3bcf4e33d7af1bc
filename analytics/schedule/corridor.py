"""A path of volumes made better where powers bend the wrong way: a dynamic programme in a corridor that narrows.

What slopes cannot show it sees: where a pump works best between two flows, hours at the one and hours at the other.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping
from analytics.schedule.search import Draft
from analytics.schedule.worth import OUTSIDE, Worth

_NODES = 17  # across the corridor
_WIDTH = 0.01  # of the storage, to either side at first
_SHARE = 0.04  # the same, of what a step pumps at most: where steps are long, a flow that is a little other leads far
_NARROWER = 0.4
_ROUNDS = 4


def narrowed(problem: Problem, atlas: Atlas, draft: Draft) -> Draft:
    """The same sets at flows near those of *draft*; never dearer by the tables.

    Args:
        problem: The problem.
        atlas: Its tables.
        draft: What is to be made better.
    """
    keeping = Keeping.of(problem, atlas)
    worth, corridor = Worth(problem, atlas, keeping, draft.sets[None]), _Corridor(problem, atlas, keeping, draft.sets)
    if atlas.is_rigid[draft.sets].all():
        return draft
    best, storage = draft, float(np.ptp(atlas.volumes))
    width = max(_WIDTH * storage, min(_SHARE * float(atlas.high.max()) * problem.step, storage / 12))
    for _ in range(_ROUNDS):
        volumes, flows = corridor.walked(best.volumes, width)
        cost = float(worth.cost(volumes[None], flows[None])[0])
        if cost < best.cost:
            best = replace(best, volumes=volumes, flows=flows, cost=cost)
        width *= _NARROWER
    return best


@dataclass(frozen=True, slots=True, eq=False)
class _Corridor:
    """A sequence of sets."""

    problem: Problem
    atlas: Atlas
    keeping: Keeping
    sets: NDArray[np.intp]  # (T,)

    def walked(self, path: Array, width: float) -> tuple[Array, Array]:
        """The best path within *width* of *path*: volumes (T + 1,) and flows (T,)."""
        nodes = path[:, None] + width * np.linspace(-1.0, 1.0, _NODES)  # (T + 1, m)
        moves = self._moves(nodes)
        ahead = -self.problem.water_value * self.problem.storage.sign * nodes[-1]
        total = moves.cost
        for step in reversed(range(len(self.sets))):
            before = ahead[moves.node[step]]
            total[step] += before + moves.share[step] * (ahead[moves.node[step] + 1] - before)
            ahead = total[step].min(axis=1)
        return self._forward(float(path[0]), nodes, moves, total)

    def _moves(self, nodes: Array) -> "_Moves":
        """From every node to each node after it, with least and most flow, and to the preferred pressure."""
        problem, (steps, count) = self.problem, (len(self.sets), nodes.shape[1])
        step = np.repeat(np.arange(steps), count)
        at = nodes[:-1].ravel()
        window = self.atlas.window(self.sets[step], at)
        low, high = window.low[:, None], window.high[:, None]
        wanted = problem.demand[step][:, None] + problem.storage.sign * (nodes[1:][step] - at[:, None]) / problem.step
        flow = np.concatenate([np.clip(wanted, low, high), low, high], axis=1)
        if (liked := self.atlas.beside.preferred(at)) is not None:
            flow = np.concatenate([flow, np.clip(liked[:, None], low, high)], axis=1)
        power = window.power(flow)
        after = problem.after(at[:, None], flow, problem.demand[step][:, None])
        cost = (problem.price[step] * problem.step)[:, None] * power + self.keeping.cost(after, step[:, None])
        cost += self.atlas.beside.cost(self.sets[step][:, None], at[:, None], flow)
        cost[window.room < 0] = OUTSIDE
        place = (after - nodes[1:, :1][step]) / (nodes[1:, 1:2] - nodes[1:, :1])[step]
        node = np.clip(place.astype(np.intp), 0, count - 2)
        middle = (count - 1) / 2
        cost += OUTSIDE * np.maximum(np.abs(place - middle) - middle - 1e-6, 0.0)
        shape = (steps, count, -1)
        return _Moves(
            low=window.low.reshape(steps, count),
            high=window.high.reshape(steps, count),
            cost=cost.reshape(shape),
            node=node.reshape(shape),
            share=(place - node).reshape(shape),
        )

    def _forward(self, start: float, nodes: Array, moves: "_Moves", total: Array) -> tuple[Array, Array]:
        """Along the best moves, those of the two nodes around it where the path is between them."""
        problem, volumes, flows = self.problem, [start], []
        cell, last = float(nodes[0, 1] - nodes[0, 0]), nodes.shape[1] - 2
        for step, demand in enumerate(problem.demand.tolist()):
            place = (volumes[-1] - float(nodes[step, 0])) / cell
            node = min(max(int(place), 0), last)
            share = place - node
            move = int((total[step, node] * (1.0 - share) + total[step, node + 1] * share).argmin())
            low, high = (float(each[step, node] * (1.0 - share) + each[step, node + 1] * share) for each in moves.ends)
            if move <= last + 1:
                wanted = demand + problem.storage.sign * (float(nodes[step + 1, move]) - volumes[-1]) / problem.step
                flow = min(max(wanted, low), high)
            else:
                liked = self.atlas.beside.preferred(np.array(volumes[-1])) if move == last + 4 else None
                flow = (low if move == last + 2 else high) if liked is None else min(max(float(liked), low), high)
            flows.append(flow)
            volumes.append(volumes[-1] + problem.storage.sign * (flow - demand) * problem.step)
        return np.array(volumes), np.array(flows)


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Moves from m nodes in each of T steps, m + 2 each, or one more."""

    low: Array  # (T, m) m³/h
    high: Array  # (T, m)
    cost: Array  # (T, m, moves) money
    node: NDArray[np.intp]  # (T, m, moves) below the volume they end at
    share: Array  # (T, m, moves) of the way from it to the next

    @property
    def ends(self) -> tuple[Array, Array]:
        """Least and most flow."""
        return self.low, self.high
