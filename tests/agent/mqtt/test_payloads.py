"""Payloads: never NaN, times exact, documented by examples that are true."""

import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.jobs.advice.recommendation import BASELINE, METHOD
from agent.mqtt.client import Client
from agent.mqtt.commands import KNOWN
from agent.mqtt.instant import LATEST_MS, instant_ms, rfc3339
from agent.mqtt.payloads import CommandResult, Info, Recommendation, Station
from agent.mqtt.schemas import PAYLOADS, schemas_text
from agent.mqtt.topics import RETAINED, Topics
from agent.store.records import Kind
from tests.agent.mqtt.station import NOON_MS, station
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import subscriber

DOCS = Path(__file__).parents[3] / "docs"
SECTION = re.compile(
    r"^### `<root>/(?P<topic>[^`]+)`(?P<retained> \(retained\))?\n(?P<text>.*?)(?=^#|\Z)", re.DOTALL | re.MULTILINE
)
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
SECTIONS = {match["topic"]: match for match in SECTION.finditer((DOCS / "mqtt.md").read_text())}
EXAMPLES = [(topic, example) for topic, match in SECTIONS.items() for example in EXAMPLE.findall(match["text"])]


def test_every_payload_has_an_example() -> None:
    """What a SCADA engineer maps is shown once, not only named."""
    assert {topic for topic, _ in EXAMPLES} == set(PAYLOADS)


@pytest.mark.parametrize(("topic", "example"), EXAMPLES, ids=[topic for topic, _ in EXAMPLES])
def test_an_example_is_exactly_what_would_be_sent(topic: str, example: str) -> None:
    """Read and written again it is the same: no key is invented, forgotten, or in another form."""
    sent = PAYLOADS[topic].model_validate_json(example).encode()

    assert json.loads(sent) == json.loads(example)


def test_the_example_of_an_advice_says_what_is_to_be_done_and_why_as_the_agent_says_it() -> None:
    """A screen made after it shows the starts and stops first, then the reasons."""
    (example,) = [Recommendation.model_validate_json(text) for topic, text in EXAMPLES if topic == "recommendation"]
    starts = [
        f"start {one.id} at {50 * (one.speed or 0):.1f} Hz" for one in example.pumps if one.run and not one.running
    ]
    stops = [f"stop {one.id}" for one in example.pumps if one.running and not one.run]

    assert example.reasons[: len(starts) + len(stops)] == (*starts, *stops)
    assert (len(starts), len(stops)) == (1, 1)
    assert (example.why or "").startswith("The same flow for ")
    assert (example.method, example.baseline) == (METHOD, BASELINE)


@pytest.mark.parametrize(("topic", "lists"), [("recommendation", ("pumps", "set_changes")), ("schedule", ("rows",))])
def test_a_record_of_another_version_is_read(topic: str, lists: tuple[str, ...]) -> None:
    """A key that is gone, here and deeper, and one that there was not yet; what is sent stays closed."""
    example = next(json.loads(text) for name, text in EXAMPLES if name == topic and json.loads(text).get(lists[0]))
    example.pop("method", None)
    usual = PAYLOADS[topic].model_validate_json(json.dumps(example))
    other = example | {"is_uncertain": False}
    for name in lists:
        other[name] = [row | {"is_uncertain": False} for row in example.get(name, [])]

    assert PAYLOADS[topic].kept(json.dumps(other).encode()) == usual
    with pytest.raises(ValidationError):
        PAYLOADS[topic].model_validate_json(json.dumps(other))


async def test_examples_arrive_as_they_were_published(tmp_path: Path) -> None:
    """Through a real broker, on their own topics."""
    messages = [
        (f"water/east/{topic}".replace("<", "").replace(">", ""), example.encode()) for topic, example in EXAMPLES
    ]
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/#") as scada,
            Client(station(broker, tmp_path).mqtt, "agent") as client,
        ):
            for topic, payload in messages:
                await client.publish(topic, payload)
            await scada.until(lambda: len(scada.messages) == len(messages))

    assert [(message.topic, message.payload) for message in scada.messages] == messages


