"""How often the intervals of expected savings hold the true ones, with curves learnt from noisy meters.

    python -m tests.benchmarks.expected_saving [STATIONS]

The stations of `measured_saving`. Each is looked at in sixteen minutes of its operation; in each, other pumps, or the
same ones at other speeds, are proposed for the flow that the model sees, as far as it has learnt them. What they truly
draw for the flow that there truly is, their speeds scaled together, is known here, and only here.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.prior import Plate
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample, Saving, Way, compare
from tests.benchmarks.measured_saving import ALL, NAMES, Meters, Sized, operated, tell
from tests.benchmarks.pump_truths import Truth, truths

MINUTES = 16
READINGS = 5  # of the head, whose mean is taken
DRAWS = 100
LEAST, MOST = 0.75, 1.25  # factors of a proposal's speeds
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Expected:
    """A proposal and what it would truly save."""

    saving: Saving
    true_kw: float
    is_same_set: bool

    @property
    def error(self) -> float:
        """In standard deviations."""
        return (self.saving.mean - self.true_kw) / self.saving.std


def station(seed: int, pumps: Sequence[Truth]) -> Iterator[Expected]:
    """Its proposals."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pumps), len(NAMES), replace=False)
    own = tuple(Sized(pumps[one], rng.uniform(480.0, 720.0), rng.uniform(41.5, 44.5)) for one in chosen.tolist())
    meters = Meters(rng.uniform(0.005, 0.015), bool(seed % 2))
    curves = StationCurves([Plate(name) for name in NAMES])
    curves.update(meters.read(operated(own, ALL, int(rng.choice([600, 1_500, 3_000])), rng), rng))
    model = curves.fit()
    assert model is not None
    sample, later = Sample.of(model, DRAWS, 1), operated(own, ALL, 60 * MINUTES, rng)
    for minute in rng.choice(len(later), MINUTES, replace=False).tolist():
        now, head = later.speeds[minute], float(later.head[minute])
        shown = head * (1 + 0.5 * meters.noise / np.sqrt(READINGS) * float(rng.standard_normal()))
        sets = [each for each in ALL if len(each) == np.count_nonzero(now)]
        then = np.zeros(len(NAMES))
        which = list(sets[rng.integers(len(sets))])
        then[which] = rng.uniform(0.96, 1.04, len(which))
        found = proposed(model, now, then, shown)
        if found is None or (len(which) == 1 and now[which[0]] > 0):  # one pump at one flow is the same operation
            continue
        true_kw = truly(own, now, found, head)
        if true_kw is not None:
            saving = compare(sample, way(now, shown), way(found, shown))
            yield Expected(saving, true_kw, bool(((now > 0) == (found > 0)).all()))


def way(speeds: Array, head: float) -> Way:
    """With drives that follow the demand."""
    running = {name: speed for name, speed in zip(NAMES, speeds.tolist(), strict=True) if speed > 0}
    return Way(running, head, frozenset(running))


def proposed(model: StationModel, now: Array, ratio: Array, head: float) -> Array | None:
    """Speeds in this *ratio* for the flow that the model sees *now*; None where it has not learnt either."""
    low, high = LEAST, MOST
    flow = model.duty(now, head).flows.sum()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if model.duty(middle * ratio, head).flows.sum() >= flow else (middle, high)
    for speeds in (now, high * ratio):
        flows = model.duty(speeds, head).flows
        pairs = zip(NAMES, flows, speeds, strict=True)
        if not all(speed == 0 or model.supports(name, own, speed) for name, own, speed in pairs):
            return None
    return high * ratio if high < MOST else None


def truly(own: Sequence[Sized], now: Array, then: Array, head: float) -> float | None:
    """What *then* saves over *now* at the same flow, kW; None where it cannot deliver that."""
    low, high = LEAST, MOST
    flow, power = _duty(own, now, head)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _duty(own, middle * then, head)[0] >= flow else (middle, high)
    return power - _duty(own, high * then, head)[1] if low > LEAST and high < MOST else None


def _duty(own: Sequence[Sized], speeds: Array, head: float) -> tuple[float, float]:
    """Flow, m³/h, and power, kW."""
    flow = power = 0.0
    for pump, speed in zip(own, speeds, strict=True):
        if speed > 0:
            each = pump.flow(np.array(head), np.array(speed))
            flow += float(each)
            power += float(pump.power(np.maximum(each, 1.0), np.array(speed)))
    return flow, power


def main() -> None:
    """Print how often the intervals hold the truth: of other pumps, and of the same ones at other speeds."""
    count, pumps = int(sys.argv[1]) if len(sys.argv) > 1 else 40, truths()
    stations = [list(station(seed, pumps)) for seed in range(count)]
    for name, every in (("flow meter at the header", stations[::2]), ("flow meter at each pump", stations[1::2])):
        ones = [one for own in every for one in own]
        share = [one.saving.std / one.saving.present for one in ones]
        print(f"\n{len(every)} stations, {name}; one deviation is {np.median(share):.2%} of the present power")
        tell("of other pumps", [one.error for one in ones if not one.is_same_set])
        tell("of other speeds", [one.error for one in ones if one.is_same_set])
        tell("all of them", [one.error for one in ones])


if __name__ == "__main__":
    main()
