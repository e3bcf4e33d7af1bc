"""The quality job over real history: the report and its cross-checks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.configuration.config_file import load
from agent.jobs import quality, running
from agent.jobs.job import Outcome
from agent.jobs.judged.rules import usual_rules
from agent.mqtt.payloads import Quality
from drivers.reading import Reading
from tests import real_station
from tests.agent.history import START_MS, History, history, reading
from tests.real_station import needs_real_station, recording

EACH_MINUTE = {"quality": {"report": 60}}
HOUR_MS = 3_600_000
BAD, NAN = float("inf"), float("nan")


def report(past: History, second: float) -> Quality:
    """What the job says so many seconds after the start."""
    (record,) = past.perform("quality", quality.run, START_MS + round(1_000 * second)).records
    return Quality.model_validate_json(record.body)


def test_a_tag_that_is_all_there_scores_one(tmp_path: Path) -> None:
    """Every expected reading came, in time, good, and nothing speaks against it."""
    with history(tmp_path, {"x": {"unit": "m"}}) as past:
        past.series("x", np.arange(60.0))

        (x,) = report(past, 60).tags

    assert (x.score, x.readings, x.flag, x.findings) == (1.0, 60, "pass", ())


def test_the_step_of_values_is_told_as_a_person_would(tmp_path: Path) -> None:
    """It is learnt from differences of floats, which are 0.0999999999999943 where the meter shows tenths."""
    values = np.round(400.0 + 0.1 * np.random.default_rng(1).integers(0, 40, 1_200), 1)
    with history(tmp_path, {"x": {"unit": "m", "type": "float32"}}) as past:
        past.series("x", values)

        (x,) = report(past, 1_200).tags

    assert x.resolution == 0.1


def test_what_is_missing_or_bad_lowers_its_own_share(tmp_path: Path) -> None:
    """Sixty were expected, 45 came, nine of them bad: the reasons are counted."""
    with history(tmp_path, {"x": {"unit": "m"}}) as past:
        past.series("x", [*range(36), *[BAD] * 9, *[NAN] * 15])

        (x,) = report(past, 60).tags

    assert (x.completeness, x.validity, x.consistency, x.timeliness) == (0.75, 0.8, 1.0, 1.0)
    assert x.score == pytest.approx(0.6)
    assert x.reasons == {"the device is silent": 9}
    assert x.flag == "fail"


def test_a_tag_that_never_came_is_missing(tmp_path: Path) -> None:
    """It is in the report all the same: silence is what the report is for."""
    with history(tmp_path, {"x": {"unit": "m"}, "y": {"unit": "m"}}) as past:
        past.series("x", [1.0] * 60)

        y = report(past, 60).tags[1]

    assert (y.tag, y.score, y.flag) == ("y", 0.0, "missing")


def test_each_reading_is_judged_once(tmp_path: Path) -> None:
    """The second report is about the second minute; late readings count where they arrive."""
    with history(tmp_path, {"x": {"unit": "m"}}, jobs=EACH_MINUTE) as past:
        past.series("x", [1.0] * 50)
        report(past, 60)
        past.series("x", [1.0] * 60, start_ms=START_MS + 60_000)
        past.append([Reading("x", START_MS + 55_000, 1.0, 192)])

        second = report(past, 120)

    assert (second.start, second.end) == (START_MS + 60_000, START_MS + 120_000)
    assert second.tags[0].readings == 61
    assert {finding.check: finding.count for finding in second.tags[0].findings} == {"missing": 10, "late": 1}


def test_a_value_outside_its_range_fails_with_its_figures(tmp_path: Path) -> None:
    """Imported history has not passed the driver's own check."""
    with history(tmp_path, {"x": {"unit": "m", "valid_max": 5.0}}) as past:
        past.series("x", [1.0] * 59 + [7.5])

        (x,) = report(past, 60).tags

    (finding,) = x.findings
    assert (finding.check, finding.flag, finding.count) == ("range", "fail", 1)
    assert (finding.value, finding.limit) == (7.5, 5.0)
    assert finding.first == START_MS + 59_000


TAGS: dict[str, dict[str, Any]] = {
    "p1.power": {"unit": "kW"},
    "p1.speed": {"unit": "Hz"},
    "p1.current": {"unit": "A"},
    "p1.voltage": {"unit": "V"},
    "p1.cosphi": {"unit": "1"},
    "p1.energy": {"unit": "kWh"},
    "pressure": {"unit": "bar"},
    "flow": {"unit": "m3/h"},
    "total": {"unit": "m3/h"},
    "volume": {"unit": "m3"},
}
PUMP = {
    "id": "p1",
    "header": "main",
    "power": "p1.power",
    "speed": "p1.speed",
    "current": "p1.current",
    "voltage": "p1.voltage",
    "power_factor": "p1.cosphi",
    "energy": "p1.energy",
    "rated_power": 200.0,
    "rated_flow": 900.0,
}
PLANT: dict[str, Any] = {
    "station": {"name": "test", "flow": "total"},
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"], "volume": "volume"}],
    "pump": [PUMP],
}
TRUE = {
    "p1.power": 150.0,
    "p1.speed": 45.0,
    "p1.current": 240.0,
    "p1.voltage": 231.0,
    "p1.cosphi": 0.9,
    "pressure": 4.0,
    "flow": 900.0,
    "total": 900.0,
}


