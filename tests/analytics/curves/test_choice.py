"""Which method is believed, and why it says so."""

from functools import partial

import numpy as np
import pytest
from numpy.typing import ArrayLike

from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.choice import Candidates, choose
from analytics.curves.methods.duty import DutyPoints, Prediction
from analytics.curves.methods.learners import SampledCurve
from analytics.curves.methods.physics import judged_flows, physics
from analytics.curves.methods.sample import FlowSample
from tests.analytics.curves.pump import BEP, catalogue, efficiency, head, points, power


class Waving:
    """The true pump with a wave on its head that no reading sees, and none where they are."""

    name = "waving"

    def update(self, points: DutyPoints) -> None:
        """Nothing to learn."""

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """Right between 60 and 110 %, rising beyond."""
        q, n = np.broadcast_arrays(np.asarray(flow, np.float64), np.asarray(speed, np.float64))
        lifted = head(q, n) + 0.5 * np.maximum(q / n - 1.12 * BEP, 0.0)
        none = np.zeros(q.shape)
        return Prediction(lifted, none, power(q, n), none, efficiency(q, n), none)


def test_a_method_that_remembers_loses_to_one_that_knows_pumps() -> None:
    """On rows left out at random a forest is as good as anything; on ranges of flow left out it is not."""
    makers = {"random forest": lambda: SampledCurve("random forest"), **candidates(learners=False)}

    choice = choose(points(120), makers)

    assert choice.method.name == "physics"
    errors = {each.name: each.error for each in choice.trials}
    assert errors["random forest"] > 3.0 * errors["physics"]
    assert choice.reason.startswith("physics misses flow ranges it has not seen by 0.")


def test_the_best_is_vetoed_where_no_pump_has_its_curve() -> None:
    """It is the truth itself wherever there are readings, so any error measured on them is least."""
    choice = choose(points(400), {"waving": Waving, **candidates(learners=False)})

    waving = next(each for each in choice.trials if each.name == "waving")
    assert waving.error < choice.trial.error
    assert choice.method.name != "waving"
    assert "no pump has the curve of waving (its head rises right of its peak)" in choice.reason


class Told:
    """A pump that is known, whatever its readings say."""

    name = "told"

    def update(self, points: DutyPoints) -> None:
        """Nothing to learn."""

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """The truth."""
        q, n = np.broadcast_arrays(np.asarray(flow, np.float64), np.asarray(speed, np.float64))
        none = np.zeros(q.shape)
        return Prediction(head(q, n), none, power(q, n), none, efficiency(q, n), none)


class Followed(Told):
    """Parabolas through all readings as they are, which the noise of the flow flattens."""

    name = "followed"

    def __init__(self, points: DutyPoints) -> None:
        self._curves = [np.polynomial.Polynomial.fit(points.flow, each, 2) for each in (points.head, points.power)]

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """As at rated speed, of any *speed*."""
        q = np.broadcast_arrays(np.asarray(flow, np.float64), speed)[0]
        said, none = [curve(q) for curve in self._curves], np.zeros(q.shape)
        return Prediction(said[0], none, said[1], none, efficiency(q), none)


def test_near_one_duty_the_true_curve_is_not_held_for_worse_than_one_that_noise_has_flattened() -> None:
    """Held against the readings as they are the flattened one is nearer, as it was made to be: it has seen them all."""
    told, followed = [], []
    for seed in range(4):
        seen = points(1600, low=0.9, high=1.0, noise=0.015, seed=seed)
        makers: Candidates = {"physics": candidates()["physics"], "told": Told, "followed": partial(Followed, seen)}
        found = choose(seen, makers)
        errors = {each.name: each.error for each in found.trials}
        told.append(errors["told"])
        followed.append(errors["followed"])

    assert np.mean(told) < 0.85 * np.mean(followed)


def test_advice_rests_on_the_best_of_those_that_know_pumps() -> None:
    """A method that knows none may win what is published; the veto holds for both."""
    found = choose(points(400), {"told": Told, **candidates(learners=False)})
    only = choose(points(400), {"told": Told})

    assert found.method.name == "told"
    assert found.advising is not None
    assert found.advising.name == "physics"
    assert only.advising is None


