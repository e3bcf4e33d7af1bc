"""A slow reference: every sequence of sets that the timers allow, each with its flows by a general-purpose optimiser.

It shares no code with the schedule's search: operating points come from bisection, flows from sequential quadratic
programming over every pump's φ and speed.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.optimize import Bounds, NonlinearConstraint, minimize

from analytics.dispatch.pump import Array, Physics
from analytics.schedule.problem import Problem
from tests.analytics.dispatch.plates import Plate

_HAIR = 1e-9  # m
On = tuple[tuple[bool, ...], ...]  # steps of pumps


def cheapest(problem: Problem) -> float | None:
    """The least cost, money, or None where nothing is feasible."""
    sequences = _sequences(problem)
    if all(unit.physics.speed_min == unit.physics.speed_max for unit in problem.units):
        best = _rigid(problem, sequences)
    else:
        best = min((_Programme(problem, on).cheapest() for on in sequences), default=np.inf)
    return best if np.isfinite(best) else None


def _sequences(problem: Problem) -> list[On]:
    each = [_timed(problem, place) for place in range(len(problem.units))]
    return [tuple(zip(*columns, strict=True)) for columns in product(*each)]


def _timed(problem: Problem, place: int) -> list[tuple[bool, ...]]:
    """What one pump may do."""
    unit, found = problem.units[place], []
    for states in product((False, True), repeat=problem.steps):
        held, was, starts, fits = unit.held, unit.is_on, 0, True
        for step, now in enumerate(states):
            if now != was:
                fits &= held >= (unit.min_on if was else unit.min_off)
                starts, held = starts + now, 0
            held, was = held + 1, now
            fits &= problem.locks[step, place] != (-1 if now else 1)
        if fits and starts <= unit.most_starts:
            found.append(states)
    return found


def _rooms_of_header(problem: Problem, level: Array, flow: Array) -> Array:
    """Metres that the header's gauge is away from its limits at levels and flows (k,)."""
    limits = problem.pressures
    gauge = problem.head(level, flow) + limits.rise * level
    return np.asarray(np.nan_to_num(np.concatenate([gauge - limits.head_min, limits.head_max - gauge])))


def _weighed(problem: Problem, runs: tuple[bool, ...], level: float, flow: float) -> float:
    """Money of a step for running hours, and for metres of the header's gauge away from where it should be."""
    if not any(runs):
        return 0.0
    hours = sum(unit.hour_cost for unit, is_on in zip(problem.units, runs, strict=True) if is_on)
    limits = problem.pressures
    gauge = float(problem.head(np.array(level), np.array(flow))) + limits.rise * level
    return problem.step * (hours + limits.away_cost * abs(gauge - limits.head_preferred))


def _starts_cost(problem: Problem, on: On) -> float:
    before = (tuple(unit.is_on for unit in problem.units), *on)
    return sum(
        unit.start_cost
        for was, now in zip(before, on, strict=False)
        for unit, a, b in zip(problem.units, was, now, strict=True)
        if b and not a
    )


def _kept(problem: Problem, level: float, step: int) -> bool:
    storage = problem.storage
    end = problem.level_end if step == problem.steps - 1 else None
    if end is not None and storage.sign * (end - level) > 1e-9:
        return False
    return storage.low - 1e-9 <= level <= storage.high + 1e-9


def _rigid(problem: Problem, sequences: list[On]) -> float:
    """The cheapest of all sequences: a tree of steps, each where the sum of the curves meets the system."""
    best = np.inf
    open_ones = [(problem.level, 0.0, 0, sequences)]
    while open_ones:
        level, cost, step, left = open_ones.pop()
        if step == problem.steps:
            best = min(best, *(cost + _starts_cost(problem, on) for on in left))
            continue
        for runs in {on[step] for on in left}:
            after = _step(problem, level, step, runs)
            if after is not None:
                following = [on for on in left if on[step] == runs]
                open_ones.append((after[0], cost + after[1], step + 1, following))
    return best


def _step(problem: Problem, level: float, step: int, runs: tuple[bool, ...]) -> tuple[float, float] | None:
    """Level after a step and its energy in money; None where it breaks a limit."""
    members = [unit.physics for unit, is_on in zip(problem.units, runs, strict=True) if is_on]
    flows = _meet(problem, members, level)
    if flows is None:
        return None
    total = float(sum(flows))
    cost = _weighed(problem, runs, level, total)
    if members and min(_rooms_of_header(problem, np.array([level]), np.array([total]))) < -_HAIR:
        return None
    for physics, own in zip(members, flows, strict=True):
        margins = physics.margins(np.array(own), np.array(1.0), np.array(total))
        if min(float(margin) for margin in margins.values()) < 0:
            return None
        cost += problem.price[step] * problem.step * float(physics.power(np.array(own), np.array(1.0)))
    volume = problem.storage.volume(np.array(level))
    level = float(problem.storage.level(problem.after(volume, np.array(total), problem.demand[step])))
    return (level, cost) if _kept(problem, level, step) else None


