"""Losses against a reference, and their causes: true pumps that wear beside meters that drift."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.points import Points
from analytics.wear.cause import Cause, likeliest
from analytics.wear.losses import Belief, Losses, losses
from analytics.wear.reference import Reference
from tests.analytics.wear.station import SETS, Drift, day, references

NOTHING = (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def known() -> list[Reference]:
    """Learnt of a day as it was."""
    return references(day(0, np.random.default_rng(7)))


def looked(known: list[Reference], points: Points) -> tuple[Losses, Cause]:
    """One day's verdict, far from the beginning."""
    found = losses(points, known, Belief.first(3).after(30.0))
    spread = np.array([one.head_std for one in known] + [one.power_std for one in known])
    return found, likeliest(found, spread, None)


def test_a_pump_that_lost_head_is_named_and_measured(known: list[Reference]) -> None:
    """Only the header's flow is metered: which of the pumps it is follows from sets that change, and from powers."""
    for index in range(3):
        lost = tuple(0.04 * (place == index) for place in range(3))

        found, why = looked(known, day(40, np.random.default_rng(index), lost))

        assert (why.kind, why.pumps) == ("wear", (index,))
        assert 100.0 * found.head == pytest.approx(100.0 * np.array(lost), abs=0.9)
        assert 100.0 * found.efficiency[index] == pytest.approx(4.0, abs=1.2)


def test_a_pump_with_its_own_flow_meter_is_followed_within_three_tenths_of_a_point() -> None:
    """A third of a point a day, against a reference that a running mean would have followed."""
    rng = np.random.default_rng(11)
    metered = references(day(0, rng, is_metered=True))
    belief = Belief.first(3)
    for number in (3, 6, 9, 12, 15):
        lost = (0.0033 * number, 0.0, 0.0)

        found = losses(day(number, rng, lost, is_metered=True), metered, belief.after(3.0))

        belief = found.belief
        assert 100.0 * found.head == pytest.approx(100.0 * np.array(lost), abs=0.3)


@pytest.mark.parametrize("error", [-0.05, 0.05])
@pytest.mark.parametrize("kind", ["head_sensor", "flow_meter"])
def test_a_meter_that_drifts_is_named_and_the_pumps_are_acquitted(
    known: list[Reference], kind: str, error: float
) -> None:
    """Each pump by itself would look worn, or better than new."""
    drift = Drift(head=error) if kind == "head_sensor" else Drift(flow=error)

    _, why = looked(known, day(40, np.random.default_rng(3), drift=drift))

    assert (why.kind, why.pumps) == (kind, ())
    assert why.error == pytest.approx(error, abs=0.01)
    assert np.abs(why.head).max() < 0.012


def test_a_power_meter_that_shows_too_little_is_no_pump_that_got_better(known: list[Reference]) -> None:
    _, why = looked(known, day(40, np.random.default_rng(3), drift=Drift(power=-0.05)))

    assert (why.kind, why.pumps) == ("power_meter", (0,))


def test_pumps_as_they_were_have_nothing(known: list[Reference]) -> None:
    """However many days one looks: a wrong implementation that names every noise would here."""
    for seed in range(4):
        assert looked(known, day(40, np.random.default_rng(seed)))[1].kind == "nothing"


def test_wear_that_does_not_stop_is_seen_before_the_reference_alone_could_tell(known: list[Reference]) -> None:
    """What the reference missed from the beginning is in the first days too."""
    first = losses(day(1, np.random.default_rng(1)), known, Belief.first(3)).belief
    found = losses(day(9, np.random.default_rng(2), (0.018, 0.0, 0.0)), known, first.after(8.0))
    unsure = np.full(6, 0.01)

    alone, beside = likeliest(found, unsure, None), likeliest(found, unsure, first)

    assert (alone.kind, beside.kind, beside.pumps) == ("nothing", "wear", (0,))


def test_a_pump_alone_that_gains_has_a_wrong_sensor_and_one_that_loses_is_worn(known: list[Reference]) -> None:
    """No neighbour tells them apart; but no wear makes a pump better."""
    kinds = []
    for error in (-0.05, 0.05):
        points = day(40, np.random.default_rng(5), drift=Drift(head=error), sets=[(0,)])
        kinds.append(looked(known, points)[1].kind)

    assert kinds == ["wear", "head_sensor"]


