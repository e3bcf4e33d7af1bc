"""Forecast and schedule of a station with a tank, from readings to the payload; and when there is none."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from agent.commands.days import days as days_ahead
from agent.commands.days import days_table
from agent.jobs import forecast, running, schedule
from agent.jobs.advice.situation import NotKnownError
from agent.jobs.job import Job, JobContext, Outcome
from agent.jobs.learnt.state import CurveState, HeaderCurves
from agent.jobs.memory import JobMemory
from agent.jobs.plans.demand import KEPT_MISSED, MEMORY, SLOT_MS, DemandState, Expected, SystemSums
from agent.jobs.plans.peak import MEMORY as PEAK
from agent.jobs.plans.peak import peak_so_far
from agent.jobs.plans.units import widened
from agent.tariff_settings import TariffSettings
from analytics.curves.estimator import StationCurves
from analytics.curves.prior import Plate
from analytics.schedule.atlas import atlas
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.problem import Problem
from analytics.schedule.refusal import unreachable
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_dispatch import MODEL, PLANT, PUMPS, TAGS, learnt, standing

MINUTE_MS = 60_000
DAYS = 6
END_MS = START_MS + DAYS * 86_400_000
TARIFF = {"price": 0.30, "band": [{"price": 0.10, "start": "00:00", "end": "07:00"}]}
TANK = {"level": "level", "area": 250.0, "level_min": 1.0, "level_max": 5.0}


@dataclass(frozen=True, slots=True)
class Days:
    """What the meters of six days said, a value a minute."""

    flow: np.ndarray[tuple[int, ...], np.dtype[np.float64]]  # m³/h
    level: np.ndarray[tuple[int, ...], np.dtype[np.float64]]  # m
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.float64]]  # m³/h


def days(*, is_filled: bool = True) -> Days:
    """Pumping by level, 190 or 330 m³/h, into or out of 250 m², against 150 to 250 m³/h of the town."""
    minutes = np.arange(DAYS * 1440)
    hours = (12 + minutes / 60) % 24
    drawn = 200 - 50 * np.cos(2 * np.pi * (hours - 3) / 24)
    level, flow = np.empty(len(minutes)), np.empty(len(minutes))
    now, high = 3.0, False
    for minute in range(len(minutes)):
        high = (now < 2.5) or (high and now < 3.5) if is_filled else (now > 3.5) or (high and now > 2.5)
        flow[minute] = 330.0 if high else 150.0
        level[minute] = now
        now += (1 if is_filled else -1) * (flow[minute] - drawn[minute]) / 60 / 250
    return Days(flow, level, drawn)


@contextmanager
def station(folder: Path, *, is_filled: bool = True) -> Iterator[History]:
    """A store of the station in *folder*, made where there is none."""
    tank = {**TANK, "kind": "tank" if is_filled else "well"}
    with history(folder, {**TAGS, "level": {"unit": "m"}}, **{**PLANT, "tank": tank, "tariff": TARIFF}) as past:
        yield past


def live_through(past: History, *, is_filled: bool = True) -> None:
    """Six days of meters, the pumps' curves learnt, one pump running at the end, the forecast made."""
    seen = days(is_filled=is_filled)
    head = 28.0 + (1 if is_filled else -1) * (seen.level - 3.0) + 3.0 + 4e-5 * seen.flow**2
    past.perform("curves", learnt, START_MS)
    for tag, values in {"flow": seen.flow / 3.6, "pressure": head * 0.0980665, "level": seen.level}.items():
        past.series(tag, values, step_ms=MINUTE_MS)
    now_on(past, END_MS)
    know_who_runs(past, END_MS)
    for _ in range(3):  # a portion of history each
        past.perform("forecast", forecast.run, END_MS)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store after six days; to be copied."""
    folder = tmp_path_factory.mktemp("lived")
    with station(folder) as past:
        live_through(past)
    return folder


@contextmanager
def after_six_days(lived: Path, folder: Path) -> Iterator[History]:
    """A store of one's own."""
    copytree(lived, folder, dirs_exist_ok=True)
    with station(folder) as past:
        yield past


def now_on(past: History, end_ms: int) -> None:
    """Five minutes of readings each second, up to *end_ms*: pump a runs, b stands."""
    start_ms = end_ms - 300_000
    for tag, value in {"a.speed": 45.0, "a.power": 26.0, "b.speed": 0.0, "b.power": 0.0}.items():
        past.series(tag, [value] * 300, start_ms=start_ms)


def know_who_runs(past: History, now_ms: int) -> None:
    """The running job takes days in portions."""
    for _ in range(60):
        past.perform("running", running.run, now_ms)
        with past.reader() as reader:
            if running.restored(reader.job_state("running")[1]).seen_ms > now_ms - MINUTE_MS:
                return


def learnt_pipe(past: History) -> tuple[float, float, float]:
    """Static head (m), resistance (m per (m³/h)²) and scatter (m) that the forecast's job learns from the past."""
    for _ in range(2):  # a portion of history each
        past.perform("forecast", forecast.run, END_MS)
    with past.reader() as reader:
        return MEMORY.restored(reader.job_state("forecast")[1]).system.fit


def scheduled(past: History, now_ms: int = END_MS) -> Mapping[str, Any]:
    """The schedule at *now_ms*."""
    (record,) = past.perform("schedule", schedule.run, now_ms).records
    body: Mapping[str, Any] = json.loads(record.body)
    return body


def test_a_day_is_planned_from_readings_and_pumps_while_energy_is_cheap(lived: Path, tmp_path: Path) -> None:
    """Level, tariff, learnt curves, learnt system and forecast together make rows that SCADA reads (slow: six days)."""
    with after_six_days(lived, tmp_path) as past:
        said = scheduled(past)
        with past.reader() as reader:
            expected = MEMORY.restored(reader.job_state("forecast")[1]).expected

    assert said.get("why") is None
    assert said["rows"][0]["from"] == "2026-03-07T12:00:00.000Z"
    assert said["until"] == "2026-03-08T12:00:00.000Z"
    assert said["currency"] == "EUR"
    assert all(1.0 < row["level"] < 5.0 for row in said["rows"])
    assert sum(row["cost"] for row in said["rows"]) == pytest.approx(said["cost"], abs=0.2)
    cheap = [row["flow"] for row in said["rows"] if "T00" <= row["from"][10:13] < "T06"]
    dear = [row["flow"] for row in said["rows"] if "T14" <= row["from"][10:13] < "T22"]
    assert np.mean(cheap) > 1.3 * np.mean(dear)
    assert said["level_end"] <= said["rows"][-1]["level"] + 0.01
    assert said["starts"] == starts_in(said, running={"a"})
    assert expected is not None
    assert said["forecast"] == expected.method
    assert said["works"] == []


