"""Pumps whose range of φ a limit splits in two: each half a candidate of its own, and never both of them at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analytics.dispatch.limited import Limited
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.sets import Masks

_MOST_SETS = 20_000  # no more are made of halves


def halved(candidates: Sequence[Candidate], sets: Masks, hole: Array) -> tuple[list[Candidate], Masks] | None:
    """The same with each pump divided where it has a hole, (n,) of φ; None where nothing is, or sets become too many.

    Whatever a pump does is done below its hole or above it, so that nothing is lost.
    """
    halves = list(candidates)
    for place in np.flatnonzero(np.isfinite(hole)).tolist():
        whole, at = candidates[place], float(hole[place])
        halves[place] = replace(whole, physics=Limited(whole.physics, whole.physics.phi_min, at))
        halves.append(replace(whole, physics=Limited(whole.physics, at, whole.physics.phi_max)))
        runs = sets[:, place]
        low, high = (np.column_stack([sets, is_high & runs]) for is_high in (False, True))
        high[:, place] = False
        sets = np.concatenate([low, high[runs]])
    return None if len(halves) == len(candidates) or len(sets) > _MOST_SETS else (halves, sets)