def test_near_one_duty_no_method_wins_that_follows_the_flow_meters_noise() -> None:
    """Readings left out have the same noise as those learnt from, so no trial on them can tell."""
    found = choose(points(400, low=0.95, high=1.0, noise=0.015), {"told": Told, **candidates(learners=False)})

    assert found.method.name == "physics"
    assert "; told would follow the flow meter's noise so near one duty" in found.reason
    assert all("told" not in each.name for each in found.trials if each.is_sound)


class Mute(Told):
    """It has no power to tell."""

    name = "mute"

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """Not even where it was measured."""
        said = super().predict(flow, speed)
        return said._replace(power=np.full_like(said.power, np.nan))


def test_a_method_without_a_value_is_said_to_have_none_and_stands_last() -> None:
    """An error that is no number would stand anywhere in their order, and make that of the ensemble none either."""
    found = choose(points(400), {"mute": Mute, **candidates(learners=False)})
    alone = choose(points(400), {"mute": Mute})

    assert [each.name for each in found.trials][-1] == "mute"
    assert {each.name: np.isfinite(each.error) for each in found.trials}["ensemble"]
    assert "; nothing is told there by mute" in found.reason
    assert alone.reason == "mute is the most like a pump's"


def test_how_well_the_power_is_told_is_said_apart() -> None:
    seen = points(400)
    unmetered = DutyPoints(seen.flow, seen.head, np.full(400, np.nan), seen.speed)

    trial = choose(seen, candidates(learners=False)).trial

    assert 0.5 < trial.power.r2 < 1.0
    assert trial.power.rmse == pytest.approx(0.011 * float(seen.power.mean()), rel=0.25)
    assert np.isnan(choose(unmetered, candidates(learners=False)).trial.power.r2)


def test_a_catalogue_that_fits_is_preferred() -> None:
    choice = choose(points(400, worn=0.05), candidates(catalogue(), learners=False))

    assert choice.method.name == "catalogue"
    assert choice.trial.head.r2 > 0.9
    assert choice.trial.head.mae <= choice.trial.head.rmse <= choice.trial.head.worst


def test_too_few_points_are_refused_with_their_number() -> None:
    with pytest.raises(ValueError, match="12 points are too few"):
        choose(points(12), candidates(learners=False))


def test_a_real_curve_has_full_marks_and_each_fault_costs_its_own() -> None:
    q = judged_flows(0.6 * BEP, 1.1 * BEP)
    good = physics(head(q), power(q), efficiency(q))
    rising = physics(head(q) + 0.4 * np.maximum(q - BEP, 0.0), power(q), efficiency(q))
    dented = physics(head(q), power(q), efficiency(q) - 0.05 * np.exp(-(((q - BEP) / 10.0) ** 2)))
    perpetual = physics(head(q), 0.5 * power(q), 2.0 * efficiency(q))
    negative = physics(head(q) - 40.0, power(q), efficiency(q))

    assert (good.score, good.is_vetoed) == (1.0, False)
    assert rising.falling < 0.98
    assert dented.peaked < 0.98
    assert perpetual.efficient < 0.98
    assert negative.positive < 0.98
    assert all(each.is_vetoed for each in (rising, dented, perpetual, negative))


def test_a_sample_keeps_what_is_rare() -> None:
    """Ten readings at 140 % among ten thousand at one duty: a sample at random would keep none of them."""
    sample = FlowSample(200)
    sample.add(points(10, low=1.39, high=1.41))

    for seed in range(10):
        sample.add(points(1000, seed=seed, low=0.9, high=1.0))

    assert len(sample.points) == 200
    assert (sample.points.flow > 1.3 * BEP).sum() == 10


def test_a_sample_that_forgets_is_mostly_recent() -> None:
    sample = FlowSample(200, memory=500.0)

    for seed in range(10):
        sample.add(points(500, seed=seed, worn=0.1 if seed < 8 else 0.0))

    worn = sample.points.head < 0.95 * head(sample.points.flow)
    assert worn.mean() < 0.25
