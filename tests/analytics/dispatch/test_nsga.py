"""NSGA-II on problems whose fronts are known."""

import numpy as np

from analytics.dispatch.nsga import Judged, nondominated, nsga2
from analytics.dispatch.pump import Array


def zdt1(vectors: Array) -> Judged:
    """Zitzler, Deb and Thiele (2000): the front is f₂ = 1 - √f₁."""
    first, rest = vectors[:, 0], 1 + 9 * vectors[:, 1:].mean(axis=1)
    return Judged(np.stack([first, rest * (1 - np.sqrt(first / rest))], axis=1), np.zeros(len(vectors)))


def test_a_known_front_is_reached_from_end_to_end() -> None:
    """Near it everywhere, and spread over it: a search for one objective alone would sit at an end."""
    rng = np.random.default_rng(1)

    _, found = nsga2(zdt1, rng.random((60, 10)), rng, 120)

    first, second = found.objectives.T
    assert np.abs(second - (1 - np.sqrt(first))).max() < 0.05
    assert first.min() < 0.01
    assert first.max() > 0.99
    assert np.diff(np.sort(first)).max() < 0.1


def test_a_limit_goes_before_every_objective() -> None:
    """The best without the limit lies where it is broken; the lesser violation wins until it is kept."""

    def judged(vectors: Array) -> Judged:
        return Judged(vectors[:, :1], np.maximum(0.5 - vectors[:, 0], 0.0))

    rng = np.random.default_rng(2)

    vectors, found = nsga2(judged, 0.4 * rng.random((30, 2)), rng, 60)

    assert found.violation.max() == 0.0
    assert vectors[:, 0].max() < 0.51


def test_only_what_no_other_beats_in_everything_is_kept() -> None:
    """Worse in one and better in another stays; worse in one and equal in the other goes; equals stay."""
    objectives = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 2.0], [1.0, 3.0], [0.0, 9.0]])
    violation = np.array([0.0, 0.0, 0.0, 0.0, 0.1])

    assert nondominated(Judged(objectives, violation)).tolist() == [True, True, False, True, False]
