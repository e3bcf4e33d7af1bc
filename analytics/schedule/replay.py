"""A plan replayed step by step from the pumps' own formulas: what it costs, and whether it keeps every limit.

It shares nothing with the search but the problem: no table, no window, no split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.npsh import MARGIN
from analytics.schedule.plan import Running, Step
from analytics.schedule.problem import Problem, Unit


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of a plan."""

    levels: Array  # (T + 1,) m
    powers: Array  # (T,) kW
    cost: float  # money
    energy: float  # kWh
    starts: int
    weighed: float  # money of it that is not spent: for uneven running hours, and for pressure
    violation: float  # the largest share of a limit by which one is broken
    broken: str  # the limit that is; empty where none is by more than a millionth


def replay(problem: Problem, duties: Sequence[Sequence[Running]]) -> Replay:
    """Run *duties*, one sequence a step, from the present on."""
    volume = problem.storage.volume(np.array(problem.level))
    levels, powers, weighed = [problem.level], [], 0.0
    broken: dict[str, float] = {}
    for step, running in enumerate(duties):
        level, flow = levels[-1], sum(each.flow for each in running)
        head = float(problem.head(np.array(level), np.array(flow)))
        power = 0.0
        weighed += problem.step * _weighed(problem, running, level, head)
        for each in running:
            unit = next(one for one in problem.units if one.id == each.id)
            power += float(unit.physics.power(np.array(each.flow), np.array(each.speed)))
            _worst(broken, _misses(unit, each, head, flow))
            _worst(broken, _pressures(problem, unit, each, level, head))
        volume = problem.after(volume, np.array(flow), problem.demand[step])
        levels.append(float(problem.storage.level(volume)))
        powers.append(power)
    _worst(broken, _levels(problem, np.array(levels)))
    on = np.array([[unit.id in {each.id for each in running} for unit in problem.units] for running in duties])
    _worst(broken, _timers(problem, on))
    worst = max(broken, key=broken.__getitem__, default="")
    share = max(0.0, broken.get(worst, 0.0))
    broken_most = (share, worst if share > 1e-6 else "")  # noqa: PLR2004 - a millionth
    return _told(problem, np.array(levels), np.array(powers), on, (weighed, *broken_most))


def _weighed(problem: Problem, running: Sequence[Running], level: float, head: float) -> float:
    """Money an hour."""
    if not running:
        return 0.0
    hours = sum(unit.hour_cost for unit in problem.units if unit.id in {each.id for each in running})
    limits = problem.pressures
    return hours + limits.away_cost * abs(head + limits.rise * level - limits.head_preferred)


def _told(problem: Problem, levels: Array, powers: Array, on: Masks, rest: tuple[float, float, str]) -> Replay:
    starts = _starts(problem, on)
    energy = problem.step * float(powers.sum())
    left = problem.storage.volume(levels[-1:]) - problem.storage.volume(levels[:1])
    cost = problem.step * float(problem.price @ powers) + rest[0]
    cost += float(starts.sum(axis=0) @ np.array([unit.start_cost for unit in problem.units]))
    cost += problem.peak_price * max(0.0, float(powers.max()) - problem.peak)
    cost -= problem.water_value * problem.storage.sign * float(left[0])
    return Replay(levels, powers, cost, energy, int(starts.sum()), *rest)


def _worst(broken: dict[str, float], found: dict[str, float]) -> None:
    for limit, share in found.items():
        broken[limit] = max(broken.get(limit, 0.0), share)


def _misses(unit: Unit, duty: Running, head: float, flow: float) -> dict[str, float]:
    """By what share the pump misses the head or breaks a limit."""
    physics, phi = unit.physics, duty.flow / duty.speed
    given = duty.speed**2 * float(physics.head(np.array(phi)))
    margins = physics.margins(np.array(duty.flow), np.array(duty.speed), np.array(flow))
    return {
        "head": abs(given - head) / head,
        "speed": max(physics.speed_min - duty.speed, duty.speed - physics.speed_max),
        "flow": max(physics.phi_min - phi, phi - physics.phi_max) / physics.phi_max,
    } | {name: -float(margin) for name, margin in margins.items()}


def _pressures(problem: Problem, unit: Unit, duty: Running, level: float, head: float) -> dict[str, float]:
    """By what share of the head, and of what is there at its inlet, a pump that runs is beyond its pressures."""
    limits = problem.pressures
    raised = head + limits.rise * level  # as the header's gauge sees it, but for a constant
    found = {"header pressure": max(limits.head_min - raised, raised - limits.head_max) / max(head, 1.0)}
    if unit.required is not None and limits.has_inlet:
        available = limits.inlet + limits.rise * level
        needed = MARGIN * float(unit.required(np.array(duty.flow), np.array(duty.speed)))
        found["NPSH"] = (needed - available) / max(available, 1.0)
    return found


def _levels(problem: Problem, levels: Array) -> dict[str, float]:
    """A level beyond its limits by more than the present one counts; coming back from there is no fault."""
    storage, after = problem.storage, levels[1:]
    span = storage.high - storage.low
    found = {
        "lowest level": (min(storage.low, problem.level) - after.min()) / span,
        "highest level": (after.max() - max(storage.high, problem.level)) / span,
    }
    if problem.level_end is not None:
        found["last level"] = storage.sign * (problem.level_end - levels[-1]) / span
    return found


def _starts(problem: Problem, on: Masks) -> Masks:
    before = np.concatenate([np.array([[unit.is_on for unit in problem.units]]), on[:-1]])
    return np.asarray(on & ~before)


def _timers(problem: Problem, on: Masks) -> dict[str, float]:
    """Each broken timer or lock counts as wholly broken."""
    locks = problem.locks
    found = {"locks": float(((locks == 1) & ~on).any() or ((locks == -1) & on).any())}
    for place, unit in enumerate(problem.units):
        held, was_on = unit.held, unit.is_on
        for is_on in on[:, place].tolist():
            if is_on != was_on:
                least = unit.min_on if was_on else unit.min_off
                found["timers"] = max(found.get("timers", 0.0), float(held < least))
                held = 0
            held, was_on = held + 1, is_on
    most = np.array([unit.most_starts for unit in problem.units])
    found["starts"] = float((_starts(problem, on).sum(axis=0) > most).any())
    return found


def steps_of(problem: Problem, duties: Sequence[tuple[Running, ...]], levels: Array) -> tuple[Step, ...]:
    """The plan's steps as they were replayed."""
    found = []
    for place, running in enumerate(duties):
        flow = sum(each.flow for each in running)
        head = float(problem.head(levels[place], np.array(flow)))
        found.append(Step(running, flow, head, float(levels[place + 1])))
    return tuple(found)
