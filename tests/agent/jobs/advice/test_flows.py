"""The flows that a pump may deliver, from the configuration to its limits."""

from math import inf
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.jobs.advice.limits import limits_of
from agent.jobs.advice.situation import Header
from agent.jobs.job import JobContext
from agent.plant import PumpSettings
from tests.agent.history import START_MS, history
from tests.agent.jobs.test_dispatch import PLANT, TAGS


@pytest.mark.parametrize(
    ("keys", "flows"),
    [({"flow_min": 60.0, "flow_max": 300.0}, (60.0, 300.0)), ({"flow_min": 60.0}, (60.0, inf)), ({}, (0.0, inf))],
)
def test_the_flows_of_the_sheet_are_limits_of_advice_and_schedule(
    tmp_path: Path, keys: dict[str, Any], flows: tuple[float, float]
) -> None:
    """One place for both."""
    plant = {**PLANT, "pump": [{**PLANT["pump"][0], **keys}]}
    with history(tmp_path, TAGS, **plant) as past, past.reader() as reader:
        header = Header(JobContext(past.settings, reader, 0, None, START_MS), past.settings.headers[0])

        limits = limits_of(header.context, header.pumps[0], 0.0)

    assert limits.flows == flows


def test_flows_that_contradict_each_other_are_refused() -> None:
    """Swapped, as a rule."""
    with pytest.raises(ValidationError, match="not below flow_max"):
        PumpSettings.model_validate({"id": "p1", "header": "main", "power": "p", "flow_min": 300.0, "flow_max": 60.0})
