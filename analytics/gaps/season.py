"""What a tag does at this hour of other days."""

import numpy as np

from analytics.gaps.gap import Floats

_LEAST_CYCLES = 2


def profile(values: Floats, cycle: int) -> Floats:
    """The mean of the other cycles at the same phase, shape (n,); NaN where no other cycle was measured.

    A cycle's own values have no say in its profile, so that what it tells of a gap is not the gap's surroundings.

    >>> profile(np.array([1.0, 5.0, 3.0, np.nan]), 2).tolist()
    [3.0, nan, 1.0, 5.0]

    Args:
        values: Shape (n,), NaN where not measured.
        cycle: Places in a cycle, a day say.
    """
    cycles = -(-len(values) // cycle)
    if cycles < _LEAST_CYCLES:
        return np.full(len(values), np.nan)
    padded = np.full(cycles * cycle, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(cycles, cycle)
    measured = np.isfinite(table)
    counts = measured.sum(axis=0) - measured
    sums = np.where(measured, table, 0.0)
    others = sums.sum(axis=0) - sums
    found = np.full(table.shape, np.nan)
    np.divide(others, counts, out=found, where=counts > 0)
    return found.reshape(-1)[: len(values)]
