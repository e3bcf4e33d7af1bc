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
    assert found.of_blocks(np.array([1]))[0] == pytest.approx(np.hypot(SLOW, FAST), rel=0.1)


def test_one_meter_tells_nothing_and_the_belief_stays() -> None:
    """Its residuals may be its own noise; nothing else is there to ask."""
    blocks = np.arange(3_000)

    found = learnt(pulls(1, blocks, 1.0, np.random.default_rng(3)), blocks)

    assert found.slow == pytest.approx(BELIEF * HEAD)
    assert found.fast == 0.0


def noisy(truth: Points, rng: np.random.Generator) -> Points:
    """1 % of noise on everything, on the head too."""

    def read(values: np.ndarray) -> np.ndarray:
        return np.asarray(values * (1.0 + 0.01 * rng.standard_normal(values.shape)))

    unknown = np.full_like(truth.pump_flows, np.nan)
    return replace(truth, head=read(truth.head), flow=read(truth.flow), powers=read(truth.powers), pump_flows=unknown)


def test_a_noisy_gauge_makes_no_curve_steeper() -> None:
    """Taken for exact, it would: the flow would seem to change less with the head than it does."""
    tilts = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        truth = operation(UNLIKE[:3], [(0,), (1,), (2,), (0, 1), (1, 2)], 1_200, rng, step_ms=900_000, every=2)
        curves = StationCurves([Plate(f"p{index}") for index in range(3)])
        curves.update(noisy(truth, rng))
        model = curves.fit()
        assert model is not None
        for curve, pump in zip(model.curves, UNLIKE[:3], strict=True):
            flow = np.array(curve.flow_range)
            off = curve.head(flow, 1.0) / pump.head(flow, np.ones(2)) - 1.0
            tilts.append(100.0 * float(off[0] - off[1]))

    assert abs(np.mean(tilts)) < 0.3
