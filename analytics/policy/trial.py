"""A day as a controller lives it: it sees a forecast and plans anew every so often, and something else is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.dispatch.pump import Array
from analytics.policy.moves import Moves
from analytics.schedule.plan import Plan, Running, Step
from analytics.schedule.problem import LONG, Problem, Unit
from analytics.schedule.replay import replay
from analytics.schedule.search import Draft
from analytics.schedule.settle import settled

Controller = Callable[[Problem], Plan | None]  # what is left of the day → a plan of it
Duties = tuple[Running, ...]

_PLANS = 12  # of a day
_HOURS = 2.0  # in which what a forecast misses by is forgotten, to 1/e


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a day."""

    spent: float  # money
    left: float  # m³ more in a tank at the end than at the beginning, or less in a well
    beyond: float  # share of the band of levels by which one left it
    violation: float  # share of the limit that was broken worst, but for levels


def drawn(problem: Problem, rng: np.random.Generator) -> Array:
    """What might really be drawn, (T,) m³/h: what is expected, missed as widely as the forecast says it may be.

    What it misses by in one step it misses by in the next in good part (an autoregressive process of first order).
    """
    kept = float(np.exp(-problem.step / _HOURS))
    off, found = rng.standard_normal(), np.empty(problem.steps)
    for step, std in enumerate(np.broadcast_to(problem.demand_std, found.shape).tolist()):
        found[step] = problem.demand[step] + std * off
        off = kept * off + np.sqrt(1.0 - kept**2) * rng.standard_normal()
    return np.maximum(found, 0.0) if (problem.demand >= 0).all() else found


def lived(problem: Problem, truth: Array, controller: Controller, moves: Moves) -> Lived | None:
    """Run the day of *problem* against *truth* (T,); None where the controller had no plan.

    A plan is followed for a twelfth of the day, then the next one is made from the level and the pumps' states as they
    are by then. Between, its sets run, at flows that come as near to its volumes as the true level allows.
    """
    every = -(-problem.steps // _PLANS)
    level, units, duties = problem.level, problem.units, list[Duties]()
    while len(duties) < problem.steps:
        rest = _rest(problem, len(duties), level, units)
        found = controller(rest)
        if found is None:
            return None
        for place, step in enumerate(found.steps[:every]):
            one = replace(_rest(problem, len(duties), level, units), price=rest.price[place : place + 1])
            duty = _followed(replace(one, demand=rest.demand[place : place + 1], level_end=None), step, moves)
            volume = problem.storage.volume(np.array(level))
            volume = problem.after(volume, np.array(sum(each.flow for each in duty)), truth[len(duties)])
            level, units = float(problem.storage.level(volume)), _after(units, duty)
            duties.append(duty)
    return _told(problem, truth, duties)


def _rest(problem: Problem, done: int, level: float, units: tuple[Unit, ...]) -> Problem:
    """What is left of the day after *done* steps; how far a plan keeps off its limits goes by how far it looks."""
    left = problem.steps - done
    return replace(
        problem,
        units=units,
        level=level,
        price=problem.price[done:],
        demand=problem.demand[done:],
        locked=None if problem.locked is None else problem.locked[done:],
        margin=problem.margin[:left],
    )


def _followed(one: Problem, step: Step, moves: Moves) -> Duties:
    """The pumps of *step* at the level there is, at the flow that comes nearest to the level it was to end with."""
    runs = np.array([unit.id in {each.id for each in step.running} for unit in one.units])
    if not runs.any():
        return ()
    chosen = np.flatnonzero((moves.atlas.sets == runs).all(axis=1))[:1]
    volumes = one.storage.volume(np.array([one.level, step.level]))
    draft = Draft(chosen, volumes, np.array([step.flow]), 0.0)
    return settled(one, moves.lines, moves.atlas, draft, is_wary=True)[0]


def _after(units: Sequence[Unit], duty: Duties) -> tuple[Unit, ...]:
    """The same pumps a step later."""
    running, found = {each.id for each in duty}, []
    for unit in units:
        is_on = unit.id in running
        starts = unit.most_starts - (is_on and not unit.is_on)
        held = 1 if is_on != unit.is_on else min(unit.held + 1, LONG)
        found.append(replace(unit, is_on=is_on, held=held, most_starts=starts))
    return tuple(found)


def _told(problem: Problem, truth: Array, duties: Sequence[Duties]) -> Lived:
    storage, day = problem.storage, replace(problem, demand=truth, level_end=None)
    found = replay(day, duties)
    ends = storage.volume(found.levels[[0, -1]])
    left = storage.sign * float(ends[1] - ends[0])
    low, high = min(storage.low, problem.level), max(storage.high, problem.level)
    beyond = max(low - float(found.levels.min()), float(found.levels.max()) - high, 0.0)
    wide = replace(storage, low=float(found.levels.min()) - 1.0, high=float(found.levels.max()) + 1.0)
    return Lived(
        spent=found.cost + problem.water_value * left,
        left=left,
        beyond=beyond / (storage.high - storage.low),
        violation=replay(replace(day, storage=wide), duties).violation,
    )
