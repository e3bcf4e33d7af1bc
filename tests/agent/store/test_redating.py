"""Readings that were stamped by a wrong clock, and how they come to their true time."""

import pytest

from agent.store.columns import columns
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.redating import forget_anchors, open_anchor, redate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Quality, Reading, Sourced

NOW = 1_772_366_400_000  # 2026-03-01 12:00 UTC
THEN = 17_300  # 17.3 s after the beginning of 1970, where a clock without a battery begins
STEP = NOW - THEN
DOUBT = "clock not synchronised"


def flow(second: int, *, start_ms: int = THEN, reason: str | None = DOUBT) -> Reading:
    """A reading in doubt, unless told otherwise."""
    quality = Quality.UNCERTAIN if reason else Quality.GOOD
    return Reading("flow", start_ms + 1000 * second, float(second), quality, reason)


def opened(log: Log, *, boot: str = "now", offset_ms: int = 0) -> None:
    with log.transaction():
        open_anchor(log, boot, offset_ms)


def append(log: Log, *readings: Reading) -> None:
    with log.transaction():
        log.insert(readings)


def dated(log: Log, boot: str = "now", offset_ms: int = STEP) -> int:
    """Date all there is, a transaction a part; how many readings have been moved."""
    rows = 0
    while True:
        with log.transaction():
            done = redate(log, boot, offset_ms, ())
        if done is None:
            return rows
        rows += done.rows


def date_and_crash(log: Log) -> None:
    with log.transaction():
        redate(log, "now", STEP, ())
        raise RuntimeError("power cut")


def test_doubtful_readings_move_to_their_true_time_and_say_so(settings: StorageSettings) -> None:
    """Value and order stay; a window of the true time finds them, one of 1970 finds nothing."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log)
        append(log, flow(0), flow(1))
        append(log, flow(3, start_ms=NOW, reason=None))
        moved = dated(log)
        rows = reader.after(0, 9)

        assert moved == 2
        assert [(row.ts_ms - NOW, row.value, row.quality) for row in rows] == [
            (0, 0, 64),
            (1000, 1, 64),
            (3000, 3, 192),
        ]
        assert [row.reason for row in rows] == [f"re-dated by +{STEP / 1000:.1f} s"] * 2 + [None]
        assert reader.window(["flow"], 0, 86_400_000) == []
        assert columns(reader, ["flow"], NOW, NOW + 9_000)["flow"].times_ms.tolist() == [NOW, NOW + 1000, NOW + 3000]


@pytest.mark.parametrize("leap", [0, 1_795_298_658_000_000])
def test_numbers_that_have_leapt_are_dated_in_as_many_parts(settings: StorageSettings, leap: int) -> None:
    """Where the disk has refused for a while, numbers go on from the microseconds since 1970."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log)
        append(log, flow(0))
        with log.transaction():
            log.go_on_after(log.last_id + leap)
        append(log, *(flow(second) for second in range(1, 5_000)))
        parts = 0
        while parts < 9 and _redated(log):
            parts += 1
        times = [row.ts_ms for row in reader.after(0, 9_999)]

        assert parts == 2
        assert times == [NOW + 1000 * second for second in range(5_000)]


def _redated(log: Log) -> bool:
    with log.transaction():
        return redate(log, "now", STEP, ()) is not None


def test_a_bad_reading_keeps_its_reason_beside_the_doubt(settings: StorageSettings) -> None:
    """Why it is bad is worth more to a technician than when."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log)
        append(log, Reading("flow", THEN, None, Quality.BAD, f"no answer; {DOUBT}"))
        dated(log)

        assert reader.after(0, 9)[0][2:] == (NOW, None, 0, f"no answer; re-dated by +{STEP / 1000:.1f} s")


def test_what_has_no_doubt_stays_where_it_is(settings: StorageSettings) -> None:
    """Source times of OPC UA among the others, and imported history that came in meanwhile."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log)
        append(log, flow(0), Sourced("level", NOW + 5, 2.5, Quality.GOOD), flow(1))
        with log.transaction():
            log.insert([Reading("flow", NOW - 86_400_000, 9.0, Quality.GOOD)], imported=True)
        moved = dated(log)

        assert moved == 2
        assert [(row.tag, row.ts_ms - NOW) for row in reader.after(0, 9)] == [
            ("flow", 0),
            ("level", 5),
            ("flow", 1000),
            ("flow", -86_400_000),
        ]


