"""What is believed of a pump before its readings: its plate, or else the station's own scale."""

from dataclasses import dataclass

import numpy as np

from analytics.curves.likeness import Likeness
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.shape import PARAMETERS, Shape, falling_flow
from analytics.hydraulics import Floats, hydraulic_power

SHUT_OFF = 1.25  # head at no flow over head at the reference duty; radial pumps have 1.1 to 1.45
SHUT_OFF_STD = 0.15  # of its logarithm
SPAN_STD = 0.4  # of the logarithm of the flow between the outer knots: slope of the head curve
BEND_STD = 1.0  # of the logit of the middle knot: curvature of the head curve
PLATE_STD = 0.10  # share of the rated flow at rated head; a pump's test tolerance, wear and its pipes
SHARE_STD = 0.15  # the same where the flow is only shared out by power: pumps' efficiencies differ that much
POWER_SLOPE = 0.45  # relative change of P per relative change of Q at the duty
POWER_SLOPE_STD = 0.3
POWER_BEND = -0.1  # quadratic term of the same
POWER_BEND_STD = 0.2
POWER_STD = 0.3  # of the level of the power curve: as good as nothing
CONSTANT_STD = 0.02  # share of the power that does not follow s³: losses of motor and drive
SLOWER = 0.8  # speed at which that is as much as the law of speeds says
EFFICIENCIES = (0.3, 0.9)  # wire to water, that a pump is taken to have by its usual duty
LEVEL_MARGIN = 0.04  # knots reach this far beyond the median H/s² even if the data do not


@dataclass(frozen=True, slots=True)
class Plate:
    """A pump as its plate describes it.

    Attributes:
        pump: Its id.
        rated_flow: m³/h at the best efficiency point, None where not known.
        rated_head: m, there.
        sheet: Its curves by its maker, where there are any, as its meters would show them.
        speed_exponent: e of 1 - η₁ = (1 - η) n^e, by which it is believed to lose efficiency where it turns slower.
    """

    pump: str
    rated_flow: float | None = None
    rated_head: float | None = None
    sheet: Catalogue | None = None
    speed_exponent: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """A pump's usual duty as its readings have it, brought to rated speed.

    Attributes:
        flow: φ, m³/h; inferred where the pump has no meter of its own.
        level: H/s², m.
        power: P/s³, kW.
        levels: Least and greatest H/s², m, without the outermost tenths.
    """

    flow: float
    level: float
    power: float
    levels: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """A normal distribution of one pump's parameters, and of its shut-off head.

    A reference duty (plate, else the typical one) and the habits of radial pumps: the head at no flow is 1.25 times
    that at the reference (15 %), the parabola has its peak near no flow, power rises by 0.45 % per
    percent of flow (0.3). The reference flow is believed to 10 % (plate) or 15 % (share by power). Each of these
    weighs as much as one steady point of that precision, against hundreds of points of one percent or better:
    where the data speak, it is not heard; elsewhere its width is the width that is reported. Besides, its curves may be
    believed to be like others (`forms`).
    """

    shape: Shape
    mean: Floats  # (7,)
    precision: Floats  # (7, 7)
    log_shut_off: float
    likeness: Likeness | None = None


def prior(plate: Plate, typical: Typical) -> Prior:
    """What is believed of the pump of *plate*, whose readings centre at *typical*."""
    levels = _levels(typical)
    flow, level, flow_std = typical.flow, typical.level, SHARE_STD
    if plate.rated_flow is not None and plate.rated_head is not None:
        flow, level, flow_std = plate.rated_flow, plate.rated_head, PLATE_STD
    shut_off = max(SHUT_OFF * level, 1.08 * levels[0])
    head = np.array([shut_off, 0.0, -(shut_off - level) / flow**2])
    shape = Shape(levels, flow_scale=flow, power_scale=typical.power)
    usual = float(falling_flow(head, np.asarray(typical.level)))
    slope, bend = POWER_SLOPE / usual, POWER_BEND / usual**2
    constant = _constant(typical, plate.speed_exponent)
    power = np.array([1.0 - slope * usual + bend * usual**2, slope - 2.0 * bend * usual, bend])
    mean = shape.theta(head, (1.0 - constant) * typical.power * power, constant * typical.power)
    return Prior(shape, mean, _precision(shape, mean, flow_std, usual), float(np.log(shut_off)))


def _constant(typical: Typical, exponent: float) -> float:
    """The share of the power that does not follow n³ and makes as much of it as the law of speeds does at a usual one.

    Over speeds of 0.7 to 1 that is the law to 0.2 % (root mean square), which leaves n³ by 0.3 to 1.2 %.
    """
    eta = float(np.clip(hydraulic_power(typical.flow, typical.level) / typical.power, *EFFICIENCIES))
    more = eta / (1.0 - (1.0 - eta) * SLOWER**-exponent) - 1.0
    return float(more / (SLOWER**-3.0 - 1.0))


def _levels(typical: Typical) -> Floats:
    low = min(typical.levels[0], typical.level * (1.0 - LEVEL_MARGIN))
    high = max(typical.levels[1], typical.level * (1.0 + LEVEL_MARGIN))
    return np.linspace(high, low, num=3)


def _precision(shape: Shape, mean: Floats, flow_std: float, usual: float) -> Floats:
    """Of the parameters, from independent statements about them."""
    x = shape.flows(mean) / usual
    statements = np.zeros((PARAMETERS, PARAMETERS))
    statements[0, 0] = 1.0 / (flow_std * usual / shape.flow_scale)
    statements[1, 1] = 1.0 / SPAN_STD
    statements[2, 2] = 1.0 / BEND_STD
    # Rows: value at the middle knot, slope, and bend of the power polynomial in x, from its knots.
    inverse = np.linalg.inv(np.column_stack([np.ones(3), x - x[1], (x - x[1]) ** 2]))
    for row, std in enumerate((POWER_STD, POWER_SLOPE_STD, POWER_BEND_STD)):
        statements[3 + row, 3:6] = inverse[row] / std
    statements[6, 6] = 1.0 / CONSTANT_STD
    return np.asarray(statements.T @ statements)
