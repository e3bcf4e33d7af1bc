"""Where every action leads: the station's model as one who learns by trial sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas, atlas
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping, allowed, start_costs

_FORBIDDEN = 100.0  # times the penalty of a storage's whole range: a set that cannot or may not run

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """A actions: a set of pumps, and where in its window of flows it runs."""

    problem: Problem
    lines: Sequence[Line]
    atlas: Atlas
    keeping: Keeping
    chosen: Places  # (A,) sets of the atlas
    share: Array  # (A,) of the window
    switching: Array  # (s, s) money of going from each set to each
    may: NDArray[np.bool_]  # (T, A) by locks

    @classmethod
    def of(cls, problem: Problem, shares: int) -> Self:
        """Those of *problem*, each window looked at in as many *shares*."""
        lines = lines_of(problem)
        tables = atlas(problem, lines, sets_of(problem, lines))
        fixed = tables.is_rigid.copy()
        fixed[0] = True
        pairs = [
            (place, share)
            for place, is_fixed in enumerate(fixed.tolist())
            for share in (np.zeros(1) if is_fixed else np.linspace(0.0, 1.0, shares)).tolist()
        ]
        chosen = np.array([place for place, _ in pairs], np.intp)
        return cls(
            problem=problem,
            lines=lines,
            atlas=tables,
            keeping=Keeping.of(problem, tables),
            chosen=chosen,
            share=np.array([share for _, share in pairs]),
            switching=start_costs(problem, tables),
            may=allowed(problem, tables)[:, chosen],
        )

    def dearest(self, step: int) -> float:
        """Money of a step at the most power, with all that is weighed beside, and of all starts."""
        energy = abs(float(self.problem.price[step])) * self.problem.step * float(self.atlas.power.max())
        sets = np.arange(len(self.atlas.sets))[:, None]
        beside = self.atlas.beside.cost(sets, self.atlas.volumes, self.atlas.high)
        return energy + float(self.switching.max()) + float(beside.max())

    def outcomes(self, volume: Array, step: int, demand: Array) -> tuple[Array, Array]:
        """Volumes after, m³, and costs without starts, money, of all actions at k volumes, both (k, A)."""
        count, actions = len(volume), len(self.chosen)
        window = self.atlas.window(np.tile(self.chosen, count), np.repeat(volume, actions))
        flow = window.low + np.tile(self.share, count) * (window.high - window.low)
        power = window.power(flow[:, None])[:, 0].reshape(count, actions)
        room = window.room.reshape(count, actions)
        flow = flow.reshape(count, actions)
        after = self.problem.after(volume[:, None], flow, demand[:, None])
        cost = self.problem.price[step] * self.problem.step * power + self.keeping.cost(after, step)
        cost += self.atlas.beside.cost(self.chosen, volume[:, None], flow)
        able = (room >= 0) & self.may[step]
        return after, np.where(able, cost, cost + self._forbidden)

    @property
    def _forbidden(self) -> float:
        span = float(self.atlas.volumes[-1] - self.atlas.volumes[0])
        return _FORBIDDEN * self.keeping.penalties.beyond * span
