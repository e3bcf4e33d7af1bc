"""Which stretches of operation are steady enough to teach a curve, and their means."""

from dataclasses import dataclass

import numpy as np

from analytics.curves.points import Flags, Points
from analytics.hydraulics import Floats

OUTLIER = 5.0  # spreads from its window's median at which a single reading is left out
LEAST_SHARE = 0.7  # of a window's readings that must be there


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What counts as steady.

    Attributes:
        window_ms: Length of a mean; windows stand on a fixed grid, so that it does not matter how the log is cut.
        settle_ms: Time after a change of the running set that is left out: starts, valves, the pressure controller.
        guard_ms: Time before a change of the running set that is left out: ramps down, late status.
        flow_lag_ms: How much later than the pumps the flow meter shows a change (its damping). 3 s were seen at a real
            station; with the drift allowed here that moves a mean by 0.3 % at most, so it is left out by default.
        speed_drift: Greatest change of a relative speed over a window.
        head_drift: Greatest change of head over a window, as a share.
        flow_drift: Greatest change of total flow over a window, as a share.
    """

    window_ms: int = 15_000
    settle_ms: int = 60_000
    guard_ms: int = 15_000
    flow_lag_ms: int = 0
    speed_drift: float = 0.004
    head_drift: float = 0.02
    flow_drift: float = 0.02


def steady_points(frames: Points, steadiness: Steadiness = Steadiness()) -> Points:
    """Means of the steady windows of *frames*.

    A window's mean is taken without single readings far from its median, or such as no pump can have. A window is
    steady where the running set is constant from `settle_ms` before it to `guard_ms` after it, and speeds, head and
    flow do not drift from its first third to its last by more than allowed or than their noise explains.
    Only windows whose guard time lies within the frames are judged: offer the tail again with the next frames.

    Args:
        frames: Rows at a uniform step, oldest first; at most `window_ms` apart.
        steadiness: The limits.
    """
    if len(frames) == 0:
        return frames
    lagged = _with_lag(frames.believable, steadiness.flow_lag_ms)
    windows = _windows(lagged, steadiness)
    if len(windows) == 0:
        return frames.take(slice(0, 0))
    means = _means(lagged, windows, steadiness.window_ms)
    steady = ~_drifting(lagged, windows, steadiness) & means.usable
    return means.take(steady)


def _with_lag(frames: Points, lag_ms: int) -> Points:
    """The flow meter's values moved back to the instants they speak of."""
    if lag_ms == 0 or len(frames) == 0:
        return frames
    flow = np.interp(frames.times_ms + lag_ms, frames.times_ms, frames.flow, right=np.nan)
    return Points(frames.times_ms, frames.running, frames.speeds, frames.head, flow, frames.powers, frames.pump_flows)


def _windows(frames: Points, steadiness: Steadiness) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Rows of each whole window with a constant running set around it, shape (windows, rows)."""
    times = frames.times_ms
    step = int(np.median(np.diff(times))) if len(times) > 1 else steadiness.window_ms
    rows = max(1, steadiness.window_ms // max(step, 1))
    changed = 1 + np.flatnonzero((frames.running[1:] != frames.running[:-1]).any(axis=1))
    # The first row of a stretch and a hole in time count as changes: what went before is not known.
    broken = 1 + np.flatnonzero(np.diff(times) > 3 * step)
    quiet_from = np.concatenate([times[:1], times[np.union1d(changed, broken)]])
    starts = np.flatnonzero(np.diff(times // steadiness.window_ms, prepend=-1) != 0)
    starts = starts[starts + rows <= len(times)]
    begin, end = times[starts], times[starts] + steadiness.window_ms
    last_change = quiet_from[np.searchsorted(quiet_from, begin, side="right") - 1]
    following = np.searchsorted(quiet_from, begin, side="right")
    next_change = np.append(quiet_from, times[-1] + step)[following]
    calm = (begin - last_change >= steadiness.settle_ms) & (next_change - end >= steadiness.guard_ms)
    whole = times[starts + rows - 1] - begin < steadiness.window_ms
    return np.asarray(starts[calm & whole, np.newaxis] + np.arange(rows))


def _means(frames: Points, windows: np.ndarray[tuple[int, int], np.dtype[np.int64]], window_ms: int) -> Points:
    return Points(
        times_ms=frames.times_ms[windows[:, 0]] // window_ms * window_ms + window_ms // 2,
        running=frames.running[windows[:, 0]],
        speeds=_trimmed(frames.speeds[windows]),
        head=_trimmed(frames.head[windows]),
        flow=_trimmed(frames.flow[windows]),
        powers=_trimmed(frames.powers[windows]),
        pump_flows=_trimmed(frames.pump_flows[windows]),
    )


def _trimmed(values: Floats) -> Floats:
    """Mean along axis 1 without outliers; NaN where too few readings are there."""
    there = np.isfinite(values)
    centre = _median(values)
    distance = np.abs(values - centre[:, np.newaxis])
    spread = 1.4826 * _median(distance) + 1e-3 * np.abs(centre)
    kept = there & (distance <= OUTLIER * spread[:, np.newaxis])
    total = np.where(kept, values, 0.0).sum(axis=1)
    enough = there.mean(axis=1) >= LEAST_SHARE
    return np.where(enough, total / np.maximum(kept.sum(axis=1), 1), np.nan)


def _median(values: Floats) -> Floats:
    """Along axis 1 without NaN; 0 where nothing is there."""
    ordered = np.sort(values, axis=1)  # NaN last
    count = np.isfinite(values).sum(axis=1)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, np.newaxis] // 2, axis=1)[:, 0]
    high = np.take_along_axis(ordered, count[:, np.newaxis] // 2 * (count > 0)[:, np.newaxis], axis=1)[:, 0]
    high = np.where(np.isfinite(high), high, low)
    return np.nan_to_num(0.5 * (low + high))


def _drifting(
    frames: Points, windows: np.ndarray[tuple[int, int], np.dtype[np.int64]], steadiness: Steadiness
) -> Flags:
    """Which windows change more from their first third to their last than limit and noise allow."""
    running = frames.running[windows]
    speeds = np.where(running, frames.speeds[windows], 0.0)
    fast = _drift(speeds, 1.0, steadiness.speed_drift).any(axis=1)
    head = frames.head[windows]
    flow = frames.flow[windows]
    moving_head = _drift(head, np.abs(_median(head)), steadiness.head_drift)
    moving_flow = _drift(flow, np.abs(_median(flow)), steadiness.flow_drift)
    return np.asarray(fast | moving_head | moving_flow)


def _drift(values: Floats, scale: Floats | float, limit: float) -> Flags:
    """Whether the medians of the first and the last third of axis 1 differ by more than *limit* times *scale*."""
    rows = values.shape[1]
    third = rows // 3
    if third == 0:
        return np.zeros((len(values), *values.shape[2:]), dtype=np.bool_)
    change = np.abs(_median(values[:, -third:]) - _median(values[:, :third]))
    steps = np.abs(np.diff(values, axis=1))
    noise = 1.4826 * _median(steps) / np.sqrt(2.0) * 1.25 * np.sqrt(2.0 / third)  # of a difference of two medians
    return np.asarray(change > limit * scale + 3.0 * noise)
