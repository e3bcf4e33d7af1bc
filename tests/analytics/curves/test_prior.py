"""What is believed of a pump that shares a flow meter, before its readings."""

import numpy as np
import pytest

from analytics.curves.prior import Plate, Typical, prior
from analytics.curves.shape import polynomial
from analytics.hydraulics import hydraulic_power

FLOW, HEAD, ETA = 400.0, 40.0, 0.65
TYPICAL = Typical(FLOW, HEAD, float(hydraulic_power(FLOW, HEAD)) / ETA, (38.0, 42.0))


def drawn(exponent: float, speed: float) -> float:
    """Power at FLOW times *speed*, over the cube of the speed, of that at rated speed."""
    believed = prior(Plate("p1", speed_exponent=exponent), TYPICAL)
    constant = believed.shape.constant(believed.mean)
    at = float(polynomial(believed.shape.power(believed.mean), np.array(FLOW)))
    return (at + constant / speed**3) / (at + constant)


@pytest.mark.parametrize("exponent", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("speed", [0.7, 0.8, 0.9])
def test_a_pump_is_believed_to_lose_efficiency_by_the_configured_law_of_speeds(exponent: float, speed: float) -> None:
    """1 - η₁ = (1 - η) n^e; at 0.7 of the speed and e = 0.2 that is 4 % more power than by the bare affinity laws."""
    law = ETA / (1.0 - (1.0 - ETA) * speed**-exponent)

    assert drawn(exponent, speed) == pytest.approx(law, abs=0.015 * exponent / 0.2)
