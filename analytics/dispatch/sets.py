"""Every set of pumps that may run, identical ones collapsed."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Candidate

Masks = NDArray[np.bool_]


def running_sets(candidates: Sequence[Candidate], apart: Collection[frozenset[str]] = ()) -> Masks:
    """All sets that the locks allow, but not the empty one and those *apart*; shape (sets, n).

    Of identical pumps the ones cheapest to have on come first, and a later one runs only if the earlier do.
    """
    count = len(candidates)
    masks: Masks = (np.arange(1, 2**count)[:, None] >> np.arange(count) & 1).astype(np.bool_)
    for place, candidate in enumerate(candidates):
        if candidate.lock == "must run":
            masks = masks[masks[:, place]]
        elif candidate.lock == "must not run":
            masks = masks[~masks[:, place]]
    for names in apart:
        own = [candidate.id in names for candidate in candidates]
        if sum(own) == len(names):
            masks = masks[(masks != own).any(axis=1)]
    for first, second in _identical(candidates):
        masks = masks[masks[:, first] | ~masks[:, second]]
    return masks


def _identical(candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Pairs of neighbours among identical free pumps, the cheaper to have on first."""
    order = sorted(range(len(candidates)), key=lambda place: candidates[place].entry_kw)
    free = [place for place in order if candidates[place].lock == "free"]
    pairs = []
    for index, second in enumerate(free):
        same = (first for first in reversed(free[:index]) if candidates[first].physics == candidates[second].physics)
        if (first := next(same, None)) is not None:
            pairs.append((first, second))
    return pairs
