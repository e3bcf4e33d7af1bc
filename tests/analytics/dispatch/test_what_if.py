"""The system curve of a header, and what another running set would do: held against the true station."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analytics.curves.network import Network, NotIdentified, network
from analytics.curves.points import Points
from analytics.dispatch.operation import Operation
from analytics.dispatch.what_if import SetChange, set_changes
from analytics.hydraulics import Floats
from tests.analytics.dispatch.learnt import Learnt, station

STATIC, RESISTANCE = 24.0, 6.0e-5  # m; m per (m³/h)²
MODEL = station([Learnt("a"), Learnt("b"), Learnt("c", a0=56.0)], noise=0.5)
SETS = [(1, 0, 0), (1, 1, 0), (0, 1, 1), (1, 1, 1), (0, 0, 1)]
PRESENT = {"a": 0.95, "b": 0.95}
MINUTE_MS = 60_000


def meeting(speeds: Floats, resistance: Floats, static: Floats) -> tuple[Floats, Floats, Floats]:
    """Flow, head and power at which the pumps meet the system, each of shape (n,), by bisection."""
    low, high = np.full(len(speeds), 5.0), np.full(len(speeds), 60.0)
    for _ in range(40):
        head = 0.5 * (low + high)
        flow = np.nan_to_num(MODEL.duty(speeds, head).flows).sum(axis=1)
        is_above = head < static + resistance * flow**2
        low, high = np.where(is_above, head, low), np.where(is_above, high, head)
    found = MODEL.duty(speeds, head)
    return found.flows.sum(axis=1), head, found.powers.sum(axis=1)


def duty(speeds: list[float], *, static: float = STATIC) -> tuple[float, float, float]:
    """The same of one set."""
    flow, head, power = meeting(np.array([speeds]), np.array([RESISTANCE]), np.array([static]))
    return float(flow[0]), float(head[0]), float(power[0])


@cache
def steady(n: int = 300, *, drift: float = 0.0, worse: tuple[int, ...] | None = None) -> Points:
    """Steady points of sets and speeds that change every ten minutes; *drift* moves the static head, m.

    The set *worse* has half as much resistance again.
    """
    rng = np.random.default_rng(5)
    running = np.array([SETS[each] for each in rng.integers(len(SETS), size=n)], dtype=bool)
    speeds = np.where(running, rng.uniform(0.88, 1.0, (n, 1)), 0.0)
    factors = np.where((running == np.array(worse or (-1, -1, -1))).all(axis=1), 1.5, 1.0)
    static = STATIC + drift * np.sin(np.arange(n) / 20.0)
    true_flow, true_head, _ = meeting(speeds, factors * RESISTANCE, static)
    nothing = np.full((n, 3), np.nan)
    times = 10 * MINUTE_MS * np.arange(n)
    flow, head = true_flow * rng.normal(1.0, 0.01, n), true_head * rng.normal(1.0, 0.003, n)
    return Points(times, running, speeds, head, flow, nothing, nothing)


def test_the_system_curve_is_found_among_noise_and_wild_readings() -> None:
    points = steady()
    wild = points.head.copy()
    wild[::40] *= 1.5

    found = network(replace(points, head=wild))

    assert isinstance(found, Network)
    assert found.static_head == pytest.approx(STATIC, abs=0.4)
    assert found.resistance == pytest.approx(RESISTANCE, rel=0.04)
    assert abs(found.resistance - RESISTANCE) < 3.0 * found.resistance_std
    assert found.sets == {}


def test_a_set_whose_water_takes_other_pipes_has_a_resistance_of_its_own() -> None:
    found = network(steady(worse=(0, 1, 1)))

    assert isinstance(found, Network)
    assert set(found.sets) == {(False, True, True)}
    assert found.resistance_of((False, True, True)) == pytest.approx(1.5 * RESISTANCE, rel=0.1)
    assert found.resistance_of((True, True, False)) == found.resistance


def test_a_static_head_that_varies_is_scatter_and_told_for_now() -> None:
    """A tank's level of ± 2 m; the present duty says where it is."""
    found = network(steady(drift=2.0))

    assert isinstance(found, Network)
    assert 1.0 < found.scatter < 2.0
    flow, head, _ = duty([0.95, 0.95, 0.0], static=STATIC + 2.0)
    assert found.static_head_at(flow, head, (True, True, False)) == pytest.approx(STATIC + 2.0, abs=1.0)


