"""The curves job over real history: from rows of the log to models and records."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import curves, running
from agent.jobs.job import Outcome
from agent.jobs.learnt.state import model_from_state, models_from_state, restored
from agent.store.records import Filled
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.agent.history import START_MS, History, history
from tests.simulators.waterworks import UNLIKE, operation

STATION = UNLIKE[:2]
HOUR_MS = 3_600_000
TAGS: dict[str, dict[str, Any]] = {
    "p1.power": {"unit": "kW"},
    "p1.speed": {"unit": "Hz"},
    "p2.power": {"unit": "kW"},
    "p2.speed": {"unit": "Hz"},
    "grid_frequency": {"unit": "Hz"},
    "pressure": {"unit": "kPa"},
    "flow": {"unit": "m3/h", "fill": "linear"},
}
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
    "pump": [
        {"id": "p1", "header": "main", "power": "p1.power", "speed": "p1.speed"},
        {"id": "p2", "header": "main", "power": "p2.power", "speed": "p2.speed"},
    ],
}


def plant(seconds: int, *, each: int = 300) -> Points:
    """Two pumps in steps of *each* seconds: one, the other, or both, at other duties each time."""
    steps = operation(
        STATION, [(0,), (1,), (0, 1)], seconds // each, np.random.default_rng(3), step_ms=600_000, every=1
    )
    return steps.take(np.arange(seconds) // each)


def told(
    past: History,
    truth: Points,
    *,
    start_ms: int = START_MS,
    step_ms: int = 1_000,
    imported: bool = False,
    flow: list[float] | None = None,
) -> None:
    """Append *truth*, tag by tag, a row each *step_ms*, with 0.3 % of noise on powers and flow.

    A stopped pump's meter shows 0.2 kW.
    """
    rng = np.random.default_rng(4)
    n = len(truth)
    how: dict[str, Any] = {"start_ms": start_ms, "step_ms": step_ms, "imported": imported}
    for index, pump in enumerate(("p1", "p2")):
        power = np.where(truth.running[:, index], truth.powers[:, index] * rng.normal(1.0, 0.003, n), 0.2)
        past.series(f"{pump}.power", power, **how)
        past.series(f"{pump}.speed", 50.0 * truth.speeds[:, index], **how)
    past.series("pressure", 9.80665 * truth.head, **how)
    past.series("flow", truth.flow * rng.normal(1.0, 0.003, n) if flow is None else flow, **how)
    past.series("grid_frequency", np.full(n, 50.0), **how)


def bodies(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What is published, by pump."""
    return {record.key: json.loads(record.body) for record in outcome.records}


def test_the_log_becomes_curves_near_the_truth(tmp_path: Path) -> None:
    """Two hours of three sets: each pump's published coefficients give its true head within 1 %.

    Slower than most: 50,000 rows go through a real store.
    """
    truth = plant(7_200)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth)

        outcome = past.perform("curves", curves.run, START_MS + 2 * HOUR_MS)

    published = bodies(outcome)
    assert sorted(published) == ["p1", "p2"]
    for index, pump in enumerate(STATION):
        body = published[f"p{index + 1}"]
        a0, a1, a2 = body["head_coefficients"]
        flow = np.linspace(body["flow_min"], body["flow_max"], 9)
        head = pump.head(flow, np.array(1.0))
        assert np.abs((a0 + a1 * flow + a2 * flow**2) / head - 1.0).max() < 0.01
        assert (body["flow_source"], body["fitted_at"]) == ("derived", "2026-03-01T14:00:00.000Z")
        assert body["readings"] > 100
        assert len(body["points"]) == 9
    assert outcome.counts["curves"] == 2


