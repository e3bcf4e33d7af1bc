"""Alarms that are more than a limit: each type, where it begins and where it ends."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.alarms.rationalisation import COLUMNS, rationalisation
from agent.alarms.rulebook import rulebook
from agent.alarms.state import AlarmState, Happening
from agent.configuration.config_file import load
from tests.agent.alarms.stations import board, events, row, station


def test_an_urgent_twin_is_an_alarm_of_its_own_and_urgent() -> None:
    """High at 8 and urgent at 9: the operator hears both, in that order, and they clear one by one."""
    limit = {"id": "press", "tag": "pressure", "high": 8.0, "high_urgent": 9.0, "low": 2.0, "deadband": 0.2}
    alarms = board(limits=(limit,))

    seen = [events(alarms.see([row("pressure", value)], at_ms=0)) for value in (8.5, 9.1, 8.9, 8.7, 1.9)]

    assert seen == [
        [("press.high", "raised")],
        [("press.high_urgent", "raised")],
        [],
        [("press.high_urgent", "cleared")],
        [("press.high", "cleared"), ("press.low", "raised")],
    ]
    words = {name: rule.rationale.priority for name, rule in alarms.rules.items() if name.startswith("press")}
    assert words == {"press.high_urgent": "urgent", "press.high": "medium", "press.low": "medium"}


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"high": 8.0, "high_urgent": 7.0}, "not below high_urgent"),
        ({"low": 2.0, "low_urgent": 2.0}, "not below low"),
        ({"high": 1.0, "low_urgent": 2.0}, "not below high"),
    ],
)
def test_limits_stand_in_their_order(changes: dict[str, float], fact: str) -> None:
    with pytest.raises(ValidationError, match=fact):
        station(limits=({"id": "press", "tag": "pressure", **changes},))


def test_a_rate_is_measured_over_its_window_and_by_the_sources_time() -> None:
    """0.1 m in 30 s is 0.2 m a minute; one noisy step of 1 s is none, because half a window must be known."""
    alarms = board({"type": "rate", "tag": "level", "rise": 0.15, "fall": 0.15, "over": 30})
    noise = [row("level", 2.0, 0), row("level", 2.05, 1_000), row("level", 2.0, 2_000)]

    quiet = alarms.see(noise, at_ms=0)
    rising = alarms.see([row("level", 2.0 + 0.1 * n / 30, 30_000 + 1_000 * n) for n in range(31)], at_ms=0)
    falling = alarms.see([row("level", 2.1 - 0.1 * n / 30, 60_000 + 1_000 * n) for n in range(61)], at_ms=0)

    assert quiet == []
    assert events(rising) == [("a1.rise", "raised")]
    assert rising[0].state.value is not None
    assert 0.15 < rising[0].state.value < 0.21
    assert events(falling) == [("a1.rise", "cleared"), ("a1.fall", "raised")]


def test_a_rate_does_not_bridge_a_hole() -> None:
    """The value from before the sensor broke is no measure of what came after."""
    alarms = board({"type": "rate", "tag": "level", "fall": 0.5, "over": 30})
    alarms.see([row("level", 5.0, 1_000 * n) for n in range(20)], at_ms=0)

    after = alarms.see([row("level", None, 20_000), row("level", 1.0, 21_000), row("level", 1.0, 28_000)], at_ms=0)

    assert "a1" not in dict(events(after))


def test_a_deviation_follows_its_setpoint() -> None:
    """Either of the two may move; without a good value of both nothing is said."""
    alarms = board({"type": "deviation", "tag": "pressure", "setpoint": "level", "band": 0.5, "deadband": 0.2})
    story = [("pressure", 4.0), ("level", 4.0), ("level", 4.6), ("level", 4.4), ("level", None), ("level", 4.2)]

    seen = [events(alarms.see([row(tag, value)], at_ms=0)) for tag, value in story]

    assert seen == [[], [], [("a1", "raised")], [], [], [("a1", "cleared")]]


def test_a_state_is_an_alarm_while_it_is_one_of_those_listed() -> None:
    alarms = board({"type": "state", "tag": "level", "states": [2, 3]})

    seen = [events(alarms.see([row("level", value)], at_ms=0)) for value in (1, 3, 2, 0)]

    assert seen == [[], [("a1", "raised")], [], [("a1", "cleared")]]


def test_a_tag_that_is_read_no_more_is_stale_even_if_it_never_was() -> None:
    """No reading, good or bad, for a minute: nothing in the log says so, only the passing of time does."""
    alarms = board({"type": "stale", "tag": "level", "after": 60})

    at_start = events(alarms.wait(ts_ms=0, at_ms=1_000))
    never_read = events(alarms.wait(ts_ms=0, at_ms=61_000))
    read = events(alarms.see([row("level", 1.0)], at_ms=70_000))
    still_fresh = events(alarms.wait(ts_ms=0, at_ms=129_999))
    stale = events(alarms.wait(ts_ms=0, at_ms=130_000))

    assert (at_start, never_read, read, still_fresh, stale) == (
        [], [("a1", "raised")], [("a1", "cleared")], [], [("a1", "raised")]
    )  # fmt: skip


def test_a_tag_that_is_read_no_more_has_no_reason_of_its_last_reading() -> None:
    """A sensor that was broken then is not why nothing comes now."""
    alarms = board({"type": "stale", "tag": "level", "after": 60}, alarms={"bad_quality_after": 600})
    alarms.see([row("level", None)], at_ms=0)

    (raised,) = alarms.wait(ts_ms=0, at_ms=60_000)

    assert (raised.rationale.id, raised.event, raised.reason, raised.state.reason) == ("a1", "raised", None, None)


def test_a_tags_own_alarm_of_bad_quality_takes_the_place_of_the_usual_one() -> None:
    """One cause, one alarm."""
    alarms = board({"type": "bad_quality", "tag": "level", "after": 5, "priority": "high"})
    alarms.see([row("level", None)], at_ms=0)

    seen = alarms.see([row("level", None)], at_ms=30_000)

    assert events(seen) == [("a1", "raised")]
    assert "bad.level" not in alarms.rules


def test_logic_over_tags_lasts_its_delay_and_holds_while_a_tag_is_unknown() -> None:
    """Runs and presses and delivers nothing for 10 s; a broken meter meanwhile is neither here nor there."""
    alarms = board({"type": "logic", "when": ["running = 1", "level < 5"], "on_delay": 10})
    alarms.see([row("running", 1), row("level", 2.0)], at_ms=0)

    unknown = events(alarms.see([row("level", None)], at_ms=5_000)) + events(alarms.wait(ts_ms=0, at_ms=14_000))
    alarms.see([row("level", 2.0)], at_ms=15_000)
    early, late = alarms.wait(ts_ms=0, at_ms=19_999), alarms.wait(ts_ms=0, at_ms=20_000)

    assert unknown == []
    assert early == []
    assert events(late) == [("a1", "raised")]


def test_an_alarm_that_means_nothing_now_is_hidden_and_still_evaluated() -> None:
    """A standing pump gives no pressure: by design. What is not known hides nothing."""
    limit = {"id": "low", "tag": "pressure", "low": 2.0, "suppress_while": ["running = 0"]}
    alarms = board(limits=(limit,))

    seen = [
        [(change.event, change.state.state) for change in alarms.see([row(tag, value)], at_ms=0)]
        for tag, value in (("running", 0), ("pressure", 1.0), ("running", 1), ("running", 0), ("running", None))
    ]

    assert seen == [
        [("suppressed", "SUPPRESSED")],
        [("raised", "SUPPRESSED")],
        [("unsuppressed", "UNACK")],
        [("suppressed", "SUPPRESSED")],
        [("unsuppressed", "UNACK")],
    ]


def test_of_a_group_the_first_is_marked_until_all_are_over() -> None:
    """The other alarms are its consequences; a second one is first again only when the group has gone quiet."""
    limits = tuple({"id": tag, "tag": tag, "high": 8.0, "group": "outlet"} for tag in ("pressure", "level"))
    alarms = board(limits=limits)
    both = alarms.see([row("level", 9.0), row("pressure", 9.0)], at_ms=0)
    alarms.see([row("level", 1.0)], at_ms=0)

    while_other_stands = alarms.see([row("level", 9.0)], at_ms=0)
    alarms.see([row("level", 1.0), row("pressure", 1.0)], at_ms=0)
    while_unseen = alarms.see([row("level", 9.0)], at_ms=0)

    assert [(change.rationale.id, change.state.first_out) for change in both] == [("level", True), ("pressure", False)]
    assert [change.state.first_out for change in while_other_stands + while_unseen] == [False, False]


def test_a_latched_alarm_stays_until_a_person_resets_it() -> None:
    alarms = board(limits=({"id": "trip", "tag": "pressure", "high": 8.0, "latch": True},))
    alarms.see([row("pressure", 9.0)], at_ms=0)
    (cleared,) = alarms.see([row("pressure", 7.0)], at_ms=0)
    acked = alarms.happen("trip", Happening("acknowledged", 1, user="ada", occurrence=1))
    gone = alarms.happen("trip", Happening("reset", 2, user="ada", occurrence=1))

    assert [change.state.state for change in (cleared, acked, gone)] == ["LATCHED_UNACK", "LATCHED_ACKED", "NORM"]


@pytest.mark.parametrize(("at_ms", "is_over"), [(59_999, False), (60_000, True), (-29_000_000, True)])
def test_a_shelved_alarm_comes_back_by_itself(at_ms: int, is_over: bool) -> None:  # noqa: FBT001 - it is what is asked
    """Also where the clock was set back by eight hours and more meanwhile: it must not stay away for years."""
    alarms = board(limits=({"id": "press", "tag": "pressure", "high": 8.0},))
    alarms.happen("press", Happening("shelved", 0, user="ada", until_ms=60_000))
    restarted = board(limits=({"id": "press", "tag": "pressure", "high": 8.0},))
    restarted.restore(alarms.states())

    for one in (alarms, restarted):
        assert events(one.wait(ts_ms=at_ms, at_ms=0)) == ([("press", "unshelved")] if is_over else [])


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"type": "rate", "tag": "level"}, "missing, and so is fall"),
        ({"type": "rate", "rise": 1}, "missing; an alarm of type"),
        ({"type": "deviation", "tag": "level", "band": 1}, "missing; an alarm of type"),
        ({"type": "state", "tag": "level"}, "missing; an alarm of type"),
        ({"type": "state", "tag": "level", "states": [1], "rise": 3}, "has none; leave it out"),
        ({"type": "stale", "tag": "level"}, "missing; an alarm of type"),
        ({"type": "logic"}, "missing; an alarm of type"),
        ({"type": "logic", "when": ["level > 1"], "need": 2}, "more than the 1 conditions"),
        ({"type": "logic", "when": ["level > 1 or exit()"]}, "is no condition"),
        ({"type": "logic", "when": ["level > 1"], "tag": "level"}, "has none; leave it out"),
    ],
    ids=str,
)
def test_a_rule_has_what_its_type_needs_and_nothing_else(changes: dict[str, Any], fact: str) -> None:
    """A key that does nothing is a key that somebody relies on."""
    with pytest.raises(ValidationError, match=fact):
        station(changes)


def test_a_condition_on_a_tag_that_is_not_there_is_named_on_its_line(tmp_path: Path) -> None:
    (tmp_path / "station.toml").write_text(
        '[station]\nname = "n"\n[[device]]\nname = "plc"\nprotocol = "modbus-tcp"\nhost = "192.0.2.1"\n'
        'tag = [{ name = "level", address = "holding:1" }]\n[[alarm]]\nid = "x"\ntype = "logic"\nwhen = ["levle > 1"]\n'
    )

    with pytest.raises(Exception, match=r'station.toml:11: alarm "x": when, value 1: there is no tag "levle"; did you'):
        load(tmp_path / "station.toml")


def test_every_alarm_is_listed_for_review_with_its_reasons() -> None:
    """A consultant reviews them in a spreadsheet; nothing in it may become a formula."""
    limit = {
        "id": "press", "tag": "pressure", "high": 8.0, "deadband": 0.2, "on_delay": 3, "priority": "high",
        "latch": True, "cause": "=cmd", "action": "stop p1", "suppress_while": ["running = 0", "level < pressure - 2"],
    }  # fmt: skip
    rules = {rule.rationale.id: rule for rule in rulebook(station(limits=(limit,)))}
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *rationalisation(rules)])

    first, *others = csv.DictReader(io.StringIO(text.getvalue()))

    assert first == {
        "id": "press", "type": "high", "priority": "high", "severity": "700", "tag": "pressure", "pump": "",
        "limit": "8", "unit": "bar", "deadband": "0.2", "on_delay_s": "3", "off_delay_s": "0", "latching": "yes",
        "group": "", "suppressed_while": "running = 0; level < pressure -2", "message": "pressure is above 8 bar",
        "cause": "'=cmd", "consequence": "", "action": "stop p1",
    }  # fmt: skip
    assert {"silent.plc", "bad.level", "storage"} <= {one["id"] for one in others}


def test_a_restart_keeps_what_hides_an_alarm_and_what_latched_it() -> None:
    """Restored facts are those that were kept, one by one."""
    kept = AlarmState(
        active=True, acked=True, confirmed=True, latched=True, suppressed=True, out_of_service=True, occurrence=3
    )
    alarms = board(limits=({"id": "press", "tag": "pressure", "high": 8.0},))
    alarms.restore({"press": kept})
    alarms.see([row("pressure", 7.0)], at_ms=0)

    assert alarms.states()["press"].state == "OUT_OF_SERVICE"
    assert alarms.states()["press"].occurrence == 3


def test_the_station_says_itself_what_alarms_mean_that_nobody_listed() -> None:
    """What is said later goes before, what is not said stays, and alarms of the configuration have their own words."""
    said = (
        {"ids": ["bad.*"], "priority": "medium", "action": "call the shift", "latch": True},
        {"ids": ["bad.level"], "priority": "high", "message": "no level", "group": "tank"},
    )
    plain, alarms = board(), board({"type": "stale", "tag": "level", "after": 9}, agent_alarm=said)

    level, pressure = (alarms.rules[f"bad.{tag}"].rationale for tag in ("level", "pressure"))
    assert (level.priority, level.message, level.group) == ("high", "no level", "tank")
    assert (level.action, level.is_latching, level.cause) == ("call the shift", True, pressure.cause)
    assert (pressure.priority, pressure.message) == ("medium", "pressure has no good value")
    assert alarms.rules["silent.plc"].rationale == plain.rules["silent.plc"].rationale
    assert alarms.rules["a1"].rationale.priority == "medium"


def test_an_alarm_that_nobody_listed_is_hidden_while_the_station_says_so() -> None:
    """Also where something else is said of it later."""
    said = ({"ids": ["bad.pressure"], "suppress_while": ["running = 0"]}, {"ids": ["bad.*"], "priority": "high"})
    alarms = board(agent_alarm=said, alarms={"bad_quality_after": 0})

    seen = [events(alarms.see([one], at_ms=0)) for one in (row("running", 0.0), row("pressure", None))]

    assert seen == [[("bad.pressure", "suppressed")], [("bad.pressure", "raised")]]
    assert alarms.states()["bad.pressure"].state == "SUPPRESSED"


def test_levels_that_heads_and_plans_rest_on_are_told_when_they_freeze() -> None:
    plant: dict[str, Any] = {
        "header": [{"id": "main", "pressure": ["pressure"], "flow": ["running"], "suction_level": "level"}],
        "tank": {"level": "basin", "area": 10.0, "level_min": 1.0, "level_max": 4.0},
    }
    tags = [{"name": "basin", "address": "holding:9"}]
    device = [{"name": "b", "protocol": "modbus-tcp", "host": "192.0.2.2", "tag": tags}, station().devices[0]]

    rules = rulebook(station(**plant | {"device": device}))

    frozen = {rule.rationale.id for rule in rules if rule.rationale.type == "frozen"}
    assert frozen == {"frozen.pressure", "frozen.running", "frozen.level", "frozen.basin"}
