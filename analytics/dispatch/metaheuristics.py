"""General optimisers on the same station, for comparison and for objectives of one's own: they find, and prove nothing.

A vector in the unit cube says who runs, how fast each runs relative to the others, and where on the demand's curve;
all speeds together are then turned up or down until the flow is the one asked for. What is left over of a limit is a
penalty, so that any optimiser that minimises can be used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, differential_evolution

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.lines import Line
from analytics.dispatch.nsga import Judged, nsga2
from analytics.dispatch.pump import Array, Candidate

Method = Literal["differential evolution", "genetic", "particle swarm", "NSGA-II"]
METHODS: tuple[Method, ...] = ("differential evolution", "genetic", "particle swarm", "NSGA-II")
KEPT = 1e-6  # share of a limit by which it may be missed
_PENALTY = 20.0  # times the power scale, for a limit missed wholly
_BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a method has found."""

    cost: float  # kW, as `Dispatch.cost`
    violation: float  # share by which the worst limit is missed
    duties: tuple[tuple[str, float, float], ...]  # id, speed, flow m³/h


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """k ways to run n pumps, as an objective of one's own sees them."""

    ids: tuple[str, ...]  # of the n pumps
    runs: NDArray[np.bool_]  # (k, n)
    speeds: Array  # (k, n) relative
    flows: Array  # (k, n) m³/h, 0 where a pump stands
    powers: Array  # (k, n) kW, the same


Objective = Callable[[Ways], Array]
"""What is to be small besides the cost, kW, shape (k,), nowhere below 0: the exact bound then holds for it too."""


def even_load(ways: Ways) -> Array:
    """Uneven loads at their power: Σ P times the spread (standard deviation over mean) of φ among those that run.

    No sum over pumps, so that the exact solver cannot be asked for it.
    """
    phi = np.where(ways.runs, ways.flows / ways.speeds, np.nan)
    some = ways.runs.any(axis=1)
    spread = np.zeros(len(phi))
    spread[some] = np.nanstd(phi[some], axis=1) / np.maximum(np.nanmean(phi[some], axis=1), 1e-9)
    return np.asarray(ways.powers.sum(axis=1) * spread)


