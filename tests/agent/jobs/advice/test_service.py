"""A tag of SCADA's says that a pump may not be run: advice and schedule keep off it, and say so."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.jobs.advice.limits import Service, service
from agent.jobs.job import JobContext
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_dispatch import MINUTE_MS, PLANT, TAGS, advise, learnt, operate

NOW_MS = START_MS + 5 * MINUTE_MS
PUMPS = [PLANT["pump"][0], {**PLANT["pump"][1], "available": "b.in_service"}]
STRAINED = {"a": 49.9}  # Hz; with b beside it the same flow takes less
BOTH = {"a": 44.8, "b": 44.8}


def advised(folder: Path, value: float | None, speeds: dict[str, float]) -> dict[str, Any]:
    """The recommendation where the tag shows *value*; infinite: bad, None: nothing for ten minutes."""
    with station(folder) as past:
        past.perform("curves", learnt, START_MS)
        operate(past, speeds, 5)
        shown, start_ms = (1.0, START_MS - 10 * MINUTE_MS) if value is None else (value, START_MS)
        past.series("b.in_service", [shown] * 60, start_ms=start_ms, step_ms=5_000)
        return advise(past, 5)[0]


def station(folder: Path) -> Any:
    """The two pumps, the second of which SCADA can take out of service."""
    return history(folder, {**TAGS, "b.in_service": {"period": 5}}, **{**PLANT, "pump": PUMPS})


def runs(advice: dict[str, Any], pump: str) -> bool:
    """Whether the advice has it run."""
    return any(one["id"] == pump and one["run"] for one in advice["pumps"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.0, None),
        (0.0, "b is not available: b.in_service is 0."),
        (float("inf"), "b stays off: it is not known whether b is available: b.in_service has no good value now."),
        (None, "b stays off: it is not known whether b is available: b.in_service has no good value now."),
    ],
)
def test_a_pump_is_started_only_while_its_tag_says_that_it_may_be(
    tmp_path: Path, value: float | None, said: str | None
) -> None:
    """Whoever has locked it out for work did not change our configuration for it."""
    advice = advised(tmp_path, value, STRAINED)

    assert runs(advice, "b") == (said is None)
    assert [one for one in advice["reasons"] if "in_service" in one] == ([] if said is None else [said])


def test_a_pump_that_runs_out_of_service_is_named_and_one_nobody_knows_of_goes_on(tmp_path: Path) -> None:
    """A signal that is lost is no word against it."""
    (tmp_path / "out").mkdir()
    out, lost = advised(tmp_path / "out", 0.0, BOTH), advised(tmp_path, float("inf"), BOTH)

    assert out["why"].startswith("b runs, but is not available.")
    assert not runs(out, "b")
    assert "available" not in lost["why"]


def asked(past: History) -> Service:
    """What is known of the second pump now."""
    with past.reader() as reader:
        return service(JobContext(past.settings, reader, 0, None, NOW_MS), past.settings.pumps[1])


def test_a_tag_that_hardly_moves_is_believed_for_as_long_as_one_stands_for_the_present(tmp_path: Path) -> None:
    """A minute here, as other inputs of advice are."""
    with station(tmp_path) as past:
        past.series("b.in_service", [1.0], start_ms=NOW_MS - 59_000)
        young = asked(past)
    (tmp_path / "old").mkdir()
    with station(tmp_path / "old") as past:
        past.series("b.in_service", [1.0], start_ms=NOW_MS - 61_000)
        old = asked(past)

    assert (young.is_out, old.is_out) == (False, None)


def test_a_tag_that_is_stored_as_it_changes_is_believed_until_its_heartbeat_is_missed(tmp_path: Path) -> None:
    """Ten minutes without a reading are as they should be there; a quarter of an hour is silence."""
    told = {**TAGS, "b.in_service": {"period": 5, "store": "exception", "heartbeat": 600}}
    with history(tmp_path, told, **{**PLANT, "pump": PUMPS}) as past:
        past.series("b.in_service", [1.0], start_ms=NOW_MS - 599_000)
        young = asked(past)
    (tmp_path / "old").mkdir()
    with history(tmp_path / "old", told, **{**PLANT, "pump": PUMPS}) as past:
        past.series("b.in_service", [1.0], start_ms=NOW_MS - 900_000)
        old = asked(past)

    assert (young.is_out, old.is_out) == (False, None)


def test_it_is_a_tag_or_a_plain_word(tmp_path: Path) -> None:
    """As before."""
    with station(tmp_path) as past:
        said = json.loads(past.settings.model_dump_json(by_alias=True))

    assert [pump["available"] for pump in said["pump"]] == [True, "b.in_service"]
