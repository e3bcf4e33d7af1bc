"""Operating lines: how far a pump is from what it cannot do."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.lines import Line, reach, slack_of
from tests.analytics.dispatch.plates import Plate
from tests.analytics.dispatch.test_solve import FIXED, PLATE

SHARES = np.linspace(0.0, 1.0, 9)


@pytest.mark.parametrize("plate", [replace(FIXED, p_shaft_max=29.0), replace(PLATE, p_shaft_max=24.0)])
def test_slack_does_not_jump_where_the_limit_of_power_begins_to_bind(plate: Plate) -> None:
    """Who looks at a few heads finds where it passes zero between two of them; here they are 6 mm apart."""
    line, head = Line(plate), np.linspace(38.0, 50.0, 2001)

    slack = reach(line, head, np.zeros(2001), SHARES).slack

    assert slack.min() < 0 < slack.max()
    assert np.abs(np.diff(slack)).max() < 1e-3
    assert slack == pytest.approx(slack_of(line, head, np.zeros(2001), SHARES))
