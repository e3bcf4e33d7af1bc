"""What the pumps of a header work against: H = H_s + k Q², from steady points, by running set where it differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.hydraulics import Floats

LEAST_POINTS = 60
LEAST_OF_SET = 12  # blocks of time in which a set ran, before it may have a resistance of its own
BLOCK_MS = 600_000  # points nearer than this share one state of tanks and valves: they count as one
ROUNDS = 12
TUKEY = 4.685  # 95 % efficient for normal errors (Beaton and Tukey 1974)
SURE = 3.0  # standard deviations that the resistance is above 0, or that a set's differs
HELD = 0.1  # share of the head that surely is no friction where that is held; it may be where flows hardly differed
TOLD = 0.02  # share of the head by which a set must differ to be named
METER = 0.01  # share of the resistance: what a flow meter is off by, twice, and its noise, which makes a line too flat
OUTERMOST = 0.02  # share of the flows at either end that does not widen the range


class NotIdentified(NamedTuple):
    """The steady points do not tell the system."""

    why: str  # a clause
    is_held: bool = False  # they tell that the head does not follow the flow


@dataclass(frozen=True, slots=True)
class Network:
    """The system curve of a header.

    Attributes:
        static_head: H_s, m: the mean over the time of the points; tanks and valves move it.
        resistance: k, m/(m³/h)².
        resistance_std: Its standard deviation.
        scatter: Of the head around the curve, m: by so much the static head changes with time.
        flow_range: Flows it was learnt from, m³/h.
        points: How many those were.
        sets: Resistance of the running sets for which it differs, by whether each pump runs.
    """

    static_head: float
    resistance: float
    resistance_std: float
    scatter: float
    flow_range: tuple[float, float]
    points: int
    sets: Mapping[tuple[bool, ...], float]

    def resistance_of(self, running: tuple[bool, ...]) -> float:
        """Of a running set, m/(m³/h)²."""
        return self.sets.get(running, self.resistance)

    def static_head_at(self, flow: float, head: float, running: tuple[bool, ...]) -> float:
        """The static head now, m, by what is measured now: it varies with the level the pumps deliver to."""
        return head - self.resistance_of(running) * flow**2


def network(points: Points) -> Network | NotIdentified:
    """The system curve by robust least squares over the *points* of one header's pumps.

    A header whose pressure is held by a controller, or whose demand changes more than its pumps do, shows no
    resistance: its points lie on a line of constant head or on the pumps' own curves. That is said, not fitted.
    """
    known = np.isfinite(points.head) & np.isfinite(points.flow) & (np.nan_to_num(points.flow) > 0.0)
    points = points.take(known)
    if len(points) < LEAST_POINTS:
        return NotIdentified(f"{len(points)} steady points with flow and head are too few")
    low, high = np.quantile(points.flow, [OUTERMOST, 1.0 - OUTERMOST])
    squares = points.flow**2 / float(np.mean(points.flow**2))
    blocks = points.times_ms // BLOCK_MS
    line, weights = _robust(squares, points.head)
    residual = points.head - line[0] - line[1] * squares
    scatter = float(np.sqrt(weights @ residual**2 / weights.sum()))
    slope_std = _slope_std(squares, weights, residual, blocks)
    if line[1] < SURE * slope_std:
        return NotIdentified(
            f"the head does not surely rise with the flow between {low:.0f} and {high:.0f} m³/h: a controller holds "
            "it, or the demand changes more than the pumps do",
            is_held=bool(line[1] + SURE * slope_std < HELD * np.median(points.head)),
        )
    scale = float(np.mean(points.flow**2))
    return Network(
        static_head=float(line[0]),
        resistance=float(line[1]) / scale,
        resistance_std=float(np.hypot(slope_std, METER * line[1])) / scale,
        scatter=scatter,
        flow_range=(float(low), float(high)),
        points=len(points),
        sets=_sets(points, residual, blocks, float(line[1]) / scale),
    )


def _robust(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Intercept and slope, and the weight of each point (Tukey's)."""
    design, weights = np.column_stack([np.ones_like(x), x]), np.ones_like(x)
    line = np.zeros(2)
    for _ in range(ROUNDS):
        root = np.sqrt(weights)[:, np.newaxis]
        line = np.linalg.lstsq(root * design, root[:, 0] * y, rcond=None)[0]
        residual = y - design @ line
        spread = max(1.4826 * float(np.median(np.abs(residual))), 1e-4 * float(np.median(y)))
        weights = np.clip(1.0 - (residual / (TUKEY * spread)) ** 2, 0.0, None) ** 2
    return line, weights


def _slope_std(x: Floats, weights: Floats, residual: Floats, blocks: NDArray[np.int64]) -> float:
    """Of the slope, where residuals of one block are one error (Liang and Zeger, 1986)."""
    centred = x - float(weights @ x) / float(weights.sum())
    _, which = np.unique(blocks, return_inverse=True)
    sums = np.bincount(which.ravel(), weights=weights * centred * residual)
    information = float(weights @ centred**2)
    return float(np.sqrt((sums**2).sum())) / information if information > 0.0 else float("inf")


def _sets(
    points: Points, residual: Floats, blocks: NDArray[np.int64], resistance: float
) -> dict[tuple[bool, ...], float]:
    """Resistance of each set that surely lies off the common curve: other pipes carry its water."""
    found = {}
    for running in np.unique(points.running, axis=0):
        rows = (points.running == running).all(axis=1)
        held = np.unique(blocks[rows])
        if len(held) < LEAST_OF_SET:
            continue
        means = np.array([np.median(residual[rows & (blocks == block)]) for block in held])
        off, std = float(np.median(means)), 1.4826 * float(np.median(np.abs(means - np.median(means))))
        is_sure = abs(off) > SURE * 1.25 * std / np.sqrt(len(held))
        if is_sure and abs(off) > TOLD * float(np.median(points.head[rows])):
            own = resistance + off / float(np.mean(points.flow[rows] ** 2))
            found[tuple(bool(each) for each in running)] = max(own, 0.0)
    return found
