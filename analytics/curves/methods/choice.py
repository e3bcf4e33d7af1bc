"""Which method to believe: by what it misses in flow ranges it has not seen, and whether a pump can have its curve."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.curves.methods.denoised import denoised
from analytics.curves.methods.duty import CurveMethod, DutyPoints
from analytics.curves.methods.ensemble import Ensemble
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.physics import Physics, judged_flows, physics
from analytics.curves.missed import Errors, errors
from analytics.hydraulics import Floats

RANGES = 4  # of the flow, of equally many readings, each left out in turn
BINS = 3  # of a range, in which readings are averaged before they are compared: noise is no error of a method
LEAST_POINTS = 40
TIE = 1.25  # times the least error: as good, and then whoever stands first in the candidates is taken
TIE_FLOOR, OF_POINTS = 0.1, 400  # % that no test on so many readings tells apart; with the root of fewer more
OUTERMOST = 0.01  # share of the points at either end that does not widen the range
MEMBERS = 3  # best of which the ensemble is made
FLATTENED = 0.04  # share by which the flow meter's noise flattens a slope that is not corrected for it, at most
Candidates = Mapping[str, Callable[[], CurveMethod]]


@dataclass(frozen=True, slots=True)
class Trial:
    """How a method did on flow ranges that were left out of its readings.

    Attributes:
        name: Of the method.
        error: What it misses, %: root mean square over the ranges' bins of the median relative error, of head and of
            power together (half the sum of squares); infinite where it has no value for one of them.
        head: At every reading left out, m; its noise and outliers are in it.
        power: Likewise where it was measured, kW; NaN where never.
        physics: Of the curve learnt from all readings.
        is_flattened: It follows the noise of a flow meter that has seen little else: ranges that the same meter tells
            cannot show it.
    """

    name: str
    error: float
    head: Errors
    power: Errors
    physics: Physics
    is_flattened: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether its curve may be believed at all."""
        return not self.physics.is_vetoed and not self.is_flattened and bool(np.isfinite(self.error))


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The method chosen, which has learnt from all points.

    Attributes:
        method: It.
        trials: Of every candidate, the least error first.
        reason: Why it won, one sentence.
        flow_range: Least and greatest flow at rated speed that it has learnt from, m³/h, less the outermost hundredths.
        advising: The best of those that keep running sums, for advice to rest on: the others know no pumps, and follow
            the noise of a flow meter. None where all of them are vetoed.
    """

    method: CurveMethod
    trials: tuple[Trial, ...]
    reason: str
    flow_range: tuple[float, float]
    advising: IncrementalCurve | None

    @property
    def trial(self) -> Trial:
        """That of the method chosen."""
        return next(each for each in self.trials if each.name == self.method.name)


def choose(points: DutyPoints, candidates: Candidates, learnt: Mapping[str, CurveMethod] | None = None) -> Choice:
    """The candidate to believe for *points*, a bounded number of them; cost is that of five fits of each.

    Those that have *learnt* already, of which the points are a sample, are taken as they are.

    Rows left out at random have neighbours in the data, so any smooth curve does well on them, whatever it does where
    nothing was measured; so whole ranges of flow are left out. A curve no pump can have is vetoed. Of those that are
    then as good as the best, the first in *candidates* is taken: they stand in the order of what they know of pumps. An
    ensemble of the best three that are not vetoed takes part.

    Raises:
        ValueError: Too few points to leave ranges out.
    """
    if len(points) < LEAST_POINTS:
        raise ValueError(f"{len(points)} points are too few to leave ranges of flow out; {LEAST_POINTS} are needed")
    ready = learnt or {}
    methods = {name: ready[name] if name in ready else _learnt(make, points) for name, make in candidates.items()}
    flows = _flow_range(methods.values(), points)
    ranges = np.array_split(np.argsort(points.flow / points.speed, kind="stable"), RANGES)
    noise = next((each.flow_noise for each in methods.values() if isinstance(each, IncrementalCurve)), 0.0)
    asked = points.speed * denoised(points.flow / points.speed, noise)
    left_out = {name: _left_out(make, points, asked, ranges) for name, make in candidates.items()}
    trials = [_trial(name, points, ranges, left_out[name], (methods[name], flows)) for name in candidates]
    if _flattening(points, noise) > FLATTENED:
        trials = [replace(each, is_flattened=not isinstance(methods[each.name], IncrementalCurve)) for each in trials]
    floor = TIE_FLOOR * max(np.sqrt(OF_POINTS / len(points)), 1.0)
    advising = _advising(methods, trials, floor)
    best = sorted((each for each in trials if each.is_sound), key=lambda each: each.error)[:MEMBERS]
    if len(best) > 1:
        weights = [1.0 / max(each.error, TIE_FLOOR) ** 2 for each in best]
        together = Ensemble([methods[each.name] for each in best], weights)
        mixed = sum(w * left_out[each.name] for w, each in zip(np.array(weights) / sum(weights), best, strict=True))
        methods[together.name] = together
        trials.append(_trial(together.name, points, ranges, np.asarray(mixed), (together, flows)))
    winner = _winner(trials, floor)
    trials.sort(key=lambda each: each.error)
    return Choice(methods[winner.name], tuple(trials), _reason(winner, trials), flows, advising)


def _advising(methods: Mapping[str, CurveMethod], trials: Sequence[Trial], floor: float) -> IncrementalCurve | None:
    """Of the methods that keep running sums the one that wins among them; None where all are vetoed."""
    summed = {name: each for name, each in methods.items() if isinstance(each, IncrementalCurve)}
    able = [each for each in trials if each.name in summed and not each.physics.is_vetoed]
    return summed[_winner(able, floor).name] if able else None


def _flattening(points: DutyPoints, noise: float) -> float:
    """Share by which *noise*, a share of a flow, flattens a slope that is learnt at the points' flows (Fuller 1987)."""
    logs = np.log(points.flow / points.speed)
    return noise**2 / max(float(np.clip(logs, *np.quantile(logs, [OUTERMOST, 1.0 - OUTERMOST])).var()), 1e-12)


