"""The running job over real history: pump and station records."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import curves, running
from agent.jobs.job import Outcome
from agent.mqtt.payloads import Wear
from agent.store.records import Record
from tests import real_station
from tests.agent.history import START_MS, History, history, reading
from tests.real_station import needs_real_station, recording

TAGS: dict[str, dict[str, Any]] = {
    "p1.power": {"unit": "kW"},
    "p1.speed": {"unit": "Hz"},
    "p2.power": {"unit": "kW"},
    "p2.speed": {"unit": "Hz"},
    "grid_frequency": {"unit": "Hz"},
    "pressure": {"unit": "bar"},
    "flow": {"unit": "m3/h"},
}
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
    "pump": [
        {"id": "p1", "header": "main", "power": "p1.power", "speed": "p1.speed", "rated_power": 200.0},
        {"id": "p2", "header": "main", "power": "p2.power", "speed": "p2.speed", "rated_power": 200.0},
    ],
    "tariff": {"price": 0.25, "currency": "EUR"},
}


def bodies(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What is published, by pump id; the station under its own name."""
    return {record.key or record.kind: json.loads(record.body) for record in outcome.records}


def one_of_two_runs(past: History, seconds: int, start_ms: int = START_MS) -> None:
    """Pump 1 at 45 Hz and 150 kW delivers 1,000 m³/h into 4 bar; pump 2 stands and its meter shows 0.2 kW."""
    constant = {"p1.power": 150.0, "p1.speed": 45.0, "p2.power": 0.2, "p2.speed": 0.0, "pressure": 4.0, "flow": 1_000.0}
    for tag, value in constant.items():
        past.series(tag, [value] * seconds, start_ms=start_ms)


def test_a_pump_record_says_duty_and_where_each_figure_comes_from(tmp_path: Path) -> None:
    """The only running pump delivers what the header's meter shows: derived, not measured."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)

        p1 = bodies(past.perform("running", running.run, START_MS + 60_000))["p1"]

    assert (p1["running"], p1["speed"], p1["speed_source"]) == (True, 0.9, "measured")
    assert (p1["flow"], p1["flow_source"]) == (1_000.0, "derived")
    assert (p1["head"], p1["head_source"]) == (pytest.approx(40.79, abs=0.01), "derived")
    assert (p1["power_kw"], p1["power_source"]) == (150.0, "measured")
    assert p1["efficiency"] == pytest.approx(0.741, abs=0.001)
    assert p1["run_hours"] == pytest.approx(59 / 3_600)


def test_when_a_pump_was_started_and_stopped_is_told(tmp_path: Path) -> None:
    """It ran from 30 s to 60 s; the instants are those at which the power changed, not those of being believed."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 30)
        for second, (power, speed) in enumerate([(150.0, 45.0)] * 30 + [(0.0, 0.0)] * 30, start=30):
            at = START_MS + 1_000 * second
            past.series("p2.power", [power], start_ms=at)
            past.series("p2.speed", [speed], start_ms=at)
        found = bodies(past.perform("running", running.run, START_MS + 90_000))

    p1, p2 = found["p1"], found["p2"]
    assert (p2["running"], p2["since"]) == (False, "2026-03-01T12:01:00.000Z")
    assert (p2["started_at"], p2["stopped_at"]) == ("2026-03-01T12:00:30.000Z", "2026-03-01T12:01:00.000Z")
    assert (p2["starts_today"], p2["run_hours"]) == (1, pytest.approx(30 / 3_600))
    assert {"started_at", "stopped_at"}.isdisjoint(p1)


def test_a_stopped_pump_draws_and_delivers_nothing(tmp_path: Path) -> None:
    """Its meter's noise is no power, and there is no efficiency."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)

        p2 = bodies(past.perform("running", running.run, START_MS + 60_000))["p2"]

    assert (p2["running"], p2["power_kw"], p2["flow"]) == (False, 0.0, 0.0)
    assert "efficiency" not in p2


def test_the_station_record_sums_the_plant(tmp_path: Path) -> None:
    """150 kW for 1,000 m³/h are 0.15 kWh/m³; an hour of it costs 37.50 at 0.25."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 3_600)

        station = bodies(past.perform("running", running.run, START_MS + 3_600_000))["station"]

    assert (station["flow"], station["power_kw"], station["specific_energy"]) == (1_000.0, 150.0, 0.15)
    assert (station["running"], station["running_count"]) == (["p1"], 1)
    assert station["energy_today_kwh"] == pytest.approx(150.0)
    assert station["volume_today_m3"] == pytest.approx(1_000.0)
    assert (station["cost_today"], station["currency"]) == (pytest.approx(37.5), "EUR")


