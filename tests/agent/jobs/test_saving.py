"""The saving job over real history: what is claimed of advice that was followed, and what is not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import saving
from agent.mqtt.payloads import CrossCheck, Quality, RecommendationEvent
from agent.store.records import Record
from analytics.curves.model import StationModel
from tests.agent.history import START_MS, History
from tests.agent.jobs.test_dispatch import HEAD, MINUTE_MS, MODEL, UNEVEN, advise, learnt_station

EVEN = {"a": 44.8, "b": 44.8}  # Hz, as is advised
LATE = 6  # minutes by which cells are looked at
TRUE_KW = 1.38  # that EVEN saves against UNEVEN at the same flow
Bodies = list[dict[str, Any]]


def look(past: History, minute: int) -> tuple[dict[str, Any], Bodies]:
    """What is published and journalled by a run that sees the cells before *minute*."""
    outcome = past.perform("saving", saving.run, START_MS + (minute + LATE) * MINUTE_MS)
    events = [json.loads(record.body) for record in outcome.records if record.kind == "recommendation_event"]
    return json.loads(outcome.records[-1].body), events


def operate(  # noqa: PLR0917 - what a stretch of operation consists of
    past: History,
    speeds: Mapping[str, float],
    start: int,
    end: int,
    truth: StationModel = MODEL,
    noise: tuple[np.random.Generator, float] | None = None,
    shown: Mapping[str, float] | None = None,
) -> float:
    """A reading of every tag each ten seconds from *start* to *end*, minutes; the true power, kW."""
    duty = truth.duty([speeds.get(pump, 0.0) / 50.0 for pump in truth.pumps], HEAD)
    said = {"pressure": HEAD * 0.0980665, "flow": float(duty.flows.sum()) / 3.6}
    for pump, power in zip(truth.pumps, duty.powers, strict=True):
        said |= {f"{pump}.speed": speeds.get(pump, 0.0), f"{pump}.power": float(power)}
    count = 6 * (end - start)
    for tag, value in (said | dict(shown or {})).items():
        values = np.full(count, value)
        if noise is not None and tag.endswith("power") and value:
            values = values + noise[1] * noise[0].standard_normal(count)
        past.series(tag, values, start_ms=START_MS + start * MINUTE_MS, step_ms=10_000)
    return float(duty.powers.sum())


def given(past: History) -> dict[str, Any]:
    """The advice of minute 5, after five minutes of uneven operation."""
    operate(past, UNEVEN, 0, 5)
    return advise(past, 5)[0]


def test_followed_advice_is_told_and_its_saving_measured(tmp_path: Path) -> None:
    """One hour of it saves what the station's equations say; money and CO2 follow from tariff and factor."""
    with learnt_station(tmp_path, tariff={"price": 0.2, "co2_factor": 0.4}) as past:
        advice = given(past)
        operate(past, EVEN, 5, 68)

        body, events = look(past, 68)

    assert [(event["event"], event["id"]) for event in events] == [("followed", advice["id"])]
    assert events[0]["since"] == "2026-03-01T12:05:00.000Z"
    (count,) = body["counting"]
    assert (count["id"], count["header"], count["hours"], count["withheld_hours"]) == (advice["id"], "main", 1.0, 0.0)
    assert count["saving_kwh"] == pytest.approx(TRUE_KW, abs=0.02)
    assert count["saving_kwh"] == pytest.approx(count["baseline_kwh"] - count["measured_kwh"], abs=0.002)
    assert 0 < count["saving_uncertainty_kwh"] < 0.3
    assert count["saved_money"] == pytest.approx(0.2 * TRUE_KW, abs=0.005)
    assert count["saved_co2_kg"] == pytest.approx(0.4 * TRUE_KW, abs=0.01)
    assert body["total"]["saving_kwh"] == body["days"][0]["saving_kwh"] == count["saving_kwh"]
    assert (body["since"], body["currency"]) == ("2026-03-01T12:05:00.000Z", "EUR")


