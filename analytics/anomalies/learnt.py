"""What is normal for a group of channels: how each follows from the others and from its own short past."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 100  # rows to learn from
PAST = 0.05  # weight of a new row in a channel's own short past
SMOOTHING = 0.2  # weight of a new row in its smoothed residual
WINSOR = 4.0  # scales beyond which a value teaches and explains no more
RIDGE = 1_000.0  # rows that the prior weighs: that nothing follows from the other channels,
OWN_RIDGE = 10.0  # nor from a channel's own past
QUANTILE = 0.995  # of smoothed residuals of normal rows; limits are multiples of it
_SETTLING = 40  # rows until the smoothed residuals have forgotten their beginning
_LEAST_SHARE = 0.3  # of the standard deviation, for channels that mostly rest on one value
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Learnt:
    """The prediction of every channel, in robust scales: ``z = (x - centre) / scale``.

    Channel j is predicted by ridge regression (Hoerl and Kennard, 1970) from the others and its own short past p::

        z_j ≈ Σ_(k≠j) B_jk z_k + w_j p_j + c_j

    A channel that drifts by itself (a temperature) leans on its past, one that rests on a level (a flow) on the level.
    All of it follows from one matrix of moments, to which rows can be added.
    """

    centre: Floats  # shape (channels,)
    scale: Floats  # shape (channels,)
    moments: Floats  # of (z, p, 1), shape (2 channels + 1, 2 channels + 1)
    others: Floats  # B, shape (channels, channels), nothing on the diagonal
    own: Floats  # w, shape (channels,)
    level: Floats  # c, shape (channels,)
    usual: Floats  # smoothed residual that few normal rows exceed, shape (channels,)
    past: Floats  # p after the last row, shape (channels,)
    residual: Floats  # smoothed, after the last row, shape (channels,)
    ridge: float  # rows that the prior weighs

    @classmethod
    def of(cls, rows: Floats, ridge: float = RIDGE) -> Self:
        """Learn from *rows*, shape (rows, channels), oldest first; NaN where a channel has no value.

        The prior that channels have nothing to do with each other weighs *ridge* rows: the less, the finer is what is
        told, and the sooner a channel is told whose neighbour is off.

        A few abnormal rows do little harm: centre and scale are robust, and values are cut at four scales.

        Raises:
            ValueError: There are too few rows, or a channel has no values at all.
        """
        known = np.isfinite(rows)
        if len(rows) < FEWEST or not known.any(axis=0).all():
            raise ValueError(
                f"{len(rows)} rows teach nothing; {FEWEST} or more are needed, with values in each channel"
            )
        rows = np.where(known, rows, np.nan)
        centre = np.nanmedian(rows, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(rows - centre), axis=0)
        scale = np.maximum(spread, _LEAST_SHARE * np.nanstd(rows, axis=0))
        scale = np.where(scale > _TINY, scale, 1.0)  # one that never moved: any move stands out
        z = np.clip(np.nan_to_num((rows - centre) / scale), -WINSOR, WINSOR)
        past = _pasts(z)
        features = np.column_stack([z, past[:-1], np.ones(len(z))])
        moments = features.T @ features
        others, own, level = weights = _weights(moments, ridge)
        smooth = _smoothed(z - (z @ others.T + own * past[:-1] + level))
        usual = np.quantile(np.abs(smooth[_SETTLING:]), QUANTILE, axis=0) + 0.01
        return cls(centre, scale, moments, *weights, usual, past[-1], smooth[-1], ridge)

    @classmethod
    def again(
        cls,
        *,
        centre: Floats,
        scale: Floats,
        moments: Floats,
        usual: Floats,
        past: Floats,
        residual: Floats,
        ridge: float = RIDGE,
    ) -> Self:
        """What is normal by these moments; shapes as above."""
        return cls(centre, scale, moments, *_weights(moments, ridge), usual, past, residual, ridge)


def _weights(moments: Floats, ridge: float) -> tuple[Floats, Floats, Floats]:
    """B, w and c from the moments of (z, p, 1)."""
    count = (len(moments) - 1) // 2
    others, own, level = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    for channel in range(count):
        rest = [k for k in range(count) if k != channel]
        places = [*rest, count + channel, 2 * count]
        penalty = np.diag([ridge] * len(rest) + [OWN_RIDGE, _TINY])
        found = np.linalg.solve(moments[np.ix_(places, places)] + penalty, moments[places, channel])
        others[channel, rest], own[channel], level[channel] = found[:-2], found[-2], found[-1]
    return others, own, level


def _pasts(z: Floats) -> Floats:
    """Each channel's own short past before each row, and after the last; shape (rows + 1, channels)."""
    past = np.empty((len(z) + 1, z.shape[1]))
    past[0] = z[:20].mean(axis=0)
    for place, row in enumerate(z):
        past[place + 1] = past[place] + PAST * (row - past[place])
    return past


def _smoothed(residuals: Floats) -> Floats:
    smooth = np.empty_like(residuals)
    level = residuals[0]
    for place, row in enumerate(residuals):
        level = level + SMOOTHING * (row - level)
        smooth[place] = level
    return smooth
