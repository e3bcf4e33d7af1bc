"""What is required of a header, from the configuration or SCADA's setpoint to the recommendation that is published."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agent.jobs import front
from agent.jobs.advice.required import FOLLOWS
from agent.jobs.advice.searches import searches
from agent.jobs.advice.situation import Header, situation
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.state import CurveState, HeaderCurves
from agent.mqtt.payloads import Front, RecommendationEvent, Schedule, ScheduleRow
from agent.plant import HeaderSettings
from agent.roles import complaints
from agent.store.records import Record
from analytics.curves.estimator import StationCurves
from analytics.curves.prior import Plate
from analytics.dispatch.system import System
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.advice.test_set_changes import FLOW, RESISTANCE, STATIC, points
from tests.agent.jobs.test_dispatch import HEAD, MINUTE_MS, MODEL, PLANT, PUMPS, TAGS, advise, operate

MORE_TAGS = {"wanted.flow": {"unit": "m3/d"}, "wanted.pressure": {"unit": "kPa"}, "level": {"unit": "cm"}}
MORE_TAGS |= {"wanted.level": {"unit": "cm"}}
BAR = 0.0980665  # a metre of water
TANK = {"level": "level", "area": 200.0, "level_min": 1.0, "level_max": 4.0}
EVEN = {"a": 45.0, "b": 45.0}
LEVEL_MINUTES = 31


@contextmanager
def required(
    folder: Path,
    *,
    is_held: bool = False,
    has_branch: bool = False,
    plant: dict[str, Any] | None = None,
    tags: dict[str, Any] | None = None,
    **header: Any,
) -> Iterator[History]:
    """Two pumps in their best operation, against a system that is known, one of them by a branch of more resistance.

    Or a controller holds their head.
    """
    flows = np.linspace(0.3, 1.0, 200) * FLOW
    head = np.random.default_rng(3).normal(HEAD, 0.02, 200) if is_held else STATIC + RESISTANCE * flows**2

    is_branch = has_branch & (np.arange(200) % 5 == 0)

    def learnt(context: JobContext) -> Outcome:
        estimator = StationCurves([Plate(pump.id) for pump in PUMPS])
        estimator.update(points(np.where(is_branch, STATIC + 1.5 * RESISTANCE * flows**2, head), len(head), is_branch))
        return Outcome(mark=context.mark, state=CurveState(headers={"main": HeaderCurves(estimator, MODEL)}).encode())

    asked = {"id": "main", "pressure": ["pressure"], "flow": ["flow"], **header}
    with history(folder, TAGS | MORE_TAGS | (tags or {}), **{**PLANT, "header": [asked], **(plant or {})}) as past:
        past.perform("curves", learnt, START_MS)
        yield past


def advice_of(past: History, minutes: int = 5, **tags: Any) -> dict[str, Any]:
    """The recommendation after so many minutes of it."""
    operate(past, EVEN, minutes, **tags)
    return advise(past, minutes)[0]


def test_scada_s_setpoint_of_flow_is_the_demand_at_the_head_the_system_makes_of_it(tmp_path: Path) -> None:
    """9240 m³ a day are 385 m³/h, in the setpoint's own unit."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        said = advice_of(past, wanted_flow=9240.0)

    head = STATIC + RESISTANCE * 385.0**2
    assert said["action"] == "change"
    assert (said["flow"], said["head"]) == (pytest.approx(385.0, abs=0.1), pytest.approx(head, abs=0.1))
    assert said["why"].startswith(
        "The header has to deliver 385 m³/h (tag wanted.flow), and delivers 369 m³/h. 385 instead of 369 m³/h for "
    )
    assert said["saving_kw"] < -2
    assert said["baseline"] == "the present operation at its own flow, by the same model"