def test_advice_that_another_version_has_kept_is_counted(tmp_path: Path) -> None:
    """It has keys that are gone, and not those that are new."""
    with learnt_station(tmp_path) as past:
        advice = given(past)
        other = {key: value for key, value in advice.items() if key != "saving_interval_kw"} | {"is_uncertain": False}
        past.record([Record("recommendation", "", START_MS + 5 * MINUTE_MS + 1, json.dumps(other).encode())])
        operate(past, EVEN, 5, 15)

        body, _ = look(past, 15)

    assert body["counting"][0]["id"] == advice["id"]


def test_without_tariff_and_factor_there_is_no_money_and_no_co2(tmp_path: Path) -> None:
    """A nought would be read as one."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 30)

        body, _ = look(past, 30)

    assert "saving_kwh" in body["total"]
    assert not {key for key in body["total"] if "money" in key or "co2" in key} | {"currency"} & body.keys()


def test_nothing_is_no_less_than_nothing(tmp_path: Path) -> None:
    """What was lost at a factor of 0 is 0.0 kg; -0.0 is a figure that nobody can explain."""
    with learnt_station(tmp_path, tariff={"price": 0.2, "co2_factor": 0.0}) as past:
        given(past)
        for start in range(5, 35):  # more power than the curves say of it, by less than they may be off
            operate(past, EVEN, start, start + 1, shown={"a.power": 26.5, "b.power": 26.5})

        body, _ = look(past, 35)

    assert body["total"]["saving_kwh"] < 0
    assert str(body["total"]["saved_co2_kg"]) == "0.0"


@pytest.mark.parametrize(
    "speeds",
    [
        UNEVEN,
        {"a": 43.3, "b": 46.7},  # a third of the way
        {"a": 47.5},
        {"a": 32.0, "b": 32.0},  # evenly, and at another speed altogether
    ],
)
def test_advice_that_is_not_followed_claims_nothing(tmp_path: Path, speeds: dict[str, float]) -> None:
    """However well the station does meanwhile."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, speeds, 5, 40)

        body, events = look(past, 40)

    assert events == []
    assert (body["counting"], body["days"], body["total"]) == ([], [], {"hours": 0.0, "withheld_hours": 0.0})


def test_advice_that_is_followed_once_it_has_expired_claims_nothing(tmp_path: Path) -> None:
    """It held until minute 20."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, UNEVEN, 5, 21)
        operate(past, EVEN, 21, 60)

        body, events = look(past, 60)

    assert (events, body["total"]["hours"]) == ([], 0.0)


def answered(past: History, advice: Mapping[str, Any], event: Any, minute: int) -> None:
    """What an operator says to *advice*."""
    entry = RecommendationEvent(
        id=advice["id"], ts=START_MS + minute * MINUTE_MS, station="test", event=event, user="anna", why="no"
    )
    past.record([Record("recommendation_event", "", entry.ts, entry.encode())])


def test_rejected_advice_claims_nothing(tmp_path: Path) -> None:
    """Whoever says no and runs so all the same has a reason of his own."""
    with learnt_station(tmp_path) as past:
        answered(past, given(past), "rejected", 6)
        operate(past, EVEN, 5, 40)

        body, events = look(past, 40)

    assert (events, body["total"]["hours"]) == ([], 0.0)


def test_accepted_advice_counts_from_when_it_is_followed(tmp_path: Path) -> None:
    """A word saves nothing: ten minutes go by until the drives are set."""
    with learnt_station(tmp_path) as past:
        answered(past, given(past), "accepted", 6)
        operate(past, UNEVEN, 5, 15)
        operate(past, EVEN, 15, 40)

        body, events = look(past, 40)

    assert [event["since"] for event in events] == ["2026-03-01T12:15:00.000Z"]
    assert body["counting"][0]["hours"] == pytest.approx(22 / 60, abs=0.01)


def test_advice_that_is_left_counts_until_then(tmp_path: Path) -> None:
    """Verified with what it came to; the minutes after it, and the return to it, claim nothing."""
    with learnt_station(tmp_path) as past:
        advice = given(past)
        operate(past, EVEN, 5, 38)
        operate(past, UNEVEN, 38, 60)
        operate(past, EVEN, 60, 80)

        body, events = look(past, 80)

    assert [(event["event"], event["id"]) for event in events] == [
        (what, advice["id"]) for what in ("followed", "verified")
    ]
    assert events[1]["hours"] == 0.5
    assert events[1]["why"] == "The pumps are run otherwise."
    assert events[1]["measured_saving_kw"] == pytest.approx(TRUE_KW, abs=0.02)
    assert events[1]["saving_kw"] == advice["saving_kw"]
    assert body["counting"] == []
    assert (body["total"]["hours"], body["days"][0]["hours"]) == (0.5, 0.5)


def test_a_lapse_of_minutes_is_left_out_and_ends_nothing(tmp_path: Path) -> None:
    """Three minutes for a test of the old speeds."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 20)
        operate(past, UNEVEN, 20, 23)
        operate(past, EVEN, 23, 35)

        body, _ = look(past, 35)

    assert body["counting"][0]["hours"] == pytest.approx(24 / 60, abs=0.01)
    assert body["counting"][0]["withheld_hours"] == 0.0


