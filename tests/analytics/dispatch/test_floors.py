"""What rules sets out: below it no way to run them may cost."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.demand import Demand, SystemCurve
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.floors import Floors, floors
from analytics.dispatch.lines import Line, table
from analytics.dispatch.pump import Candidate
from analytics.dispatch.sets import Masks, running_sets
from analytics.dispatch.solve import solve
from analytics.dispatch.survey import answers
from tests.analytics.dispatch.stations import limited_station, random_station, required_station
from tests.analytics.dispatch.test_solve import PLATE
from tests.analytics.dispatch.wavy import wavy_station

Station = tuple[tuple[Candidate, ...], Demand]


def alone(pumps: tuple[Candidate, ...], demand: Demand, mask: Masks) -> Dispatch | None:
    """One set, settled."""
    only = [replace(pump, lock="must run" if runs else "must not run") for pump, runs in zip(pumps, mask, strict=True)]
    found = solve(only, demand)
    return found if isinstance(found, Dispatch) else None


def floors_of(pumps: tuple[Candidate, ...], demand: Demand, sets: Masks, places: int) -> Floors:
    """Of *sets*, by a survey of so many places."""
    at = np.linspace(demand.low, demand.high, places if demand.high > demand.low else 1)
    lines = table([Line(pump.physics) for pump in pumps], demand, at, 17)
    entry = sets @ np.array([pump.entry_kw for pump in pumps])
    return floors(lines, sets, answers(lines, 17), entry, demand.worth(at))


def judged(station: Station, places: int) -> Iterator[tuple[float, float, Dispatch | None]]:
    """Of each set its floor, the share of its power by which it lies above what the set costs, and that."""
    pumps, demand = station
    sets = running_sets(pumps)
    least = floors_of(pumps, demand, sets, places).least
    for mask, floor in zip(sets, least.tolist(), strict=True):
        found = alone(pumps, demand, mask)
        yield floor, 0.0 if found is None else (floor - found.cost) / found.power, found


@pytest.mark.parametrize("kind", [random_station, limited_station, required_station])
def test_no_floor_is_above_what_its_set_costs_and_most_are_near(kind: type) -> None:
    """By a survey as of the solver's; a floor of nothing would be none above, and rule nothing out."""
    found = [one for seed in range(14) for one in judged(kind(seed, most=4), 13) if one[2] is not None]

    above = np.array([share for _, share, _ in found])
    assert len(found) > 4
    assert above.max() <= 0.0
    assert np.median(above) > -5e-4


@pytest.mark.parametrize("seed", range(12))
def test_nor_is_it_where_power_has_waves_or_places_are_few(seed: int) -> None:
    """Waves hide between the points of a table, limits and valleys between places."""
    wavy = wavy_station(seed, highest=0.1, most=4.0)

    above = [share for places in (5, 13) for _, share, _ in judged(wavy, places)]

    assert max(above) <= 0.0


@pytest.mark.parametrize("places", [4, 5, 6, 7])
@pytest.mark.parametrize("worth", [0.12, 0.14, 0.16])
def test_nor_where_the_least_cost_lies_between_two_places(places: int, worth: float) -> None:
    """Water that is worth more than the first of it costs, and less than the last: the best flow is inside."""
    station = (Candidate("a", PLATE),), SystemCurve(10.0, 4e-4, 130.0, 240.0, worth)

    ((_, above, found),) = judged(station, places)

    assert found is not None
    assert 130.0 < found.flow < 240.0
    assert -0.01 < above <= 0.0


@pytest.mark.parametrize(("seed", "highest", "most"), [(1201, 0.1, 4.0), (1082, 0.01, 12.0), (1181, 0.01, 12.0)])
def test_a_set_is_found_that_an_estimate_of_five_ten_thousandths_would_rule_out(
    seed: int, highest: float, most: float
) -> None:
    """Pumps with waves of power: a survey of 17 points sees them wrongly by more than that, and a bound may not."""
    pumps, demand = wavy_station(seed, highest=highest, most=most)

    found = solve(pumps, demand)

    costs = [one.cost for mask in running_sets(pumps) if (one := alone(pumps, demand, mask)) is not None]
    assert isinstance(found, Dispatch)
    assert found.cost <= min(costs) + 1e-6 * found.power
    assert found.bound <= min(costs)
