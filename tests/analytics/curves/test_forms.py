"""Pumps that share a flow meter, with data sheets that are right, nearly right, or of other pumps."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.model import StationModel
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from tests.simulators.waterworks import UNLIKE, TruePump, measured, operation


@dataclass(frozen=True, slots=True)
class Bent(TruePump):
    """A pump whose head stays long and then falls fast, as no parabola does."""

    def head(self, flow: Floats, speed: Floats) -> Floats:
        """M, at *flow* m³/h."""
        x = flow / speed / self.best_flow
        return np.asarray(speed**2 * (self.shut_off - (self.shut_off - self.best_head) * x**3.5))


STATION = tuple(Bent(**{each.name: getattr(pump, each.name) for each in fields(TruePump)}) for pump in UNLIKE[:3])
SETS = [(0, 1), (1, 2), (0, 2), (1,)]
POINTS = 300


def sheet(pump: Bent, *, heads: float = 1.0, powers: float = 1.0, steeper: float = 0.0) -> Catalogue:
    """Nine points of *pump*, with heads and powers that are so many times too high, falling faster or slower."""
    flow = np.linspace(0.1, 1.5, 9) * pump.best_flow
    one = np.ones(9)
    bent = 1.0 - steeper * (flow / pump.best_flow - 1.0)
    return Catalogue(flow, heads * bent * pump.head(flow, one), powers * pump.power(flow, one))


def learnt(sheets: Sequence[Catalogue | None], seed: int = 3, points: int = POINTS) -> StationModel:
    rng = np.random.default_rng(seed)
    curves = StationCurves([Plate(f"p{index}", sheet=each) for index, each in enumerate(sheets)])
    curves.update(measured(operation(STATION, SETS, points, rng, step_ms=300_000, every=4), rng))
    model = curves.fit()
    assert model is not None
    return model


def off(model: StationModel, low: float = 0.0, high: float = 1.0) -> Floats:
    """Greatest error of each pump's head, %, between shares of its range of flows."""
    found = []
    for curve, pump in zip(model.curves, STATION, strict=True):
        least, most = curve.flow_range
        flow = least + np.linspace(low, high, 9) * (most - least)
        found.append(np.abs(curve.head(flow, 1.0) / pump.head(flow, np.ones(9)) - 1.0).max())
    return 100.0 * np.array(found)


def test_sheets_of_another_impeller_tell_the_form_and_not_the_level() -> None:
    """8 % off in head: within the data the readings decide, beyond them the sheets' form does."""
    none, sheets = (learnt(own) for own in ([None] * 3, [sheet(pump, heads=1.08) for pump in STATION]))

    assert sheets.basis.form.startswith("the data sheets ")
    assert "also tried: any parabola (" in sheets.basis.form
    assert off(sheets).max() < 1.0
    assert off(sheets, 1.0, 2.0).max() < 0.75 * off(none, 1.0, 2.0).max()


def test_sheets_of_other_pumps_are_not_believed() -> None:
    """Which fall much less than these do; believed as far as readings allow, they would bend the curves by 1.5 %."""
    model = learnt([sheet(pump, steeper=-0.4) for pump in STATION])

    assert model.basis.form.startswith("any parabola stands: ")
    assert model.basis.form.endswith("also tried: the data sheets (the readings contradict them)")
    assert off(model).max() < 1.0


def test_one_wrong_sheet_does_not_take_the_others_with_it() -> None:
    """That of p1 has the power of half the pump."""
    model = learnt([sheet(STATION[0]), sheet(STATION[1], powers=0.5), sheet(STATION[2])])

    assert model.basis.form.startswith("the data sheets without p1, whose the readings contradict, ")
    assert off(model).max() < 1.0


def test_a_sheet_that_ends_before_the_pump_runs_says_nothing() -> None:
    """Nothing is known of where it would go on to; whoever entered l/s as m³/h reads of it."""
    short = [replace(each, flow=each.flow / 3.6) for each in map(sheet, STATION)]

    model, without = learnt(short), learnt([None] * 3)

    asked = "'s data sheet is not used, as the pump runs at flows it does not have: is its unit right?"
    assert model.basis.form == "; ".join(f"p{at}{asked}" for at in range(3))
    np.testing.assert_array_equal(off(model), off(without))


def test_a_sheet_in_another_unit_is_named_where_those_of_others_are_believed() -> None:
    """And is not said to be contradicted by readings."""
    right, other = sheet(STATION[0]), sheet(STATION[2])

    said = learnt([right, replace(sheet(STATION[1]), flow=sheet(STATION[1]).flow / 3.6), other]).basis.form

    assert said.startswith("the data sheets ")
    assert " without " not in said
    assert said.endswith(
        "; p1's data sheet is not used, as the pump runs at flows it does not have: is its unit right?"
    )


def test_what_was_chosen_is_kept_with_the_model_and_may_be_missing() -> None:
    model = learnt([sheet(pump) for pump in STATION], points=120)
    said = model.to_dict()

    assert StationModel.from_dict(said).basis.form == model.basis.form != ""
    del said["basis"]["form"]
    assert StationModel.from_dict(said).basis.form == ""


def test_few_points_are_fitted_without_a_choice_that_nothing_supports() -> None:
    """Nor is there one without a sheet."""
    assert learnt([sheet(pump) for pump in STATION], points=14).basis.form == ""
    assert learnt([None] * 3, points=100).basis.form == ""


def test_few_points_believe_sheets_only_where_they_miss_less() -> None:
    """Of 60 points most parts are too small to be judged: a sheet of flows 30 % too great would be as good there."""
    wide = replace(sheet(STATION[0]), flow=1.3 * sheet(STATION[0]).flow)
    nearly = [sheet(pump, heads=1.08) for pump in STATION]

    for seed in (22, 24):
        assert learnt([wide, None, None], seed, points=60).basis.form.startswith("any parabola misses least: ")
    assert learnt(nearly, 25, points=60).basis.form.startswith("the data sheets miss least: ")


def test_sheets_that_make_curves_which_no_pump_can_have_do_not_win() -> None:
    """Though with the one of these that readings do not contradict less is missed."""
    form = learnt([sheet(pump, steeper=-0.3) for pump in STATION]).basis.form

    assert form.startswith("any parabola stands: ")
    assert form.endswith(" (no pump has such curves)")