def test_runs_of_the_job_add_up_to_one_run(tmp_path: Path) -> None:
    """Whether the job came every ten seconds or once must not show in hours, starts and costs."""
    power = np.tile(np.repeat([0.0, 150.0], 50), 3)
    found = []
    for name, period_ms in (("often", 10_000), ("once", 300_000)):
        (tmp_path / name).mkdir()
        with history(tmp_path / name, TAGS, **PLANT) as past:
            past.series("p1.power", power)
            past.series("p1.speed", np.where(power > 0, 45.0, 0.0))
            for at_ms in range(period_ms, 300_001, period_ms):
                outcome = past.perform("running", running.run, START_MS + at_ms)
            body = bodies(outcome)
            energy = round(body["station"]["energy_today_kwh"], 6)
            found.append((energy, *(body["p1"][key] for key in ("run_hours", "starts_today", "since"))))

    assert found[0] == found[1]
    assert found[0][2] == 3


def test_grid_frequency_configured_as_speed_runs_no_pump(tmp_path: Path) -> None:
    """Every pump of the station sees 50 Hz mains; the one that draws nothing stands, and has no speed."""
    plant = PLANT | {"pump": [PLANT["pump"][0] | {"speed": "grid_frequency"}]}
    with history(tmp_path, TAGS, **plant) as past:
        past.series("grid_frequency", 50.0 + 0.02 * np.sin(np.arange(120)))
        past.series("p1.power", [0.0] * 120)

        p1 = bodies(past.perform("running", running.run, START_MS + 120_000))["p1"]

    assert (p1["running"], p1["speed"]) == (False, 0.0)


def test_a_pump_nobody_can_see_is_neither_running_nor_stopped(tmp_path: Path) -> None:
    """Absent, with the reason; the station does not count it."""
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p1.power", [float("inf")] * 60)
        past.series("p1.speed", [float("inf")] * 60)
        past.series("p2.power", [0.0] * 60)

        body = bodies(past.perform("running", running.run, START_MS + 60_000))

    assert "running" not in body["p1"]
    assert body["p1"]["reason"] == "nothing good was read of p1.power, p1.speed"
    assert "running_count" not in body["station"]
    assert "power_kw" not in body["station"]


def test_the_same_instant_twice_changes_nothing(tmp_path: Path) -> None:
    """A run that comes too early keeps mark and state, and says nothing."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)
        first = past.perform("running", running.run, START_MS + 60_000)

        again = past.perform("running", running.run, START_MS + 60_500)

    assert (again.mark, again.state, again.records) == (first.mark, first.state, ())


def test_a_clock_set_back_does_not_freeze_the_state(tmp_path: Path) -> None:
    """An hour that comes twice is followed again, and hours and starts are kept."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)
        past.perform("running", running.run, START_MS + 60_000)
        one_of_two_runs(past, 60, start_ms=START_MS - 3_600_000)

        p1 = bodies(past.perform("running", running.run, START_MS - 3_540_000))["p1"]

    assert p1["running"] is True
    assert p1["run_hours"] > 59 / 3_600


def test_silence_ends_in_unknown(tmp_path: Path) -> None:
    """Nothing is read any more, not even bad: a minute later nobody claims that the pump still runs."""
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)
        past.perform("running", running.run, START_MS + 60_000)

        p1 = bodies(past.perform("running", running.run, START_MS + 120_000))["p1"]

    assert "running" not in p1
    assert p1["run_hours"] == pytest.approx(64 / 3_600, rel=0.02)  # 59 s, and 5 s for which a reading may stand


def test_a_station_that_is_read_once_a_minute_knows_who_runs(tmp_path: Path) -> None:
    """A minute between two readings is no silence, or such a station would never be advised; ten minutes are one."""
    tags = {tag: {**keys, "period": 60.0} for tag, keys in TAGS.items()}
    with history(tmp_path, tags, **PLANT) as past:
        for tag, value in {"p1.power": 150.0, "p1.speed": 45.0, "p2.power": 0.2, "p2.speed": 0.0}.items():
            past.series(tag, [value] * 10, step_ms=60_000)
        found = bodies(past.perform("running", running.run, START_MS + 600_000))
        later = bodies(past.perform("running", running.run, START_MS + 1_260_000))

    assert (found["p1"]["running"], found["p2"]["running"]) == (True, False)
    assert "running" not in later["p1"]


def test_a_state_that_another_version_left_is_begun_anew() -> None:
    """An upgrade never stops the job."""
    assert running.restored(b'{"version": 1, "pumps": ["p1"]}') == running.JobState()
    assert running.restored(b"no JSON") == running.JobState()


