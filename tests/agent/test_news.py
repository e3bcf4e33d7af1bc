"""Storing by exception: what is kept, and that silence in the log is never said of a device that is gone."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.health import Part
from agent.jobs import gaps, quality
from agent.mqtt.tag_values import TagValues
from agent.news import News
from agent.roles import known_tags
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.tasks import poll
from agent.window import frame
from drivers.reading import DriverError, Quality, Reading
from drivers.settings import ModbusSettings
from tests.agent.history import START_MS, history
from tests.simulators.modbus import modbus_server

GOOD = Quality.GOOD
BY_EXCEPTION = {"unit": "m", "store": "exception", "deadband": 0.5, "heartbeat": 60.0}


def device(**keys: Any) -> ModbusSettings:
    """A device with the tag "x", stored by exception unless *keys* say otherwise, and "y", which is always stored."""
    rows = [{"name": "x", "address": "holding:0", **BY_EXCEPTION, **keys}, {"name": "y", "address": "holding:1"}]
    return ModbusSettings.model_validate({"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": rows})


def stored(news: News, *values: float, every: float = 1.0) -> list[float]:
    """Seconds at which good readings of x are kept, one *every* so many."""
    times = [every * i for i in range(len(values))]
    return [
        time
        for time, value in zip(times, values, strict=True)
        if news.among([Reading("x", round(1000 * time), value, GOOD)], time)
    ]


def test_only_the_first_reading_and_what_leaves_the_deadband_is_stored() -> None:
    """The deadband lies around the value stored last, so that a slow drift is not lost step by step."""
    assert stored(News(device()), 5.0, 5.4, 5.5, 5.51, 5.2, 5.0) == [0.0, 3.0, 5.0]


def test_a_heartbeat_is_stored_though_nothing_changes() -> None:
    """Each minute, and not each minute and a second because a poll came a moment early."""
    assert stored(News(device()), *[5.0] * 1_900, every=0.1) == pytest.approx([0.0, 59.5, 119.0, 178.5])


def test_by_default_everything_is_stored() -> None:
    news = News(device(store="always"))

    assert stored(news, 5.0, 5.0, 5.0) == [0.0, 1.0, 2.0]
    assert len(News(device()).among([Reading("y", 0, 1, GOOD), Reading("y", 1, 1, GOOD)], 0.0)) == 2


def test_every_change_of_quality_or_reason_is_stored() -> None:
    """A frozen or dead device says so at once, however little its value has moved."""
    news, told = News(device()), []
    for second, state in enumerate(
        [
            (5.0, GOOD, None),
            (5.0, 64, "frozen"),
            (5.0, 64, "frozen"),
            (None, 24, "silent"),
            (None, 24, "refused"),
            (5.0, GOOD, None),
        ]
    ):
        told.append(bool(news.among([Reading("x", second, *state)], float(second))))

    assert told == [True, True, False, True, True, True]


def test_after_a_reconnection_the_first_reading_is_stored() -> None:
    """What was before the outage says nothing of what is."""
    assert stored(News(device()), 5.0, 5.0) == [0.0]
    assert stored(News(device()), 5.0, 5.0) == [0.0]


def test_the_live_topic_says_each_stored_row_and_so_keeps_its_heartbeat() -> None:
    """A second count of 60 s would come just too late for every other heartbeat."""
    values = TagValues(device().tags)
    rows = [Row(1, "x", 0, 5.0, 192, None), Row(2, "x", 59_500, 5.0, 192, None)]

    assert [bool(values.due([row], now)) for row, now in zip(rows, (0.0, 59.5), strict=True)] == [True, True]


def test_silence_up_to_a_heartbeat_means_unchanged(tmp_path: Path) -> None:
    """The analyses hold the value so long, and no longer: then nobody has read it."""
    with history(tmp_path, {"x": BY_EXCEPTION}) as past:
        past.append([Reading("x", START_MS, 7.0, GOOD)])
        with past.reader() as reader:
            values = frame(reader, past.settings, ["x"], START_MS, START_MS + 90_000, 10_000).values["x"]

    assert values.tolist() == pytest.approx([7.0] * 7 + [float("nan")] * 2, nan_ok=True)
    assert known_tags(past.settings)["x"].hold_ms == 65_000


def test_a_device_that_fails_within_a_heartbeat_does_not_look_unchanged(tmp_path: Path) -> None:
    """Its bad reading ends what silence may say."""
    with history(tmp_path, {"x": BY_EXCEPTION}) as past:
        past.append([Reading("x", START_MS, 7.0, GOOD), Reading("x", START_MS + 15_000, None, 8, "gone")])
        with past.reader() as reader:
            values = frame(reader, past.settings, ["x"], START_MS, START_MS + 40_000, 10_000).values["x"]

    assert values.tolist() == pytest.approx([7.0] + [float("nan")] * 3, nan_ok=True)


def test_silence_up_to_a_heartbeat_is_no_gap(tmp_path: Path) -> None:
    """Nothing is filled between two heartbeats; where one is missing, something is."""
    tags = {"x": {**BY_EXCEPTION, "fill": "linear"}}
    with history(tmp_path, tags) as past:
        past.append(Reading("x", START_MS + second * 1000, 7.0, GOOD) for second in (0, 20, 80, 140, 200))
        past.perform("gaps", gaps.run, START_MS + 230_000)
        with past.reader() as reader:
            early = reader.filled(["x"], 0, 2**60)
        past.append(Reading("x", START_MS + second * 1000, 7.0, GOOD) for second in (440, 500))
        past.perform("gaps", gaps.run, START_MS + 510_000)
        with past.reader() as reader:
            late = reader.filled(["x"], 0, 2**60)

    assert early == []
    assert [(one.ts_ms - START_MS) // 1000 for one in late] == [260, 320, 380]


def test_a_tag_that_is_silent_because_nothing_changes_is_complete(tmp_path: Path) -> None:
    """The quality report expects a heartbeat, not a reading a second."""
    with history(tmp_path, {"x": BY_EXCEPTION}) as past:
        past.append(Reading("x", START_MS + second * 1000, 7.0, GOOD) for second in range(0, 600, 60))
        outcome = past.perform("quality", quality.run, START_MS + 600_000)

    (record,) = outcome.records
    assert b'"completeness":1.0' in record.body


async def test_a_device_is_stored_by_exception_until_it_is_gone(tmp_path: Path) -> None:
    """With a real device: one row while nothing changes, and at once a bad one when it no longer answers."""
    path = tmp_path / "agent.db"
    migrate(path)
    async with Store(StorageSettings(path=path, commit_interval=0.001)) as store:
        async with modbus_server(holding={0: [7, 8]}) as port:
            place = {"host": "127.0.0.1", "port": port, "period": 0.05}
            task = asyncio.create_task(poll(device().model_copy(update=place), store, Part("plc")))
            while store.last_id < 10:  # noqa: ASYNC110 - rows of the other tag have no event of their own
                await asyncio.sleep(0.01)
        with suppress(DriverError):
            await task
    with Reader(path) as reader:
        rows = [(row.value, row.quality) for row in reader.after(0, 1_000, ["x"])]

    assert rows[0] == (7, GOOD)
    assert rows[-1] == (None, Quality.NOT_CONNECTED)
    assert all(quality < Quality.UNCERTAIN for _, quality in rows[1:])