def test_two_advices_in_a_row_never_count_the_same_minute(tmp_path: Path) -> None:
    """The second's baseline is the operation that the first had brought about."""
    with learnt_station(tmp_path) as past:
        first = given(past)
        operate(past, EVEN, 5, 38)
        second = RecommendationEvent(
            id="second",
            ts=START_MS + 36 * MINUTE_MS,
            station="test",
            event="issued",
            expires=START_MS + 51 * MINUTE_MS,
            former={"a": 0.896, "b": 0.896},
            proposed={"a": 0.92, "b": 0.872},
        )
        past.record([Record("recommendation_event", "", second.ts, second.encode())])
        operate(past, {"a": 46.0, "b": 43.6}, 38, 71)

        body, events = look(past, 71)

    assert [(event["event"], event["id"]) for event in events] == [
        ("followed", first["id"]),
        ("verified", first["id"]),
        ("followed", "second"),
    ]
    assert events[1]["why"] == "Another advice is followed."
    assert (events[1]["hours"], body["counting"][0]["hours"]) == (0.5, 0.5)
    assert body["counting"][0]["saving_kwh"] < 0  # what costs more than before is not hidden
    assert body["total"]["hours"] == 1.0
    assert body["total"]["saving_kwh"] == pytest.approx(
        events[1]["saving_kwh"] + body["counting"][0]["saving_kwh"], abs=0.002
    )


def test_a_restart_and_any_rhythm_of_runs_give_the_same_totals(tmp_path: Path) -> None:
    """Run by run, or all at once after hours of standing still."""
    told = []
    for name, minutes in (("often", range(6, 91, 7)), ("once", [])):
        (tmp_path / name).mkdir()
        with learnt_station(tmp_path / name, tariff={"price": 0.2}) as past:
            given(past)
            operate(past, EVEN, 5, 50)
            operate(past, UNEVEN, 50, 90)
            for minute in minutes:
                look(past, minute)
            told.append(look(past, 90)[0])

    assert told[0] == told[1]
    assert told[0]["total"]["hours"] == pytest.approx(42 / 60, abs=0.01)


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("b.power", "the power of b was not measured"),
        ("flow", "the flow was not measured"),
        ("pressure", "the head was not measured"),
        ("b.speed", "it was not known which pumps ran, or how fast"),
    ],
)
def test_a_bad_meter_withholds_its_minutes_and_says_so(tmp_path: Path, tag: str, why: str) -> None:
    """Nothing is worked out from the others; what was good before and after counts."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 20)
        operate(past, EVEN, 20, 50, shown={tag: np.inf})
        operate(past, EVEN, 50, 68)

        body, _ = look(past, 68)

    (count,) = body["counting"]
    assert (count["hours"], count["withheld_hours"]) == (0.5, 0.5)
    assert count["why"] == f"Nothing is claimed for 30 min: {why}."
    assert count["saving_kwh"] == pytest.approx(TRUE_KW / 2, abs=0.02)


def test_a_meter_that_was_bad_all_along_claims_nothing_at_all(tmp_path: Path) -> None:
    """Not even nought."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 35, shown={"b.power": np.inf})
        operate(past, UNEVEN, 35, 50)

        body, events = look(past, 50)

    assert events[-1]["event"] == "verified"
    assert "the power of b was not measured" in events[-1]["why"]
    assert not {"saving_kwh", "measured_saving_kw"} & (events[-1].keys() | body["total"].keys())


