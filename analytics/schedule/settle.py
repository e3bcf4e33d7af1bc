"""A draft made exact: windows, flows and splits of every step by the pumps' own formulas instead of tables."""

from collections.abc import Sequence

import numpy as np

from analytics.dispatch.lines import Line, table_at
from analytics.dispatch.pump import Array
from analytics.dispatch.roots import rising_root
from analytics.dispatch.sets import Masks
from analytics.schedule.atlas import Atlas
from analytics.schedule.band import banded
from analytics.schedule.plan import Running
from analytics.schedule.problem import Problem
from analytics.schedule.search import Draft
from analytics.schedule.split import shared
from analytics.schedule.windows import Window, windows

_SWEEPS = 8  # two or three are usual
_STILL = 1e-9  # share of the storage by which levels may still move
_NEAR = 0.02  # of a window, and of the room of a set: as near to an end tables are not trusted
_POINTS = 65  # of a line


def settled(
    problem: Problem, lines: Sequence[Line], atlas: Atlas, draft: Draft, *, is_wary: bool = False
) -> list[tuple[Running, ...]]:
    """Who runs at what speed and flow in each step.

    Args:
        problem: The problem.
        lines: Of its pumps.
        atlas: The tables the draft was made from.
        draft: The volumes to be followed; as nearly as the exact windows allow.
        is_wary: Find the exact window of every step, not only of those that the tables see near its ends.
    """
    sets = atlas.sets[draft.sets]
    is_held = sets.any(axis=1) & (is_wary | _near_ends(atlas, draft))
    flows, volumes = _flows(problem, lines, sets, draft, is_held, atlas.is_rigid[draft.sets])
    base = problem.base_head(problem.storage.level(volumes[:-1]))
    head = np.maximum(base + problem.system.resistance * flows**2, 1e-3)
    duties: list[tuple[Running, ...]] = [()] * problem.steps
    for runs in np.unique(sets[sets.any(axis=1)], axis=0):
        members = np.flatnonzero(runs).tolist()
        steps = np.flatnonzero((sets == runs).all(axis=1))
        own = [lines[member] for member in members]
        names = [problem.units[member].id for member in members]
        for step, duty in zip(steps, _split(names, own, head[steps], flows[steps]), strict=True):
            duties[step] = duty
    return duties


def _near_ends(atlas: Atlas, draft: Draft) -> Masks:
    """Steps (T,) whose flow is at an end of its window or so near that tables may be wrong about it."""
    window = atlas.window(draft.sets, draft.volumes[:-1])
    hair = _NEAR * (window.high - window.low)
    is_inside = (draft.flows > window.low + hair) & (draft.flows < window.high - hair) & (window.room > _NEAR)
    return np.asarray(atlas.is_rigid[draft.sets] | ~is_inside)


def _flows(  # noqa: PLR0917 - a draft and what is known of its steps
    problem: Problem, lines: Sequence[Line], sets: Masks, draft: Draft, is_held: Masks, is_rigid: Masks
) -> tuple[Array, Array]:
    """Flows (T,) and volumes (T + 1,): the windows of steps that *is_held* depend on levels, and these on the flows."""
    runs = sets.any(axis=1)
    volumes, flows = draft.volumes, np.zeros(problem.steps)
    low, high = np.where(runs, -np.inf, 0.0), np.where(runs, np.inf, 0.0)
    span = float(problem.storage.volume(np.array(problem.storage.high - problem.storage.low)))
    moved = is_held
    for _ in range(_SWEEPS):
        level = problem.storage.level(volumes[:-1][moved])
        found: Window = windows(lines, sets[moved], problem.base_head(level), problem.system.resistance)
        found = banded(problem, level, found, is_rigid[moved])
        low[moved], high[moved] = found.low, found.high
        before, volumes, flows = volumes, *_followed(problem, draft.volumes, low, high)
        still = np.abs(volumes - before) < _STILL * abs(span)
        if still.all():
            break
        moved = is_held & ~still[:-1]
    return flows, volumes


def _followed(problem: Problem, path: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Volumes and flows along *path* as nearly as flows from *low* to *high* allow."""
    volumes, flows, sign = [float(path[0])], [], problem.storage.sign
    for aim, least, most, demand in zip(
        path[1:].tolist(), low.tolist(), high.tolist(), problem.demand.tolist(), strict=True
    ):
        flow = min(max(demand + sign * (aim - volumes[-1]) / problem.step, least), most)
        flows.append(flow)
        volumes.append(volumes[-1] + sign * (flow - demand) * problem.step)
    return np.array(volumes), np.array(flows)


def _split(names: Sequence[str], lines: Sequence[Line], head: Array, flow: Array) -> list[tuple[Running, ...]]:
    """One set in k steps."""
    lined = table_at(lines, np.arange(float(len(flow))), flow, head, _POINTS)
    flows = shared(lined)  # (n, k)
    phis = np.stack([_phi(line, own, head, at) for line, own, at in zip(lines, flows, lined.phi, strict=True)])
    speeds = np.stack([_speed(line, phi, head) for line, phi in zip(lines, phis, strict=True)])
    own = phis * speeds
    powers = np.stack([line.physics.power(q, s) for line, q, s in zip(lines, own, speeds, strict=True)])
    return [
        tuple(
            Running(name, float(speeds[pump, step]), float(own[pump, step]), float(powers[pump, step]))
            for pump, name in enumerate(names)
        )
        for step in range(len(flow))
    ]


def _phi(line: Line, flow: Array, head: Array, window: Array) -> Array:
    """φ (k,) at which *flow* (k,) passes at *head* (k,), within *window* (k, m)."""
    return rising_root(lambda phi: phi * line.speed_at(phi, head) - flow, window[:, 0], window[:, -1])


def _speed(line: Line, phi: Array, head: Array) -> Array:
    """A hair over the limit is the rounding of a root."""
    return np.asarray(np.clip(line.speed_at(phi, head), line.physics.speed_min, line.physics.speed_max))
