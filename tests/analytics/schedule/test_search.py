"""The forward search: what it leaves out without looking closely is nothing that it would have kept."""

from dataclasses import replace

import pytest

from analytics.schedule.atlas import atlas
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.relaxed import ahead
from analytics.schedule.search import Effort, drafts
from tests.analytics.schedule.stations import random_problem


@pytest.mark.parametrize("seed", [115, 124])
def test_plans_that_get_no_flows_would_not_have_been_kept(seed: int) -> None:
    """Lines between the nodes of the cost to go say too much near a limit, and lines through them too little."""
    problem = random_problem(seed, pumps=5, steps=96)
    tables = atlas(problem, lines_of(problem), sets_of(problem, lines_of(problem)))
    remaining, effort = ahead(problem, tables), Effort(width=75, bins=1000, drafts=5)

    quick = drafts(problem, tables, remaining, effort)
    slow = drafts(problem, tables, replace(remaining, of_set=None), effort)

    assert [draft.sets.tolist() for draft in quick] == [draft.sets.tolist() for draft in slow]
