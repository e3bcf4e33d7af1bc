"""The schedule against published optima and a slow reference of our own, and what it says where there is none."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.problem import Problem, System, Unit
from analytics.schedule.replay import replay
from analytics.schedule.solve import plan
from analytics.schedule.storage import Storage
from tests.analytics.dispatch.test_solve import FIXED, PLATE
from tests.analytics.schedule.enumeration import cheapest
from tests.analytics.schedule.stations import HORIZONS, load, random_problem

DAY = Problem(
    units=(Unit("a", PLATE, start_cost=0.2), Unit("b", FIXED, start_cost=0.2)),
    storage=Storage.of_area(150.0, 1.0, 5.0),
    system=System(34.0, 5e-5),
    step=1.0,
    level=3.0,
    price=np.repeat([0.08, 0.2], 12),
    demand=np.full(24, 160.0),
    level_end=3.0,
)
HALF = replace(DAY, price=DAY.price[6:18], demand=np.full(12, 200.0))  # of it, around noon


def planned(problem: Problem) -> Plan:
    """The plan, which there has to be."""
    found = plan(problem)
    assert isinstance(found, Plan), found
    return found


def running(found: Plan, pump: str) -> list[bool]:
    """Whether *pump* runs, step by step."""
    return [pump in {each.id for each in step.running} for step in found.steps]


@pytest.mark.parametrize("path", HORIZONS, ids=lambda path: path.stem)
def test_published_schedules_are_reached_or_beaten(path: Path) -> None:
    """Tanks and a wet well with known costs: every limit kept to a millionth, and never 0.05 % dearer.

    One of the three is beaten by 1.4 %: a fixed pump that the published schedule leaves standing fits its limits.
    """
    case = load(path)

    found = planned(case.problem)

    again = replay(case.problem, [step.running for step in found.steps])
    assert again.violation < 1e-6
    assert again.cost == pytest.approx(found.cost)
    assert found.cost < case.reference["cost"] * 1.0005


@pytest.mark.parametrize("seed", range(12))
def test_no_day_of_fixed_pumps_is_judged_otherwise_by_enumeration(seed: int) -> None:
    """Two pumps, five steps, timers, starts: every sequence tried, the cheapest one found to nine digits."""
    problem = random_problem(seed, pumps=2, steps=5, hours=5.0, share_variable=0.0)

    found, reference = plan(problem), cheapest(problem)

    if reference is None:
        assert isinstance(found, NoPlan)
    else:
        assert isinstance(found, Plan)
        assert found.cost == pytest.approx(reference, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", [6, 8])
def test_flows_of_variable_pumps_are_those_of_a_general_optimiser(seed: int) -> None:
    """Two drives, three steps, every sequence with its flows by SLSQP (slow: the optimiser)."""
    problem = random_problem(seed, pumps=2, steps=3, hours=3.0, share_variable=1.0)

    found, reference = planned(problem), cheapest(problem)

    assert reference is not None
    assert found.cost < reference * 1.0001
    assert found.violation < 1e-6


@pytest.mark.parametrize("seed", [26])
def test_random_days_keep_every_limit_and_come_near_the_cost_without_timers(seed: int) -> None:
    """Four pumps and 48 steps: the replay keeps every limit, and timers cost less than 2 % (slow: a whole day)."""
    problem = random_problem(seed, pumps=4, steps=48)

    found = planned(problem)

    assert found.violation < 1e-6
    assert found.relaxed * 0.998 < found.cost < found.relaxed * 1.02


def test_water_is_pumped_while_energy_is_cheap() -> None:
    """Twelve hours at 8 and twelve at 20 cents: the tank is filled in the first and lives on it in the others."""
    found = planned(DAY)

    cheap = sum(step.flow for step in found.steps[:12])
    dear = sum(step.flow for step in found.steps[12:])
    assert cheap > 1.3 * dear
    assert max(step.level for step in found.steps) > 4.8
    assert found.steps[-1].level == pytest.approx(3.0, abs=0.01)


def test_a_wet_well_is_kept_low_before_dear_hours() -> None:
    """The same seen from the other side: what flows in is pumped out while energy is cheap."""
    found = planned(replace(DAY, storage=Storage.of_area(150.0, 1.0, 5.0, is_filled=False), system=System(40.0, 5e-5)))

    assert found.steps[11].level < 1.3
    assert found.steps[-1].level <= 3.0 + 1e-6


def test_a_pump_in_maintenance_never_runs_and_a_locked_one_always() -> None:
    """Maintenance windows are locks of some steps."""
    locked = np.zeros((24, 2), np.int8)
    locked[4:9, 0], locked[10:12, 1] = -1, 1

    found = planned(replace(DAY, locked=locked))

    assert not any(running(found, "a")[4:9])
    assert all(running(found, "b")[10:12])


def test_timers_hold_from_before_the_plan_began() -> None:
    """A pump that started a step ago and runs at least four goes on for three."""
    starting = replace(DAY.units[1], is_on=True, held=1, min_on=4)

    found = planned(replace(DAY, units=(DAY.units[0], starting), price=np.full(24, 0.3)))

    assert running(found, "b")[:3] == [True, True, True]


def test_starts_are_limited() -> None:
    """A pump that may start once runs in one piece."""
    units = tuple(replace(unit, most_starts=1, start_cost=0.0) for unit in DAY.units)
    price = np.tile([0.05, 0.05, 0.3, 0.3], 6)

    found = planned(replace(DAY, units=units, price=price))

    for pump in ("a", "b"):
        states = [False, *running(found, pump)]
        assert sum(now and not was for was, now in pairwise(states)) <= 1


def test_a_charge_for_the_peak_lowers_it() -> None:
    """Ten euros for each kW of the month's peak: two pumps at night are no longer worth it."""
    free = planned(HALF)

    charged = planned(replace(HALF, peak_price=10.0))

    assert charged.powers.max() < 0.95 * free.powers.max()
    assert charged.violation < 1e-6


