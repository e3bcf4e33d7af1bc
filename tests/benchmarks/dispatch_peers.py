"""What others make of a dispatch: rules, general optimisers, and the piecewise linear programme of the textbooks.

None of them is told the exact solution. pymoo's genetic algorithm takes part where pymoo is installed.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from analytics.dispatch.demand import Demand
from analytics.dispatch.metaheuristics import METHODS, Attempt, Landscape, Method, equal_speed_rule, search
from analytics.dispatch.pump import Array, Candidate

Pumps = tuple[Candidate, ...]
Way = Callable[[Pumps, Demand], Attempt]
PLACES = 7  # of the demand's curve that the programme may choose from
NODES = 7  # of a pump's flows at each of them
_SCAN = 401  # flows that are looked at for the nodes
_SECONDS = 60.0
_POPULATION, _GENERATIONS = 100, 100
NOTHING = Attempt(np.inf, np.inf, ())


def ways() -> dict[str, Way]:
    """Each by its name."""
    found: dict[str, Way] = {"equal-speed lead and lag": equal_speed_rule}
    found |= {f"{method} (ours)": _searched(method) for method in METHODS}
    found["differential evolution (scipy)"] = found.pop("differential evolution (ours)")
    if importlib.util.find_spec("pymoo") is not None:
        found["genetic (pymoo)"] = genetic
    found["piecewise MILP (HiGHS)"] = programme
    return found


def _searched(method: Method) -> Way:
    return lambda pumps, demand: search(Landscape(pumps, demand), method, seed=1)


def genetic(pumps: Pumps, demand: Demand) -> Attempt:
    """By pymoo's own genetic algorithm, with its own operators."""
    single, problems, optimize = (
        importlib.import_module(f"pymoo.{name}") for name in ("algorithms.soo.nonconvex.ga", "core.problem", "optimize")
    )
    landscape = Landscape(pumps, demand)

    class Cube(problems.Problem):  # type: ignore[misc, name-defined]  # pymoo ships no types
        """The landscape as pymoo asks for it."""

        def __init__(self) -> None:
            super().__init__(n_var=landscape.size, n_obj=1, xl=0.0, xu=1.0)

        def _evaluate(self, x: Array, out: dict[str, Any], *_: object, **__: object) -> None:
            out["F"] = landscape.cost(x)

    found = optimize.minimize(Cube(), single.GA(pop_size=_POPULATION), ("n_gen", _GENERATIONS), seed=1, verbose=False)
    return landscape.attempt(np.asarray(found.X, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """What one pump can do at one place of the demand's curve, by rising flow."""

    place: int
    pump: int
    flows: Array  # (n,) m³/h
    powers: Array  # (n,) kW
    speeds: Array  # (n,)


def programme(pumps: Pumps, demand: Demand) -> Attempt:
    """A mixed-integer programme: one place of the demand's curve, and straight lines between each pump's nodes."""
    ats = np.linspace(demand.low, demand.high, PLACES if demand.high > demand.low else 1)
    heads, totals = demand.head(ats), demand.flow(ats)
    nodes = [
        found
        for place, (head, total) in enumerate(zip(heads.tolist(), totals.tolist(), strict=True))
        for one, pump in enumerate(pumps)
        if pump.lock != "must not run" and (found := _nodes(place, one, pump, (head, total))) is not None
    ]
    chosen = _solved(pumps, nodes, totals, -demand.worth(ats)) if nodes else None
    if chosen is None:
        return NOTHING
    place, weights = chosen
    duties: list[tuple[str, float, float]] = []
    cost = -float(demand.worth(ats[place : place + 1])[0])
    for each, share in weights.items():
        pump, own = pumps[nodes[each].pump], nodes[each]
        flow = float(own.flows @ share)
        speed = _speed(pump, flow, float(heads[place]))
        cost += float(pump.physics.power(np.array(flow), np.array(speed))) + pump.entry_kw
        duties.append((pump.id, speed, flow))
    return Attempt(cost, 0.0, tuple(duties))


def _speed(pump: Candidate, flow: float, head: float) -> float:
    """At which it delivers *flow* m³/h at *head* m."""
    flows, speeds = _line(pump, head)
    return float(np.clip(np.interp(flow, flows, speeds), pump.physics.speed_min, pump.physics.speed_max))


def _line(pump: Candidate, head: float) -> tuple[Array, Array]:
    """Flows and speeds at *head* along the falling side, by rising flow."""
    physics = pump.physics
    phi = np.linspace(physics.phi_min, physics.phi_max, _SCAN)
    rated = physics.head(phi)
    falls = np.append(np.diff(rated) < 0, True) & (rated > 0)
    phi, rated = phi[falls], rated[falls]
    speed = np.sqrt(head / rated)
    return phi * speed, speed


def _nodes(place: int, one: int, pump: Candidate, duty: tuple[float, float]) -> _Nodes | None:
    """Of a *pump* at a head, m, and station flow, m³/h; None where it cannot run there."""
    head, total = duty
    physics = pump.physics
    flows, speeds = _line(pump, head)
    if physics.speed_min == physics.speed_max:
        if not len(speeds) or not speeds[0] <= physics.speed_max <= speeds[-1]:
            return None
        speeds, flows = np.array([physics.speed_max]), np.array([np.interp(physics.speed_max, speeds, flows)])
    keeps = (speeds >= physics.speed_min) & (speeds <= physics.speed_max)
    for margin in physics.margins(flows, speeds, np.full_like(flows, total)).values():
        keeps &= margin >= 0
    able = np.flatnonzero(keeps)
    if not len(able):
        return None
    at = able[np.unique(np.linspace(0, len(able) - 1, min(NODES, len(able))).round().astype(int))]
    return _Nodes(place, one, flows[at], physics.power(flows[at], speeds[at]), speeds[at])


def _solved(pumps: Pumps, nodes: list[_Nodes], totals: Array, worths: Array) -> tuple[int, Mapping[int, Array]] | None:
    """The place, and the weights of the nodes of those that run there, by their index in *nodes*.

    Of each group of nodes a weight λ for each, and a binary for each piece between two; of each place a binary.
    """
    rows = _Rows()
    places = rows.columns(worths, binary=True)
    weights, runs = [], []
    for each in nodes:
        weight = rows.columns(each.powers, binary=False)
        run = rows.columns(np.array([pumps[each.pump].entry_kw]), binary=True)[0]
        rows.row({**dict.fromkeys(weight, 1.0), run: -1.0}, 0.0, 0.0)
        rows.row({run: 1.0, places[each.place]: -1.0}, -np.inf, 0.0)
        if len(weight) > 2:
            pieces = rows.columns(np.zeros(len(weight) - 1), binary=True)
            rows.row({**dict.fromkeys(pieces, 1.0), run: -1.0}, 0.0, 0.0)
            for corner, column in enumerate(weight):
                beside = pieces[max(corner - 1, 0) : corner + 1]
                rows.row({column: 1.0, **dict.fromkeys(beside, -1.0)}, -np.inf, 0.0)
        weights.append(weight)
        runs.append(run)
    rows.row(dict.fromkeys(places, 1.0), 1.0, 1.0)
    for place, total in enumerate(totals.tolist()):
        own = [index for index, each in enumerate(nodes) if each.place == place]
        flows = {
            column: float(flow)
            for index in own
            for column, flow in zip(weights[index], nodes[index].flows, strict=True)
        }
        rows.row({**flows, places[place]: -total}, 0.0, 0.0)
        for one, pump in enumerate(pumps):
            if pump.lock == "must run":
                mine = [runs[index] for index in own if nodes[index].pump == one]
                rows.row({**dict.fromkeys(mine, 1.0), places[place]: -1.0}, 0.0, np.inf)
    found = rows.solved()
    if found is None:
        return None
    place = int(np.argmax(found[places]))
    return place, {index: found[weights[index]] for index in range(len(nodes)) if found[runs[index]] > 0.5}


class _Rows:
    """A programme, built column by column and row by row."""

    def __init__(self) -> None:
        self._cost: list[float] = []
        self._binary: list[bool] = []
        self._entries: list[tuple[int, int, float]] = []
        self._bounds: list[tuple[float, float]] = []

    def columns(self, cost: Array, *, binary: bool) -> list[int]:
        """New ones, each from 0 to 1."""
        first = len(self._cost)
        self._cost += cost.tolist()
        self._binary += [binary] * len(cost)
        return list(range(first, len(self._cost)))

    def row(self, terms: Mapping[int, float], low: float, high: float) -> None:
        """The sum of *terms* lies between *low* and *high*."""
        self._entries += [(len(self._bounds), column, value) for column, value in terms.items()]
        self._bounds.append((low, high))

    def solved(self) -> Array | None:
        """The columns' values; None where there is no solution."""
        rows, columns, values = zip(*self._entries, strict=True)
        matrix = coo_array((values, (rows, columns)), shape=(len(self._bounds), len(self._cost)))
        low, high = np.array(self._bounds).T
        found = milp(
            np.array(self._cost),
            constraints=LinearConstraint(matrix.tocsc(), low, high),
            integrality=np.array(self._binary, np.int64),
            bounds=Bounds(0.0, 1.0),
            options={"time_limit": _SECONDS, "mip_rel_gap": 1e-6},
        )
        return None if found.x is None else np.asarray(found.x, np.float64)