def test_a_power_meter_that_shows_too_little_saves_nothing(tmp_path: Path) -> None:
    """Its reading is good and far from what the curves say: no saving is made of a broken meter."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 40, shown={"b.power": 18.0})

        body, _ = look(past, 40)

    assert body["counting"][0]["hours"] == 0.0
    assert "flow and power are not what the curves say" in body["counting"][0]["why"]


def test_a_day_ends_at_the_station_s_midnight_and_the_advice_goes_on(tmp_path: Path) -> None:
    """13:00 UTC is midnight on Guadalcanal; the days add up to the total."""
    with learnt_station(tmp_path, station={"name": "test", "time_zone": "Pacific/Guadalcanal"}) as past:
        given(past)
        operate(past, EVEN, 5, 98)
        look(past, 50)

        body, _ = look(past, 98)

    first, second = body["days"]
    assert (first["ts"], second["ts"]) == ("2026-02-28T13:00:00.000Z", "2026-03-01T13:00:00.000Z")
    assert (first["hours"], second["hours"]) == (pytest.approx(52 / 60, abs=0.01), pytest.approx(38 / 60, abs=0.01))
    assert first["saving_kwh"] + second["saving_kwh"] == pytest.approx(body["total"]["saving_kwh"], abs=0.02)
    assert body["counting"][0]["hours"] == body["total"]["hours"] == 1.5


def test_counting_ends_after_the_horizon(tmp_path: Path) -> None:
    """By then the former operation is a guess about what a person would have done."""
    with learnt_station(tmp_path, jobs={"saving": {"horizon": 1}}) as past:
        given(past)
        operate(past, EVEN, 5, 80)

        body, events = look(past, 80)

    assert events[-1]["why"] == "It was counted for as long as one advice is."
    assert body["total"]["hours"] == pytest.approx(57 / 60, abs=0.01)


def test_a_header_that_was_renamed_is_let_go(tmp_path: Path) -> None:
    """What its advice has saved stays, in the total and in its day, and is told once."""
    with learnt_station(tmp_path) as past:
        advice = given(past)
        operate(past, EVEN, 5, 30)
        before, _ = look(past, 30)
        told = past.settings.model_dump(by_alias=True, exclude_unset=True)
        told["header"][0]["id"] = "other"
        for pump in told["pump"]:
            pump["header"] = "other"
        past.settings = type(past.settings).model_validate(told)
        operate(past, EVEN, 30, 40)

        body, events = look(past, 40)
        later, none = look(past, 41)

    assert [(event["event"], event["id"], event["header"]) for event in events] == [("verified", advice["id"], "main")]
    assert events[0]["why"] == "Its header is no longer configured."
    assert before["counting"][0]["hours"] > 0.3
    assert (body["counting"], later["counting"], none) == ([], [], [])
    assert body["total"] == later["total"] == before["total"]
    assert body["days"] == later["days"] == before["days"]


def test_no_minute_counts_twice_where_a_clock_was_set_back(tmp_path: Path) -> None:
    """By more than a day: what was counted since advice was given is not counted anew."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 60)
        look(past, 40)
        look(past, 40 - 25 * 60)

        body, _ = look(past, 60)

    assert body["total"]["hours"] == pytest.approx(52 / 60, abs=0.005)