def test_a_pressure_that_a_controller_holds_shows_no_system() -> None:
    points = steady()
    rng = np.random.default_rng(2)

    found = network(replace(points, head=rng.normal(35.0, 0.05, len(points))))

    assert isinstance(found, NotIdentified)
    assert "a controller holds it" in found.why
    assert found.is_held


def test_flows_that_hardly_differ_do_not_tell_that_a_controller_holds_the_head() -> None:
    """300 m³/h ± 0.3 %, and half a metre of noise: a system of any resistance looks so."""
    points, rng = steady(), np.random.default_rng(2)
    n = len(points)

    found = network(replace(points, flow=rng.normal(300.0, 1.0, n), head=rng.normal(35.0, 0.5, n)))

    assert isinstance(found, NotIdentified)
    assert not found.is_held


def test_few_points_show_no_system() -> None:
    found = network(steady(20))

    assert isinstance(found, NotIdentified)
    assert not found.is_held


def present(speeds: dict[str, float]) -> Operation:
    at = [speeds.get(pump, 0.0) for pump in MODEL.pumps]
    flow, head, _ = duty(at)
    return Operation(flow=flow, head=head, speeds=speeds, powers={})


def test_each_other_set_is_told_as_it_really_would_run() -> None:
    """Within what is claimed, and that is little: the sum of what a and b deliver alone would be far off."""
    found = network(steady())
    assert isinstance(found, Network)

    changes = {tuple(each.speeds): each for each in set_changes(MODEL, found, present(PRESENT))}

    assert set(changes) == {("b",), ("a",), ("a", "b", "c")}
    for pumps, said in changes.items():
        flow, head, power = duty([0.95 if pump in pumps else 0.0 for pump in MODEL.pumps])
        assert said.flow == pytest.approx(flow, abs=max(3.0 * said.flow_std, 1.0))
        assert said.head == pytest.approx(head, abs=max(3.0 * said.head_std, 0.1))
        assert said.power == pytest.approx(power, abs=3.0 * said.power_std)
        assert said.flow_std < 0.03 * flow


def test_a_static_head_that_has_risen_does_not_mislead() -> None:
    """The system was learnt an age ago; now the tank is 3 m fuller. The curve goes through the present duty."""
    found = network(steady())
    assert isinstance(found, Network)
    flow, head, _ = duty([0.95, 0.95, 0.0], static=STATIC + 3.0)

    changes = set_changes(MODEL, found, Operation(flow, head, PRESENT, {}))
    alone = next(each for each in changes if tuple(each.speeds) == ("a",))

    assert alone.head == pytest.approx(duty([0.95, 0.0, 0.0], static=STATIC + 3.0)[1], abs=0.2)


def test_it_is_said_as_a_sentence() -> None:
    change = SetChange({"p1": 0.9, "p3": 1.0}, 412.3, 6.0, 48.31, 0.4, 61.2, 1.2, within_data=True)

    assert change.sentence == "With p1 and p3 the header would run at 412 ± 6 m³/h and 48.3 ± 0.4 m, 61 ± 1 kW."


def test_a_pump_that_would_not_deliver_against_the_others_is_not_told_of() -> None:
    """Against a static head of 50 m pump c, weaker than a and b, does not reach what they make."""
    found = network(steady())
    assert isinstance(found, Network)
    flow, head, _ = duty([0.95, 0.95, 0.0], static=50.0)

    changes = [tuple(each.speeds) for each in set_changes(MODEL, found, Operation(flow, head, PRESENT, {}))]

    assert changes == [("b",), ("a",)]
