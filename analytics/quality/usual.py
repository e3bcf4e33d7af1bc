"""What is usual for a tag: how much it moves between two readings, how often, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.quality.spectrum import Habit, update_each

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

ENOUGH = 600  # readings before anything is called unusual
ENOUGH_MOVES = 300
_FEW_MOVES = 30  # that tell something of a tag which hardly moves
_FEW_TIMES = 2.0  # as much as of others, that it has to move
_RARE = 0.003  # share of moves that may reach a rare one, from which limits are made
_SPIKES = (2.6, 1.0)  # times the rare height, and the rare move, that a reading must stand out
_STEPS = (2.5, 1.25)  # times the rare excess, and the rare move, that a step must have
_FEWEST_STEPS = 3.0  # of the meter
_RESTS = 20.0  # mean times between changes without one are unusual: e⁻²⁰ by chance
_LONGEST_TIMES = 4.0  # the longest rest so far, too: some tags move in bursts
_LEAST_REST_MS = 60_000
_LEAST_RATE = 0.01  # changes a reading; a tag that moves less is not expected to move
_LIVELY_RATE = 0.2  # a tag with coarse steps moves less; how long it rests depends on the hour
_ENOUGH_MS = 86_400_000  # of readings, before rests or values can lie outside what is usual: a day has its course
_FAR = 2.0  # times the largest usual magnitude
_LIVELY = 0.1  # of it, that half the values reach
_OUTSIDE = 0.001  # share of values on either side that do not make the usual range
_GRID_SHARE = 0.98  # of moves that are whole steps
_WHOLE = 0.05  # of a step that they may be off
FINER = 0.75  # of a step: a smaller move shows a finer one


@dataclass(slots=True)
class Moves:
    """Moves of a tag in one state of its plant.

    A rare size is what three of a thousand moves reach. Heights and excesses have far lighter tails than moves, because
    a plant that moves goes on for some readings, and a broken sensor jumps once.
    """

    sizes: Habit = field(default_factory=Habit)
    heights: Habit = field(default_factory=Habit)  # by which readings stood out of both their neighbours
    excesses: Habit = field(default_factory=Habit)  # by which moves were larger than those before and after

    def settle(self) -> None:
        """End a block of readings: what was seen in it counts from now on."""
        for each in (self.sizes, self.heights, self.excesses):
            each.settle()

    def spike_limit(self, resolution: float) -> float:
        """The height beyond which a reading stands out; infinite until enough was seen."""
        return self._limit(self.heights, _SPIKES, resolution)

    def step_limit(self, resolution: float) -> float:
        """The excess beyond which a move is a step; infinite until enough was seen."""
        return self._limit(self.excesses, _STEPS, resolution)

    def _limit(self, own: Habit, times: tuple[float, float], resolution: float) -> float:
        count = self.sizes.whole.count
        if count < _FEW_MOVES:
            return float("inf")
        rare = _RARE * count
        sizes = times[0] * own.reached_by(rare), times[1] * self.sizes.reached_by(rare)
        return (1.0 if count >= ENOUGH_MOVES else _FEW_TIMES) * max(*sizes, _FEWEST_STEPS * resolution)


@dataclass(slots=True)
class Rests:
    """How a tag rests while its plant runs."""

    watched: int = 0  # readings while the plant ran that were not frozen
    changes: int = 0  # of them, those that differ from the one before
    longest_ms: int = 0  # rest between two changes meanwhile

    def update(self, watched: int, changes: int, longest_ms: int) -> None:
        """Take in how many readings came while the plant ran, how many of them differed, and the longest rest ended."""
        self.watched += watched
        self.changes += changes
        self.longest_ms = max(self.longest_ms, longest_ms)

    def limit_ms(self, period_ms: int) -> float:
        """The time without a change that is unusual while the plant runs; infinite where rest is usual.

        Twenty mean times between changes and four times the longest rest so far, at least a minute; of a tag with
        coarse steps it is known after a day.
        """
        if self.watched < ENOUGH or self.changes < _LEAST_RATE * self.watched:
            return float("inf")
        if self.changes < _LIVELY_RATE * self.watched and self.watched * period_ms < _ENOUGH_MS:
            return float("inf")
        return max(_LEAST_REST_MS, _RESTS * period_ms * self.watched / self.changes, _LONGEST_TIMES * self.longest_ms)


@dataclass(slots=True)
class Extent:
    """Where the values of a tag lie."""

    above: Habit = field(default_factory=Habit)  # 0
    below: Habit = field(default_factory=Habit)
    readings: int = 0
    largest: float = 0.0  # the magnitude that all but the rarest values stayed below; 0 before the first block

    def settle(self) -> None:
        """End a block of readings: what was seen in it counts from now on."""
        self.above.settle()
        self.below.settle()
        self.largest = max(self._top(self.above), self._top(self.below))

    def limits(self, period_ms: int) -> tuple[float, float]:
        """Values beyond which one is unusual: usual ones, and twice the largest on either side, or their range.

        So far that only a wrong unit or scale is there, whatever duty comes next. Infinite for a day, and for a tag
        that is mostly at rest near 0: what it does then is seldom, and not wrong.
        """
        half = self.readings / 2
        middle = max(self.above.whole.reached_by(half), self.below.whole.reached_by(half))
        if self.readings * period_ms < _ENOUGH_MS or not middle or middle < _LIVELY * self.largest:
            return -np.inf, np.inf
        low, high = -self._top(self.below), self._top(self.above)
        margin = max(high - low, _FAR * self.largest)
        return low - margin, high + margin

    def _top(self, side: Habit) -> float:
        return side.reached_by(max(1.0, _OUTSIDE * self.readings))


def update_extents(extents: Sequence[Extent], values: Floats, use: Booleans) -> None:
    """Take in those of *values* that are of *use*, shapes (tags, n)."""
    owners = np.broadcast_to(np.arange(len(extents))[:, None], values.shape)[use]
    some = values[use]
    update_each([one.above.present for one in extents], owners, some)
    update_each([one.below.present for one in extents], owners, -some)
    for extent, readings in zip(extents, use.sum(axis=1).tolist(), strict=True):
        extent.readings += readings


@dataclass(slots=True)
class Grid:
    """The steps in which a tag's values come, where they do."""

    step: float = 0.0
    agree: int = 0  # moves that are whole steps
    moves: int = 0
    floor: float = 0.0  # smaller moves are too seldom to be a step

    def update(self, moves: Floats) -> None:
        """Take in the sizes of *moves*, shape (n,), none of them 0."""
        least = float(moves.min(where=moves >= self.floor, initial=np.inf))
        if np.isfinite(least) and (not self.step or least < FINER * self.step):
            self.step, self.agree, self.moves = least, 0, 0
        if self.step:
            self.agree += int(np.count_nonzero(is_whole(moves / self.step)))
            self.moves += len(moves)

    @property
    def resolution(self) -> float:
        """The step; 0 where values do not come in steps, or too few have come."""
        return self.step if self.moves >= ENOUGH_MOVES and self.agree >= _GRID_SHARE * self.moves else 0.0


def is_whole(steps: Floats) -> Booleans:
    """Whether each of so many *steps* is a whole number of them, any shape; large ones have lost digits."""
    found: Booleans = np.abs(steps - np.rint(steps)) < _WHOLE * np.maximum(1.0, 0.02 * steps)
    return found
