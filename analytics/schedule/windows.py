"""Between which flows a set of pumps can run at a level, where its curves and limits meet the system."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.lines import Line, reach, slack_of
from analytics.dispatch.pump import Array
from analytics.dispatch.roots import rising_root
from analytics.dispatch.sets import Masks

_SHARES = np.linspace(0.0, 1.0, 9)  # of a line: enough to see where a limit cuts it
_LOOKS = 9  # places of a window at which its limits are looked at
_LEAST_HEAD = 1e-3  # m; nothing is pumped downhill
_TURNS = 60  # of a root search; ten are usual
EXACT = 1e-12  # share of the flow by which the end of a window may be off


class Window(NamedTuple):
    """Flows of k sets at k levels; equal ends where all run at fixed speed."""

    low: Array  # (k,) m³/h
    high: Array  # (k,)
    slack: Array  # (k,) below 0 the set cannot run there at all


def windows(lines: Sequence[Line], members: Masks, base: Array, resistance: float, sharp: float = EXACT) -> Window:
    """The window of each of k sets at k heads without flow.

    Args:
        lines: Of n pumps.
        members: Who runs, shape (k, n), nobody nowhere.
        base: Head without flow, m, shape (k,).
        resistance: m per (m³/h)².
        sharp: Share of the flow by which ends may be off.
    """
    count = len(base)
    twice, bases = np.concatenate([members, members]), np.concatenate([base, base])
    is_low = np.arange(2 * count) < count

    def excess(flow: Array) -> Array:
        low, high = _ends(lines, twice, bases + resistance * flow**2, flow)
        return flow - np.where(is_low, low, high)

    most = members @ np.array([line.physics.speed_max * line.phi_max for line in lines])
    found = rising_root(excess, np.full(2 * count, 1e-6), 1.001 * np.concatenate([most, most]), sharp)
    low, high = found[:count], np.maximum(found[count:], found[:count])
    return _trimmed(lines, members, base, resistance, low, high, sharp)


def _ends(lines: Sequence[Line], members: Masks, head: Array, flow: Array) -> tuple[Array, Array]:
    """Least and greatest flow of k sets at k heads and station flows."""
    low, high = np.zeros(len(flow)), np.zeros(len(flow))
    head = np.maximum(head, _LEAST_HEAD)
    for pump, line in enumerate(lines):
        runs = np.flatnonzero(members[:, pump])
        if len(runs):
            found = reach(line, head[runs], flow[runs], _SHARES)
            ends = found.phi[:, [0, -1]] * found.speed[:, [0, -1]]
            low[runs] += ends[:, 0]
            high[runs] += ends[:, 1]
    return low, high


def _trimmed(  # noqa: PLR0917 - the window and what it rests on
    lines: Sequence[Line], members: Masks, base: Array, resistance: float, low: Array, high: Array, sharp: float
) -> Window:
    """The window without the parts in which some pump of the set cannot run."""

    def slack(rows: NDArray[np.intp], flow: Array) -> Array:
        head = np.maximum(base[rows] + resistance * flow**2, _LEAST_HEAD)
        found = np.full(len(rows), np.inf)
        for pump, line in enumerate(lines):
            runs = np.flatnonzero(members[rows, pump])
            if len(runs):
                found[runs] = np.minimum(found[runs], slack_of(line, head[runs], flow[runs], _SHARES))
        return found

    rows = np.arange(len(base))
    ends = np.stack([slack(rows, low), slack(rows, high)])
    able = np.where(high > low, ends.max(axis=0), ends[0])
    cut = np.flatnonzero((ends.min(axis=0) < 0) & (high > low))
    if len(cut):
        shares = np.linspace(0.0, 1.0, _LOOKS)
        looks = np.stack([slack(cut, low[cut] + share * (high - low)[cut]) for share in shares])  # (looks, c)
        best = looks.argmax(axis=0)
        able[cut] = looks.max(axis=0)
        cell, start = (high - low)[cut] / (_LOOKS - 1), low[cut].copy()
        low, high = low.copy(), high.copy()
        for direction, end in ((-1, low), (1, high)):
            kept, broken = _around_end(looks, best, direction)
            end[cut] = start + kept * cell
            ends_here = kept != broken
            bracket = (start + kept * cell)[ends_here], (start + broken * cell)[ends_here]
            end[cut[ends_here]] = _last_kept(partial(slack, cut[ends_here]), *bracket, 100 * sharp)
    return Window(low, high, able)


def _around_end(looks: Array, best: NDArray[np.intp], direction: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """From *best* (c,) on, the last of the *looks* (l, c) that is kept and the one after it that is not, if any."""
    columns, last = np.arange(looks.shape[1]), len(looks) - 1
    kept = best.copy()
    for _ in range(last):
        ahead = np.clip(kept + direction, 0, last)
        kept = np.where((looks[kept, columns] >= 0) & (looks[ahead, columns] >= 0), ahead, kept)
    after = np.clip(kept + direction, 0, last)
    return kept, np.where((looks[kept, columns] >= 0) & (looks[after, columns] < 0), after, kept)


def _last_kept(slack: Callable[[Array], Array], kept: Array, broken: Array, sharply: float) -> Array:
    """Where between *kept* and *broken* the slack ends, on the side that is kept: regula falsi (Illinois)."""
    if not len(kept):
        return kept
    inner, outer = slack(kept), slack(broken)  # halved where the same side moved twice
    sharp, side = inner, np.zeros(len(kept), np.int8)
    for _ in range(_TURNS):
        gap = np.where(inner > outer, inner - outer, 1.0)
        middle = np.where(inner > outer, (broken * inner - kept * outer) / gap, kept)
        here = slack(middle)
        is_kept = here >= 0
        outer = np.where(is_kept, np.where(side == 1, outer / 2, outer), here)
        inner = np.where(is_kept, here, np.where(side == -1, inner / 2, inner))
        sharp = np.where(is_kept, here, sharp)
        kept, broken = np.where(is_kept, middle, kept), np.where(is_kept, broken, middle)
        side = np.where(is_kept, 1, -1).astype(np.int8)
        if ((sharp < sharply) | (np.abs(kept - broken) <= sharply * np.abs(kept))).all():
            break
    return kept
