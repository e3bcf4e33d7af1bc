"""What a recommendation says of the system and of other running sets."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from agent.jobs import dispatch, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.state import CurveState, HeaderCurves
from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.agent.history import START_MS, history
from tests.agent.jobs.test_dispatch import HEAD, MODEL, PLANT, PUMPS, TAGS, operate

STATIC = 25.0  # m
SPEEDS = {"a": 45.0, "b": 45.0}  # Hz
FLOW = float(MODEL.duty([0.9, 0.9], HEAD).flows.sum())
RESISTANCE = (HEAD - STATIC) / FLOW**2


def points(head: np.ndarray, n: int, is_alone: np.ndarray | None = None) -> Points:
    """Steady points of both pumps, or of the first one *is_alone*, with flows from a third to the present one."""
    rng = np.random.default_rng(1)
    runs = np.column_stack([np.ones(n, np.bool_), np.ones(n, np.bool_) if is_alone is None else ~is_alone])
    flow = np.linspace(0.3, 1.0, n) * FLOW * rng.normal(1.0, 0.005, n)
    nothing = np.full((n, 2), np.nan)
    speeds = np.tile(np.linspace(0.8, 1.0, n)[:, np.newaxis], 2)
    return Points(START_MS - 600_000 * np.arange(n, 0, -1), runs, speeds, head, flow, nothing, nothing)


def advised(folder: Path, head: np.ndarray) -> dict[str, Any]:
    """The recommendation of a station whose curves rest on points of this *head*."""

    def learnt(context: JobContext) -> Outcome:
        estimator = StationCurves([Plate(pump.id) for pump in PUMPS])
        estimator.update(points(head, len(head)))
        return Outcome(mark=context.mark, state=CurveState(headers={"main": HeaderCurves(estimator, MODEL)}).encode())

    with history(folder, TAGS, **PLANT) as past:
        past.perform("curves", learnt, START_MS)
        operate(past, SPEEDS, 5)
        past.perform("running", running.run, START_MS + 300_000)
        outcome = past.perform("dispatch", dispatch.run, START_MS + 300_000)
    found: dict[str, Any] = json.loads(outcome.records[0].body)
    return found


def test_the_system_and_what_one_pump_less_would_do_are_told(tmp_path: Path) -> None:
    flows = np.linspace(0.3, 1.0, 200) * FLOW

    body = advised(tmp_path, STATIC + RESISTANCE * flows**2)

    assert abs(body["system_static_head"] - STATIC) < 0.3
    assert abs(body["system_resistance"] / RESISTANCE - 1.0) < 0.03
    changes = {tuple(each["pumps"]): each for each in body["set_changes"]}
    assert set(changes) == {("a",), ("b",)}
    alone = changes["a",]
    assert abs(alone["head"] - STATIC - RESISTANCE * alone["flow"] ** 2) < 0.3
    assert abs(float(MODEL.duty([0.9, 0.0], alone["head"]).flows[0]) - alone["flow"]) < 2.0
    assert alone["text"].startswith("With a the header would run at ")


def test_a_header_whose_pressure_is_held_says_that_there_is_none(tmp_path: Path) -> None:
    """Its head does not rise with the flow: what another set would do depends on the controller."""
    body = advised(tmp_path, np.random.default_rng(3).normal(HEAD, 0.02, 200))

    assert "a controller holds it" in body["system_why"]
    assert "set_changes" not in body or body["set_changes"] == []
    assert "system_resistance" not in body
