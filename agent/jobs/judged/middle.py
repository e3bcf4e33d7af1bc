"""What a portion of cells shows of one quantity, for checks that hold several against each other."""

import numpy as np
from numpy.typing import NDArray

LEAST_CELLS = 30  # in which a contradiction must be seen
LOOSE = 0.3  # weight of a check that a sensor wrong by a third may pass


def middle(values: NDArray[np.float64]) -> float | None:
    """Median of what is known; None where there is too little to judge by."""
    known = np.sort(values[np.isfinite(values)])
    count = len(known)
    return float((known[(count - 1) // 2] + known[count // 2]) / 2) if count >= LEAST_CELLS else None
