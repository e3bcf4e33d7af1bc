"""True pumps for judging curves: real ones from files, worn, measured with noise and outliers in part of their range.

Three kinds: polynomials of head and power over speed (AixLib), the same makers' tabulated heads where no drive limits
them (not polynomials), and heads of EPANET networks by its power law or through their points, with an efficiency of
the usual form. No pump's figures are in this repository: the files are read from where they are.
"""

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator, UnivariateSpline

from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.duty import DutyPoints
from analytics.hydraulics import hydraulic_power, wire_to_water_efficiency

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "pump-curves"
Floats = NDArray[np.float64]
Curve = Callable[[Floats, Floats], Floats]  # of flow, m³/h, and relative speed


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One pump. Head in m and power in kW over flow, m³/h, and relative speed."""

    name: str
    head: Curve
    power: Curve
    bep: float

    def efficiency(self, flow: Floats, speed: Floats) -> Floats:
        """Wire to water."""
        return wire_to_water_efficiency(flow, self.head(flow, speed), self.power(flow, speed))

    @property
    def is_for_design(self) -> bool:
        """Half of the pumps, by name, are looked at while methods are made; figures are reported for the others."""
        return hashlib.sha256(self.name.split("/")[0].encode()).digest()[4] % 2 == 0

    @property
    def catalogue(self) -> Catalogue:
        """Nine points of the pump as it was when it was new, to three digits."""
        flow = np.linspace(0.05, 1.35, 9) * self.bep
        one = np.ones(9)
        return Catalogue(flow, _three(self.head(flow, one)), _three(self.power(flow, one)))

    def worn(self, share: float, *, even: bool = False) -> "Truth":
        """With *share* of the head lost at best efficiency, half of it as q², or all *even*ly."""
        rising = 0.0 if even else 0.5

        def left(flow: Floats, speed: Floats) -> Floats:
            return np.asarray(1.0 - share * (1.0 - rising + rising * (flow / speed / self.bep) ** 2))

        def head(flow: Floats, speed: Floats) -> Floats:
            return np.asarray(self.head(flow, speed) * left(flow, speed))

        def power(flow: Floats, speed: Floats) -> Floats:
            return np.asarray(self.power(flow, speed) * (1.0 - 0.4 * share))

        worn = Truth(self.name, head, power, self.bep)
        return replace(worn, bep=best(worn, 1.2 * self.bep))


@dataclass(frozen=True, slots=True)
class Case:
    """How a pump is seen: from which share of its best-efficiency flow to which, at which speeds."""

    name: str
    low: float
    high: float
    slowest: float


CASES = (
    Case("60-110 %, fixed", 0.6, 1.1, 1.0),
    Case("60-110 %, variable", 0.6, 1.1, 0.7),
    Case("one duty, fixed", 0.9, 1.0, 1.0),
    Case("one duty, variable", 0.9, 1.0, 0.7),
)


def measured(
    truth: Truth,
    case: Case,
    rng: np.random.Generator,
    n: int,
    *,
    flow_noise: bool = True,
    outliers: float = 0.01,
    are_high: bool = False,
) -> DutyPoints:
    """*n* readings with noise of 1 to 1.5 % on each meter and outliers of 10 to 50 % on one of them.

    Those that *are_high* are 30 to 100 % too high, as spikes are.
    """
    speed = rng.uniform(case.slowest, 1.0, n)
    flow = truth.bep * rng.uniform(case.low, case.high, n) * speed
    values = np.stack([flow, truth.head(flow, speed), truth.power(flow, speed)])
    noise = rng.uniform(0.01, 0.015, 3) * [flow_noise, 1.0, 1.0]
    values *= 1.0 + noise[:, np.newaxis] * rng.standard_normal(values.shape)
    hit = np.flatnonzero(rng.random(n) < outliers)
    meter = rng.integers(0, 3, len(hit))
    off = rng.choice([-1.0, 1.0], len(hit)) * rng.uniform(0.1, 0.5, len(hit))
    values[meter, hit] *= 1.0 + (rng.uniform(0.3, 1.0, len(hit)) if are_high else off)
    return DutyPoints(values[0], values[1], values[2], speed)


def best(truth: Truth, most: float) -> float:
    """Flow of best efficiency at rated speed, up to *most* m³/h."""
    flow = np.linspace(0.02 * most, most, 2001)
    return float(flow[np.argmax(truth.efficiency(flow, np.ones_like(flow)))])


def truths(folder: Path = FOLDER) -> list[Truth]:
    """Every pump of the files `*.json` (polynomials, tables) and `*.csv` (points) in *folder*."""
    found = [each for path in sorted(folder.glob("*.json")) for each in _polynomials(path)]
    found += [each for path in sorted(folder.glob("*.csv")) for each in _networks(path)]
    return found


def _polynomials(path: Path) -> Iterator[Truth]:
    for entry in json.loads(path.read_text()):
        top = entry["n_max"]
        head, power = _speed_polynomial(entry["cHQN"], top, 1.0), _speed_polynomial(entry["cPQN"], top, 1e-3)
        pump = Truth(entry["pump"], head, power, 0.0)
        table = np.array(entry["maxMinHeight"])
        pump = replace(pump, bep=best(pump, 0.9 * _zero(head)))
        if _is_sound(pump):
            yield pump
        if (tabled := _tabled(pump, table)) is not None:
            yield tabled


def _tabled(pump: Truth, table: Floats) -> Truth | None:
    """The pump with the head of its table, smoothed to a thousandth; None where a drive limits it."""
    flow, heads = table[:, 0], table[:, 1]
    one = np.ones_like(flow)
    off = heads / pump.head(flow, one) - 1.0
    inside = flow <= 1.35 * pump.bep
    if np.abs(off[inside]).max() > 0.06 or flow[-1] < 1.45 * pump.bep:
        return None
    spline = UnivariateSpline(flow, heads, k=3, s=len(flow) * (0.003 * heads.max()) ** 2)
    truth = replace(pump, name=pump.name + "/table", head=lambda q, n: np.asarray(n**2 * spline(q / n)))
    truth = replace(truth, bep=best(truth, 0.95 * float(flow[-1]) / 1.1))
    return truth if _is_sound(truth) and 1.5 * truth.bep <= flow[-1] * 1.05 else None


def _networks(path: Path) -> Iterator[Truth]:
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open() as lines:
        for row in csv.DictReader(lines):
            if row["kind"] == "HEAD":
                points[f"{Path(row['file']).stem}-{row['curve']}"].append((float(row["q_m3h"]), float(row["y"])))
    seen = set()
    for name, curve in points.items():
        key = tuple(np.round(np.array(curve).ravel(), 2))
        if len(curve) >= 3 and key not in seen:
            seen.add(key)
            yield from _network_pump(name, np.array(curve))


def _network_pump(name: str, curve: Floats) -> Iterator[Truth]:
    flow, heads = curve.T
    if len(curve) == 3:
        drop1, drop2 = heads[0] - heads[1], heads[0] - heads[2]
        if flow[0] != 0.0 or drop1 <= 0.0 or drop2 <= drop1:
            return
        power = np.log(drop2 / drop1) / np.log(flow[2] / flow[1])
        factor = drop1 / flow[1] ** power

        def at_rated(q: Floats) -> Floats:
            return np.asarray(heads[0] - factor * np.maximum(q, 0.0) ** power)

        if not 1.2 <= power <= 4.0:
            return
        bep = 0.62 * (heads[0] / factor) ** (1.0 / power)
    else:
        through = PchipInterpolator(flow, heads, extrapolate=True)

        def at_rated(q: Floats) -> Floats:
            return np.asarray(through(q))

        bep = flow[-1] / 1.5
    top = 0.72 + 0.12 * (hashlib.sha256(name.encode()).digest()[1] / 255.0)
    form = 2.0 + 0.5 * (hashlib.sha256(name.encode()).digest()[2] / 255.0)

    def efficiency(q: Floats) -> Floats:
        r = q / bep
        # Steeper left than right by a skew; 1 at the peak.
        return np.asarray(top * np.maximum(1.0 - np.abs(1.0 - r) ** form * (1.0 + 0.15 * np.sign(r - 1.0)), 0.02))

    def head(q: Floats, n: Floats) -> Floats:
        return np.asarray(n**2 * at_rated(q / n))

    def drawn(q: Floats, n: Floats) -> Floats:
        eta = 1.0 - (1.0 - efficiency(q / n)) * n**-0.1  # Sarbu and Borza
        return np.asarray(hydraulic_power(q, head(q, n)) / np.maximum(eta, 0.02))

    pump = Truth(name, head, drawn, bep)
    pump = replace(pump, bep=best(pump, 1.4 * bep))
    if _is_sound(pump):
        yield pump


def _is_sound(pump: Truth) -> bool:
    """A pump at all 40 to 135 % of its best flow, at rated and at reduced speed."""
    flow = np.linspace(0.4, 1.35, 20) * pump.bep
    for speed in (0.7, 1.0):
        n = np.full_like(flow, speed)
        head, eta = pump.head(flow * speed, n), pump.efficiency(flow * speed, n)
        if not ((head > 0.0).all() and (eta > 0.05).all() and (eta < 0.92).all()):
            return False
    right = pump.head(np.linspace(0.7, 1.35, 30) * pump.bep, np.ones(30))
    return bool((np.diff(right) < 0.0).all()) and pump.power(np.array([pump.bep]), np.ones(1))[0] > 0.0


def _speed_polynomial(coefficients: list[list[float]], top: float, factor: float) -> Curve:
    def value(q: Floats, n: Floats) -> Floats:
        total: Any = np.zeros(np.broadcast(q, n).shape)
        for i, row in enumerate(coefficients):
            for j, c in enumerate(row):
                if c:
                    total = total + c * np.asarray(q) ** i * (np.asarray(n) * top) ** j
        return np.asarray(factor * total)

    return value


def _zero(head: Curve) -> float:
    """Flow at which the head ends, m³/h."""
    flow = np.geomspace(1e-2, 1e5, 4000)
    return float(flow[np.argmax(head(flow, np.ones_like(flow)) <= 0.0)])


def _three(values: Floats) -> Floats:
    """To three digits, as in a catalogue."""
    return np.array([float(f"{each:.3g}") for each in values])
