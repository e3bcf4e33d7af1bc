"""What is published of a pump's flow where no meter says it: modelled, what it is from, and what speaks against it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import running
from tests.agent.history import START_MS, History
from tests.agent.jobs.test_dispatch import HEAD, MODEL, learnt_station, operate

SPEEDS = {"a": 45.0, "b": 45.0}  # Hz
TRUE = MODEL.duty([0.9, 0.9], HEAD)
BAD = np.inf


@pytest.fixture
def past(tmp_path: Path) -> Iterator[History]:
    """Two pumps on one header whose curves are learnt."""
    with learnt_station(tmp_path) as found:
        yield found


def said(past: History) -> dict[str, Any]:
    """The record of pump a after two minutes."""
    outcome = past.perform("running", running.run, START_MS + 120_000)
    (body,) = (record.body for record in outcome.records if (record.kind, record.key) == ("pump", "a"))
    found: dict[str, Any] = json.loads(body)
    return found


def test_it_is_modelled_from_head_and_power_with_its_uncertainty(past: History) -> None:
    operate(past, SPEEDS, 2)

    body = said(past)

    assert (body["flow_source"], body["flow_method"]) == ("modelled", "head and power")
    assert abs(body["flow"] - TRUE.flows[0]) < 2.0 * body["flow_std"]
    assert 0.1 < body["flow_std"] < 0.02 * body["flow"]
    assert "flow_doubt" not in body


def test_without_the_pressure_gauge_it_is_from_power_alone_and_known_to_5_percent_at_best(past: History) -> None:
    operate(past, SPEEDS, 2, pressure=BAD)

    body = said(past)

    assert (body["flow_source"], body["flow_method"]) == ("modelled", "power")
    assert abs(body["flow"] - TRUE.flows[0]) < 1.645 * body["flow_std"]
    assert body["flow_std"] >= 0.05 * body["flow"] - 1e-9
    assert "head" not in body
    assert "efficiency" not in body


def test_without_gauge_and_power_nothing_is_claimed(past: History) -> None:
    operate(past, SPEEDS, 2, pressure=BAD, a_power=BAD)

    body = said(past)

    assert "flow" not in body
    assert "flow_source" not in body


def test_a_header_that_says_otherwise_is_named_and_makes_it_less_sure(past: History) -> None:
    """The pumps' flows together are 370 m³/h; the header's meter says a fifth less."""
    operate(past, SPEEDS, 2, flow=0.8 * float(TRUE.flows.sum()) / 3.6)

    body = said(past)

    assert body["flow_doubt"].startswith("the pumps' flows together are ")
    assert body["flow_std"] > 0.15 * body["flow"]
    assert body["flow_source"] == "modelled"


def test_a_power_that_contradicts_the_head_is_named(past: History) -> None:
    operate(past, SPEEDS, 2, a_power=0.94 * float(TRUE.powers[0]))

    body = said(past)

    assert "by its head it is " in body["flow_doubt"]
    assert body["flow_method"] == "head"
    assert body["flow_std"] > 0.1 * body["flow"]


def test_a_power_that_cannot_be_of_this_head_leaves_the_flow_untold(past: History) -> None:
    """A meter of another pump, or a word order: which of the two is wrong is not known, so no flow is claimed."""
    operate(past, SPEEDS, 2, a_power=0.8 * float(TRUE.powers[0]))

    body = said(past)

    assert "flow" not in body
    assert body["flow_doubt"].startswith("its flow cannot be told: by its head it is ")
