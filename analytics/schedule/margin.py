"""How far a plan keeps from the limits of a level: what forecasts missed by until another plan had made it good."""

import numpy as np

from analytics.dispatch.pump import Array
from analytics.schedule.storage import Storage

PRIOR = 2.0  # half widths; as far out are LEVEL of a normal distribution that is for nine tenths within one
LEVEL = 0.999  # of forecasts: half a % of days, as a day is some three steps by a limit, at hours that may miss by more
_PRIOR_WEIGHT = 500.0  # forecasts that the prior counts for: LEVEL of fewer is only the worst of them
_LEAST, _MOST_FACTOR = 0.5, 3.0  # half widths; a meter's bad day must not take the storage away
_MOST = 0.2  # of the band of levels
_AS_SAID = np.ones(4)


def scores(centre: Array, low: Array, high: Array, came: Array) -> Array:
    """What a forecast's errors had added up to after 1 to L steps, in added half widths of it, shape (L,).

    Args:
        centre: What was expected in each of its first L steps, m³/h, (L,).
        low: The least, by its lowest quantile, (L,).
        high: The same at most.
        came: What came; NaN where that is not known, and from there on nothing is known of the sum.
    """
    width = np.maximum((high - low) / 2, 1e-3 * np.maximum(np.abs(centre), 1e-6))
    return np.asarray(np.abs(np.cumsum(came - centre)) / np.cumsum(width))


def factors(missed: Array) -> Array:
    """How many half widths to keep off after 1 to L steps, shape (L,): a high quantile of what was missed.

    Args:
        missed: Scores of past forecasts, (n, L), none at first; NaN where not known.
    """
    found = np.full(missed.shape[1], PRIOR)
    for lead, column in enumerate(missed.T):
        known = column[np.isfinite(column)]
        if len(known):
            weight = len(known) / (len(known) + _PRIOR_WEIGHT)
            found[lead] = weight * float(np.quantile(known, LEVEL)) + (1 - weight) * PRIOR
    return np.asarray(np.clip(found, _LEAST, _MOST_FACTOR))


def level_margin(low: Array, high: Array, step: float, storage: Storage, each: Array = _AS_SAID) -> Array:
    """Metres to keep off the limits, shape (T,).

    Args:
        low: What is drawn at least, by the forecast's lowest quantile, m³/h, (T,).
        high: The same at most.
        step: Of the plan, h.
        storage: The tank or well.
        each: Half widths to keep off after 1 to L steps, (L,); by then another plan has made good what was missed.
    """
    span = storage.high - storage.low
    first, last = storage.volume(np.array([storage.low, storage.high])).tolist()
    sums = np.concatenate([[0.0], np.cumsum((high - low) / 2)])
    ends = np.arange(1, len(low) + 1)
    reach = np.minimum(ends, len(each))
    missed = each[reach - 1] * step * (sums[ends] - sums[ends - reach])
    return np.asarray(np.minimum(missed * span / (last - first), _MOST * span))