def test_each_part_between_two_steps_moves_by_its_own_step(settings: StorageSettings) -> None:
    """Somebody sets the clock, an hour wrong, before the time service comes: both parts end where they belong."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log, offset_ms=0)
        append(log, flow(0))
        opened(log, offset_ms=STEP + 3_600_000)
        append(log, flow(1, start_ms=NOW + 3_600_000))
        dated(log)
        rows = reader.after(0, 9)

        assert [row.ts_ms - NOW for row in rows] == [0, 1000]
        assert rows[1].reason == "re-dated by -3600.0 s"


def test_readings_of_an_earlier_start_of_the_machine_stay_in_doubt(settings: StorageSettings) -> None:
    """Nothing says how long it was off; a wrong date that looks right would be worse."""
    with Log(settings.path) as log, Reader(settings.path) as reader:
        opened(log, boot="before")
        append(log, flow(0))
        opened(log, boot="now")
        append(log, flow(0))
        moved = dated(log)
        with log.transaction():
            left = forget_anchors(log, "now")

        assert (moved, left) == (1, 1)
        assert [(row.ts_ms, row.reason) for row in reader.after(0, 1)] == [(THEN, DOUBT)]


def test_a_crash_in_the_middle_leaves_nothing_out_and_moves_nothing_twice(settings: StorageSettings) -> None:
    """Every part is a transaction with the note of where the next one begins."""
    with Log(settings.path) as log:
        opened(log)
        append(log, *(flow(second) for second in range(10_000)))
        with log.transaction():
            redate(log, "now", STEP, ())
        with pytest.raises(RuntimeError, match="power cut"):
            date_and_crash(log)
    with Log(settings.path) as log, Reader(settings.path) as reader:
        rest = dated(log)
        column = columns(reader, ["flow"], NOW, NOW + 10_000_000)["flow"]

        assert rest == 10_000 - 4096
        assert (column.times_ms == NOW + 1000 * column.values).all()
        assert len(column.times_ms) == 10_000


def test_the_zone_map_and_the_latest_values_stay_right(settings: StorageSettings) -> None:
    """A span that still claimed 1970 would be visited by no query of today; retention would drop it at once."""
    with Log(settings.path) as log:
        opened(log)
        append(log, flow(0), flow(1))
        dated(log)
        newest = [row.ts_ms for row in log.latest()]
        append(log, Reading("level", NOW + 2000, 1.0, Quality.GOOD))
        spans = log.db.execute("SELECT first, last, min_ms, max_ms FROM span").fetchall()
    with Log(settings.path) as log:
        newest_later = [row.ts_ms for row in log.latest() if row.tag == "flow"]

    assert newest == newest_later == [NOW + 1000]
    assert spans == [(1, 3, NOW, NOW + 2000)]


async def test_receivers_get_them_again_with_their_true_time(settings: StorageSettings) -> None:
    """Those delivered already come again behind the backlog; those not yet sent come with the true time only."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.write(lambda log: open_anchor(log, "now", 0))
        await store.append([flow(0), flow(1)])
        sink.acknowledge(await sink.live(9))
        await store.append([flow(2)])
        done = await store.redate("now", STEP)
        unsent = await sink.live(9)
        again = await sink.backlog(9)
        assert again is not None
        sink.acknowledge(again)
        sink.acknowledge(unsent)
        nothing = await sink.backlog(9)

    assert done is not None
    assert [row.ts_ms - NOW for row in unsent.rows] == [2000]
    assert [row.ts_ms - NOW for row in again.rows] == [0, 1000, 2000]
    assert (nothing, sink.behind) == (None, 0)


async def test_what_is_to_come_again_survives_a_restart(settings: StorageSettings) -> None:
    """The broker may be away when the clock comes right."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.write(lambda log: open_anchor(log, "now", 0))
        await store.append([flow(0), flow(1)])
        sink.acknowledge(await sink.live(9))
        await store.redate("now", STEP)
    async with Store(settings) as store:
        await store.append([flow(3, start_ms=NOW, reason=None)])
        sink = store.sink("mqtt")
        await sink.start()
        held = await sink.backlog(9)

    assert held is not None
    assert [row.ts_ms - NOW for row in held.rows] == [0, 1000, 3000]


async def test_an_outage_that_is_being_made_up_for_goes_first(settings: StorageSettings) -> None:
    """Rows in the air are waited for: acknowledgements move a place, and a place goes forward only."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.write(lambda log: open_anchor(log, "now", 0))
        await store.append([flow(0), flow(1)])
        await sink.start()
        in_the_air = await sink.backlog(9)
        assert in_the_air is not None
        await store.redate("now", STEP)
        nothing_yet = await sink.backlog(9)
        sink.acknowledge(in_the_air)
        await sink.held_back()
        again = await sink.backlog(9)

    assert [row.ts_ms for row in in_the_air.rows] == [THEN, THEN + 1000]
    assert nothing_yet is None
    assert again is not None
    assert [row.ts_ms - NOW for row in again.rows] == [0, 1000]


async def test_alarms_are_not_judged_again(settings: StorageSettings) -> None:
    """An alarm that was raised and acknowledged would come back because of a clock."""
    async with Store(settings) as store:
        sink = store.sink("alarms")
        await sink.start()
        await store.write(lambda log: open_anchor(log, "now", 0))
        await store.append([flow(0)])
        sink.acknowledge(await sink.live(9))
        await store.redate("now", STEP)
        again = await sink.backlog(9)
    async with Store(settings) as store:
        sink = store.sink("alarms")
        await sink.start()

        assert (again, await sink.backlog(9)) == (None, None)
