"""What a model's form misses of its pumps: one function of the duty in each station that could be the true one."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.curves.misfit import Misfit
from analytics.curves.model import StationModel
from analytics.dispatch.formless import formless
from tests.analytics.dispatch.learnt import Learnt, station

STATION = station([Learnt("a"), Learnt("b")])
DRAWS = 800


def known(**misfit: object) -> StationModel:
    """1 % of either pump's power for its flow is missed, seen at 0.7 to 1 of the speed at any flow."""
    found = {"works": (0.01, 0.01), "bands": (((0.7, 1.0),) * 5,) * 2} | misfit
    return replace(STATION, basis=replace(STATION.basis, misfit=Misfit(**found)))  # type: ignore[arg-type]


def over_the_range() -> np.ndarray:
    """Heads at which a pump at 0.9 of its speed goes evenly through the flows that it has learnt."""
    return np.asarray(0.81 * (60.0 - 4.0e-4 * np.linspace(120.0, 260.0, 201) ** 2))


def test_over_its_range_a_pump_s_error_cancels_and_is_as_great_as_it_was_seen_to_be() -> None:
    """A fit leaves nothing on average; a day over all flows is known far better than a minute."""
    heads, speeds = over_the_range(), np.array([[0.9, 0.0]] * 201)

    found = formless(known(), speeds, heads, DRAWS) / STATION.duty(speeds, heads).powers.sum(axis=1)

    assert np.sqrt((found**2).mean()) == pytest.approx(0.01, rel=0.05)
    assert found.mean(axis=1).std() < 0.001


def test_near_duties_are_wrong_together_and_far_ones_each_by_themselves() -> None:
    """A fiftieth of the range apart, and half of it."""
    heads, speeds = over_the_range(), np.array([[0.9, 0.0]] * 201)

    one, near, far = formless(known(), speeds, heads, DRAWS)[:, [60, 64, 160]].T

    assert np.corrcoef(one, near)[0, 1] > 0.95
    assert abs(np.corrcoef(one, far)[0, 1]) < 0.4


def test_a_pump_is_wrong_by_the_same_beside_another_as_alone() -> None:
    """What is missed of two advices that both leave it adds up, whatever ran beside it."""
    heads = np.full(3, 35.0)
    a, b, both = formless(known(), np.array([[0.9, 0.0], [0.0, 0.9], [0.9, 0.9]]), heads, DRAWS).T

    assert both == pytest.approx(a + b)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.15


def test_off_the_speeds_that_were_seen_all_pumps_are_wrong_one_way() -> None:
    """0.3 of a tenth of the speed, and nothing beside: the laws hold for no pump or for all."""
    model = known(works=(0.0, 0.0), bands=(((0.9, 1.0),) * 5,) * 2)
    speeds, heads = np.array([[0.8, 0.8], [0.95, 0.95]]), np.array([28.0, 35.0])

    below, within = formless(model, speeds, heads, DRAWS).T

    power = STATION.duty(speeds[0], heads[0]).powers.sum()
    assert below.std() == pytest.approx(0.3 * 0.1 / 0.8 * power, rel=0.1)
    assert within.std() == 0.0


def test_a_station_of_which_it_was_not_looked_at_draws_nothing_beside() -> None:
    """A model that an earlier version has learnt."""
    assert not formless(STATION, np.array([[0.9, 0.9]]), np.array([35.0]), 5).any()
