"""The best volumes for given sets, of many drafts at once: a primal-dual interior point method (Wright, 1997).

Limits are kept by slacks that stay positive. Those of the storage may be broken at a price, as in the search: then
their worth, the dual, stays below that price. A step binds only two volumes, so that a turn is one tridiagonal system.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping
from analytics.schedule.slopes import Slopes, slopes

_TURNS = 12  # each takes an eighth of what is left
_AIM = 0.12  # of the present gap between cost and bound
_HAIR = 1e-8  # of the greatest flow, by which windows are made wider: those of fixed pumps have no inside
_BACK = 0.995  # of the way to the nearest limit
_FIRST = 1e-3  # of its size, a slack at first where a limit is touched
_WORTH = 1e-4  # of a step's cost, what a limit is worth at first
_FLAT = 1e-3  # of a usual bend: less is taken for as much
_FAR = -1.0  # room of a set that cannot run


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """c limits, each a number that shall not be below 0, in T steps of b drafts: (c, b, T)."""

    value: Array
    by_before: Array  # per m³ before the step
    by_after: Array  # and after it


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Where the search stands; (b, T + 1) volumes, the others (c, b, T)."""

    volumes: Array
    slack: Array
    dual: Array
    beyond: Array  # by how much a limit with a price is broken; 0 of others


