"""The trade-off of energy, starts and pressure: what no other way beats in all three, and which is proposed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.metaheuristics import KEPT, Landscape
from analytics.dispatch.nsga import Judged, nondominated, nsga2
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.solve import solve

Aim = Literal["preferred", "present"]

_START_PRICES = (0.0, 0.01, 0.05, 10.0)  # kW of a start, as shares of the least power
_HEAD_PRICES = (0.0, 0.3, 0.7, 1.0, 1.4, 2.0, 4.0, 100.0)  # kW per m, in units of the least power over its head
_GENERATIONS, _POPULATION = 40, 60
_LOOKED_AT = 20  # of what NSGA-II finds, settled exactly
_SAME = 1e-4  # share of an objective's range below which two points are one
_FINEST = (0.01, 1.0, 0.01)  # kW, starts, m: the same, whatever the range, as they are shown no finer


@dataclass(frozen=True, slots=True)
class Point:
    """A way that keeps every limit."""

    dispatch: Dispatch
    starts: int
    away: float  # m, from the preferred head

    @property
    def objectives(self) -> tuple[float, float, float]:
        """Energy, kW, starts, and metres."""
        return self.dispatch.power, float(self.starts), self.away


@dataclass(frozen=True, slots=True)
class Front:
    """Points none of which is beaten by another in everything, the least energy first."""

    points: tuple[Point, ...]
    knee: int
    why: str  # a sentence: why that one is proposed


def front(candidates: Sequence[Candidate], demand: HeadBand, seed: int, aim: Aim = "preferred") -> Front | Infeasible:
    """What energy costs in starts and pressure, and the other way round.

    The exact solver is asked at many prices of a start and of a metre of head; that finds the convex part of the front.
    NSGA-II, seeded with those, finds sets and heads between them, of which each is then solved exactly.

    Args:
        candidates: The pumps; what their start costs is not asked.
        demand: The flow, the band of heads, and the preferred one.
        seed: Of the dice.
        aim: What the preferred head is.
    """
    free = [replace(each, start_kw=0.0, running_kw=0.0) for each in candidates]
    demand = replace(demand, deviation_kw=0.0)
    least = solve(free, demand)
    if isinstance(least, Infeasible):
        return least
    exact = _points(free, demand, _swept(free, demand, least))
    points = _kept([*exact, *_points(free, demand, _between(free, demand, exact, seed))])
    knee = _knee(points)
    return Front(tuple(points), knee, _why(points, knee, aim))


def _points(candidates: Sequence[Candidate], demand: HeadBand, dispatches: Iterable[Dispatch]) -> list[Point]:
    """Those of *dispatches* that keep every limit."""
    running = {each.id for each in candidates if each.running}
    return [
        Point(found, sum(duty.id not in running for duty in found.duties), float(demand.away(np.array(found.head))))
        for found in dispatches
        if missed(candidates, demand, found) <= KEPT
    ]


def missed(candidates: Sequence[Candidate], demand: HeadBand, found: Dispatch) -> float:
    """The largest share by which *found* misses the demand or breaks a limit, by the pumps' own formulas alone."""
    flow, running = sum(duty.flow for duty in found.duties), {duty.id: duty for duty in found.duties}
    worst = [abs(flow / demand.total - 1), demand.low / found.head - 1, found.head / demand.high - 1]
    for each in candidates:
        duty, pump = running.get(each.id), each.physics
        worst.append(float(each.lock == ("must run" if duty is None else "must not run")))
        if duty is None:
            continue
        phi = duty.flow / duty.speed
        worst += [abs(duty.speed**2 * float(pump.head(np.array(phi))) / found.head - 1)]
        worst += [pump.phi_min / phi - 1, phi / pump.phi_max - 1]
        worst += [pump.speed_min - duty.speed, duty.speed - pump.speed_max]
        margins = pump.margins(np.array(duty.flow), np.array(duty.speed), np.array(flow))
        worst += [-float(margin) for margin in margins.values()]
    return max(worst)


def _swept(candidates: Sequence[Candidate], demand: HeadBand, least: Dispatch) -> Iterator[Dispatch]:
    for start in _START_PRICES:
        priced = [replace(each, start_kw=start * least.power) for each in candidates]
        for price in _HEAD_PRICES if demand.high > demand.low and demand.preferred is not None else (0.0,):
            found = solve(priced, replace(demand, deviation_kw=price * least.power / least.head))
            if isinstance(found, Dispatch):
                yield found


def _between(
    candidates: Sequence[Candidate], demand: HeadBand, exact: Sequence[Point], seed: int
) -> Iterator[Dispatch]:
    """What NSGA-II finds: each its set and head, solved exactly."""
    landscape, rng = Landscape(candidates, demand), np.random.default_rng(seed)
    population = rng.random((_POPULATION, landscape.size))
    seeds = [landscape.vector(point.dispatch) for point in exact][:_POPULATION]
    population[: len(seeds)] = seeds
    vectors, judged = nsga2(landscape.judged, population, rng, _GENERATIONS)
    good = np.flatnonzero(nondominated(judged) & (judged.violation <= KEPT))
    for index in good[np.linspace(0, len(good) - 1, min(_LOOKED_AT, len(good))).astype(np.intp)].tolist():
        runs = {name for name, _, _ in landscape.attempt(vectors[index]).duties}
        head = float(demand.low + vectors[index, -1] * (demand.high - demand.low))
        only = [replace(each, lock="must run" if each.id in runs else "must not run") for each in candidates]
        found = solve(only, replace(demand, low=head, high=head))
        if isinstance(found, Dispatch):
            yield found


def _kept(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats, of equal ones the first, by rising energy."""
    values = np.array([point.objectives for point in points])
    span = np.ptp(values, axis=0)
    scaled = np.round(values / np.maximum(_SAME * span, _FINEST))
    first = np.unique(scaled, axis=0, return_index=True)[1]
    good = first[nondominated(Judged(scaled[first], np.zeros(len(first))))]
    return sorted((points[index] for index in good.tolist()), key=lambda point: point.objectives)


def _knee(points: Sequence[Point]) -> int:
    """The nearest to the best of every objective, each in shares of its range (Zeleny, 1973)."""
    return int((_shares(points) ** 2).sum(axis=1).argmin())


def _shares(points: Sequence[Point]) -> Array:
    values = np.array([point.objectives for point in points])
    span = np.ptp(values, axis=0)
    return np.asarray((values - values.min(axis=0)) / np.where(span > 0, span, 1.0))


def _why(points: Sequence[Point], knee: int, aim: Aim) -> str:
    chosen = points[knee]
    if len(points) == 1:
        return "Nothing is to be traded: this way is the best in energy, starts and pressure."
    least = points[0].dispatch.power
    more = chosen.dispatch.power - least
    fewest, nearest = (min(getattr(point, name) for point in points) for name in ("starts", "away"))
    starts = f"{chosen.starts} start{'' if chosen.starts == 1 else 's'} where {fewest} would be the fewest"
    away = f"{chosen.away:.2f} m from the {aim} head where {nearest:.2f} m would be the nearest"
    is_traded = any(point.away > 0.0 for point in points)
    return (
        f"Of {len(points)} ways that no other beats it is nearest to the best of everything: {more:.1f} kW "
        f"({more / least:.1%}) above the least energy, {f'{starts}, and {away}' if is_traded else f'and {starts}'}."
    )