def contradictions(past: History, /, **said: float) -> dict[str, tuple[str, ...]]:
    """Which checks fail, and the tags they name, where the plant says *said* instead of the truth."""
    for tag, value in (TRUE | {name.replace("_", ".", 1): value for name, value in said.items()}).items():
        past.series(tag, [value] * 120)
    return {one.check: one.tags for one in report(past, 120).cross_checks}


def test_a_plant_that_agrees_with_itself_is_not_contradicted(tmp_path: Path) -> None:
    """150 kW are 3 · 231 V · 240 A · 0.9, and 65 % of it is in the water."""
    with history(tmp_path, TAGS, **PLANT) as past:
        assert contradictions(past) == {}


@pytest.mark.parametrize(
    ("said", "check", "tag"),
    [
        ({"p1_power": 15.0}, "electrical", "p1.power"),
        ({"p1_cosphi": 90.0}, "electrical", "p1.cosphi"),
        ({"flow": 0.0, "total": 0.0}, "efficiency", "flow"),
        ({"flow": -900.0, "total": -900.0}, "efficiency", "flow"),
        ({"pressure": 8.0}, "efficiency", "pressure"),
        ({"total": 700.0}, "headers_sum", "total"),
        ({"p1_power": 0.0, "p1_current": 0.0, "flow": 0.0, "total": 0.0}, "mains_as_speed", "p1.speed"),
        (
            {"p1_power": 15.0, "p1_current": 0.35, "p1_speed": 0.01, "flow": 0.0, "total": 0.0},
            "while_stopped",
            "p1.power",
        ),
        ({"p1_power": 0.0, "p1_current": 0.0, "p1_speed": 0.0}, "while_stopped", "flow"),
    ],
)
def test_who_contradicts_the_rest_is_named(tmp_path: Path, said: dict[str, float], check: str, tag: str) -> None:
    """A technician needs the tag, not a suspicion."""
    with history(tmp_path, TAGS, **PLANT) as past:
        found = contradictions(past, **said)

    assert found[check][0] == tag


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"p1_voltage": 0.0}, "p1.power shows 150 kW, but voltage, current and power factor of pump p1 make 0"),
        (
            {"p1_cosphi": 90.0},
            "p1.cosphi shows 90, but no power factor is above 1; is it in percent, and its unit not?",
        ),
        (
            {"flow": 0.0, "total": 0.0},
            "flow shows 0 m³/h while 150 kW are drawn: a closed valve, a dry pump, or the meter's wire or sign",
        ),
        (
            {"p1_power": 0.0, "p1_current": 0.0, "p1_speed": 0.0, "flow": -100.0, "total": -100.0},
            "flow shows -100 m³/h while every pump of header main stands",
        ),
    ],
    ids=["a dead voltage", "percent", "no flow", "sign"],
)
def test_the_figures_of_a_contradiction_are_those_of_the_plant(
    tmp_path: Path, said: dict[str, float], reason: str
) -> None:
    """Not 150,000,000 times what a dead meter makes, nor a magnitude where the sign is what is wrong."""
    with history(tmp_path, TAGS, **PLANT) as past:
        contradictions(past, **said)

        assert reason in {one.reason for one in quality_of(past)}


def test_units_of_electrical_meters_are_heeded(tmp_path: Path) -> None:
    """240,000 mA at 0.231 kV and 90 % are the same 150 kW; the current in mA would else run a pump that stands."""
    units = {"p1.current": "mA", "p1.voltage": "kV", "p1.cosphi": "%", "p1.kva": "VA"}
    tags = TAGS | {name: {"unit": unit} for name, unit in units.items()}
    plant = PLANT | {"pump": [PUMP | {"apparent_power": "p1.kva"}]}
    with history(tmp_path, tags, **plant) as past:
        past.series("p1.kva", [166_320.0] * 120)

        assert contradictions(past, p1_current=240_000.0, p1_voltage=0.231, p1_cosphi=90.0) == {}


def test_zeros_of_meters_that_differ_contradict_nobody_at_rest(tmp_path: Path) -> None:
    """1.5 and -1 m³/h while nothing runs are far more than 3 % of each other."""
    with history(tmp_path, TAGS, **PLANT) as past:
        found = contradictions(past, p1_power=0.0, p1_current=0.0, p1_speed=0.0, flow=1.5, total=-1.0)

    assert found == {}