def test_a_pump_without_a_reference_is_passed_over_and_hides_no_other(known: list[Reference]) -> None:
    """Sets in which it runs say nothing of the flow."""
    found = losses(
        day(40, np.random.default_rng(1), (0.04, 0.0, 0.0)), [known[0], None, known[2]], Belief.first(3).after(30.0)
    )

    assert found.points[1] == 0
    assert 100.0 * found.head[0] == pytest.approx(4.0, abs=0.9)


def test_without_power_meters_heads_are_told_all_the_same(known: list[Reference]) -> None:
    """Nothing is known of the efficiency then, and nothing of it is NaN, which no record could hold."""
    points = day(40, np.random.default_rng(1), (0.04, 0.0, 0.0))
    points = replace(points, powers=np.full(points.powers.shape, np.nan))
    blind = [replace(one, powers=(), power_std=0.0) for one in known]

    found, why = looked(blind, points)

    assert (why.kind, why.pumps) == ("wear", (0,))
    assert np.isfinite(found.belief.mean).all()
    assert 100.0 * found.head[0] == pytest.approx(4.0, abs=0.9)


def test_outside_the_range_of_the_reference_nothing_is_said(known: list[Reference]) -> None:
    """There the reference is a guess."""
    narrow = [
        Reference(one.flows, one.heads, one.powers, one.constant, (1.0, 2.0), one.speed_range, 0.0, 0.0)
        for one in known
    ]

    found = losses(day(40, np.random.default_rng(1), (0.04, 0.0, 0.0)), narrow, Belief.first(3))

    assert list(found.points) == [0, 0, 0]
    assert list(found.head) == [0.0, 0.0, 0.0]


def test_where_its_meter_says_that_a_pump_is_far_outside_nothing_is_said_whatever_its_head(
    known: list[Reference],
) -> None:
    """A data sheet in l/s that was taken for m³/h: its heads are those of a flow that the pump never has."""
    one = replace(known[0], flows=tuple(0.28 * q for q in known[0].flows), flow_range=(0.0, 0.28 * 1_000.0))
    of_sheet = [one, *known[1:]]

    found = losses(day(40, np.random.default_rng(3), is_metered=True), of_sheet, Belief.first(3).after(30.0))

    assert found.points[0] == 0
    assert found.points[1] > 0


def test_a_head_that_the_reference_has_no_flow_at_says_nothing() -> None:
    """It lies a hair below the end of the reference, with a measured flow inside its range: its flow by head is NaN.

    One such reading must not make the day's losses, and so the belief of all days to come, NaN.
    """
    flow = np.linspace(400.0, 1080.0, 41)
    head = 60.0 - 2e-5 * flow**2
    one = Reference(tuple(flow), tuple(head), (), 0.0, (500.0, 900.0), (0.9, 1.1), 0.003, 0.0)
    n, measured = 60, np.full((60, 1), 890.0)
    heads = np.full(n, 1.02 * head[-1])
    heads[7] = (1.0 - 5e-5) * head[-1]
    runs, powers = np.ones((n, 1)), np.full((n, 1), np.nan)
    points = Points(120_000 * np.arange(n), runs > 0.0, runs, heads, measured[:, 0], powers, measured)
    assert np.isnan(one.flow(heads[7:8], np.ones(1))).all()

    found = losses(points, [one], Belief.first(1).after(1.0))

    without = losses(points.take(np.arange(n) != 7), [one], Belief.first(1).after(1.0))
    assert found.head == pytest.approx(without.head, abs=1e-3)
    assert found.points[0] >= n - 1


def test_of_a_data_sheet_the_falling_part_is_the_reference() -> None:
    """A head that rises to a peak first has two flows; and a sheet without power tells of heads only."""
    sheet = Catalogue(np.array([0.0, 50.0, 100.0, 150.0]), np.array([50.0, 52.0, 48.0, 40.0]))

    found = Reference.of_sheet(sheet)

    assert float(found.flow(48.0, 1.0)) == pytest.approx(100.0)
    assert float(found.head(90.0, 0.9)) == pytest.approx(0.81 * 48.0)
    assert np.isnan(found.flow(53.0, 1.0))
    assert np.isnan(found.power(100.0, 1.0))


