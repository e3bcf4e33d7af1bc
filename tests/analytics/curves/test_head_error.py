"""The head's error as several meters tell it: told apart from theirs, slow from fast, and what it does to curves."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.head_error import BELIEF, HeadError, Pull
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.simulators.waterworks import UNLIKE, operation

HEAD, SLOW, FAST = 40.0, 0.15, 0.25  # m


def pulls(meters: int, blocks: np.ndarray, thought: float, rng: np.random.Generator) -> list[Pull]:
    """Residuals of *meters* with noise of 1 each at points of *blocks*, *thought* to have *thought* times as much."""
    error = SLOW * rng.standard_normal(blocks.max() + 1)[blocks] + FAST * rng.standard_normal(len(blocks))
    rows = np.arange(len(blocks))
    slopes = [-rng.uniform(2.0, 6.0, len(rows)) for _ in range(meters)]
    shown = [slope * error + rng.standard_normal(len(rows)) for slope in slopes]
    information = np.full(len(rows), 1.0 / thought**2)
    return [Pull(rows, residual, slope, information) for residual, slope in zip(shown, slopes, strict=True)]


def learnt(read: list[Pull], blocks: np.ndarray) -> HeadError:
    found = HeadError.believed(HEAD)
    for _ in range(5):
        found = found.learnt(read, blocks, np.ones(len(blocks)), HEAD)
    return found


@pytest.mark.parametrize("thought", [1.0, 2.0])
def test_slow_and_fast_errors_are_told_apart_and_from_the_meters_own(thought: float) -> None:
    """Variances of single residuals would take the meters' noise for the head's where it is thought to be less."""
    blocks = np.arange(4_000) // 4

    found = learnt(pulls(3, blocks, thought, np.random.default_rng(1)), blocks)

    assert found.slow == pytest.approx(SLOW, rel=0.15)
    assert found.fast == pytest.approx(FAST, rel=0.15)


def test_points_with_a_block_each_have_both_in_one() -> None:
    """So it is with points that are kept of a month; what is slow is then not known, and both together are."""
    blocks = np.arange(3_000)

    found = learnt(pulls(3, blocks, 1.0, np.random.default_rng(2)), blocks)

    assert found.slow == pytest.approx(BELIEF * HEAD)
    assert np.hypot(found.slow, found.fast) == pytest.approx(np.hypot(SLOW, FAST), rel=0.1)


def test_one_meter_tells_nothing_and_the_belief_stays() -> None:
    """Its residuals may be its own noise; nothing else is there to ask."""
    blocks = np.arange(3_000)

    found = learnt(pulls(1, blocks, 1.0, np.random.default_rng(3)), blocks)

    assert found.slow == pytest.approx(BELIEF * HEAD)
    assert found.fast == 0.0


SETS = [(0,), (1,), (2,), (0, 1), (1, 2)]


def noisy(truth: Points, rng: np.random.Generator, *, own: float | None = None, head: float = 0.01) -> Points:
    """1 % of noise on everything and so much on the head; where pumps have meters of their *own*, their sum is all."""

    def read(values: np.ndarray, error: float = 0.01) -> np.ndarray:
        return np.asarray(values * (1.0 + error * rng.standard_normal(values.shape)))

    flows = np.full_like(truth.pump_flows, np.nan) if own is None else read(truth.pump_flows, own)
    total = read(truth.flow) if own is None else np.where(truth.running, flows, 0.0).sum(axis=1)
    return replace(truth, head=read(truth.head, head), flow=total, powers=read(truth.powers), pump_flows=flows)


def curves_off(points: Points) -> np.ndarray:
    """By how much each pump's head is missed at either end of its range, %, shape (pumps, 2)."""
    curves = StationCurves([Plate(f"p{index}") for index in range(3)])
    curves.update(points)
    model = curves.fit()
    assert model is not None
    pairs = zip(model.curves, UNLIKE[:3], strict=True)
    ends = [(curve, pump, np.array(curve.flow_range)) for curve, pump in pairs]
    return np.array([100.0 * (curve.head(at, 1.0) / pump.head(at, np.ones(2)) - 1.0) for curve, pump, at in ends])


@pytest.mark.parametrize("step_ms", [900_000, 120_000])
def test_a_noisy_gauge_makes_no_curve_steeper(step_ms: int) -> None:
    """Taken for exact, it would: the flow would seem to change less with the head than it does.

    So it would where points are so near in time that they share what is slow, and only that were thought unknown.
    """
    tilts = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        off = curves_off(noisy(operation(UNLIKE[:3], SETS, 1_200, rng, step_ms=step_ms, every=2), rng))
        tilts += (off[:, 0] - off[:, 1]).tolist()

    assert abs(np.mean(tilts)) < 0.3


def test_a_gauge_that_stood_still_for_a_fifth_of_the_time_bends_no_curve() -> None:
    """What fits no meter there is no error of the head at all other times: that would make it tell nothing then."""
    worst = []
    for seed in (6, 7):
        rng = np.random.default_rng(seed)
        points = noisy(operation(UNLIKE[:3], SETS, 1_200, rng, step_ms=900_000, every=2), rng, head=0.002)
        begin = int(rng.integers(0, 960))
        points.head[begin : begin + 240] = points.head[begin]
        worst.append(np.abs(curves_off(points)).max())

    assert max(worst) < 1.5


def test_a_total_of_the_pumps_own_meters_added_up_is_no_second_meter() -> None:
    """Its noise is theirs; taken for another's, what they have in common would be taken for an error of the head."""
    tilts = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth = operation(UNLIKE[:3], SETS, 1_200, rng, step_ms=900_000, every=2)
        off = curves_off(noisy(truth, rng, own=0.03, head=0.001))
        tilts += (off[:, 0] - off[:, 1]).tolist()

    assert abs(np.mean(tilts)) < 0.3