def test_stated_intervals_cover_the_truth(tmp_path: Path) -> None:
    """Eight stations that could be the learnt one, with noise in their meters; two deviations miss at most one.

    (Takes seconds: eight stores with half an hour each. Deviations half or twice as great fail.)
    """
    errors = np.array([error(tmp_path, seed) for seed in range(8)])

    assert (np.abs(errors) < 2.0).sum() >= 7
    assert 0.5 < errors.std() < 1.5


def error(folder: Path, seed: int) -> float:
    """The error of the measured saving of one station drawn at random, in standard deviations."""
    rng = np.random.default_rng(seed)
    (truth,) = MODEL.draws(1, rng)
    (folder / str(seed)).mkdir()
    with learnt_station(folder / str(seed)) as past:
        given(past)
        measured = operate(past, EVEN, 5, 38, truth, (rng, 0.3))
        body, _ = look(past, 38)
    count = body["counting"][0]
    saved = count["hours"] * (former_power(truth) - measured)
    return float((count["saving_kwh"] - saved) / count["saving_uncertainty_kwh"])


def former_power(truth: StationModel) -> float:
    """What uneven operation draws in truth for the flow that even operation delivers, kW."""
    even = truth.duty(np.full(2, 44.8 / 50), HEAD).flows.sum()
    scales = np.linspace(0.95, 1.05, 2_001)
    duty = truth.duty(scales[:, np.newaxis] * np.array([42.5, 47.5]) / 50, np.full(2_001, HEAD))
    return float(np.interp(even, duty.flows.sum(axis=1), duty.powers.sum(axis=1)))


def test_another_set_is_followed_while_dispatch_goes_on_looking(tmp_path: Path) -> None:
    """Its advice is withdrawn as soon as a pump has started and nothing is steady; it is followed all the same."""
    with learnt_station(tmp_path) as past:
        operate(past, {"a": 40.0, "b": 40.0}, 0, 5)
        advice, _ = advise(past, 5)
        operate(past, {"a": 40.0, "b": 40.0}, 5, 7)
        for minute in (6, 7):
            advise(past, minute)
        proposed = {pump["id"]: 50 * pump["speed"] for pump in advice["pumps"] if pump["run"]}
        for minute in range(7, 16):
            operate(past, proposed, minute, minute + 1)
            advise(past, minute + 1)

        body, events = look(past, 16)

    assert len(proposed) == 1
    assert [(event["event"], event["id"]) for event in events] == [("followed", advice["id"])]
    assert body["counting"][0]["hours"] == pytest.approx(6 / 60, abs=0.01)
    assert body["total"]["saving_kwh"] > 0


def test_a_meter_that_others_speak_against_withholds_its_minutes(tmp_path: Path) -> None:
    """Its readings are good; the quality report of the time names it."""
    with learnt_station(tmp_path) as past:
        given(past)
        operate(past, EVEN, 5, 38)
        begin_ms = START_MS + 20 * MINUTE_MS
        shares = dict.fromkeys(("score", "completeness", "validity", "consistency", "timeliness"), 1.0)
        report = Quality(
            station="test",
            ts=begin_ms + 300_000,
            start=begin_ms,
            end=begin_ms + 300_000,
            cross_checks=(CrossCheck(check="head_speed", tags=("flow",), suspect="flow", reason="It is off."),),
            **shares,
        )
        past.record([Record("quality", "", report.ts, report.encode())])

        body, _ = look(past, 38)

    assert body["counting"][0]["why"] == "Nothing is claimed for 5 min: flow was suspected by other meters."