def test_a_number_is_in_the_unit_of_the_flow_tag(tmp_path: Path) -> None:
    """107 l/s are 385.2 m³/h."""
    with required(tmp_path, flow_required=107.0) as past:
        said = advice_of(past)

    assert said["flow"] == pytest.approx(385.2, abs=0.1)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({}, "wanted.flow has had no good value"),
        ({"wanted_flow": float("inf")}, "wanted.flow has had no good value"),
        ({"wanted_flow": 0.0}, "wanted.flow is 0 m³/h while pumps run"),
        ({"wanted_flow": 1e300}, "wanted.flow is 4.167e+298 m³/h while pumps run"),
    ],
)
def test_a_setpoint_that_is_not_known_leaves_the_operation_of_now(
    tmp_path: Path, tags: dict[str, Any], why: str
) -> None:
    """What the pumps do is no worse a demand than it was without a setpoint; and it is said."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        said = advice_of(past, **tags)

    assert said["action"] == "keep"
    assert said["reasons"][0] == f"What is required is not known, as {why}: what the header delivers now counts."


def test_one_second_s_setpoint_is_none(tmp_path: Path) -> None:
    """Of those of some minutes the median counts."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        past.series("wanted.flow", [9240.0] * 299 + [6000.0])
        said = advice_of(past)

    assert said["flow"] == pytest.approx(385.0, abs=0.1)


def test_a_required_flow_keeps_the_pressures_that_the_site_allows(tmp_path: Path) -> None:
    """385 m³/h make 35.9 m."""
    with required(tmp_path, flow_required="wanted.flow", pressure_max=35.5 * BAR) as past:
        said = advice_of(past, wanted_flow=9240.0)

    assert said["action"] == "none"
    assert "At 385 m³/h the head is 35.9 m, above the 35.5 m that the site allows" in said["why"]


def test_where_the_system_is_another_one_with_other_pumps_each_set_meets_its_own(tmp_path: Path) -> None:
    """Both pumps meet the common one; pump a alone, by its branch, would meet 15 m of loss and not 10."""
    with required(tmp_path, has_branch=True, flow_required="wanted.flow") as past:
        said = advice_of(past, wanted_flow=9240.0)

        with past.reader() as reader:
            context = JobContext(past.settings, reader, 0, None, START_MS + 5 * MINUTE_MS)
            header = Header(context, past.settings.headers[0])
            found = situation(header, MODEL, 0.0, None).operation.required
            ((_, searched),) = searches(context)

    assert said["action"] == "change"
    assert said["head"] == pytest.approx(STATIC + RESISTANCE * 385.0**2, abs=0.1)
    assert found is not None
    assert isinstance(found.system, System)
    assert found.system.of(frozenset({"a"})) == pytest.approx(1.5 * RESISTANCE, rel=0.03)
    assert found.system.of(frozenset({"a", "b"})) == pytest.approx(RESISTANCE, rel=0.03)
    assert searched == "Ways are not compared, as with other pumps the system's curve is another one."


def test_where_the_head_follows_the_flow_less_pressure_is_not_called_the_same_flow(tmp_path: Path) -> None:
    """30 m would be allowed; on this system they pass 11 % less water. Nor is that traded."""
    with required(tmp_path, pressure_min=30 * BAR, pressure_max=40 * BAR) as past:
        said = advice_of(past)
        outcome = past.perform("front", front.run, START_MS + 5 * MINUTE_MS)

    traded = Front.model_validate_json(outcome.records[0].body)
    assert said["action"] == "keep"
    assert (said["head"], said["flow"]) == (pytest.approx(HEAD, abs=0.01), pytest.approx(FLOW, abs=0.1))
    assert said["reasons"][0] == FOLLOWS
    assert {round(point.head, 1) for point in traded.points} == {35.0}
    assert traded.flow == pytest.approx(FLOW, abs=0.1)
    assert traded.why.endswith(FOLLOWS)


