"""When an alarm is raised, cleared and acknowledged, and when it must not be."""

from typing import Any

import pytest

from agent.alarms.board import Board, Transition
from agent.alarms.state import AlarmState, Happening
from agent.settings import AgentSettings
from agent.store.records import Row
from drivers.reading import Quality, Reading

SILENT = Quality.NOT_CONNECTED


def board(*limits: dict[str, Any], **pump: Any) -> Board:
    """Two tags on one device, with these limits."""
    return Board(
        AgentSettings.model_validate(
            {
                "station": {"name": "north"},
                "device": [
                    {
                        "name": "plc",
                        "protocol": "modbus-tcp",
                        "host": "192.0.2.1",
                        "tag": [
                            {"name": "pressure", "address": "holding:0", "unit": "bar"},
                            {"name": "level", "address": "holding:1", "unit": "m"},
                        ],
                    }
                ],
                "header": [{"id": "main", "pressure": ["pressure"], "flow": ["level"]}],
                "pump": [{"id": "p1", "header": "main", **pump}],
                "limit": [{"id": "burst", "tag": "pressure", **limit} for limit in limits],
            }
        )
    )


def row(value: float | None, quality: int = Quality.GOOD, tag: str = "pressure", ts_ms: int = 1_000) -> Row:
    return Row(1, tag, ts_ms, value, quality, None if quality == Quality.GOOD else "no sensor")


def ack(occurrence: int, ts_ms: int) -> Happening:
    return Happening("acknowledged", ts_ms, user="ada", occurrence=occurrence)


def events(transitions: list[Transition]) -> list[tuple[str, str]]:
    return [(change.rationale.id, change.event) for change in transitions]


def test_a_high_limit_clears_only_below_its_deadband() -> None:
    """Noise around the limit must not ring the bell at every wave."""
    alarms = board({"high": 8.0, "deadband": 0.5})

    seen = [events(alarms.see([row(value)], at_ms=0)) for value in (8.0, 8.1, 7.9, 7.6, 7.5, 8.0)]

    assert seen == [[], [("burst", "raised")], [], [], [("burst", "cleared")], []]


def test_only_readings_that_cross_a_limit_are_awaited() -> None:
    """They are written at once; if all of an alarm that stands were, the disk would have no rest."""
    alarms = board({"high": 8.0, "deadband": 0.5})
    values = {"normal": 7.9, "beyond": 8.1, "within the deadband": 7.6, "well": 7.4}

    def awaited() -> list[str]:
        said = {name: Reading("pressure", 1_000, value, Quality.GOOD) for name, value in values.items()}
        said["of another tag"] = Reading("level", 1_000, 99.0, Quality.GOOD)
        said["bad"] = Reading("pressure", 1_000, None, Quality.BAD)
        return [name for name, reading in said.items() if alarms.is_awaited([reading])]

    before = awaited()
    alarms.see([row(8.1)], at_ms=0)

    assert (before, awaited()) == (["beyond"], ["well"])
    assert not board({"high": 8.0, "on_delay": 5.0}).is_awaited([Reading("pressure", 1_000, 9.0, Quality.GOOD)])


def test_nobody_waits_for_an_alarm_that_comes_and_goes_all_the_time() -> None:
    """A limit at which a value trembles made a transaction of each poll; another limit of the tag is awaited still."""
    alarms = board({"high": 8.0, "high_urgent": 9.0})
    trembling, far = ([Reading("pressure", 1_000, value, Quality.GOOD)] for value in (8.5, 9.5))

    awaited = [alarms.is_awaited(one, lambda name: name == "burst.high") for one in (trembling, far)]

    assert (alarms.is_awaited(trembling), awaited) == (True, [False, True])


def test_a_low_limit_is_the_mirror_of_a_high_one() -> None:
    alarms = board({"low": 2.0, "deadband": 0.5})

    seen = [events(alarms.see([row(value)], at_ms=0)) for value in (2.0, 1.9, 2.4, 2.5)]

    assert seen == [[], [("burst", "raised")], [], [("burst", "cleared")]]


