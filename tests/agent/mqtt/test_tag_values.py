"""What is worth a message of its own: news by exception, and a sign of life."""

import json

import pytest

from agent.mqtt.payloads import TagValue
from agent.mqtt.tag_values import TagValues, bare
from agent.store.records import Row
from drivers.reading import Quality, Value
from drivers.settings import TagSettings
from tests.agent.mqtt.station import NOON_MS

TAGS = [
    TagSettings(name="flow", unit="m3/h", deadband=0.5, heartbeat=60),
    TagSettings(name="state", heartbeat=60),
]


def row(number: int, value: Value, tag: str = "flow", quality: int = Quality.GOOD, reason: str | None = None) -> Row:
    """A row of the log, one second after the one before."""
    return Row(number, tag, NOON_MS + 1_000 * number, value, quality, reason)


def said(*rows: Row) -> list[Value]:
    """The values that become messages, where each row is looked at one second after the one before."""
    values = TagValues(TAGS)
    return [news.value for number, one in enumerate(rows) for news in values.due([one], number).values()]


def test_the_deadband_is_around_what_was_last_said() -> None:
    """Around the last reading a slow drift would never be told."""
    drift = [row(number, 100 + 0.2 * number) for number in range(7)]

    assert said(*drift) == pytest.approx([100.0, 100.6, 101.2])


def test_a_change_of_exactly_the_deadband_is_none() -> None:
    """The deadband is the largest change that is not told."""
    assert said(row(1, 100.0), row(2, 100.5), row(3, 100.75)) == [100.0, 100.75]


def test_without_a_deadband_every_change_is_news_and_repetition_is_not() -> None:
    """Numbers, texts, and texts that become numbers."""
    values: list[Value] = ["on", "on", "off", 1, 1.0, 2]

    assert said(*(row(number, value, "state") for number, value in enumerate(values))) == ["on", "off", 1, 2]


def test_going_bad_and_coming_back_are_news() -> None:
    """Also with the very value of before, and when only the reason changes."""
    bad = Quality.BAD

    assert said(
        row(1, 100.0),
        row(2, None, quality=bad, reason="no answer"),
        row(3, None, quality=bad, reason="no answer"),
        row(4, None, quality=bad, reason="register refused"),
        row(5, 100.0),
    ) == [100.0, None, None, 100.0]


def test_an_unchanged_value_is_said_each_heartbeat() -> None:
    """Silence would look like a dead agent; the heartbeat counts from the last message, whatever caused it."""
    values = TagValues(TAGS)

    times = [now for now in range(200) if values.due([row(now, 100.0 if now < 30 else 110.0)], now)]

    assert times == [0, 30, 90, 150]


def test_of_several_rows_the_newest_worth_saying_counts() -> None:
    """After a stall a batch holds many rows of a tag; SCADA wants one message."""
    rows = [row(1, 100.0), row(2, 200.0), row(3, 100.1), row(4, 100.2), row(5, "on", "state"), row(6, 1.0, "unknown")]

    news = TagValues(TAGS).due(rows, 0.0)

    assert {tag: one.id for tag, one in news.items()} == {"flow": 3, "state": 5}


def test_an_old_row_never_follows_a_newer_one() -> None:
    """What was read from the store on connecting may be newer than the first live rows."""
    values = TagValues(TAGS)
    values.due([row(9, 100.0)], 0.0)

    assert values.due([row(8, 200.0)], 1.0) == {}


@pytest.mark.parametrize(
    "one",
    [
        row(1, 36.5),
        row(2, 7),
        row(3, "Störung ≥ 3", "state"),
        row(4, None, quality=Quality.COMM_FAILURE, reason='"plc" ist weg'),
        row(5, 99.0, quality=Quality.RANGE_EXCEEDED, reason="above the meter's range"),
    ],
    ids=str,
)
def test_a_message_is_the_documented_payload(one: Row) -> None:
    """It is written without the model, because there are thousands a second; it says the same."""
    families = {192: "good", 84: "uncertain", 24: "bad"}
    model = TagValue.model_validate(
        {
            "value": one.value,
            "quality": families[int(one.quality)],
            "reason": one.reason,
            "unit": {"flow": "m3/h", "state": ""}[one.tag],
            "ts": one.ts_ms,
            "seq": one.id,
        }
    )

    assert json.loads(TagValues(TAGS).message(one)) == json.loads(model.encode())


def test_the_bare_value_of_a_bad_tag_is_empty() -> None:
    """An empty retained message clears the topic: no old number is left standing."""
    assert [bare(36.5), bare(7), bare("on"), bare(None)] == [b"36.5", b"7", b"on", b""]
