"""Figures, conditions and advice go by one best flow."""

from agent.jobs.duties.duty import best_of
from agent.plant import PumpSettings
from analytics.dispatch.fitted import BestFlow, best_phi
from analytics.dispatch.limits import Limits
from tests.analytics.dispatch.learnt import Learnt, station

KNOWN, DOUBTFUL = station([Learnt("a")]), station([Learnt("a", doubt=0.2)])


def test_the_plate_goes_before_the_curve_and_a_curve_that_cannot_tell_is_none() -> None:
    """What `outside_por` claims of a pump is what advice says of it."""
    plain, rated = PumpSettings(id="a", header="main"), PumpSettings(id="a", header="main", rated_flow=210.0)

    assert best_of(rated, KNOWN) == BestFlow(210.0)
    assert best_of(plain, KNOWN) == best_phi(KNOWN.curve("a"), Limits("a"))
    assert best_of(plain, DOUBTFUL) is None
    assert best_of(plain, None) is None
