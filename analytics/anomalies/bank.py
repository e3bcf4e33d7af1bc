"""Rows as they come, judged by what is normal: which channels do not fit, and how badly."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.learnt import PAST, QUANTILE, SMOOTHING, WINSOR, Floats, Learnt

LIMIT: Final = 3.5  # times the usual smoothed residual: an anomaly begins
_BACK = 0.6  # of the limit: it is over
_HEIGHT = 0.5  # of its own height: it is over too, and the channel has a new normal
_LEAK = 0.05  # of the pace at which a channel's past follows while it does not fit
_LARGEST = 50.0  # scales of a residual that count
MEMORY = 20_000.0  # normal rows after which an old one weighs 1/e


class Standing(NamedTuple):
    """Which channels do not fit, after the last row; both of shape (channels,)."""

    unfit: NDArray[np.bool_]
    height: Floats  # how badly at the worst, in usual smoothed residuals; 0 for those that fit


class ResidualBank:
    """One residual a channel, smoothed, with a limit of its own.

    While a channel does not fit, its past nearly stands still, so that an anomaly does not become normal by lasting. It
    is over once it is back within the limit, or below half of its own height: what is left is a new level. Rows with a
    channel that does not fit teach nothing.

    A value that is not finite says nothing: the channel stays as it was, and the others are predicted as if it were
    where its past has it.

    >>> rng = np.random.default_rng(1)
    >>> bank = ResidualBank(Learnt.of(rng.normal(size=(400, 3))))
    >>> bank.update(np.zeros(3)); bool(bank.unfit.any())
    False
    >>> for _ in range(20): bank.update(np.array([0.0, 30.0, 0.0]))
    >>> bank.unfit
    array([False,  True, False])
    """

    def __init__(self, learnt: Learnt, standing: Standing | None = None) -> None:
        """Go on from *learnt* and, where rows went before, from how the channels stood after them."""
        self._learnt = learnt
        self._past = learnt.past.copy()
        self._residual = learnt.residual.copy()
        self._moments = learnt.moments.copy()
        self._usual = learnt.usual.copy()
        self._expected = self._past.copy()
        fits = Standing(np.zeros(len(self._past), dtype=bool), np.zeros_like(self._past))
        self.unfit, self._height = standing or fits

    @property
    def score(self) -> Floats:
        """Smoothed residuals in multiples of the limit, shape (channels,); 1 is where an anomaly begins."""
        found: Floats = np.abs(self._residual) / (LIMIT * self._learnt.usual)
        return found

    @property
    def learnt(self) -> Learnt:
        """What is normal by all normal rows so far; to go on with."""
        known = self._learnt
        return Learnt.again(
            centre=known.centre,
            scale=known.scale,
            moments=self._moments,
            usual=self._usual,
            past=self._past,
            residual=self._residual,
            ridge=known.ridge,
        )

    @property
    def standing(self) -> Standing:
        """How the channels stand; to go on with."""
        return Standing(self.unfit, self._height)

    @property
    def expected(self) -> Floats:
        """What would have fitted in the last row, in the channels' units, shape (channels,)."""
        found: Floats = self._learnt.centre + self._learnt.scale * self._expected
        return found

    def begin(self, row: Floats) -> None:
        """Rows go on after a time that nobody has judged: *row*, shape (channels,), is the new short past."""
        z = (row - self._learnt.centre) / self._learnt.scale
        self._past = np.where(np.isfinite(z), np.clip(z, -WINSOR, WINSOR), self._past)
        self._residual = np.zeros_like(self._residual)
        self.unfit, self._height = np.zeros_like(self.unfit), np.zeros_like(self._height)

    def update(self, row: Floats) -> None:
        """Judge one row, shape (channels,)."""
        known = self._learnt
        z = (row - known.centre) / known.scale
        is_known = np.isfinite(z)
        z = np.where(is_known, z, self._past)
        cut = np.minimum(np.maximum(z, -WINSOR), WINSOR)
        self._expected = known.others @ cut + known.own * self._past + known.level
        residual = z - self._expected
        residual = np.where(is_known, np.minimum(np.maximum(residual, -_LARGEST), _LARGEST), self._residual)
        self._residual += SMOOTHING * (residual - self._residual)
        self._judge(np.abs(self._residual) / known.usual)
        if not self.unfit.any() and is_known.all():
            self._learn(cut)
        step = np.minimum(np.maximum(z - self._past, -WINSOR), WINSOR)  # from where it is: a drift is followed any way
        self._past += np.where(self.unfit, PAST * _LEAK * (cut - self._past), PAST * step)

    def _judge(self, height: Floats) -> None:
        unfit = self.unfit | (height > LIMIT)
        self._height = np.where(unfit, np.maximum(self._height, height), 0.0)
        self.unfit = unfit & (height >= _BACK * LIMIT) & (height >= _HEIGHT * self._height)

    def _learn(self, cut: Floats) -> None:
        features = np.concatenate([cut, self._past, [1.0]])
        self._moments += features[:, None] * features - self._moments / MEMORY
        step = self._usual / MEMORY
        above = np.abs(self._residual) > self._usual
        self._usual += np.where(above, QUANTILE, QUANTILE - 1.0) * step  # goes to the quantile, whatever the law
