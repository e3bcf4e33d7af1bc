"""What a pump's curves are believed to be like before its share of a common meter is known: its data sheet."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.curves.methods.belief import Belief
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.sums import terms
from analytics.curves.pump import PumpCurve
from analytics.curves.shape import Shape, polynomial
from analytics.hydraulics import Floats

NODES = 7  # flows at which curves are compared
BELOW, BEYOND = 0.1, 0.2  # share of a learnt range's ends by which they reach over it
FORM = 0.002  # share of a value by which a pump's curve differs from a parabola within that range


def reaches(sheet: Catalogue, curve: PumpCurve) -> bool:
    """Whether the *sheet* has the middle of the *curve*'s flows, or these are not known."""
    low, high = curve.flow_range
    return not 0.0 < low < high or bool(sheet.flow[0] < 0.5 * (low + high) < sheet.flow[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Normal distributions of head and power at rated speed at some flows, of any level and scale that pumps have.

    What a data sheet says is as wide as for a pump with its own flow meter (`methods.catalogue`): scaled in head and
    flow, shifted and bent a little.

    Attributes:
        flows: φ, m³/h, shape (n,).
        head: m there, shape (n,).
        head_root: What makes of deviations from it independent ones of one standard deviation, shape (n, n).
        power: kW, shape (n,); empty where the pump has no power meter, or its sheet no power.
        power_root: As `head_root`; empty likewise.
    """

    flows: Floats
    head: Floats
    head_root: Floats
    power: Floats
    power_root: Floats

    @classmethod
    def of(cls, sheet: Catalogue, curve: PumpCurve, *, has_power: bool) -> Self | None:
        """What the *sheet* says where *curve*, of a fit without it, has the pump's flows; None: it has none of them."""
        low, high = curve.flow_range
        first, last = max((1.0 - BELOW) * low, sheet.flow[0]), min((1.0 + BEYOND) * high, sheet.flow[-1])
        usual = 0.5 * (low + high)
        levels = float(curve.head(usual, 1.0)), float(curve.power(usual, 1.0))
        if not (0.0 < low < high and first < usual < last and min(levels) > 0.0):
            return None
        flows = np.linspace(first, last, NODES)
        outside = np.maximum(np.maximum(flows / high - 1.0, 1.0 - flows / low), 0.0)
        beliefs, rest = sheet.at(usual, *levels, None), sheet.beyond(flows, usual)
        known = [
            _distribution(belief, flows / usual - 1.0, level, more, np.hypot(FORM, doubt * outside))
            for belief, level, more, doubt in zip(beliefs, levels, rest, sheet.doubt, strict=True)
        ]
        nothing = (np.empty(0), np.empty((0, 0)))
        return cls(flows, *known[0], *(known[1] if has_power and sheet.power is not None else nothing))

    def missed(self, shape: Shape, theta: Floats) -> Floats:
        """By how much the curves of *theta* differ from it, in independent standard deviations, shape (n,) or (2n,)."""
        off = self.head_root @ (polynomial(shape.head(theta), self.flows) - self.head)
        if not len(self.power):
            return np.asarray(off)
        power = polynomial(shape.power(theta), self.flows) + shape.constant(theta)
        return np.append(off, self.power_root @ (power - self.power))


def _distribution(belief: Belief, v: Floats, level: float, more: Floats, form: Floats) -> tuple[Floats, Floats]:
    """Mean and whitening root at *v*, with a doubt of the *form* at each of them."""
    basis = terms(v, np.zeros_like(v))
    mean = level * (basis @ belief.mean) + more
    covariance = level**2 * basis @ np.linalg.inv(belief.precision) @ basis.T + np.diag((form * mean) ** 2)
    return mean, np.linalg.inv(np.linalg.cholesky(covariance))
