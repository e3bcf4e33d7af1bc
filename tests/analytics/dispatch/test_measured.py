"""What a former operation would have drawn for the flow that was delivered at the head that was met."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.curves.misfit import Misfit
from analytics.dispatch.measured import Errors, Former, Met, Tally, baseline
from analytics.dispatch.saving import Sample
from tests.analytics.dispatch.learnt import Learnt, station

MODEL = station([Learnt("a"), Learnt("b")], noise=0.05)
BANDS = {"a": (0.6, 1.0), "b": (0.6, 1.0)}
ALONE = {"a": (0.6, 1.0)}
UNEVEN = Former({"a": 0.85, "b": 0.95}, BANDS)


def met(speeds: list[list[float]], head: list[float], *, flow: float = 1.0, power: float = 1.0) -> Met:
    """What meters show of *speeds* that show so many times the true *flow* and *power*."""
    duty = MODEL.duty(np.array(speeds), np.array(head))
    return Met(flow * duty.flows.sum(axis=1), np.array(head), np.array(speeds), power * duty.powers.sum(axis=1))


def sample() -> Sample:
    """A hundred stations that could be the true one."""
    return Sample.of(MODEL, 100, 1)


def test_the_baseline_is_that_of_the_former_ratio_of_speeds_at_the_flow_and_head_met() -> None:
    """Twice: as it was left, and where demand and head have changed since."""
    for scale, head in ((1.0, 35.0), (1.04, 37.0)):
        own = met([[0.85 * scale, 0.95 * scale]], [head])
        found = baseline(sample(), UNEVEN, own)

        assert found.doubts == [None]
        assert found.power[0] == pytest.approx(own.power[0], rel=1e-5)


SURE = station([Learnt("a", doubt=1e-6), Learnt("b", doubt=1e-6)], noise=0.0)
SEEN = (((0.7, 1.0),) * 5,) * 2  # at whatever flow


def test_what_the_form_misses_of_the_former_pumps_is_in_the_draws_the_same_in_every_cell() -> None:
    """1 % of either pump's power, one error for as long as they run at a duty: an hour more makes it no smaller."""
    missed = replace(SURE, basis=replace(SURE.basis, misfit=Misfit(works=(0.01, 0.01), bands=SEEN)))
    own = met([[0.85, 0.95]] * 3, [35.0] * 3)

    found = baseline(Sample.of(missed, 400, 1), UNEVEN, own)

    each = SURE.duty([0.85, 0.95], 35.0).powers
    assert found.draws.std(axis=0) == pytest.approx(np.full(3, 0.01 * np.hypot(*each)), rel=0.35)
    assert np.ptp(found.draws, axis=1).max() < 1e-3 * found.power[0]


def test_parameters_are_as_uncertain_as_points_that_are_off_together_leave_them() -> None:
    """Four times the variance is twice the spread."""
    own = met([[0.9, 0.9]], [35.0])
    lacking = replace(MODEL, basis=replace(MODEL.basis, misfit=replace(MODEL.basis.misfit, lack=4.0)))

    usual, wider = (baseline(Sample.of(one, 100, 1), UNEVEN, own).draws.std() for one in (MODEL, lacking))

    assert wider == pytest.approx(2.0 * usual)


def test_what_lasts_for_a_time_is_one_error_throughout_an_advice() -> None:
    """1 % of the power, in each cell the same."""
    own = met([[0.9, 0.9]] * 4, [35.0] * 4)
    lasting = replace(SURE, basis=replace(SURE.basis, misfit=replace(SURE.basis.misfit, lasts=0.01)))
    tally = Tally()

    tally.add(baseline(Sample.of(lasting, 100, 1), UNEVEN, own), own.power, np.zeros(4), 0.5)

    assert tally.std == pytest.approx(0.01 * tally.baseline_kwh, rel=0.01)


