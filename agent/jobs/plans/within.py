"""What a plan's levels do to its limits within its steps, which are planned at the level that each begins with."""

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from agent.tariff import local
from analytics.npsh import MARGIN
from analytics.schedule.plan import Plan, Step
from analytics.schedule.problem import Problem
from analytics.schedule.solve import plan

_ABOUT = 0.01  # share of what a pump needs that is not worth a word
_NEAR = 0.05  # m, the same of a pressure
_TURNS = 3  # plans by tighter limits
_HEADER = ("pressure_min", "pressure_max")


def within_steps(problem: Problem, found: Plan, start_ms: int, zone: ZoneInfo) -> tuple[str, ...]:
    """A sentence for each pump's inlet and each pressure of the header that *found* leaves furthest at a step's end.

    Args:
        problem: What was planned.
        found: The plan; its pumps keep their flows within a step.
        start_ms: When its first step begins.
        zone: The station's, for people.
    """
    worst: dict[str, tuple[float, int, str]] = {}
    for place, step in enumerate(found.steps):
        for limit, metres, words in _beyond(problem, step):
            if metres > worst.get(limit, (0.0,))[0]:
                worst[limit] = metres, place, words
    step_ms = round(3_600_000 * problem.step)
    return tuple(
        f"{words} by {local(start_ms + (place + 1) * step_ms, zone):%H:%M}, before the step ends."
        for _, place, words in worst.values()
    )


def _beyond(problem: Problem, step: Step) -> Iterator[tuple[str, float, str]]:
    """Each limit that is left at the level *step* ends with: its name or pump, by how many m, and what to say."""
    limits, level = problem.pressures, np.array(step.level)
    if not step.running:
        return
    head = float(problem.head(level, np.array(step.flow)))
    low, high = (float(each) for each in limits.heads(level))
    for name, beyond in zip(_HEADER, (low - head, head - high), strict=True):
        if beyond > _NEAR:
            yield name, beyond, f"The header goes {beyond:.2f} m beyond {name}"
    needs = {unit.id: unit.required for unit in problem.units}
    for each in step.running:
        required = needs[each.id]
        if required is None or not limits.has_inlet:
            continue
        needed = float(required(np.array(each.flow), np.array(each.speed)))
        share = float(limits.available(level)) / needed
        if share < MARGIN - _ABOUT:
            yield each.id, (MARGIN - share) * needed, f"NPSH of {each.id} falls to {share:.2f} times what it needs"


def kept_within(problem: Problem, found: Plan) -> Plan:
    """*found*, or a plan by tighter limits that leaves those of *problem* less far within its steps."""
    best, latest, tighter = found, found, problem
    for _ in range(_TURNS):
        if not (left := _left(problem, latest)):
            break
        tighter = _tightened(tighter, left)
        other = plan(tighter)
        if not isinstance(other, Plan):
            break
        latest = other
        best = min(best, latest, key=lambda one: max(_left(problem, one).values(), default=0.0))
    return best


def _left(problem: Problem, found: Plan) -> dict[str, float]:
    """By how many m each limit, or each pump's NPSH, is left at most at a step's end."""
    most: dict[str, float] = {}
    for step in found.steps:
        for limit, metres, _ in _beyond(problem, step):
            most[limit] = max(most.get(limit, 0.0), metres)
    return most


def _tightened(problem: Problem, left: dict[str, float]) -> Problem:
    limits, inlets = problem.pressures, [metres for limit, metres in left.items() if limit not in _HEADER]
    low, high = (left.get(name, 0.0) for name in _HEADER)
    tighter = replace(
        limits,
        head_min=limits.head_min + low,
        head_max=limits.head_max - high,
        inlet=limits.inlet - max(inlets, default=0.0),
    )
    return replace(problem, pressures=tighter)
