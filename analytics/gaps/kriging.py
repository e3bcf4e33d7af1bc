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
_AT_ONCE = 200  # lags: they cost no more than a few


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
        self._known: dict[tuple[int, int, int], tuple[Places, Floats]] = {}

    def guesses(self, values: Floats, begins: Places, size: int) -> Floats:
        """What is put into gaps of *size* at *begins*, shape (gaps, size); of several, shape (q, gaps, size).

        Args:
            values: Shape (n,), finite also in the gaps, whose values are not looked at.
            begins: First places, each with a neighbour on both sides.
            size: Of each gap.
        """
        return self.guesses_of(values[None], np.zeros(len(begins), np.intp), begins, size)

    def guesses_of(
        self, table: Floats, which: Places, begins: Places, size: int, inside: Places | slice = _ALL
    ) -> Floats:
        """As `guesses`, of each gap from its own row of a table.

        Args:
            table: Shape (rows, n).
            which: Row of each gap.
            begins: First places.
            size: Of each gap.
            inside: Which places of a gap are asked for.
        """
        left = np.searchsorted(REACH, begins, side="right")
        right = np.searchsorted(REACH, table.shape[1] - size - begins, side="right")
        kinds = left * (len(REACH) + 1) + right
        parts, order = [], []
        for kind in sorted(set(kinds.tolist())):
            at = np.flatnonzero(kinds == kind)
            places, weights = self._weights(size, *divmod(kind, len(REACH) + 1))
            near = table[which[at, None], begins[at, None] + places]
            parts.append((near - self._mean) @ weights[..., inside])
            order.append(at)
        found = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2)[..., np.concatenate(order).argsort(), :]
        found += self._mean
        return found

    def _weights(self, size: int, left: int, right: int) -> tuple[Places, Floats]:
        """Neighbours as places from the gap's first, shape (m,), and what each weighs, shape (..., m, size)."""
        key = (size, left, right)
        if key not in self._known:
            places, among, across = _lags(size, left, right)
            covariance = self._covariance(size + 2 * int(REACH[-1]))
            covariance = covariance / np.maximum(covariance[..., :1], _TINY)  # of what never moves, nothing but a mean
            matrix = covariance[..., among]
            matrix[..., np.arange(len(places)), np.arange(len(places))] = 1.0 + self._nugget
            self._known[key] = places, _solved(matrix, covariance[..., across])
        return self._known[key]


def _solved(matrix: Floats, sides: Floats) -> Floats:
    """Of each system the solution; they are positive definite but for what few pairs say of long lags."""
    count = matrix.shape[-1]
    solved = []
    for each, side in zip(matrix.reshape(-1, count, count), sides.reshape(-1, *sides.shape[-2:]), strict=True):
        _, found, failed = dposv(each, side)
        solved.append(np.linalg.solve(each, side) if failed else found)
    return np.stack(solved).reshape(sides.shape)


@lru_cache(maxsize=256)
def _lags(size: int, left: int, right: int) -> tuple[Places, Places, Places]:
    """Neighbours as places from the gap's first, the lags among them, and those across to the gap."""
    places = np.concatenate([-REACH[:left][::-1], size - 1 + REACH[:right]])
    return places, np.abs(places[:, None] - places), np.abs(places[:, None] - np.arange(size))


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
                known = self._sums(centred, max(longest, _AT_ONCE))
                known /= self._pairs[: len(known)]
                # few pairs tell little of long lags
                known *= np.maximum(1.0 - np.arange(len(known)) / (2.0 * len(values)), 0.0)
            return known[: longest + 1]

        return upto

    def _sums(self, centred: Floats, longest: int) -> Floats:
        if len(self._pairs) > longest:
            alone: Floats = _correlated(centred[None], longest)[0]
            return alone
        both = _correlated(np.stack([centred, self._share]), longest)
        self._pairs = np.maximum(both[1], 1.0)
        own: Floats = both[0]
        return own


def _correlated(values: Floats, longest: int) -> Floats:
    """Sums of products of each row at lags 0 to *longest*, by the spectrum (Wiener, 1930)."""
    size = next_fast_len(values.shape[1] + longest, real=True)
    spectrum = rfft(values, size)
    found: Floats = irfft(spectrum.real**2 + spectrum.imag**2, size)[:, : longest + 1]
    return found


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