def test_a_pressure_that_is_too_low_takes_the_flow_that_has_it(tmp_path: Path) -> None:
    """36 m take 5 % more flow than 35, whatever holds; and the flow is named."""
    with required(tmp_path, pressure_min=36 * BAR) as past:
        said = advice_of(past)

    assert said["action"] == "change"
    assert said["head"] == pytest.approx(36.0, abs=0.01)
    assert said["flow"] == pytest.approx(sqrt((36.0 - STATIC) / RESISTANCE), rel=2e-3)
    assert "below the 36.0 m that the site allows" in said["why"]
    assert "387 instead of 369 m³/h" in said["why"]


def test_a_setpoint_that_stopped_coming_is_none(tmp_path: Path) -> None:
    """It came for two minutes and not in the three since."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        past.series("wanted.flow", [9240.0] * 220)
        said = advice_of(past)

    assert said["action"] == "keep"
    assert "wanted.flow has had no good value for 7" in said["reasons"][0]


def test_advice_that_turns_round_with_the_setpoint_is_another_one(tmp_path: Path) -> None:
    """45.0 to 45.5 Hz and 45.0 to 44.5 Hz are a hertz apart, and opposites; 45.0 to 45.6 Hz is the first one still."""
    told = []
    with required(tmp_path, flow_required="wanted.flow") as past:
        for start, share in ((0, 1.025), (5, 1.03), (10, 0.975)):
            operate(past, EVEN, 5, start=start, wanted_flow=24 * share * FLOW)
            said, events = advise(past, start + 5)
            told.append((said["action"], said["id"], [event["event"] for event in events]))

    (_, first, _), (_, _, _), (_, other, _) = told
    assert told == [
        ("change", first, ["issued"]),
        ("change", first, []),
        ("change", other, ["withdrawn", "issued"]),
    ]
    assert other != first


def test_a_change_that_was_rejected_does_not_silence_its_opposite(tmp_path: Path) -> None:
    """More was refused; less was not."""
    actions = []
    with required(tmp_path, flow_required="wanted.flow") as past:
        for start, share in ((0, 1.025), (5, 1.025), (10, 0.975)):
            operate(past, EVEN, 5, start=start, wanted_flow=24 * share * FLOW)
            said, _ = advise(past, start + 5)
            actions.append(said["action"])
            if start == 0:
                no = {"id": said["id"], "station": "test", "event": "rejected", "user": "anna"}
                at_ms = START_MS + 330_000
                past.record([Record("recommendation_event", "", at_ms, RecommendationEvent(ts=at_ms, **no).encode())])

    assert actions == ["change", "none", "change"]


@pytest.mark.parametrize(("wanted", "action"), [(60.0, "change"), (96.7, "none")])
def test_a_small_change_that_was_rejected_is_no_word_of_a_much_larger_one(
    tmp_path: Path, wanted: float, action: str
) -> None:
    """44.0 to 42.5 Hz was refused: 216 m³/h are another matter, 348 instead of 369 the same one."""
    with required(tmp_path, flow_required=wanted) as past:
        told = {"speeds": {"a": 0.85, "b": 0.85}, "former": {"a": 0.88, "b": 0.88}, "why": "No."}
        kept = {"rejected": {"main": told | {"until_ms": START_MS + 3_600_000}}}
        past.keep("dispatch", Outcome(mark=0, state=json.dumps(kept).encode()))
        operate(past, {"a": 44.0, "b": 44.0} if action == "change" else EVEN, 5)
        said, _ = advise(past, 5)

    assert said["action"] == action
    assert said["why"].endswith(" No.") == (action == "none")


def test_a_setpoint_that_comes_back_was_not_followed_by_anybody(tmp_path: Path) -> None:
    """2.1 % of flow are 0.9 % of speed: nobody has moved a pump."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        operate(past, EVEN, 5, wanted_flow=24 * FLOW / 1.021)
        first, _ = advise(past, 5)
        operate(past, EVEN, 5, start=5, wanted_flow=24 * FLOW)
        second, events = advise(past, 10)

    assert (first["action"], second["action"]) == ("change", "keep")
    assert [(event["event"], event["id"]) for event in events] == [("withdrawn", first["id"])]


