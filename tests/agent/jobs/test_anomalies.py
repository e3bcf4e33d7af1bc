"""The anomalies job over real history: what is normal is learnt, a tag that drifts is named, and nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.alarms.board import Board
from agent.alarms.rulebook import rulebook
from agent.jobs import anomalies, running
from agent.jobs.anomaly_groups import Group
from agent.jobs.job import Outcome
from agent.mqtt.payloads import Anomalies
from agent.store.records import Record
from tests.agent.history import START_MS, History, history

HOUR_MS = 3_600_000
STEP_MS = 10_000
TAGS: dict[str, dict[str, Any]] = {
    "a.power": {"unit": "kW"},
    "b.power": {"unit": "kW"},
    "pressure": {"unit": "m"},
    "flow": {"unit": "m3/h"},
}
POWERS = {pump: f"{pump}.power" for pump in "ab"}
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
    "pump": [{"id": name, "header": "main", "power": tag, "running_power": (4.0, 6.0)} for name, tag in POWERS.items()],
}


@contextmanager
def station(folder: Path) -> Iterator[History]:
    """Two pumps with a power meter each, on one header."""
    with history(folder, TAGS, **PLANT) as past:
        yield past


def operate(past: History, begin: float, end: float, *, b_runs: bool = False, **off: float) -> None:
    """Demand that moves, and everything that follows from it, by hours; *off*: what tags are off by."""
    times_ms = np.arange(START_MS + int(begin * HOUR_MS), START_MS + int(end * HOUR_MS), STEP_MS)
    hours = (times_ms - START_MS) / HOUR_MS
    rng = np.random.default_rng(int(1_000 * begin))
    pumps = 2 if b_runs else 1
    flow = pumps * (300.0 + 60.0 * np.sin(2.1 * hours) + 20.0 * np.sin(9.0 * hours))
    power = 20.0 + 0.08 * flow / pumps
    values: dict[str, NDArray[np.float64]] = {
        "flow": flow * rng.normal(1.0, 0.01, len(hours)),
        "pressure": 50.0 - 1e-4 * (flow / pumps) ** 2 + rng.normal(0.0, 0.1, len(hours)),
        "a.power": power * rng.normal(1.0, 0.01, len(hours)),
        "b.power": power * rng.normal(1.0, 0.01, len(hours)) if b_runs else np.zeros(len(hours)),
    }
    for tag, each in values.items():
        past.series(tag, each + off.get(tag, 0.0), start_ms=int(times_ms[0]), step_ms=STEP_MS)


def look(past: History, begin: float, end: float, minutes: int = 10) -> list[Anomalies]:
    """Run the jobs every so many minutes; everything that is said."""
    said, step_ms = [], 60_000 * minutes
    for now_ms in range(START_MS + int(begin * HOUR_MS) + step_ms, START_MS + int(end * HOUR_MS) + 1, step_ms):
        past.perform("running", running.run, now_ms)
        (record,) = past.perform("anomalies", anomalies.run, now_ms).records
        said.append(Anomalies.model_validate_json(record.body))
    return said


def conditions(past: History, minute: int, kind: str) -> None:
    """Have the conditions job name one of pump a, that has held from the beginning."""
    at_ms = START_MS + 60_000 * minute
    line = {"id": f"{kind}.a", "type": kind, "suspect": "a", "since": START_MS}
    past.record(
        [Record("conditions", "", at_ms, json.dumps({"station": "t", "ts": at_ms, "conditions": [line]}).encode())]
    )


def states(said: list[Anomalies]) -> list[str]:
    """How far the header was watched, each word once where it lasts."""
    words = [one.watches[0].state for one in said]
    return [word for word, before in zip(words, ["", *words], strict=False) if word != before]


def named(said: list[Anomalies]) -> set[str]:
    """The tags that did not fit."""
    return {line.tag for one in said for line in one.anomalies}


def test_a_gauge_that_is_off_is_named_with_what_would_fit_and_nothing_else_is(tmp_path: Path) -> None:
    """Two hours teach; then 4 m more on one gauge are told once they have lasted, and are over with their cause."""
    with station(tmp_path) as past:
        operate(past, 0.0, 4.0)
        calm = look(past, 0.0, 4.0)
        operate(past, 4.0, 4.5, pressure=4.0)
        off = look(past, 4.0, 4.5, minutes=1)
        operate(past, 4.5, 5.0)
        after = look(past, 4.5, 5.0)

    assert states(calm) == ["learning", "watching"]
    assert (named(calm), named(off)) == (set(), {"pressure"})
    (line,) = off[-1].anomalies
    assert 9 <= sum(not one.anomalies for one in off) <= 13  # minutes
    assert START_MS + 4 * HOUR_MS <= line.since <= START_MS + 4 * HOUR_MS + 180_000
    assert abs(line.value - line.expected - 4.0) < 1.0
    assert after[-1].anomalies == ()


def test_another_set_of_pumps_is_another_normal(tmp_path: Path) -> None:
    """The second pump doubles the flow: that is no anomaly, neither while it is new nor on the way back."""
    with station(tmp_path) as past:
        operate(past, 0.0, 3.0)
        operate(past, 3.0, 6.0, b_runs=True)
        operate(past, 6.0, 7.0)
        said = look(past, 0.0, 7.0)
        operate(past, 7.0, 7.1, b_runs=True)
        (started,) = look(past, 7.0, 7.0 + 1 / 60, minutes=1)

    assert states(said) == ["learning", "watching", "learning", "watching"]
    assert named(said) == set()
    assert said[-1].watches[0].learnt == 2
    assert started.watches[0].state == "unsteady"


def test_what_a_condition_or_the_quality_job_has_named_teaches_nothing(tmp_path: Path) -> None:
    """Or a closed valve that lasts for two hours would be normal ever after."""
    with station(tmp_path) as past:
        operate(past, 0.0, 3.0, flow=-250.0)
        for minute in range(180):
            conditions(past, minute, "closed_valve")
        said = look(past, 0.0, 3.0)

    assert states(said) == ["learning"]


def test_a_worn_pump_blinds_nothing(tmp_path: Path) -> None:
    """It may be worn for months; its gauges are as right as ever."""
    with station(tmp_path) as past:
        operate(past, 0.0, 3.0)
        look(past, 0.0, 3.0)
        operate(past, 3.0, 3.5, pressure=4.0)
        for minute in range(180, 210):
            conditions(past, minute, "wear")

        assert named(look(past, 3.0, 3.5)) == {"pressure"}


def test_what_did_not_fit_is_not_told_of_pumps_that_do_not_run(tmp_path: Path) -> None:
    """Nor is a tag that the configuration no longer has; and time that nobody judged is no time that it lasted."""
    with station(tmp_path) as past:
        operate(past, 0.0, 3.0)
        look(past, 0.0, 3.0)
        operate(past, 3.0, 3.1, pressure=4.0)
        look(past, 3.0, 3.1, minutes=1)
        operate(past, 3.1, 4.0, b_runs=True)

        said = look(past, 3.1, 4.0)

    assert set(states(said)) == {"learning"}
    assert named(said) == set()


def test_a_tag_that_never_moved_or_never_came_is_not_judged_and_stops_no_other(tmp_path: Path) -> None:
    """A fixed drive's current may go to another value for good; a dead gauge must not keep all from being learnt."""
    plant = {**PLANT, "header": [{**PLANT["header"][0], "pressure": ["pressure", "dead"], "suction_pressure": "still"}]}
    with history(tmp_path, {**TAGS, "still": {"unit": "m"}, "dead": {"unit": "m"}}, **plant) as past:
        operate(past, 0.0, 3.0)
        past.series("still", [5.0] * 1_080, step_ms=STEP_MS)
        calm = look(past, 0.0, 3.0)
        operate(past, 3.0, 3.5, pressure=4.0)
        past.series("still", [5.1] * 180, start_ms=START_MS + 3 * HOUR_MS, step_ms=STEP_MS)

        assert states(calm) == ["learning", "watching"]
        assert named(look(past, 3.0, 3.5)) == {"pressure"}


