"""The conditions job over real history: from readings in the site's units to what SCADA and the alarms are told."""

import json
from collections.abc import Mapping
from math import log
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from agent.alarms.board import Board
from agent.jobs import conditions, running
from agent.jobs.job import Job, Outcome
from agent.mqtt.payloads import Conditions, Wear
from agent.store.records import Filled, Record
from analytics.conditions.habits import Habits, Usual
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_dispatch import HEAD, MINUTE_MS, MODEL, PLANT, TAGS, learnt, learnt_station, operate

SPEEDS = {"a": 45.0, "b": 45.0}  # Hz
SHARE = 0.9
A = MODEL.curve("a")
FLOW_A = float(A.flow(HEAD, SHARE))  # m³/h
IDLE_A = float(A.power(0.0, SHARE))  # kW
FLOW = float(MODEL.duty([SHARE, SHARE], HEAD).flows.sum())


def look(past: History, begin: int, end: int) -> list[str]:
    """Run the jobs each minute; what holds at the end."""
    held: list[str] = []
    for minute in range(begin + 1, end + 1):
        now_ms = START_MS + minute * MINUTE_MS
        past.perform("running", running.run, now_ms)
        (record,) = past.perform("conditions", conditions.run, now_ms).records
        held = [line["id"] for line in json.loads(record.body)["conditions"]]
    return held


@pytest.mark.parametrize(
    ("power", "kind"), [(0.35 * IDLE_A, "dry_run"), (IDLE_A, "closed_valve")], ids=["dry_run", "closed_valve"]
)
def test_a_pump_without_water_is_named_within_minutes_and_gone_when_it_is_mended(
    tmp_path: Path, power: float, kind: str
) -> None:
    """Its share of the header's flow is missing; its power says whether there is water in it."""
    with learnt_station(tmp_path) as past:
        operate(past, SPEEDS, 6)
        operate(past, SPEEDS, 5, start=6, a_power=power, flow=(FLOW - FLOW_A) / 3.6)
        operate(past, SPEEDS, 5, start=11)

        story = [look(past, *part) for part in ((0, 6), (6, 8), (8, 9), (9, 11), (11, 15))]

    assert story == [[], [], [f"{kind}.a"], [f"{kind}.a"], []]


def accustomed(usual: float) -> Job:
    """What the job would have left after some days of *usual* m³/h at the same pressure."""
    slots = {place: Usual(5.0, log(usual), log(HEAD), 0.02**2) for place in range(96)}
    state = conditions.JobState(habits={"main": Habits(slots=slots)})
    return lambda context: Outcome(mark=context.mark, state=TypeAdapter(conditions.JobState).dump_json(state))


@pytest.mark.parametrize(("share", "held"), [(1.3, ["burst.main"]), (1.05, []), (0.7, [])])
def test_more_than_ever_at_this_hour_is_a_burst_where_the_curves_confirm_it(
    tmp_path: Path, share: float, held: list[str]
) -> None:
    """After a quarter of an hour; a little more, or less, is a day like others."""
    with learnt_station(tmp_path) as past:
        past.perform("conditions", accustomed(FLOW / share), START_MS)
        operate(past, SPEEDS, 22)

        story = [look(past, *part) for part in ((0, 15), (15, 22))]

    assert [[one for one in each if not one.startswith("outside_por")] for each in story] == [[], held]


def test_a_flow_meter_that_reads_more_is_no_burst(tmp_path: Path) -> None:
    """The curves say that the pumps do not give it."""
    with learnt_station(tmp_path) as past:
        past.perform("conditions", accustomed(FLOW), START_MS)
        operate(past, SPEEDS, 22, flow=1.3 * FLOW / 3.6)

        held = look(past, 0, 22)

    assert [one for one in held if not one.startswith("outside_por")] == ["flow_meter_drift.main"]


def test_nothing_is_said_of_a_flow_that_nobody_has_measured(tmp_path: Path) -> None:
    """The meter is broken, and what was filled in for it would look like a closed valve."""
    with learnt_station(tmp_path) as past:
        operate(past, SPEEDS, 6)
        operate(past, SPEEDS, 8, start=6, a_power=IDLE_A, flow=float("inf"))
        times = range(START_MS + 6 * MINUTE_MS, START_MS + 14 * MINUTE_MS, 1_000)
        past.fill([Filled("flow", ts_ms, (FLOW - FLOW_A) / 3.6, 0.1, "linear", 0) for ts_ms in times])

        held = look(past, 0, 14)

    assert held == []


def test_a_condition_is_an_alarm_while_it_holds(tmp_path: Path) -> None:
    """With a priority and words for the operator; a result that has gone stale changes nothing."""
    with learnt_station(tmp_path) as past:
        alarms = Board(past.settings)
    line = {"id": "dry_run.a", "type": "dry_run", "suspect": "a", "since": 0}
    said = [
        Conditions.model_validate({"station": "test", "ts": 1, "conditions": lines, "stale": stale})
        for lines, stale in (([line], False), ([line], False), ([], True), ([], False))
    ]

    changes = [alarms.see_conditions(one, at_ms=0) for one in said]

    assert [[(change.rationale.id, change.event) for change in part] for part in changes] == [
        [("condition.dry_run.a", "raised")],
        [],
        [],
        [("condition.dry_run.a", "cleared")],
    ]
    words = changes[0][0].rationale
    assert (words.priority, words.pump, words.message) == ("urgent", "a", "a runs dry")


