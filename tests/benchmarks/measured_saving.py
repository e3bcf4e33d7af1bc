"""How often the intervals of measured savings hold the true ones, with curves learnt from noisy meters.

    python -m tests.benchmarks.measured_saving [STATIONS [FIRST]]

In each of the stations of `learnt_station` twelve advices of four hours each leave one operation for another, two a
day and at any time of it, the curves learnt anew with what came in after the sixth; what the old operation would have
drawn for the same flow at the same head is known here, and only here. A cell is the mean of four minutes.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.dispatch.measured import Errors, Former, Met, Tally, baseline
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample
from tests.benchmarks.learnt_station import KINDS, NAMES, Kind, LearntStation, Sized, judging, tell

ADVICES, A_DAY, RENEWED = 12, 2, 6
CELLS, MINUTES = 60, 4  # of an advice, and of a cell
CELLS_A_DAY = 1_440 // MINUTES
LEAST = 15  # cells of one advice that could be counted, for it to be looked at
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Counted:
    """One advice that was followed."""

    kind: Kind
    tally: Tally
    true_kwh: float

    @property
    def error(self) -> float:
        """In standard deviations."""
        return (self.tally.kwh - self.true_kwh) / self.tally.std


def counted_of(station: LearntStation) -> Iterator[Counted]:
    """Its advices, of which some cannot be counted."""
    model, rng = station.learnt(), station.rng
    meters = replace(station.meters, noise=station.meters.noise / np.sqrt(MINUTES))
    for advice in range(ADVICES):
        if advice == RENEWED:
            model = station.learnt()
        former, kind = station.sets[rng.integers(len(station.sets))], KINDS[advice % len(KINDS)]
        others = [each for each in station.others(kind, former) if each in station.sets]
        if not others:
            continue
        proposed = others[rng.integers(len(others))]
        period = station.operated_later(proposed, CELLS, MINUTES, int(rng.integers(CELLS_A_DAY)))
        at = period.speeds[0, list(former)] if former == proposed else np.full(len(former), 0.9)
        ratio = dict(zip(former, at * rng.uniform(0.96, 1.04, len(former)), strict=True))
        read = period, meters.read(period, rng)
        found = counted(model, former_power(station.own, ratio, period), ratio, read)
        if found is not None:
            yield Counted(kind, *found)


def counted(
    model: StationModel, truth: Array, ratio: dict[int, float], read: tuple[Points, Points]
) -> tuple[Tally, float] | None:
    """The meters' word of one advice against the *truth*; None where hardly anything could be compared."""
    period, seen = read
    met = Met(seen.flow, seen.head, period.speeds, (seen.powers * period.running).sum(axis=1))
    old = Former({NAMES[i]: s for i, s in ratio.items()}, {NAMES[i]: (0.6, 1.15) for i in ratio})
    found = baseline(Sample.of(model, 100, 1), old, met)
    found = replace(found, noise=found.noise / np.sqrt(MINUTES))  # of one minute, as curves are learnt from
    tally = Tally()
    tally.add(found, met.power, np.zeros(len(period)), MINUTES / 60)
    good = np.array([doubt is None for doubt in found.doubts])
    if good.sum() < LEAST or not np.isfinite(truth[good]).all():
        return None
    return tally, float((truth - period.powers.sum(axis=1))[good].sum()) * MINUTES / 60


def former_power(pumps: Sequence[Sized], ratio: dict[int, float], period: Points) -> Array:
    """What the old operation would truly have drawn in each minute, kW, (n,); NaN where it could not have delivered."""
    low, high = np.full(len(period), 0.5), np.full(len(period), 1.4)
    for _ in range(_HALVINGS):
        scale = 0.5 * (low + high)
        flow = sum(pumps[i].flow(period.head, scale * s) for i, s in ratio.items())
        low, high = np.where(flow < period.flow, scale, low), np.where(flow < period.flow, high, scale)
    total = np.zeros(len(period))
    for i, s in ratio.items():
        flow = pumps[i].flow(period.head, high * s)
        total += np.where(flow > 0, pumps[i].power(np.maximum(flow, 1.0), high * s), np.nan)
    return total


def together(advices: Sequence[Counted]) -> float:
    """The error of their sum, in its standard deviations."""
    errors = Errors()
    for each in advices:
        errors = errors.plus(each.tally.errors)
    return sum(each.tally.kwh - each.true_kwh for each in advices) / errors.std


def main() -> None:
    """Print how often the intervals hold the truth: of one advice, of a day, and of all of a station's."""
    count, first = (int(each) for each in (*sys.argv[1:], *("60", "0")[len(sys.argv) - 1 :]))
    pumps = judging()
    stations = [list(counted_of(LearntStation.of(seed, pumps))) for seed in range(first, first + count)]
    for name, every in (("flow meter at the header", stations[::2]), ("flow meter at each pump", stations[1::2])):
        ones = [one for own in every for one in own]
        share = [one.tally.std / one.tally.measured_kwh for one in ones]
        print(f"\n{len(every)} stations, {name}; one deviation of an advice is {np.median(share):.2%} of its energy")
        for kind in KINDS:
            tell(f"of {kind}", [one.error for one in ones if one.kind == kind])
        tell("advices", [one.error for one in ones])
        days = [own[begin : begin + A_DAY] for own in every for begin in range(0, len(own), A_DAY)]
        tell("days", [together(day) for day in days if len(day) == A_DAY])
        tell("stations, all in all", [together(own) for own in every if len(own) > A_DAY])


if __name__ == "__main__":
    main()
