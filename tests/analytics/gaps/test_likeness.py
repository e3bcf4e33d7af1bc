"""Which of many columns are asked: those that tell something new, and none that never moves."""

import numpy as np

from analytics.gaps.likeness import Likeness
from tests.analytics.gaps.series import Floats


def sample(columns: Floats, values: Floats) -> Floats:
    """Of *columns*, shape (k, n), and *values*, what is seen 5 places before, at, and 5 places after each third one."""
    both = np.concatenate([columns, values[None]])
    at = np.arange(5, both.shape[1] - 5, 3)
    return np.concatenate([both[:, at - 5], both[:, at], both[:, at + 5]], axis=1)


def test_what_says_something_new_goes_before_what_says_the_same() -> None:
    """Thirty phases and powers of one motor say the same, each louder than the one valve that says the rest."""
    random = np.random.default_rng(1)
    motor, valve = random.normal(size=(2, 600))
    phases = motor + 0.05 * random.normal(size=(30, 600))

    found = Likeness.sampled(sample(np.concatenate([phases, valve[None]]), 3.0 * motor + valve))

    assert found.alike[:30].min() > 2.0 * found.alike[30]
    assert 30 in found.telling(np.arange(31), 3)
    assert len(set(found.telling(np.arange(31), 8).tolist())) == 8


def test_a_column_that_is_alike_by_level_alone_is_told_from_noise() -> None:
    """A slow meter: its moves within a gap are noise, its level follows."""
    random = np.random.default_rng(2)
    level = 10.0 * np.sin(np.arange(900) / 150.0)
    columns = np.concatenate([random.normal(size=(20, 900)), (level + 0.5 * random.normal(size=900))[None]])

    found = Likeness.sampled(sample(columns, level + random.normal(size=900)))

    assert found.telling(np.arange(21), 1).tolist() == [20]


def test_what_never_moves_is_not_asked() -> None:
    """Constant columns, whatever their level; beside a series that never moves nobody is."""
    moving = np.random.default_rng(3).normal(size=300)
    columns = np.stack([np.zeros(300), np.full(300, 1e9), np.full(300, 0.1), 1e-6 * moving])

    beside_moving = Likeness.sampled(sample(columns, moving))
    beside_still = Likeness.sampled(sample(columns, np.full(300, 7.3)))

    assert beside_moving.telling(np.arange(4), 3).tolist() == [3]
    assert beside_still.telling(np.arange(4), 3).tolist() == []