@needs_real_station
def test_the_real_station_is_told_right(tmp_path: Path) -> None:
    """Two of six supply pumps run; the old pump house's meters show 7 to 22 kW and its four pumps stand.

    No pump has a flow meter: once there are curves, each share is modelled, and says how uncertain it is. Slow
    because twenty minutes of 28 tags are written, and curves fitted, first.
    """
    hour = recording()[:1_200]
    tags = real_station.plant_tags("power", "speed")
    with history(tmp_path, tags, **real_station.plant("power", "speed")) as past:
        past.columns({tag: hour[tag] for tag in tags})

        past.perform("running", running.run, START_MS + 1_199_000)
        past.perform("curves", curves.run, START_MS + 1_200_000)
        body = bodies(past.perform("running", running.run, START_MS + 1_200_000))

    shares = [body[pump]["flow"] for pump in ("supply.p1", "supply.p5")]
    assert {body[pump]["flow_source"] for pump in ("supply.p1", "supply.p5")} == {"modelled"}
    assert sum(shares) == pytest.approx(body["station"]["flow"], rel=0.03)
    assert min(body[pump]["flow_std"] for pump in ("supply.p1", "supply.p5")) > 10.0
    assert body["station"]["running"] == ["supply.p1", "supply.p5"]
    assert body["station"]["running_count"] == 2
    assert 2_900 < body["station"]["flow"] < 4_000
    assert 400 < body["station"]["power_kw"] < 560


def started(past: History, power: list[float]) -> dict[str, Any]:
    """What is said of a pump of which nothing is known but its power, kW."""
    past.series("p1.power", power)
    past.series("pressure", [4.0] * len(power))
    past.series("flow", [0.0] * len(power))
    return bodies(past.perform("running", running.run, START_MS + 1_000 * len(power)))["p1"]


ALONE: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
    "pump": [{"id": "p1", "header": "main", "power": "p1.power"}],
}


@pytest.mark.parametrize(("power", "runs"), [(0.02, False), (148.0, True)])
def test_a_pump_that_never_or_always_ran_has_taught_no_threshold(tmp_path: Path, power: float, *, runs: bool) -> None:
    """Its state is told all the same, and that the threshold is none of its own."""
    with history(tmp_path, TAGS, **ALONE) as past:
        p1 = started(past, [power] * 700)

    assert (p1["running"], p1["threshold_source"]) == (runs, "not learnt")


def test_a_power_that_may_be_noise_is_told_with_what_is_missing(tmp_path: Path) -> None:
    """5 kW ever since: a pump that runs, or an idle meter; the person who reads it can say."""
    with history(tmp_path, TAGS, **ALONE) as past:
        p1 = started(past, [5.0] * 700)

    assert "running" not in p1
    assert p1["reason"].startswith("p1.power has not shown it both standing and running yet")
    assert "rated_power" in p1["reason"]


ON = np.arange(1_500) % 500 < 250  # it stands in the end
VARYING = np.exp(0.02 * np.random.default_rng(1).standard_normal(1_500))


def of_two_levels(tmp_path: Path, pump: dict[str, Any], idle: float, drawn: float) -> dict[str, Any]:
    """What is said of a pump that has power and current as far as *pump* has tags for them."""
    plant = ALONE | {"pump": [{"id": "p1", "header": "main"} | pump]}
    with history(tmp_path, TAGS | {"p1.current": {"unit": "A"}}, **plant) as past:
        past.series("p1.current", 1.9 * np.where(ON, drawn, idle) * VARYING)
        return started(past, (np.where(ON, drawn, idle) * VARYING).tolist())


POWER, CURRENT = {"power": "p1.power"}, {"current": "p1.current"}


@pytest.mark.parametrize("pump", [POWER | {"rated_power": 18.5}, CURRENT, POWER | CURRENT])
def test_a_pump_that_draws_a_quarter_at_rest_stands(tmp_path: Path, pump: dict[str, Any]) -> None:
    """Its plate, or its current, tells more than a power alone does: two levels are enough."""
    p1 = of_two_levels(tmp_path, pump, 4.0, 15.0)

    assert (p1["running"], p1["threshold_source"], p1["starts_today"]) == (False, "history", 2)


def test_two_levels_that_a_drive_could_make_are_told_as_such(tmp_path: Path) -> None:
    """4 kW may be standing or slow running; the person who reads it can say."""
    p1 = of_two_levels(tmp_path, POWER, 4.0, 15.0)

    assert "running" not in p1
    assert p1["reason"] == "p1.power shows two levels less than five times apart; configure its running_power"


