"""Plans within the pressures of header and inlets: kept by the search, seen by the replay, named where they bind."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.pump import Array
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.pressures import Pressures
from analytics.schedule.problem import Problem, System, Unit
from analytics.schedule.replay import replay
from analytics.schedule.solve import plan
from analytics.schedule.storage import Storage
from tests.analytics.dispatch.test_solve import FIXED, PLATE
from tests.analytics.schedule.enumeration import cheapest
from tests.analytics.schedule.stations import random_problem
from tests.analytics.schedule.test_solve import DAY, HALF, planned


def needs(flow: Array, speed: Array) -> Array:
    """NPSH required, m."""
    return np.asarray(2.0 * speed**2 + 3.0 * (flow / 100.0) ** 2)


THIRSTY = tuple(replace(unit, required=needs) for unit in DAY.units)
WELL = replace(
    HALF, units=THIRSTY, storage=Storage.of_area(150.0, 1.0, 5.0, is_filled=False), system=System(40.0, 5e-5)
)


def gauges(problem: Problem, found: Plan) -> Array:
    """Head while pumps run, with what the level adds at the inlet, m."""
    levels = [problem.level, *(step.level for step in found.steps)]
    heads = [
        step.head + problem.pressures.rise * level
        for step, level in zip(found.steps, levels, strict=False)
        if step.running
    ]
    return np.array(heads)


def spare(problem: Problem, found: Plan) -> float:
    """The least NPSH that is left, m, with the tenth that should be."""
    levels = [problem.level, *(step.level for step in found.steps)]
    return min(
        problem.pressures.inlet
        + problem.pressures.rise * level
        - 1.1 * float(needs(np.array(one.flow), np.array(one.speed)))
        for step, level in zip(found.steps, levels, strict=False)
        for one in step.running
    )


@pytest.mark.parametrize(
    ("limits", "low", "high"),
    [(Pressures(head_max=39.5), 0.0, 39.5), (Pressures(38.0, 40.0), 38.0, 40.0)],
    ids=["highest", "band"],
)
def test_a_plan_keeps_the_pressure_of_the_header(limits: Pressures, low: float, high: float) -> None:
    """The cheapest day runs from 36.5 to 41 m; within a band it is dearer, and no more than it has to be."""
    free = planned(DAY)

    found = planned(replace(DAY, pressures=limits))

    assert gauges(DAY, free).min() < 37
    assert gauges(DAY, free).max() > 40.9
    assert low - 1e-4 < gauges(DAY, found).min()
    assert gauges(DAY, found).max() < high + 1e-4
    assert free.cost * 0.999 < found.cost < free.cost * 1.05
    assert found.cost < found.relaxed * 1.005
    assert found.violation < 1e-6


def test_the_gauge_of_a_header_that_empties_a_well_does_not_move_with_its_level() -> None:
    """What the pumps lift less, the inlet has more: a limit of the gauge is one of flow alone, the same all day."""
    most = 200.0  # m³/h
    problem = replace(WELL, units=HALF.units, demand=np.full(12, 170.0), pressures=Pressures(head_max=42.0, rise=1.0))

    free, found = planned(replace(problem, pressures=Pressures())), planned(problem)

    assert max(step.flow for step in free.steps) > 1.1 * most
    assert max(step.flow for step in found.steps) < most + 1e-3
    assert gauges(problem, found).max() < 42.0 + 1e-4
    assert max(step.head for step in found.steps) < 42.0 - 1.0


@pytest.mark.parametrize(
    ("problem", "limits"),
    [
        (replace(DAY, units=THIRSTY), Pressures(inlet=12.0)),
        (WELL, Pressures(inlet=12.0, rise=1.0)),
    ],
    ids=["tank", "well"],
)
def test_a_plan_leaves_every_pump_what_it_needs_at_its_inlet(problem: Problem, limits: Pressures) -> None:
    """A tank's inlets are as they are now; those of a well have more where its level is high, so that it is kept so."""
    limited = replace(problem, pressures=limits)

    free, found = planned(problem), planned(limited)

    assert spare(limited, free) < -0.5
    assert spare(limited, found) > -1e-4
    assert found.violation < 1e-6
    assert free.cost < found.cost < found.relaxed * 1.01