def test_the_schema_file_is_what_the_models_say() -> None:
    """Written anew with `make schema`."""
    assert (DOCS / "payloads.schema.json").read_text() == schemas_text()


def test_every_kind_of_record_has_a_documented_topic() -> None:
    """A kind that somebody adds is published somewhere, retained as the documentation says."""
    for kind in get_args(Kind):
        name, is_retained = Topics("root").of_record(kind, "x")
        documented = [
            topic
            for topic in SECTIONS
            if re.sub("<[a-z]+>", "x", topic)
            in {name.removeprefix("root/"), name.removeprefix("root/").removesuffix("/x")}
        ]
        assert documented, kind
        assert bool(SECTIONS[documented[0]]["retained"]) == is_retained == RETAINED[kind]


def test_every_topic_in_the_code_is_documented() -> None:
    """One that somebody adds to `Topics`, or a command that is listened to, stands in the page by its name."""
    page, topics = (DOCS / "mqtt.md").read_text(), Topics("<root>")
    members = {name for name in vars(Topics) if not name.startswith("_")}
    for name in members - {"root", "of_station", "of_record", "command"}:  # none of these is a topic
        member = getattr(topics, name)
        topic = member if isinstance(member, str) else member("<id>" if name == "result" else "<tag>")
        assert f"`{topic.removesuffix('+')}" in page, name
    assert {topic.removeprefix("cmd/") for topic in SECTIONS if topic.startswith("cmd/")} == {*KNOWN, "result/<id>"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_no_payload_holds_what_json_cannot_say(value: float) -> None:
    """A calculation that went wrong fails where it went wrong, not in SCADA."""
    with pytest.raises(ValidationError, match="finite"):
        Station(station="east", ts=NOON_MS, flow=value)


def test_what_is_not_known_has_no_key() -> None:
    """Many clients keep the old number over a null."""
    assert Station(station="east", ts=NOON_MS, head=41.5).encode() == (
        b'{"station":"east","ts":"2026-03-01T12:00:00.000Z","head":41.5,"running":[],"headers":[],"stale":false}'
    )


def test_the_version_of_the_payloads_is_called_schema() -> None:
    """By its documented name in both directions."""
    info = Info(
        name="pump-agent",
        version="1",
        station="east",
        config_digest="",
        started=0,
        time_zone="UTC",
        devices=0,
        tags=0,
        pumps=0,
    )

    assert json.loads(info.encode())["schema"] == 1
    assert Info.model_validate_json(info.encode()) == info


def test_no_advice_without_a_reason() -> None:
    """A bare "none" would leave the operator guessing."""
    with pytest.raises(ValidationError, match='advice "none" says why'):
        Recommendation(id="1", ts=0, expires=0, station="east", action="none")


def test_a_result_is_either_ok_or_an_error() -> None:
    """Never both, never neither."""
    for ok, error in ((True, "x"), (False, None)):
        with pytest.raises(ValidationError, match="not both"):
            CommandResult(id="1", ts=0, command="ack", ok=ok, error=error)


@given(st.integers(0, LATEST_MS))
def test_an_instant_is_written_and_read_to_the_millisecond(ts_ms: int) -> None:
    """Over eight thousand years; floats would lose milliseconds."""
    text = rfc3339(ts_ms)

    assert instant_ms(text) == ts_ms
    assert len(text) == len("2026-03-01T12:00:00.000Z")


@pytest.mark.parametrize(
    ("text", "ts_ms"),
    [
        ("2026-03-01T12:00:00Z", NOON_MS),
        ("2026-03-01T13:00:00.5+01:00", NOON_MS + 500),
        ("2026-03-01T12:00:00.000999Z", NOON_MS),
    ],
)
def test_instants_of_other_writers_are_understood(text: str, ts_ms: int) -> None:
    """Any offset, any number of digits."""
    assert instant_ms(text) == ts_ms


def test_an_instant_without_an_offset_is_refused() -> None:
    """It could be an hour off, twice a year another one."""
    with pytest.raises(ValueError, match="offset from UTC"):
        instant_ms("2026-03-01T12:00:00")
