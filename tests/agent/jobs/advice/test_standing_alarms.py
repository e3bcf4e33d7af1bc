"""Alarms that stand against advice, and those that it is there to mend, by the dispatch job over real history."""

from pathlib import Path
from typing import Any

import pytest

from agent.alarms.rulebook import rulebook
from agent.mqtt.payloads import RecommendationEvent
from agent.store.records import Record
from tests.agent.history import START_MS
from tests.agent.jobs.test_dispatch import PLANT, advise, learnt_station, operate, standing

HEADER: dict[str, Any] = {"id": "main", "pressure": ["pressure"], "flow": ["flow"]}
LOW_INLET = {**HEADER, "suction_head": -7.0, "elevation": -7.0}  # 3.1 m are left
A, B = PLANT["pump"]
UNEVEN = {"a": 47.5, "b": 42.5}  # Hz
CAVITATION = "a may cavitate: the pressure at its inlet is too low for its flow"


def cavitating(npsh: float) -> list[dict[str, Any]]:
    """The pumps with so much NPSH needed at 90 m³/h."""
    return [{**pump, "npsh": npsh, "rated_flow": 90.0, "por": [0.0, 3.0]} for pump in (A, B)]


@pytest.mark.parametrize(("npsh", "action"), [(0.55, "change"), (0.1, "none")])
def test_a_cavitation_alarm_leaves_the_advice_that_mends_it(tmp_path: Path, npsh: float, action: str) -> None:
    """It stands because of what the advice is for. Where the pump has enough by its curve nothing there is mended."""
    with learnt_station(tmp_path, header=[LOW_INLET], pump=cavitating(npsh)) as past:
        operate(past, UNEVEN, 5)
        past.record([standing("condition.cavitation.a", "cavitation", CAVITATION, pump="a")])

        advice, _ = advise(past, 5)

    assert advice["action"] == action
    known = "a may cavitate: 3." if action == "change" else "An alarm of a, which runs, stands: a may cavitate"
    assert advice["why"].startswith(known)


def test_a_pump_that_stands_is_not_started_while_its_cavitation_alarm_stands(tmp_path: Path) -> None:
    """A alone at full speed would be relieved by b."""
    with learnt_station(tmp_path) as past:
        operate(past, {"a": 49.0}, 5)
        past.record([standing("condition.cavitation.b", "cavitation", "b may cavitate", pump="b")])

        advice, _ = advise(past, 5)

    assert "b stays off: its alarm stands (b may cavitate)." in advice["reasons"]


def test_an_alarm_of_the_pressure_leaves_the_advice_that_brings_it_back(tmp_path: Path) -> None:
    """3.43 bar where 3.5 are asked: the limit's own alarm stands, as it should."""
    band = {**HEADER, "pressure_min": 3.5, "pressure_max": 3.9}
    limit = {"id": "pressure-low", "tag": "pressure", "low": 3.5}
    with learnt_station(tmp_path, header=[band], limit=[limit]) as past:
        operate(past, {"a": 45.0, "b": 45.0}, 5)
        past.record([standing("pressure-low", "low", "pressure is below 3.5 bar", tag="pressure")])

        advice, _ = advise(past, 5)

    assert advice["action"] == "change"
    assert advice["why"].startswith("The head of 35.0 m is below the 35.7 m that the site allows.")


RULES: dict[str, tuple[dict[str, Any], bool]] = {
    "state": ({"type": "state", "tag": "b.speed", "states": [0]}, True),
    "rate": ({"type": "rate", "tag": "b.power", "fall": 5.0}, True),
    "deviation": ({"type": "deviation", "tag": "b.power", "setpoint": "a.power", "band": 5.0}, True),
    "off": ({"type": "logic", "when": ["b.speed = 0", "a.speed > 40", "flow > 1"]}, True),
    "any": ({"type": "logic", "when": ["b.speed = 0", "b.hours > 9000"], "need": 1}, True),
    "fault": ({"type": "logic", "when": ["b.speed = 0", "b.hours > 9000"]}, False),
    "draws": ({"type": "logic", "when": ["b.power > 10", "flow < 5"]}, False),
    "full": ({"type": "state", "tag": "b.speed", "states": [50]}, False),
    "follows": ({"type": "deviation", "tag": "b.speed", "setpoint": "b.hours", "band": 5.0}, False),
}


def test_a_pump_that_stands_is_left_out_by_alarms_that_say_more_than_that_it_stands(tmp_path: Path) -> None:
    """Else an alarm that its own standing raises would keep it off for ever."""
    rules = [{"id": name, **rule} for name, (rule, _) in RULES.items()]
    limits = [{"id": "low", "tag": "b.power", "low": 2.0}, {"id": "high", "tag": "b.power", "high": 40.0}]
    kinds = {name: str(rule["type"]) for name, (rule, _) in RULES.items()} | {"low": "low", "high": "high"}
    is_free = {name: said for name, (_, said) in RULES.items()} | {"low": True, "high": False}
    with learnt_station(tmp_path, alarm=rules, limit=limits) as past:
        operate(past, {"a": 45.0}, 5)
        found = {}
        for name, kind in kinds.items():
            past.record([standing(name, kind, f"told by {name}", tag="b.power" if kind in {"low", "high"} else None)])
            advice, _ = advise(past, 5)
            found[name] = not any(f"told by {name}" in reason for reason in advice["reasons"])
            past.record([standing(name, kind, "gone", state="RTNUN", active=False)])

    assert found == is_free


