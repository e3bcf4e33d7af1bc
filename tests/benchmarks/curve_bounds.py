"""What least squares would miss of the head beyond the data, were a pump known but for a few numbers.

No method can do better without knowing more: by pump and case, the bias of the form and the standard deviation by the
noise of the readings (1.25 % of flow and head), at 1.2 times the greatest flow seen.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from tests.benchmarks.pump_truths import CASES, Case, Floats, Truth

NOISE = 0.0125
WEAR = 0.05
DRAWS = 20
BEYOND = 1.2  # times the greatest flow seen
STRETCH = (1.0, 1.05, 1.1, 1.15, 1.2)
Known = Callable[[Truth, Truth, Floats], Floats]  # of the pump when new, worn, and flows: terms, shape (numbers, n)


def _new(pump: Truth, flow: Floats) -> Floats:
    return pump.head(flow, np.ones_like(flow))


def _wider(pump: Truth, flow: Floats) -> Floats:
    """What a scale of the flow changes."""
    return (_new(pump, 1.001 * flow) - _new(pump, 0.999 * flow)) / 0.002


def _powers(*which: int) -> Known:
    return lambda _, worn, flow: np.stack([(flow / worn.bep) ** k for k in which])


SHEETS: Mapping[str, Known] = {
    "the form of its wear": lambda pump, worn, x: np.stack([_new(worn, x) - _new(pump, x)]),
    "scale of head, q2": lambda pump, worn, x: np.stack([_new(pump, x), _new(pump, x) * (x / worn.bep) ** 2]),
    "scales of head and flow": lambda pump, _, x: np.stack([_new(pump, x), _wider(pump, x)]),
    "all three": lambda pump, worn, x: np.stack([_new(pump, x), _wider(pump, x), (x / worn.bep) ** 2]),
}
FORMS: Mapping[str, Known] = {"a parabola": _powers(0, 1, 2), "H0 - B q2": _powers(0, 2)}


def missed(
    pump: Truth, case: Case, known: Known, *, has_sheet: bool, even: bool, n: int, over: tuple[float, ...] = (BEYOND,)
) -> tuple[Floats, Floats]:
    """Bias at flows *over* the greatest seen, and what one standard deviation of each number changes there.

    Shapes (flows,) and (flows, numbers), both % of the head there.
    """
    worn, rng = pump.worn(WEAR, even=even), np.random.default_rng(0)
    speed = rng.uniform(case.slowest, 1.0, n)
    flow = worn.bep * rng.uniform(case.low, case.high, n)
    head = worn.head(flow * speed, speed) / speed**2
    slope = (worn.head(1.01 * flow * speed, speed) - worn.head(0.99 * flow * speed, speed)) / speed**2 / 0.02
    usual = NOISE * np.hypot(head, slope)
    target = np.array(over) * case.high * worn.bep
    terms = known(pump, worn, flow) / usual
    information = np.linalg.inv(terms @ terms.T)
    found = information @ (terms @ ((head - has_sheet * _new(pump, flow)) / usual))
    at, truth = known(pump, worn, target).T, _new(worn, target)
    bias = (has_sheet * _new(pump, target) + at @ found) / truth - 1.0
    return 100.0 * bias, 100.0 * at @ np.linalg.cholesky(information) / truth[:, np.newaxis]


def bounds(pumps: Iterable[Truth], n: int) -> None:
    """Print medians over the pumps: size of the bias, standard deviation, and error."""
    pumps, rng = list(pumps), np.random.default_rng(0)
    for even in (False, True):
        print(f"\nknown but for ..., {'worn alike everywhere' if even else 'half of the wear as q2'}: bias, std, error")
        for name, known in {**SHEETS, **FORMS}.items():
            said = []
            for case in CASES:
                found = [missed(p, case, known, has_sheet=name in SHEETS, even=even, n=n) for p in pumps]
                biases = np.array([bias[0] for bias, _ in found])
                stds = np.array([np.linalg.norm(spread[0]) for _, spread in found])
                errors = np.abs(biases[:, np.newaxis] + stds[:, np.newaxis] * rng.standard_normal((len(pumps), DRAWS)))
                middle = (np.median(np.abs(biases)), np.median(stds), np.median(errors))
                said.append(" ".join(f"{each:5.2f}" for each in middle))
            print(f"{name:34s} {'   '.join(said)}")


def stretch_bounds(pumps: Iterable[Truth], cases: Iterable[Case], n: int) -> None:
    """Print median errors, as means from the greatest flow seen to 1.2 times it, of pumps worn alike everywhere."""
    pumps, cases, rng = list(pumps), list(cases), np.random.default_rng(0)
    print("known but for ..., worn alike everywhere, mean from the greatest flow to 1.2 times it")
    for name, known in {**SHEETS, **FORMS}.items():
        errors = list[Floats]()
        for pump in pumps:
            for case in cases:
                has_sheet = name in SHEETS
                bias, spread = missed(pump, case, known, has_sheet=has_sheet, even=True, n=n, over=STRETCH)
                drawn = rng.standard_normal((DRAWS, spread.shape[1]))
                errors.append(np.abs(bias + drawn @ spread.T).mean(axis=1))
        print(f"{name:34s} {np.median(errors):5.2f}")
