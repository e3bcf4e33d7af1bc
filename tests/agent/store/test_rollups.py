"""Rolled up step by step, with data that comes late, is what rolling up everything at once gives."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.jobs.job import JobContext
from agent.jobs.rollup import run
from agent.settings import AgentSettings
from agent.store.columns import Column, columns
from agent.store.findings import finish
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.retention import retain
from agent.store.rolled import WIDTHS_MS
from agent.store.rollups import Rollup, coarser, rolled_up, rollups
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading
from tests.agent.store.test_sealing import seal

NOON = 1_699_963_200_000  # on the hour
MINUTE_MS = 60_000


def column(*readings: tuple[int, float | None, int]) -> Column:
    """Of (second, value, quality)."""
    seconds, values, quality = zip(*readings, strict=True)
    return Column(NOON + 1_000 * np.array(seconds), np.array(values, np.float64), np.array(quality, np.int16))


def write(path: Path, readings: Sequence[Reading], *, imported: bool = False) -> int:
    with Log(path) as log:
        with log.transaction():
            log.insert(readings, imported=imported)
        return log.last_id


def roll(storage: StorageSettings, now_ms: int) -> None:
    """A run of the job."""
    tags = [
        {"name": "plc.volume", "unit": "m3", "address": "holding:0", "totaliser": True},
        {"name": "plc.flow", "unit": "m3/h", "address": "holding:1"},
    ]
    agent = AgentSettings.model_validate(
        {
            "station": {"name": "hillside"},
            "storage": storage.model_dump(),
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "127.0.0.1", "tag": tags}],
        }
    )
    with Reader(storage.path) as reader:
        outcome = run(JobContext(agent, reader, *reader.job_state("rollup"), now_ms))
    with Log(storage.path) as log, log.transaction():
        finish(log, "rollup", outcome, now_ms, 1)


def assert_same(one: Rollup, other: Rollup) -> None:
    for name, left, right in zip(Rollup._fields, one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12, err_msg=name)


def test_a_bucket_says_what_its_good_readings_did() -> None:
    """Bad and uncertain readings are counted, and nothing else is made of them."""
    found = rolled_up(
        column((0, 3.0, 192), (10, 5.0, 192), (20, None, 24), (30, 99.0, 64), (59, 1.0, 192), (61, None, 0)), MINUTE_MS
    )

    assert found.starts_ms.tolist() == [NOON, NOON + 60_000]
    assert (found.counts.tolist(), found.goods.tolist()) == ([5, 1], [3, 0])
    assert [found.minima[0], found.means[0], found.maxima[0], found.firsts[0], found.lasts[0]] == [1, 3, 5, 3, 1]
    assert np.isnan(found.means[1])
    assert np.isnan(found.rises).all()


def test_a_totaliser_counts_over_buckets_and_resets() -> None:
    """From the last reading of the bucket before; a small fall is no reset, beginning anew counts from zero."""
    readings = column(
        (0, 100.0, 192), (50, 104.0, 192), (70, 110.0, 192), (80, 109.9, 192), (90, 111.0, 192), (130, 3.0, 192)
    )
    found = rolled_up(readings, MINUTE_MS, is_totaliser=True)

    assert found.increments.tolist() == pytest.approx([4.0, 6.0 + 0.0 + 1.1, 3.0])


@pytest.mark.parametrize("seed", range(3))
def test_wider_buckets_of_buckets_are_those_of_the_readings(seed: int) -> None:
    """Means by what they stand for, and a counter's steps from minute to minute too."""
    rng = np.random.default_rng(seed)
    seconds = np.unique(rng.integers(0, 10_000, 800))
    values = np.cumsum(rng.random(len(seconds)))
    values[500:] -= values[500]
    quality = rng.choice([0, 192, 192], len(seconds)).astype(np.int16)
    given = Column(NOON + 1_000 * seconds, values, quality)

    for width_ms in WIDTHS_MS[1:]:
        assert_same(
            coarser(rolled_up(given, MINUTE_MS, is_totaliser=True), width_ms),
            rolled_up(given, width_ms, is_totaliser=True),
        )


@pytest.mark.parametrize("seed", range(2))
def test_step_by_step_and_late_is_what_all_at_once_gives(settings: StorageSettings, seed: int) -> None:
    """Runs in between, late and repeated readings of hours before, some of it sealed."""
    rng, at_ms, last = random.Random(seed), NOON, 0
    for step in range(6):
        times = [at_ms + 1_000 * second for second in range(0, 4_000, 7)]
        if step in {2, 4}:
            times = sorted(rng.sample(range(NOON, at_ms, 500), 50)) + times
        names = ["plc.volume", "plc.flow"]
        last = write(
            settings.path,
            [Reading(tag, ts_ms, rng.random() * 10, rng.choice([192, 192, 24])) for ts_ms in times for tag in names],
        )
        at_ms += 4_000_000
        if step == 3:
            seal(settings.path, last)
            write(settings.path, [Reading("plc.other", NOON + 10**9, 1.0, 192)])
        if step != 1:
            roll(settings, at_ms)

    with Reader(settings.path) as reader:
        for width_ms in WIDTHS_MS:
            found = rollups(reader, ["plc.volume", "plc.flow"], width_ms, NOON, at_ms)
            given = columns(reader, ["plc.volume", "plc.flow"], NOON, at_ms)
            for tag, rollup in found.items():
                assert_same(rollup, rolled_up(given[tag], width_ms, is_totaliser=tag == "plc.volume"))


async def test_rollups_stay_when_readings_go(settings: StorageSettings) -> None:
    """And late readings of that time, which are all that is left of it, do not replace them."""
    storage = settings.model_copy(update={"keep_days": 1.0, "keep_rollup_days": 3.0})
    day_ms = 86_400_000
    write(settings.path, [Reading("plc.flow", NOON + 1_000 * n, 5.0, 192) for n in range(120)])
    roll(storage, NOON + 120_000)
    write(settings.path, [Reading("plc.flow", NOON + 2 * day_ms, 6.0, 192)])
    write(settings.path, [Reading("plc.flow", NOON + 500, 99.0, 192)])
    write(settings.path, [Reading("plc.flow", NOON + 2 * day_ms + 1, 6.0, 192)])
    roll(storage, NOON + 2 * day_ms)
    async with Store(storage) as store:
        await retain(store, storage, NOON + 2 * day_ms)
        with Reader(settings.path) as reader:
            minutes = rollups(reader, ["plc.flow"], MINUTE_MS, NOON, NOON + day_ms)["plc.flow"]
        await store.append([Reading("plc.flow", NOON + 4 * day_ms, 6.0, 192)])
        await retain(store, storage, NOON + 4 * day_ms)
        with Reader(settings.path) as reader:
            later = rollups(reader, ["plc.flow"], MINUTE_MS, NOON, NOON + day_ms)["plc.flow"]

    assert (minutes.counts.tolist(), minutes.maxima.tolist()) == ([60, 60], [5.0, 5.0])
    assert later.counts.tolist() == []