class Landscape:
    """Cost of vectors (n + n + 1) in the unit cube, many at once.

    Args:
        candidates: The pumps.
        demand: Flow and head to serve.
        beside: An objective of one's own, added to the cost.
    """

    def __init__(self, candidates: Sequence[Candidate], demand: Demand, beside: Objective | None = None) -> None:
        self._candidates, self._demand, self._beside = candidates, demand, beside
        self._ids = tuple(each.id for each in candidates)
        self._lines = [Line(each.physics) for each in candidates]
        self._slow = np.array([each.physics.speed_min for each in candidates])
        self._fast = np.array([each.physics.speed_max for each in candidates])
        self._scale = sum(
            float(each.physics.power(np.array(line.phi_max), np.array(1.0)))
            for each, line in zip(candidates, self._lines, strict=True)
        )

    @property
    def size(self) -> int:
        """Of a vector."""
        return 2 * len(self._candidates) + 1

    def cost(self, vectors: Array) -> Array:
        """Cost plus penalties of *vectors* (k, size), kW, shape (k,)."""
        power, violation, _, _ = self._operated(vectors)
        return np.asarray(power + _PENALTY * self._scale * violation)

    def judged(self, vectors: Array) -> Judged:
        """Energy, kW, starts, and head away from the preferred one, m, of *vectors* (k, size)."""
        cost, violation, _, _ = self._operated(vectors)
        runs, at = self._runs(vectors), self._at(vectors)
        entry = runs @ np.array([each.entry_kw for each in self._candidates])
        starts = runs @ np.array([not each.running for each in self._candidates], np.float64)
        away = self._demand.away(at)
        return Judged(np.stack([cost - entry + self._demand.worth(at), starts, away], axis=1), _missed(violation))

    def attempt(self, vector: Array) -> Attempt:
        """What a vector means."""
        power, violation, speeds, flows = self._operated(vector[None])
        runs = self._runs(vector[None])[0]
        duties = tuple(
            (each.id, float(speed), float(flow))
            for each, is_on, speed, flow in zip(self._candidates, runs, speeds[0], flows[0], strict=True)
            if is_on
        )
        return Attempt(float(power[0]), float(violation[0]), duties)

    def vector(self, dispatch: Dispatch) -> Array:
        """A solution as a vector, so that a search can begin with it."""
        found = np.zeros(self.size)
        count, speeds = len(self._candidates), {duty.id: duty.speed for duty in dispatch.duties}
        for place, each in enumerate(self._candidates):
            if each.id in speeds:
                span = self._fast[place] - self._slow[place]
                found[place] = 1.0
                found[count + place] = (speeds[each.id] - self._slow[place]) / span if span > 0 else 1.0
        span = self._demand.high - self._demand.low
        at = dispatch.head if self._demand.head(np.array([self._demand.low]))[0] == self._demand.low else dispatch.flow
        found[-1] = (at - self._demand.low) / span if span > 0 else 0.0
        return np.clip(found, 0.0, 1.0)

    def _runs(self, vectors: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        runs = vectors[:, : len(self._candidates)] >= 0.5  # noqa: PLR2004 - the middle of the cube
        for place, each in enumerate(self._candidates):
            if each.lock != "free":
                runs[:, place] = each.lock == "must run"
        return runs

    def _at(self, vectors: Array) -> Array:
        """Places (k,) on the demand's curve."""
        return np.asarray(self._demand.low + vectors[:, -1] * (self._demand.high - self._demand.low))

    def _operated(self, vectors: Array) -> tuple[Array, Array, Array, Array]:
        """Cost, violation (k,), speeds and flows (k, n)."""
        runs, count = self._runs(vectors), len(self._candidates)
        wanted = self._slow + vectors[:, count:-1] * (self._fast - self._slow)
        at = self._at(vectors)
        head, asked = self._demand.head(at), self._demand.flow(at)
        low, high = np.full(len(vectors), 0.3), np.full(len(vectors), 2.0)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            flows = self._flows(np.clip(middle[:, None] * wanted, self._slow, self._fast), head) * runs
            is_less = flows.sum(axis=1) < asked
            low, high = np.where(is_less, middle, low), np.where(is_less, high, middle)
        speeds = np.clip(middle[:, None] * wanted, self._slow, self._fast)
        flows = self._flows(speeds, head) * runs
        total = flows.sum(axis=1)
        violation = np.abs(total - asked) / asked
        cost, powers = -self._demand.worth(at), np.zeros_like(flows)
        for place, (each, line) in enumerate(zip(self._candidates, self._lines, strict=True)):
            own, speed, is_on = np.maximum(flows[:, place], 1e-9), speeds[:, place], runs[:, place]
            off = np.abs(line.physics.head(own / speed) * speed**2 / head - 1)
            margins = [-margin for margin in each.physics.margins(own, speed, total).values()]
            worst = np.maximum.reduce([off, *margins])
            violation = np.maximum(violation, np.where(is_on, worst, 0.0))
            powers[:, place] = np.where(is_on, each.physics.power(own, speed), 0.0)
            cost = cost + powers[:, place] + np.where(is_on, each.entry_kw, 0.0)
        if self._beside is not None:
            cost = cost + self._beside(Ways(self._ids, runs, speeds, flows, powers))
        return cost, violation, speeds, flows

    def _flows(self, speeds: Array, head: Array) -> Array:
        rows = zip(self._lines, speeds.T, strict=True)
        return np.stack([line.phi_at(head / speed**2) * speed for line, speed in rows], axis=1)


def _missed(violation: Array) -> Array:
    """Nothing where a limit is kept to a millionth."""
    return np.where(violation > KEPT, violation, 0.0)


def search(
    landscape: Landscape, method: Method, *, seed: int, start: Array | None = None, evaluations: int = 3000
) -> Attempt:
    """The best vector that *method* finds.

    Args:
        landscape: What is searched.
        method: How.
        seed: Of its dice.
        start: A vector to begin with; what is worse than it is never answered.
        evaluations: How many vectors it may try, about.
    """
    rng = np.random.default_rng(seed)
    count = 10 * landscape.size
    population = rng.random((count, landscape.size))
    if start is not None:
        population[0] = start
    match method:
        case "differential evolution":
            found = _differential(landscape.cost, population, seed, evaluations)
        case "genetic":
            found = _genetic(landscape.cost, population, rng, evaluations)
        case "particle swarm":
            found = _swarm(landscape.cost, population, rng, evaluations)
        case "NSGA-II":
            vectors, _ = nsga2(landscape.judged, population, rng, max(1, evaluations // count))
            found = vectors[landscape.cost(vectors).argmin()]
    if start is not None and landscape.cost(start[None])[0] <= landscape.cost(found[None])[0]:
        found = start
    return landscape.attempt(found)


def _differential(cost: Callable[[Array], Array], population: Array, seed: int, evaluations: int) -> Array:
    size = population.shape[1]
    found = differential_evolution(
        lambda vectors: cost(np.asarray(vectors).T),  # type: ignore[arg-type, misc]  # many at once
        Bounds(np.zeros(size), np.ones(size)),
        init=population,
        maxiter=max(1, evaluations // len(population)),
        rng=np.random.default_rng(seed),
        vectorized=True,
        updating="deferred",
        polish=False,
        tol=1e-8,
    )
    return np.asarray(found.x)


def _genetic(cost: Callable[[Array], Array], population: Array, rng: np.random.Generator, evaluations: int) -> Array:
    """Tournaments of two, blend crossover (Eshelman and Schaffer, 1993), Gaussian mutation, the best one kept."""
    costs = cost(population)
    count, size = population.shape
    for generation in range(max(1, evaluations // count)):
        pairs = rng.integers(count, size=(2, count, 2))
        parents = [population[np.where(costs[p[:, 0]] < costs[p[:, 1]], p[:, 0], p[:, 1])] for p in pairs]
        blend = rng.uniform(-0.25, 1.25, (count, size))
        children = parents[0] + blend * (parents[1] - parents[0])
        spread = 0.2 * 0.97**generation
        children += (rng.random((count, size)) < 1.5 / size) * rng.normal(0.0, spread, (count, size))
        children = np.clip(children, 0.0, 1.0)
        best = population[costs.argmin()]
        population, costs = children, cost(children)
        worst = int(costs.argmax())
        population[worst] = best
        costs[worst] = cost(best[None])[0]
    return np.asarray(population[costs.argmin()])


def _swarm(cost: Callable[[Array], Array], population: Array, rng: np.random.Generator, evaluations: int) -> Array:
    """Global-best swarm with constriction (Clerc and Kennedy, 2002)."""
    speed = np.zeros_like(population)
    own, own_cost = population.copy(), cost(population)
    for _ in range(max(1, evaluations // len(population))):
        best = own[own_cost.argmin()]
        pulls = rng.random((2, *population.shape))
        speed = 0.7298 * (speed + 2.05 * pulls[0] * (own - population) + 2.05 * pulls[1] * (best - population))
        population = np.clip(population + speed, 0.0, 1.0)
        costs = cost(population)
        is_better = costs < own_cost
        own[is_better], own_cost[is_better] = population[is_better], costs[is_better]
    return np.asarray(own[own_cost.argmin()])


def equal_speed_rule(candidates: Sequence[Candidate], demand: Demand) -> Attempt:
    """What controllers do: pumps in their order, at one common speed, one more when that is at its top."""
    landscape = Landscape(candidates, demand)
    count, best = len(candidates), None
    for running in range(1, count + 1):
        vector = np.ones(landscape.size)
        vector[running:count] = 0.0
        vector[-1] = 0.0
        attempt = landscape.attempt(vector)
        if best is None or attempt.violation < best.violation:
            best = attempt
        if attempt.violation <= KEPT:
            break
    assert best is not None  # noqa: S101 - there is at least one pump
    return best