@pytest.mark.parametrize("also", [{}, {"status": "p1.status"}, CURRENT])
def test_a_pump_that_is_slow_for_some_hours_is_not_taken_for_noise(tmp_path: Path, also: dict[str, Any]) -> None:
    """60 kW, and 13 in the night: 5 hours of 24, a minute for an hour."""
    power = np.where(np.arange(1_440) % 1_440 < 300, 13.0, 60.0) * VARYING[:1_440]
    plant = ALONE | {"pump": [ALONE["pump"][0] | also]}
    tags = TAGS | {"p1.status": {"unit": ""}, "p1.current": {"unit": "A"}}
    with history(tmp_path, tags, **plant) as past:
        past.series("p1.status", [1.0] * 1_440)
        past.series("p1.current", 110.0 * (power / 60.0) ** 0.67)
        p1 = started(past, power.tolist())

    assert p1["running"] is True


def test_a_last_digit_that_comes_and_goes_is_no_start(tmp_path: Path) -> None:
    """A register of whole kilowatts shows 0 and 1 by turns: less than two steps are nothing."""
    flicker = np.random.default_rng(4).integers(0, 2, 1_500).astype(np.float64)
    with history(tmp_path, TAGS | {"p1.power": {"unit": "kW", "type": "uint16"}}, **ALONE) as past:
        p1 = started(past, flicker.tolist())

    assert (p1.get("running", False), p1["starts_today"], p1["run_hours"]) == (False, 0, 0)


def test_the_last_digit_of_a_power_in_watts_is_a_watt(tmp_path: Path) -> None:
    """A small pump of 1.1 kW is far above it."""
    power = [0.0] * 500 + [1_100.0] * 500
    with history(tmp_path, TAGS | {"p1.power": {"unit": "W", "type": "uint16"}}, **ALONE) as past:
        p1 = started(past, power)

    assert (p1["running"], p1["threshold_source"], p1["starts_today"]) == (True, "history", 1)
    assert 0.05 < p1["threshold_kw"] < 1.1


def test_a_pump_that_ran_and_stood_has_taught_its_threshold(tmp_path: Path) -> None:
    """Between the noise of the meter and the least that it draws."""
    noise = 1.5 + 0.2 * np.sin(np.arange(400))
    with history(tmp_path, TAGS, **ALONE) as past:
        p1 = started(past, [*noise, *(100.0 + noise), *noise])

    assert (p1["running"], p1["threshold_source"], p1["starts_today"]) == (False, "history", 1)
    assert 2.0 < p1["threshold_kw"] < 90.0


@pytest.mark.parametrize("wild", [5_000.0, 50_000.0])
def test_what_no_motor_of_its_plate_draws_teaches_no_threshold(tmp_path: Path, wild: float) -> None:
    """Five minutes of 50 MW while it runs: the pump of 200 kW goes on running, before and after."""
    power = [150.0] * 400 + [wild] * 300 + [150.0] * 700
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p1.power", power)
        p1 = bodies(past.perform("running", running.run, START_MS + 1_400_000))["p1"]

    assert (p1["running"], p1["threshold_source"]) == (True, "rated")


def test_noise_that_no_motor_draws_does_not_hide_a_running_pump(tmp_path: Path) -> None:
    """Half an hour of 50 MW while its drive stands, then it starts at 150 kW: it runs."""
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p1.power", [50_000.0] * 1_800 + [150.0] * 900)
        past.series("p1.speed", [0.0] * 1_800 + [45.0] * 900)
        p1 = bodies(past.perform("running", running.run, START_MS + 2_700_000))["p1"]

    assert (p1["running"], p1["starts_today"]) == (True, 1)


def test_a_threshold_that_a_person_gave_goes_before_all(tmp_path: Path) -> None:
    """A jockey pump's heater draws 3 kW while it stands; between both values nothing changes."""
    pump = ALONE["pump"][0] | {"running_power": [4.0, 8.0]}
    power = [3.0] * 300 + [6.0] * 300 + [9.0] * 300 + [6.0] * 300
    with history(tmp_path, TAGS, **(ALONE | {"pump": [pump]})) as past:
        p1 = started(past, power)

    assert (p1["running"], p1["threshold_kw"], p1["threshold_source"]) == (True, 8.0, "given")
    assert p1["starts_today"] == 1
    assert p1["run_hours"] == pytest.approx(599 / 3_600, abs=2 / 3_600)


