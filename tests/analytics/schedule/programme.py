"""A second reference for long days: the schedule as a mixed-integer linear programme, with a bound that is proved.

Of the schedule's code it uses only what a set of pumps can do at one head; what runs when, and how much, is left to
HiGHS (Huangfu and Hall, 2018). A storage so wide that its level does not move the head leaves straight lines between
a set's nodes as all that is not exact; they are drawn below the truth.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Array
from analytics.schedule.choice import sets_of
from analytics.schedule.problem import Problem
from analytics.schedule.split import power_of
from analytics.schedule.storage import Storage
from analytics.schedule.windows import windows

_BAND = 1e-3  # m
_NODES = 17  # of a set's flows
_SHARP = 1e-9
_INFEASIBLE = 2  # what scipy calls it


@dataclass(frozen=True, slots=True, eq=False)
class _Modes:
    """What can be run: each set at each of its nodes."""

    sets: NDArray[np.bool_]  # (m, pumps)
    flow: Array  # (m,) m³/h
    power: Array  # (m,) kW, by so much less that straight lines between nodes are nowhere above the truth


def widened(problem: Problem) -> Problem:
    """The same water in a storage so wide that its level hardly moves."""
    storage = problem.storage
    volumes = storage.volume(np.array([storage.low, storage.high, problem.level]))
    share = float((volumes[2] - volumes[0]) / (volumes[1] - volumes[0]))
    area = float(volumes[1] - volumes[0]) / _BAND
    end = problem.level_end
    if end is not None:
        end = _BAND * (float(storage.volume(np.array(end))) - float(volumes[0])) / float(volumes[1] - volumes[0])
    system = replace(problem.system, static_head=float(problem.base_head(np.array(problem.level))))
    wide = Storage.of_area(area, 0.0, _BAND, is_filled=storage.is_filled)
    return replace(problem, storage=wide, system=system, level=_BAND * share, level_end=end)


@dataclass(frozen=True, slots=True)
class Proof:
    """What HiGHS has shown."""

    bound: float  # money below which there is no plan
    is_tight: bool  # it has found as cheap a one; otherwise its time was over


def proved(problem: Problem, seconds: float) -> Proof | None:
    """The least cost of a problem that was `widened`; None where HiGHS shows that there is no plan."""
    modes, rows = _modes(problem), _Rows(problem)
    cost = rows.build(modes)
    found = milp(
        cost,
        constraints=rows.constraints,
        integrality=rows.integrality,
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": seconds, "mip_rel_gap": 5e-5},
    )
    if found.status == _INFEASIBLE:
        return None
    bound = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)
    return Proof(bound, is_tight=found.status == 0)


def _modes(problem: Problem) -> _Modes:
    lines = tuple(Line(unit.physics) for unit in problem.units)
    masks = sets_of(problem, lines)
    head = problem.base_head(np.full(len(masks) - 1, problem.level))
    low, high, room = windows(lines, masks[1:], head, problem.system.resistance, _SHARP)
    sets, flows, powers = [masks[0]], [0.0], [0.0]
    for mask, least, most, able in zip(masks[1:], low, high, room, strict=True):
        if able < 0:
            continue
        members = [line for line, runs in zip(lines, mask, strict=True) if runs]
        is_rigid = all(line.physics.speed_min == line.physics.speed_max for line in members)
        flow = np.linspace(least, least if is_rigid else max(least, most), 1 if is_rigid else 2 * _NODES - 1)
        power = power_of(members, problem.head(np.full(len(flow), problem.level), flow), flow)
        above = np.maximum((power[:-1:2] + power[2::2]) / 2 - power[1::2], 0.0)
        sets += [mask] * len(flow[::2])
        flows += flow[::2].tolist()
        powers += (power[::2] - np.maximum(np.append(above, 0.0), np.append(0.0, above))).tolist()
    return _Modes(np.array(sets), np.array(flows), np.array(powers))


class _Rows:
    """The programme: shares of modes, then what runs, starts and stops, and volumes, all step by step, from 0 to 1."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._entries: list[tuple[int, int, float]] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self.integrality: NDArray[np.int64] = np.zeros(0, np.int64)
        self._columns = 0

    @property
    def constraints(self) -> LinearConstraint:
        """All rows."""
        row, column, value = zip(*self._entries, strict=True)
        matrix = coo_array((value, (row, column)), shape=(len(self._low), self._columns)).tocsr()
        return LinearConstraint(matrix, np.array(self._low), np.array(self._high))

    def build(self, modes: _Modes) -> Array:
        """Everything; the costs of the columns."""
        problem = self._problem
        steps, pumps, count = problem.steps, len(problem.units), len(modes.flow)
        runs = count * steps
        starts, stops = runs + pumps * steps, runs + 2 * pumps * steps
        self._columns = runs + (3 * pumps + 1) * steps
        self.integrality = np.zeros(self._columns, np.int64)
        self.integrality[runs:starts] = 1
        for step in range(steps):
            own = range(count * step, count * (step + 1))
            self._row([(column, 1.0) for column in own], 1.0, 1.0)
            for pump in range(pumps):
                members = [(count * step + mode, 1.0) for mode in np.flatnonzero(modes.sets[:, pump]).tolist()]
                self._row([*members, (runs + pumps * step + pump, -1.0)], 0.0, 0.0)
        self._volumes(modes, runs + 3 * pumps * steps)
        for pump in range(pumps):
            self._timers(pump, *(np.arange(steps) * pumps + pump + first for first in (runs, starts, stops)))
        cost = np.zeros(self._columns)
        hours = modes.sets @ np.array([unit.hour_cost for unit in problem.units])
        cost[:runs] = (problem.step * (problem.price[:, None] * modes.power + hours)).ravel()
        cost[starts:stops] = np.tile([unit.start_cost for unit in problem.units], steps)
        return cost

    def _row(self, entries: list[tuple[int, float]], low: float, high: float) -> None:
        self._entries += [(len(self._low), column, value) for column, value in entries]
        self._low.append(low)
        self._high.append(high)

    def _volumes(self, modes: _Modes, first: int) -> None:
        """The volume after each step, columns from *first* on, as a share of what the storage holds: 0 to 1."""
        problem, count = self._problem, len(modes.flow)
        storage, sign = problem.storage, problem.storage.sign
        least, most, now = storage.volume(np.array([storage.low, storage.high, problem.level])).tolist()
        shares = sign * problem.step * modes.flow / (most - least)
        drawn = -sign * problem.step * problem.demand / (most - least)
        for step in range(problem.steps):
            entries = [(count * step + mode, -float(share)) for mode, share in enumerate(shares) if share]
            before = [(first + step - 1, -1.0)] if step else []
            moved = float(drawn[step]) + (0.0 if step else (now - least) / (most - least))
            self._row([*entries, *before, (first + step, 1.0)], moved, moved)
        if problem.level_end is not None:
            end = (float(storage.volume(np.array(problem.level_end))) - least) / (most - least)
            low, high = (end, 1.0) if storage.is_filled else (0.0, end)
            self._row([(first + problem.steps - 1, 1.0)], low, high)

    def _timers(self, pump: int, on: NDArray[np.intp], starts: NDArray[np.intp], stops: NDArray[np.intp]) -> None:
        """Switching, least times and most starts of one pump."""
        unit, steps = self._problem.units[pump], self._problem.steps
        was = float(unit.is_on)
        for step in range(steps):
            change = [(int(starts[step]), -1.0), (int(stops[step]), 1.0), (int(on[step]), 1.0)]
            before = [(int(on[step - 1]), -1.0)] if step else []
            self._row([*change, *before], 0.0 if step else was, 0.0 if step else was)
            first = max(0, step - unit.min_on + 1)
            self._row([*((int(one), 1.0) for one in starts[first : step + 1]), (int(on[step]), -1.0)], -np.inf, 0.0)
            first = max(0, step - unit.min_off + 1)
            self._row([*((int(one), 1.0) for one in stops[first : step + 1]), (int(on[step]), 1.0)], -np.inf, 1.0)
        least = unit.min_on if unit.is_on else unit.min_off
        for step in range(min(steps, max(0, least - unit.held))):
            self._row([(int(on[step]), 1.0)], was, was)
        self._row([(int(one), 1.0) for one in starts], 0.0, float(unit.most_starts))
