"""Why no plan keeps every limit, in a sentence that names the one that binds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.plan import Constraint, NoPlan
from analytics.schedule.pressures import FREE, Pressures
from analytics.schedule.problem import LONG, Problem
from analytics.schedule.relaxed import allowed, bounds

_HAIR = 1e-4  # of the storage: what tables may err by
_Easier = tuple[Constraint, str, Problem]


def refusal(problem: Problem, is_solvable: Callable[[Problem], bool]) -> NoPlan:
    """The limit whose absence would leave a plan.

    Args:
        problem: Without a plan, although not `unreachable`.
        is_solvable: Whether a problem has a plan; asked of easier ones.
    """
    easier: tuple[_Easier, ...] = (
        *lifted(problem),
        ("last level", "It is the level asked for at the end that cannot be met.", replace(problem, level_end=None)),
        ("starts", "It is the limit of starts that leaves no plan.", _with_units(problem, most_starts=LONG)),
        ("timers", "It is the least times on and off that leave no plan.", _with_units(problem, least=1)),
    )
    for constraint, why, other in easier:
        if is_solvable(other):
            return NoPlan(constraint, why)
    return NoPlan(
        "between sets", "The flows that sets of pumps can give are too coarse to keep the level in its limits."
    )


def lifted(problem: Problem) -> tuple[_Easier, ...]:
    """*problem* without limits of pressure that it has: the header's, those at inlets, both."""
    limits = problem.pressures
    free = replace(limits, head_min=-np.inf, head_max=np.inf)
    header: _Easier = ("pressure", "It is the pressure the header has to keep that leaves no plan.", _at(problem, free))
    submerged = _at(problem, replace(limits, inlet=np.inf))
    inlets: _Easier = ("NPSH", "It is what the pumps need at their inlets (NPSH) that leaves no plan.", submerged)
    both = "It is the header's pressure and the pumps' NPSH together that leave no plan."
    if not limits.has_band:
        return (inlets,) if limits.has_inlet else ()
    return (header, inlets, ("pressure", both, _at(problem, FREE))) if limits.has_inlet else (header,)


def _at(problem: Problem, pressures: Pressures) -> Problem:
    return replace(problem, pressures=pressures)


def _with_units(problem: Problem, most_starts: int | None = None, least: int | None = None) -> Problem:
    """With other limits of starts, or other least times."""
    units = tuple(
        replace(
            unit,
            most_starts=unit.most_starts if most_starts is None else most_starts,
            min_on=unit.min_on if least is None else least,
            min_off=unit.min_off if least is None else least,
        )
        for unit in problem.units
    )
    return replace(problem, units=units)


@dataclass(frozen=True, slots=True, eq=False)
class _Range:
    """Least and greatest flow that any allowed set gives in each step at each volume, (T, v)."""

    least: Array
    most: Array

    @classmethod
    def of(cls, problem: Problem, atlas: Atlas) -> "_Range":
        able = allowed(problem, atlas)[:, :, None] & (atlas.room >= 0)[None]
        least = np.where(able, atlas.low[None], np.inf).min(axis=1)
        most = np.where(able, atlas.high[None], -np.inf).max(axis=1)
        return cls(least, most)


def unreachable(problem: Problem, atlas: Atlas) -> NoPlan | None:
    """Where the level leaves its limits although every pump does what it can, timers and starts set aside."""
    if (stuck := np.flatnonzero(~allowed(problem, atlas).any(axis=1))).size:
        return NoPlan("locks", "No set of pumps agrees with who must run and who must not.", int(stuck[0]))
    flows, storage = _Range.of(problem, atlas), problem.storage
    low, high, _, _ = bounds(problem)
    span = float(atlas.volumes[-1] - atlas.volumes[0])
    now = float(storage.volume(np.array(problem.level)))
    lowest = highest = now
    for step in range(problem.steps):
        down, up = (flows.least, flows.most) if storage.is_filled else (flows.most, flows.least)
        if not np.isfinite(down[step]).any():
            return NoPlan("level now", "No allowed set of pumps can run at any level.", step)
        lowest = _next(problem, atlas, lowest, down[step], step)
        highest = _next(problem, atlas, highest, up[step], step)
        least, most = min(float(low[step]), now), max(float(high[step]), now)
        if step == problem.steps - 1:
            least, most = float(low[step]), float(high[step])
        if highest < least - _HAIR * span:
            return _too_low(problem, step, highest)
        if lowest > most + _HAIR * span:
            return _too_high(problem, step, lowest)
        lowest, highest = max(lowest, least), min(highest, most)
    return None


def _next(problem: Problem, atlas: Atlas, volume: float, flow: Array, step: int) -> float:
    able = np.isfinite(flow)
    found = np.asarray(np.interp(volume, atlas.volumes[able], flow[able]))
    return float(problem.after(np.array(volume), found, problem.demand[step]))


def _too_low(problem: Problem, step: int, volume: float) -> NoPlan:
    level = float(problem.storage.level(np.array(volume)))
    what = "every available pump running" if problem.storage.is_filled else "no pump running that may stand"
    if _is_end(problem, step):
        return NoPlan("last level", f"Even with {what} the last level would be {level:.2f} m and no higher.", step)
    constraint: Constraint = "too little" if problem.storage.is_filled else "too much"
    return NoPlan(constraint, f"Even with {what} the level falls to {level:.2f} m, below its limit.", step)


def _too_high(problem: Problem, step: int, volume: float) -> NoPlan:
    level = float(problem.storage.level(np.array(volume)))
    what = "no pump running that may stand" if problem.storage.is_filled else "every available pump running"
    if _is_end(problem, step):
        return NoPlan("last level", f"Even with {what} the last level would be {level:.2f} m and no lower.", step)
    constraint: Constraint = "too much" if problem.storage.is_filled else "too little"
    return NoPlan(constraint, f"Even with {what} the level rises to {level:.2f} m, above its limit.", step)


def _is_end(problem: Problem, step: int) -> bool:
    return step == problem.steps - 1 and problem.level_end is not None
