"""What is left over of a fit: weather that lasts, under noise that does not."""

from dataclasses import dataclass

import numpy as np

from analytics.dispatch.pump import Array

_LAGS = 6  # steps; covariances up to twice as far tell how fast it fades
_SLOWEST = 0.975  # a step of half an hour: a burst that was none of the weather is forgotten in two days
_JUDGED_DAYS = 14  # of the newest past


@dataclass(frozen=True, slots=True)
class Drift:
    """x = slow + noise, the slow part an autoregression of first order, in shares of `of` or as it is.

    The correlation from step to step would take the noise for a part that fades at once. The noise is no part of
    covariances from a lag of one step on, so their ratio tells the persistence and their size the slow part (Yule and
    Walker's equations of higher order); a filter with the gain of the steady state follows it (Kalman 1960).
    """

    persistence: float
    gain: float

    @classmethod
    def fitted(cls, left: Array) -> "Drift":
        """To what was left over, NaN where not known."""
        known = np.isfinite(left)
        values = np.where(known, left, 0.0)
        covariance = np.zeros(2 * _LAGS + 1)
        for lag in range(min(2 * _LAGS + 1, len(left))):
            until = len(left) - lag
            pairs = int((known[:until] & known[lag:]).sum())
            covariance[lag] = float(values[:until] @ values[lag:]) / max(pairs, 1)
        near, far = float(covariance[1 : _LAGS + 1].sum()), float(covariance[_LAGS + 1 :].sum())
        if near <= 0 or far <= 0:
            return cls(0.0, 0.0)
        persistence = min((far / near) ** (1 / _LAGS), _SLOWEST)
        slow = min(near / float((persistence ** np.arange(1, _LAGS + 1)).sum()), float(covariance[0]))
        return cls(persistence, _gain(persistence, slow, float(covariance[0]) - slow))

    def followed(self, left: Array) -> tuple[float, Array]:
        """The slow part at the end of *left*, and by how much each of its values was missed a step before."""
        slow, missed = 0.0, np.full(len(left), np.nan)
        for step, value in enumerate(left.tolist()):
            slow *= self.persistence
            if np.isfinite(value):
                missed[step] = value - slow
                slow += self.gain * (value - slow)
        return slow, missed

    def ahead(self, left: Array, steps: int) -> Array:
        """What is expected after *left*, fading out, shape (steps,)."""
        return np.asarray(self.followed(left)[0] * self.persistence ** np.arange(1, steps + 1))


def scales(left: Array, fit: Array, per_day: int) -> bool:
    """Whether what was *left* over goes with the size of the *fit*: then its share of it drifts with less surprise."""
    newest = slice(max(0, len(left) - _JUDGED_DAYS * per_day), None)
    left, size = left[newest], sizes(fit[newest], float(fit.mean()))
    if fit.mean() <= 0:
        return False
    plain = Drift.fitted(left).followed(left)[1]
    shares = Drift.fitted(left / size).followed(left / size)[1] * size
    return float(np.nansum(shares**2)) < float(np.nansum(plain**2))


def sizes(fit: Array, mean: float) -> Array:
    """What shares are of: the fit, where it is not next to nothing."""
    return np.asarray(np.maximum(fit, _LEAST_SIZE * abs(mean)))


_LEAST_SIZE = 0.2  # of the mean


def _gain(persistence: float, slow: float, noise: float) -> float:
    """Of the filter in its steady state, from the variances of both parts."""
    renewed = slow * (1 - persistence**2)
    half = (noise * (1 - persistence**2) - renewed) / 2
    before = -half + float(np.sqrt(half**2 + renewed * noise))  # variance before a value is seen: Riccati's equation
    return before / (before + noise) if before + noise > 0 else 0.0
