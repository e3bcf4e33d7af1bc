"""Which sets of pumps are worth a survey: those that reach the demand, and of many those no bound rules out."""

from dataclasses import dataclass

import numpy as np

from analytics.dispatch.lines import Table
from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.dispatch.survey import Prices, spots, survey

_FEW = 48  # sets that are surveyed without more ado
_TRIED = 8  # of many, how many are surveyed to learn what is to be beaten
_BOUNDS = 5  # prices the bound is looked for among
_REACHED = 1e-6  # share of the flow by which a set may miss the demand and still be looked at


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Sets to survey, and what is known of those left out."""

    sets: Masks
    left_out: float = np.inf  # kW: none of them costs less


def reaching(table: Table, sets: Masks) -> Masks:
    """The *sets* that give at most what is asked at some place of *table*, and at least that at some place."""
    members = sets.astype(np.float64)
    least = (members @ table.flow[:, :, 0] <= table.station_flow * (1 + _REACHED)).any(axis=1)
    most = (members @ table.flow[:, :, -1] >= table.station_flow * (1 - _REACHED)).any(axis=1)
    reached: Masks = sets[least & most]
    return reached


def shortlist(table: Table, sets: Masks, prices: Prices, extra: Array, doubt: float) -> Shortlist:
    """Leave out every set whose Lagrangian dual bound is above what a few promising ones are seen to cost.

    Args:
        table: Lines of the pumps at k places.
        sets: Shape (s, n).
        prices: The pumps' answers there.
        extra: What a set costs besides power at a place, kW, shape (s, k).
        doubt: Share by which a power that is seen may err.
    """
    if len(sets) <= _FEW:
        return Shortlist(sets)
    bound = _bound(table, sets, prices, extra)
    first = np.argsort(bound)[:_TRIED]
    look = survey(table, sets[first], prices)
    found = spots(look, table.at, extra[first])
    seen = float(found.cost.min())
    power = float(look.power[np.unravel_index(found.cost[:, : len(table.at)].argmin(), look.power.shape)])
    kept = bound <= seen + doubt * power if np.isfinite(seen) else np.ones(len(sets), np.bool_)
    return Shortlist(sets[kept], float(bound[~kept].min(initial=np.inf)))


def _bound(table: Table, sets: Masks, prices: Prices, extra: Array) -> Array:
    """Of each set where it reaches the demand or a neighbouring place does, kW, shape (s,)."""
    members = sets.astype(np.float64)
    picked = np.linspace(1, prices.price.shape[1] - 2, _BOUNDS).astype(np.intp)
    bound = np.full((len(sets), len(table.at)), -np.inf)
    for one in picked.tolist():
        bound = np.maximum(bound, members @ prices.dual[:, :, one] + prices.price[:, one] * table.station_flow)
    least, most = (members @ table.flow[:, :, end] for end in (0, -1))
    able: Masks = np.asarray((least <= table.station_flow) & (most >= table.station_flow))
    near = able.copy()
    near[:, 1:] |= able[:, :-1]
    near[:, :-1] |= able[:, 1:]
    near |= ~np.asarray(able.any(axis=1))[:, None]  # its window may lie between two places
    return np.asarray(np.where(near, bound + extra, np.inf).min(axis=1))
