"""Where a pump is most efficient, how sure that is, and whether its readings can tell at all."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analytics.curves.pump import PumpCurve
from analytics.hydraulics import Floats

FINE = 201  # flows among which the best is looked for
DRAWS = 60  # of a curve, that tell how well the best is known
TELLING = 0.9  # share of the curves it could have whose top lies within the data


@dataclass(frozen=True, slots=True)
class BestPoint:
    """The point of best efficiency at rated speed.

    Attributes:
        flow: m³/h.
        flow_std: Standard deviation of that.
        efficiency: There, wire to water.
    """

    flow: float
    flow_std: float
    efficiency: float


def best_point(flow: Floats, efficiency: Floats, draws: Floats) -> BestPoint | str:
    """The top of a curve, or why it cannot be told.

    A top at an end of the data is no top: the efficiency may go on rising. So it is told only where nine of ten curves
    that the pump could have as well have theirs within the data too; how much these differ is its uncertainty.

    Args:
        flow: Of the learnt range, rising, shape (n,), m³/h at rated speed.
        efficiency: Of the curve, shape (n,).
        draws: Of curves it could have, shape (m, n).
    """
    known = np.isfinite(draws).all(axis=1)
    if not np.isfinite(efficiency).all() or not known.any():
        return "not identifiable: the power is not measured"
    tops = np.argmax(draws[known], axis=1)
    inside = (tops > 0) & (tops < len(flow) - 1)
    top = int(np.argmax(efficiency))
    if not 0 < top < len(flow) - 1 or inside.mean() < TELLING:
        is_rising = float(np.median(tops)) > 0.5 * (len(flow) - 1)
        where, how = (flow[-1], "rises up to there") if is_rising else (flow[0], "falls from there on")
        return f"not identifiable: data stop at {where:.4g} m³/h, and the efficiency {how} or is too flat to tell"
    return BestPoint(float(flow[top]), float(np.std(flow[tops[inside]])), float(efficiency[top]))


@lru_cache(maxsize=64)
def learnt_best(curve: PumpCurve) -> BestPoint | str:
    """Of a learnt *curve* in the range it was learnt from, or why it cannot be told; reckoned once for each curve."""
    flows = np.linspace(*curve.flow_range, FINE)
    return best_point(flows, curve.efficiency(flows, 1.0), efficiencies(curve, flows))


def efficiencies(curve: PumpCurve, flows: Floats) -> Floats:
    """Of curves that the pump could have as well, by the covariance of its fit, shape (m, n)."""
    rng = np.random.default_rng(0)
    # A covariance may be singular to the last digit, which is no news.
    drawn = rng.multivariate_normal(curve.theta, curve.covariance, DRAWS, method="eigh", check_valid="ignore")
    return np.array([curve.at(theta).efficiency(flows, 1.0) for theta in drawn])
