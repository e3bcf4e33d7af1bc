"""Rows as they come, judged by what is normal: which channels do not fit, and how badly."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.learnt import PAST, QUANTILE, SMOOTHING, WINSOR, Floats, Learnt, relearnt

LIMIT: Final = 3.5  # times the usual smoothed residual: an anomaly begins
_BACK = 0.6  # of the limit: it is over
_HEIGHT = 0.5  # of its own height: it is over too, and the channel has a new normal
_LEAK = 0.05  # of the pace at which a channel's past follows while it does not fit
_LARGEST = 50.0  # scales of a residual that count
MEMORY = 20_000.0  # normal rows after which an old one weighs 1/e


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

    def __init__(self, learnt: Learnt) -> None:
        self._learnt = learnt
        self._past = learnt.past.copy()
        self._residual = learnt.residual.copy()
        self._moments = learnt.moments.copy()
        self._usual = learnt.usual.copy()
        self._height = np.zeros_like(self._past)
        self.unfit: NDArray[np.bool_] = np.zeros(len(self._past), dtype=bool)  # channels, after the last row

    @property
    def score(self) -> Floats:
        """Smoothed residuals in multiples of the limit, shape (channels,); 1 is where an anomaly begins."""
        found: Floats = np.abs(self._residual) / (LIMIT * self._learnt.usual)
        return found

    @property
    def learnt(self) -> Learnt:
        """What is normal by all normal rows so far; to begin with next time."""
        fresh = relearnt(self._learnt, self._moments, self._usual)
        return Learnt(**{name: getattr(fresh, name) for name in Learnt.__slots__} | {"past": self._past.copy()})

    def update(self, row: Floats) -> None:
        """Judge one row, shape (channels,)."""
        known = self._learnt
        z = (row - known.centre) / known.scale
        is_known = np.isfinite(z)
        z = np.where(is_known, z, self._past)
        cut = np.minimum(np.maximum(z, -WINSOR), WINSOR)
        residual = z - (known.others @ cut + known.own * self._past + known.level)
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