def test_the_same_alarm_withholds_advice_while_the_pump_runs(tmp_path: Path) -> None:
    """It then says something that cannot be so."""
    with learnt_station(tmp_path, alarm=[{"id": "b-off", "type": "state", "tag": "b.speed", "states": [0]}]) as past:
        operate(past, UNEVEN, 5)
        past.record([standing("b-off", "state", "b.speed is 0", tag="b.speed")])

        advice, _ = advise(past, 5)

    assert advice["why"] == "An alarm of b, which runs, stands: b.speed is 0."


NAMED: dict[str, tuple[dict[str, Any], str, str]] = {  # the limit, which pump it keeps off advice, and why it does
    "bearing": ({"tag": "b.hours", "high": 80.0, "pump": "b"}, "b", "b-hot"),
    "oil": ({"tag": "b.hours", "low": 1.0, "pump": "b"}, "b", "what it does while b stands, nobody knows"),
    "shared": ({"tag": "a.power", "high": 40.0, "pump": "b"}, "b", "a's meter tells of b here"),
    "nobody's": ({"tag": "b.hours", "high": 80.0}, "", "no pump has that tag, and none is named"),
    "itself": ({"tag": "b.power", "low": 2.0, "pump": "b"}, "", "b draws nothing while it stands"),
}


@pytest.mark.parametrize("case", NAMED)
def test_an_alarm_that_names_a_pump_is_of_that_pump_alone(tmp_path: Path, case: str) -> None:
    """Whatever its tag: a bearing's temperature plays no part in the plant."""
    keys, kept_off, why = NAMED[case]
    limit = {"id": "named", **keys}
    with learnt_station(tmp_path, limit=[limit]) as past:
        (rule,) = (one for one in rulebook(past.settings) if one.rationale.id == "named")
        side = rule.rationale.type
        operate(past, {"a": 49.0}, 5)
        past.record([standing("named", side, why, tag=keys["tag"], pump=rule.rationale.pump)])

        advice, _ = advise(past, 5)

    assert rule.rationale.pump == keys.get("pump")
    assert f"{kept_off} stays off: its alarm stands ({why})." in advice["reasons"] if kept_off else advice["reasons"]
    assert any("stays off" in reason for reason in advice["reasons"]) == bool(kept_off)


def test_an_alarm_that_names_a_running_pump_withholds_its_headers_advice(tmp_path: Path) -> None:
    """And one that names a pump of another header withholds none here, though it looks at a tag of this one."""
    other = {"id": "east", "pressure": ["pressure"], "flow": ["flow"]}
    plant: dict[str, Any] = {"header": [HEADER, other], "pump": [A, B, {"id": "e", "header": "east"}]}
    hot = {"id": "b-hot", "tag": "b.hours", "high": 80.0, "pump": "b"}
    cold = {"id": "e-cold", "tag": "b.power", "low": 30.0, "pump": "e"}
    with learnt_station(tmp_path, **plant, limit=[hot, cold]) as past:
        operate(past, UNEVEN, 5)
        past.record([standing("e-cold", "low", "e-cold", tag="b.power", pump="e")])
        elsewhere, _ = advise(past, 5)
        past.record([standing("b-hot", "high", "b-hot", tag="b.hours", pump="b")])
        here, _ = advise(past, 5)

    assert [one["action"] for one in (elsewhere, here)] == ["change", "none"]
    assert here["why"] == "An alarm of b, which runs, stands: b-hot."


def test_a_rejected_change_says_what_stays_broken_and_no_steps(tmp_path: Path) -> None:
    """Nobody may take the limit for kept because the remedy was not wanted."""
    with learnt_station(tmp_path, header=[LOW_INLET], pump=cavitating(0.55)) as past:
        operate(past, UNEVEN, 5)
        first, _ = advise(past, 5)
        told: dict[str, Any] = {"id": first["id"], "station": "test", "user": "anna", "why": "b is loud"}
        no = RecommendationEvent(ts=START_MS + 330_000, event="rejected", **told)
        past.record([Record("recommendation_event", "", START_MS + 330_000, no.encode())])
        operate(past, UNEVEN, 5, start=5)

        second, _ = advise(past, 7)

    assert (first["action"], second["action"]) == ("change", "none")
    assert second["why"].startswith("a may cavitate: 3.")
    assert second["why"].endswith("The change was rejected by anna: b is loud.")
    assert any("may cavitate" in reason for reason in second["reasons"])
    assert not any(" Hz" in reason for reason in second["reasons"])


@pytest.mark.parametrize("wanted", [True, False])
def test_a_pump_that_must_run_is_named_where_nothing_runs(tmp_path: Path, wanted: bool) -> None:  # noqa: FBT001
    """No demand to serve is no answer to that."""
    with learnt_station(tmp_path, pump=[A, {**B, "must_run": wanted}]) as past:
        operate(past, {}, 5, flow=0.0)

        advice, _ = advise(past, 5)

    first = "b stands, but the site wants it on. " if wanted else ""
    assert advice["why"] == f"{first}No pump runs, so that there is no demand to serve."
