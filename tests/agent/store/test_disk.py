"""A technician can see for how long the disk is enough."""

import doctest

import pytest

from agent.store import disk
from agent.store.disk import disk_forecast
from agent.store.findings import add_records
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.settings import StorageSettings
from drivers.reading import Reading
from tests.agent.store.test_sealing import seal

NOON = 1_700_000_000_000


def test_the_example_holds() -> None:
    assert doctest.testmod(disk).failed == 0


def test_an_empty_store_says_nothing_wrong(settings: StorageSettings) -> None:
    with Reader(settings.path) as reader:
        use = reader.ask(disk.disk_use)

    assert (use.hot_readings, use.sealed_readings, use.readings_a_day) == (0, 0, 0.0)
    assert disk_forecast(use, settings).full_days is None


def test_what_comes_in_a_day_is_counted(settings: StorageSettings) -> None:
    """An hour of two tags a second is 172,800 readings a day; imported history does not come again."""
    with Log(settings.path) as log:
        for start in range(0, 3_601, 600):
            with log.transaction():
                log.insert(
                    [
                        Reading(tag, NOON + 1_000 * n, n / 10, 192)
                        for n in range(start, min(start + 600, 3_601))
                        for tag in ("flow", "level")
                    ]
                )
        with log.transaction():
            log.insert([Reading("flow", NOON - 10**9 + n, 1.0, 192) for n in range(5_000)], imported=True)
            add_records(log, [Record("health", "", NOON + 1_000 * n, bytes(1_000)) for n in range(3_600)])
    seal(settings.path, 4_096)

    with Reader(settings.path) as reader:
        use = reader.ask(disk.disk_use)

    assert (use.sealed_readings, use.hot_readings) == (4_096, 2 * 3_601 + 5_000 - 4_096)
    assert use.readings_a_day == pytest.approx(172_800, rel=0.001)
    assert use.record_bytes_a_day == pytest.approx(24 * 3_600 * 1_066, rel=0.001)
    assert use.bytes == pytest.approx(settings.path.stat().st_size, rel=0.5)
    assert 0 < use.sealed_bytes < 1


def test_a_small_disk_is_foretold(settings: StorageSettings) -> None:
    """Growth is of sealed readings: what is hot today is small tomorrow."""
    use = disk.DiskUse(10_000_000, 12_000_000, 1_000, 9_000_000, 1.0, 1_000_000.0, 0.0)
    forecast = disk_forecast(use, settings.model_copy(update={"keep_days": 365.0, "max_mb": 100.0}))

    assert forecast.growth_mb == 1.0
    assert forecast.full_days == pytest.approx(90.0)
    assert forecast.settled_mb == pytest.approx(365 + 1 / 24 * 2 * 31, rel=0.001)