def test_a_data_sheet_that_tells_no_power_at_no_flow_is_a_reference_of_power_too() -> None:
    """Sheets of efficiencies begin at 0 m³/h, where these tell no power: wear then had no efficiency and no cost."""
    flow = np.array([0.0, 70.0, 140.0, 210.0, 280.0])
    head, power = 60.0 - 2.5e-4 * flow**2, 16.0 + 0.1 * flow
    most, few = (np.where(flow > least, power, np.nan) for least in (0.0, 150.0))

    found, poor = (Reference.of_sheet(Catalogue(flow, head, told)) for told in (most, few))

    assert (found.flow_range, poor.flow_range) == ((70.0, 280.0), (0.0, 280.0))
    assert float(found.power(126.0, 0.9)) == pytest.approx(0.729 * 30.0)
    assert poor.powers == ()


def test_between_the_points_of_a_sheet_its_reference_is_a_curve() -> None:
    """Straight lines between four points of a parabola would be 1.1 % low there: wear that goes with the duty."""
    flow = np.array([0.0, 100.0, 200.0, 300.0])

    found = Reference.of_sheet(Catalogue(flow, 60.0 - 2.5e-4 * flow**2))

    duties = np.linspace(20.0, 290.0, 10)
    assert found.head(duties, 1.0) == pytest.approx(60.0 - 2.5e-4 * duties**2, rel=1e-3)


def test_what_is_said_to_be_unsure_is_what_days_differ_by(known: list[Reference]) -> None:
    """Too wide, and slow changes are named days later; too narrow, and noise is named."""
    seen = [
        losses(day(number, np.random.default_rng(number)), known, Belief.first(3).after(30.0)) for number in range(12)
    ]

    means = np.array([one.belief.mean for one in seen])
    stated = np.sqrt(np.mean([np.diag(one.belief.covariance) for one in seen], axis=0))

    assert (means.std(axis=0, ddof=1) / stated).max() < 1.6
    assert 0.5 < (means.std(axis=0, ddof=1) / stated).mean() < 1.1


@pytest.mark.parametrize(("demand", "sets"), [("as ever", [(0,), (1, 2)]), ("low", SETS), ("high", SETS)])
def test_another_mix_of_sets_or_of_demand_is_no_wear(
    known: list[Reference], demand: str, sets: list[tuple[int, ...]]
) -> None:
    """The reference misses other duties by other shares: what changes with them has not changed of the pumps."""
    rng = np.random.default_rng(4)
    base = [losses(day(number, rng), known, Belief.first(3).after(30.0)).belief for number in (1, 2, 3)]
    first = Belief(np.mean([one.mean for one in base], axis=0), np.sum([one.covariance for one in base], axis=0) / 9.0)
    spread = np.array([one.head_std for one in known] + [one.power_std for one in known])
    points = day(5, rng, sets=sets)
    if demand != "as ever":
        middle = np.median(points.head)
        points = points.take(points.head < middle if demand == "low" else points.head > middle)

    found = losses(points, known, Belief.first(3).after(30.0))

    assert likeliest(found, spread, first).kind == "nothing"


def unmetered(head: float, std: float) -> Losses:
    """Two like pumps without power meters that have lost the same."""
    belief = Belief(np.array([head, head, 0.0, 0.0]), np.diag([std, std, 0.05, 0.05]) ** 2)
    return Losses(belief, np.array([200, 200]), np.array([-2.0, -2.0]), np.array([0.4, 0.4]))


def test_of_explanations_that_are_as_good_as_each_other_none_is_named_until_it_matters() -> None:
    """Without power a flow meter and a head sensor look alike: a small loss may wait for what tells them apart."""
    little, much = (likeliest(unmetered(head, 0.002), np.zeros(4), None) for head in (0.016, 0.04))

    assert little.kind == "nothing"
    assert much.kind in {"head_sensor", "flow_meter"}
