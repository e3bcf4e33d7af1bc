"""Best linear guesses from the values on both sides of a gap, by how a series resembles itself."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg.lapack import dposv

from analytics.gaps.gap import Floats

Places = NDArray[np.intp]

REACH = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 23, 30])  # places from the gap, on either side, that are asked
_TINY = float(np.finfo(np.float64).tiny)
NUGGET = 1e-4
_ALL = slice(None)
_WHOLE = (len(REACH), len(REACH))  # neighbours on either side of a gap far from both ends
_FEW_LAGS = 150  # up to which sums of products take less time than a spectrum


class Kriging:
    """Simple kriging of gaps from neighbours on both sides (Krige, 1951; Matheron, 1963).

    With c(h) the covariance at lag h, C that of the neighbours among themselves and R that of the gap with them,
    the guess is m + R C⁻¹ (x - m).

    >>> wave = np.sin(np.arange(400.0) / 5.0)
    >>> error = Kriging(covariance_of(wave), 0.0).guesses(wave, np.array([200]), 5)[0] - wave[200:205]
    >>> bool(abs(error).max() < 0.05)
    True

    Args:
        covariance: c(0) to c(longest), for any longest that is asked, shape (longest + 1,); or several of them,
            shape (q, longest + 1), whose guesses are made at once.
        mean: m.
        nugget: Share of c(0) that no neighbour has in common with another; keeps smooth series solvable. Of several,
            shape (q, 1).
    """

    def __init__(self, covariance: Callable[[int], Floats], mean: float, nugget: float | Floats = NUGGET) -> None:
        self._covariance = covariance
        self._mean = mean
        self._nugget = nugget
        self._known: dict[tuple[int, tuple[int, int]], tuple[Places, Floats]] = {}
        self._correlations: dict[int, Floats] = {}

    def guesses(
        self, values: Floats, begins: Places, size: int, inside: Places | slice = _ALL, which: Places | None = None
    ) -> Floats:
        """What is put into gaps of *size* at *begins*, shape (gaps, size); of several, shape (q, gaps, size).

        Args:
            values: Shape (n,), finite also in the gaps, whose values are not looked at; or several, shape (rows, n).
            begins: First places, each with a neighbour on both sides.
            size: Of each gap.
            inside: Which places of a gap are asked for.
            which: Of several, the row of each gap.
        """
        length = values.shape[-1]
        starts = begins if which is None else begins + which * length
        reach = int(REACH[-1])
        if reach <= begins.min() and begins.max() <= length - size - reach:
            return self._guessed(values, starts, size, _WHOLE, inside)
        left = np.searchsorted(REACH, begins, side="right")
        right = np.searchsorted(REACH, length - size - begins, side="right")
        kinds: dict[tuple[int, int], list[int]] = {}
        for place, kind in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            kinds.setdefault(kind, []).append(place)
        parts = [self._guessed(values, starts[at], size, kind, inside) for kind, at in kinds.items()]
        found = np.empty((*parts[0].shape[:-2], len(begins), parts[0].shape[-1]))
        for at, part in zip(kinds.values(), parts, strict=True):
            found[..., at, :] = part
        return found

    def _guessed(
        self, values: Floats, starts: Places, size: int, kind: tuple[int, int], inside: Places | slice
    ) -> Floats:
        """Of gaps that have so many neighbours on either side."""
        places, weights = self._weights(size, kind)
        near = values.take(starts[:, None] + places)
        weights = weights if inside is _ALL else weights[..., inside]
        guess: Floats = (near - self._mean) @ weights + self._mean if self._mean else near @ weights
        return guess

    def _weights(self, size: int, kind: tuple[int, int]) -> tuple[Places, Floats]:
        """Neighbours as places from the gap's first, shape (m,), and what each weighs, shape (..., m, size)."""
        key = (size, kind)
        if key not in self._known:
            places, among, across = _lags(size, *kind)
            covariance = self._correlation(size)
            matrix = covariance.take(among, axis=-1)
            matrix.reshape(-1, matrix.shape[-1] ** 2)[:, :: len(places) + 1] = 1.0 + self._nugget
            self._known[key] = places, _solved(matrix, covariance.take(across, axis=-1))
        return self._known[key]

    def _correlation(self, size: int) -> Floats:
        """Up to the longest lag about a gap of *size*; of what never moves, nothing but a mean."""
        if size not in self._correlations:
            covariance = self._covariance(size + 2 * int(REACH[-1]))
            self._correlations[size] = covariance / np.maximum(covariance[..., :1], _TINY)
        return self._correlations[size]


def _solved(matrix: Floats, sides: Floats) -> Floats:
    """Of each system the solution; they are positive definite but for what few pairs say of long lags."""
    if matrix.ndim > 2:  # noqa: PLR2004 - several systems
        found = np.empty_like(sides)
        for place, (each, side) in enumerate(zip(matrix, sides, strict=True)):
            found[place] = _solved(each, side)
        return found
    _, found, failed = dposv(matrix, sides)
    return np.asarray(np.linalg.solve(matrix, sides) if failed else found, np.float64)


@lru_cache(maxsize=256)
def _lags(size: int, left: int, right: int) -> tuple[Places, Places, Places]:
    """Neighbours as places from the gap's first, the lags among them, and those across to the gap."""
    places = np.concatenate([-REACH[:left][::-1], size - 1 + REACH[:right]])
    return places, np.abs(places[:, None] - places), np.abs(places[:, None] - np.arange(size))


def covariance_of(values: Floats) -> Callable[[int], Floats]:
    """Of a series about its mean, at any lag: by sums of products or, of many lags, by the spectrum (Wiener, 1930).

    Sums of products are divided by the number of values, not of pairs: that alone is a covariance of something, so
    that systems of neighbours have a solution which does not swing (Priestley, 1981).

    Args:
        values: Complete, shape (n,).
    """
    known = np.empty(0)

    def upto(longest: int) -> Floats:
        nonlocal known
        if len(known) <= longest:
            known = _products(values - values.sum() / len(values), max(longest, 2 * len(known)))
            known /= len(values)
        return known[: longest + 1]

    return upto


def _products(values: Floats, longest: int) -> Floats:
    """Sums of products at each lag."""
    count = len(values)
    if longest <= _FEW_LAGS:
        return np.correlate(np.concatenate([values, np.zeros(longest)]), values, "valid")
    size = next_fast_len(count + longest, real=True)
    spectrum = rfft(values, size)
    found: Floats = irfft(spectrum.real**2 + spectrum.imag**2, size)[: longest + 1]
    return found


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