def test_each_draw_is_trimmed_to_the_same_flow() -> None:
    """Power at given speeds varies more among the draws than power at a given flow: the flow is known."""
    own = met([[0.9, 0.9]], [35.0])
    found = baseline(sample(), UNEVEN, own)

    for draw, power in zip(sample().stations[:5], found.draws[:5, 0], strict=True):
        scales = np.linspace(0.9, 1.1, 4_001)
        duty = draw.duty(scales[:, np.newaxis] * np.array([0.85, 0.95]), np.full(4_001, 35.0))
        assert power == pytest.approx(np.interp(own.flow[0], duty.flows.sum(axis=1), duty.powers.sum(axis=1)), rel=1e-4)


@pytest.mark.parametrize(
    ("former", "speeds", "head", "doubt"),
    [
        (Former({"a": 0.9}, ALONE), [0.9, 0.9], 35.0, "too_much"),  # one pump never delivers what two do
        (Former({"a": 0.9, "b": 0.9}, {"a": (0.88, 1.0), "b": (0.88, 1.0)}), [0.9, 0.0], 35.0, "too_little"),
        (Former({"a": 1.0, "b": 1.0}, {}), [0.9, 0.0], 35.0, "too_little"),  # fixed: a third of the time
        (Former({"a": 0.9}, {}), [0.0, 0.95], 35.0, "too_much"),  # fixed, and would have to run longer than always
        (Former({"a": 0.9, "c": 0.9}, ALONE), [0.9, 0.0], 35.0, "not_learnt"),  # a pump without a curve
        (Former({"a": 0.9, "b": 0.9}, BANDS), [0.9, 0.0], 40.0, "not_learnt"),  # two at low flow, never seen
    ],
)
def test_what_the_former_operation_could_not_do_or_was_never_seen_to_do_is_told(
    former: Former, speeds: list[float], head: float, doubt: str
) -> None:
    """No saving is claimed against an operation that nobody could have run."""
    assert baseline(sample(), former, met([speeds], [head])).doubts == [doubt]


@pytest.mark.parametrize(
    ("seen", "doubt"),
    [
        ({}, None),
        ({"works": ()}, "not_learnt"),  # as an older version has kept it
        ({"works": (0.01, np.nan)}, "not_learnt"),
        ({"works": (np.nan, 0.01)}, "not_learnt"),
        ({"lasts": np.nan}, "not_learnt"),
    ],
)
def test_what_is_not_known_to_be_missed_is_not_taken_for_nothing(seen: dict[str, Any], doubt: str | None) -> None:
    """A saving is claimed only by a model of which all errors are known."""
    model = replace(MODEL, basis=replace(MODEL.basis, misfit=replace(MODEL.basis.misfit, **seen)))

    assert baseline(Sample.of(model, 100, 1), UNEVEN, met([[0.9, 0.9]], [35.0])).doubts == [doubt]


def test_what_is_missed_of_a_pump_that_did_not_run_need_not_be_known() -> None:
    """The former operation was of the other one alone."""
    seen = replace(MODEL.basis.misfit, works=(0.01, np.nan))
    model = replace(MODEL, basis=replace(MODEL.basis, misfit=seen))

    found = baseline(Sample.of(model, 100, 1), Former({"a": 0.9}, ALONE), met([[0.9, 0.0]], [35.0]))

    assert found.doubts == [None]


def test_a_set_without_drives_runs_for_a_share_of_the_time() -> None:
    """Half the flow takes half its energy."""
    former = Former({"a": 0.95}, {})
    one = met([[0.95, 0.0]], [35.0])
    less = met([[0.0, 0.9]], [35.0])

    found = baseline(sample(), former, less)

    assert found.doubts == [None]
    assert found.power[0] == pytest.approx(one.power[0] * less.flow[0] / one.flow[0])