def test_each_row_says_how_sure_it_is(lived: Path, tmp_path: Path) -> None:
    """One error of a curve lasts all day, so that rows' deviations add up; levels are less sure the later (slow)."""
    with after_six_days(lived, tmp_path) as past:
        said = scheduled(past)

    rows = said["rows"]
    hours = [len(steps) / 2 for steps in steps_of_rows(said)]
    energy = sum(row["power_std"] * each for row, each in zip(rows, hours, strict=True))
    assert said["energy_std_kwh"] < energy * (1 + 1e-3)
    assert said["energy_std_kwh"] > np.sqrt(
        sum((row["power_std"] * h) ** 2 for row, h in zip(rows, hours, strict=True))
    )
    assert sum(row["cost_std"] for row in rows) > 0.99 * said["cost_std"]
    assert all(0 < row["flow_std"] < 0.1 * row["flow"] for row in rows if row["pumps"])
    levels = [row["level_std"] for row in rows]
    assert 0.002 < levels[0] < levels[-1] < 1.0
    assert max(levels) < 1.1 * levels[-1]


def starts_in(said: Mapping[str, Any], running: set[str]) -> int:
    """How often a pump starts in the rows, after those *running* now."""
    starts = 0
    for row in said["rows"]:
        starts += len(set(row["pumps"]) - running)
        running = set(row["pumps"])
    return starts


@pytest.mark.parametrize(("value", "is_used"), [(0.0, False), (1.0, True)])
def test_a_pump_that_scada_has_taken_out_of_service_is_not_planned(
    lived: Path, tmp_path: Path, value: float, *, is_used: bool
) -> None:
    """Its own tag says so, and not a configuration that somebody would have to change."""
    with after_six_days(lived, tmp_path) as past:
        a, b = past.settings.pumps
        past.settings = past.settings.model_copy(update={"pumps": (a, b.model_copy(update={"available": "b.hours"}))})
        past.series("b.hours", [value], start_ms=END_MS - 1_000)
        said = scheduled(past)

    assert any("b" in row["pumps"] for row in said["rows"]) == is_used
    assert said["left_out"] == ([] if is_used else [{"pump": "b", "why": "It is not available: b.hours is 0."}])


def test_a_tag_that_says_nothing_keeps_a_standing_pump_out_and_0_a_running_one(lived: Path, tmp_path: Path) -> None:
    """Nobody knows whether b may be started; a, which runs, may not be, so that no plan can begin."""
    with after_six_days(lived, tmp_path) as past:
        a, b = past.settings.pumps
        past.settings = past.settings.model_copy(update={"pumps": (a, b.model_copy(update={"available": "b.hours"}))})
        standing = scheduled(past)
        past.settings = past.settings.model_copy(update={"pumps": (a.model_copy(update={"available": "b.hours"}), b)})
        past.series("b.hours", [0.0], start_ms=END_MS - 1_000)
        running = scheduled(past)

    assert standing["left_out"] == [
        {"pump": "b", "why": "It is not known whether it is available: b.hours has no good value now."}
    ]
    assert running["why"].startswith("a runs, but cannot be planned: it is not available: b.hours is 0.")