def test_a_peak_that_is_billed_already_is_used() -> None:
    """Below what was reached before, this month, peaks are free."""
    free = planned(HALF)

    again = planned(replace(HALF, peak_price=10.0, peak=1.01 * float(free.powers.max())))

    assert again.cost == pytest.approx(free.cost, rel=2e-3)


def test_a_margin_keeps_the_level_off_its_limits() -> None:
    """What a forecast may err by is kept in hand."""
    found = planned(replace(DAY, margin=np.full(24, 0.8)))

    levels = [step.level for step in found.steps]
    assert max(levels) < 4.25
    assert min(levels) > 1.75


def test_a_level_beyond_its_limits_comes_back() -> None:
    """A plan is needed most where something went wrong; what is already broken is no reason for none."""
    found = planned(replace(DAY, level=5.3))

    assert found.steps[3].level < 5.0


def test_water_that_is_worth_something_is_left() -> None:
    """Without a last level, and without a value, the tank is emptied; with a value it is kept."""
    emptied = planned(replace(HALF, level_end=None))

    kept = planned(replace(HALF, level_end=None, water_value=0.05))

    assert emptied.steps[-1].level < 1.2
    assert kept.steps[-1].level > 4.5


@pytest.mark.parametrize(
    ("problem", "constraint", "words"),
    [
        (replace(DAY, demand=np.full(24, 500.0)), "too little", "every available pump running the level falls to"),
        (replace(DAY, demand=np.full(24, -90.0)), "too much", "the level rises to"),
        (replace(DAY, level_end=8.0), "last level", "last level would be"),
        (replace(DAY, locked=np.full((24, 2), -1, np.int8)), "too little", "the level falls to"),
        (replace(DAY, locked=np.full((24, 2), 1, np.int8)), "too much", "the level rises to"),
        (
            replace(DAY, units=tuple(replace(unit, most_starts=0) for unit in DAY.units)),
            "starts",
            "limit of starts",
        ),
        (
            replace(DAY, units=tuple(replace(unit, held=1, min_off=20) for unit in DAY.units)),
            "timers",
            "least times",
        ),
    ],
    ids=["capacity", "overflow", "end", "maintenance", "must run", "starts", "timers"],
)
def test_what_makes_a_day_infeasible_is_named(problem: Problem, constraint: str, words: str) -> None:
    """A technician who is told "infeasible" cannot do anything; one who is told which limit can."""
    found = plan(problem)

    assert isinstance(found, NoPlan)
    assert found.constraint == constraint
    assert words in found.why


def test_a_broken_plan_is_seen_by_the_replay() -> None:
    """The judge must not be the search's accomplice: another speed, another flow, a forbidden start."""
    found = planned(DAY)
    duties = [step.running for step in found.steps]
    place = next(index for index, running in enumerate(duties) if running)

    faster = [*duties]
    faster[place] = (replace(duties[place][0], speed=1.02 * duties[place][0].speed), *duties[place][1:])
    idle: list[tuple[()]] = [()] * 24
    flipping = [duties[place] if step % 2 else () for step in range(24)]
    timed = replace(DAY, units=tuple(replace(unit, min_on=3) for unit in DAY.units))

    assert replay(DAY, duties).violation < 1e-6
    assert replay(DAY, faster).broken == "head"
    assert replay(replace(DAY, level_end=None), idle).broken == "lowest level"
    assert replay(timed, flipping).violation >= 1.0


def test_a_volume_table_is_followed_and_its_ends_go_on() -> None:
    """A cone in the lower metre: 50 m² there, 100 m² above."""
    storage = Storage(np.array([0.0, 1.0, 3.0]), np.array([0.0, 50.0, 250.0]), 0.0, 3.0)

    levels = storage.level(np.array([-5.0, 25.0, 150.0, 260.0]))

    assert levels == pytest.approx([-0.1, 0.5, 2.0, 3.1])
    assert storage.volume(levels) == pytest.approx([-5.0, 25.0, 150.0, 260.0])


def test_starts_are_saved_for_when_they_are_worth_most() -> None:
    """A plan that has starts left is not given up for one that is a little cheaper by then; it cost 4.6 % here."""
    found = planned(random_problem(11, pumps=5, steps=96))

    assert found.cost < 131.1649 * 1.0005


def test_a_day_whose_limits_close_a_window_has_a_plan() -> None:
    """Where suction leaves a set no flow, its tables say so; else plans are made of it that the replay refuses."""
    found = plan(random_problem(6, pumps=5, steps=96))

    assert isinstance(found, Plan)


def test_a_day_of_fixed_pumps_near_their_shaft_power_has_a_plan() -> None:
    """Where tables let a set run a little beyond its shaft power, plans are made of that, which the replay refuses."""
    found = planned(random_problem(100, pumps=5, steps=96))

    assert found.violation < 1e-6
    assert found.cost < 373.832 * 1.0005
