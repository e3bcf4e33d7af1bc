"""How often each magnitude was seen, in logarithmic bins: quantiles of a stream whose size nobody knows beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWEST, _HIGHEST, _PER_DECADE = -9, 12, 16  # log10 of the least and the greatest magnitude told apart; bins of 15 %
_SIZE = (_HIGHEST - _LOWEST) * _PER_DECADE
_ENOUGH_BLOCKS = 12  # to tell what comes again from what came once
_LEAST_BLOCKS, _BLOCKS_SHARE = 3, 0.02  # in which a magnitude has to come


@dataclass(slots=True)
class Spectrum:
    """Counts that only grow; portions and the whole give the same.

    >>> spectrum = Spectrum()
    >>> spectrum.update(np.array([0.0, 1.0, 1.0, 2.0, 100.0]))
    >>> spectrum.count, round(spectrum.reached_by(1)), round(spectrum.reached_by(2), 1)
    (4, 115, 2.1)
    """

    bins: dict[int, int] = field(default_factory=dict)
    count: int = 0  # of magnitudes above 0

    def update(self, magnitudes: Floats) -> None:
        """Count *magnitudes*, shape (n,); zeros are none."""
        update_each([self], np.zeros(len(magnitudes), np.int64), magnitudes)

    def reached_by(self, number: float) -> float:
        """The greatest magnitude (upper end of its bin) that *number* or more reached; 0 where there were fewer."""
        total = 0
        for place in sorted(self.bins, reverse=True):
            total += self.bins[place]
            if total >= number:
                return float(10 ** (_LOWEST + (place + 1) / _PER_DECADE))
        return 0.0

    def least_of(self, share: float) -> float:
        """The lower end of the bin below which less than *share* of the magnitudes lie; 0 before the first."""
        total = 0
        for place in sorted(self.bins):
            total += self.bins[place]
            if total > share * self.count:
                return float(10 ** (_LOWEST + place / _PER_DECADE))
        return 0.0


@dataclass(slots=True)
class Habit:
    """How often each magnitude was seen, in all and in blocks of readings: minutes of nonsense are no habit.

    >>> habit = Habit()
    >>> for block in range(20):
    ...     habit.present.update(np.array([1.0, 2.0, 1.0] if block != 7 else [900.0, 901.0, 902.0]))
    ...     habit.settle()
    >>> round(habit.whole.reached_by(2)), round(habit.reached_by(2), 1)
    (1000, 2.1)
    """

    whole: Spectrum = field(default_factory=Spectrum)
    largest: Spectrum = field(default_factory=Spectrum)  # of each block that had any
    present: Spectrum = field(default_factory=Spectrum)  # the block that has not ended

    def settle(self) -> None:
        """End the present block."""
        bins = self.present.bins
        if not bins:
            return
        for place, count in bins.items():
            self.whole.bins[place] = self.whole.bins.get(place, 0) + count
        most = max(bins)
        self.largest.bins[most] = self.largest.bins.get(most, 0) + 1
        self.largest.count += 1
        self.whole.count += self.present.count
        self.present = Spectrum()

    def reached_by(self, number: float) -> float:
        """The greatest magnitude that *number* or more reached in settled blocks, and that came again in other blocks.

        Those are three, and a fiftieth of all; of the first dozen one is enough.
        """
        often = self.whole.reached_by(number)
        if self.largest.count < _ENOUGH_BLOCKS:
            return often
        return min(often, self.largest.reached_by(max(_LEAST_BLOCKS, _BLOCKS_SHARE * self.largest.count)))


def update_each(spectra: Sequence[Spectrum], owners: NDArray[np.int64], magnitudes: Floats) -> None:
    """Count each of *magnitudes*, shape (n,), in the one of *spectra* that its owner, shape (n,), is the place of.

    For many tags at once: a call of NumPy costs as much for one tag's readings of a minute as for all tags'.
    """
    some = magnitudes > 0
    if not some.any():
        return
    exact = (np.log10(magnitudes[some]) - _LOWEST) * _PER_DECADE
    places = np.minimum(np.maximum(exact, 0), _SIZE - 1).astype(np.int64) + owners[some] * _SIZE
    counts = np.bincount(places)
    found = counts.nonzero()[0]
    owned, bins = np.divmod(found, _SIZE)
    for owner, place, count in zip(owned.tolist(), bins.tolist(), counts[found].tolist(), strict=True):
        spectrum = spectra[owner]
        spectrum.bins[place] = spectrum.bins.get(place, 0) + count
        spectrum.count += count
