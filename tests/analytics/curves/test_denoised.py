"""Flows less their meter's noise: without bias at the ends, at two duties, and unchanged where noise is little."""

import numpy as np
from numpy.typing import NDArray

from analytics.curves.methods.denoised import denoised

Floats = NDArray[np.float64]
NOISE = 0.012


def outer(true: Floats, readings: Floats, said: Floats) -> Floats:
    """What is *said* of the least and of the greatest twelfth of the readings, relative to the truth there."""
    order = np.argsort(readings)
    ends = (order[: len(order) // 12], order[-len(order) // 12 :])
    return np.array([said[rows].mean() / true[rows].mean() - 1.0 for rows in ends])


def read(true: Floats, seed: int) -> Floats:
    return np.asarray(true * (1.0 + NOISE * np.random.default_rng([1, seed]).standard_normal(len(true))))


def test_the_least_and_the_greatest_readings_are_no_longer_too_low_and_too_high() -> None:
    raw, mended = [], []
    for seed in range(20):
        true = np.random.default_rng(seed).uniform(180.0, 200.0, 400)
        readings = read(true, seed)
        raw.append(outer(true, readings, readings))
        mended.append(outer(true, readings, denoised(readings, NOISE)))

    assert (np.abs(np.mean(raw, axis=0)) > 0.008).all()
    assert (np.abs(np.mean(mended, axis=0)) < 0.0025).all()


def test_two_duties_are_not_drawn_together() -> None:
    """Who shrinks all readings to their mean by one share gets either the duties or the noise around each wrong."""
    true = np.repeat([120.0, 200.0], 200)
    said = denoised(read(true, 0), NOISE)

    assert np.abs(said / true - 1.0).mean() < 0.4 * NOISE
    assert abs(said[:200].mean() / 120.0 - 1.0) < 0.003
    assert abs(said[200:].mean() / 200.0 - 1.0) < 0.003


def test_where_there_is_no_noise_nothing_changes() -> None:
    flow = np.linspace(50.0, 300.0, 300)

    np.testing.assert_array_equal(denoised(flow, 0.0), flow)
    np.testing.assert_allclose(denoised(flow, 0.002), flow, rtol=0.004)


def test_a_wild_reading_leaves_the_others_as_they_are() -> None:
    true = np.random.default_rng(3).uniform(180.0, 200.0, 400)
    readings = read(true, 3)
    said = denoised(np.append(readings, 600.0), NOISE)

    np.testing.assert_allclose(said[:-1], denoised(readings, NOISE), rtol=0.004)
    assert abs(said[-1] / 600.0 - 1.0) < 0.02