def test_what_an_earlier_version_learnt_in_ma_is_learnt_anew(tmp_path: Path) -> None:
    """Its normal is thousands where A are shown now; without such a tag nothing is forgotten."""
    plant = PLANT | {"pump": [PLANT["pump"][0] | {"current": "a.current"}]}
    with history(tmp_path, TAGS | {"a.current": {"unit": "A"}}, **plant) as past:
        operate(past, 0.0, 2.5)
        past.series("a.current", 40_000.0 + 5_000.0 * np.sin(np.arange(900)), step_ms=STEP_MS)  # nobody converted it
        look(past, 0.0, 2.5)
        with past.reader() as reader:
            mark, state = reader.job_state("anomalies")
    kept = json.loads(state or b"")
    assert "a.current" in kept["groups"]["main"]["a"]["known"]["tags"]
    kept = json.dumps(kept | {"version": 1}).encode()
    found = {}
    for unit in ("mA", "A"):
        with history(tmp_path, TAGS | {"a.current": {"unit": unit}}, **plant) as past:
            past.keep("anomalies", Outcome(mark=mark, state=kept))
            found[unit] = json.loads(past.perform("anomalies", anomalies.run, START_MS + 9_000_000).state or b"")

    assert found["A"]["groups"]["main"]["a"]["known"] is not None
    assert found["mA"]["groups"]["main"] == {}