def test_pumps_that_share_a_meter_are_told_apart_with_their_data_sheets(tmp_path: Path) -> None:
    """Sheets 5 % off in head, and the reason says that they were of use.

    Slower than most: 25,000 rows go through a real store.
    """
    flows = np.linspace(0.2, 1.4, 7)
    sheets = [
        {
            "flow": (pump.best_flow * flows).tolist(),
            "head": (1.05 * pump.head(pump.best_flow * flows, np.ones(7))).tolist(),
        }
        for pump in STATION
    ]
    plant_of = PLANT | {"pump": [one | {"catalogue": own} for one, own in zip(PLANT["pump"], sheets, strict=True)]}
    with history(tmp_path, TAGS, **plant_of) as past:
        told(past, plant(3_600))

        published = bodies(past.perform("curves", curves.run, START_MS + HOUR_MS))

    for body in published.values():
        assert body["method_reason"].startswith("the data sheets ")
        assert "also tried: any parabola" in body["method_reason"]


def test_what_is_believed_of_pumps_beforehand_is_what_the_configuration_says(tmp_path: Path) -> None:
    sheet = {"flow": [0, 50, 90], "head": [50, 45, 36]}
    pumps = [PLANT["pump"][0] | {"catalogue": sheet}, PLANT["pump"][1]]
    with history(tmp_path, TAGS, **PLANT | {"pump": pumps, "jobs": {"curves": {"speed_exponent": 0.07}}}) as past:
        first, second = curves.plates_of(past.settings, past.settings.headers[0])

    assert (first.speed_exponent, second.speed_exponent) == (0.07, 0.07)
    assert first.sheet is not None
    assert first.sheet.head.tolist() == [50.0, 45.0, 36.0]
    assert second.sheet is None


def test_what_was_hardly_measured_of_what_curves_rest_on_is_said(tmp_path: Path) -> None:
    """The header's flow meter was silent for most of the time; and where all tags came, nothing is doubted."""
    truth = plant(1_800)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth)
        whole = past.perform("curves", curves.run, START_MS + 1_800_000)
        seldom = [value if place % 900 < 200 else float("nan") for place, value in enumerate(truth.flow)]
        told(past, truth, start_ms=START_MS + 1_800_000, flow=seldom)
        holed = past.perform("curves", curves.run, START_MS + 3_600_000)

    assert whole.doubt is None
    assert holed.doubt is not None
    assert holed.doubt.startswith("flow was known in 2")
    assert "(longest hole 12 min)" in holed.doubt
    assert "pressure" not in holed.doubt


def test_often_or_once_the_same_is_learnt(tmp_path: Path) -> None:
    """The batch twin: every ten minutes over half an hour, or once, the same points. Two stores, hence slow."""
    found = []
    for name, period_ms in (("often", 600_000), ("once", 1_800_000)):
        (tmp_path / name).mkdir()
        truth = plant(1_800)
        with history(tmp_path / name, TAGS, **PLANT) as past:
            for start in range(0, 1_800_000, period_ms):
                rows = slice(start // 1_000, (start + period_ms) // 1_000)
                told(past, truth.take(rows), start_ms=START_MS + start)
                outcome = past.perform("curves", curves.run, START_MS + start + period_ms)
            model = model_from_state(outcome.state)
            assert model is not None
            found.append((model.basis.seen, model.basis.first_ms, model.basis.last_ms))

    assert found[0] == found[1]
    assert found[0][0] > 50


def test_a_run_without_news_says_nothing(tmp_path: Path) -> None:
    """No new steady window, no fit, no record; the model stays. The second run still judges the log's last windows."""
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, plant(1_200))
        first = past.perform("curves", curves.run, START_MS + 1_200_000)

        past.perform("curves", curves.run, START_MS + 1_260_000)
        second = past.perform("curves", curves.run, START_MS + 1_320_000)

    assert len(first.records) == 2
    assert second.records == []
    assert model_from_state(second.state) is not None


def test_no_reading_of_a_stopped_pump_enters_a_curve(tmp_path: Path) -> None:
    """Pump 2 stands all the time; its meter's 0.2 kW and the mains' 50 Hz taken for its speed make no curve."""
    truth = plant(2_400)
    alone = truth.take(truth.running[:, 0] & ~truth.running[:, 1])
    pumps = [PLANT["pump"][0], PLANT["pump"][1] | {"speed": "grid_frequency"}]
    with history(tmp_path, TAGS, **(PLANT | {"pump": pumps})) as past:
        told(past, alone)

        outcome = past.perform("curves", curves.run, START_MS + 1_000 * len(alone))

    assert list(bodies(outcome)) == ["p1"]