@dataclass(frozen=True, slots=True, eq=False)
class Interior:
    """Sequences of sets, the volumes of which are looked for."""

    problem: Problem
    atlas: Atlas
    keeping: Keeping
    sets: NDArray[np.intp]  # (b, T)

    def walked(self, volumes: Array) -> Array:
        """Volumes (b, T + 1) about the best, from *volumes* on; windows may be missed by a hair."""
        point = None
        for _ in range(_TURNS):
            at = self._slopes(volumes)
            limits = self._limits(volumes, at)
            point = self._begun(volumes, limits) if point is None else point
            point = self._moved(point, at, limits)
            volumes = point.volumes
        return volumes

    @property
    def _per(self) -> float:
        """m³/h for each m³ that the volume grows in a step."""
        return self.problem.storage.sign / self.problem.step

    @property
    def _prices(self) -> Array:
        """What a limit may be broken for, money, (c, 1, 1)."""
        penalties, inf = self.keeping.penalties, np.inf
        costs = [inf, inf, inf, penalties.beyond, penalties.beyond, penalties.inside, penalties.inside]
        return np.array(costs)[self._which, None, None]

    @property
    def _which(self) -> list[int]:
        """Of all limits those that there are."""
        keeping = self.keeping
        has_margin = (keeping.inner_low > keeping.low).any() or (keeping.inner_high < keeping.high).any()
        return [0, 1, 2, 3, 4, *((5, 6) if has_margin else ())]

    @property
    def _usual(self) -> float:
        """Money, about what a step costs."""
        return float(np.abs(self.problem.price).mean()) * self.problem.step * float(self.atlas.power.max()) + 1e-9

    def _slopes(self, volumes: Array) -> Slopes:
        return slopes(self.atlas, self.sets, volumes[:, :-1], self._flow(volumes))

    def _flow(self, volumes: Array) -> Array:
        return np.asarray(self.problem.demand + self._per * np.diff(volumes))

    def _limits(self, volumes: Array, at: Slopes) -> _Limits:
        """Windows, room, the storage's limits and their margin."""
        per, none, one, keeping = self._per, np.zeros(self.sets.shape), np.ones(self.sets.shape), self.keeping
        flow, after, hair = self._flow(volumes), volumes[:, 1:], _HAIR * self.atlas.high.max()
        every = (
            (flow - at.low + hair, -per - at.low_by, per * one),
            (at.high - flow + hair, at.high_by + per, -per * one),
            (np.maximum(at.room, _FAR) + _HAIR, at.room_by, none),
            (after - keeping.low, none, one),
            (keeping.high - after, none, -one),
            (after - keeping.inner_low, none, one),
            (keeping.inner_high - after, none, -one),
        )
        value, by_before, by_after = (np.stack(each) for each in zip(*(every[one] for one in self._which), strict=True))
        by_before[:, :, 0] = 0.0  # the present volume is given
        value[2, :, 0] = 1.0
        return _Limits(value, by_before, by_after)

    def _begun(self, volumes: Array, limits: _Limits) -> _Point:
        """Well inside of every limit, or as if."""
        span, flow = float(np.ptp(self.atlas.volumes)), float(self.atlas.high.max())
        sizes = np.array([flow, flow, 1.0, span, span, span, span])
        size, prices = sizes[self._which, None, None], self._prices
        slack = np.maximum(limits.value, _FIRST * size)
        beyond = np.where(np.isfinite(prices), np.maximum(slack - limits.value, _FIRST * size), 0.0)
        return _Point(volumes, slack, np.minimum(_WORTH * self._usual / slack, prices / 2), beyond)

    def _moved(self, point: _Point, at: Slopes, limits: _Limits) -> _Point:
        """A Newton step towards a gap that is smaller."""
        slack, dual, beyond, prices = point.slack, point.dual, point.beyond, self._prices
        is_priced = np.isfinite(prices)
        rest = prices - dual
        gap = (slack * dual + beyond * np.where(is_priced, rest, 0.0)).mean(axis=(0, 2))
        aim = _AIM * gap[None, :, None]
        stiff = 1.0 / (slack / dual + beyond / rest)
        pull = aim / dual - aim / rest - limits.value
        move = self._solved(point.volumes, at, limits, stiff, dual + stiff * pull)  # (b, T)
        before = np.concatenate([np.zeros((len(move), 1)), move[:, :-1]], axis=1)
        more = stiff * (pull - limits.by_before * before - limits.by_after * move)  # dual
        wider = aim / dual - slack - slack / dual * more
        farther = np.where(is_priced, aim / rest - beyond + beyond / rest * more, 0.0)
        first = np.minimum(_share(slack, wider), _share(beyond, farther))
        second = np.minimum(_share(dual, more), _share(np.where(is_priced, rest, 1.0), np.where(is_priced, -more, 0.0)))
        volumes = point.volumes.copy()
        volumes[:, 1:] += first[:, None] * move
        first, second = first[:, None], second[:, None]
        return _Point(volumes, slack + first * wider, dual + second * more, beyond + first * farther)

    def _solved(self, volumes: Array, at: Slopes, limits: _Limits, stiff: Array, pull: Array) -> Array:
        """By how much each volume moves, (b, T): second derivatives of the cost are those along the flow."""
        problem, per = self.problem, self._per
        price = problem.price * problem.step
        by_volume, by_flow, bent = self.atlas.beside.slopes(self.sets, volumes[:, :-1], self._flow(volumes))
        flat = _FLAT * self._usual / float(self.atlas.high.max()) ** 2
        bend = np.maximum(np.abs(price * at.bend + bent), flat) * per**2
        down = (limits.by_after * pull).sum(axis=0) - per * (price * at.marginal + by_flow)
        down[:, -1] += problem.water_value * problem.storage.sign
        down_before = (limits.by_before * pull).sum(axis=0) - price * (at.power_by - per * at.marginal)
        down_before += per * by_flow - by_volume
        down[:, :-1] += down_before[:, 1:]
        middle = bend + (stiff * limits.by_after**2).sum(axis=0)
        middle[:, :-1] += (bend + (stiff * limits.by_before**2).sum(axis=0))[:, 1:]
        side = (stiff * limits.by_before * limits.by_after).sum(axis=0) - bend
        side[:, 0] = 0.0  # where one draft ends and the next begins
        side = side.ravel()
        bands = np.stack([side, middle.ravel(), np.append(side[1:], 0.0)])
        return np.asarray(solve_banded((1, 1), bands, down.ravel(), check_finite=False)).reshape(down.shape)


def _share(value: Array, step: Array) -> Array:
    """Of *step* (c, b, T), what keeps *value* positive, (b,): 1 at most."""
    falls = step < 0
    far = np.where(falls, -value / np.where(falls, step, -1.0), np.inf).min(axis=(0, 2))
    return np.asarray(np.minimum(1.0, _BACK * far))
