"""What an edge node says in a session, held against the rules by a host that believes nothing."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from agent.mqtt.sparkplug.edge import Edge, death
from agent.mqtt.sparkplug.figures import Figures
from agent.mqtt.sparkplug.tag_types import TagTypes
from agent.mqtt.sparkplug.topics import EdgeTopics
from agent.settings import AgentSettings
from agent.store.records import Kind, Record, Row
from drivers.reading import Quality, Value
from tests.simulators.strict_host import StrictHost

NOW_MS = time.time_ns() // 1_000_000
TAGS = {"plc": ("flow", "count", "on", "text"), "server": ("level", "mode")}
DEVICES = AgentSettings.model_validate(
    {
        "station": {"name": "east"},
        "device": [
            {
                "name": "plc",
                "protocol": "modbus-tcp",
                "host": "192.0.2.1",
                "tag": [
                    {"name": "flow", "address": "holding:0", "unit": "m3/h", "scale": 0.1, "deadband": 0.5},
                    {"name": "count", "address": "holding:2", "type": "int16"},
                    {"name": "on", "address": "coil:3", "type": "bool"},
                    {"name": "text", "address": "holding:4", "type": "string", "length": 4},
                ],
            },
            {
                "name": "server",
                "protocol": "opcua",
                "url": "opc.tcp://192.0.2.2:4840",
                "tag": [{"name": "level", "node": "ns=2;i=1", "unit": "m"}, {"name": "mode", "node": "ns=2;i=2"}],
            },
        ],
    }
).devices


class Recorded:
    """An edge, and all it has said."""

    def __init__(self, latest: Iterable[Row] = (), *, since: int = 0, has_aliases: bool = False) -> None:
        self.payloads: list[bytes] = []
        self.edge = Edge(
            EdgeTopics("water", "east"),
            DEVICES,
            TagTypes(DEVICES),
            facts={"Properties/Version": "1.2.3"},
            figures=Figures(NOW_MS, 7 if has_aliases else None),
            death_number=7,
            since=since,
            has_aliases=has_aliases,
            post=self.post,
            clock=lambda: NOW_MS,
        )
        self.edge.begin(latest)

    def post(self, topic: str, payload: bytes) -> None:
        """What it says goes here."""
        assert topic
        self.payloads.append(payload)


class Session(Recorded):
    """An edge whose words go straight to a strict host."""

    def __init__(self, latest: Iterable[Row] = (), *, since: int = 0, has_aliases: bool = False) -> None:
        self.host = StrictHost(clock=lambda: NOW_MS)
        super().__init__(latest, since=since, has_aliases=has_aliases)

    def post(self, topic: str, payload: bytes) -> None:
        """What it says goes to the host."""
        self.host.see(topic, payload, qos=0, is_retained=False)

    def end(self) -> StrictHost:
        """Leave; what the host thinks of it all."""
        self.edge.die()
        self.host.see("spBv1.0/water/NDEATH/east", death(7, NOW_MS), qos=1, is_retained=False)
        return self.host


def row(number: int, tag: str, value: Value, quality: int = Quality.GOOD, reason: str | None = None) -> Row:
    return Row(number, tag, NOW_MS + number, value, quality, reason)


def lost(number: int, *tags: str) -> list[Row]:
    """All of *tags* as an unreachable device has them."""
    return [row(number + n, tag, None, Quality.NOT_CONNECTED, "no answer") for n, tag in enumerate(tags)]


def test_a_device_is_born_with_all_its_tags_once_it_answers() -> None:
    """What was never read is there too, without a value, because nothing may follow that a birth does not have."""
    session = Session()
    session.edge.live([row(1, "flow", 36.5), row(2, "count", -3)])
    host = session.end()

    assert host.faults == []
    assert host.verbs == ["NBIRTH", "DBIRTH plc", "DDEATH plc", "NDEATH"]
    assert {tag: told[0].content for tag, told in host.told.items()} == {
        "flow": 36.5,
        "count": -3,
        "on": None,
        "text": None,
    }
    assert host.units["flow"] == "m3/h"
    assert host.facts == {"bdSeq": 7, "Node Control/Rebirth": False, "Properties/Version": "1.2.3"}


def test_a_silent_device_dies_once_and_is_born_again() -> None:
    """One bad tag is no death; the last of its good ones is."""
    session = Session()
    session.edge.live([row(1, "flow", 36.5), row(2, "count", 3)])
    session.edge.live([row(3, "flow", None, Quality.SENSOR_FAILURE, "wire break")])
    session.edge.live(lost(4, *TAGS["plc"]))
    session.edge.live(lost(8, *TAGS["plc"]))
    session.edge.live([row(12, "count", 4)])
    host = session.end()

    assert host.faults == []
    assert host.verbs == [
        *("NBIRTH", "DBIRTH plc", "DDATA plc", "DDATA plc", "DDEATH plc", "DBIRTH plc", "DDEATH plc", "NDEATH")
    ]
    assert host.values("flow") == [36.5, None, None, None]  # born, broken, lost, still lost


def test_only_what_has_changed_is_said() -> None:
    """By the deadband where there is one; flow's is 0.5."""
    session = Session()
    values = [10.0, 10.4, 10.5, 10.6, 10.6, 11.2]
    session.edge.live([row(1, "flow", 10.0), row(2, "count", 1)])
    for number, value in enumerate(values, 3):
        session.edge.live([row(2 * number, "flow", value), row(2 * number + 1, "count", 1)])
    host = session.end()

    assert host.faults == []
    assert host.values("flow") == [10.0, 10.6, 11.2]
    assert host.values("count") == [1]