def test_filled_values_teach_nothing(tmp_path: Path) -> None:
    """Twenty minutes without flow, filled by someone's method with 10,000 m³/h: no point has that flow."""
    truth = plant(2_400)
    gap = np.where(np.arange(2_400) < 1_200, truth.flow, np.nan)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, replace(truth, flow=gap))
        past.fill(
            Filled("flow", START_MS + 1_000 * second, 10_000.0, 1.0, "linear", START_MS)
            for second in range(1_210, 2_400)
        )

        outcome = past.perform("curves", curves.run, START_MS + 2_400_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert model.basis.flow_rmse < 0.01 * truth.flow.mean()


@pytest.mark.parametrize("is_asked", [False, True])
def test_filled_values_teach_only_where_asked(tmp_path: Path, *, is_asked: bool) -> None:
    """A site whose flow meter is often away may say so; here the estimates are half too much, and it shows."""
    truth = plant(2_400)
    gap = np.where(np.arange(2_400) < 1_200, truth.flow, np.nan)
    asked = {"jobs": {"curves": {"filled": is_asked}}}
    with history(tmp_path, TAGS, **(PLANT | asked)) as past:
        told(past, replace(truth, flow=gap))
        past.fill(
            Filled("flow", START_MS + 1_000 * second, 1.5 * float(truth.flow[second]), 1.0, "linear", START_MS)
            for second in range(1_210, 2_400)
        )

        outcome = past.perform("curves", curves.run, START_MS + 2_400_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert (model.basis.flow_rmse > 0.01 * truth.flow.mean()) == is_asked
    assert ("flow was known in 49% of the time and filled in 48% of it" in (outcome.doubt or "")) == is_asked


def test_that_a_pump_stood_is_never_filled_in(tmp_path: Path) -> None:
    """Filled values are asked for; a status that is repeated through an outage would say so of a pump nobody sees."""
    truth = operation(STATION, [(0,)], 8, np.random.default_rng(3), step_ms=600_000, every=1)
    truth = truth.take(np.arange(2_400) // 300)
    pumps = [PLANT["pump"][0], {"id": "p2", "header": "main", "status": "p2.status"}]
    asked = {"pump": pumps, "jobs": {"curves": {"filled": True}}}
    tags = {**TAGS, "p2.status": {"unit": "1", "fill": "forward"}}
    with history(tmp_path, tags, **(PLANT | asked)) as past:
        told(past, truth)
        past.series("p2.status", [0.0] * 1_200)
        past.fill(
            Filled("p2.status", START_MS + 1_000 * second, 0.0, 0.0, "forward", START_MS)
            for second in range(1_201, 2_400)
        )

        outcome = past.perform("curves", curves.run, START_MS + 2_400_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert START_MS + 1_100_000 < model.basis.last_ms < START_MS + 1_220_000


def test_what_no_tag_tells_is_no_evidence(tmp_path: Path) -> None:
    """While pump 2's tags are silent it may or may not run: the total is then nobody's to learn from."""
    truth = plant(2_400)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth.take(slice(0, 1_200)))
        for tag in ("p1.power", "p1.speed", "pressure", "flow"):
            value = {"p1.power": 100.0, "p1.speed": 45.0, "pressure": 400.0, "flow": 5_000.0}[tag]
            past.series(tag, [value] * 1_200, start_ms=START_MS + 1_200_000)

        outcome = past.perform("curves", curves.run, START_MS + 2_400_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert model.basis.last_ms < START_MS + 1_220_000


def test_history_imported_later_is_learnt_from(tmp_path: Path) -> None:
    """An operator imports last month after the first day: the job goes back for it."""
    truth = plant(2_400)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth.take(slice(1_200, 2_400)), start_ms=START_MS + 20 * HOUR_MS)
        past.perform("curves", curves.run, START_MS + 20 * HOUR_MS + 1_200_000)
        told(past, truth.take(slice(0, 1_200)))

        outcome = past.perform("curves", curves.run, START_MS + 20 * HOUR_MS + 1_260_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert model.basis.first_ms < START_MS + HOUR_MS
    assert model.basis.last_ms > START_MS + 20 * HOUR_MS


def test_a_stale_first_value_does_not_send_the_job_back(tmp_path: Path) -> None:
    """A subscription begins with values that changed days ago; rereading days for it would never end."""
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p2.speed", [0.0], start_ms=START_MS - 200 * HOUR_MS)
        told(past, plant(1_200))

        outcome = past.perform("curves", curves.run, START_MS + 1_200_000)

    assert outcome.counts["points"] > 20


def test_a_changed_pump_begins_anew_and_junk_is_no_state(tmp_path: Path) -> None:
    """Another plant or another version's state must neither crash the job nor be believed."""
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, plant(1_200))
        outcome = past.perform("curves", curves.run, START_MS + 1_200_000)

    assert outcome.state is not None
    assert list(models_from_state(outcome.state)) == ["main"]
    assert model_from_state(outcome.state, "other") is None
    assert models_from_state(b"junk") == {}
    assert models_from_state(None) == {}
    assert model_from_state(outcome.state[: len(outcome.state) // 2]) is None


@pytest.mark.parametrize("tag", ["pressure", "flow"])
def test_a_station_that_measures_nothing_yet_is_no_error(tmp_path: Path, tag: str) -> None:
    """Commissioning: one tag speaks, the rest are silent."""
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series(tag, [400.0] * 600)

        outcome = past.perform("curves", curves.run, START_MS + 600_000)

    assert (outcome.records, model_from_state(outcome.state)) == ([], None)


def caught_up(past: History, now_ms: int) -> Outcome:
    """What the last of so many runs found that a week is caught up with; none of them sees a new row."""
    for run in range(9):
        outcome = past.perform("curves", curves.run, now_ms + 300_000 * run)
    return outcome


def test_history_is_learnt_although_nothing_ran_on_its_first_day(tmp_path: Path) -> None:
    """A first day without a point used to be all that was ever looked at: run after run the rest is caught up with.

    Slower than most: 26 h and more have to go through a store.
    """
    truth = plant(28 * 720, each=120)
    stands = np.arange(len(truth)) < 26 * 720
    truth = replace(
        truth, running=truth.running & ~stands[:, None], speeds=np.where(stands[:, None], 0.0, truth.speeds)
    )
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth, step_ms=5_000, imported=True)

        model = model_from_state(caught_up(past, START_MS + 30 * HOUR_MS).state)

    assert model is not None
    assert model.pumps == ("p1", "p2")


def test_a_first_day_that_is_older_than_a_run_judges_is_caught_up_with(tmp_path: Path) -> None:
    """The pumps ran only in the first 2 h of 30, which is further back than the 24 h that one run judges."""
    truth = plant(7_200)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth, imported=True)
        past.series("pressure", [400.0] * 1_680, start_ms=START_MS + 2 * HOUR_MS, step_ms=60_000, imported=True)

        model = model_from_state(caught_up(past, START_MS + 31 * HOUR_MS).state)

    assert model is not None
    assert model.basis.first_ms < START_MS + 600_000


def test_a_header_without_pumps_keeps_no_other_waiting(tmp_path: Path) -> None:
    """It has nothing to learn, ever; the job used to begin anew for it and to lose the rest of the history."""
    truth = plant(3_600)
    headers = [*PLANT["header"], {"id": "spare", "pressure": ["pressure"], "flow": ["flow"]}]
    found = []
    for name, some in (("alone", PLANT["header"]), ("both", headers)):
        (tmp_path / name).mkdir()
        with history(tmp_path / name, TAGS, **(PLANT | {"header": some})) as past:
            told(past, truth.take(slice(0, 1_800)))
            told(past, truth.take(slice(1_800, 3_600)), start_ms=START_MS + 26 * HOUR_MS)
            model = model_from_state(caught_up(past, START_MS + 27 * HOUR_MS).state, "main")
            assert model is not None
            found.append(model.basis.seen)

    assert found[0] == found[1] > 100


def test_an_added_pump_learns_from_the_log_that_is_there(tmp_path: Path) -> None:
    """A pump is configured later: what was learnt without it is void, and the log is read from its beginning."""
    truth = plant(3_600)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth)
        both = past.settings
        past.settings = both.model_copy(update={"pumps": both.pumps[:1]})
        past.perform("curves", curves.run, START_MS + HOUR_MS)
        past.settings = both

        outcome = past.perform("curves", curves.run, START_MS + HOUR_MS + 300_000)

    model = model_from_state(outcome.state)
    assert model is not None
    assert model.pumps == ("p1", "p2")
    assert model.basis.first_ms < START_MS + 600_000


@pytest.mark.parametrize(("step_s", "least"), [(1, 150), (5, 150), (20, 30)])
def test_imported_history_is_learnt_from_its_beginning_however_coarse(tmp_path: Path, step_s: int, least: int) -> None:
    """Tag by tag, 5 s apart, the job used to take the last rows for the news, and 20 s apart to have no value."""
    truth = plant(3_600).take(slice(0, None, step_s))
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth, step_ms=1_000 * step_s, imported=True)

        outcome = past.perform("curves", curves.run, START_MS + 2 * HOUR_MS)
        again = past.perform("curves", curves.run, START_MS + 3 * HOUR_MS)

    model = model_from_state(outcome.state)
    assert model is not None
    assert outcome.counts["points"] > least
    assert model.basis.first_ms < START_MS + 600_000
    assert again.counts["points"] == 0


def test_a_value_a_minute_is_enough_for_curves(tmp_path: Path) -> None:
    """Most historians keep one: ten hours of it give each pump's true head within 1 %."""
    truth = plant(36_000, each=1_800).take(slice(0, None, 60))
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth, step_ms=60_000, imported=True)

        outcome = past.perform("curves", curves.run, START_MS + 11 * HOUR_MS)

    model = model_from_state(outcome.state)
    assert model is not None
    assert outcome.counts["points"] > 100
    for pump, curve in zip(STATION, model.curves, strict=True):
        flow = np.linspace(*curve.flow_range, num=9)
        assert np.abs(curve.head(flow, 1.0) / pump.head(flow, np.array(1.0)) - 1.0).max() < 0.01