def test_a_table_of_volumes_is_what_levels_are_planned_by(lived: Path, tmp_path: Path) -> None:
    """Twice as wide above 3 m: what a row pumps and the town draws is what the table says of its levels (slow)."""
    table = ((1.0, 250.0), (3.0, 750.0), (5.0, 1750.0))
    with after_six_days(lived, tmp_path) as past:
        tank = past.settings.tank
        assert tank is not None
        tank = tank.model_copy(update={"area": None, "volumes": table})
        past.settings = past.settings.model_copy(update={"tank": tank})
        for _ in range(3):
            past.perform("forecast", forecast.run, END_MS)
        said = scheduled(past)
        with past.reader() as reader:
            expected = MEMORY.restored(reader.job_state("forecast")[1]).expected

    assert expected is not None
    drawn = expected.centre[(END_MS - expected.start_ms) // SLOT_MS :]
    levels = [float(days().level[-1]), *(row["level"] for row in said["rows"])]
    held = np.interp(levels, [level for level, _ in table], [volume for _, volume in table])
    assert max(levels) > 3.5
    for row, steps, gain in zip(said["rows"], steps_of_rows(said), np.diff(held), strict=True):
        assert row["flow"] * len(steps) / 2 - sum(drawn[step] for step in steps) / 2 == pytest.approx(gain, abs=12.0)


def steps_of_rows(said: Mapping[str, Any]) -> list[range]:
    """The half hours of each row."""
    times = [datetime.fromisoformat(each) for each in (*(row["from"] for row in said["rows"]), said["until"])]
    places = [round((each - times[0]).total_seconds() / 1800) for each in times]
    return [range(first, last) for first, last in pairwise(places)]


def test_a_list_of_market_prices_moves_the_pumping_to_its_cheap_hours(lived: Path, tmp_path: Path) -> None:
    """Bands say the night is cheap; the market says it is the evening, and a row costs what the market asks (slow)."""
    begin = datetime.fromisoformat("2026-03-07T12:00Z")
    listed = tuple((begin + timedelta(hours=hour), 0.05 if 6 <= hour < 12 else 0.5) for hour in range(24))
    with after_six_days(lived, tmp_path) as past:
        tariff = past.settings.tariff.model_copy(update={"spot": listed})
        past.settings = past.settings.model_copy(update={"tariff": tariff})
        said = scheduled(past)

    flows = np.concatenate(
        [[row["flow"]] * len(steps) for row, steps in zip(said["rows"], steps_of_rows(said), strict=True)]
    )
    assert flows[12:24].mean() > 1.3 * flows[24:].mean()
    for row, steps in zip(said["rows"], steps_of_rows(said), strict=True):
        prices = {listed[step // 2][1] for step in steps}
        if len(prices) == 1:
            assert row["cost"] == pytest.approx(prices.pop() * row["power_kw"] * len(steps) / 2, abs=0.02)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ([*range(12)], "no price of the market is listed from 2026-03-08 00:00 on: the usual price counts there"),
        (
            [*range(12, 36)],
            "no price of the market is listed from 2026-03-07 12:00 to 2026-03-08 00:00: the usual price counts there",
        ),
        ([*range(24)], ""),
    ],
    ids=["today", "tomorrow", "both"],
)
def test_a_plan_beyond_the_listed_prices_says_so(lived: Path, tmp_path: Path, hours: list[int], said: str) -> None:
    """The market tells tomorrow's in the afternoon; what is planned for it until then rests on another price (slow)."""
    begin = datetime.fromisoformat("2026-03-07T12:00Z")
    with after_six_days(lived, tmp_path) as past:
        spot = tuple((begin + timedelta(hours=hour), 0.1) for hour in hours)
        past.settings = past.settings.model_copy(
            update={"tariff": past.settings.tariff.model_copy(update={"spot": spot})}
        )
        plan = scheduled(past)

    assert [one for one in plan["doubt"].split("; ") if "market" in one] == [said] * bool(said)


def test_what_was_drawn_is_found_from_pumping_and_level(lived: Path, tmp_path: Path) -> None:
    """No meter measures it: what was pumped less what the tank took."""
    with after_six_days(lived, tmp_path) as past, past.reader() as reader:
        kept = MEMORY.restored(reader.job_state("forecast")[1])

    drawn = days().drawn.reshape(-1, 30).mean(axis=1)
    known = np.array([np.nan if one is None else one for one in kept.slots])
    assert kept.start_ms == START_MS
    assert np.nanmax(np.abs(known[: len(drawn)] - drawn[: len(known)])) < 6.0
    assert kept.system.fit == pytest.approx((28.0, 4e-5, 0.0), rel=0.02, abs=0.02)
    assert kept.expected is not None
    assert kept.expected.centre[:48] == pytest.approx(drawn[:48], abs=12.0)


def test_a_well_is_emptied(tmp_path: Path) -> None:
    """What flows in is pumped out, and the level falls by it (slow: six days of its own)."""
    with station(tmp_path, is_filled=False) as past:
        live_through(past, is_filled=False)
        said = scheduled(past)

    assert said.get("why") is None
    inflow = days(is_filled=False).drawn.mean()
    assert np.mean([row["flow"] for row in said["rows"]]) == pytest.approx(inflow, rel=0.3)


def test_without_a_forecast_the_schedule_says_so_and_leaves_it_to_the_advice(lived: Path, tmp_path: Path) -> None:
    """The dependency is explicit: no forecast, no plan, and nobody is left guessing."""
    with after_six_days(lived, tmp_path) as past:
        past.perform("forecast", lambda context: Outcome(mark=context.mark), END_MS)

        said = scheduled(past)

    assert said.get("rows", []) == []
    assert "no forecast" in said["why"]
    assert "advice for now stands" in said["why"]


def test_a_stale_forecast_is_none(lived: Path, tmp_path: Path) -> None:
    """The forecast job hung three hours ago; what it said then is not planned with."""
    later_ms = END_MS + 3 * 3_600_000
    with after_six_days(lived, tmp_path) as past:
        now_on(past, later_ms)
        know_who_runs(past, later_ms)

        said = scheduled(past, later_ms)

    assert "stale: made 180 min ago" in said["why"]


def test_a_level_nobody_measures_now_is_said(lived: Path, tmp_path: Path) -> None:
    """The level meter fell silent ten minutes ago."""
    later_ms = END_MS + 600_000
    with after_six_days(lived, tmp_path) as past:
        now_on(past, later_ms)
        know_who_runs(past, later_ms)

        said = scheduled(past, later_ms)

    assert said["why"].startswith("level has had no good value")


def test_a_station_without_a_tank_has_no_schedule(tmp_path: Path) -> None:
    """Nothing is said of what does not exist."""
    with history(tmp_path, TAGS, **PLANT) as past:
        outcome = past.perform("schedule", schedule.run, END_MS)
        expected = past.perform("forecast", forecast.run, END_MS)

    assert list(outcome.records) == []
    assert list(expected.records) == []


def test_a_tank_without_a_header_has_no_forecast_and_says_why(tmp_path: Path) -> None:
    """Settings made in code may lack what a file is refused for; the job used to fail on every run."""
    with station(tmp_path) as past:
        past.settings = past.settings.model_copy(update={"headers": ()})
        past.series("level", [3.0] * 300, step_ms=MINUTE_MS)
        past.perform("forecast", forecast.run, START_MS + 5 * 3_600_000)
        with past.reader() as reader:
            kept = MEMORY.restored(reader.job_state("forecast")[1])
        said = scheduled(past)

    assert kept.expected is None
    assert "add a [[header]]" in kept.why
    assert "needs one header" in said["why"]


@pytest.mark.parametrize("tag", ["flow", "pressure", "level"])
def test_an_hour_of_nonsense_is_not_learnt(lived: Path, tmp_path: Path, tag: str) -> None:
    """Squares of what a register in the wrong word order says would hide for months what the pumps work against."""
    later_ms = END_MS + 2 * 3_600_000
    with after_six_days(lived, tmp_path) as past:
        with past.reader() as reader:
            before = MEMORY.restored(reader.job_state("forecast")[1])
        for each, value in {"flow": 60.0, "pressure": 3.0, "level": 3.0}.items():
            past.series(each, [1e30 if each == tag else value] * 120, start_ms=END_MS, step_ms=MINUTE_MS)
        past.perform("forecast", forecast.run, later_ms)
        with past.reader() as reader:
            kept = MEMORY.restored(reader.job_state("forecast")[1])

    assert kept.end_ms > before.end_ms
    assert max(abs(one) for one in kept.slots if one is not None) < 2_000.0
    assert kept.system.fit[:2] == pytest.approx(before.system.fit[:2], rel=0.2)


def test_single_wrong_values_of_a_meter_are_not_what_the_pumps_work_against(tmp_path: Path) -> None:
    """One in a hundred that is off by half: its square would hide the pipe for weeks, and no day would be planned."""
    seen, rng = days(), np.random.default_rng(4)
    with station(tmp_path) as past:
        head = 28.0 + seen.level - 3.0 + 3.0 + 4e-5 * seen.flow**2
        for tag, values in {"flow": seen.flow / 3.6, "pressure": head * 0.0980665, "level": seen.level}.items():
            wrong = rng.choice([0.5, 1.0, 1.5], len(values), p=[0.005, 0.99, 0.005])
            past.series(tag, values * wrong, step_ms=MINUTE_MS)
        static, resistance, scatter = learnt_pipe(past)

    assert static == pytest.approx(28.0, rel=0.01)
    assert resistance == pytest.approx(4e-5, rel=0.1)
    assert scatter < 0.3


def test_pumps_that_run_for_two_minutes_at_a_time_tell_what_they_work_against(tmp_path: Path) -> None:
    """As in a small well: what is between standing and pumping is neither, and must not be taken for the pipe."""
    rng, count = np.random.default_rng(5), 3 * 24 * 60
    seconds = np.arange(60 * count)
    flow = np.where(seconds % 607 < 120, 500 + 150 * np.sin(seconds / 86_400 * 6 * np.pi), 0.0)
    head = 31.0 + 4e-5 * flow**2 + rng.normal(0.0, 0.05, len(flow))
    with station(tmp_path) as past:
        for tag, values in {"flow": flow / 3.6, "pressure": head * 0.0980665, "level": np.full(len(flow), 3.0)}.items():
            past.series(tag, values.reshape(-1, 60).mean(axis=1), step_ms=MINUTE_MS)
        static, resistance, _ = learnt_pipe(past)

    assert static == pytest.approx(28.0, rel=0.02)
    assert resistance == pytest.approx(4e-5, rel=0.1)


@pytest.mark.parametrize("change", [{"area": 500.0}, {"kind": "well"}])
def test_another_tank_is_another_demand(lived: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    """Half hours made with the old volume or direction must not stand beside new ones: the log is looked at again."""
    with after_six_days(lived, tmp_path) as past:
        tank = past.settings.tank
        assert tank is not None
        past.settings = past.settings.model_copy(update={"tank": tank.model_copy(update=change)})
        anew = past.perform("forecast", forecast.run, END_MS + 60_000)
        for _ in range(2):
            past.perform("forecast", forecast.run, END_MS + 60_000)
        same = past.perform("forecast", forecast.run, END_MS + 60_000)
        with past.reader() as reader:
            kept = MEMORY.restored(reader.job_state("forecast")[1])

    seen = days()
    stored = change.get("area", 250.0) * np.diff(seen.level[::30]) * 2
    drawn = seen.flow.reshape(-1, 30).mean(axis=1)[:-1] - (-1 if "kind" in change else 1) * stored
    known = np.array([np.nan if one is None else one for one in kept.slots])[: len(drawn)]
    assert anew.counts["half_hours"] == forecast.PORTION
    assert same.counts["half_hours"] == 0
    assert np.nanmedian(np.abs(known - drawn[: len(known)])) < 10.0


def test_other_flow_meters_are_another_demand_and_an_earlier_version_is_believed(lived: Path, tmp_path: Path) -> None:
    """A state without a digest is not thrown away at an update; one of other meters is."""
    with after_six_days(lived, tmp_path) as past:
        with past.reader() as reader:
            kept = MEMORY.restored(reader.job_state("forecast")[1])
        kept.digest = ""
        past.perform("forecast", lambda context: Outcome(mark=context.mark, state=MEMORY.encode(kept)), END_MS)
        updated = past.perform("forecast", forecast.run, END_MS + 60_000)
        header = past.settings.headers[0].model_copy(update={"flow": ("level",)})
        past.settings = past.settings.model_copy(update={"headers": (header,)})
        other = past.perform("forecast", forecast.run, END_MS + 60_000)

    assert updated.counts["half_hours"] == 0
    assert other.counts["half_hours"] == forecast.PORTION


def expected_of(start_ms: int) -> Expected:
    """200 m³/h, give or take 20."""
    level = {"centre": [200.0] * 96, "low": [180.0] * 96, "high": [220.0] * 96}
    return Expected(made_ms=start_ms, start_ms=start_ms, method="none", error=5.0, coverage=0.9, **level)


def test_a_forecast_is_judged_once_its_first_hour_is_measured() -> None:
    """Each half hour another forecast is made; each is held against what came, in its own widths, and only once."""
    kept = DemandState(start_ms=START_MS)
    kept.extend(np.full(48, 200.0))
    seen = []
    for came in (240.0, 230.0, np.nan, 210.0, 200.0):
        kept.expect(expected_of(kept.end_ms))
        kept.expect(expected_of(kept.end_ms))  # the job was run again
        kept.extend(np.array([came]))
        kept.judge()
        seen.append(len(kept.missed))

    assert seen == [0, 1, 1, 1, 2]
    assert kept.missed == [[2.0, 1.75], [0.5, 0.25]]
    assert len(kept.asked) == 1


def test_what_is_kept_of_forecasts_is_bounded() -> None:
    """Four weeks of them; also where the past they belong to was forgotten meanwhile."""
    kept = DemandState(start_ms=START_MS)
    for day in range(86):
        for _ in range(48 if day > 50 else 1):
            kept.expect(expected_of(kept.end_ms))
            kept.extend(np.full(1 if day > 50 else 48, 200.0))
            kept.judge()

    assert len(kept.missed) == KEPT_MISSED
    assert len(kept.asked) == 1


def test_plans_keep_further_off_where_forecasts_missed_more(lived: Path, tmp_path: Path) -> None:
    """Two stations alike in all but what became of their forecasts; the one that was deceived is the more careful."""
    margins = []
    with after_six_days(lived, tmp_path) as past, past.reader() as reader:
        kept = MEMORY.restored(reader.job_state("forecast")[1])
        for missed in ([], [[0.6, 0.6]] * 900, [[2.8, 2.8]] * 900):
            kept.missed = missed
            state = MEMORY.encode(kept)
            past.perform("forecast", lambda context, state=state: Outcome(mark=context.mark, state=state), END_MS)
            tank = past.settings.tank
            assert tank is not None
            margins.append(schedule.problem_of(JobContext(past.settings, reader, 0, None, END_MS), tank).margin)

    unknown, good, bad = margins
    assert (good < unknown).all()
    assert (unknown < bad).all()
    assert bad[:8].min() > 0


def test_the_known_past_is_bounded() -> None:
    """A year of half hours: twelve weeks stay, the newest."""
    kept = DemandState(start_ms=START_MS)
    for _ in range(365):
        kept.extend(np.arange(48.0))

    assert len(kept.slots) == 84 * 48
    assert kept.end_ms == START_MS + 365 * 48 * SLOT_MS


def test_what_the_pumps_work_against_is_the_same_in_portions() -> None:
    """Sums in any portions are the sums of all; old minutes fade."""
    rng = np.random.default_rng(0)
    flow = rng.uniform(100, 400, 300)
    head = 30 + 5e-5 * flow**2 + rng.normal(0, 0.1, 300)
    whole, parts = SystemSums(), SystemSums()

    whole.update(flow, head)
    for part in np.split(np.arange(300), [7, 100, 250]):
        parts.update(flow[part], head[part])

    assert parts.fit == pytest.approx(whole.fit)
    assert whole.fit == pytest.approx((30.0, 5e-5, 0.1), rel=0.2)


def test_the_pumps_of_the_test_can_do_what_is_asked() -> None:
    """Else every other test here would say nothing."""
    duty = MODEL.duty([0.95, 0.95], 34.0)

    assert float(duty.flows.sum()) > 330.0


def test_a_pump_that_is_worked_on_is_not_planned_meanwhile(lived: Path, tmp_path: Path) -> None:
    """From four to eight in the afternoon pump a is open: it stands then, and runs before and after (slow: plans)."""
    with after_six_days(lived, tmp_path) as past:
        pumps = tuple(
            pump.model_copy(update={"maintenance": (WORKS,)}) if pump.id == "a" else pump
            for pump in past.settings.pumps
        )
        free = scheduled(past)
        past.settings = past.settings.model_copy(update={"pumps": pumps})
        said = scheduled(past)

    assert runs_between(free, "a", "2026-03-07T16:00:00.000Z", "2026-03-07T20:00:00.000Z")
    assert not runs_between(said, "a", "2026-03-07T16:00:00.000Z", "2026-03-07T20:00:00.000Z")
    assert said["works"] == [{"pump": "a", "from": "2026-03-07T16:00:00.000Z", "until": "2026-03-07T20:00:00.000Z"}]
    assert runs_between(said, "a", "2026-03-07T12:00:00.000Z", "2026-03-08T12:00:00.000Z")


def test_a_pump_that_must_run_runs_in_every_step_that_is_planned(lived: Path, tmp_path: Path) -> None:
    """Advice for now never stops it, and the schedule may not either (slow: plans)."""
    with after_six_days(lived, tmp_path) as past:
        free = scheduled(past)
        spared = next(
            pump.id for pump in past.settings.pumps if any(pump.id not in row["pumps"] for row in free["rows"])
        )
        pumps = tuple(pump.model_copy(update={"must_run": pump.id == spared}) for pump in past.settings.pumps)
        past.settings = past.settings.model_copy(update={"pumps": pumps})
        said = scheduled(past)

    assert said["rows"], said.get("why")
    assert all(spared in row["pumps"] for row in said["rows"])


def test_a_pump_whose_alarm_stands_is_not_planned(lived: Path, tmp_path: Path) -> None:
    """Advice for now never starts it, and believes nothing of one that runs (slow: plans). Pump a runs, b stands."""
    with after_six_days(lived, tmp_path) as past:
        free = scheduled(past)
        past.record([standing("b-hot", "high", "b is hot", pump="b")])
        spared = scheduled(past)
        past.record([standing("a-hot", "high", "a is hot", pump="a")])
        running_one = scheduled(past)
        past.record([standing("condition.burst.main", "burst", "A pipe has burst.")])
        whole = scheduled(past)

    assert any("b" in row["pumps"] for row in free["rows"])
    assert spared["rows"] or "below" in spared["why"], spared
    assert not any("b" in row["pumps"] for row in spared["rows"])
    assert running_one["why"] == "An alarm of a, which runs, stands: a is hot. The advice for now stands."
    assert whole["why"] == "An alarm of the pumps' header stands: A pipe has burst. The advice for now stands."
    assert (free["unchecked"], [one["rows"] for one in (running_one, whole)]) == (["npsh"], [[], []])
    assert spared["left_out"] == [{"pump": "b", "why": "Its alarm stands: b is hot."}]


def test_a_running_pump_that_may_cavitate_is_relieved_by_a_plan_without_it(lived: Path, tmp_path: Path) -> None:
    """No plan at all would let it go on; one that must run stays a reason for none (slow: plans). Pump a runs."""
    with after_six_days(lived, tmp_path) as past:
        past.record([standing("condition.cavitation.a", "cavitation", "a may cavitate.", pump="a")])
        relieved = scheduled(past)
        pumps = tuple(pump.model_copy(update={"must_run": pump.id == "a"}) for pump in past.settings.pumps)
        past.settings = past.settings.model_copy(update={"pumps": pumps})
        bound = scheduled(past)

    assert relieved["rows"] or "below" in relieved["why"], relieved
    assert {pump for row in relieved["rows"] for pump in row["pumps"]} <= {"b"}
    assert relieved["left_out"] == [{"pump": "a", "why": "Its alarm stands: a may cavitate."}]
    assert bound["why"] == "An alarm of a, which runs, stands: a may cavitate. The advice for now stands."


def test_a_plan_keeps_the_band_of_the_header_and_what_pumps_need(lived: Path, tmp_path: Path) -> None:
    """A metre less than the day would reach, and an inlet that forbids the greatest flow of a pump (slow: plans)."""
    with after_six_days(lived, tmp_path) as past:
        free = scheduled(past)
        most = pressures(free).max() - 1.0
        narrowed(past, pressure_max=most * 0.0980665)
        banded = scheduled(past)
        narrowed(past, suction_head=2.0)
        pumps = [pump.model_copy(update={"rated_flow": 200.0, "por": (0.1, 3.0)}) for pump in past.settings.pumps]
        past.settings = past.settings.model_copy(update={"pumps": tuple(pumps)})
        roomy = scheduled(past)
        pumps = [pump.model_copy(update={"npsh": 14.0}) for pump in pumps]
        past.settings = past.settings.model_copy(update={"pumps": tuple(pumps)})
        thirsty = scheduled(past)

    assert pressures(banded).max() < most + 0.1
    assert (free["unchecked"], banded["unchecked"]) == (["npsh"], ["npsh"])
    alone = 200.0 * (12.09 / 15.4) ** 0.5  # m³/h of a pump, where 1.1 times what it needs is all there is
    assert max(row["flow"] for row in roomy["rows"] if len(row["pumps"]) == 1) > 1.05 * alone
    assert all(row["flow"] < 1.01 * alone * len(row["pumps"]) for row in thirsty["rows"])
    assert thirsty["unchecked"] == []
    assert banded["within_steps"] == []
    assert thirsty["within_steps"] == []


@pytest.mark.parametrize(("step", "offset"), [(15, 0), (60, 30)])
def test_a_day_is_planned_in_the_steps_that_are_asked_for(lived: Path, tmp_path: Path, step: int, offset: int) -> None:
    """Quarters or hours by the clock, timers in whole ones, a price as the mean of its quarters (slow: plans)."""
    now_ms = END_MS + offset * MINUTE_MS
    band = {"price": 0.10, "start": "00:00", "end": "06:45"}
    with after_six_days(lived, tmp_path) as past:
        if offset:
            past.series("level", [3.0] * offset, start_ms=END_MS, step_ms=MINUTE_MS)
            now_on(past, now_ms)
            know_who_runs(past, now_ms)
        jobs = {"schedule": {"step": step}}
        tariff = {**TARIFF, "band": [band]}
        past.settings = past.settings.model_validate(
            {**past.settings.model_dump(by_alias=True), "jobs": jobs, "tariff": tariff}
        )
        slow = [pump.model_copy(update={"min_on": 40.0}) for pump in past.settings.pumps]
        slow[1] = slow[1].model_copy(update={"maintenance": (SHORT_WORKS,)})
        past.settings = past.settings.model_copy(update={"pumps": tuple(slow)})
        said = scheduled(past, now_ms)
        with past.reader() as reader:
            tank = past.settings.tank
            assert tank is not None
            problem = schedule.problem_of(JobContext(past.settings, reader, 0, None, now_ms), tank)

    times = [datetime.fromisoformat(each) for each in (*(row["from"] for row in said["rows"]), said["until"])]
    assert times[0].timestamp() * 1000 == now_ms
    assert (times[-1] - times[0]) == timedelta(hours=24)
    assert {(each - times[0]).total_seconds() % (60 * step) for each in times} == {0.0}
    assert (problem.step, problem.steps) == (step / 60, 24 * 60 // step)
    assert [unit.min_on for unit in problem.units] == [-(-40 // step)] * 2
    assert [unit.most_starts for unit in problem.units] == [4 * 24] * 2
    touched = [4] if step == 60 else [20, 21]  # from half past four for an hour, or two quarters from five on
    assert np.argwhere(problem.locks).tolist() == [[place, 1] for place in touched]
    cheap = 0.25 * 0.10 + 0.75 * 0.30 if step == 60 else 0.10  # half past six and on, a quarter of which is night
    assert problem.price[(18 * 60 + 30 - offset) // step] == pytest.approx(cheap)
    assert sum(row["cost"] for row in said["rows"]) == pytest.approx(said["cost"], abs=0.3)


@pytest.mark.parametrize(("step", "late", "when"), [(15, 0, "13:45"), (60, 30, "14:30")])
def test_a_refusal_says_when_in_the_steps_that_are_asked_for(
    lived: Path, tmp_path: Path, step: int, late: int, when: str
) -> None:
    """Both pumps are worked on: the town draws what is above the lowest level within two or three hours."""
    now_ms = END_MS + late * MINUTE_MS
    works = (WORKS[0] - timedelta(hours=5), WORKS[1])
    with after_six_days(lived, tmp_path) as past:
        if late:
            past.series("level", [3.0] * late, start_ms=END_MS, step_ms=MINUTE_MS)
            now_on(past, now_ms)
            know_who_runs(past, now_ms)
        pumps = tuple(pump.model_copy(update={"maintenance": (works,)}) for pump in past.settings.pumps)
        asked = past.settings.jobs.schedule.model_copy(update={"step": step})
        jobs = past.settings.jobs.model_copy(update={"schedule": asked})
        past.settings = past.settings.model_copy(update={"pumps": pumps, "jobs": jobs})
        said = scheduled(past, now_ms)

    assert "the level falls to" in said["why"]
    assert f", at about {when}. " in said["why"]


def known_since(past: History, minutes: Mapping[str, float], now_ms: int, *, is_seen: bool = True) -> None:
    """Pump a runs and b stands for so many minutes."""
    memory = JobMemory(running.JobState)
    with past.reader() as reader:
        kept = memory.restored(reader.job_state("running")[1])
    for pump, each in minutes.items():
        began_ms = now_ms - round(each * MINUTE_MS)
        seen_ms = (began_ms,) if is_seen else ()
        before = kept.pumps[pump].memory
        kept.pumps[pump].memory = replace(before, since_ms=began_ms, start_times_ms=seen_ms, stop_times_ms=seen_ms)
    past.perform("running", lambda context: Outcome(mark=context.mark, state=memory.encode(kept)), now_ms)


def problem_with(past: History, step: int, now_ms: int = END_MS, **pump: float) -> Problem:
    """What is asked of a plan in steps of *step* minutes, of pumps with these settings."""
    pumps = tuple(each.model_copy(update=pump) for each in past.settings.pumps)
    jobs = past.settings.jobs
    asked = jobs.schedule.model_copy(update={"step": step})
    jobs = jobs.model_copy(update={"schedule": asked})
    settings = past.settings.model_copy(update={"pumps": pumps, "jobs": jobs})
    assert settings.tank is not None
    with past.reader() as reader:
        return schedule.problem_of(JobContext(settings, reader, 0, None, now_ms), settings.tank)


@pytest.mark.parametrize(
    ("step", "min_on", "ran", "late", "locked"),
    [
        (60, 15.0, 45, 0, 0),
        (60, 15.0, 14, 0, 1),
        (60, 90.0, 45, 0, 1),
        (60, 90.0, 20, 0, 2),
        (15, 40.0, 25, 0, 1),
        (30, 40.0, 15, 20, 2),  # at the end of the half hour that has begun it will have run 25 min
        (30, 40.0, 40, 20, 0),
    ],
)
def test_a_pump_is_held_for_what_is_left_of_its_timer(  # noqa: PLR0917 - a case each
    lived: Path, tmp_path: Path, step: int, min_on: float, ran: int, late: int, locked: int
) -> None:
    """In whole steps, rounded up once: whoever has run for its least time may be stopped at once."""
    now_ms = END_MS + late * MINUTE_MS
    with after_six_days(lived, tmp_path) as past:
        if late:
            past.series("level", [3.0] * late, start_ms=END_MS, step_ms=MINUTE_MS)
            now_on(past, now_ms)
            know_who_runs(past, now_ms)
        known_since(past, {"a": ran, "b": 600}, now_ms)
        seen = problem_with(past, step, now_ms, min_on=min_on).units[0]
        known_since(past, {"a": ran, "b": 600}, now_ms, is_seen=False)
        unseen = problem_with(past, step, now_ms, min_on=min_on).units[0]

    assert max(0, seen.min_on - seen.held) == locked
    assert unseen.held >= unseen.min_on


def test_hours_as_steps_relieve_a_pump_that_has_run_for_its_least_time(lived: Path, tmp_path: Path) -> None:
    """It may cavitate: a quarter hour of `min_on` is over after sixteen minutes, not after an hour."""
    with after_six_days(lived, tmp_path) as past:
        past.record([standing("condition.cavitation.a", "cavitation", "a may cavitate.", pump="a")])
        known_since(past, {"a": 16}, END_MS)
        relieved = problem_with(past, 60, min_on=15.0)
        known_since(past, {"a": 14}, END_MS)
        with pytest.raises(NotKnownError, match="An alarm of a, which runs, stands"):
            problem_with(past, 60, min_on=15.0)

    assert [unit.id for unit in relieved.units] == ["b"]


def test_no_hour_sees_more_starts_than_it_may_whatever_a_step_lasts(lived: Path, tmp_path: Path) -> None:
    """A limit of the day's sum alone let one start an hour become two, half an hour apart."""
    with after_six_days(lived, tmp_path) as past:
        known_since(past, {"a": 600, "b": 20}, END_MS)
        timers = {
            (step, starts): problem_with(past, step, min_on=15.0, min_off=10.0, starts_per_hour=starts).units[1]
            for step, starts in ((15, 1.0), (15, 2.0), (15, 3.0), (15, 0.5), (30, 1.0), (60, 1.0))
        }

    assert [unit.min_on + unit.min_off for unit in timers.values()] == [4, 2, 2, 4, 2, 2]
    assert [unit.most_starts for unit in timers.values()] == [24, 48, 72, 12, 24, 24]
    assert timers[15, 1.0].held == 1  # 25 min are left of 45
    assert timers[15, 2.0].held >= 1


def narrowed(past: History, **header: float) -> None:
    """The header has other settings from now on."""
    (kept,) = past.settings.headers
    past.settings = past.settings.model_copy(
        update={"headers": (type(kept).model_validate({**kept.model_dump(exclude_unset=True), **header}),)}
    )


def pressures(said: Mapping[str, Any]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """At the header where each row begins, m of water; a row's flow hardly changes."""
    levels = [float(days().level[-1]), *(row["level"] for row in said["rows"])]
    rows = zip(said["rows"], levels, strict=False)
    return np.array([28.0 + level + 4e-5 * row["flow"] ** 2 for row, level in rows if row["pumps"]])


SHORT_WORKS = (datetime.fromisoformat("2026-03-07T17:05"), datetime.fromisoformat("2026-03-07T17:20"))
WORKS = (datetime.fromisoformat("2026-03-07T16:00"), datetime.fromisoformat("2026-03-07T20:00"))


def runs_between(said: Mapping[str, Any], pump: str, start: str, end: str) -> bool:
    """Whether a schedule has *pump* running at some time from *start* to *end*."""
    rows = said["rows"]
    ends = [row["from"] for row in rows[1:]] + [said["until"]]
    return any(
        pump in row["pumps"] and row["from"] < end and until > start for row, until in zip(rows, ends, strict=True)
    )


def test_a_demand_charge_lowers_the_peak_unless_the_month_has_seen_a_higher_one(lived: Path, tmp_path: Path) -> None:
    """A kW above the month's peak costs more than a cheap night saves; the log says what it was (slow)."""
    with after_six_days(lived, tmp_path) as past:
        free = scheduled(past)
        highest = max(row["power_kw"] for row in free["rows"])
        past.settings = past.settings.model_copy(
            update={"tariff": past.settings.tariff.model_copy(update={"demand_charge": 20.0})}
        )
        charged = scheduled(past)
        past.series("a.power", [200.0] * 60, start_ms=END_MS - 2 * SLOT_MS, step_ms=MINUTE_MS)
        with past.reader() as reader:
            _, state = reader.job_state("schedule")
            half = PEAK.encode(peak_so_far(JobContext(past.settings, reader, 0, None, END_MS)))  # a portion
            late = peak_so_far(JobContext(past.settings, reader, 0, half, END_MS))

    assert "peak_kw" not in free
    assert charged["peak_kw"] < 0.9 * highest
    assert charged["cost"] > free["cost"]
    assert PEAK.restored(state).month_ms == START_MS - 12 * 3_600_000
    assert late.kw == pytest.approx(200.0, rel=0.2)


def test_a_policy_whose_time_to_learn_is_over_does_not_advise_and_the_exact_plan_stands(
    lived: Path, tmp_path: Path
) -> None:
    """Asked for fitted Q iteration in next to no time: the schedule is the exact one, and says why (slow: six days)."""
    with after_six_days(lived, tmp_path) as past:
        usual = scheduled(past)
        jobs = {"schedule": {"method": "fitted Q iteration", "budget": 1e-6}}
        past.settings = past.settings.model_validate({**past.settings.model_dump(by_alias=True), "jobs": jobs})
        found = scheduled(past)
        with past.reader() as reader:
            exact, learnt = days_ahead(JobContext(past.settings, reader, 0, None, END_MS))

    assert found["rows"] == usual["rows"]
    assert "did not finish learning within" in found["method"]
    assert found["method"].startswith(schedule.METHOD)
    assert (exact.method, exact.cost, exact.gap) == ("exact schedule", usual["cost"], 0.0)
    assert (learnt.method, learnt.cost) == ("fitted Q iteration", None)
    assert learnt.why is not None
    assert learnt.why in days_table([exact, learnt], past.settings.tariff)
    assert days_table([exact], past.settings.tariff).split()[4] == "EUR"
    assert days_table([exact], TariffSettings()).split()[4] == "kWh"


def test_a_policy_that_is_judged_near_enough_advises_the_day_and_says_its_gap(lived: Path, tmp_path: Path) -> None:
    """From readings to the payload: learnt, judged on days of wrong forecasts, published (slow: trees and plans)."""
    with after_six_days(lived, tmp_path) as past:
        changed(past, jobs={"schedule": past.settings.jobs.schedule.model_copy(update={"horizon": 12.0})})
        usual = scheduled(past)
        jobs = {"schedule": {"method": "fitted Q iteration", "budget": 600.0, "horizon": 12.0}}
        past.settings = past.settings.model_validate({**past.settings.model_dump(by_alias=True), "jobs": jobs})
        found = scheduled(past)

    assert found["method"].startswith("Fitted Q iteration may advise: on the model it costs ")
    assert found["cost"] == pytest.approx(usual["cost"], rel=0.04)
    assert all(1.0 <= row["level"] <= 5.0 for row in found["rows"])
    assert found["until"] == usual["until"]


def changed(past: History, **parts: dict[str, Any]) -> None:
    """Other settings of *parts* from now on."""
    models = {name: getattr(past.settings, name).model_copy(update=keys) for name, keys in parts.items()}
    past.settings = past.settings.model_copy(update=models)


def test_hours_and_the_preferred_pressure_are_weighed_as_in_the_advice(lived: Path, tmp_path: Path) -> None:
    """600 h apart at 1 EUR an hour and 1000 h is 0.6 EUR an hour; 2 EUR a bar are 0.196 a metre. By money alone."""
    with after_six_days(lived, tmp_path) as past:
        memory = JobMemory(running.JobState)
        with past.reader() as reader:
            kept = memory.restored(reader.job_state("running")[1])
        for pump, hours in (("a", 700.0), ("b", 100.0)):
            before = kept.pumps[pump].memory
            kept.pumps[pump].memory = replace(before, run_ms=round(hours * 3_600_000), counted_ms=before.seen_ms)
        past.perform("running", lambda context: Outcome(mark=context.mark, state=memory.encode(kept)), END_MS)
        narrowed(past, pressure_min=2.5, pressure_max=5.0, pressure_preferred=3.4323, pressure_cost=2.0)
        changed(past, advice={"balance_cost": 1.0})
        paid = problem_with(past, 30, start_cost=0.5)
        changed(past, tariff={"price": 0.0, "bands": ()})
        free = problem_with(past, 30, start_cost=0.5)

    assert [unit.hour_cost for unit in paid.units] == pytest.approx([0.6, 0.0], abs=1e-3)
    assert [unit.start_cost for unit in paid.units] == [0.5, 0.5]
    assert paid.pressures.head_preferred == pytest.approx(35.0, abs=0.01)
    assert paid.pressures.away_cost == pytest.approx(2.0 * 0.0980665)
    assert [unit.hour_cost + unit.start_cost for unit in free.units] == [0.0, 0.0]
    assert free.pressures.away_cost == 0.0


def test_what_is_only_weighed_is_told_and_no_cost(lived: Path, tmp_path: Path) -> None:
    """The bill is for energy: money for metres off the preferred pressure stands beside it (slow: plans)."""
    with after_six_days(lived, tmp_path) as past:
        free = scheduled(past)
        narrowed(past, pressure_min=2.5, pressure_max=5.0, pressure_preferred=3.2, pressure_cost=20.0)
        said = scheduled(past)

    assert "weighed" not in free
    assert said["weighed"] > 0.1
    assert sum(row["cost"] for row in said["rows"]) == pytest.approx(said["cost"], abs=0.2)
    assert said["cost"] > free["cost"]


def test_stored_water_may_have_a_value_instead_of_a_last_level(lived: Path, tmp_path: Path) -> None:
    """Dear water is left in the tank, worthless water is not; without a price the level is asked for (slow: plans)."""
    ends = {}
    with after_six_days(lived, tmp_path) as past:
        for worth in (0.0, 5.0):
            changed(past, tank={"water_value": worth})
            ends[worth] = scheduled(past)
        changed(past, tariff={"price": 0.0, "bands": ()})
        free = problem_with(past, 30)

    assert ends[0.0]["rows"], ends[0.0].get("why")
    assert ends[0.0]["rows"][-1]["level"] < 1.5
    assert ends[5.0]["rows"][-1]["level"] > 4.0
    assert [said["water_value"] for said in ends.values()] == [0.0, 5.0]
    assert not any("level_end" in said for said in ends.values())
    assert sum(row["cost"] for row in ends[5.0]["rows"]) == pytest.approx(ends[5.0]["cost"], abs=0.2)
    assert free.level_end == pytest.approx(3.0, abs=0.5)
    assert free.water_value == 0.0


def test_the_tank_names_its_header_where_there_are_two(lived: Path, tmp_path: Path) -> None:
    """Untold there is no schedule, and it says what to write; told, the other header's pumps are left out (slow)."""
    with after_six_days(lived, tmp_path) as past:
        usual = scheduled(past)
        plant = past.settings.model_dump(by_alias=True)
        plant["header"] = [*plant["header"], {"id": "booster", "pressure": ["pressure"], "flow": ["a.speed"]}]
        plant["pump"] = [{**plant["pump"][1], "id": "c", "header": "booster"}, *plant["pump"]]
        past.settings = type(past.settings).model_validate(plant)
        untold = scheduled(past)
        changed(past, tank={"header": "main"})
        again = past.perform("forecast", forecast.run, END_MS + 60_000)
        told = scheduled(past)

    said = "Nothing says which of main and booster has the pumps of the tank; write its header in [tank]."
    assert untold["why"] == f"{said} The advice for now stands."
    assert again.counts["half_hours"] == 0
    assert told["rows"] == usual["rows"]
    assert told["left_out"] == [{"pump": "c", "why": "Its header booster is not the tank's."}]


def learnt_to(phi: float) -> Job:
    """What the curves job would have left, had it seen no flow above *phi*, m³/h at rated speed."""
    curves = tuple(replace(curve, flow_range=(curve.flow_range[0], phi)) for curve in MODEL.curves)
    model, estimator = replace(MODEL, curves=curves), StationCurves([Plate(pump.id) for pump in PUMPS])
    state = CurveState(headers={"main": HeaderCurves(estimator, model)}).encode()

    def job(context: JobContext) -> Outcome:
        return Outcome(mark=context.mark, state=state)

    return job


def most_drawn(problem: Problem) -> float:
    """The greatest even demand, m³/h, that all pumps and what the tank holds can meet, whatever is left."""
    lines = lines_of(problem)
    tables = atlas(problem, lines, sets_of(problem, lines))
    low, high = 100.0, 1_000.0
    for _ in range(20):
        middle = (low + high) / 2
        asked = replace(problem, level_end=None, demand=np.full(problem.steps, middle))
        low, high = (middle, high) if unreachable(asked, tables) is None else (low, middle)
    return low


def test_learnt_ranges_are_left_only_where_there_is_no_plan_otherwise(lived: Path, tmp_path: Path) -> None:
    """A town that draws a little more than both pumps were ever seen to give: planned, and said (slow: plans)."""
    with after_six_days(lived, tmp_path) as past:
        usual = scheduled(past)
        past.perform("curves", learnt_to(130.0), END_MS)
        problem = problem_with(past, 30)
        with past.reader() as reader:
            kept = MEMORY.restored(reader.job_state("forecast")[1])
            context = JobContext(past.settings, reader, 0, None, END_MS)
            wide = replace(problem, units=widened(schedule.planned_header(context), context, problem.units))
        narrow_most, wide_most = (most_drawn(one) for one in (problem, wide))
        drawn = narrow_most + 0.3 * (wide_most - narrow_most)
        assert kept.expected is not None
        kept.expected = replace(kept.expected, centre=[drawn] * len(kept.expected.centre))
        past.perform("forecast", lambda context: Outcome(mark=context.mark, state=MEMORY.encode(kept)), END_MS)
        said = scheduled(past)

    assert usual["beyond_learnt"] == []
    assert said["rows"], said.get("why")
    assert said["beyond_learnt"]