def test_nothing_is_lost_where_a_device_is_born_in_the_middle_of_a_batch() -> None:
    """A birth has the newest values; those before it follow as history."""
    session = Session()
    session.edge.live([row(1, "count", 1), row(2, "count", 2), row(3, "count", 3), row(4, "flow", 1.0)])
    session.edge.live([row(5, "level", 1.5), *lost(6, "level", "mode")])
    host = session.end()

    assert host.faults == []
    assert host.values("count", is_historical=False) == [3]
    assert host.values("count", is_historical=True) == [1, 2]
    assert host.values("level") == [None, 1.5]
    assert host.verbs == [
        *("NBIRTH", "DBIRTH plc", "DDATA plc", "DBIRTH server", "DDATA server", "DDEATH server", "DDEATH plc", "NDEATH")
    ]


def test_what_was_read_last_is_told_last_though_the_clock_was_set_back() -> None:
    """In one message they would stand in the order of time, and a host would show the wrong one as the present."""
    session = Session()
    session.edge.live([row(1, "count", 1)])
    session.edge.live([Row(2, "count", NOW_MS + 9, 2, 192, None), Row(3, "count", NOW_MS + 5, 3, 192, None)])
    session.edge.tell([told("pump", "p1", NOW_MS + 9, head=2.0), told("pump", "p1", NOW_MS + 5, head=3.0)])
    session.edge.tell([told("pump", "p1", NOW_MS + 9, head=4.0), told("pump", "p1", NOW_MS + 5, head=3.0)])
    host = session.end()

    assert host.faults == []
    assert host.values("count") == [1, 2, 3, 3]  # and once more with the birth of the pump's figures
    assert host.values("pump/p1/head") == [3.0]


def test_what_an_earlier_agent_has_read_is_stale() -> None:
    """It may be hours old: the value is told, and not as good."""
    latest = [row(1, "flow", 36.5), row(2, "count", 3), row(9, "count", 4)]
    session = Session(latest, since=5)
    host = session.end()

    assert host.faults == []
    assert [(one.content, one.quality) for one in host.told["flow"] + host.told["count"]] == [(36.5, 500), (4, 192)]


def test_a_device_that_only_an_earlier_agent_has_read_is_not_born() -> None:
    session = Session([row(1, "flow", 36.5)], since=5)
    host = session.end()

    assert host.verbs == ["NBIRTH", "NDEATH"]


def test_what_an_outage_held_back_is_historical_and_a_dead_device_lives_for_it_alone() -> None:
    session = Session(lost(1, *TAGS["plc"]))
    session.edge.held_back([row(1, "count", 1), row(2, "count", 2)])
    session.edge.held_back([row(3, "count", 2), row(4, "count", 3)])
    session.edge.rest()
    session.edge.rest()
    host = session.end()

    assert host.faults == []
    assert host.verbs == ["NBIRTH", "DBIRTH plc", "DDATA plc", "DDATA plc", "DDEATH plc", "NDEATH"]
    assert host.values("count", is_historical=True) == [1, 2, 3]
    assert host.values("count", is_historical=False) == [None]


