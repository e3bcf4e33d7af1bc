"""A slow reference: every set, a fine grid of heads and flows, a dynamic programme, and a general-purpose polish.

It shares no code with the solver. Windows of φ come from a scan, splits from handing out the flow in equal steps,
the polish from sequential quadratic programming on speeds and flows.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import Bounds, NonlinearConstraint, minimize

from analytics.dispatch.demand import Demand
from analytics.dispatch.pump import Array, Candidate

_PLACES, _SCAN, _STEPS = 41, 1201, 100


@dataclass(frozen=True, slots=True)
class Found:
    """What a set can do."""

    members: tuple[Candidate, ...]
    cost: float
    place: float
    phis: Array


def cheapest(candidates: tuple[Candidate, ...], demand: Demand) -> float | None:
    """The least cost, kW, or None where nothing is feasible."""
    found = [one for members in _sets(candidates) if (one := _best_of_grid(members, demand)) is not None]
    least = min((one.cost for one in found), default=np.inf)
    cost = min((_polished(one, demand) for one in found if one.cost < least + 0.03 * abs(least) + 1), default=np.inf)
    return cost if np.isfinite(cost) else None


def _sets(candidates: tuple[Candidate, ...]) -> list[tuple[Candidate, ...]]:
    choices = {"free": (False, True), "must run": (True,), "must not run": (False,)}
    picks = product(*(choices[candidate.lock] for candidate in candidates))
    sets = [tuple(one for one, runs in zip(candidates, pick, strict=True) if runs) for pick in picks]
    return [members for members in sets if members]


def _windows(pump: Candidate, demand: Demand, places: Array) -> tuple[Array, Array]:
    """Least and greatest φ at each place, NaN where the pump cannot run."""
    physics = pump.physics
    phi = np.linspace(physics.phi_min, physics.phi_max, _SCAN)[None, :]
    head, flow = demand.head(places)[:, None], demand.flow(places)[:, None]
    if not _is_variable(pump):
        root = _fixed_phi(pump, demand.head(places))
        margins = physics.margins(root, np.ones_like(root), demand.flow(places)).values()
        kept = np.all([margin >= 0 for margin in margins], axis=0)
        return np.where(kept, root, np.nan), np.where(kept, root, np.nan)
    speed = np.sqrt(head / physics.head(phi))
    kept = (speed >= physics.speed_min) & (speed <= physics.speed_max)
    for margin in physics.margins(phi * speed, speed, np.broadcast_to(flow, speed.shape)).values():
        kept &= margin >= 0
    low = np.where(kept.any(axis=1), phi[0, kept.argmax(axis=1)], np.nan)
    high = np.where(kept.any(axis=1), phi[0, _SCAN - 1 - kept[:, ::-1].argmax(axis=1)], np.nan)
    return low, high


def _is_variable(pump: Candidate) -> bool:
    return pump.physics.speed_min < pump.physics.speed_max


def _fixed_phi(pump: Candidate, head: Array) -> Array:
    low, high = np.full_like(head, pump.physics.phi_min), np.full_like(head, pump.physics.phi_max)
    reachable = (pump.physics.head(low) >= head) & (pump.physics.head(high) <= head)
    for _ in range(60):
        middle = (low + high) / 2
        above = pump.physics.head(middle) > head
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(reachable, middle, np.nan)


def _best_of_grid(members: tuple[Candidate, ...], demand: Demand) -> Found | None:
    places = np.linspace(demand.low, demand.high, _PLACES)
    places = np.unique(np.concatenate([places, demand.bends, _ends(members, demand)]))
    windows = [_windows(pump, demand, places) for pump in members]
    head, total = demand.head(places), demand.flow(places)
    low, high = (np.array([_flow(p, w[end], head) for p, w in zip(members, windows, strict=True)]) for end in (0, 1))
    hair = 1e-8 * total if np.allclose(low, high, equal_nan=True) else 1e-3 * total  # ends come from a scan
    kept = (low.sum(axis=0) <= total + hair) & (high.sum(axis=0) >= total - hair)
    if not kept.any():
        return None
    best: Found | None = None
    for index in np.flatnonzero(kept):
        phis = [np.linspace(w[0][index], w[1][index], 400) for w in windows]
        cost, chosen = _handed_out(members, phis, float(head[index]), float(total[index]))
        cost += sum(_entry(p) for p in members) - float(demand.worth(places[index : index + 1])[0])
        if best is None or cost < best.cost:
            best = Found(members, cost, float(places[index]), chosen)
    return best


def _entry(pump: Candidate) -> float:
    """What having it on costs besides energy, kW."""
    return pump.running_kw + (0.0 if pump.running else pump.start_kw)


def _flow(pump: Candidate, phi: Array, head: Array) -> Array:
    flow: Array = phi * np.sqrt(head / pump.physics.head(phi))
    return flow


def _ends(members: tuple[Candidate, ...], demand: Demand) -> list[float]:
    """Where the least or the greatest flow of the set equals the demand's, by bisection."""

    def excess(place: float, end: int) -> float:
        at = np.array([place])
        phis = [_windows(p, demand, at)[end] if _is_variable(p) else _fixed_phi(p, demand.head(at)) for p in members]
        flows = [_flow(pump, phi, demand.head(at))[0] for pump, phi in zip(members, phis, strict=True)]
        return float(sum(flows) - demand.flow(at)[0])

    ends = []
    grid = np.linspace(demand.low, demand.high, _PLACES)
    for end in (0, 1):
        values = [excess(place, end) for place in grid]
        for left, right, before, after in zip(grid, grid[1:], values, values[1:], strict=False):
            if before * after < 0:
                a, b = left, right
                for _ in range(50):
                    a, b = ((a + b) / 2, b) if excess((a + b) / 2, end) * before > 0 else (a, (a + b) / 2)
                ends.append((a + b) / 2)
    return ends


