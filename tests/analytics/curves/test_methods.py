"""What every method must do, whatever it is."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.duty import CurveMethod, DutyPoints
from analytics.curves.methods.ensemble import Ensemble
from tests.analytics.curves.pump import BEP, catalogue, efficiency, head, points, power

METHODS: dict[str, Callable[[], CurveMethod]] = candidates(catalogue())
METHODS["ensemble"] = lambda: Ensemble([METHODS["physics"](), METHODS["polynomial"]()])
AT = np.linspace(0.65, 1.05, 9) * BEP


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> CurveMethod:
    return METHODS[request.param]()


def test_it_knows_nothing_before_the_first_point(method: CurveMethod) -> None:
    found = method.predict(AT, 1.0)

    assert np.isnan(np.array(found)).all()
    assert found.head.shape == AT.shape


def test_it_finds_the_curve_where_the_data_are(method: CurveMethod) -> None:
    """Within three times the noise for those that know no pumps; the others have tests of their own."""
    method.update(points(500, slowest=0.8))

    at = 0.9 * AT
    found = method.predict(at, 0.9)
    np.testing.assert_allclose(found.head, head(at, 0.9), rtol=0.03)
    np.testing.assert_allclose(found.power, power(at, 0.9), rtol=0.03)
    np.testing.assert_allclose(found.efficiency, efficiency(at, 0.9), atol=0.03)
    assert (found.head_std > 0.0).all()
    assert (found.head_std < 0.03 * found.head).all()


def test_a_copy_through_pickle_says_and_learns_the_same(method: CurveMethod) -> None:
    """It is kept in the job's state between runs."""
    method.update(points(60))
    copy = pickle.loads(pickle.dumps(method))  # noqa: S301 - made in the line itself

    for each in (method, copy):
        each.update(points(60, seed=1))

    np.testing.assert_array_equal(np.array(copy.predict(AT, 1.0)), np.array(method.predict(AT, 1.0)))


def test_asking_does_not_change_what_is_learnt(method: CurveMethod) -> None:
    """A method that learnt only when asked, or from its own answers, would differ."""
    other = pickle.loads(pickle.dumps(method))  # noqa: S301 - made in the line itself
    for seed in range(2):
        for each in (method, other):
            each.update(points(50, seed=seed))
        if seed == 0:
            method.predict(AT, 1.0)

    np.testing.assert_array_equal(np.array(method.predict(AT, 1.0)), np.array(other.predict(AT, 1.0)))


@pytest.mark.parametrize("name", ["flow", "head", "power", "speed"])
@pytest.mark.parametrize("value", [np.inf, 0.0, -1.0])
def test_values_that_teach_nothing_are_refused(name: str, value: float) -> None:
    """At the door, with the name of what is wrong; no method sees them."""
    given = {each: np.array([1.0, 2.0]) for each in ("flow", "head", "power", "speed")}
    given[name][1] = value

    with pytest.raises(ValueError, match=f"{name} must be finite and above 0"):
        DutyPoints(**given)