def test_the_on_delay_counts_unbroken_time_even_without_new_readings() -> None:
    """A tag read once a minute still alarms after its ten seconds."""
    alarms = board({"high": 8.0, "on_delay": 10})
    alarms.see([row(9.0)], at_ms=0)
    alarms.see([row(7.0)], at_ms=9_000)
    alarms.see([row(9.0)], at_ms=9_500)

    early, late = alarms.wait(ts_ms=5, at_ms=19_499), alarms.wait(ts_ms=6, at_ms=19_500)

    assert early == []
    assert [(*events([change])[0], change.ts_ms, change.state.value) for change in late] == [
        ("burst", "raised", 6, 9.0)
    ]


def test_a_bad_reading_neither_raises_nor_clears_a_limit() -> None:
    """What is not known is not normal."""
    alarms = board({"high": 8.0})
    alarms.see([row(9.0)], at_ms=0)

    assert alarms.see([row(None, Quality.SENSOR_FAILURE)], at_ms=1) == []
    assert alarms.states()["burst"].active


def test_bad_quality_alarms_after_its_delay_and_names_the_tag() -> None:
    alarms = board()
    assert alarms.see([row(None, Quality.SENSOR_FAILURE, "level")], at_ms=0) == []

    (change,) = alarms.see([row(None, Quality.SENSOR_FAILURE, "level")], at_ms=30_000)

    assert (change.rationale.id, change.rationale.tag, change.reason) == ("bad.level", "level", "no sensor")


def test_an_alarm_that_time_alone_raises_says_why_and_its_end_does_not() -> None:
    """Between two polls its delay runs out nearly always, and the operator is to read of the sensor all the same."""
    alarms = board()
    alarms.see([row(None, Quality.SENSOR_FAILURE, "level")], at_ms=0)
    (raised,) = alarms.wait(30_000, at_ms=30_000)
    alarms.see([row(1.0, tag="level")], at_ms=31_000)
    (cleared,) = alarms.wait(60_000, at_ms=60_000)

    assert (raised.event, raised.reason, raised.state.reason) == ("raised", "no sensor", "no sensor")
    assert (cleared.event, cleared.reason) == ("cleared", None)


def test_an_alarm_that_others_tell_of_says_why_and_its_end_does_not() -> None:
    alarms = board()
    (raised,) = alarms.see_storage({"storage": "the disk is full"}, ts_ms=1, at_ms=0)
    (cleared,) = alarms.see_storage({}, ts_ms=2, at_ms=1_000)

    assert (raised.event, raised.reason) == ("raised", "the disk is full")
    assert (cleared.event, cleared.reason) == ("cleared", None)


def test_a_silent_device_is_one_alarm_and_not_one_for_each_tag() -> None:
    """An operator faced with 251 alarms for one cable sees none of them."""
    alarms = board()
    rows = [row(None, SILENT), row(None, SILENT, "level")]

    seen = [events(alarms.see(rows, at_ms)) for at_ms in (0, 15_000, 60_000)]
    back = events(alarms.see([row(3.0), row(1.0, tag="level")], at_ms=61_000))

    assert seen == [[], [("silent.plc", "raised")], []]
    assert back == [("silent.plc", "cleared")]


def test_low_efficiency_of_a_pump_alarms_only_where_it_is_configured_and_lasts() -> None:
    alarms = board(efficiency_low=0.5)

    seen = [
        events(alarms.see_efficiency(pump, eta, ts_ms=0, at_ms=at_ms))
        for pump, eta, at_ms in (("p1", 0.4, 0), ("p2", 0.1, 0), ("p1", 0.4, 300_000))
    ]

    assert seen == [[], [], [("efficiency.p1", "raised")]]


def test_what_is_not_known_does_not_count_towards_the_delay() -> None:
    """One reading beyond the limit, and then a broken sensor: that is a bad sensor, not a high pressure."""
    alarms = board({"high": 8.0, "on_delay": 60})
    alarms.see([row(9.0)], at_ms=0)
    alarms.see([row(None, Quality.SENSOR_FAILURE)], at_ms=5_000)

    unknown = [change.rationale.id for change in alarms.wait(ts_ms=1, at_ms=90_000)]
    again = alarms.see([row(9.0)], at_ms=100_000)
    late = alarms.wait(ts_ms=2, at_ms=154_999) + alarms.wait(ts_ms=3, at_ms=155_000)

    assert "burst" not in unknown
    assert again == []
    assert [(change.rationale.id, change.ts_ms) for change in late if change.rationale.id == "burst"] == [("burst", 3)]