def test_a_setpoint_in_a_unit_of_something_else_is_none(tmp_path: Path) -> None:
    """385 kPa is no flow; `check` names it, and advice does not follow it."""
    with required(tmp_path, flow_required="wanted.pressure") as past:
        said = advice_of(past, wanted_pressure=385.0)
        complained = complaints(past.settings)

    assert said["action"] == "keep"
    assert "wanted.pressure has no unit of flow" in said["reasons"][0]
    assert any("required flow of header main" in one for one in complained)


def test_where_a_controller_holds_the_head_an_other_flow_is_not_advised(tmp_path: Path) -> None:
    """Nobody knows which head 385 m³/h have there."""
    with required(tmp_path, is_held=True, flow_required="wanted.flow") as past:
        said = advice_of(past, wanted_flow=9240.0)

        with past.reader() as reader:
            ((_, searched),) = searches(JobContext(past.settings, reader, 0, None, START_MS + 5 * MINUTE_MS))

    assert said["action"] == "none"
    assert "Which head the header has at another flow is not known: the head does not surely rise" in said["why"]
    assert isinstance(searched, str)
    assert said["why"].endswith(f"delivers 369 m³/h. {searched}")


def test_water_is_worth_what_it_costs_at_the_price_of_now(tmp_path: Path) -> None:
    """A cubic metre more takes some 0.25 kWh: at 0.20 EUR/kWh it pays from 5 cents on; without a price it does not."""
    flows = {}
    for name, value, price in (("dear", 0.2, 0.2), ("cheap", 0.01, 0.2), ("unpriced", 0.2, 0.0)):
        (tmp_path / name).mkdir()
        keys: dict[str, Any] = {"flow_required": 102.0, "flow_tolerance": 0.05, "water_value": value}
        with required(tmp_path / name, plant={"tariff": {"price": price}}, **keys) as past:
            flows[name] = advice_of(past)

    assert flows["dear"]["flow"] == pytest.approx(1.05 * 367.2, abs=0.5)
    assert "5% more or less is allowed where it pays" in flows["dear"]["reasons"][2]
    assert flows["cheap"]["flow"] == pytest.approx(0.95 * 367.2, abs=0.5)
    assert flows["unpriced"]["flow"] == pytest.approx(FLOW, abs=0.1)
    assert flows["unpriced"]["action"] == "keep"


def test_a_setpoint_of_pressure_is_held_by_the_flow_that_has_it(tmp_path: Path) -> None:
    """358 kPa are 36.5 m, which pass the system at 395 m³/h and not at the 369 of now."""
    with required(tmp_path, pressure_required="wanted.pressure", pressure_min=3.0, pressure_max=4.0) as past:
        said = advice_of(past, wanted_pressure=358.0)

    assert said["action"] == "change"
    assert said["head"] == pytest.approx(3.58 / BAR, abs=0.01)
    assert said["flow"] == pytest.approx(sqrt((3.58 / BAR - STATIC) / RESISTANCE), rel=2e-3)
    words = "The header has to hold 358 kPa (tag wanted.pressure), 36.5 m of head"
    assert said["why"].startswith(f"{words}, and has 35 m. 396 instead of 369 m³/h for ")
    assert said["baseline"] == "the present operation at its own flow, by the same model"


@pytest.mark.parametrize(("wanted", "words"), [(373.0, "38.0 m of head take 4"), (196.0, "No flow has a head of 20.0")])
def test_a_pressure_that_no_known_flow_has_is_not_advised(tmp_path: Path, wanted: float, words: str) -> None:
    """The system was learnt up to 369 m³/h, and has 25 m without any flow."""
    with required(tmp_path, pressure_required="wanted.pressure", pressure_min=1.0, pressure_max=4.0) as past:
        said = advice_of(past, wanted_pressure=wanted)

    assert said["action"] == "none"
    assert words in said["why"]