def worn(past: History, pump: str, kind: str, minute: int) -> None:
    ts_ms = START_MS + minute * MINUTE_MS
    said = Wear.model_validate({"pump": pump, "ts": ts_ms, "kind": kind})
    past.record([Record("wear", pump, ts_ms, said.encode())])


def test_what_a_day_of_wear_says_is_a_condition_until_it_says_otherwise(tmp_path: Path) -> None:
    """The look of this minute sees nothing of it, and must not take it back; a meter waits as its quick twin does."""
    with learnt_station(tmp_path) as past:
        operate(past, SPEEDS, 25)
        worn(past, "a", "wear", 0)
        worn(past, "b", "flow_meter", 0)
        first = look(past, 0, 5)
        later = look(past, 5, 20)
        for pump in ("a", "b"):
            worn(past, pump, "none", 20)
        last = look(past, 20, 24)

    found = [{one for one in held if not one.startswith("outside_por")} for held in (first, later, last)]
    assert found == [{"wear.a"}, {"flow_meter_drift.main", "wear.a"}, set()]


def flaky(past: History, tags: Mapping[str, float], minutes: int, *, start: int, good: float) -> None:
    """*tags* at these values, of whose readings the share *good* is good and the rest is bad, each by itself."""
    rng = np.random.default_rng(5)
    for tag, value in tags.items():
        values = np.where(rng.random(60 * minutes) < good, value, np.inf)
        past.series(tag, values.tolist(), start_ms=START_MS + start * MINUTE_MS)


@pytest.mark.parametrize(("good", "is_named"), [(0.6, True), (0.1, False)])
def test_a_line_that_gives_most_readings_silences_no_alarm(tmp_path: Path, good: float, *, is_named: bool) -> None:
    """Sixty of a hundred say that a pump runs dry, as soon as all would; ten say nothing, and that is said."""
    with learnt_station(tmp_path) as past:
        operate(past, SPEEDS, 6)
        operate(past, SPEEDS, 4, start=6, flow=float("nan"), pressure=float("nan"), a_power=float("nan"))
        shown = {"pressure": HEAD * 0.0980665, "flow": (FLOW - FLOW_A) / 3.6, "a.power": 0.35 * IDLE_A}
        flaky(past, shown, 4, start=6, good=good)
        look(past, 0, 6)

        story = [look(past, minute, minute + 1) for minute in range(6, 10)]
        said = past.perform("conditions", conditions.run, START_MS + 10 * MINUTE_MS)

    assert story == ([[], [], ["dry_run.a"], ["dry_run.a"]] if is_named else [[], [], [], []])
    doubt = json.loads(said.records[0].body).get("doubt", "")
    assert [f"{tag} was known in " in doubt for tag in shown] == 3 * [not is_named]


@pytest.mark.parametrize("is_flaky", [False, True])
def test_a_few_seconds_of_the_suction_are_no_cavitation(tmp_path: Path, *, is_flaky: bool) -> None:
    """A vacuum of 0.8 bar at the inlet, in all of each minute or in five seconds of it."""
    header = {**PLANT["header"][0], "suction_pressure": "suction"}
    pumps = [{**pump, "npsh": 5.0, "rated_flow": FLOW_A} for pump in PLANT["pump"]]
    with history(
        tmp_path, {**TAGS, "suction": {"unit": "bar"}}, **{**PLANT, "header": [header], "pump": pumps}
    ) as past:
        past.perform("curves", learnt, START_MS)
        operate(past, SPEEDS, 9, pressure=HEAD * 0.0980665 - 0.8)
        is_bad = is_flaky & (np.arange(60 * 9) % 60 < 55)
        past.series("suction", np.where(is_bad, np.inf, -0.8).tolist())

        held = look(past, 0, 9)

    found = [one for one in held if one.startswith("cavitation")]
    assert found == ([] if is_flaky else ["cavitation.a", "cavitation.b"])


def test_two_lines_that_fail_by_turns_tell_their_flow_together(tmp_path: Path) -> None:
    """Each is known in half of the cells, and never both in one: the sum of a cell would never be known."""
    header = {**PLANT["header"][0], "flow": ["flow", "flow2"]}
    with history(tmp_path, {**TAGS, "flow2": {"unit": "l/s"}}, **{**PLANT, "header": [header]}) as past:
        past.perform("curves", learnt, START_MS)
        operate(past, SPEEDS, 10, a_power=IDLE_A, flow=float("nan"))
        is_first = np.arange(60 * 10) % 20 < 10
        for tag, is_good in (("flow", is_first), ("flow2", ~is_first)):
            past.series(tag, np.where(is_good, (FLOW - FLOW_A) / 3.6 / 2, np.inf).tolist())

        held = look(past, 0, 10)

    assert held == ["closed_valve.a"]


def test_a_second_of_a_minute_teaches_no_habit(tmp_path: Path) -> None:
    """One good cell of sixty stood for the minute, and minutes for what a town draws at this hour."""
    with learnt_station(tmp_path) as past:
        second = np.arange(60 * 8)
        operate(past, SPEEDS, 8, flow=float("nan"))
        past.series("flow", np.where(second % 60 == 55, FLOW / 3.6, np.inf).tolist())

        look(past, 0, 8)
        with past.reader() as reader:
            state = TypeAdapter(conditions.JobState).validate_json(reader.job_state("conditions")[1] or b"")

    assert state.habits["main"] == Habits()
