"""How likely registers mean what a reading of them says, in bits (pure).

The evidence for a reading is ``log2(P(words | it is right) / P(words | they are anything))``: how much likelier
a plant shows these words where somebody stored such a value in them than where they hold something else. So
readings of different sizes and types can be compared, what is merely possible gains nothing, and a value that
only a right reading can explain (a float with a human magnitude, in a register map full of zeros) gains much.
The shares below are judgements about pump stations, not measurements of one; tests hold them to many values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, log, log2, ulp

from drivers.settings import DataType

NEVER = 2.0**-150  # a probability of 0 would have no logarithm; below it nothing needs to be told apart
ZERO = 0.1  # share of quantities that are exactly 0: a pump that stands, a valve that is shut
ROUND = 0.3  # share of floats that somebody set or rounded: 42.5, not 42.4871
SAME = 0.5  # share of values, and of words, that have not changed from one read to the next
JUMP = 0.1  # share of changes that are no small step from the last value: a pump starts
STEP = 0.01  # of the value: how far a measured one moves between two reads
MAGNITUDES = ((1e-3, 1e6, 0.85), (1e-6, 1e10, 0.13), (1e-30, 1e30, 0.02))  # from, to, share of quantities
SMALLEST_STEP = 1e-9
GRIDS = (1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 0.01, 0.001)  # what values are rounded to, by people and converters
HALF = 2.0**16
NO_SENSOR = 0.02  # share of places without a sensor, each of which says so by one of a few words

# What transmitters say instead of a value: the largest and smallest of integers, and not a number.
INTEGER_SENTINELS = frozenset(("7fff", "8000", "ffff", "7fffffff", "80000000", "ffffffff", "7f" + "ff" * 7, "ff" * 8))
FLOAT_SENTINELS = frozenset(("7fc00000", "ffc00000", "7fffffff", "ffffffff", "7ff8000000000000", "ff" * 8))


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a person knows of a value before it is read: nothing, or where it lies, in the tag's unit."""

    low: float | None = None
    high: float | None = None

    @classmethod
    def near(cls, value: float) -> "Expectation":
        """About *value*: what a display beside the device shows, which is rounded and a little older."""
        tolerance = max(0.02 * abs(value), 1e-3)
        return cls(value - tolerance, value + tolerance)

    @property
    def may_be_negative(self) -> bool:
        """Whether values below 0 are part of it."""
        return self.low is not None and self.low < 0

    def holds(self, value: float) -> bool:
        """Whether a value is as expected."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def density(self, value: float) -> float:
        """Probability of values about *value*, for one unit of them; the share of exact zeros is left out.

        In a range most values are anywhere, some near zero, and a few are outside, because ranges are
        guessed too. Without one, a value is of any magnitude from thousandths to millions, seldom beyond.
        """
        if self.low is None or self.high is None:
            return _broad(value) if self.holds(value) else 0.02 * _broad(value)
        width = self.high - self.low
        inside = self.low <= value <= self.high
        return 0.02 * _broad(value) + inside * (0.6 / width + 0.38 * _graded(value, max(-self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Number:
    """A value as words hold it."""

    value: float  # in the tag's unit
    resolution: float  # of the type at this value, in the tag's unit
    is_float: bool


def noise(word: int) -> float:
    """Probability of a register of which nothing is known: zero, a small number, a sentinel or anything."""
    special = {0: 0.15, 0xFFFF: 0.03, 0x7FFF: 0.01, 0x8000: 0.01}.get(word, 0.0)
    return special + 0.3 / ((word + 1) * log(65_537)) + 0.5 / 65_536


def first_bits(words: Sequence[int], probability: float) -> float:
    """Evidence of a first read, whose words have *probability* if it is right."""
    chance = log2(noise(words[0]))
    for old, word in pairwise(words):
        chance += log2(SAME) if word == old == 0 else log2(noise(word))  # where one is empty, its neighbour is too
    return log2(max(probability, NEVER)) - chance


def next_bits(words: Sequence[int], before: Sequence[int], probability: float) -> float:
    """Evidence of a further read; *probability* is that of the new words, given those before.

    It only speaks against a reading, whose value leaps where only its words are shuffled. Else whatever moves
    most would win over the place that was asked for.
    """
    chances = (SAME if word == old else (1 - SAME) * noise(word) for word, old in zip(words, before, strict=True))
    return min(0.0, log2(max(probability, NEVER)) - sum(map(log2, chances)))


def probability(number: Number, expectation: Expectation) -> float:
    """Of the words of a number that is measured."""
    if not isfinite(number.value):
        return NEVER
    if number.value == 0:
        return ZERO if expectation.holds(0.0) else 0.02 * ZERO
    return (1 - ZERO) * expectation.density(number.value) * _grain(number)


def probability_after(number: Number, before: Number, expectation: Expectation) -> float:
    """Of the words of a measured number, given the one before."""
    if number.value == before.value:
        return SAME
    if not (isfinite(number.value) and isfinite(before.value)):
        return NEVER
    step = _step_density(abs(number.value - before.value), abs(before.value), number.resolution)
    jump = probability(number, expectation)
    return (1 - SAME) * ((1 - JUMP) * step * _grain(number) + JUMP * jump)


def is_sentinel(data: bytes, *, is_float: bool) -> bool:
    """Whether many devices say by these bytes, the most significant first, that there is no sensor."""
    return data.hex() in (FLOAT_SENTINELS if is_float else INTEGER_SENTINELS)


def resolution(kind: DataType, value: float) -> float:
    """The difference of *value* to the next one that the type can hold; 1 for integers."""
    match kind:
        case "float32":
            return max(ulp(value) * 2.0**29, 2.0**-149)  # 23 bits of mantissa, where a float64 has 52
        case "float64":
            return ulp(value)
        case _:
            return 1.0


def _step_density(size: float, value: float, resolution: float) -> float:
    """Density of a change: of a hundredth of the value as of noise, or of any smaller size as of a counter."""
    # a value of a few digits steps by at least one of them, and no quantity of ours by less than SMALLEST_STEP
    reach = max(STEP * value + 2 * resolution, SMALLEST_STEP)
    noise_like = exp(-size / reach) / (2 * reach)
    smallest = max(resolution, 1e-9 * reach)
    counter_like = 1 / (2 * (size + smallest) * log(1 + reach / smallest)) if size < reach else 0.0
    return (noise_like + counter_like) / 2


def _grain(number: Number) -> float:
    """How many values, in the tag's unit, one pattern of words stands for."""
    if not number.is_float:
        return number.resolution
    grids = (*GRIDS, number.resolution * HALF)  # the last: of a value whose lower half is empty
    rounded = next((grid for grid in grids if _is_on(number, grid)), 0.0)
    return (1 - ROUND) * number.resolution + ROUND * rounded


def _is_on(number: Number, grid: float) -> bool:
    """Whether a float is the one nearest to a multiple of *grid*, where the grid is much coarser than floats are."""
    if grid <= 64 * number.resolution:
        return False
    return abs(number.value - round(number.value / grid) * grid) <= 0.6 * number.resolution


def _broad(value: float) -> float:
    """Density of a quantity nobody has said anything of; one in ten is negative."""
    size = abs(value)
    density = sum(share / (size * log(high / low)) for low, high, share in MAGNITUDES if low <= size < high)
    return density * (0.1 if value < 0 else 0.9)


def _graded(value: float, largest: float) -> float:
    """Density of a quantity of any magnitude up to *largest*, down to a millionth of it."""
    size = abs(value)
    return 1 / (max(size, 1e-300) * log(1e6)) if 1e-6 * largest <= size <= largest else 0.0
