"""What is usual for a tag: how much it moves between two readings, and how often."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWEST, _HIGHEST, _PER_DECADE = -9, 9, 8  # log10 of the least and the greatest change told apart
_SIZE = (_HIGHEST - _LOWEST) * _PER_DECADE
ENOUGH = 600  # readings before anything is called unusual
_RARE = 0.995  # the quantile of changes from which limits are made
_TIMES = 8.0  # as large as a rare change is unusual
_RESTS = 20.0  # mean times between changes without one are unusual: e⁻²⁰ by chance
_LONGEST_TIMES = 5.0  # the longest rest so far, too: some tags move in bursts
_LEAST_REST_MS = 60_000
_LEAST_RATE = 0.01  # changes a reading; a tag that moves less is not expected to move


@dataclass(slots=True)
class Usual:
    """Counts that only grow; portions and the whole give the same."""

    readings: int = 0
    moves: dict[int, int] = field(default_factory=dict)  # readings by logarithmic bin of the change before them
    watched: int = 0  # readings while the plant ran that were not frozen
    changes: int = 0  # of them, those that differ from the one before
    longest_ms: int = 0  # rest between two changes meanwhile

    def learn(self, changes: Floats) -> None:
        """Take in absolute *changes* between neighbours, shape (n,); zeros count as no move."""
        moved = changes[changes > 0]
        bins = np.clip(np.floor((np.log10(moved) - _LOWEST) * _PER_DECADE), 0, _SIZE - 1).astype(np.int64)
        for place, count in zip(*np.unique(bins, return_counts=True), strict=True):
            self.moves[int(place)] = self.moves.get(int(place), 0) + int(count)
        self.readings += len(changes)

    def watch(self, is_change: NDArray[np.bool_], rests_ms: NDArray[np.int64]) -> None:
        """Take in, of readings while the plant ran, whether they differed from the one before, and the rests ended."""
        self.watched += len(is_change)
        self.changes += int(is_change.sum())
        self.longest_ms = max(self.longest_ms, int(rests_ms.max(initial=0)))

    def largest_move(self, resolution: float) -> float:
        """The change beyond which a reading is unusual; infinite until enough was seen.

        Eight times the change that 99.5 % of the readings do not exceed, at least three steps of the meter. A tag
        that hardly ever moves has no usual move, and so no unusual one.
        """
        if self.readings < ENOUGH:
            return float("inf")
        needed = _RARE * self.readings
        total = self.readings - sum(self.moves.values())  # those that did not move
        for place in sorted(self.moves):
            total += self.moves[place]
            if total >= needed and place:
                rare = 10 ** (_LOWEST + (place + 1) / _PER_DECADE)
                return max(_TIMES * rare, 3.0 * resolution)
        return float("inf")

    def longest_rest_ms(self, period_ms: int) -> float:
        """The time without a change that is unusual while the plant runs; infinite where rest is usual.

        Twenty mean times between changes and five times the longest rest so far, at least a minute.
        """
        if self.watched < ENOUGH or self.changes < _LEAST_RATE * self.watched:
            return float("inf")
        return max(_LEAST_REST_MS, _RESTS * period_ms * self.watched / self.changes, _LONGEST_TIMES * self.longest_ms)