def test_a_pump_that_stands_has_no_efficiency_to_be_low() -> None:
    """One poor figure while ramping down must not ripen at a standstill, nor an alarm outlast its run."""
    alarms = board(efficiency_low=0.5)
    alarms.see_efficiency("p1", 0.4, ts_ms=0, at_ms=0)
    alarms.see_standing("p1", ts_ms=1)
    ramp = alarms.see_efficiency("p1", 0.4, ts_ms=2, at_ms=8 * 3_600_000)
    raised = alarms.see_efficiency("p1", 0.4, ts_ms=3, at_ms=8 * 3_600_000 + 300_000)

    stopped = alarms.see_standing("p1", ts_ms=4)

    assert ramp == []
    assert events(raised) == [("efficiency.p1", "raised")]
    assert events(stopped) == [("efficiency.p1", "cleared")]


def test_a_device_whose_tags_all_have_periods_of_their_own_is_missed_too() -> None:
    settings = AgentSettings.model_validate(
        {
            "station": {"name": "north"},
            "device": [
                {
                    "name": "plc",
                    "protocol": "modbus-tcp",
                    "host": "192.0.2.1",
                    "tag": [
                        {"name": "slow", "address": "holding:0", "period": 60},
                        {"name": "fast", "address": "holding:1", "period": 5},
                    ],
                }
            ],
        }
    )
    alarms = Board(settings)
    rows = [row(None, SILENT, tag) for tag in ("slow", "fast")]

    seen = [events(alarms.see(rows, at_ms)) for at_ms in (0, 15_000)]

    assert seen == [[], [("silent.plc", "raised")]]


def test_an_acknowledgement_that_could_not_be_kept_can_be_given_again() -> None:
    """The disk was full; the operator tries once more, and is not told that there is nothing to acknowledge."""
    alarms = board({"high": 8.0})
    alarms.see([row(9.0)], at_ms=0)

    alarms.take_back(alarms.happen("burst", ack(1, ts_ms=5)))
    change = alarms.happen("burst", ack(1, ts_ms=6))

    assert (change.state.state, change.state.acked_ms) == ("ACKED", 6)


def test_a_late_acknowledgement_does_not_silence_a_newer_occurrence() -> None:
    """The operator saw the first one."""
    alarms = board({"high": 8.0})
    for value in (9.0, 7.0, 9.0):
        alarms.see([row(value)], at_ms=0)

    with pytest.raises(LookupError, match="occurrence 1"):
        alarms.happen("burst", ack(1, ts_ms=5))
    change = alarms.happen("burst", ack(2, ts_ms=6))

    assert (change.state.state, change.state.acked_by, change.state.acked_ms) == ("ACKED", "ada", 6)


def test_an_unknown_alarm_cannot_be_acknowledged() -> None:
    with pytest.raises(LookupError, match="no alarm 'frost'"):
        board().happen("frost", ack(1, ts_ms=0))


def test_a_restart_keeps_an_alarm_standing_and_counts_on() -> None:
    """Neither raised a second time, nor forgotten inside its deadband, nor numbered from one again."""
    kept = AlarmState(active=True, acked=False, occurrence=7, raised_ms=1)
    alarms = board({"high": 8.0, "deadband": 0.5})
    alarms.restore({"burst": kept})

    seen = [events(alarms.see([row(value)], at_ms=0)) for value in (9.0, 7.8, 7.0, 9.0)]

    assert seen == [[], [], [("burst", "cleared")], [("burst", "raised")]]
    assert alarms.states()["burst"].occurrence == 8


def test_a_restored_bad_tag_clears_with_its_first_good_readings() -> None:
    """A good reading of an unlimited tag is passed over quickly; not while its alarm stands."""
    alarms = board()
    alarms.restore({"bad.level": AlarmState(active=True, acked=False, occurrence=1, raised_ms=1)})

    seen = [events(alarms.see([row(1.0, tag="level")], at_ms)) for at_ms in (0, 5_000)]

    assert seen == [[], [("bad.level", "cleared")]]
