"""What the curves of pumps that share a flow meter miss of time that they were not learnt from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.missed import Errors, Missed, errors, heads_of
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from tests.simulators.waterworks import UNLIKE, TruePump, measured, operation

STATION = UNLIKE[:2]
SETS = [(0,), (1,), (0, 1)]
BLOCKS = 5


@dataclass(frozen=True, slots=True)
class Odd(TruePump):
    """A pump of no form that a model has: the head goes up and down by 6 %, the power by 12 % over the flow."""

    def head(self, flow: Floats, speed: Floats) -> Floats:
        """M, at *flow* m³/h."""
        return np.asarray(TruePump.head(self, flow, speed) * (1.0 + 0.03 * self._wave(flow, speed)))

    def power(self, flow: Floats, speed: Floats) -> Floats:
        """KW, at *flow* m³/h."""
        return np.asarray(TruePump.power(self, flow, speed) * (1.0 + 0.06 * self._wave(flow, speed)))

    def _wave(self, flow: Floats, speed: Floats) -> Floats:
        return np.asarray(np.sin(30.0 * flow / speed / self.best_flow))


def learnt(points: Points) -> StationModel:
    curves = StationCurves([Plate("p0"), Plate("p1")])
    curves.update(points)
    model = curves.fit()
    assert model is not None
    return model


def with_blocks(n: int = 300) -> Points:
    """Two pumps, a fifth of an hour each five minutes; flow and power meters show 2 % more or less, a block each."""
    rng = np.random.default_rng(8)
    seen = measured(operation(STATION, SETS, n, rng, every=4), rng, noise=0.002, outliers=0.0)
    shift = np.repeat([1.02, 0.98, 1.0, 0.98, 1.02], n // BLOCKS)
    return replace(seen, flow=seen.flow * shift, powers=seen.powers * shift[:, np.newaxis])


def held_out(points: Points) -> Iterator[tuple[Points, StationModel]]:
    """Each block with the model of all others."""
    for block in np.array_split(np.arange(len(points)), BLOCKS):
        yield points.take(block), learnt(points.take(np.setdiff1d(np.arange(len(points)), block)))


def head_by(model: StationModel, points: Points) -> Floats:
    """At which its pumps deliver the flow that was measured, read off a table of heads."""
    found = []
    for speeds, runs, head, flow in zip(points.speeds, points.running, points.head, points.flow, strict=True):
        heads = head * np.linspace(0.9, 1.1, 201)
        flows = model.duty(np.where(runs, speeds, 0.0), heads).flows.sum(axis=1)
        found.append(np.interp(-flow, -flows, heads))
    return np.array(found)


def test_the_figures_are_of_time_that_was_left_out() -> None:
    """Held against fits of the rest by themselves; of what was learnt from, a fifth less would be missed."""
    points = with_blocks()
    power_off, head_off = [], []
    for block, model in held_out(points):
        runs = block.running[:, 0]
        said = model.duty(np.where(block.running, block.speeds, 0.0), block.head).powers[:, 0]
        power_off.append((said - block.powers[:, 0])[runs])
        head_off.append((head_by(model, block) - block.head)[runs])

    whole = learnt(points)

    found = whole.basis.missed[0]
    for each, off in ((found.power, np.concatenate(power_off)), (found.head, np.concatenate(head_off))):
        assert each.rmse == pytest.approx(np.sqrt(np.mean(off**2)), rel=0.05)
        assert each.mae == pytest.approx(np.mean(np.abs(off)), rel=0.05)
        assert each.worst == pytest.approx(np.max(np.abs(off)), rel=0.1)
    assert found.power.rmse > 1.1 * whole.basis.power_rmse[0]
    runs = points.running[:, 0]
    assert found.head.rmse > 1.1 * np.sqrt(np.mean((head_by(whole, points) - points.head)[runs] ** 2))


def test_a_curve_that_is_not_the_pump_s_is_said_to_miss_more() -> None:
    """The other pump's power is told as well as before; its head is that of the sets, so it is not."""
    odd = Odd(**{name: getattr(STATION[0], name) for name in TruePump.__dataclass_fields__})
    right, wrong = (
        learnt(measured(operation(pumps, SETS, 400, rng, every=4), rng, noise=0.005, outliers=0.0)).basis.missed
        for pumps, rng in ((STATION, np.random.default_rng(2)), ((odd, STATION[1]), np.random.default_rng(2)))
    )

    for good, bad in ((right[0].head, wrong[0].head), (right[0].power, wrong[0].power)):
        assert bad.r2 < good.r2
        assert bad.rmse > 1.5 * good.rmse
        assert bad.mae > 1.5 * good.mae
        assert bad.worst > good.worst
    assert wrong[1].power.rmse < 1.3 * right[1].power.rmse