def test_a_setpoint_of_pressure_that_something_else_holds_is_held_for_the_flow_of_now(tmp_path: Path) -> None:
    """370 kPa are 37.7 m; pumps add 35."""
    keys: dict[str, Any] = {"pressure_required": "wanted.pressure", "pressure_min": 3.0, "pressure_max": 4.0}
    with required(tmp_path, is_held=True, **keys) as past:
        said = advice_of(past, wanted_pressure=370.0)

    assert said["action"] == "change"
    assert said["head"] == pytest.approx(3.7 / BAR, abs=0.01)
    assert said["flow"] == pytest.approx(FLOW, abs=0.1)
    words = "The header has to hold 370 kPa (tag wanted.pressure), 37.7 m of head"
    assert said["why"].startswith(f"{words}, and has 35 m. The same flow for ")


def test_standing_pumps_are_started_for_the_flow_that_is_required_and_save_nothing(tmp_path: Path) -> None:
    """The standing header is where its system begins; once they run as advised it is in the journal."""
    with required(tmp_path, flow_required="wanted.flow", plant={"tariff": {"price": 0.2}}) as past:
        operate(past, {}, 5, pressure=STATIC * BAR, wanted_flow=24 * FLOW)
        said, (issued,) = advise(past, 5)
        operate(past, {pump["id"]: 50 * pump["speed"] for pump in said["pumps"]}, 5, start=5, wanted_flow=24 * FLOW)
        _, events = advise(past, 10)

    assert said["action"] == "change"
    assert (said["flow"], said["head"]) == (pytest.approx(FLOW, abs=0.1), pytest.approx(HEAD, abs=0.1))
    assert not {"saving_kw", "saving_percent", "saving_interval_kw", "saving_per_hour", "baseline"} & said.keys()
    assert (issued["event"], issued["former"], "saving_kw" in issued) == ("issued", {}, False)
    assert [event["event"] for event in events] == ["accepted"]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"pressure": 38.0 * BAR}, "the standing header has 38.0 m, and its system curve begins at 25.0 m"),
        ({"pressure": STATIC * BAR, "flow": 30.0}, "no pump runs, and 108 m³/h pass the header"),
    ],
)
def test_where_a_standing_header_is_not_where_its_system_begins_it_is_only_said_what_is_missed(
    tmp_path: Path, tags: dict[str, Any], words: str
) -> None:
    """A closed valve, a burst, or another station: nobody knows what the pumps would meet."""
    with required(tmp_path, flow_required=100.0) as past:
        operate(past, {}, 5, **tags)
        said, events = advise(past, 5)

    assert (said["action"], events) == ("none", [])
    assert said["why"].startswith("The header has to deliver 360 m³/h, and delivers 0 m³/h. Which pumps that takes")
    assert words in said["why"]


@pytest.mark.parametrize(
    ("wanted", "first", "words"),
    [
        (0.0, "", ("wanted.flow is 0 m³/h: what",)),
        (float("inf"), "What is required is not known, as wanted.flow has had no good value. ", ()),
        (-2.4, "", ("wanted.flow is -0.1 m³/h: what",)),
        (24 * 2e7, "What is required is not known, as wanted.flow is 2e+07 m³/h. ", ()),
    ],
)
def test_standing_pumps_of_which_nothing_is_known_to_be_required_stand(
    tmp_path: Path, wanted: float, first: str, words: tuple[str, ...]
) -> None:
    """A setpoint of nothing while nothing runs is as it should be; what is wrong with one comes first."""
    with required(tmp_path, flow_required="wanted.flow", pressure_min=1.0, pressure_max=5.0) as past:
        operate(past, {}, 5, pressure=STATIC * BAR, wanted_flow=wanted)
        said, _ = advise(past, 5)
        traded = Front.model_validate_json(past.perform("front", front.run, START_MS + 5 * MINUTE_MS).records[0].body)

    assert (said["action"], said["why"]) == ("none", f"{first}No pump runs, so that there is no demand to serve.")
    assert all(part in told for part, told in zip(words, said["reasons"], strict=True))
    assert traded.why == said["why"]


