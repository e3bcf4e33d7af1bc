"""What is believed of a pump's curves before any reading: nothing, what pumps have in common, or a catalogue."""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Protocol

import numpy as np

from analytics.curves.methods.sums import DEGREE, TERMS
from analytics.hydraulics import Floats

FORM_DOUBT = (0.18, 0.23)  # of head and power, per share beyond the data, of a form that is any pump's
NEVER = 1e10  # precision of a term that a method does not use
REACH = (-0.55, 0.45)  # of v, over which a believed curve is written as a polynomial
LEVEL_STD = 0.3  # of a curve's value at the reference duty: as good as nothing
SPEED_HEAD_STD, SPEED_POWER_STD = 0.01, 0.15  # of the coefficients of z and z², z = ln n
Slope = tuple[float, float]  # and its standard deviation
Slopes = tuple[Slope, Slope] | None


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """A normal distribution of the seven coefficients of y/y_ref (or p/p_ref) over `sums.terms`.

    Attributes:
        mean: Shape (6,).
        precision: Shape (7, 7).
    """

    mean: Floats
    precision: Floats


class Beliefs(Protocol):
    """Where the beliefs of head and power come from, once the reference duty is known."""

    @property
    def doubt(self) -> tuple[float, float]:
        """Shares of head and power that a curve's form is worth less, per share of the flow beyond the data."""

    def at(self, flow: float, head: float, power: float, slopes: Slopes) -> tuple[Belief, Belief]:
        """Of head and power; the reference duty at rated speed in m³/h, m and kW (NaN where not measured).

        *slopes* are those of both relative curves over v as a first fit has them, None before there is one.
        """

    def beyond(self, x: Floats, flow: float) -> tuple[Floats, Floats]:
        """What the curves have besides the polynomial around the reference *flow*: m and kW at x m³/h."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No belief: an ordinary polynomial.

    Attributes:
        degree: Of it, 1 to 4.
    """

    degree: int = 3
    doubt: tuple[float, float] = FORM_DOUBT

    def at(self, flow: float, head: float, power: float, slopes: Slopes) -> tuple[Belief, Belief]:  # noqa: ARG002
        """The same for every pump."""
        used = np.arange(TERMS) <= self.degree
        belief = Belief(np.zeros(TERMS), np.diag(np.where(used, 1e-9, NEVER)))
        return belief, belief

    def beyond(self, x: Floats, flow: float) -> tuple[Floats, Floats]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return np.zeros_like(x), np.zeros_like(x)


@dataclass(frozen=True, slots=True)
class PumpsInGeneral:
    """What centrifugal pumps have in common, whatever their size.

    With q the flow over that of best efficiency::

        H / H_bep = k - (k - 1) |(q - q₀) / (1 - q₀)|^c
        P / P_bep = π + (1 - π + δ) q - δ q³

    k is the head at no flow: 1.02 for flat curves, 2 for those of mixed flow (Gülich 2014, chapter 4); c the exponent
    of EPANET's power law (Rossman 2000), 1.4 to 2.6, or 2 with a peak at q₀; π the power at no flow, 0.25 to 1.1.
    Members of that family, seen from around some q between 0.65 and 1.1, have a mean and a covariance of coefficients:
    the belief. How much a curve bends goes with how steep it is, so once a slope is known those as steep count.
    """

    doubt: tuple[float, float] = FORM_DOUBT

    def at(self, flow: float, head: float, power: float, slopes: Slopes) -> tuple[Belief, Belief]:  # noqa: ARG002
        """Of pumps as steep as *slopes*; the reference duty plays no part, as all are 1 there."""
        heads, powers = _members()
        steepness = (None, None) if slopes is None else slopes
        return (
            believed(heads, HEAD_FLOOR, SPEED_HEAD_STD, steepness[0]),
            believed(powers, POWER_FLOOR, SPEED_POWER_STD, steepness[1]),
        )

    def beyond(self, x: Floats, flow: float) -> tuple[Floats, Floats]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return np.zeros_like(x), np.zeros_like(x)


DUTIES = (0.65, 0.8, 0.95, 1.1)
SHUT_OFF = (1.02, 1.1, 1.2, 1.3, 1.45, 1.65, 2.0)
EXPONENTS = (1.4, 1.6, 1.8, 2.0, 2.2, 2.6)
PEAKS = (0.15, 0.3)
HEAD_FLOOR = np.array([0.0, 0.02, 0.01, 0.01, 0.01])  # standard deviations that coefficients have besides
POWER_FLOOR = np.array([0.0, 0.03, 0.02, 0.02, 0.02])
STEEPNESS = 0.15  # width of the members that are as steep as a slope


@cache
def _members() -> tuple[Floats, Floats]:
    """Coefficients of the family of heads, and of powers, each of shape (members, 5)."""
    v = np.linspace(*REACH, num=41)
    forms = [*((c, 0.0) for c in EXPONENTS), *((2.0, q0) for q0 in PEAKS)]
    heads = [_head((1.0 + v) * q, k, *form) / _head(q, k, *form) for k, form, q in product(SHUT_OFF, forms, DUTIES)]
    powers = [
        _power((1.0 + v) * q, *form) / _power(q, *form)
        for *form, q in product((0.25, 0.35, 0.45, 0.6, 0.8, 1.1), (-0.05, 0.1, 0.25, 0.4), DUTIES)
    ]
    return polynomials(v, np.array(heads)), polynomials(v, np.array(powers))


def polynomials(v: Floats, curves: Floats) -> Floats:
    """Coefficients of those nearest to *curves*, shape (curves, len(v)); shape (curves, 5)."""
    return np.asarray(np.polynomial.polynomial.polyfit(v, curves.T, DEGREE).T)


def believed(members: Floats, floor: Floats, speed_std: float, slope: Slope | None) -> Belief:
    """The belief that a pump is like the *members*, shape (curves, 5), that have its *slope*, give or take *floor*.

    A slope that is hardly known makes none of them unlikely.
    """
    weights = np.ones(len(members))
    if slope is not None:
        near = np.clip(slope[0], members[:, 1].min(), members[:, 1].max())
        weights = np.exp(-0.5 * ((members[:, 1] - near) / np.hypot(STEEPNESS, slope[1])) ** 2) + 1e-6
    covariance = np.cov(members.T, aweights=weights) + np.diag(floor**2)
    covariance[0, 0] += LEVEL_STD**2
    return of_all_speeds(np.average(members, axis=0, weights=weights), covariance, speed_std)


def of_all_speeds(mean: Floats, covariance: Floats, speed_std: float) -> Belief:
    """The belief of a curve at rated speed, shapes (5,) and (5, 5), that nearly follows the law of speeds."""
    precision = np.diag(np.full(TERMS, 1.0 / speed_std**2))
    precision[: DEGREE + 1, : DEGREE + 1] = np.linalg.inv(covariance)
    return Belief(np.append(mean, [0.0, 0.0]), precision)


def _head(q: Any, k: float, c: float, q0: float) -> Any:
    return k - (k - 1.0) * np.abs((q - q0) / (1.0 - q0)) ** c


def _power(q: Any, pi: float, delta: float) -> Any:
    return pi + (1.0 - pi + delta) * q - delta * q**3