@pytest.mark.parametrize(
    ("tags", "value"), [(["pressure"], 5e15), (["flow"], 1e30), (list(TAGS), 1e38), (list(TAGS), 1e-38)]
)
def test_words_in_the_wrong_order_teach_nothing_and_stop_nothing(tmp_path: Path, tags: list[str], value: float) -> None:
    """Five minutes of a wrong word order made the fit fail then and, taken up again, for good.

    And a power far beyond all others was taken for the pump's running, so that it stood from then on.
    """
    truth = plant(1_500)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth.take(slice(0, 600)))
        for tag in TAGS:
            shown = value if tag in tags else {"pressure": 400.0, "flow": 500.0, "p1.power": 60.0}.get(tag, 45.0)
            past.series(tag, [shown] * 300, start_ms=START_MS + 600_000)
        past.perform("running", running.run, START_MS + 900_000)
        past.perform("curves", curves.run, START_MS + 900_000)
        told(past, truth.take(slice(900, 1_500)), start_ms=START_MS + 900_000)
        past.perform("running", running.run, START_MS + 1_500_000)
        after = past.perform("curves", curves.run, START_MS + 1_500_000)

    assert sorted(bodies(after)) == ["p1", "p2"]
    assert after.counts["points"] > 10
    for index, body in enumerate(bodies(after).values()):
        a0, a1, a2 = body["head_coefficients"]
        flow = np.linspace(body["flow_min"], body["flow_max"], 5)
        assert np.abs((a0 + a1 * flow + a2 * flow**2) / STATION[index].head(flow, np.array(1.0)) - 1.0).max() < 0.1


