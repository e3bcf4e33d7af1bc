"""How often the intervals of expected savings hold the true ones, with curves learnt from noisy meters.

    python -m tests.benchmarks.expected_saving [STATIONS [FIRST]]

The stations of `learnt_station`. Each is looked at in minutes of its operation; in each, the same pumps at other
speeds, as many other pumps, or more or fewer of them are proposed for the flow that the model sees, as far as it has
learnt them. What they truly draw for the flow that there truly is, their speeds scaled together, is known here, and
only here.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample, Saving, Way, compare
from tests.benchmarks.learnt_station import KINDS, NAMES, Kind, LearntStation, Sized, judging, tell

OF_EACH = 6  # proposals of a kind, of a station
MINUTES = 240  # that are looked at for them, at most
READINGS = 5  # of the head, whose mean is taken
DRAWS = 100
_FACTORS = np.linspace(0.75, 1.25, 201)  # of a proposal's speeds; powers between two are off by less than 1e-5


@dataclass(frozen=True, slots=True)
class Proposed:
    """Other speeds than those of now, for the flow that the model sees."""

    kind: Kind
    now: Array  # relative speeds, (pumps,)
    then: Array
    head: float  # m, as it is shown
    true_kw: float  # that it would save


@dataclass(frozen=True, slots=True)
class Expected:
    """A proposal and what is said of it."""

    proposed: Proposed
    saving: Saving

    @property
    def error(self) -> float:
        """In standard deviations."""
        return (self.saving.mean - self.proposed.true_kw) / self.saving.std


def expected(station: LearntStation) -> Iterator[Expected]:
    """A station's proposals."""
    model = station.learnt()
    sample = Sample.of(model, DRAWS, 1)
    for one in proposals(station, model):
        yield Expected(one, compare(sample, way(one.now, one.head), way(one.then, one.head)))


def proposals(station: LearntStation, model: StationModel) -> Iterator[Proposed]:
    """As many of each kind as there are, of minutes at random."""
    rng, later = station.rng, station.operated(station.sets, 10 * MINUTES)
    left = dict.fromkeys(KINDS, OF_EACH)
    for place, minute in enumerate(rng.permutation(len(later))[:MINUTES].tolist()):
        kind = KINDS[place % len(KINDS)]
        now, head = later.speeds[minute], float(later.head[minute])
        sets = station.others(kind, tuple(np.flatnonzero(now).tolist()))
        if left[kind] == 0 or not sets:
            continue
        then = np.zeros(len(NAMES))
        which = list(sets[rng.integers(len(sets))])
        then[which] = rng.uniform(0.96, 1.04, len(which))
        shown = head * (1 + 0.5 * station.meters.noise / np.sqrt(READINGS) * float(rng.standard_normal()))
        found = _for_the_flow(model, now, then, shown)
        true_kw = None if found is None else _truly(station.own, now, found, head)
        if found is not None and true_kw is not None:
            left[kind] -= 1
            yield Proposed(kind, now, found, shown, true_kw)


def way(speeds: Array, head: float) -> Way:
    """With drives that follow the demand."""
    running = {name: speed for name, speed in zip(NAMES, speeds.tolist(), strict=True) if speed > 0}
    return Way(running, head, frozenset(running))


def _for_the_flow(model: StationModel, now: Array, ratio: Array, head: float) -> Array | None:
    """Speeds in this *ratio* for the flow that the model sees *now*; None where it has not learnt either."""
    flows = np.nan_to_num(model.duty(np.outer(_FACTORS, ratio), head).flows.sum(axis=1))
    wanted = float(model.duty(now, head).flows.sum())
    if not flows[0] < wanted < flows[-1]:
        return None
    then = np.interp(wanted, flows, _FACTORS) * ratio
    for speeds in (now, then):
        pairs = zip(NAMES, model.duty(speeds, head).flows, speeds, strict=True)
        if not all(speed == 0 or model.supports(name, own, speed) for name, own, speed in pairs):
            return None
    return then


def _truly(own: Sequence[Sized], now: Array, then: Array, head: float) -> float | None:
    """What *then* saves over *now* at the same flow, kW; None where it cannot deliver that."""
    flows, powers = _duty(own, np.vstack([now, np.outer(_FACTORS, then)]), head)
    if not (flows[1] < flows[0] < flows[-1] and (np.diff(flows[1:]) >= 0).all()):
        return None
    return float(powers[0] - np.interp(flows[0], flows[1:], powers[1:]))


def _duty(own: Sequence[Sized], speeds: Array, head: float) -> tuple[Array, Array]:
    """Flow, m³/h, and power, kW, of all, (n,), at speeds (n, pumps)."""
    flow, power = np.zeros((2, len(speeds)))
    for pump, speed in zip(own, speeds.T, strict=True):
        runs = speed > 0
        each = pump.flow(np.array(head), speed[runs])
        flow[runs] += each
        power[runs] += pump.power(np.maximum(each, 1.0), speed[runs])
    return flow, power


def main() -> None:
    """Print how often the intervals hold the truth, by what is proposed."""
    count, first = (int(each) for each in (*sys.argv[1:], *("60", "0")[len(sys.argv) - 1 :]))
    pumps = judging()
    stations = [list(expected(LearntStation.of(seed, pumps))) for seed in range(first, first + count)]
    for name, every in (("flow meter at the header", stations[::2]), ("flow meter at each pump", stations[1::2])):
        ones = [one for own in every for one in own]
        share = [one.saving.std / one.saving.present for one in ones]
        print(f"\n{len(every)} stations, {name}; one deviation is {np.median(share):.2%} of the present power")
        for kind in KINDS:
            tell(kind, [one.error for one in ones if one.proposed.kind == kind])
        tell("all of them", [one.error for one in ones])


if __name__ == "__main__":
    main()
