"""Roots of many rising functions at once."""

from collections.abc import Callable

import numpy as np

from analytics.dispatch.pump import Array

_TURNS = 60  # ten are usual
_SHARP = 1e-12  # share of the upper end


def rising_root(function: Callable[[Array], Array], low: Array, high: Array, sharp: float = _SHARP) -> Array:
    """Where each of k rising functions is 0 between *low* and *high*; regula falsi (Illinois) to the share *sharp*."""
    at_low, at_high = function(low), function(high)
    left, right = low, high
    side = np.zeros(len(low), np.int8)
    root = np.where(np.abs(at_low) < np.abs(at_high), low, high)
    for _ in range(_TURNS):
        is_open = (at_low < 0) & (at_high > 0) & (right - left > sharp * right)
        if not is_open.any():
            break
        slope = np.where(is_open, at_high - at_low, 1.0)
        root = np.where(is_open, (left * at_high - right * at_low) / slope, root)
        here = function(root)
        is_done = np.abs(here) <= sharp * high
        above, below = is_open & (here > 0) & ~is_done, is_open & (here <= 0) & ~is_done
        at_low = np.where(above & (side == 1), at_low / 2, at_low)
        at_high = np.where(below & (side == -1), at_high / 2, at_high)
        right, at_high = np.where(above, root, right), np.where(above, here, at_high)
        left, at_low = np.where(below, root, left), np.where(below, here, at_low)
        side = np.where(above, 1, np.where(below, -1, side)).astype(np.int8)
        at_low = np.where(is_open & is_done, 0.0, at_low)  # closed
    return root
