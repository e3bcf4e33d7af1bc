"""How far a plan keeps from the limits of a level, for what the forecast may miss by."""

import numpy as np

from analytics.dispatch.pump import Array
from analytics.schedule.storage import Storage

_REACT = 2.0  # h for which what a forecast misses by may add up before another plan has made it good
_MOST = 0.2  # of the band of levels


def level_margin(low: Array, high: Array, step: float, storage: Storage) -> Array:
    """Metres to keep off the limits, shape (T,).

    Args:
        low: What is drawn at least, by the forecast's lowest quantile, m³/h, (T,).
        high: The same at most.
        step: Of the plan, h.
        storage: The tank or well.
    """
    span = storage.high - storage.low
    first, last = storage.volume(np.array([storage.low, storage.high])).tolist()
    missed = (high - low) / 2 * np.minimum(step * np.arange(1, len(low) + 1), _REACT)
    return np.asarray(np.minimum(missed * span / (last - first), _MOST * span))