def test_figures_from_a_few_seconds_of_many_are_doubted(tmp_path: Path) -> None:
    """Two readings of the last ten seconds are no duty point to bill by; which tag it was is said."""
    tags = TAGS | {"p1.power": {"unit": "kW", "period": 0.5}}
    with history(tmp_path, tags, **PLANT) as past:
        one_of_two_runs(past, 50)
        past.series("p1.speed", [45.0] * 10, start_ms=START_MS + 50_000)
        past.append([reading("p1.power", START_MS + 1_000 * second, float("inf")) for second in range(51, 60)])
        past.append([reading("p1.power", START_MS + 50_000, 150.0)])

        found = bodies(past.perform("running", running.run, START_MS + 60_000))

    assert found["p1"]["quality"] == "uncertain"
    assert found["p1"]["doubt"] == "p1.power was known in 10% of the time (longest hole 9 s)"
    assert "doubt" not in found["p2"] or "p2" in found["p2"]["doubt"]


def test_two_pumps_that_never_ran_do_not_teach_each_other(tmp_path: Path) -> None:
    """The noise of two meters, 0.04 and 0.02 kW, is nobody's power; taken for it, both would run for ever."""
    pumps = [{"id": name, "header": "main", "power": f"{name}.power"} for name in ("p1", "p2")]
    with history(tmp_path, TAGS, **(ALONE | {"pump": pumps})) as past:
        past.series("p2.power", [0.04] * 700)
        past.series("p1.power", [0.02] * 700)
        past.series("pressure", [4.0] * 700)

        found = bodies(past.perform("running", running.run, START_MS + 700_000))

    assert [found[pump]["running"] for pump in ("p1", "p2")] == [False, False]
    assert [found[pump]["threshold_source"] for pump in ("p1", "p2")] == ["not learnt", "not learnt"]


def test_a_pump_record_says_what_the_pump_has_lost(tmp_path: Path) -> None:
    """SCADA shows it beside the duty; a word that has gone stale is none."""
    said = {"pump": "p1", "ts": START_MS, "head_lost_percent": 3.1, "cost_per_day": 4.5, "currency": "EUR"}
    stale = {"pump": "p2", "ts": START_MS, "head_lost_percent": 9.9, "stale": True}
    with history(tmp_path, TAGS, **PLANT) as past:
        one_of_two_runs(past, 60)
        past.record(
            Record("wear", str(one["pump"]), START_MS, Wear.model_validate(one).encode()) for one in (said, stale)
        )

        found = bodies(past.perform("running", running.run, START_MS + 60_000))

    shown = {key: found["p1"].get(key) for key in ("head_wear_percent", "wear_cost_per_day", "currency")}
    assert shown == {"head_wear_percent": 3.1, "wear_cost_per_day": 4.5, "currency": "EUR"}
    assert "head_wear_percent" not in found["p2"]


def test_currents_that_an_earlier_version_kept_in_ma_are_learnt_anew(tmp_path: Path) -> None:
    """It learnt a threshold of more than 1,000 mA: held against so many A, a pump that draws 20 A would stand."""
    plant, tags = ALONE | {"pump": [{"id": "p1", "header": "main", "current": "p1.current"}]}, dict(TAGS)

    def operate(past: History, begin: int, tens: list[int]) -> dict[str, Any]:
        """It runs in those *tens* of minutes from *begin* on that are 1."""
        current = np.repeat([20_000.0 if runs else 60.0 for runs in tens], 60)
        past.series("p1.current", current, start_ms=START_MS + 600_000 * begin, step_ms=10_000)
        return bodies(past.perform("running", running.run, START_MS + 600_000 * (begin + len(tens))))["p1"]

    tags["p1.current"] = {"unit": "A", "period": 10}  # as an earlier version took mA: nobody converted them
    with history(tmp_path, tags, **plant) as past:
        before = operate(past, 0, [1, 0, 1, 0, 1, 0])
        with past.reader() as reader:
            mark, state = reader.job_state("running")
        kept = json.loads(state or b"")
        del kept["pumps"]["p1"]["current_factor"]
        past.keep("running", Outcome(mark=mark, state=json.dumps(kept).encode()))
    tags["p1.current"] = {"unit": "mA", "period": 10}
    with history(tmp_path, tags, **plant) as past:
        ran = operate(past, 6, [1])
        stood = operate(past, 7, [0])
        later = operate(past, 8, [1, 0, 1])
        with past.reader() as reader:
            learnt = running.thresholds(reader.job_state("running")[1])["p1"].current

    assert (before["running"], before["starts_today"]) == (False, 2)
    assert (ran["running"], stood["running"], later["running"]) == (True, False, True)
    assert (ran["starts_today"], later["starts_today"]) == (3, 5)
    assert later["run_hours"] == pytest.approx(before["run_hours"] + 0.5, abs=0.02)
    assert learnt.source == "history"
    assert 0.06 < learnt.off < learnt.on < 20.0