def test_a_change_from_a_standstill_is_withdrawn_with_what_is_wrong_with_the_tag_that_asked_for_it(
    tmp_path: Path,
) -> None:
    """That no demand is left would be a reason to go home."""
    with required(tmp_path, flow_required="wanted.flow") as past:
        operate(past, {}, 5, pressure=STATIC * BAR, wanted_flow=24 * 200.0)
        first, _ = advise(past, 5)
        operate(past, {}, 5, start=5, pressure=STATIC * BAR)
        said, events = advise(past, 10)

    assert (first["action"], said["action"]) == ("change", "none")
    assert said["why"].startswith("What is required is not known, as wanted.flow has had no good value")
    assert [(event["event"], event["why"]) for event in events] == [("withdrawn", said["why"])]


@pytest.mark.parametrize("wanted", [450.0, 0.0, float("inf")])
def test_a_pressure_the_site_does_not_allow_is_not_followed_and_that_of_now_is_kept(
    tmp_path: Path, wanted: float
) -> None:
    """Nor is the band then free to be used: somebody holds a pressure that is not known."""
    with required(tmp_path, pressure_required="wanted.pressure", pressure_min=3.0, pressure_max=4.0) as past:
        said = advice_of(past, wanted_pressure=wanted)

    assert said["action"] == "keep"
    assert said["head"] == pytest.approx(HEAD, abs=0.01)
    assert said["reasons"][0].startswith("What is required is not known, as ")


def test_no_pressure_at_all_is_not_followed_where_pumps_lift(tmp_path: Path) -> None:
    """A gauge 25 m above the pumps at 0 kPa is a head that pumps could hold: of a controller that is switched off."""
    with required(tmp_path, pressure_required="wanted.pressure", elevation=25.0) as past:
        said = advice_of(past, wanted_pressure=0.0, pressure=(HEAD - 25.0) * BAR)

    assert said["action"] == "keep"
    assert "as 0 kPa (tag wanted.pressure) is no pressure that the site allows" in said["reasons"][0]


def filled(past: History, start: float, rate: float) -> None:
    """The level, cm, from *start* on, rising by *rate* an hour."""
    seconds = np.arange(60 * LEVEL_MINUTES)
    past.series("level", start + rate * seconds / 3600)


def test_a_level_is_brought_back_by_what_is_drawn_and_what_lacks(tmp_path: Path) -> None:
    """369 m³/h come, 20 of them stay: 349 are drawn. Of 200 m², 21 cm lack, 21 m³/h for two hours: 370 m³/h.

    So nothing is to be changed; at half a metre less 50 m³/h more are required, which were never seen to flow.
    """
    said = []
    for start in (279.0 - 10.0, 229.0):
        (tmp_path / f"{start}").mkdir()
        plant = {"tank": TANK, "jobs": {"schedule": {"enabled": False}}}
        with required(tmp_path / f"{start}", plant=plant, level_required=3.0) as past:
            filled(past, start, 10.0)
            said.append(advice_of(past, LEVEL_MINUTES))

    same, more = said
    back = (300.0 - 269.0 - 10.0 * LEVEL_MINUTES / 60) / 100 * 200 / 2
    assert same["action"] == "keep"
    assert f"has to deliver {FLOW - 20 + back:.0f} m³/h to bring level from 2.74 to 3.00 m in 2 h" in same["reasons"][0]
    assert f"has to deliver {FLOW - 20 + back + 40:.0f} m³/h" in more["reasons"][0]
    assert "being the most that it was seen to" in more["reasons"][0]
    assert more["action"] == "keep"  # the most flows already: who has followed that advice is not told otherwise


