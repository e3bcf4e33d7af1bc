"""Figures of an advice as they are published."""

from pathlib import Path

import pytest

from agent.jobs.advice.recommendation import Occasion, recommendation
from analytics.dispatch.advice import Advice
from analytics.dispatch.saving import Saving
from tests.agent.history import history
from tests.agent.jobs.test_dispatch import PLANT, TAGS


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