def test_a_fit_that_fails_keeps_the_last_curves_and_is_not_tried_with_the_same_readings_again(tmp_path: Path) -> None:
    """Whatever makes it fail (here a plate nobody has), the stretch is struck off and SCADA reads why."""
    truth = plant(1_800)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth.take(slice(0, 900)))
        first = past.perform("curves", curves.run, START_MS + 900_000)
        sane = past.settings
        absurd = tuple(p.model_copy(update={"rated_flow": 1e-300, "rated_head": 1e300}) for p in sane.pumps)
        past.settings = sane.model_copy(update={"pumps": absurd})
        told(past, truth.take(slice(900, 1_500)), start_ms=START_MS + 900_000)
        failed = past.perform("curves", curves.run, START_MS + 1_500_000)
        again = past.perform("curves", curves.run, START_MS + 1_500_000)
        past.settings = sane
        told(past, truth.take(slice(1_500, 1_800)), start_ms=START_MS + 1_500_000)
        mended = past.perform("curves", curves.run, START_MS + 1_800_000)

    for pump, body in bodies(failed).items():
        assert "make no curve" in body["reason"]
        assert body["head_coefficients"] == bodies(first)[pump]["head_coefficients"]
        assert body["fitted_at"] == bodies(first)[pump]["fitted_at"]
    assert model_from_state(failed.state) is not None
    assert (again.counts["points"], again.records) == (0, [])
    assert mended.counts["points"] > 5
    assert not any("make no curve" in body.get("reason", "") for body in bodies(mended).values())