def test_a_wild_reading_is_no_fault_of_the_curve() -> None:
    """The meter was off by 20 to 60 %: as the worst error it would say nothing of the pump."""
    rng = np.random.default_rng(7)
    found = learnt(measured(operation(STATION, SETS, 300, rng, every=4), rng, outliers=0.03))

    usual = found.basis.power_scale[0]
    assert 0.0 < found.basis.missed[0].power.rmse < 0.015 * usual
    assert found.basis.missed[0].power.worst < 0.08 * usual


def test_what_no_meter_shows_is_not_told() -> None:
    """Not 0: nobody has looked."""
    rng = np.random.default_rng(4)
    seen = measured(operation(STATION, SETS, 200, rng, every=4), rng, outliers=0.0)

    without_power = learnt(replace(seen, powers=np.full(seen.powers.shape, np.nan))).basis.missed[1]
    without_flow = learnt(replace(seen, flow=np.full(len(seen), np.nan))).basis.missed[1]

    assert np.isnan(without_power.power).all()
    assert np.isfinite(without_power.head).all()
    assert np.isnan(without_flow.head).all()
    assert np.isfinite(without_flow.power).all()


def test_the_head_of_a_set_is_where_its_pumps_deliver_the_flow() -> None:
    rng = np.random.default_rng(6)
    points = operation(STATION, SETS, 60, rng, every=4)
    model = learnt(measured(points, rng, outliers=0.0))
    shapes, theta = [each.shape for each in model.curves], np.concatenate([each.theta for each in model.curves])
    flow = model.duty(np.where(points.running, points.speeds, 0.0), points.head).flows.sum(axis=1)
    flow[0] = np.nan

    found = heads_of(shapes, theta, replace(points, flow=flow, head=1.1 * points.head))

    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], points.head[1:], rtol=2e-3)


def test_errors_count_by_what_each_is_worth() -> None:
    observed, said = np.array([1.0, 3.0, np.nan, 5.0]), np.array([1.0, 2.0, 9.0, 8.0])

    alike = errors(observed, said)
    weighed = errors(observed, said, np.array([1.0, 3.0, 1.0, 0.0]))

    assert alike == pytest.approx((1.0 - 10.0 / 8.0, np.sqrt(10.0 / 3.0), 4.0 / 3.0, 3.0))
    assert weighed[:3] == pytest.approx((1.0 - 3.0 / 3.0, np.sqrt(0.75), 0.75))
    assert np.isnan(errors(observed[2:3], said[2:3])).all()
    assert np.isnan(errors(observed[:1], said[:1]).r2)


def test_what_was_missed_outlives_a_restart_and_need_not_be_there() -> None:
    """A model that an earlier version has kept knows none."""
    model = learnt(with_blocks(100))
    kept = model.to_dict()

    again = StationModel.from_dict(kept).basis.missed
    del kept["basis"]["missed"]

    assert again == model.basis.missed
    assert isinstance(again[0], Missed)
    assert isinstance(again[0].power, Errors)
    assert StationModel.from_dict(kept).basis.missed == ()