def _flow_range(methods: Iterable[CurveMethod], points: DutyPoints) -> tuple[float, float]:
    """As those have it that leave outliers out; of the points where there is none."""
    told = [method.flow_range for method in methods if isinstance(method, IncrementalCurve)]
    low, high = told[0] if told else np.quantile(points.flow / points.speed, [OUTERMOST, 1.0 - OUTERMOST])
    return float(low), float(high)


def _learnt(make: Callable[[], CurveMethod], points: DutyPoints) -> CurveMethod:
    method = make()
    method.update(points)
    return method


def _left_out(
    make: Callable[[], CurveMethod], points: DutyPoints, asked: Floats, ranges: Sequence[np.ndarray]
) -> Floats:
    """Head and power at each point's flow *asked* by a method that has not seen its range, shape (2, n)."""
    found = np.full((2, len(points)), np.nan)
    for rows in ranges:
        rest = np.ones(len(points), dtype=np.bool_)
        rest[rows] = False
        said = _learnt(make, points.take(rest)).predict(asked[rows], points.speed[rows])
        found[0, rows], found[1, rows] = said.head, said.power
    return found


def _trial(
    name: str,
    points: DutyPoints,
    ranges: Sequence[np.ndarray],
    found: Floats,
    whole: tuple[CurveMethod, tuple[float, float]],
) -> Trial:
    """Of what was *found* at *points*, and of the *whole* method over the flows learnt from."""
    squares = []
    for observed, said in ((points.head, found[0]), (points.power, found[1])):
        bins = [part for rows in ranges for part in np.array_split(rows, BINS)]
        missed = np.array([np.median(said[part] / observed[part] - 1.0) for part in bins])
        if np.isfinite(observed).all():
            squares.append(float(np.mean(missed**2)))
    error = 100.0 * float(np.sqrt(np.mean(squares)))
    return Trial(
        name=name,
        error=error if np.isfinite(error) else float("inf"),
        head=errors(points.head, found[0]),
        power=errors(points.power, found[1]),
        physics=_physics(*whole),
    )


def _physics(method: CurveMethod, flows: tuple[float, float]) -> Physics:
    said = method.predict(judged_flows(*flows), 1.0)
    return physics(said.head, said.power, said.efficiency)


def _winner(trials: Sequence[Trial], floor: float) -> Trial:
    """The first that is as good as the best of those that are sound, or worse by less than *floor* %.

    The most physical one where none is sound.
    """
    sound = [each for each in trials if each.is_sound]
    if not sound:
        return max(trials, key=lambda each: each.physics.score)
    least = min(each.error for each in sound)
    return next(each for each in sound if each.error <= max(TIE * least, least + floor))


def _reason(winner: Trial, trials: Sequence[Trial]) -> str:
    others = [each for each in trials if each.name != winner.name]
    said = f"{winner.name} misses flow ranges it has not seen by {winner.error:.2f} %"
    if np.isinf(winner.error):
        said = f"{winner.name} is the most like a pump's"
    if better := [each.name for each in others if each.error < winner.error and each.is_sound]:
        said += f", as good as {_list(better)} within the noise, and knows more of pumps"
    if worse := [f"{each.name} {each.error:.2f} %" for each in others if winner.error <= each.error < np.inf]:
        said += f"; {_list(worse)}"
    if mute := [each.name for each in others if np.isinf(each.error)]:
        said += f"; nothing is told there by {_list(mute)}"
    if flattened := [each.name for each in others if each.is_flattened]:
        said += f"; {_list(flattened)} would follow the flow meter's noise so near one duty"
    vetoed = [f"{each.name} ({_fault(each.physics)})" for each in others if each.physics.is_vetoed]
    return said + (f"; no pump has the curve of {_list(vetoed)}" if vetoed else "")


def _fault(found: Physics) -> str:
    shares = {
        "its head rises right of its peak": found.falling,
        "its efficiency has more than one peak": found.peaked,
        "head or power is not above 0": found.positive,
        "its efficiency cannot be": found.efficient,
    }
    return min(shares, key=lambda fault: shares[fault])


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