def test_history_that_is_told_again_with_other_times_is_told_whole() -> None:
    """Readings whose time was wrong come again; what was told first must not hide what is told again."""
    session = Session([row(50, "count", 1)])
    session.edge.held_back([row(1, "count", 1), row(2, "count", 2)])
    session.edge.held_back([row(1, "count", 2), row(2, "count", 3)])
    host = session.end()

    assert host.values("count", is_historical=True) == [1, 2, 2, 3]


def test_a_rebirth_tells_everything_anew_in_the_same_life() -> None:
    session = Session()
    session.edge.live([row(1, "count", 1), row(2, "level", 2.5)])
    session.edge.live([row(3, "count", 2)])
    session.edge.birth()
    session.edge.live([row(4, "count", 3)])
    host = session.end()

    assert host.faults == []
    assert host.lives == [7, 7]
    assert host.verbs[4:8] == ["NBIRTH", "DBIRTH plc", "DBIRTH server", "DDATA plc"]
    assert host.values("count") == [1, 2, 2, 3]


def test_a_value_of_another_type_has_its_type_told_before() -> None:
    """A node of a server may turn out to be an integer, and then a text; no decoder may read one as the other."""
    session = Session()
    session.edge.live([row(1, "mode", 2)])
    session.edge.live([row(2, "mode", 2.5)])
    session.edge.live([row(3, "mode", "manual")])
    session.edge.live([row(4, "mode", 3)])
    host = session.end()

    assert host.faults == []
    assert host.values("mode") == [2, 2.5, "manual", "3"]
    assert host.verbs.count("NBIRTH") == 4  # nothing was known, an integer, a float, a text


def test_names_are_left_out_of_data_where_aliases_are_asked_for() -> None:
    """The host holds each message against what the birth has said of its alias."""
    session = Session(has_aliases=True)
    session.edge.live([row(1, "count", 1), row(2, "level", 2.5)])
    session.edge.live([row(3, "count", 2), row(4, "level", 2.75)])
    session.edge.tell([told("pump", "p1", head=31.5), told("pump", "p2", head=12.5)])
    session.edge.tell([told("pump", "p2", head=13.5)])
    host = session.end()

    assert host.faults == []
    assert host.values("count") == [1, 2, 2]  # born, told, born again with the figures
    assert host.values("level") == [2.5, 2.75, 2.75]
    assert host.values("pump/p1/head") == [31.5]
    assert host.values("pump/p2/head") == [12.5, 13.5]


def test_numbers_go_round() -> None:
    """1,000 messages: 255 is followed by 0, which is no birth."""
    session = Session()
    for number in range(1, 1_001):
        session.edge.live([row(number, "count", number)])
    host = session.end()

    assert host.faults == []
    assert host.values("count") == list(range(1, 1_001))


def told(kind: Kind, key: str, ts_ms: int = NOW_MS, **body: object) -> Record:
    return Record(kind, key, ts_ms, json.dumps(body).encode())


def test_figures_advice_and_alarms_are_metrics_of_the_node() -> None:
    """Named like the JSON topic and key; what is not one value, and most of an alarm, stays there."""
    session = Session()
    session.edge.tell(
        [
            told("station", "", station="east", flow=412.0, running=["p1"], ts="2026-03-01T12:00:00.000Z"),
            told("recommendation", "", action="change", pumps=[{"id": "p1", "run": True, "speed": 0.9}]),
            told("alarm", "burst", state="UNACK", active=True, acked=False, severity=800, cause="a pipe", seq=3),
            told("quality", "", station="east", score=0.9),
        ]
    )
    session.edge.tell([told("alarm", "burst", NOW_MS + 5, state="ACKED", active=True, acked=True, severity=800)])
    host = session.end()

    assert host.faults == []
    assert host.verbs == ["NBIRTH", "NBIRTH", "NDATA", "NDEATH"]
    assert {name: value for name, value in host.facts.items() if name[0].islower() and name != "bdSeq"} == {
        "station/station": "east",
        "station/flow": 412.0,
        "recommendation/action": "change",
        "recommendation/pumps/p1/run": True,
        "recommendation/pumps/p1/speed": 0.9,
        "alarm/burst/state": "ACKED",
        "alarm/burst/active": True,
        "alarm/burst/acked": True,
        "alarm/burst/severity": 800,
    }


