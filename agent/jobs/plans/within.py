"""What a plan's levels do to its limits within its steps, which are planned at the level that each begins with."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from agent.tariff import local
from analytics.npsh import MARGIN
from analytics.schedule.plan import Plan, Step
from analytics.schedule.problem import Problem

_ABOUT = 0.01  # share of what a pump needs that is not worth a word
_NEAR = 0.05  # m, the same of a pressure


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
        for limit, share, words in _beyond(problem, step):
            if share > worst.get(limit, (0.0,))[0]:
                worst[limit] = share, place, words
    step_ms = round(3_600_000 * problem.step)
    return tuple(
        f"{words} by {local(start_ms + (place + 1) * step_ms, zone):%H:%M}, before the step ends."
        for _, place, words in worst.values()
    )


def _beyond(problem: Problem, step: Step) -> Iterator[tuple[str, float, str]]:
    """Each limit that is left at the level *step* ends with: its name, how far, and what to say."""
    limits, level = problem.pressures, np.array(step.level)
    if not step.running:
        return
    head = float(problem.head(level, np.array(step.flow)))
    low, high = (float(each) for each in limits.heads(level))
    for name, beyond in (("pressure_min", low - head), ("pressure_max", head - high)):
        if beyond > _NEAR:
            yield name, beyond, f"The header goes {beyond:.2f} m beyond {name}"
    needs = {unit.id: unit.required for unit in problem.units}
    for each in step.running:
        required = needs[each.id]
        if required is None or not limits.has_inlet:
            continue
        share = float(limits.available(level) / required(np.array(each.flow), np.array(each.speed)))
        if share < MARGIN - _ABOUT:
            yield each.id, MARGIN - share, f"NPSH of {each.id} falls to {share:.2f} times what it needs"
