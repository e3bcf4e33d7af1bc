"""The wear job over real history: references, days, records and overhauls."""

import json
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import wear
from agent.jobs.job import Outcome
from agent.jobs.worn.state import restored
from agent.mqtt.payloads import Overhaul
from agent.store.records import Filled, Record
from analytics.curves.estimator import StationCurves
from analytics.curves.prior import Plate
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_curves import PLANT, TAGS
from tests.simulators.waterworks import UNLIKE, Worn, operation

STEP_MS = 120_000
ROWS = 86_400_000 // STEP_MS
DAY_MS = 86_400_000
SETS = [(0,), (1,), (0, 1)]
TARIFF = {"price": 0.2}


def station(folder: Path, **plant: Any) -> AbstractContextManager[History]:
    return history(folder, TAGS, **{**PLANT, "tariff": TARIFF, **plant})


def live(past: History, day: int, *, lost: float = 0.0, head: float = 0.0, known: float = 1.0) -> Outcome:
    """A day of imported values every two minutes, in which p1 has *lost* and the gauge shows *head* more; the job.

    Its power is *known* in that share of them, and bad in the others.
    """
    rng = np.random.default_rng(day)
    truth = operation((Worn.of(UNLIKE[0], lost), UNLIKE[1]), SETS, ROWS, rng, step_ms=STEP_MS, every=30)
    start_ms = START_MS + day * DAY_MS
    how: dict[str, Any] = {"start_ms": start_ms, "step_ms": STEP_MS, "imported": True}
    for index, pump in enumerate(("p1", "p2")):
        power = np.where(truth.running[:, index], truth.powers[:, index] * rng.normal(1.0, 0.01, ROWS), 0.2)
        is_bad = np.arange(ROWS) % 100 >= round(100 * known) if pump == "p1" else np.zeros(ROWS, np.bool_)
        past.series(f"{pump}.power", np.where(is_bad, np.inf, power), **how)
        past.series(f"{pump}.speed", 50.0 * truth.speeds[:, index], **how)
    past.series("pressure", 9.80665 * truth.head * (1.0 + head) * rng.normal(1.0, 0.003, ROWS), **how)
    past.series("flow", truth.flow * rng.normal(1.0, 0.01, ROWS), **how)
    return past.perform("wear", wear.run, start_ms + DAY_MS)


