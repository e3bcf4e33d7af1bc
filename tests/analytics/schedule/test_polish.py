"""Flows made the best for their sets: no water that is pumped at another hour instead makes them cheaper."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas, atlas, capped
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.polish import polished
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Keeping, ahead
from analytics.schedule.search import Draft, Effort, drafts
from tests.analytics.schedule.stations import random_problem
from tests.analytics.schedule.test_solve import DAY

SHARE = 0.01  # of a flow, moved to another hour
NEAR = 1e-5  # of the cost
QUICK = Effort(width=40, bins=500, drafts=1)


def drawn(problem: Problem, cap: float = np.inf) -> tuple[Atlas, list[Draft]]:
    """The tables, and drafts as they are searched."""
    tables = atlas(problem, lines_of(problem), sets_of(problem, lines_of(problem)))
    tables = capped(tables, cap) if np.isfinite(cap) else tables
    return tables, drafts(problem, tables, ahead(problem, tables), QUICK)


def spent(problem: Problem, tables: Atlas, draft: Draft, flows: Array, cap: float) -> float:
    """Money for *flows* (T,) of the draft's sets, starts left out; infinite where a limit is broken."""
    steps = problem.storage.sign * (flows - problem.demand) * problem.step
    volumes = draft.volumes[0] + np.concatenate([[0.0], np.cumsum(steps)])
    window, keeping = tables.window(draft.sets, volumes[:-1]), Keeping.of(problem, tables)
    power = window.power(flows[:, None])[:, 0]
    hair = 1e-9 * flows.max()
    is_kept = (flows >= window.low - hair) & (flows <= window.high + hair) & (window.room > -1e-6) & (power <= cap)
    if not is_kept.all() or keeping.miss(volumes[1:]) > 1e-5 * np.ptp(tables.volumes):
        return np.inf
    money = problem.step * float(problem.price @ power)
    money += float(keeping.cost(volumes[1:], np.arange(problem.steps)).sum())
    return money - problem.water_value * problem.storage.sign * float(volumes[-1])


def exchanged(flows: Array) -> Iterator[Array]:
    """*flows* with some water pumped in another step instead."""
    for first in range(len(flows)):
        for second in range(len(flows)):
            if first != second and flows[first] > 0 and flows[second] > 0:
                other = flows.copy()
                other[first] += SHARE * flows[first]
                other[second] -= SHARE * flows[first]
                yield other


DAYS = {
    "tank": (random_problem(21, pumps=4, steps=24), np.inf),
    "variable": (random_problem(22, pumps=3, steps=24, share_variable=1.0), np.inf),
    "well": (random_problem(34, pumps=3, steps=24, share_variable=1.0), np.inf),
    "margin": (replace(DAY, margin=np.full(1, 1.0)), np.inf),
    "cap": (DAY, 40.0),
    "water worth": (replace(DAY, level_end=None, water_value=0.03), np.inf),
}


@pytest.mark.parametrize("name", list(DAYS))
def test_no_water_is_better_pumped_at_another_hour(name: str) -> None:
    """Within a storage's limits and their margin, by tariffs and heads, for tanks and wells."""
    problem, cap = DAYS[name]
    tables, found = drawn(problem, cap)

    (draft,) = polished(problem, tables, found)

    cost = spent(problem, tables, draft, draft.flows, cap)
    assert cost < 0.999 * spent(problem, tables, draft, found[0].flows, cap)
    assert min(spent(problem, tables, draft, flows, cap) for flows in exchanged(draft.flows)) > (1 - NEAR) * cost


def test_another_set_follows_the_volumes_it_is_given_as_nearly_as_it_can() -> None:
    """Drafts whose switches were moved have the flows of other sets: what those cost is not what these cost."""
    tables, (found,) = drawn(DAY)
    stands = replace(found, sets=np.where(np.arange(24) == 12, 0, found.sets), cost=0.0)

    (draft,) = polished(DAY, tables, [stands])

    window = tables.window(draft.sets, draft.volumes[:-1])
    assert draft.cost > 1.0
    assert (draft.flows >= window.low - 1e-9).all()
    assert (draft.flows <= window.high + 1e-9).all()
    assert draft.volumes == pytest.approx(draft.volumes[0] + np.append(0.0, np.cumsum(draft.flows - DAY.demand)))