def test_a_new_level_that_stays_is_learnt_anew_after_days() -> None:
    """A gauge that was moved is told for three days; then that is how it is, and others are watched again."""
    rng, group = np.random.default_rng(1), Group(["a", "b"])

    def rows(begin: int, size: int, offset: float) -> tuple[list[int], NDArray[np.float64]]:
        level = rng.normal(0.0, 1.0, size)
        times = range(begin * STEP_MS, (begin + size) * STEP_MS, STEP_MS)
        return list(times), np.column_stack([level + offset, level + rng.normal(0.0, 0.1, size)])

    group.learn(rows(0, 800, 0.0)[1])
    day, told = 8_640, []
    for number in range(4):
        group.judge(*rows(800 + number * day, day, 30.0))
        told.append(sorted(group.misfits))
        if group.known is None:
            group.learn(rows(0, 800, 30.0)[1])

    assert ["a" in one for one in told] == [True, True, True, False]
    assert told[-1] == []


def test_tags_that_do_not_fit_are_one_alarm_with_them_as_its_reason(tmp_path: Path) -> None:
    """What is said while the job stands still changes nothing; while pumps are switched it goes on."""
    asked = {"jobs": {"anomalies": {"period": 60, "alarm": True}}}
    with history(tmp_path, TAGS, **PLANT, **asked) as past:
        alarms = Board(past.settings)
    watch = {"header": "main", "state": "watching", "learnt": 1}
    line = {
        "tag": "flow",
        "header": "main",
        "since": 0,
        "value": 310.04,
        "expected": 280.0,
        "unit": "m³/h",
        "score": 2.0,
    }
    said = [
        Anomalies.model_validate({"station": "test", "ts": 1, "watches": [watch], "anomalies": lines, "stale": stale})
        for lines, stale in (([line], False), ([], True), ([], False))
    ]

    changes = [alarms.see_anomalies(one, at_ms=0) for one in said]

    assert [[(change.rationale.id, change.event, change.reason) for change in part] for part in changes] == [
        [("anomaly.main", "raised", "flow is 310 m³/h where 280 would fit")],
        [],
        [("anomaly.main", "cleared", None)],
    ]


def test_what_does_not_fit_calls_no_operator_who_has_not_asked(tmp_path: Path) -> None:
    """It is published; a night or a season that nobody has taught yet is no alarm."""
    asked = {"jobs": {"anomalies": {"period": 60, "alarm": True}}}
    ids = []
    for plant in (PLANT, {**PLANT, **asked}):
        with history(tmp_path, TAGS, **plant) as past:
            ids.append({rule.rationale.id for rule in rulebook(past.settings)})

    assert ids[1] - ids[0] == {"anomaly.main"}
