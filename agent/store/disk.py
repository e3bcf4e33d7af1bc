"""What the store takes of the disk, and when it will be as large as it may be."""

import sqlite3
from typing import NamedTuple

from agent.store.losses import DAY_MS
from agent.store.rolled import MINUTE_MS
from agent.store.rows import sealed_upto
from agent.store.sealable import BLOCK_ROWS, TAG_ROWS
from agent.store.settings import StorageSettings

MEGABYTE = 1_000_000
HOUR_MS = 3_600_000
HOT_BYTES = 32.0  # of a reading in the table, its page and the zone map; measured by tests.benchmarks.week
SEALED_BYTES = 0.6  # the same sealed, as long as nothing has been
CHUNK_BYTES = 64  # of a chunk, besides its strips: numbers, headers, its place in the index
ROLLED_BYTES = 60  # of a page of a rollup, besides its strips: numbers, headers, its places in two indexes
WIDER = 1.08  # rollups of all widths take so much more than those of minutes
FILLED = 0.8  # of a page, where chunks are added at the end; measured by tests.benchmarks.store
ROLLED_FILLED = 0.7  # the same of rollups, whose newest pages are written anew; measured by tests.benchmarks.week
RECENT_BLOCKS = 4


class DiskUse(NamedTuple):
    """What lies in the store; counts of readings are exact but for holes, sizes of them are estimated."""

    bytes: int  # of the pages that hold something
    file_bytes: int  # of all pages; free ones are used again
    hot_readings: int
    sealed_readings: int
    sealed_bytes: float  # of one sealed reading, with its time and quality
    readings_a_day: float  # appended, of the last day
    record_bytes_a_day: float
    rollup_bytes_a_day: float
    waiting_readings: int  # that are old enough to be sealed, at most: a block that fills while one is being sealed


class DiskForecast(NamedTuple):
    """What becomes of it if all goes on like the last day."""

    hot_bytes: float  # of one reading as it is written
    sealed_bytes: float  # of one reading later
    growth_mb: float  # a day, rollups included, while nothing is old enough to be dropped
    settled_mb: float  # at most, once as much is dropped as comes; it may be above `storage.max_mb`
    full_days: float | None  # until `storage.max_mb` is reached and the oldest go early; None for never


def disk_use(db: sqlite3.Connection) -> DiskUse:
    """Look at the store; reads little even where it is large."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    newest_ms = db.execute("SELECT max(max_ms) FROM span").fetchone()[0] or 0
    sealed, hot = db.execute(COUNTS, (sealed_upto(db),)).fetchone()
    recent, first_ms = db.execute(RECENT, (newest_ms - DAY_MS,)).fetchone()
    days = max(newest_ms - max(first_ms or newest_ms, newest_ms - DAY_MS), 60_000) / DAY_MS
    records = db.execute(RECORDS, (newest_ms - round(days * DAY_MS),)).fetchone()[0]
    hours, rolled, content = db.execute(
        ROLLED, (MINUTE_MS, newest_ms - HOUR_MS - DAY_MS, newest_ms - HOUR_MS)
    ).fetchone()
    return DiskUse(
        bytes=(pages - free) * size,
        file_bytes=pages * size,
        hot_readings=hot or 0,
        sealed_readings=sealed or 0,
        sealed_bytes=_sealed_bytes(db),
        readings_a_day=(recent or 0) / days,
        record_bytes_a_day=(records or 0) / days,
        waiting_readings=2 * min(BLOCK_ROWS, TAG_ROWS * db.execute("SELECT count(*) FROM tag").fetchone()[0]),
        rollup_bytes_a_day=((content or 0) + ROLLED_BYTES * rolled) * WIDER / ROLLED_FILLED * 24 / max(1, hours),
    )


def disk_forecast(use: DiskUse, settings: StorageSettings) -> DiskForecast:
    """What becomes of the store at these settings.

    >>> use = DiskUse(700_000_000, 800_000_000, 2_000_000, 600_000_000, 0.5, 20_000_000, 5_000_000, 1_000_000, 100_000)
    >>> disk_forecast(use, StorageSettings(keep_days=100, max_mb=3_000))
    DiskForecast(hot_bytes=32.0, sealed_bytes=0.5, growth_mb=16.0, settled_mb=1956.5, full_days=None)
    >>> disk_forecast(use, StorageSettings(keep_days=1000, max_mb=1_020)).full_days
    20.0
    """
    growth = (use.readings_a_day * use.sealed_bytes + use.record_bytes_a_day) / MEGABYTE
    rolled = use.rollup_bytes_a_day / MEGABYTE
    hot = (use.readings_a_day / 24 * settings.hot_hours + use.waiting_readings) * HOT_BYTES / MEGABYTE
    settled = growth * settings.keep_days + rolled * settings.keep_rollup_days + hot
    full = None
    if settled > settings.max_mb:
        room = max(0.0, settings.max_mb - use.bytes / MEGABYTE)
        full = room / (growth + rolled) if growth + rolled > 0 else 0.0
        if full > settings.keep_days and rolled > 0:  # from then on rollups alone grow
            full = settings.keep_days + (room - settings.keep_days * (growth + rolled)) / rolled
    return DiskForecast(HOT_BYTES, use.sealed_bytes, round(growth + rolled, 3), round(settled, 1), full)


def _sealed_bytes(db: sqlite3.Connection) -> float:
    """Bytes of a sealed reading in the newest blocks."""
    blocks = db.execute("SELECT DISTINCT block FROM chunk ORDER BY block DESC LIMIT ?", (RECENT_BLOCKS,)).fetchall()
    content = readings = 0
    for (block,) in blocks:
        chunks, rows, count = db.execute(CHUNKS, (block,)).fetchone()
        strips = db.execute("SELECT sum(length(body)) + 12 * count(*) FROM strip WHERE block = ?", (block,)).fetchone()[
            0
        ]
        content += chunks + CHUNK_BYTES * count + strips
        readings += rows
    return content / FILLED / readings if readings else SEALED_BYTES


COUNTS = """
SELECT sum((last - first + 1) * (last <= ?1)), sum((last - first + 1) * (last > ?1)) FROM span
"""
RECENT = "SELECT sum(last - first + 1), min(min_ms) FROM span WHERE max_ms >= ? AND NOT imported"
RECORDS = "SELECT sum(length(body) + length(kind) + length(key) + 60) FROM record WHERE ts_ms >= ?"
ROLLED = """
SELECT count(DISTINCT start_ms), count(*),
    sum(length(places) + length(counts) + length(goods) + coalesce(length(minima), 0)
    + coalesce(length(means), 0) + coalesce(length(maxima), 0) + coalesce(length(firsts), 0)
    + coalesce(length(lasts), 0) + coalesce(length(rises), 0))
FROM rollup WHERE width_ms = ? AND start_ms > ? AND start_ms <= ?
"""
CHUNKS = """
SELECT sum(length(kinds) + coalesce(length(codes), 0) + coalesce(length(reals), 0)
    + coalesce(length(integers), 0) + coalesce(length(texts), 0)), sum(rows), count(*)
FROM chunk WHERE block = ?
"""