def bodies(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What is published, by pump."""
    return {record.key: json.loads(record.body) for record in outcome.records if record.kind == "wear"}


def test_wear_is_followed_priced_and_ends_with_an_overhaul_that_keeps_what_was(tmp_path: Path) -> None:
    """0.8 % a day after two days as it was. Slow: ten days of two pumps and one flow meter in a real store."""
    with station(tmp_path) as past:
        for day in range(7):
            before = live(past, day, lost=0.008 * max(day - 1, 0))
        at_ms = START_MS + 7 * DAY_MS
        said = Overhaul(pump="p1", ts=at_ms, user="anna", note="new impeller")
        past.record([Record("overhaul", "p1", at_ms, said.encode())])
        first = live(past, 7)
        for day in range(8, 10):
            last = live(past, day)
        with past.reader() as reader:
            lives = restored(reader.job_state("wear")[1], {"main": ["p1", "p2"]}).state.pumps["p1"].lives

    worn, other = bodies(before)["p1"], bodies(before)["p2"]
    assert (worn["kind"], worn["reference"], other["kind"]) == ("wear", "learnt", "none")
    assert worn["head_lost_percent"] == pytest.approx(4.0, abs=0.6)
    assert worn["efficiency_lost_percent"] == pytest.approx(4.0, abs=0.8)
    assert other["head_lost_percent"] == pytest.approx(0.0, abs=0.7)
    assert worn["cost_per_day"] == pytest.approx(0.2 * worn["energy_lost_kwh"], abs=0.02)
    assert worn["energy_lost_kwh"] > 10.0
    assert worn["per_month_percent"] == pytest.approx(24.0, abs=8.0)
    assert worn["limit_earliest"] < worn["limit_at"]
    assert "reference" not in bodies(first)["p1"]
    told = bodies(last)["p1"]
    assert (told["overhauled_at"], told["note"]) == ("2026-03-08T12:00:00.000Z", "new impeller")
    assert told["reference_at"] > told["overhauled_at"]
    assert told["head_lost_percent"] == pytest.approx(0.0, abs=0.7)
    assert bodies(last)["p2"]["reference_at"] == other["reference_at"]
    assert len(lives[0].days) >= 5
    assert lives[0].reference != lives[1].reference


def test_a_day_in_which_the_power_was_hardly_measured_is_doubted_for_a_day(tmp_path: Path) -> None:
    """What a pump lost, and what that cost, is told from the rest; its neighbour, whose meter works, is not doubted."""
    with station(tmp_path) as past:
        said = [live(past, day, known=known) for day, known in enumerate((0.3, 0.55))]

    assert [bodies(one)["p1"].get("doubt") for one in said] == [said[0].doubt, None]
    assert said[0].doubt is not None
    assert said[0].doubt.startswith("p1.power was known in 3")
    assert "doubt" not in bodies(said[0])["p2"]


def test_a_hole_is_told_in_its_whole_length_however_often_the_job_runs(tmp_path: Path) -> None:
    """Its power was silent from the tenth minute on, over the end of an hour; the job runs each five minutes."""
    shown = {"p1.speed": 45.0, "p2.power": 100.0, "p2.speed": 45.0, "pressure": 400.0, "flow": 800.0}
    with station(tmp_path) as past:
        for tag, value in shown.items():
            past.series(tag, [value] * 5_400)
        past.series("p1.power", np.where(np.arange(5_400) < 600, 100.0, np.inf))
        for minute in range(5, 91, 5):
            doubt = past.perform("wear", wear.run, START_MS + minute * 60_000).doubt

    assert doubt is not None
    told = re.fullmatch(r"p1.power was known in 1\d% of the time \(longest hole (\d+) min\)", doubt)
    assert told is not None
    assert 76 <= int(told[1]) <= 80


def test_filled_values_are_no_evidence(tmp_path: Path) -> None:
    """A head that nobody measured would look like whatever filled it."""
    with station(tmp_path) as past:
        live(past, 0)
        before = live(past, 1)
        times = range(START_MS + 2 * DAY_MS, START_MS + 3 * DAY_MS, 60_000)
        past.fill([Filled("pressure", ts_ms, 380.0, 1.0, "linear", 0) for ts_ms in times])
        for tag, value in (
            ("flow", 850.0),
            ("p1.power", 120.0),
            ("p2.power", 0.2),
            ("p1.speed", 48.0),
            ("p2.speed", 0.0),
        ):
            past.series(tag, [value] * ROWS, start_ms=START_MS + 2 * DAY_MS, step_ms=STEP_MS, imported=True)

        outcome = past.perform("wear", wear.run, START_MS + 3 * DAY_MS)

    assert bodies(before)["p1"]["readings"] > 100
    assert bodies(outcome)["p1"]["readings"] == 0


def test_a_pump_with_a_data_sheet_is_held_against_it_from_the_first_day(tmp_path: Path) -> None:
    """It had lost 4 % before the agent came, which no learnt curve could tell."""
    flows = [300.0, 500.0, 700.0, 900.0, 1_100.0]
    heads = UNLIKE[0].head(np.array(flows), np.array(1.0)).round(2).tolist()
    first, second = PLANT["pump"]
    with station(tmp_path, pump=[{**first, "catalogue": {"flow": flows, "head": heads}}, second]) as past:
        for day in range(2):
            told = bodies(live(past, day, lost=0.04))

    assert (told["p1"]["reference"], told["p2"]["reference"]) == ("catalogue", "learnt")
    assert told["p1"]["head_lost_percent"] == pytest.approx(4.0, abs=1.0)
    assert "efficiency_lost_percent" not in told["p1"]


def test_a_sheet_of_efficiencies_tells_what_was_lost_of_them_where_the_power_is_metered(tmp_path: Path) -> None:
    """It says nothing of the power at no flow, nor does a pump without a power meter of its own efficiency."""
    pumps = [{**pump, **_by_efficiency(index)} for index, pump in enumerate(PLANT["pump"])]
    del pumps[1]["power"]
    with station(tmp_path, pump=pumps) as past:
        told = bodies(live(past, 0, lost=0.04))

    assert told["p1"]["efficiency_lost_percent"] == pytest.approx(4.0, abs=1.0)
    assert told["p1"]["cost_per_day"] > 10.0
    assert told["p2"]["reference"] == "catalogue"
    assert "efficiency_lost_percent" not in told["p2"]


def _by_efficiency(index: int) -> dict[str, Any]:
    """A data sheet of the pump as it was, from no flow on, and its motor."""
    flow = np.linspace(0.0, (1_200.0, 900.0)[index], 7)
    head, power = UNLIKE[index].head(flow, np.array(1.0)), UNLIKE[index].power(flow, np.array(1.0))
    efficiency = 9.80665 * flow * head / 3_600.0 / (0.95 * power)
    sheet = {"flow": flow.tolist(), "head": head.tolist(), "efficiency": efficiency.tolist()}
    return {"catalogue": sheet, "rated_power": 200.0, "motor_efficiency_by_load": [[0.05, 0.95], [1.5, 0.95]]}


def reconfigure(past: History, **plant: Any) -> None:
    """The configuration is changed, and the agent takes it."""
    now = past.settings.model_dump(mode="python", by_alias=True, exclude_unset=True)
    past.settings = type(past.settings).model_validate({**now, **plant})


def test_a_pump_that_comes_back_into_the_configuration_keeps_its_reference(tmp_path: Path) -> None:
    """It had worn meanwhile, and would be learnt anew as it is."""
    first, second = PLANT["pump"]
    with station(tmp_path) as past:
        for day in range(2):
            before = bodies(live(past, day))
        reconfigure(past, pump=[second])
        for minute in (1, 2):  # it is still away in the second run
            away = bodies(past.perform("wear", wear.run, START_MS + 2 * DAY_MS + minute * 60_000))
        reconfigure(past, pump=[first, second])
        back = bodies(live(past, 2, lost=0.05))

    assert list(away) == ["p2"]
    assert before["p1"]["reference"] == "learnt"
    assert back["p1"]["reference_at"] == before["p1"]["reference_at"]
    assert back["p1"]["head_lost_percent"] == pytest.approx(5.0, abs=1.0)
    assert back["p1"]["days"][: len(before["p1"]["days"])] == before["p1"]["days"]


def test_absent_pumps_are_bounded_in_number_and_time() -> None:
    """Whoever renames pumps every day does not fill the disk."""
    kept = restored(None, {"main": ["now"]})
    year_ms = 366 * DAY_MS
    for index in range(70):
        kept.state.seen_ms = year_ms + index
        kept = restored(kept.encode(), {"main": [f"p{index}"]})
    last = restored(kept.encode(), {"main": ["p69"]})
    last.state.seen_ms = 2 * year_ms + 60
    late = restored(last.encode(), {"main": ["p69"]})

    assert list(last.state.absent) == [f"p{index}" for index in range(5, 69)]
    assert list(late.state.absent) == [f"p{index}" for index in range(60, 69)]
    assert list(late.state.pumps) == ["p69"]


def test_a_header_that_goes_while_its_pumps_are_learnt_takes_nothing_along() -> None:
    """The references of all other pumps are in the same state."""
    kept = restored(None, {"main": ["p1"], "other": ["p2"]})
    kept.learning["other"] = StationCurves([Plate("p2")])
    kept.state.pumps["p1"].life.kind = "wear"

    kept = restored(kept.encode(), {"main": ["p1"]})
    kept = restored(kept.encode(), {"main": ["p1"]})

    assert kept.state.pumps["p1"].life.kind == "wear"
    assert list(kept.state.absent) == ["p2"]


def test_what_many_pumps_keep_of_each_kind_of_operation_outlasts_a_restart() -> None:
    """Begun anew at each, it would matter how often the agent is restarted."""
    pumps = [f"p{index}" for index in range(5)]
    plates = [Plate(pump) for pump in pumps]
    kept = restored(None, {"main": pumps})
    kept.learning["main"] = StationCurves.from_dict({**StationCurves(plates).to_dict(), "quota": 7}, plates)

    again = restored(kept.encode(), {"main": pumps})

    assert again.learning["main"].to_dict()["quota"] == 7


def test_a_data_sheet_that_is_corrected_or_removed_takes_its_reference_along(tmp_path: Path) -> None:
    """What was lost against the wrong one was never lost; a sheet that stays is not taken again."""
    flows = [300.0, 500.0, 700.0, 900.0, 1_100.0]
    heads = UNLIKE[0].head(np.array(flows), np.array(1.0)).round(2)
    first, second = PLANT["pump"]
    wrong, right = ({**first, "catalogue": {"flow": flows, "head": told.tolist()}} for told in (heads * 1.15, heads))
    with station(tmp_path, pump=[wrong, second]) as past:
        told = [bodies(live(past, day))["p1"] for day in range(2)]
        reconfigure(past, pump=[right, second])
        corrected = bodies(live(past, 2))["p1"]
        reconfigure(past, pump=[first, second])
        removed = bodies(past.perform("wear", wear.run, START_MS + 3 * DAY_MS + 60_000))["p1"]
        for day in (3, 4):
            learnt = bodies(live(past, day))["p1"]

    assert told[1]["head_lost_percent"] > 8.0
    assert told[1]["reference_at"] == told[0]["reference_at"]
    assert len(told[1]["days"]) > 0
    assert (corrected["reference"], corrected["days"]) == ("catalogue", [])
    assert corrected["head_lost_percent"] == pytest.approx(0.0, abs=1.5)
    assert "reference" not in removed
    assert learnt["reference"] == "learnt"
    assert learnt["head_lost_percent"] == pytest.approx(0.0, abs=1.0)


def test_wear_is_followed_again_after_a_clock_that_ran_ahead_came_back(tmp_path: Path) -> None:
    """What was seen until a date decades ahead ended all that is learnt until then."""
    ahead_ms, random = START_MS + 20_000 * DAY_MS, np.random.default_rng(0)
    shown = {"p1.power": 30.0, "p1.speed": 50.0, "p2.power": 0.2, "p2.speed": 0.0, "pressure": 400.0, "flow": 200.0}
    with station(tmp_path) as past:
        for day in range(4):
            live(past, day)
        for tag, value in shown.items():
            past.series(tag, value * random.normal(1.0, 0.001, 900), start_ms=ahead_ms)
        for second in (600, 900):
            past.perform("wear", wear.run, ahead_ms + 1_000 * second)
        for day in range(4, 7):
            outcome = live(past, day, lost=0.03)

    kept = restored(outcome.state, {"main": ["p1", "p2"]})
    days = [day.begin_ms for day in kept.state.pumps["p1"].life.days]
    assert kept.state.seen_ms < START_MS + 7 * DAY_MS
    assert days[-1] > START_MS + 5 * DAY_MS - DAY_MS // 2
    assert days == sorted(set(days))
    assert bodies(outcome)["p1"]["head_lost_percent"] == pytest.approx(3.0, abs=0.8)


def test_wear_of_a_pump_that_has_one_duty_only_is_told(tmp_path: Path) -> None:
    """Of fixed speed into a tank: its curve keeps some 40 points of its one duty, however long it has run."""
    plant = PLANT | {"pump": [{"id": "p1", "header": "main", "power": "p1.power", "drive": "fixed"}]}
    with history(tmp_path, TAGS, **plant) as past:
        for day, lost in enumerate((0.0, 0.0, 0.03)):
            rng, one = np.random.default_rng(day), np.ones(ROWS)
            flow, pump = 850.0 * rng.normal(1.0, 0.002, ROWS), Worn.of(UNLIKE[0], lost)
            how: dict[str, Any] = {"start_ms": START_MS + day * DAY_MS, "step_ms": STEP_MS, "imported": True}
            past.series("p1.power", pump.power(flow, one) * rng.normal(1.0, 0.005, ROWS), **how)
            past.series("pressure", 9.80665 * pump.head(flow, one) * rng.normal(1.0, 0.003, ROWS), **how)
            past.series("flow", flow * rng.normal(1.0, 0.005, ROWS), **how)
            said = bodies(past.perform("wear", wear.run, START_MS + (day + 1) * DAY_MS))["p1"]

    assert said["reference"] == "learnt"
    assert said["head_lost_percent"] == pytest.approx(3.0, abs=0.5)
    assert abs(said["head_lost_percent"] - 3.0) < 2.0 * said["head_lost_std"]
