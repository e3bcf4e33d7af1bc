"""Figures of an advice as they are published."""

from pathlib import Path

import numpy as np
import pytest

from agent.jobs.advice.recommendation import Occasion, recommendation
from analytics.dispatch.advice import Advice
from analytics.dispatch.saving import Saving
from tests.agent.history import history
from tests.agent.jobs.advice.test_required import EVEN, required
from tests.agent.jobs.advice.test_set_changes import FLOW
from tests.agent.jobs.test_dispatch import PLANT, TAGS, advise, operate


@pytest.mark.parametrize("std", [0.4, 4.0, 0.0])
def test_a_saving_of_nothing_has_no_sign(tmp_path: Path, std: float) -> None:
    """A display shows -0.0 as a loss."""
    saving = Saving(present=50.0, proposed=50.000001, proposed_std=std, std=std, delivers=1.0)
    with history(tmp_path, TAGS, **PLANT) as past:
        said = recommendation(
            Advice("change", "b is not available.", flow=100.0, saving=saving),
            None,
            past.settings,
            Occasion("main-1", "main", 1_772_366_400_000, 1_772_367_300_000, 1.0, 0.2),
        )

    assert b"-0.0" not in said.encode()
    assert b'"saving_kw":0.0' in said.encode()


def test_a_saving_that_may_be_anything_has_no_interval(tmp_path: Path) -> None:
    """Of an infinite deviation the advice is still published."""
    saving = Saving(present=50.0, proposed=50.0, proposed_std=np.inf, std=np.inf, delivers=0.0)
    with history(tmp_path, TAGS, tariff={"price": 0.2}, **PLANT) as past:
        said = recommendation(
            Advice("change", "b is not available.", flow=100.0, saving=saving),
            None,
            past.settings,
            Occasion("main-1", "main", 1_772_366_400_000, 1_772_367_300_000, 1.0, 0.2),
        )

    assert said.saving_kw == 0.0
    assert (said.saving_interval_kw, said.saving_per_hour_interval, said.saving_uncertainty_kw) == (None, None, None)


def test_the_journal_expects_no_saving_of_another_flow_as_none_is_measured(tmp_path: Path) -> None:
    """More water takes more power; by the meters it is held against the former pumps at that same flow."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        operate(past, EVEN, 5, wanted_flow=24 * 1.05 * FLOW)
        said, (issued,) = advise(past, 5)

    assert said["saving_kw"] < 0
    assert issued["event"] == "issued"
    assert not {"saving_kw", "saving_uncertainty_kw"} & issued.keys()