def test_a_pump_without_any_curve_says_why_and_learns_once_it_can(tmp_path: Path) -> None:
    """A first fit that fails has nothing to fall back on; when each fails for an hour, it begins anew."""
    truth = plant(1_800)
    absurd = [pump | {"rated_flow": 1e-300, "rated_head": 1e300} for pump in PLANT["pump"]]
    with history(tmp_path, TAGS, **(PLANT | {"pump": absurd})) as past:
        told(past, truth.take(slice(0, 600)))
        failed = past.perform("curves", curves.run, START_MS + 600_000)

    assert failed.counts["curves"] == 0
    assert {body["readings"] for body in bodies(failed).values()} == {0}
    assert all("make no curve" in body["reason"] for body in bodies(failed).values())
    kept = restored(failed.state, {"main": [Plate("p1"), Plate("p2")]}).headers["main"]
    assert (kept.failures, kept.estimator.seen) == (1, 0)


def test_what_was_learnt_is_given_up_when_no_fit_has_come_of_it_for_an_hour(tmp_path: Path) -> None:
    """Should the points that are kept be to blame, each later fit would fail with them; the last curves stay."""
    truth = plant(900)
    with history(tmp_path, TAGS, **PLANT) as past:
        told(past, truth.take(slice(0, 600)))
        first = past.perform("curves", curves.run, START_MS + 600_000)
        absurd = tuple(p.model_copy(update={"rated_flow": 1e-300, "rated_head": 1e300}) for p in past.settings.pumps)
        past.settings = past.settings.model_copy(update={"pumps": absurd})
        kept = restored(first.state, {"main": [Plate("p1"), Plate("p2")]})
        kept.headers["main"].failures = curves.MOST_FAILURES - 1
        before = Outcome(mark=first.mark, state=kept.encode())
        past.perform("curves", lambda _: before, START_MS + 600_000)
        told(past, truth.take(slice(600, 900)), start_ms=START_MS + 600_000)
        last = past.perform("curves", curves.run, START_MS + 900_000)

    given_up = restored(last.state, {"main": [Plate("p1"), Plate("p2")]}).headers["main"]
    assert (given_up.failures, given_up.estimator.seen) == (0, 0)
    assert given_up.model is not None
