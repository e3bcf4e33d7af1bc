"""The exact solver against published optima, a slow reference of our own, and lines with bumps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.enumeration import cheapest
from tests.analytics.dispatch.plates import CASES, Plate, Suction, load, violation
from tests.analytics.dispatch.stations import limited_station, random_station, required_station

published = pytest.mark.skipif(not CASES.exists(), reason="the published dispatch cases are not on this machine")

WINDOW_END = 161  # a station whose best place lies a hair inside the end of a window
PLATE = Plate(
    q_bep=200.0,
    curve=(60.0, 0.0, -4.0e-4),  # 44 m at 200 m³/h
    eta=(0.3, 0.005, -1.25e-5, 0.0),  # 0.8 at 200 m³/h
    k_branch=0.0,
    is_variable=True,
    speeds=(0.6, 1.0),
    por=(0.7, 1.2),
    p_motor=40.0,
    p_shaft_max=40.0,
    motor_loss=(0.018, 0.006, 0.037),
    vfd_loss=(0.008, 0.014, 0.005),
    npshr=(1.2, 2.5e-5),
)
FIXED = replace(PLATE, is_variable=False)


def duties(dispatch: Dispatch) -> Mapping[str, tuple[float, float]]:
    """Speed and flow by pump."""
    return {duty.id: (duty.speed, duty.flow) for duty in dispatch.duties}


@published
@pytest.mark.parametrize("path", sorted(CASES.glob("static_*.json")), ids=lambda path: path.stem)
def test_published_optima_are_reached(path: Path) -> None:
    """Ten stations with known optima: feasible to a millionth, and dearer by less than a ten-thousandth."""
    case = load(path)

    found = solve(case.pumps, case.demand)

    assert isinstance(found, Dispatch)
    assert violation(case.pumps, case.demand, duties(found)) < 1e-6
    assert found.cost == pytest.approx(case.reference["cost"], rel=1e-6)
    assert found.gap < 1e-4


@pytest.mark.parametrize("seed", [*range(15), WINDOW_END])
def test_no_random_station_is_judged_otherwise_by_a_slow_enumeration(seed: int) -> None:
    """Fixed and variable pumps, bands of head and flow, locks, starts, shaft power, NPSH (slow: the enumeration)."""
    pumps, demand = random_station(seed, most=5 if seed == WINDOW_END else 4)

    found, reference = solve(pumps, demand), cheapest(pumps, demand)

    if reference is None:
        assert isinstance(found, Infeasible)
    else:
        assert isinstance(found, Dispatch)
        assert violation(pumps, demand, duties(found)) < 1e-6
        assert found.cost < reference + 1e-4 * found.power
        assert found.bound < reference + 1e-6 * found.power  # else it is no bound
        assert found.gap < 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_nor_one_with_every_limit_and_cost_there_is(seed: int) -> None:
    """Narrow regions, poor inlets, pumps that must run, uneven hours, a preferred pressure (slow: the enumeration)."""
    pumps, demand = limited_station(seed, most=4)

    found, reference = solve(pumps, demand), cheapest(pumps, demand)

    assert isinstance(found, Infeasible) == (reference is None)
    if isinstance(found, Dispatch) and reference is not None:
        assert violation(pumps, demand, duties(found)) < 1e-6
        assert found.cost < reference + 1e-4 * found.power
        assert found.bound < reference + 1e-6 * found.power
        assert found.gap < 1e-4


@pytest.mark.parametrize("seed", [8, 12, 17, 31])
def test_nor_one_that_is_asked_for_water_at_its_price(seed: int) -> None:
    """Flows in a window against a system, heads that are allowed, any worth (slow: the enumeration)."""
    pumps, demand = required_station(seed, most=4)

    found, reference = solve(pumps, demand), cheapest(pumps, demand)

    assert isinstance(demand, SystemCurve)
    assert isinstance(found, Dispatch)
    assert reference is not None
    assert violation(pumps, demand, duties(found)) < 1e-6
    assert found.cost < reference + 1e-4 * found.power
    assert found.bound < reference + 1e-6 * found.power
    assert found.gap < 1e-4


@pytest.mark.parametrize(("seed", "cost"), [(20, 61.187567), (172, 42.252033)])
def test_a_set_that_only_runs_in_a_narrow_part_of_a_wide_window_is_found(seed: int, cost: float) -> None:
    """One pump's limit ends where the other's begins: between two places of a coarse survey, or a hair beyond both.

    The costs are the slow enumeration's.
    """
    pumps, demand = required_station(seed)

    found = solve(pumps, demand)

    assert isinstance(found, Dispatch)
    assert found.cost == pytest.approx(cost, rel=1e-6)
    assert violation(pumps, demand, duties(found)) < 1e-6


@pytest.mark.parametrize("seed", [4, 8, 12])
def test_no_set_that_is_solved_alone_is_cheaper_than_the_best_of_many(seed: int) -> None:
    """Of many sets most are ruled out by a bound before they are looked at: none of those may be the best.

    Slow: 63 problems. Locks of six pumps say each set in turn.
    """
    pumps, demand = random_station(seed, most=12)
    free = [replace(pump, lock="free") for pump in pumps[:6]]

    found = solve(free, demand)

    alone = [solve(locked(free, bits), demand) for bits in range(1, 2**6)]
    costs = [one.cost for one in alone if isinstance(one, Dispatch)]
    if isinstance(found, Infeasible):
        assert not costs
    else:
        assert found.cost == pytest.approx(min(costs), rel=1e-6)
        assert found.bound <= min(costs)


def locked(pumps: list[Candidate], bits: int) -> list[Candidate]:
    """The same pumps where those of *bits* must run and no other may."""
    return [replace(pump, lock="must run" if bits >> place & 1 else "must not run") for place, pump in enumerate(pumps)]


def test_a_set_whose_window_is_barely_inside_the_demand_is_found() -> None:
    """The survey sees the end of its window a little inside the demand; a closer look shows that it covers its end."""
    pumps, demand = random_station(10, most=12)
    best = {"p1", "p7", "p9", "p10"}

    found = solve(pumps, demand)
    alone = solve([replace(each, lock="must run" if each.id in best else "must not run") for each in pumps], demand)

    assert isinstance(found, Dispatch)
    assert isinstance(alone, Dispatch)
    assert found.cost <= alone.cost < 164.53


def test_two_equal_pumps_share_a_flow_equally() -> None:
    """Equal marginal power of equal convex pumps is equal flow."""
    pumps = [Candidate(name, PLATE, lock="must run") for name in ("a", "b")]

    found = solve(pumps, HeadBand(300.0, 35.0, 35.0))

    assert isinstance(found, Dispatch)
    assert [duty.flow for duty in found.duties] == pytest.approx([150.0, 150.0], abs=0.01)


def test_of_two_equal_pumps_the_running_one_is_chosen_whatever_their_order() -> None:
    """Collapsing identical pumps must not lose that one of them costs no start."""
    for running in ("a", "b"):
        pumps = [Candidate(name, PLATE, running=name == running, start_kw=1.0) for name in ("a", "b")]

        found = solve(pumps, HeadBand(180.0, 35.0, 35.0))

        assert isinstance(found, Dispatch)
        assert [duty.id for duty in found.duties] == [running]


def test_a_start_is_only_worth_what_it_saves() -> None:
    """A better pump at rest is taken when starting it is cheap, and left when it is dear."""
    worn = replace(PLATE, eta=(0.2, 0.005, -1.25e-5, 0.0))
    chosen = []
    for start in (0.1, 10.0):
        pumps = [Candidate("worn", worn, running=True), Candidate("good", PLATE, start_kw=start)]
        found = solve(pumps, HeadBand(180.0, 35.0, 35.0))
        assert isinstance(found, Dispatch)
        chosen.append([duty.id for duty in found.duties])

    assert chosen == [["good"], ["worn"]]


def test_of_two_equal_pumps_the_one_that_has_run_less_is_chosen() -> None:
    """Collapsing identical pumps must not lose whose hours are dearer; and the certificate counts them."""
    for rested in ("a", "b"):
        pumps = [Candidate(name, PLATE, running_kw=0.0 if name == rested else 0.5) for name in ("a", "b")]

        found = solve(pumps, HeadBand(180.0, 35.0, 35.0))

        assert isinstance(found, Dispatch)
        assert [duty.id for duty in found.duties] == [rested]
        assert found.cost == pytest.approx(found.power)
        assert found.gap < 1e-4


def test_hours_are_paid_by_who_runs_even_where_all_have_run_long() -> None:
    """Both are needed: the cost is there, and so it is in the bound."""
    pumps = [Candidate(name, PLATE, running=True, running_kw=1.5) for name in ("a", "b")]

    found = solve(pumps, HeadBand(300.0, 35.0, 35.0))

    assert isinstance(found, Dispatch)
    assert found.cost == pytest.approx(found.power + 3.0)
    assert found.gap < 1e-4


def test_locks_are_kept() -> None:
    """What must run runs although it costs, what must not does not although it would save."""
    pumps = [Candidate("a", PLATE, lock="must not run"), Candidate("b", PLATE), Candidate("c", PLATE, lock="must run")]

    found = solve(pumps, HeadBand(180.0, 35.0, 35.0))

    assert isinstance(found, Dispatch)
    assert [duty.id for duty in found.duties] == ["c"]


def test_fixed_pumps_run_where_their_curve_meets_the_system() -> None:
    """A window of no width: 60 - 4e-4 q² = 30 + 1e-4 (2q)² at q = 193.65."""
    pumps = [Candidate(name, FIXED, lock="must run") for name in ("a", "b")]

    found = solve(pumps, SystemCurve(30.0, 1e-4, 300.0, 450.0))

    assert isinstance(found, Dispatch)
    assert [duty.flow for duty in found.duties] == pytest.approx([193.6492, 193.6492], abs=1e-3)
    assert {duty.speed for duty in found.duties} == {1.0}


def test_the_limit_that_holds_a_pump_is_named() -> None:
    """A pump at the top of its speed says so: a technician asks why it is not slower or faster."""
    found = solve([Candidate("a", replace(PLATE, por=(0.1, 1.2)))], HeadBand(100.0, 56.0 - 1e-9, 56.0))

    assert isinstance(found, Dispatch)
    assert found.duties[0].held_by == ("highest speed",)


@pytest.mark.parametrize(
    ("flow", "head", "constraint", "word"),
    [
        (600.0, 35.0, "capacity", "at most 408 m³/h at 35.0 m"),
        (90.0, 35.0, "least flow", "at least"),
        (180.0, 61.0, "head", "61.0 m"),
        (250.0, 35.0, "between sets", "up to 204 or at least 311 m³/h"),
    ],
)
def test_the_constraint_that_makes_a_demand_infeasible_is_named(
    flow: float, head: float, constraint: str, word: str
) -> None:
    """Each of two pumps gives 155 to 204 m³/h: too much, too little, too high, and between one and two of them."""
    narrow = replace(PLATE, por=(0.9, 1.1))
    found = solve([Candidate(name, narrow) for name in ("a", "b")], HeadBand(flow, head, head))

    assert isinstance(found, Infeasible)
    assert found.constraint == constraint
    assert word in found.why


@pytest.mark.parametrize(
    ("change", "flow", "named"),
    [
        ({"p_shaft_max": 20.0}, 230.0, "(a: shaft power)"),
        ({"suction": Suction(npsha0=2.7)}, 230.0, "(a: suction head)"),
        ({"por": (0.7, 1.0)}, 230.0, "(a: greatest flow)"),
        ({"speeds": (0.6, 0.85)}, 230.0, "(a: highest speed)"),
        (
            {"speeds": (0.6, 0.7)},
            150.0,
            "No available pump can run at a head of 35.0 m within its limits (a: highest speed",
        ),
    ],
)
def test_the_limit_of_the_pumps_that_binds_is_named_where_nothing_serves(
    change: dict[str, Any], flow: float, named: str
) -> None:
    """A technician must know whether it is the motor, the inlet, the preferred region or the drive."""
    found = solve([Candidate("a", replace(PLATE, **change))], HeadBand(flow, 35.0, 35.0))

    assert isinstance(found, Infeasible)
    assert named in found.why


def test_a_pump_without_a_drive_says_that_its_speed_is_fixed() -> None:
    """At 56 m its curve gives 100 m³/h, less than its preferred region; no drive slows it down."""
    found = solve([Candidate("a", FIXED)], HeadBand(100.0, 56.0, 56.0))

    assert isinstance(found, Infeasible)
    assert "(a: fixed speed, least flow)" in found.why


def test_with_every_pump_locked_out_it_says_so() -> None:
    """No set is left to look at."""
    found = solve([Candidate("a", PLATE, lock="must not run")], HeadBand(180.0, 35.0, 35.0))

    assert isinstance(found, Infeasible)
    assert found.constraint == "locks"


@dataclass(frozen=True, slots=True)
class Bumpy:
    """A pump whose power has a hump in flow, as a bad fit may have: equal marginals find its worst split."""

    hump: float = 6.0
    speed_min: float = 0.6
    speed_max: float = 1.0
    phi_min: float = 140.0
    phi_max: float = 240.0

    def head(self, phi: Array) -> Array:
        """As the plate's."""
        return 60.0 - 4e-4 * phi**2

    def power(self, flow: Array, speed: Array) -> Array:
        """Concave between the ends of the flow."""
        return 5.0 + 0.1 * flow + self.hump * np.sin(np.pi * (flow / speed - 140.0) / 100.0) * speed**3

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:  # noqa: ARG002 - protocol
        """None that holds it."""
        return {"nothing": np.ones_like(flow)}


def test_lines_that_are_not_convex_are_split_all_the_same_and_their_gap_is_told() -> None:
    """Two humps: the best split is uneven. Slopes that are equal sit on top of both humps and cost 20 % more."""
    pumps = [Candidate(name, Bumpy(), lock="must run") for name in ("a", "b")]
    demand = HeadBand(330.0, 35.0, 35.0)

    found, reference = solve(pumps, demand), cheapest(tuple(pumps), demand)

    assert isinstance(found, Dispatch)
    assert reference is not None
    assert found.cost < reference + 1e-4 * found.power
    assert abs(found.duties[0].flow - found.duties[1].flow) > 20.0
    assert found.bound <= found.cost