def _handed_out(members: tuple[Candidate, ...], phis: list[Array], head: float, total: float) -> tuple[float, Array]:
    """Power and φ of each pump when the flow above the least is handed out in equal steps."""
    speeds = [np.sqrt(head / p.physics.head(phi)) for p, phi in zip(members, phis, strict=True)]
    flows = [phi * speed for phi, speed in zip(phis, speeds, strict=True)]
    powers = [p.physics.power(q, s) for p, q, s in zip(members, flows, speeds, strict=True)]
    spare = total - sum(float(q[0]) for q in flows)
    grid = np.linspace(0, spare if spare > 1e-7 * total else 0.0, _STEPS + 1)
    least = np.where(np.arange(_STEPS + 1) == 0, 0.0, np.inf)
    taken = []
    shift = np.arange(_STEPS + 1)[:, None] - np.arange(_STEPS + 1)
    for flow, power in zip(flows, powers, strict=True):
        own = np.interp(flow[0] + grid, flow, power)
        own[grid > flow[-1] - flow[0] + grid[1]] = np.inf
        table = np.where(shift >= 0, least[shift], np.inf) + own
        taken.append(table.argmin(axis=1))
        least = table.min(axis=1)
    left, chosen = _STEPS, np.empty(len(members))
    for index in reversed(range(len(members))):
        step = taken[index][left]
        chosen[index] = np.interp(flows[index][0] + grid[step], flows[index], phis[index])
        left -= step
    return float(least[_STEPS]), chosen


@dataclass(frozen=True, slots=True)
class _Programme:
    """The set's problem in φ, speeds and the place of the demand, scaled to one at its start."""

    pumps: tuple[Candidate, ...]
    demand: Demand
    size: Array
    scale: float

    def parts(self, x: Array) -> tuple[Array, Array, Array]:
        """φ, speeds and the place."""
        count = len(self.pumps)
        full: Array = x * self.size
        return full[:count], full[count:-1], full[-1:]

    def cost(self, x: Array) -> float:
        """Scaled."""
        phi, speed, place = self.parts(x)
        power = sum(float(p.physics.power(f * s, s)) for p, f, s in zip(self.pumps, phi, speed, strict=True))
        entry = sum(_entry(p) for p in self.pumps)
        return (power + entry - float(self.demand.worth(place)[0])) / self.scale

    def balance(self, x: Array) -> Array:
        """Zero where every head and the flow are the demand's."""
        phi, speed, place = self.parts(x)
        head, flow = self.demand.head(place)[0], self.demand.flow(place)[0]
        heads = [float(p.physics.head(f)) * s**2 / head - 1 for p, f, s in zip(self.pumps, phi, speed, strict=True)]
        return np.array([*heads, float(phi @ speed) / flow - 1])

    def margins(self, x: Array) -> Array:
        """All at least zero."""
        phi, speed, place = self.parts(x)
        flow = np.asarray(self.demand.flow(place)[0])
        each = [p.physics.margins(f * s, s, flow).values() for p, f, s in zip(self.pumps, phi, speed, strict=True)]
        return np.array([margin for margins in each for margin in margins])

    def bounds(self) -> Bounds:
        """Of x."""
        pairs = [(p.physics.phi_min, p.physics.phi_max) for p in self.pumps]
        pairs += [(p.physics.speed_min, p.physics.speed_max) for p in self.pumps]
        low, high = np.array([*pairs, (self.demand.low, self.demand.high)]).T
        return Bounds(low / self.size, high / self.size)


def _polished(found: Found, demand: Demand) -> float:
    """The cost after sequential quadratic programming over every φ and speed and the place."""
    head = demand.head(np.array([found.place]))[0]
    heads = [float(pump.physics.head(phi)) for pump, phi in zip(found.members, found.phis, strict=True)]
    start = np.concatenate([found.phis, np.sqrt(head / np.array(heads)), [found.place]])
    scale = abs(
        found.cost + float(demand.worth(np.array([found.place]))[0])
    )  # of the power: water may be worth as much
    problem = _Programme(found.members, demand, start, scale)
    result = minimize(
        problem.cost,
        np.ones_like(start),
        method="SLSQP",
        bounds=problem.bounds(),
        constraints=[NonlinearConstraint(problem.balance, 0, 0), NonlinearConstraint(problem.margins, 0, np.inf)],
        options={"ftol": 1e-12, "maxiter": 200},
    )
    is_kept = np.abs(problem.balance(result.x)).max() < 1e-7 and problem.margins(result.x).min() > -1e-7
    return float(result.fun) * problem.scale if is_kept else np.inf