@pytest.mark.parametrize("first", [630, 890])
@pytest.mark.parametrize("is_dead", [False, True])
def test_a_flow_that_was_read_before_a_pump_was_switched_contradicts_nobody(
    tmp_path: Path, *, first: int, is_dead: bool
) -> None:
    """It is read each five minutes: of a dead meter the ones after a start tell, of a sound one nothing is said.

    The pump runs each other ten minutes; where it is switched 10 s before the flow is read, that shows what was.
    """
    seconds = np.arange(2_400)
    runs = (seconds >= first) & ((seconds - first) // 600 % 2 == 0)
    flow = np.where(np.concatenate([np.zeros(20, np.bool_), runs[:-20]]), 900.0, 0.0)
    tags = {name: keys | ({"period": 300} if name == "flow" else {}) for name, keys in TAGS.items()}
    meters: dict[str, Any] = {name: tags[name] for name in tags if name not in {"volume", "p1.energy"}}
    plant = PLANT | {"header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}], "jobs": EACH_MINUTE}
    plant |= {"pump": [{key: value for key, value in PUMP.items() if key != "energy"}]}
    with history(tmp_path, meters, **plant) as past:
        for tag in meters:
            shown = flow if tag in {"flow", "total"} else np.where(runs, TRUE[tag], 0.0)
            shown = np.zeros(2_400) if is_dead and tag == "flow" else shown
            step = 300 if tag == "flow" else 1
            past.series(tag, shown[::step], step_ms=1_000 * step)
        said = [one for second in range(60, 2_401, 60) for one in report(past, second).cross_checks]

    assert {(one.check, one.suspect) for one in said} == (
        {("efficiency", "flow"), ("headers_sum", "flow")} if is_dead else set()
    )


@pytest.mark.parametrize(
    ("slow", "period"),
    [(slow, 60) for slow in ("p1.speed", "p1.power", "p1.current", "p1.voltage", "p1.cosphi", "p1.kva", "second")]
    + [("p1.speed", 300), ("pressure", 300)],
)
def test_no_tag_that_was_read_before_a_pump_was_switched_contradicts_anybody(
    tmp_path: Path, slow: str, period: int
) -> None:
    """Each is read more seldom than the others in its turn, and held meanwhile: it tells of the plant as it was."""
    seconds = np.arange(1_320)
    runs = (seconds >= 605) & (seconds < 1_205)
    flow = np.where(np.concatenate([np.zeros(20, np.bool_), runs[:-20]]), 900.0, 0.0)
    more = {"second": {"unit": "bar"}, "p1.status": {"unit": "1"}, "p1.kva": {"unit": "kVA"}}
    tags: dict[str, dict[str, Any]] = TAGS | more
    tags = {name: keys for name, keys in tags.items() if name not in {"volume", "p1.energy"}}
    tags[slow] = tags[slow] | {"period": period}
    header = {"id": "main", "pressure": ["pressure", "second"], "flow": ["flow"]}
    pump = {key: value for key, value in PUMP.items() if key != "energy"}
    pump |= {"status": "p1.status", "apparent_power": "p1.kva"}
    plant = PLANT | {"header": [header], "jobs": EACH_MINUTE, "pump": [pump]}
    shown = {tag: np.where(runs, TRUE[tag], 0.0) for tag in tags if tag in TRUE}
    shown |= {"flow": flow, "total": flow, "p1.status": runs * 1.0, "second": np.where(runs, 4.0, 3.0)}
    shown["p1.kva"] = np.where(runs, 166.0, 0.0)
    shown["pressure"] = shown["second"]
    with history(tmp_path, tags, **plant) as past:
        for tag in tags:
            step = period if tag == slow else 1
            past.series(tag, shown[tag][::step], step_ms=1_000 * step)
        past.perform("running", running.run, START_MS + 60_000)
        said = [one for second in range(600, 1_321, 60) for one in report(past, second).cross_checks]

    assert [(one.check, one.suspect, one.reason) for one in said] == []


@pytest.mark.parametrize("is_wrong", [False, True])
def test_a_meter_of_each_quarter_of_an_hour_is_held_against_what_was_when_it_was_read(
    tmp_path: Path, *, is_wrong: bool
) -> None:
    """Demand moves by a tenth until the next one: a right meter contradicts nobody, a wrong one all the time.

    Also where a reading is missed between.
    """
    tags: dict[str, dict[str, Any]] = {
        "pressure": {"unit": "m", "period": 10.0},
        "flow": {"unit": "m3/h", "period": 900.0},
        "total": {"unit": "m3/h", "period": 10.0},
    }
    seconds = np.arange(0, 7_200, 10)
    demand = 500.0 + 100.0 * np.sin(2 * np.pi * seconds / 7_200)
    header = {"id": "main", "pressure": ["pressure"], "flow": ["flow"]}
    with history(tmp_path, tags, station={"name": "test", "flow": "total"}, header=[header]) as past:
        past.series("pressure", np.full(len(seconds), 40.0), step_ms=10_000)
        past.series("total", demand, step_ms=10_000)
        shown = demand[::90] * (1.1 if is_wrong else 1.0)
        past.series("flow", np.where(np.arange(8) == 4, NAN, shown), step_ms=900_000)
        said = [{one.check for one in report(past, end).cross_checks} for end in range(300, 7_201, 300)]

    assert said == [{"headers_sum"} if is_wrong else set()] * 24


@pytest.mark.parametrize("period", [20, 59])
def test_a_job_that_runs_often_contradicts_as_well(tmp_path: Path, period: int) -> None:
    """A median needs half a minute of cells: what a run of twenty seconds has too few of waits for the next ones.

    Slow because half an hour is written first, before which no counter is judged.
    """
    seconds = np.arange(2_100)
    with history(tmp_path, TAGS, **(PLANT | {"jobs": {"quality": {"report": period}}})) as past:
        for tag, value in (TRUE | {"total": 700.0}).items():
            past.series(tag, [value] * 2_100)
        past.series("p1.energy", 1_000.0 + seconds * 90.0 / 3_600)
        found = {
            one.check: (one.tags[0], second, one.value)
            for second in range(period, 2_100, period)
            for one in report(past, second).cross_checks
        }

    assert found["headers_sum"][0] == "total"
    tag, _, difference = found["energy_balance"]
    assert tag == "p1.energy"
    # each cell once: of 30 minutes, or of whole portions beyond, the counter has 90 kWh an hour and the meter 150
    assert -60.0 * 32 / 60 < (difference or 0.0) <= -60.0 * 30 / 60


def test_only_times_of_an_opcua_server_may_be_a_period_late(tmp_path: Path) -> None:
    """Its changes are dated by the server; whatever is polled is dated by us when it is read.

    A tag that is told each minute while it stands is late by a period of its device all the same, not by a minute.
    """
    demo = (Path(__file__).parents[3] / "config" / "demo.toml").read_text("utf-8")
    level = 'node = "ns=2;s=tank.level"'
    (tmp_path / "demo.toml").write_text(demo.replace(level, level + ', store = "exception", heartbeat = 60'), "utf-8")

    rules = usual_rules(load(tmp_path / "demo.toml"))

    assert (rules["header.flow"].jitter_ms, rules["p1.power"].jitter_ms) == (2_000, 0)
    assert (rules["tank.level"].period_ms, rules["tank.level"].jitter_ms) == (60_000, 2_000)


def test_cells_that_wait_for_a_check_are_forgotten_where_the_clock_was_set_back(tmp_path: Path) -> None:
    """The next run would else look for cells of a time that has not come again, and check nothing."""
    hour_ms = 3_600_000
    with history(tmp_path, TAGS, **(PLANT | {"jobs": EACH_MINUTE})) as past:
        for tag, value in TRUE.items():
            past.series(tag, [value] * 90, start_ms=START_MS + hour_ms)
        before = report(past, 3_690).cross_checks
        for tag, value in (TRUE | {"total": 700.0}).items():
            past.series(tag, [value] * 70)

        after = [one.check for one in report(past, 70).cross_checks]

    assert before == ()
    assert "headers_sum" in after


def test_flow_while_all_pumps_stand_is_held_against_the_usual_one_where_no_sheet_tells_it(tmp_path: Path) -> None:
    """Most stations have no data sheets; a meter off its zero is found there too, once a pump has run."""
    pump = {key: value for key, value in PUMP.items() if key != "rated_flow"}
    standing = {"p1.power": 0.0, "p1.speed": 0.0, "p1.current": 0.0, "flow": 60.0, "total": 60.0}
    with history(tmp_path, TAGS, **(PLANT | {"pump": [pump], "jobs": EACH_MINUTE})) as past:
        for tag, value in (TRUE | standing).items():
            past.series(tag, [value] * 60)
        before = report(past, 60).cross_checks
        for tag, value in TRUE.items():
            past.series(tag, [value] * 60, start_ms=START_MS + 60_000)
        report(past, 120)
        for tag, value in (TRUE | standing).items():
            past.series(tag, [value] * 60, start_ms=START_MS + 120_000)

        found = {one.check: one for one in report(past, 180).cross_checks}

    assert "while_stopped" not in {one.check for one in before}
    assert (found["while_stopped"].tags[0], found["while_stopped"].value) == ("flow", 60.0)
    assert found["while_stopped"].limit == pytest.approx(45.0)


def test_a_total_meter_without_headers_contradicts_nobody(tmp_path: Path) -> None:
    """Nothing to hold it against: the sum of no meters was taken for 0 m³/h."""
    with history(tmp_path, {"total": {"unit": "m3/h"}}, station={"name": "test", "flow": "total"}) as past:
        past.series("total", [900.0] * 120)

        assert report(past, 120).cross_checks == ()


def test_a_counter_is_held_against_the_rate_it_counts(tmp_path: Path) -> None:
    """Half an hour at 150 kW and 900 m³/h: 75 kWh and 450 m³; a meter that counts 45 kWh is scaled wrongly.

    Slow because half an hour of ten tags is written first.
    """
    seconds = np.arange(2_400)
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p1.energy", 1_000.0 + seconds * 90.0 / 3_600)
        past.series("volume", 5_000.0 + seconds * 900.0 / 3_600)
        for tag, value in TRUE.items():
            past.series(tag, [value] * 2_400)

        (found,) = report(past, 2_400).cross_checks

    assert (found.check, found.tags) == ("energy_balance", ("p1.energy", "p1.power"))
    assert "rose by 60.0 in 0.7 h, but p1.power makes 100.0" in found.reason


def test_a_volume_that_counts_a_tenth_less_than_its_flow_is_told(tmp_path: Path) -> None:
    """900 m³/h are 600 m³ in 40 minutes; while it counts as many, nothing is said.

    Slow because 40 minutes are written first, twice.
    """
    tags, plant = {name: TAGS[name] for name in ("pressure", "flow", "volume")}, {"header": PLANT["header"]}
    found = []
    for factor in (1.0, 0.9):
        (folder := tmp_path / f"{factor}").mkdir()
        with history(folder, tags, **plant) as past:
            past.series("volume", np.round(5_000.0 + np.arange(2_400) * factor * 900.0 / 3_600, 1))
            past.series("flow", [900.0] * 2_400)
            found.append(report(past, 2_400).cross_checks)

    right, ((wrong,)) = found
    assert right == ()
    assert (wrong.check, wrong.tags, wrong.flag) == ("volume_balance", ("volume", "flow"), "suspect")
    assert "volume rose by 539.8" in wrong.reason
    assert "flow makes 599.8" in wrong.reason
    assert wrong.value == pytest.approx(-60.0, abs=0.5)


def test_a_pump_start_is_no_fault_of_its_meters(tmp_path: Path) -> None:
    """Power, current and flow jump because the pump was started."""
    random = np.random.default_rng(1)
    with history(tmp_path, TAGS, **PLANT) as past:
        for tag, value in TRUE.items():
            on = value * (1 + random.normal(0, 0.002, 1_500))
            past.series(tag, np.where(np.arange(1_500) < 1_000, on, 0.0 if tag != "pressure" else 2.0))

        found = report(past, 1_500)

    assert {finding.check for tag in found.tags for finding in tag.findings} == set()


@pytest.mark.parametrize(("to_hz", "found"), [(42.0, set()), (45.0, {("flow", "step")})])
def test_a_drive_that_goes_to_another_speed_is_no_fault_of_the_flow_meter(
    tmp_path: Path, to_hz: float, found: set[tuple[str, str]]
) -> None:
    """45 to 42 Hz within three seconds: the flow falls with it; where the speed stays, the meter fell by itself."""
    random = np.random.default_rng(1)
    seconds = np.arange(1_500)
    speed = 45.0 + np.clip((seconds - 1_200) / 3.0, 0.0, 1.0) * (to_hz - 45.0)
    flow = np.where(seconds <= 1_200, 900.0, 840.0) + random.normal(0.0, 2.0, 1_500)
    with history(tmp_path, TAGS, **PLANT) as past:
        for tag, value in TRUE.items():
            past.series(tag, {"flow": flow, "p1.speed": speed}.get(tag, np.full(1_500, value)))

        tags = report(past, 1_500).tags

    assert {(tag.tag, finding.check) for tag in tags for finding in tag.findings} == found


def test_a_state_that_another_version_left_is_begun_anew() -> None:
    """An upgrade never stops the job."""
    assert quality.restored(b'{"version": 1, "watches": [1]}') == quality.JobState()


def test_what_was_learnt_by_an_earlier_version_does_not_put_off_what_is_usual(tmp_path: Path) -> None:
    """It counted years of values in one heap, which this version does not read: a day of minutes tells anew."""
    with history(tmp_path, {"x": {"unit": "m", "period": 60}}, jobs={"quality": {"report": 3600}}) as past:
        past.series("x", 5.0 + np.sin(np.arange(60.0)), step_ms=60_000)
        outcome = past.perform("quality", quality.run, START_MS + HOUR_MS)
        kept = json.loads(outcome.state or b"")
        heap = {"bins": {"155": 3_000_000}, "count": 3_000_000}
        kept |= {"version": 2}
        kept["watches"]["x"]["bounds"] |= {"extent": {"above": heap, "below": heap, "readings": 3_000_000}}
        past.keep("quality", Outcome(mark=outcome.mark, state=json.dumps(kept).encode()))
        for hour in range(1, 34):
            past.series("x", 5.0 + np.sin(np.arange(60.0)), start_ms=START_MS + hour * HOUR_MS, step_ms=60_000)
            outcome = past.perform("quality", quality.run, START_MS + (hour + 1) * HOUR_MS)

    assert quality.restored(outcome.state).watches["x"].bounds.usual is not None


def test_a_clock_that_ran_ahead_and_came_back_upsets_nothing(tmp_path: Path) -> None:
    """Readings of the right time were late for years, and of what is late nothing was judged."""
    random, ahead_ms = np.random.default_rng(1), START_MS + 20_000 * 24 * HOUR_MS
    keys: dict[str, dict[str, Any]] = {"x": {"unit": "l/s"}, "n": {"unit": "m3", "totaliser": True}}
    with history(tmp_path, keys) as past:
        past.columns({"x": 50.0 + random.normal(size=3_000), "n": np.arange(3_000.0)})
        report(past, 3_000)
        past.columns({"x": 50.0 + random.normal(size=90), "n": [*np.arange(3_000.0, 3_089.0), 20.0]}, start_ms=ahead_ms)
        past.perform("quality", quality.run, ahead_ms + 90_000)
        counts = [*np.arange(3_091.0, 3_691.0), *range(600)]
        past.columns({"x": np.full(1_200, 50.0), "n": counts}, start_ms=START_MS + 3_091_000)

        x, n = report(past, 4_291).tags

    assert {finding.check: finding.count for finding in x.findings}.keys() == {"missing", "frozen"}
    assert {finding.check: finding.count for finding in x.findings}["missing"] == 91
    assert {finding.check for finding in n.findings} == {"missing", "reset"}


@needs_real_station
def test_the_real_stations_report(tmp_path: Path) -> None:
    """Three minutes of all tags: the old pump house's meters are named, sentinels are bad, nothing else is.

    Slow because 45,000 readings are written first.
    """
    hour = recording()[:180]
    with history(tmp_path, real_station.tags(hour), jobs=EACH_MINUTE, **real_station.plant()) as past:
        for begin in range(0, 180, 60):
            minute = hour[begin : begin + 60].replace(3276.7, BAD)
            past.columns({str(name): minute[name] for name in hour}, start_ms=START_MS + 1_000 * begin)
            last = json.loads(report(past, begin + 60).encode())

    assert {tag["tag"] for tag in last["tags"] if tag["flag"] == "fail"} == {
        str(name) for name in hour if hour[name].eq(3276.7).all()
    }
    assert {tag["flag"] for tag in last["tags"]} == {"pass", "fail"}
    assert {(one["check"], one["tags"][0]) for one in last["cross_checks"]} == {
        (check, f"phase1.p{n}.active_power") for n in range(1, 5) for check in ("electrical", "while_stopped")
    }
    assert {one["suspect"] for one in last["cross_checks"]} == {f"phase1.p{n}.active_power" for n in range(1, 5)}
    assert last["score"] == pytest.approx(244 / 251, abs=0.001)


def test_reports_come_every_five_minutes_and_cover_all_between(tmp_path: Path) -> None:
    """The job runs each minute; SCADA gets a report on the clock's fifth minutes, with every reading once."""
    reports = []
    with history(tmp_path, {"x": {"unit": "m"}}) as past:
        for minute in range(11):
            past.series("x", [BAD] * 6 + [1.0] * 54, start_ms=START_MS + 60_000 * minute)
            found = past.perform("quality", quality.run, START_MS + 60_000 * (minute + 1)).records
            reports += [Quality.model_validate_json(record.body) for record in found]

    first, second, third = reports
    assert [(one.start - START_MS, one.end - START_MS) for one in reports] == [
        (0, 60_000), (60_000, 300_000), (300_000, 600_000),
    ]  # fmt: skip
    assert [one.tags[0].readings for one in (first, second, third)] == [60, 240, 300]
    assert third.tags[0].bad == 30
    assert third.tags[0].reasons == {"the device is silent": 30}
    assert third.tags[0].findings[0].count == 30


def test_a_tag_that_is_read_more_seldom_than_is_reported_is_whole(tmp_path: Path) -> None:
    """Every quarter of an hour, every four minutes, or when it changes: what is not due yet is not missing."""
    tags: dict[str, dict[str, Any]] = {
        "quarter": {"unit": "m", "period": 900.0},
        "four": {"unit": "m", "period": 240.0},
        "seldom": {"unit": "m", "store": "exception", "heartbeat": 600.0},
    }
    periods = {"quarter": 900, "four": 240, "seldom": 600}
    reports = []
    with history(tmp_path, tags) as past:
        for end in range(300, 10_201, 300):
            for tag, period in periods.items():
                due = [second for second in range(end - 300, min(end, 7_200)) if second % period == 0]
                past.append(reading(tag, START_MS + 1_000 * second, 1.0 + second) for second in due)
            reports.append(report(past, end))

    alive, silent = reports[:24], reports[24:]
    assert {(tag.score, tag.flag) for one in alive for tag in one.tags} == {(1.0, "pass")}
    assert {one.score for one in alive} == {1.0}
    missed = {tag: [one.end for one in silent if one.tags[place].flag == "missing"] for place, tag in enumerate(tags)}
    assert {tag: (ends[0] - START_MS) // 1_000 for tag, ends in missed.items()} == {
        "quarter": 7_800, "four": 7_500, "seldom": 7_500,
    }  # fmt: skip
    assert silent[-1].tags[1].completeness == 0.0


def test_what_a_tag_said_that_is_there_no_longer_is_forgotten(tmp_path: Path) -> None:
    """A renamed tag: the report names what the station has."""
    header = {"id": "main", "flow": ["flow"]}
    with history(tmp_path, {"a": {}, "b": {}, "flow": {}}, header=[header | {"pressure": ["a", "b"]}]) as past:
        past.series("a", [40.0] * 120)
        past.series("b", [60.0] * 120)
        before = report(past, 120)
    with history(tmp_path, {"a": {}, "c": {}, "flow": {}}, header=[header | {"pressure": ["a", "c"]}]) as past:
        after = report(past, 420)

    assert [one.tags for one in before.cross_checks] == [("a", "b")]
    assert after.cross_checks == ()


def test_a_contradiction_that_is_over_is_told_no_longer(tmp_path: Path) -> None:
    """Whatever takes part in it: a voltage that is kept where it changes, and once a day, is judged all the while."""
    tags = {name: keys for name, keys in TAGS.items() if name not in {"volume", "p1.energy"}}
    tags["p1.voltage"] = tags["p1.voltage"] | {"store": "exception", "heartbeat": 86_400.0}
    header = {"id": "main", "pressure": ["pressure"], "flow": ["flow"]}
    pump = {key: value for key, value in PUMP.items() if key != "energy"}
    with history(tmp_path, tags, **(PLANT | {"header": [header], "pump": [pump], "jobs": EACH_MINUTE})) as past:
        for tag in tags:
            value = 2.0 * TRUE[tag] if tag == "p1.power" else TRUE[tag]
            past.series(tag, [value] if tag == "p1.voltage" else [value] * 600 + [0.0] * 720)
        during, after = ([one.check for one in report(past, second).cross_checks] for second in (600, 1_320))

    assert "electrical" in during
    assert after == []


def test_every_finding_says_why(tmp_path: Path) -> None:
    """Flag, reason, and the check's figures; what was read before the clock was right says so."""
    with history(tmp_path, {"x": {"unit": "m", "valid_max": 5.0}}) as past:
        past.series("x", [1.0] * 58 + [7.5])
        past.append([Reading("x", START_MS + 59_000, 1.0, 64, "clock not synchronised")])

        (x,) = report(past, 60).tags

    assert [(one.check, one.flag, one.reason) for one in x.findings] == [
        ("unsynchronised", "suspect", "was read while our clock was not right"),
        ("range", "fail", "7.5 is impossible: 5 is the end of what the configuration says is valid"),
    ]
    assert x.timeliness == pytest.approx(59 / 60)


def test_limits_of_the_configuration_count_from_the_first_reading_on(tmp_path: Path) -> None:
    """A technician knows the tag before its history does."""
    tags: dict[str, dict[str, Any]] = {"x": {"unit": "m", "usual_step": 0.5, "usual_max": 9.0}, "y": {"unit": "m"}}
    with history(tmp_path, tags) as past:
        for tag in tags:
            past.series(tag, [*[5.0, 5.1] * 20, 7.0, *[5.0, 5.1] * 9, 9.5])

        x, y = report(past, 60).tags

    assert {one.check for one in x.findings} == {"spike", "unusual"}
    assert x.not_evaluated == ("frozen", "unusual")
    assert {one.check for one in y.findings} == set()
    assert y.not_evaluated == ("spike", "step", "frozen", "unusual")


def test_imported_history_is_no_late_data(tmp_path: Path) -> None:
    """Last year's file, imported while the agent runs, is not judged by today's clock; nor has it holes of 59 s."""
    with history(tmp_path, {"x": {"unit": "m"}}, jobs=EACH_MINUTE) as past:
        past.series("x", [1.0] * 60)
        report(past, 60)
        past.series("x", [1.0] * 500, start_ms=START_MS - 10**9, step_ms=60_000, imported=True)
        past.series("x", [1.0] * 60, start_ms=START_MS + 60_000)

        (x,) = report(past, 120).tags

    assert (x.readings, x.findings, x.score) == (60, (), 1.0)


def test_a_history_of_minutes_is_whole(tmp_path: Path) -> None:
    """A historian's value a minute is all there was to come."""
    with history(tmp_path, {"x": {"unit": "m"}}) as past:
        past.series("x", np.arange(500.0), step_ms=60_000, imported=True)

        (x,) = report(past, 30_000).tags

    assert (x.findings, x.completeness) == ((), 1.0)


def test_the_wrong_meter_is_named_by_what_fits_it_nowhere(tmp_path: Path) -> None:
    """Power disagrees with the counter, and with voltage and current: so the power meter is wrong."""
    seconds = np.arange(2_400)
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p1.energy", 1_000.0 + seconds * 150.0 / 3_600)
        past.series("volume", 5_000.0 + seconds * 900.0 / 3_600)
        for tag, value in (TRUE | {"p1.power": 110.0}).items():
            past.series(tag, [value] * 2_400)

        found = {one.check: one for one in report(past, 2_400).cross_checks}

    assert found["energy_balance"].suspect == found["electrical"].suspect == "p1.power"
    assert found["energy_balance"].tags == ("p1.power", "p1.energy")
    assert "volume_balance" not in found


def test_a_gauge_that_differs_from_two_others_is_named(tmp_path: Path) -> None:
    """4.0, 4.02 and 4.6 bar on one header."""
    gauges = ["pressure", "second", "third"]
    plant = PLANT | {"header": [PLANT["header"][0] | {"pressure": gauges}]}
    with history(tmp_path, TAGS | {"second": {"unit": "bar"}, "third": {"unit": "bar"}}, **plant) as past:
        past.series("second", [4.02] * 120)
        past.series("third", [4.6] * 120)
        contradictions(past)
        found = {one.check: one for one in quality_of(past)}

    assert found["gauges"].suspect == "third"


def quality_of(past: History) -> tuple[Any, ...]:
    """What the last report says contradicts itself."""
    with past.reader() as reader:
        (record,) = reader.newest("quality")
    return Quality.model_validate_json(record.body).cross_checks


def test_apparent_power_is_checked_by_itself(tmp_path: Path) -> None:
    """S = 3 U I is 166 kVA, and 150 kW are 0.9 of it; 60 kVA fit neither, so the tag of S is named."""
    plant = PLANT | {"pump": [PUMP | {"apparent_power": "p1.kva"}]}
    with history(tmp_path, TAGS | {"p1.kva": {"unit": "kVA"}}, **plant) as past:
        past.series("p1.kva", [60.0] * 120)
        contradictions(past)
        found = {one.check: one for one in quality_of(past)}

    assert set(found) == {"apparent_power", "active_power"}
    assert {one.suspect for one in found.values()} == {"p1.kva"}


@pytest.mark.parametrize(("between", "volts", "failed"), [("phases", 400.0, set()), ("neutral", 400.0, {"electrical"})])
def test_a_voltage_between_phases_is_taken_as_one(tmp_path: Path, between: str, volts: float, failed: set[str]) -> None:
    """S = √3 U I, where many meters show 400 V; against neutral that would be 1.7 times the power."""
    plant = PLANT | {"pump": [PUMP | {"voltage_between": between}]}
    with history(tmp_path, TAGS, **plant) as past:
        found = contradictions(past, p1_voltage=volts)
        flags = {one.flag for one in quality_of(past)}

    assert set(found) == failed
    assert flags == {"suspect"} & {"suspect" for _ in failed}


def test_a_pressure_that_no_longer_fits_speed_and_flow_is_told(tmp_path: Path) -> None:
    """An hour and a half as ever, then the gauge shows 8 % less at the same speed and flow; flow meters agree.

    Slow because an hour and a half of six tags is written first.
    """
    minutes = 90
    random = np.random.default_rng(5)
    speed = np.repeat(random.uniform(43.0, 47.0, minutes + 5), 60)
    head = 60.0 * (speed / 50.0) ** 2 - 9.0
    shown = head / 10.197 * np.where(np.arange(len(speed)) < 60 * minutes, 1.0, 0.92)
    with history(tmp_path, TAGS, jobs=EACH_MINUTE, **PLANT) as past:
        for tag, value in (TRUE | {"p1.current": 250.0}).items():
            series = {"p1.speed": speed, "pressure": shown}.get(tag, np.full(len(speed), value))
            past.series(tag, series[: 60 * minutes])
        before = [one.check for one in report(past, 60 * minutes).cross_checks]
        for tag, value in (TRUE | {"p1.current": 250.0}).items():
            series = {"p1.speed": speed, "pressure": shown}.get(tag, np.full(len(speed), value))
            past.series(tag, series[60 * minutes :], start_ms=START_MS + 60_000 * minutes)
        after = {one.check: one for one in report(past, 60 * (minutes + 5)).cross_checks}

    assert before == []
    assert list(after) == ["head_speed"]
    assert "where it used to have" in after["head_speed"].reason
    assert "pressure" in after["head_speed"].tags
    assert after["head_speed"].suspect is None  # speed and pressure take part in nothing else that could tell


def test_history_that_came_newest_first_is_not_a_clock_set_back(tmp_path: Path) -> None:
    """Where nobody analyses what was imported, the running agent's job takes it in, with live readings after it."""
    with history(tmp_path, {"x": {"unit": "m"}}) as past:
        past.append([Reading("x", START_MS + 1_000 * n, n % 5, 192) for n in range(49, -1, -1)], imported=True)
        past.series("x", [1.0] * 10, start_ms=START_MS + 50_000)
        past.append([Reading("x", START_MS + 52_000, 1.0, 192)])

        (x,) = report(past, 60).tags

    assert x.readings == 61
    assert {finding.check: finding.count for finding in x.findings} == {"backward": 1}
