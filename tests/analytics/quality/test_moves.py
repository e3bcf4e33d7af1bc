"""How far a reading has to jump before somebody is told, by what its tag does of itself."""

import numpy as np
import pytest

from analytics.quality.watch import Portion, Rules, Watch, judge

START_MS = 1_772_366_400_000
ROWS = 2_400
PLACE = 2_000


def told(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> set[str]:
    """What is said of a reading a second while the plant runs."""
    every = np.ones(len(values), np.bool_)
    times_ms = START_MS + 1_000 * np.arange(len(values))
    portion = Portion(times_ms, values, every, every, every, ~every, every)
    return set(judge(Watch(), portion, Rules(period_ms=1_000), START_MS + 10**9).findings)


def current() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A motor current that moves by 0.3 A, and by 1.3 A in some ten of a thousand readings, up and down in turn."""
    moves = np.zeros(ROWS)
    moves[1::4], moves[3::4] = 0.3, -0.3
    moves[51::200], moves[151::200] = 1.3, -1.3
    return 70.0 + moves.cumsum()


@pytest.mark.parametrize(("size", "found"), [(3.8, {"step"}), (-3.8, {"step"}), (2.5, set())])
def test_a_step_of_nearly_three_times_the_largest_move_is_told(size: float, found: set[str]) -> None:
    """A person sees it in the chart; what is no more than twice what the tag does of itself may be the plant."""
    values = current()
    values[PLACE:] += size

    assert told(values) == found


@pytest.mark.parametrize(("size", "found"), [(4.0, {"spike"}), (2.6, set())])
def test_a_spike_of_ten_deviations_is_told(size: float, found: set[str]) -> None:
    """It stands 3.7 out of its neighbours, in noise of 0.4 of which three of a thousand readings stand 1.3 out."""
    values = 70.0 + np.random.default_rng(1).normal(0.0, 0.4, ROWS)
    values[PLACE] += size

    assert told(values) == found


def mains(moves: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The mains' frequency, up and down by 0.01 Hz so many times, all seen before the readings that are judged."""
    values = np.full(ROWS, 49.97)
    for place in np.linspace(10, 1_700, moves).astype(int).tolist():
        values[place:] = 99.95 - values[place:]
    return values


@pytest.mark.parametrize(
    ("moves", "size", "found"), [(120, 2.5, {"spike"}), (120, 0.02, set()), (20, 2.5, set())], ids=str
)
def test_a_tag_that_hardly_moves_has_to_jump_farther(moves: int, size: float, found: set[str]) -> None:
    """52 Hz for a second are none of the mains; how far it moves is known less well, and after 20 moves not at all."""
    values = mains(moves)
    values[1_900:1_903] += 0.01  # lest what follows ends a rest
    values[1_905] += size

    assert told(values) == found
