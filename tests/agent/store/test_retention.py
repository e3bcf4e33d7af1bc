"""What leaves the log is counted, in small steps, and never takes ids or the newest rows with it."""

import pytest

from agent.store.disk import disk_use
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Filled, Record
from agent.store.retention import drop_span, retain
from agent.store.rolled import RolledPage, keep_pages
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading

DAY_MS = 86_400_000
NOON = 1_700_000_000_000
MAX_MS = 2**60


def hour(day: int, tags: int = 2) -> list[Reading]:
    """An hour of readings at the end of a day."""
    return [
        Reading(f"t{tag}", NOON + day * DAY_MS + 1_000 * second, 1.0, 192)
        for second in range(3_600)
        for tag in range(tags)
    ]


async def test_readings_older_than_wanted_are_dropped_and_told(settings: StorageSettings) -> None:
    """By tag, with the range of time and how many of them a receiver still waited for."""
    settings = settings.model_copy(update={"keep_days": 1.5})
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        for day in range(3):
            await store.append(hour(day))
            if day == 0:
                sink.acknowledge(await sink.live(1_000))  # one has gone, then the broker is lost
        dropped = await retain(store, settings, NOON + 2 * DAY_MS + 3_600_000)

        with Reader(settings.path) as reader:
            kept, losses = reader.after(0, 100_000), reader.losses()

    assert dropped == 7_200
    assert {(row.ts_ms - NOON) // DAY_MS for row in kept} == {1, 2}
    assert [(loss.tag, loss.reason, loss.readings, loss.undelivered) for loss in losses] == [
        ("t0", "dropped by retention", 3_600, 3_100),
        ("t1", "dropped by retention", 3_600, 3_100),
    ]
    assert (losses[0].first_ms, losses[0].last_ms) == (NOON, NOON + 3_599_000)


async def test_the_oldest_go_first_beyond_the_size(settings: StorageSettings) -> None:
    """The log stays within the site's megabytes, and the file with it: what was freed is used again."""
    settings = settings.model_copy(update={"max_mb": 1.1})
    async with Store(settings) as store:
        for day in range(12):
            await store.append(hour(day))
            await retain(store, settings, NOON + day * DAY_MS)
        with Reader(settings.path) as reader:
            kept, losses = reader.after(0, 1_000_000), reader.losses()

    assert settings.path.stat().st_size < 1_800_000  # a step's worth above the limit, for the hour that came in
    assert len(kept) + sum(loss.readings for loss in losses) == 12 * 7_200
    assert [row.id for row in kept] == list(range(kept[0].id, 12 * 7_200 + 1))


async def test_rollups_make_room_for_what_was_just_read(settings: StorageSettings) -> None:
    """They stay for a year, and may come to fill the disk alone: readings would go as they come, for nothing."""
    settings = settings.model_copy(update={"max_mb": 2.0, "hold_hours": 24.0})
    with Log(settings.path) as log, log.transaction():
        log.insert(hour(0))
        keep_pages(
            log.db,
            [RolledPage(1, 60_000, NOON - n * 3_600_000, bytes(900), b"", b"", *6 * [None]) for n in range(4_000)],
        )
        log.insert(hour(3))
    async with Store(settings) as store:
        await retain(store, settings, NOON + 3 * DAY_MS)
        with Reader(settings.path) as reader:
            kept = reader.after(0, 100_000)
            rolled = [start for (start,) in reader.ask(lambda db: db.execute("SELECT start_ms FROM rollup").fetchall())]
            used = reader.ask(disk_use).bytes

    assert used <= 2_000_000
    assert {(row.ts_ms - NOON) // DAY_MS for row in kept} == {3}
    assert 500 < len(rolled) < 4_000
    assert sorted(rolled, reverse=True) == [NOON - n * 3_600_000 for n in range(len(rolled))]


async def test_what_was_just_read_goes_where_nothing_else_is_left(settings: StorageSettings) -> None:
    """A limit that is far too small holds all the same."""
    settings = settings.model_copy(update={"max_mb": 1.1})
    with Log(settings.path) as log, log.transaction():
        log.insert(hour(0, tags=20))
        keep_pages(
            log.db, [RolledPage(1, 60_000, NOON - n * 3_600_000, bytes(900), b"", b"", *6 * [None]) for n in range(600)]
        )
    async with Store(settings) as store:
        await retain(store, settings, NOON + DAY_MS)
        with Reader(settings.path) as reader:
            used = reader.ask(disk_use).bytes
            (left,) = reader.ask(lambda db: db.execute("SELECT count(*) FROM rollup").fetchone())

    assert left == 0
    assert used <= 1_100_000


async def test_ids_go_on_where_everything_was_dropped(settings: StorageSettings) -> None:
    """An agent that stood still for months finds only old readings; the newest span stays, and ids after it."""
    settings = settings.model_copy(update={"keep_days": 1.0})
    async with Store(settings) as store:
        await store.append(hour(0))
        await store.append([Reading("t0", NOON + 90 * DAY_MS, 1.0, 192)])
        await retain(store, settings, NOON + 90 * DAY_MS)
        with Reader(settings.path) as reader:
            kept = reader.after(0, 10)

    assert [row.id for row in kept] == [7_201]


async def test_a_clock_that_is_far_ahead_drops_nothing(settings: StorageSettings) -> None:
    """A clock that jumps to 2099 makes everything old; age counts from the newest reading."""
    async with Store(settings) as store:
        await store.append(hour(0))
        await store.append(hour(1))

        assert await retain(store, settings, NOON + 80 * 365 * DAY_MS) == 0


async def test_one_time_ahead_of_the_clock_keeps_nothing_for_ever(settings: StorageSettings) -> None:
    """A device says 2099 once: what was read around it leaves by age as all else does, and not before."""
    settings = settings.model_copy(update={"keep_days": 1.5})
    false = Reading("t0", NOON + 80 * 365 * DAY_MS, 1.0, 192)
    async with Store(settings) as store:
        await store.append([*hour(0, 1), false])
        await store.append([*hour(2, 1), false])
        await store.append(hour(3, 1))
        early = await retain(store, settings, NOON + 3 * DAY_MS)  # readings of the second day are in that span too
        dropped = await retain(store, settings, NOON + 4 * DAY_MS)

    assert (early, dropped) == (0, 4_096)


async def test_what_was_just_read_is_told_in_spite_of_a_time_ahead(settings: StorageSettings) -> None:
    """Counted from 2099 everything would be old, and go before the rollups."""
    settings = settings.model_copy(update={"max_mb": 0.001, "keep_days": 1_000.0})
    with Log(settings.path) as log, log.transaction():
        log.insert(hour(0))
        keep_pages(log.db, [RolledPage(1, 60_000, NOON, b"", b"", b"", *6 * [None])])
        log.insert([Reading("t0", NOON + 80 * 365 * DAY_MS, 1.0, 192)])
        log.insert(hour(1, 1)[:10])

        assert drop_span(log, settings, NOON + 3_600_000) == 0


async def test_a_sink_goes_on_after_what_was_dropped(settings: StorageSettings) -> None:
    """The broker was away for longer than the disk holds: the rest is delivered, nothing waits for what is gone."""
    settings = settings.model_copy(update={"keep_days": 1.5})
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        for day in range(3):
            await store.append(hour(day, tags=1))
        await sink.start()
        await retain(store, settings, NOON + 2 * DAY_MS + 3_600_000)

        found = []
        while batch := await sink.backlog(1_000):
            found += [row.id for row in batch.rows]
            sink.acknowledge(batch)

    assert found == list(range(3_601, 10_801))
    assert sink.behind == 0


async def test_findings_age_too_but_the_newest_of_each_key_stays(settings: StorageSettings) -> None:
    """A curve that was fitted a year ago and still holds is what the station knows."""
    old, new = Record("curve", "p1", NOON - 80 * DAY_MS, b"{}"), Record("curve", "p1", NOON - 70 * DAY_MS, b"{}")
    with Log(settings.path) as log, log.transaction():
        log.insert([Reading("t0", NOON, 1.0, 192)])
    async with Store(settings) as store:
        await store.record([old, new])
        await store.fill([Filled("t0", ts_ms, 1.0, 0.1, "linear", NOON) for ts_ms in (NOON - 40 * DAY_MS, NOON)])
        await retain(store, settings, NOON)

        with Reader(settings.path) as reader:
            assert reader.records("curve", 0, NOON) == [new]
            assert [filled.ts_ms for filled in reader.filled(["t0"], 0, NOON + 1)] == [NOON]


@pytest.mark.parametrize(("now_ms", "whole"), [(NOON + 3 * 3_600_000, 60), (0, 61)], ids=["by the clock", "by none"])
async def test_states_that_newer_ones_replaced_are_kept_once_an_hour_sent_or_not(
    settings: StorageSettings, now_ms: int, whole: int
) -> None:
    """Health alone, every ten seconds, would fill the disk; a journal stays whole, and so do ten minutes.

    A clock that is not believed may stay so for months: ten minutes before the newest record are meant then.
    """
    hours = [
        Record(kind, "p1", NOON + 10_000 * number, b'{"n":%d}' % number)
        for number in range(3 * 360)
        for kind in ("pump", "alarm_event")
    ]
    async with Store(settings) as store:
        await store.sink("mqtt").start()  # a receiver that gets nothing
        await store.append(hour(0))
        await store.record(hours)
        await retain(store, settings, now_ms)
        with Reader(settings.path) as reader:
            states = [one.ts_ms for one in reader.records("pump", 0, MAX_MS)]
            journal = reader.records("alarm_event", 0, MAX_MS)

    times = [NOON + 10_000 * number for number in range(3 * 360)]
    first = {at_ms // 3_600_000: at_ms for at_ms in reversed(times)}
    assert states == sorted({*first.values(), *times[-whole:]})
    assert len(journal) == 3 * 360