def _meet(problem: Problem, members: Sequence[Physics], level: float) -> list[float] | None:
    """Flows at which all give the head that all of them together ask for: bisection of the total flow."""
    low, high = 0.0, 2.0 * sum(physics.phi_max for physics in members)
    flows: list[float] = []
    for _ in range(50 if members else 0):
        total = (low + high) / 2
        head = float(problem.head(np.array(level), np.array(total)))
        flows = [_falling(physics, head) for physics in members]
        low, high = (total, high) if sum(flows) > total else (low, total)
    inside = all(p.phi_min <= own <= p.phi_max for p, own in zip(members, flows, strict=True))
    return flows if inside else None


def _falling(physics: Physics, head: float) -> float:
    """Where the falling part of a plate's parabola gives *head*, m³/h; 0 above its top."""
    assert isinstance(physics, Plate)
    a, b, c = physics.curve
    root = b**2 - 4 * (c - physics.k_branch) * (a - head)
    return max((-b - np.sqrt(root)) / (2 * (c - physics.k_branch)), 0.0) if root > 0 else 0.0


class _Programme:
    """One sequence as a smooth problem in every running pump's φ and speed, scaled to about one."""

    def __init__(self, problem: Problem, on: On) -> None:
        self._problem, self._on = problem, on
        self._places = [(step, unit) for step, runs in enumerate(on) for unit, is_on in enumerate(runs) if is_on]
        self._physics = [problem.units[unit].physics for _, unit in self._places]
        self._size = np.array([0.95 * (p.phi_min + p.phi_max) / 2 for p in self._physics] + [1.0] * len(self._places))
        self._fixed = _starts_cost(problem, on)

    def cheapest(self) -> float:
        """Money; infinite where the optimiser finds nothing feasible."""
        if not self._places:
            levels = self._levels(np.zeros(0))
            kept = all(_kept(self._problem, float(level), step) for step, level in enumerate(levels[1:]))
            return self._fixed if kept else np.inf
        lows = [p.phi_min for p in self._physics] + [p.speed_min for p in self._physics]
        highs = [p.phi_max for p in self._physics] + [p.speed_max for p in self._physics]
        found = minimize(
            self._cost,
            np.concatenate([np.ones(len(self._places)), 0.9 * np.array(highs[len(self._places) :])]),
            method="SLSQP",
            bounds=Bounds(np.array(lows) / self._size, np.array(highs) / self._size, keep_feasible=True),
            constraints=[NonlinearConstraint(self._heads, 0, 0), NonlinearConstraint(self._rooms, 0, np.inf)],
            options={"ftol": 1e-10, "maxiter": 150},
        )
        kept = np.abs(self._heads(found.x)).max() < 1e-7 and self._rooms(found.x).min() > -1e-7
        return float(found.fun) + self._fixed if kept else np.inf

    def _parts(self, x: Array) -> tuple[Array, Array]:
        phi, speed = np.split(x * self._size, 2)
        return phi, speed

    def _flows(self, x: Array) -> Array:
        total = np.zeros(self._problem.steps)
        phi, speed = self._parts(x)
        for (step, _), own in zip(self._places, phi * speed, strict=True):
            total[step] += own
        return total

    def _levels(self, x: Array) -> Array:
        problem, flows = self._problem, self._flows(x) if len(x) else np.zeros(self._problem.steps)
        change = problem.storage.sign * (flows - problem.demand) * problem.step
        volumes = float(problem.storage.volume(np.array(problem.level))) + np.concatenate([[0.0], change.cumsum()])
        return problem.storage.level(volumes)

    def _cost(self, x: Array) -> float:
        phi, speed = self._parts(x)
        worth = self._problem.price * self._problem.step
        each = zip(self._places, self._physics, phi * speed, speed, strict=True)
        energy = float(sum(worth[step] * float(p.power(own, s)) for (step, _), p, own, s in each))
        levels = self._levels(x)[:-1].tolist()
        steps = zip(self._on, levels, self._flows(x).tolist(), strict=True)
        return energy + sum(_weighed(self._problem, *one) for one in steps)

    def _heads(self, x: Array) -> Array:
        phi, speed = self._parts(x)
        asked = self._problem.head(self._levels(x)[:-1], self._flows(x))
        each = zip(self._places, self._physics, phi, speed, strict=True)
        return np.array([float(p.head(f)) * s**2 / asked[step] - 1 for (step, _), p, f, s in each])

    def _rooms(self, x: Array) -> Array:
        problem, storage, levels = self._problem, self._problem.storage, self._levels(x)[1:]
        phi, speed = self._parts(x)
        flows = self._flows(x)
        rooms = [storage.high - levels, levels - storage.low]
        runs = np.array([any(on) for on in self._on])
        header = _rooms_of_header(problem, self._levels(x)[:-1][runs], flows[runs])
        rooms.append(np.minimum(header, 1e3) / 10)
        if problem.level_end is not None:
            rooms.append(storage.sign * (levels[-1:] - problem.level_end))
        for (step, _), physics, own, s in zip(self._places, self._physics, phi * speed, speed, strict=True):
            margins = physics.margins(own, s, np.asarray(flows[step])).values()
            rooms.append(np.array([float(margin) for margin in margins]))
        return np.concatenate(rooms)