def test_a_figure_that_is_not_known_any_more_is_null_and_one_that_has_outlived_its_inputs_stale() -> None:
    """A number that stays would pass for the present; one said before this process began is not the present either."""
    session = Session()
    session.edge.tell([told("pump", "p1", NOW_MS - 1, pump="p1", head=31.5, flow=80.0)])
    session.edge.tell([told("pump", "p1", NOW_MS + 1, pump="p1", head=31.5)])
    session.edge.tell([told("pump", "p1", NOW_MS + 2, pump="p1", head=31.5, stale=True)])
    session.edge.tell([told("pump", "p1", NOW_MS + 3, pump="p1", head=31.5, stale=True)])
    session.edge.tell([Record("pump", "p1", NOW_MS + 4, b"")])
    host = session.end()

    assert host.faults == []
    assert [(one.content, one.quality) for one in host.told["pump/p1/head"]] == [
        (31.5, 500),
        (31.5, 192),
        (31.5, 500),
        (None, 0),
    ]
    assert [(one.content, one.quality) for one in host.told["pump/p1/flow"]] == [(80.0, 500), (None, 0)]


VALUES: Mapping[str, some.SearchStrategy[Value]] = {
    "flow": some.floats(0, 5),
    "count": some.integers(-3, 3),
    "on": some.integers(0, 1),
    "text": some.sampled_from(["a", "b"]),
    "level": some.floats(0, 1) | some.integers(0, 3),
    "mode": some.integers(0, 2) | some.sampled_from(["a"]) | some.just(0.5),
}
RECORDS = some.builds(
    lambda key, ts_ms, body: told("pump", key, NOW_MS + ts_ms, **body),
    some.sampled_from(["p1", "p2"]),
    some.integers(-3, 50),
    some.dictionaries(
        some.sampled_from(["head", "reason", "stale"]), some.booleans() | some.integers(0, 2) | some.just("a")
    ),
)
BAD = some.sampled_from([(None, Quality.BAD, "bad"), (None, Quality.NOT_CONNECTED, "no answer")])
STEP: some.SearchStrategy[Any] = some.one_of(
    some.just(("birth", [])),
    some.just(("rest", [])),
    some.tuples(some.just("tell"), some.lists(RECORDS, min_size=1, max_size=3)),
    some.tuples(
        some.sampled_from(["live", "live", "held_back"]),
        some.lists(
            some.sampled_from(sorted(VALUES)).flatmap(
                lambda tag: some.tuples(
                    some.just(tag),
                    BAD
                    | VALUES[tag].map(lambda value: (value, Quality.GOOD, None))
                    | VALUES[tag].map(lambda value: (value, Quality.LAST_USABLE, "old")),
                )
            ),
            min_size=1,
            max_size=8,
        ),
    ),
)


def test_a_reading_of_before_1970_breaks_nothing() -> None:
    """Live, in a birth and held back; a server whose clock was reset has such times."""
    session = Session()
    session.edge.live([row(1, "level", 2.5)])
    session.edge.live([row(2, "level", 3.5)._replace(ts_ms=-3_600_000)])
    session.edge.birth()
    session.edge.held_back([row(1, "level", 4.5)._replace(ts_ms=-(2**63))])

    assert [(one.content, one.ts_ms) for one in session.host.told["level"][1:]] == [(3.5, 0), (3.5, 0), (4.5, 0)]


@settings(max_examples=60)
@given(some.lists(STEP, max_size=20), some.booleans())
def test_no_rule_is_broken_whatever_comes(steps: list[tuple[str, list[Any]]], has_aliases: bool) -> None:  # noqa: FBT001
    """Devices and tags that come and go, other types, births that are asked for, history in between."""
    session = Session(has_aliases=has_aliases)
    number = 0
    for what, said in steps:
        rows = []
        for one in said:
            number += 1
            rows.append(one if isinstance(one, Record) else row(number, one[0], *one[1]))
        do: Callable[..., None] = getattr(session.edge, what)
        do(rows) if rows else do()
    host = session.end()

    assert host.faults == []
    assert host.is_born is False
    assert host.verbs[-1] == "NDEATH"
