"""Where a pump's losses go: a robust line through days, steps told from it, and when a limit is reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.hydraulics import Floats

LEAST_DAYS = 5  # that make a line
EACH_SIDE = 3  # days that a step must have before and after it
CLEARER = 10.0  # by which a step must beat both a line and a bend, in the Bayesian information criterion
SURE = 4.0  # standard deviations of a step
NORMAL_90 = 1.645
FARTHEST = 3_650.0  # days; nobody foresees more


@dataclass(frozen=True, slots=True)
class Line:
    """A line through days.

    Attributes:
        level: At the last day.
        slope: Per day.
        slope_std: Standard deviation of it, with the days' autocorrelation.
        level_std: Likewise.
    """

    level: float
    slope: float
    slope_std: float
    level_std: float


@dataclass(frozen=True, slots=True)
class Step:
    """A change from one day to the next."""

    day: float  # the first after it
    size: float
    std: float


@dataclass(frozen=True, slots=True)
class Reach:
    """Days until a limit is reached; with 90 % between `earliest` and `latest`, None: no end of it is in sight."""

    days: float
    earliest: float
    latest: float | None


def line(days: Floats, values: Floats) -> Line | None:
    """Theil's and Sen's line (median of all slopes; Sen 1968) through *values* at *days*, both shape (n,), days rising.

    None where there are too few. The standard deviations are those of least squares, with the spread of the
    residuals by their median, and n reduced to (1 - r) / (1 + r) of it by their autocorrelation r.

    >>> found = line(np.arange(10.0), 0.3 * np.arange(10.0))
    >>> round(found.level, 2), round(found.slope, 2)
    (2.7, 0.3)
    """
    n = len(days)
    if n < LEAST_DAYS:
        return None
    i, j = np.triu_indices(n, 1)
    slope = float(np.median((values[j] - values[i]) / (days[j] - days[i])))
    level = float(np.median(values + slope * (days[-1] - days)))
    residuals = values - level - slope * (days - days[-1])
    spread = 1.4826 * float(np.median(np.abs(residuals)))
    inflation = np.sqrt((1.0 + _autocorrelation(residuals)) / (1.0 - _autocorrelation(residuals)))
    width = float(np.sqrt(((days - days.mean()) ** 2).sum()))
    away = float(days[-1] - days.mean())
    level_std = spread * inflation * np.sqrt(1.0 / n + (away / width) ** 2)
    return Line(level, slope, float(spread * inflation / width), float(level_std))


def _autocorrelation(residuals: Floats) -> float:
    """At one day, 0 to 0.8: from few days more cannot be told."""
    power = float((residuals**2).sum())
    return float(np.clip((residuals[1:] * residuals[:-1]).sum() / power, 0.0, 0.8)) if power > 0.0 else 0.0


def step(days: Floats, values: Floats, least: float) -> Step | None:
    """The step in *values* that a line, or a line with a bend, does not explain; None where there is none.

    Least squares of the three, compared by the Bayesian information criterion (Schwarz 1978). The day of a step
    itself, which has a share of both, may be left out.

    Args:
        days: Rising, shape (n,).
        values: Shape (n,).
        least: A smaller step is none.
    """
    n = len(days)
    if n < 2 * EACH_SIDE:
        return None
    floor = 0.2 * least  # no day is known better, so that a tiny scatter does not make everything a step
    plain = np.column_stack([np.ones(n), days - days.mean()])
    best: tuple[float, Step] | None = None
    others = [_criterion(plain, values, floor)]
    for at in range(EACH_SIDE, n - EACH_SIDE + 1):
        bent = np.column_stack([plain, np.maximum(days - days[at - 1], 0.0)])
        others.append(_criterion(bent, values, floor) + np.log(n))
        for skipped in (0, 1) if at + 1 <= n - EACH_SIDE else (0,):
            share = np.where(np.arange(n) >= at + skipped, 1.0, 0.0)
            columns = [plain, share] + ([np.eye(n)[:, at]] if skipped else [])
            score, found = _stepped(np.column_stack(columns), values, floor, days[at + skipped])
            score += np.log(n)
            if best is None or score < best[0]:
                best = score, found
    if best is None or best[0] > min(others) - CLEARER:
        return None
    return best[1] if abs(best[1].size) >= max(least, SURE * best[1].std) else None


def _criterion(design: Floats, values: Floats, floor: float) -> float:
    n, k = design.shape
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    variance = float(((values - design @ coefficients) ** 2).mean()) + floor**2
    return float(n * np.log(variance) + k * np.log(n))


def _stepped(design: Floats, values: Floats, floor: float, day: float) -> tuple[float, Step]:
    """The criterion of a design whose third column is the step, and the step."""
    coefficients, *_ = np.linalg.lstsq(design, values, rcond=None)
    residuals = values - design @ coefficients
    freedom = max(len(values) - design.shape[1], 1)
    covariance = (float((residuals**2).sum()) / freedom + floor**2 / 10.0) * np.linalg.pinv(design.T @ design)
    found = Step(float(day), float(coefficients[2]), float(np.sqrt(covariance[2, 2])))
    return _criterion(design, values, floor), found


def reach(along: Line, limit: float) -> Reach | None:
    """When *along* reaches *limit*, which it has not yet; None where it is not foreseeable.

    It is foreseeable where the slope is above 0 for sure (90 %) and the day lies within ten years.
    """
    low, high = (along.slope + sign * NORMAL_90 * along.slope_std for sign in (-1.0, 1.0))
    if along.slope <= 0.0 or low <= 0.0:
        return None
    left = max(limit - along.level, 0.0)
    days = left / along.slope
    if days > FARTHEST:
        return None
    latest = left / low
    return Reach(days, left / high, latest if latest <= FARTHEST else None)


def since_step(days: Floats, found: Step | None) -> NDArray[np.bool_]:
    """Which *days* tell of the present trend: those after a step."""
    return np.asarray(days >= (found.day if found else -np.inf))