def test_a_level_far_too_low_asks_for_the_most_that_is_known_to_flow(tmp_path: Path) -> None:
    """Two hours are ours: a tank that lacks more than pumps were seen to bring in them is no reason to say nothing."""
    plant = {"tank": TANK, "jobs": {"schedule": {"enabled": False}}}
    with required(tmp_path, plant=plant, level_required=3.0) as past:
        filled(past, 110.0, 0.0)
        operate(past, {"a": 43.0, "b": 43.0}, LEVEL_MINUTES)
        said, _ = advise(past, LEVEL_MINUTES)

    told = re.search(r"has to deliver (\d+) m³/h to bring level from 1.10 .* in 2 h, (\d+) being the most", said["why"])
    assert told is not None
    asked, most = map(float, told.groups())
    assert asked == pytest.approx(306.0 + 190.0, abs=3.0)
    assert most == pytest.approx(0.98 * FLOW, abs=3.0)  # but for the few outermost readings
    assert said["action"] == "change"
    assert said["flow"] == pytest.approx(most, abs=2.0)


def test_a_coarse_level_asks_for_no_change_that_it_cannot_tell(tmp_path: Path) -> None:
    """20 m³/h lack, by a level in steps of 10 cm that tells 41 m³/h."""
    coarse = {"level": {"unit": "cm", "type": "uint16", "scale": 10.0}}
    plant = {"tank": TANK, "jobs": {"schedule": {"enabled": False}}}
    with required(tmp_path, plant=plant, tags=coarse, level_required=3.0) as past:
        filled(past, 280.0, 0.0)
        said = advice_of(past, LEVEL_MINUTES)

    assert said["action"] == "keep"
    assert f"has to deliver {FLOW + 20:.0f} m³/h to bring level from 2.80 to 3.00 m" in said["reasons"][0]


def test_a_well_is_emptied_by_more_where_it_is_too_full(tmp_path: Path) -> None:
    """It rises by 10 cm an hour, 20 m³/h of 200 m², and is at the level that is required: 20 m³/h more."""
    plant = {"tank": {**TANK, "kind": "well"}, "jobs": {"schedule": {"enabled": False}}}
    with required(tmp_path, plant=plant, level_required=3.0) as past:
        filled(past, 300.0 - 10.0 * LEVEL_MINUTES / 60, 10.0)
        said = advice_of(past, LEVEL_MINUTES)

    assert f"The header has to deliver {FLOW + 20:.0f} m³/h to hold level at 3.00 m" in said["why"]
    assert said["flow"] == pytest.approx(FLOW + 20, abs=0.5)


def test_a_level_that_a_schedule_plans_is_not_held(tmp_path: Path) -> None:
    """It is to fall while energy is dear; a plan that is old counts for nothing."""
    said = []
    for age in (1, 60):
        (tmp_path / f"{age}").mkdir()
        with required(tmp_path / f"{age}", plant={"tank": TANK}, level_required=3.0) as past:
            filled(past, 229.0, 10.0)
            now_ms = START_MS + (LEVEL_MINUTES - age) * MINUTE_MS
            row = ScheduleRow.model_validate({"from": now_ms, "pumps": ("a",), "speeds": (0.9,), "flow": 200.0})
            plan = Schedule(id="s", ts=now_ms, until=now_ms + 86_400_000, station="s", rows=(row,))
            past.record([Record("schedule", "", now_ms, plan.encode())])
            said.append(advice_of(past, LEVEL_MINUTES))

    assert said[0]["action"] == "keep"
    assert said[0]["reasons"][0] == "The schedule plans the level: what the header delivers now counts."
    assert "to bring level" in said[1]["reasons"][0]


@pytest.mark.parametrize("wanted", [0.0, -300.0, 400.1])
def test_a_level_the_tank_may_not_have_is_not_followed(tmp_path: Path, wanted: float) -> None:
    """A setpoint of 0 from a controller that is switched off would empty the tank."""
    plant = {"tank": TANK, "jobs": {"schedule": {"enabled": False}}}
    with required(tmp_path, plant=plant, level_required="wanted.level") as past:
        filled(past, 300.0, 0.0)
        said = advice_of(past, LEVEL_MINUTES, wanted_level=wanted)

    assert said["action"] == "keep"
    why = f"wanted.level is {wanted / 100:.4g} m, outside level_min and level_max of [tank]"
    assert said["reasons"][0] == f"What is required is not known, as {why}: what the header delivers now counts."


