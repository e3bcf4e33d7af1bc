"""What is sealed is read back bit by bit, by a reader that needs no library."""

import struct
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.store.stripping import strip_of_integers, strip_of_reals
from agent.store.strips import SLOW, StripDamagedError, integers, reals
from agent.store.vectors import VECTORS

WHOLE = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-300, 300)


def bits(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


@given(st.lists(st.one_of(WHOLE, SMALL), min_size=1) | st.lists(SMALL, min_size=1))
def test_integers_come_back_as_they_were(numbers: list[int]) -> None:
    """Counters near the end of 64 bits overflow every difference."""
    strip = strip_of_integers(np.array(numbers, np.int64))

    assert list(integers(strip, SLOW)) == list(integers(strip, VECTORS)) == numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_reals_come_back_bit_by_bit(numbers: list[float]) -> None:
    """Also -0.0, which equals 0.0 and is another number."""
    strip = strip_of_reals(np.array(numbers))

    assert bits(list(reals(strip, SLOW))) == bits(list(reals(strip, VECTORS))) == bits(numbers)


@given(st.lists(st.integers(-(10**7), 10**7), min_size=1), st.integers(0, 6), st.sampled_from("/*sf"))
def test_decimals_come_back_bit_by_bit(whole: list[int], exponent: int, way: str) -> None:
    """Whatever way they became doubles: divided, multiplied, through single precision or in it."""
    scale = 10.0**exponent
    match way:
        case "/":
            numbers = [number / scale for number in whole]
        case "*":
            numbers = [number * 10.0**-exponent for number in whole]
        case "s":
            numbers = [float(np.float32(number / scale)) for number in whole]
        case _:
            numbers = [float(np.float32(number * 1.0173)) for number in whole]

    strip = strip_of_reals(np.array(numbers))

    assert bits(list(reals(strip, SLOW))) == bits(list(reals(strip, VECTORS))) == bits(numbers)


@pytest.mark.parametrize(
    ("numbers", "most"),
    [
        ([0.0] * 3_600, 30),
        ([230.9 + 0.01 * (n % 7) for n in range(3_600)], 3_600),
        ([float(np.float32(round(230.9 + 0.01 * (n % 7), 2))) for n in range(3_600)], 200),
        ([0.1 * n for n in range(3_600)], 60),
    ],
)
def test_decimals_are_recognised(numbers: list[float], most: int) -> None:
    """A twentieth of the bytes of what is taken for noise."""
    assert len(strip_of_reals(np.array(numbers))) < most


def test_times_of_a_steady_poll_cost_nothing() -> None:
    times = list(range(1_700_000_000_000, 1_700_003_600_000, 1_000))
    strip = strip_of_integers(np.array(times))

    assert list(integers(strip, SLOW)) == times
    assert len(strip) < 30


@pytest.mark.parametrize("numbers", [[1, 5, 2, 9, 700], [3, 3, 3, 3], [10, 20, 30]])
def test_a_torn_strip_is_refused(numbers: list[int]) -> None:
    """Never a wrong value: zlib's checksum and the count say so."""
    strip = strip_of_integers(np.array(numbers))

    for length in range(len(strip)):
        with pytest.raises(StripDamagedError):
            integers(strip[:length], SLOW)


def test_reading_strips_needs_no_library() -> None:
    """The polling process delivers from sealed blocks after an outage of days."""
    code = "import sys, agent.store.sealed; print('numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"


def test_noise_costs_no_more_than_it_is_long() -> None:
    numbers = np.random.default_rng(1).normal(size=1_000)
    strip = strip_of_reals(numbers)

    assert list(reals(strip, SLOW)) == numbers.tolist()
    assert len(strip) < 8 * 1_000 + 50
    assert all(one != other for one, other in pairwise(numbers))
