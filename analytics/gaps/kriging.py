"""Best linear guesses from the values on both sides of a gap, by how a series resembles itself."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from analytics.gaps.gap import Floats

Places = NDArray[np.intp]

REACH = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 23, 30])  # places from the gap, on either side, that are asked
_TINY = float(np.finfo(np.float64).tiny)
_NUGGET = 1e-4


class Kriging:
    """Simple kriging of gaps from neighbours on both sides (Krige, 1951; Matheron, 1963).

    With c(h) the covariance at lag h, C that of the neighbours among themselves and R that of the gap with them,
    the guess is m + R C⁻¹ (x - m).

    >>> wave = np.sin(np.arange(400.0) / 5.0)
    >>> error = Kriging(covariance_of(wave), 0.0).guesses(wave, np.array([200]), 5)[0] - wave[200:205]
    >>> bool(abs(error).max() < 0.05)
    True

    Args:
        covariance: c(0) to c(longest), for any longest that is asked.
        mean: m.
        nugget: Share of c(0) that no neighbour has in common with another; keeps smooth series solvable.
    """

    def __init__(self, covariance: Callable[[int], Floats], mean: float, nugget: float = _NUGGET) -> None:
        self._covariance = covariance
        self._mean = mean
        self._nugget = nugget
        self._known: dict[tuple[int, int, int], tuple[Places, Floats]] = {}

    def guesses(self, values: Floats, begins: Places, size: int) -> Floats:
        """What is put into gaps of *size* at *begins*, shape (gaps, size).

        Args:
            values: Shape (n,), finite also in the gaps, whose values are not looked at.
            begins: First places, each with a neighbour on both sides.
            size: Of each gap.
        """
        left = np.searchsorted(REACH, begins, side="right")
        right = np.searchsorted(REACH, len(values) - size - begins, side="right")
        kinds = left * (len(REACH) + 1) + right
        if (kinds == kinds[0]).all():
            return self._guessed(values, begins, size, int(kinds[0]))
        found = np.empty((len(begins), size))
        for kind in np.unique(kinds):
            at = np.flatnonzero(kinds == kind)
            found[at] = self._guessed(values, begins[at], size, int(kind))
        return found

    def _guessed(self, values: Floats, begins: Places, size: int, kind: int) -> Floats:
        places, weights = self._weights(size, *divmod(kind, len(REACH) + 1))
        guess: Floats = self._mean + (values[begins[:, None] + places] - self._mean) @ weights
        return guess

    def _weights(self, size: int, left: int, right: int) -> tuple[Places, Floats]:
        """Neighbours as places from the gap's first, shape (m,), and what each weighs, shape (m, size)."""
        key = (size, left, right)
        if key not in self._known:
            places = np.concatenate([-REACH[:left][::-1], size - 1 + REACH[:right]])
            covariance = self._covariance(size + 2 * int(REACH[-1]))
            among = covariance[np.abs(places[:, None] - places)]
            among.flat[:: len(places) + 1] += self._nugget * covariance[0] + _TINY
            across = covariance[np.abs(places[:, None] - np.arange(size))]
            self._known[key] = (places, np.linalg.solve(among, across) if covariance[0] > 0 else 0.0 * across)
        return self._known[key]


class Resemblance:
    """Which pairs of a series were measured: shared by all that is correlated over the same places."""

    def __init__(self, is_measured: NDArray[np.bool_]) -> None:
        self.is_measured = is_measured
        self._share = is_measured.astype(np.float64)
        self._pairs = np.empty(0)

    def covariance(self, values: Floats) -> Callable[[int], Floats]:
        """Of *values* where they were measured, about their mean, at any lag."""
        centred = (values - float(values @ self._share) / float(self._share.sum())) * self._share
        known = np.empty(0)

        def upto(longest: int) -> Floats:
            nonlocal known
            if len(known) <= longest:
                pairs = self._pairs_upto(longest)
                known = _correlated(centred, longest)
                known /= pairs
                # few pairs tell little of long lags
                known *= np.maximum(1.0 - np.arange(longest + 1) / (2.0 * len(values)), 0.0)
            return known

        return upto

    def _pairs_upto(self, longest: int) -> Floats:
        if len(self._pairs) <= longest:
            self._pairs = np.maximum(_correlated(self._share, longest), 1.0)
        return self._pairs[: longest + 1]


def _correlated(values: Floats, longest: int) -> Floats:
    """Sums of products at lags 0 to *longest*, by the spectrum (Wiener, 1930)."""
    size = next_fast_len(len(values) + longest, real=True)
    spectrum = np.fft.rfft(values, size)
    found: Floats = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: longest + 1]
    return found if len(found) > longest else np.pad(found, (0, longest + 1 - len(found)))


def covariance_of(values: Floats) -> Callable[[int], Floats]:
    """Of a series that may have gaps (NaN)."""
    is_measured = np.isfinite(values)
    return Resemblance(is_measured).covariance(np.where(is_measured, values, 0.0))


def level_covariance(noise: float, drift: float) -> Callable[[int], Floats]:
    """That of a random walk seen through noise: what a Kalman smoother of the local level assumes (Harvey, 1989).

    Kriging with it is that smoother, restricted to the neighbours that are asked: with a walk's variance far above
    everything else the mean has no say.

    Args:
        noise: Variance of one reading about the level.
        drift: Variance of the level's step from one place to the next.
    """

    def upto(longest: int) -> Floats:
        lags = np.arange(longest + 1.0)
        walk = 1e3 * (noise + drift * (longest + 1.0)) - 0.5 * drift * lags
        walk[0] += noise
        return walk

    return upto
