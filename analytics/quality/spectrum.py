"""How often each magnitude was seen, in logarithmic bins: quantiles of a stream whose size nobody knows beforehand."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWEST, _HIGHEST, _PER_DECADE = -9, 12, 16  # log10 of the least and the greatest magnitude told apart; bins of 15 %
_SIZE = (_HIGHEST - _LOWEST) * _PER_DECADE


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
        some = magnitudes[magnitudes > 0]
        if not len(some):
            return
        exact = (np.log10(some) - _LOWEST) * _PER_DECADE
        counts = np.bincount(np.minimum(np.maximum(exact, 0), _SIZE - 1).astype(np.int64))
        places = counts.nonzero()[0]
        for place, count in zip(places.tolist(), counts[places].tolist(), strict=True):
            self.bins[place] = self.bins.get(place, 0) + count
        self.count += len(some)

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
