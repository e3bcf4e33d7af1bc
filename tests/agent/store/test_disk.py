"""A technician can see for how long the disk is enough."""

import doctest

import pytest

from agent.store import disk
from agent.store.columns import columns
from agent.store.disk import disk_forecast
from agent.store.findings import add_records
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.rolled import MINUTE_MS, WIDTHS_MS, keep_pages
from agent.store.rollups import coarser, paged, rolled_up
from agent.store.settings import StorageSettings
from drivers.reading import Reading
from tests.agent.store.test_sealing import seal

NOON = 1_700_000_000_000
HOUR = NOON // 3_600_000 * 3_600_000


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
    use = disk.DiskUse(10_000_000, 12_000_000, 1_000, 9_000_000, 1.0, 1_000_000.0, 0.0, 0.0, 0)
    forecast = disk_forecast(use, settings.model_copy(update={"keep_days": 365.0, "max_mb": 100.0}))

    assert forecast.growth_mb == 1.0
    assert forecast.full_days == pytest.approx(90.0)
    assert forecast.settled_mb == pytest.approx(365 + 1 / 24 * 2 * 31, rel=0.001)


def test_rollups_are_foretold_by_their_own_age(settings: StorageSettings) -> None:
    """They stay for a year where readings stay for a month: with time they take more of the disk than readings do."""
    use = disk.DiskUse(10_000_000, 12_000_000, 0, 0, 1.0, 0.0, 1_000_000.0, 500_000.0, 0)
    forecast = disk_forecast(use, settings.model_copy(update={"keep_days": 30.0, "keep_rollup_days": 400.0}))
    tight = disk_forecast(use, settings.model_copy(update={"keep_days": 30.0, "max_mb": 100.0}))

    assert forecast.growth_mb == 1.5
    assert forecast.settled_mb == pytest.approx(30 * 1.0 + 400 * 0.5)
    assert forecast.full_days is None
    assert tight.full_days == pytest.approx(30 + (90 - 45) / 0.5)


def test_rollups_of_the_last_day_are_measured(settings: StorageSettings) -> None:
    """Of an hour that was rolled up, 24 times as much is foretold a day; within what their pages really take."""
    with Log(settings.path) as log, log.transaction():
        log.insert(
            [Reading(f"t{tag}", HOUR + 1_000 * n, n % 97 / 7, 192) for n in range(5 * 3_600 + 1) for tag in range(10)]
        )
    before = used(settings)
    with Reader(settings.path) as reader, Log(settings.path) as log, log.transaction():
        found = columns(reader, [f"t{tag}" for tag in range(10)], 0, 2**60)
        for tag, column in found.items():
            fine = rolled_up(column, MINUTE_MS)
            for width_ms in WIDTHS_MS:
                keep_pages(log.db, paged(coarser(fine, width_ms), log.names.tags[tag], width_ms))
    with Reader(settings.path) as reader:
        told = reader.ask(disk.disk_use).rollup_bytes_a_day

    assert told / 24 * 5 == pytest.approx(used(settings) - before, rel=0.3)


def used(settings: StorageSettings) -> int:
    with Reader(settings.path) as reader:
        return reader.ask(disk.disk_use).bytes
