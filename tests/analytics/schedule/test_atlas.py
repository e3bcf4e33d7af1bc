"""The tables of what sets can do, against the exact windows at levels between those they were made at."""

import numpy as np
import pytest

from analytics.schedule.atlas import NODES, atlas, capped
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.windows import windows
from tests.analytics.schedule.stations import random_problem


@pytest.mark.parametrize(("seed", "share"), [(100, None), (104, 0.5), (113, 0.0), (126, 0.0)])
def test_tables_let_sets_run_where_no_limit_is_broken(seed: int, share: float | None) -> None:
    """Shaft power ends what a set of fixed pumps may do between two levels, where flow or head ended it before."""
    problem = random_problem(seed, pumps=5, steps=96, share_variable=share)
    lines = lines_of(problem)
    tables = atlas(problem, lines, sets_of(problem, lines))
    sets, volumes = tables.sets[1:], np.linspace(tables.volumes[0], tables.volumes[-1], 100)
    base = np.tile(problem.base_head(problem.storage.level(volumes)), len(sets))

    exact = windows(lines, np.repeat(sets, 100, axis=0), base, problem.system.resistance).slack.reshape(len(sets), -1)

    said = np.stack([np.interp(volumes, tables.volumes, room) for room in tables.room[1:]])
    assert (said >= 0).any()
    assert exact[said >= 0].min() > -2e-5
    assert (said[exact >= 0] < 0).mean() < 0.01  # nor do they forbid what can be


def test_under_a_cap_windows_end_where_sets_take_as_much() -> None:
    """No more, and hardly less: a cap between two nodes leaves all flows below it."""
    problem = random_problem(104, pumps=4, steps=24, share_variable=1.0)
    lines = lines_of(problem)
    tables = atlas(problem, lines, sets_of(problem, lines))
    cap = 0.5 * float(tables.power[1:, :, -1].max())

    under = capped(tables, cap)

    able = under.room >= 0
    assert under.power[able].max() <= cap * (1 + 1e-6)
    assert (under.low == tables.low).all()
    assert able[tables.room >= 0].mean() > 0.2
    assert ((tables.power[..., 0] <= cap) & (tables.room >= 0) == able).all()
    is_cut = able & (tables.power[..., -1] > cap) & ~tables.is_rigid[:, None]
    assert is_cut.any()
    assert under.power[is_cut][:, -1].min() > 0.97 * cap
    place = np.argwhere(is_cut)[0]
    flow = np.linspace(under.low[tuple(place)], under.high[tuple(place)], NODES)[None]
    whole = tables.window(place[:1], tables.volumes[place[1:]])
    assert under.power[tuple(place)] == pytest.approx(whole.power(flow)[0], rel=1e-6)