def test_sets_of_many_pumps_are_chosen_for_levels_that_are_to_come() -> None:
    """At the well's low level of now no set can run; of seven pumps all were given up for the day."""
    units = tuple(Unit(f"p{n}", PLATE if n % 2 else FIXED, start_cost=0.2, required=needs) for n in range(7))
    limits = Pressures(inlet=4.0, rise=1.0)
    short = replace(WELL, units=units, step=0.5, level=1.2, price=WELL.price[:6], demand=np.full(6, 160.0))
    problem = replace(short, pressures=limits, level_end=4.5)

    sets = sets_of(problem, lines_of(problem))

    assert len(sets) > 30
    assert {1, 2} <= set(sets.sum(axis=1).tolist())


def test_the_replay_sees_pressures_that_a_search_had_not() -> None:
    """The judge knows them by itself: a plan that was made without them is not let through."""
    tank, well = ([step.running for step in planned(problem).steps] for problem in (replace(DAY, units=THIRSTY), WELL))
    bare = replace(DAY, units=THIRSTY)

    assert replay(replace(bare, pressures=Pressures(30.0, 41.5, inlet=21.0)), tank).broken == ""
    assert replay(replace(bare, pressures=Pressures(head_max=39.5)), tank).broken == "header pressure"
    assert replay(replace(bare, pressures=Pressures(head_min=38.0)), tank).broken == "header pressure"
    assert replay(replace(bare, pressures=Pressures(inlet=12.0)), tank).broken == "NPSH"
    assert replay(replace(WELL, pressures=Pressures(inlet=21.0)), well).broken == ""
    assert replay(replace(WELL, pressures=Pressures(inlet=14.0, rise=1.0)), well).broken == "NPSH"
    assert replay(replace(WELL, pressures=Pressures(inlet=21.0, rise=-1.0)), well).broken == "NPSH"
    assert replay(replace(WELL, pressures=Pressures(head_max=45.0)), well).broken == ""
    assert replay(replace(WELL, pressures=Pressures(head_max=45.0, rise=1.0)), well).broken == "header pressure"


@pytest.mark.parametrize(
    ("limits", "constraint"),
    [
        (Pressures(head_max=38.0), "pressure"),
        (Pressures(head_min=45.0), "pressure"),
        (Pressures(inlet=8.0), "NPSH"),
        (Pressures(head_max=38.0, inlet=8.0), "pressure"),
    ],
)
def test_pressures_that_leave_no_plan_are_named(limits: Pressures, constraint: str) -> None:
    """To hear that every available pump running is not enough would send a technician to look for a pump."""
    found = plan(replace(DAY, units=THIRSTY, pressures=limits))

    assert isinstance(found, NoPlan)
    assert found.constraint == constraint
    assert ("together" in found.why) == (limits.has_band and limits.has_inlet)


@pytest.mark.parametrize(
    ("seed", "is_upper"),
    [(1, False), (2, False), (3, True), (5, True), (12, False), (13, True), (19, True), (37, False)],
)
def test_no_day_within_pressures_is_judged_otherwise_by_enumeration(seed: int, is_upper: bool) -> None:  # noqa: FBT001
    """Two fixed pumps, five steps, a pressure that the free plan breaks: every sequence tried, nine digits."""
    free = random_problem(seed, pumps=2, steps=5, hours=5.0, share_variable=0.0)

    found = planned(problem := tightened(free, is_upper=is_upper))

    assert found.cost == pytest.approx(cheapest(problem), rel=1e-9)
    assert found.cost > planned(free).cost


@pytest.mark.parametrize(("seed", "is_upper"), [(7, True), (0, False)])
def test_flows_within_pressures_are_those_of_a_general_optimiser(seed: int, is_upper: bool) -> None:  # noqa: FBT001
    """Two drives, three steps, every sequence with its flows by SLSQP (slow: the optimiser)."""
    free = random_problem(seed, pumps=2, steps=3, hours=3.0, share_variable=1.0)

    found = planned(problem := tightened(free, is_upper=is_upper))

    reference = cheapest(problem)
    assert reference is not None
    assert found.cost < reference * 1.0001
    assert found.cost > planned(free).cost
    assert found.violation < 1e-6


def tightened(problem: Problem, *, is_upper: bool) -> Problem:
    """A pressure that the plan without it breaks by a tenth of what it varies by."""
    bare = replace(problem, pressures=Pressures(rise=0.0 if problem.storage.is_filled else 1.0))
    raised = gauges(bare, planned(problem))
    inside = 0.1 * float(np.ptp(raised))
    limit = {"head_max": float(raised.max()) - inside} if is_upper else {"head_min": float(raised.min()) + inside}
    return replace(bare, pressures=replace(bare.pressures, **limit))
