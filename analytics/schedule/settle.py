"""A draft made exact: windows, flows and splits of every step by the pumps' own formulas instead of tables."""

from collections.abc import Sequence

import numpy as np

from analytics.dispatch.lines import Line, table_at
from analytics.dispatch.pump import Array
from analytics.dispatch.roots import rising_root
from analytics.dispatch.sets import Masks
from analytics.schedule.plan import Running
from analytics.schedule.problem import Problem
from analytics.schedule.search import Draft
from analytics.schedule.split import shared
from analytics.schedule.windows import Window, windows

_SWEEPS = 8  # two or three are usual
_STILL = 1e-9  # share of the storage by which levels may still move
_POINTS = 65  # of a line


def settled(problem: Problem, lines: Sequence[Line], sets: Masks, draft: Draft) -> list[tuple[Running, ...]]:
    """Who runs at what speed and flow in each step.

    Args:
        problem: The problem.
        lines: Of its pumps.
        sets: Who runs, (T, n).
        draft: The volumes to be followed; as nearly as the exact windows allow.
    """
    flows, volumes = _flows(problem, lines, sets, draft)
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


def _flows(problem: Problem, lines: Sequence[Line], sets: Masks, draft: Draft) -> tuple[Array, Array]:
    """Flows (T,) and volumes (T + 1,): the windows depend on the levels, and these on the flows."""
    runs = sets.any(axis=1)
    volumes = draft.volumes
    flows = np.zeros(problem.steps)
    span = float(problem.storage.volume(np.array(problem.storage.high - problem.storage.low)))
    for _ in range(_SWEEPS):
        base = problem.base_head(problem.storage.level(volumes[:-1]))
        low, high = np.zeros(problem.steps), np.zeros(problem.steps)
        found: Window = windows(lines, sets[runs], base[runs], problem.system.resistance)
        low[runs], high[runs] = found.low, found.high
        before, volumes, flows = volumes, *_followed(problem, draft.volumes, low, high)
        if np.abs(volumes - before).max() < _STILL * abs(span):
            break
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