def test_a_level_that_was_hardly_measured_requires_nothing(tmp_path: Path) -> None:
    """Five minutes do not tell what is drawn."""
    plant = {"tank": TANK, "jobs": {"schedule": {"enabled": False}}}
    with required(tmp_path, plant=plant, level_required=3.0) as past:
        said = advice_of(past)

    assert said["action"] == "keep"
    assert "level was measured in too little of the last half hour" in said["reasons"][0]


def test_ways_are_traded_at_the_flow_that_is_required(tmp_path: Path) -> None:
    """Of a window of flows its middle: less water is none of the three that are traded."""
    keys: dict[str, Any] = {"flow_required": 102.0, "flow_tolerance": 0.05, "water_value": 0.2}
    with required(tmp_path, plant={"tariff": {"price": 0.2}}, **keys) as past:
        advice_of(past)
        outcome = past.perform("front", front.run, START_MS + 5 * MINUTE_MS)

    assert b'"flow":367.2' in outcome.records[0].body


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"flow_required": -3.0}, "above 0"),
        ({"flow_required": 100.0, "level_required": 3.0}, "leave one of them out"),
        ({"flow_required": 100.0, "flow_tolerance": 0.1}, "means nothing without water_value"),
        ({"water_value": 0.1}, "means nothing without flow_tolerance"),
        (
            {"pressure_required": 3.0, "flow_tolerance": 0.1, "water_value": 0.1},
            "needs flow_required or level_required too",
        ),
        ({"pressure_required": 6.0, "pressure_max": 5.0}, "is 6, outside pressure_min and pressure_max"),
        ({"pressure_required": 3.0, "pressure_min": 2.0, "pressure_max": 5.0, "pressure_preferred": 3.0}, "leave one"),
        ({"flow_required": "200.5"}, "a number stands without quotes"),
        ({"flow_required": float("nan")}, "a number, or the name of a tag"),
        ({"flow_required": True}, "a number, or the name of a tag"),
    ],
)
def test_what_contradicts_itself_is_refused(keys: dict[str, Any], words: str) -> None:
    """Each with what to do about it."""
    with pytest.raises(ValidationError, match=words):
        HeaderSettings.model_validate({"id": "main", "pressure": ["p"], "flow": ["f"], **keys})


@pytest.mark.parametrize(("unit", "count"), [("%", 0), ("cm", 0), ("l/s", 1)])
def test_a_required_level_may_be_a_share_and_no_flow(tmp_path: Path, unit: str, count: int) -> None:
    """As the level itself may."""
    keys: dict[str, Any] = {"level_required": "wanted.level", "plant": {"tank": TANK}}
    with required(tmp_path, tags={"wanted.level": {"unit": unit}}, **keys) as past:
        found = [one for one in complaints(past.settings) if "required level of header main" in one]

    assert len(found) == count


@pytest.mark.parametrize(
    ("header", "more", "words"),
    [
        ({"level_required": 4.5}, [], "is 4.5, outside level_min and level_max of"),
        ({"level_required": 3.0}, [{"level_required": 2.0}], "another header holds the level already; leave one out"),
    ],
)
def test_a_level_that_no_tank_has_or_two_headers_hold_is_refused(
    tmp_path: Path, header: dict[str, Any], more: list[dict[str, Any]], words: str
) -> None:
    """There is one tank, and one level in it."""
    meters: dict[str, Any] = {"pressure": ["pressure"], "flow": ["flow"]}
    headers = [{"id": "main", **meters, **header}, *({"id": "second", **meters, **one} for one in more)]
    with (
        pytest.raises(ValidationError, match=words),
        history(tmp_path, TAGS, **{**PLANT, "header": headers, "tank": TANK}),
    ):
        pass
