"""What is still to be looked at: stretches of time against the plain set of their milliseconds."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.jobs.owed import Stretch, joined, newest, touched, without

STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def instants(stretches: list[Stretch]) -> set[int]:
    """Every millisecond in them."""
    return {ms for start, end in stretches for ms in range(start, end)}


@given(STRETCHES)
def test_joined_stretches_are_the_same_time_each_once(stretches: list[Stretch]) -> None:
    """Overlaps, doubles and empty ones come from imports that repeat each other."""
    found = joined(stretches)

    assert instants(found) == instants(stretches)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(found))


def test_what_lies_near_is_joined_and_what_lies_far_is_not() -> None:
    """Spans of an import follow each other with a step between them; a year between two imports is no work."""
    assert joined([(0, 5), (10, 20), (40, 50)], 5) == [(0, 20), (40, 50)]


@given(STRETCHES, st.integers(0, 40), st.integers(0, 20))
def test_what_was_looked_at_is_owed_no_more_and_all_else_is(stretches: list[Stretch], begin: int, length: int) -> None:
    """A window that is forgotten is never learnt from, one that stays is judged for ever."""
    left = without(joined(stretches), begin, begin + length)

    assert instants(left) == instants(stretches) - set(range(begin, begin + length))


@given(STRETCHES, st.integers(0, 40), st.integers(1, 20))
def test_the_newest_come_first_and_no_more_than_asked_for(stretches: list[Stretch], until: int, most: int) -> None:
    """However much is owed, a run keeps its budget, and the pumps as they are come before what they were."""
    found = newest(joined(stretches), until, most)

    due = sorted(ms for ms in instants(stretches) if ms < until)
    assert instants(found) == set(due[-most:])
    assert found == sorted(found, reverse=True)


def test_a_window_with_a_part_in_a_stretch_is_touched() -> None:
    """Its end is not part of a stretch, nor of a window."""
    begins = np.array([0, 15, 30, 45, 60])

    assert touched([(20, 45)], begins, 15).tolist() == [False, True, True, False, False]
    assert not touched([], begins, 15).any()