@pytest.mark.parametrize("shown", [(1.1, 1.0), (1.0, 0.9)])
def test_meters_that_the_curves_cannot_explain_are_not_compared(shown: tuple[float, float]) -> None:
    """A tenth more flow would be a tenth more saved."""
    found = baseline(sample(), UNEVEN, met([[0.9, 0.9]], [35.0], flow=shown[0], power=shown[1]))

    assert found.doubts == ["not_explained"]


def test_a_tally_is_the_same_however_it_is_put_together() -> None:
    """Draw by draw and not deviation by deviation: an error that lasts does not average out."""
    own = met([[0.9, 0.9], [0.91, 0.91], [0.9, 0.0]], [35.0, 36.0, 35.0])
    prices = np.array([0.2, 0.3, 0.3])
    whole, parts = Tally(), Tally()
    whole.add(baseline(sample(), UNEVEN, own), own.power, prices, 0.5)
    for place in range(3):
        part = Met(*(values[[place]] for values in (own.flow, own.head, own.speeds, own.power)))
        parts.add(baseline(sample(), UNEVEN, part), part.power, prices[[place]], 0.5)

    assert parts.hours == whole.hours == 1.0  # the third cannot be compared
    assert parts.kwh == pytest.approx(whole.kwh)
    assert parts.std == pytest.approx(whole.std)
    assert parts.money == pytest.approx(whole.money)
    assert parts.money_std == pytest.approx(whole.money_std)


def test_twice_the_time_is_twice_the_deviation() -> None:
    """What is not known of the curves is the same error in every hour."""
    own = met([[0.9, 0.9]] * 2, [35.0] * 2)
    found = baseline(sample(), UNEVEN, own)
    once, twice = Tally(), Tally()
    once.add(found, own.power, np.zeros(2), 0.5)
    for _ in range(2):
        twice.add(found, own.power, np.zeros(2), 0.5)

    assert twice.std == pytest.approx(2 * once.std, rel=0.03)  # all but the meters' noise


def test_what_lasts_for_a_time_and_what_the_meters_scatter_count_beside_the_draws() -> None:
    """Three errors of which none is another's part."""
    draws = [-3.0, 0.0, 3.0]

    assert Errors(draws).std == pytest.approx(3.0)
    assert Errors(draws, residual=4.0).std == pytest.approx(5.0)
    assert Errors(draws, residual=4.0, noise=144.0).std == pytest.approx(13.0)


def test_errors_of_two_advices_add_up_only_where_a_station_is_wrong_in_both() -> None:
    """What is too much here in the very stations in which it is too little there is known of both together."""
    once, again, opposed = [-3.0, 0.0, 3.0], [-1.0, 0.0, 1.0], [3.0, 0.0, -3.0]

    assert Errors(once).plus(Errors(again)).std == pytest.approx(4.0)
    assert Errors(once).plus(Errors(opposed)).std == pytest.approx(0.0)
    assert Errors(once, noise=16.0).plus(Errors()).std == pytest.approx(5.0)
    assert Errors().plus(Errors(once)).std == pytest.approx(3.0)
    assert Errors(residual=3.0).plus(Errors(residual=4.0)).std == pytest.approx(5.0)  # each time's own
    assert Errors(once).plus(Errors([-4.0, 0.0, 0.0, 4.0], noise=16.0 / 3)).std == pytest.approx(5.0)  # others


def test_cells_that_are_all_in_doubt_leave_a_tally_as_it_is() -> None:
    """Where a covariance is out of hand there are fewer draws than before, and nothing is claimed."""
    own = met([[0.9, 0.9]], [35.0])
    tally = Tally()
    tally.add(baseline(sample(), UNEVEN, own), own.power, np.zeros(1), 1.0)
    before = tally.std
    few = baseline(replace(sample(), stations=sample().stations[:7]), UNEVEN, own)

    tally.add(few, own.power, np.zeros(1), 1.0)

    assert few.doubts == ["not_learnt"]
    assert (tally.hours, tally.std) == (1.0, before)
