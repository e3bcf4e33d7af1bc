"""Gaps in which something new happened, told by curves; and all the others, which are not."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.gaps.gap import COVERAGE_90, Gap, Window
from analytics.gaps.linear import Line
from analytics.gaps.modelled import Model, Modelled

Floats = NDArray[np.float64]
SIZE = 1_000
GAP = Gap(700, 760)
NEW = slice(715, 745)  # in which another pump runs


def truth(seed: int = 1) -> Floats:
    """A flow that breathes, and for half a minute half as much again."""
    random = np.random.default_rng(seed)
    found = 100.0 + 3.0 * np.sin(np.arange(SIZE) / 40.0) + random.normal(0.0, 0.5, SIZE)
    found[NEW] += 50.0
    return found


def curves(seed: int = 2) -> Model:
    """As truth, but for 2 too much, which is what they are sure to."""
    random = np.random.default_rng(seed)
    found = 102.0 + 3.0 * np.sin(np.arange(SIZE) / 40.0) + random.normal(0.0, 0.5, SIZE)
    found[NEW] += 50.0
    return Model(found, np.full(SIZE, 1.0))


def window(values: Floats, gap: Gap = GAP) -> Window:
    """What was measured of it."""
    seen = values.copy()
    seen[gap.begin : gap.end] = np.nan
    return Window(seen)


def test_what_is_new_is_told_by_the_curves_corrected_at_both_ends() -> None:
    """Lines and companions of the recent past know nothing of the pump; curves are 2 above the meter all the time."""
    seen = window(truth())

    found = Modelled(seen, curves(), Line(seen)).fill(GAP)

    errors = np.abs(found.values - truth()[GAP.begin : GAP.end])
    assert found.method == "physics"
    assert errors.mean() < 0.8
    assert 0.85 <= np.mean(errors <= COVERAGE_90 * found.std) <= 1.0
    assert found.std.max() <= 1.0


def test_usual_gaps_are_left_to_what_artificial_gaps_have_judged() -> None:
    """A curve that is noisier than the tag's own past is no better for being physics."""
    seen, gap = window(truth(), Gap(500, 560)), Gap(500, 560)

    assert Modelled(seen, curves(), Line(seen)).fill(gap).method == "linear"


def test_what_the_window_has_often_seen_is_not_new() -> None:
    """A pump that starts every two minutes: artificial gaps have held its starts, too."""
    often = np.where(np.arange(SIZE) // 30 % 4 == 2, 50.0, 0.0)
    seen, model = window(truth() + often), curves()
    model = replace(model, values=model.values + often)

    assert Modelled(seen, model, Line(seen)).fill(GAP).method == "linear"


@pytest.mark.parametrize("where", [GAP.begin - 1, 720, GAP.end])
def test_curves_that_do_not_know_all_of_a_gap_say_nothing_of_it(where: int) -> None:
    """Half a gap by curves would end where they do, in a step that nobody made."""
    seen, model = window(truth()), curves()
    model.values[where] = np.nan

    assert Modelled(seen, model, Line(seen)).fill(GAP).method == "linear"


def test_curves_that_contradict_what_was_read_around_a_gap_are_not_believed_in_it() -> None:
    """A meter with another scale since yesterday, or a pump with another impeller."""
    seen, model = window(truth()), curves()
    model.values[GAP.begin - 40 :] += 9.0

    assert Modelled(seen, model, Line(seen)).fill(GAP).method == "linear"


def test_curves_are_no_surer_than_they_have_been_of_late() -> None:
    """They claim 1; the meter has wandered about them by 5 all the time."""
    random = np.random.default_rng(7)
    seen = window(truth())
    model = replace(curves(), values=curves().values + random.normal(0.0, 5.0, SIZE))
    model.values[NEW] += 100.0

    found = Modelled(seen, model, Line(seen)).fill(GAP)

    assert found.method == "physics"
    assert found.std.min() > 4.0


def test_curves_give_nothing_impossible() -> None:
    """A gauge ends at 130; and no flow is below nothing because a curve is."""
    seen = replace(window(truth()), valid=(0.0, 130.0))
    below = replace(curves(), values=curves().values - 2.0 * np.where(np.arange(SIZE) == 730, curves().values, 0.0))

    assert Modelled(seen, curves(), Line(seen)).fill(GAP).values.max() == 130.0
    assert Modelled(window(truth()), below, Line(seen)).fill(GAP).values.min() == 0.0


def test_an_open_gap_waits() -> None:
    """Its other end tells whether curves fit."""
    seen = window(truth(), Gap(900, SIZE))

    assert len(Modelled(seen, curves(), Line(seen)).fill(Gap(900, SIZE)).values) == 0
