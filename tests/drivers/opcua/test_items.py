"""Status codes, times and repetition of one reported tag."""

import math

import pytest

from drivers.opcua.items import Item, Sample, quality_of
from drivers.reading import Quality, Sourced
from drivers.settings import OpcuaTagSettings

NOW = 1_700_000_000_000
GOOD = 0x0000_0000
UNCERTAIN = 0x4000_0000
BAD = 0x8000_0000
DEFAULTS = {"ahead": 60.0, "behind": 3600.0}  # s


def item(**settings: object) -> Item:
    """An item that is due at every tick, with the limits that a device has where nothing is said."""
    return Item(OpcuaTagSettings.model_validate({"name": "t", "node": "ns=2;s=t", **settings}), 1, **DEFAULTS)


def said(raw: object, *, status: int = GOOD, name: str = "Good", source_ms: int | None = NOW) -> Sample:
    """What a server says."""
    return Sample(raw, status, name, source_ms)


@pytest.mark.parametrize(
    ("status", "name", "quality"),
    [
        (0x0000_0000, "Good", Quality.GOOD),
        (0x0096_0000, "GoodLocalOverride", Quality.LOCAL_OVERRIDE),
        (0x8031_0000, "BadNoCommunication", Quality.COMM_FAILURE),
        (0x808A_0000, "BadNotConnected", Quality.DEVICE_FAILURE),
        (0x808B_0000, "BadDeviceFailure", Quality.DEVICE_FAILURE),
        (0x808C_0000, "BadSensorFailure", Quality.SENSOR_FAILURE),
        (0x808D_0000, "BadOutOfService", Quality.OUT_OF_SERVICE),
        (0x4090_0000, "UncertainLastUsableValue", Quality.LAST_USABLE),
        (0x00AA_0000, "GoodSomethingNew", Quality.GOOD),
        (0x40AA_0000, "UncertainSomethingNew", Quality.UNCERTAIN),
        (0x80AA_0000, "BadSomethingNew", Quality.BAD),
        (0xC000_0000, "Reserved", Quality.BAD),
    ],
)
def test_a_status_code_becomes_the_quality_of_the_same_meaning(status: int, name: str, quality: int) -> None:
    """And one we do not know still says good, uncertain or bad in its upper two bits."""
    assert quality_of(status, name) == quality


def test_a_bad_value_is_not_repeated_as_good() -> None:
    """Not even when the server sends the last value along."""
    one = item()
    one.report(said(1.0), NOW)
    one.report(said(1.0, status=BAD, name="BadNoCommunication", source_ms=NOW + 1), NOW + 1)

    polls = [one.readings(tick, NOW + tick, NOW + tick, None)[-1] for tick in (1, 2)]

    assert {reading[2:] for reading in polls} == {(None, Quality.COMM_FAILURE, "BadNoCommunication")}


def test_an_uncertain_value_is_kept_and_says_why() -> None:
    """The last usable value of a failed sensor is worth showing, as what it is."""
    one = item()
    one.report(said(1.5, status=UNCERTAIN, name="UncertainLastUsableValue"), NOW)

    assert one.readings(0, NOW, NOW, None) == [("t", NOW, 1.5, Quality.LAST_USABLE, "UncertainLastUsableValue")]


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (True, 1, None),
        (7, 7, None),
        (1.5, 1.5, None),
        ("on", "on", None),
        (None, None, "no value"),
        (math.nan, None, "not a number"),
        ([1.0, 2.0], None, "a list is no number and no text"),
    ],
)
def test_a_value_is_a_number_or_a_text_or_bad(raw: object, value: object, reason: str | None) -> None:
    """Nothing else fits into the log."""
    one = item()
    one.report(said(raw), NOW)

    (reading,) = one.readings(0, NOW, NOW, None)

    assert (reading.value, type(reading.value), reading.reason) == (value, type(value), reason)


def test_scale_range_and_sentinel_hold_here_too() -> None:
    """A server may pass raw values on."""
    one = item(scale=0.1, sentinels=[32_767], valid_max=100)
    for raw in (253, 32_767, 1001):
        one.report(said(raw), NOW)

    assert [(reading.value, reading.quality) for reading in one.readings(0, NOW, NOW, None)] == [
        (25.3, Quality.GOOD),
        (None, Quality.SENSOR_FAILURE),
        (None, Quality.BAD),
    ]


def test_reports_keep_their_sources_times_and_all_arrive() -> None:
    """Three changes between two polls are three readings."""
    one = item()
    for index in range(3):
        one.report(said(index, source_ms=NOW - 10 * (3 - index)), NOW)

    assert [reading[1:3] for reading in one.readings(0, NOW, NOW, None)] == [
        (NOW - 30, 0),
        (NOW - 20, 1),
        (NOW - 10, 2),
    ]


def test_a_source_time_in_the_future_is_not_believed() -> None:
    """A server an hour ahead would hide all later values of others; one 60 s ahead may pass."""
    one = item()
    one.report(said(1.0, source_ms=NOW + 3_600_000), NOW)
    one.report(said(2.0, source_ms=NOW + 60_000), NOW)

    first, second = one.readings(0, NOW, NOW, None)

    assert first == ("t", NOW, 1.0, Quality.UNCERTAIN, "source time is 3600 s ahead of ours")
    assert second == ("t", NOW + 60_000, 2.0, Quality.GOOD, None)


def test_a_value_without_a_report_stands_at_the_last_sign_of_life() -> None:
    """A change just before it may still be on its way, with a source time after it."""
    one = item()
    one.report(said(1.0), NOW)
    one.readings(0, NOW, NOW, None)

    (reading,) = one.readings(1, NOW + 900, NOW + 1000, None)

    assert reading == ("t", NOW + 900, 1.0, Quality.GOOD, None)


def test_no_two_readings_of_a_tag_have_the_same_time() -> None:
    """A receiver drops duplicates by tag and time, so without a sign of life since, it is now."""
    one = item()
    one.report(said(1.0), NOW)

    stamps = [reading.ts_ms for tick in range(3) for reading in one.readings(tick, NOW, NOW + 1000 * tick, None)]

    assert stamps == [NOW, NOW + 1000, NOW + 2000]


def test_what_was_asked_for_is_current_however_long_it_has_not_changed() -> None:
    """A setpoint of last week is a reading of now, and the first report of it is not another."""
    last_week = NOW - 604_800_000
    one = item()
    one.seed(said(4.0, source_ms=last_week), NOW)
    one.report(said(4.0, source_ms=last_week), NOW + 1)
    one.report(said(5.0, source_ms=NOW + 2), NOW + 3)

    assert [reading[1:3] for reading in one.readings(0, NOW, NOW, None)] == [(NOW, 4.0), (NOW + 2, 5.0)]


def test_a_server_without_source_times_is_not_read_twice() -> None:
    """What was asked for and then reported is one reading, though no time shows that it is."""
    one = item()
    one.seed(said(4.0, source_ms=None), NOW)
    one.report(said(4.0, source_ms=None), NOW + 1)
    one.report(said(5.0, source_ms=None), NOW + 2)

    assert [reading[1:3] for reading in one.readings(0, NOW, NOW, None)] == [(NOW, 4.0), (NOW + 2, 5.0)]


def test_without_proof_nothing_stands() -> None:
    """The last value is not repeated as if fresh when nobody vouches for it."""
    one = item()
    one.report(said(1.0), NOW)
    one.readings(0, NOW, NOW, None)

    (reading,) = one.readings(1, NOW, NOW + 9000, (Quality.COMM_FAILURE, "no keep-alive"))

    assert reading == ("t", NOW + 9000, None, Quality.COMM_FAILURE, "no keep-alive")


def test_a_slow_tag_is_repeated_at_its_own_period() -> None:
    """Changes are passed on at once, whatever the tick."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 10, **DEFAULTS)
    one.report(said(1.0), NOW)
    polls = [one.readings(tick, NOW + tick, NOW + tick, None) for tick in range(12)]
    one.report(said(2.0, source_ms=NOW + 13), NOW + 13)

    assert [tick for tick, readings in enumerate(polls) if readings] == [0, 10]
    assert [reading.value for reading in one.readings(13, NOW + 13, NOW + 13, None)] == [2.0]


def test_a_change_that_is_said_to_be_hours_old_is_not_believed() -> None:
    """A controller whose clock stands still; a value that was asked for may be as old as it likes."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 1, **DEFAULTS)
    one.seed(said(1.0, source_ms=NOW - 86_400_000), NOW)
    asked = one.readings(0, NOW, NOW, None)
    one.report(said(2.0, source_ms=NOW - 7_200_000), NOW + 1)
    reported = one.readings(1, NOW, NOW + 1, None)

    assert [reading[1:] for reading in asked] == [(NOW, 1.0, Quality.GOOD, None)]
    assert [reading[1:] for reading in reported] == [
        (NOW + 1, 2.0, Quality.UNCERTAIN, "source time is 7200 s behind ours")
    ]


def test_a_value_asked_for_from_a_clock_that_is_ahead_is_doubted_from_the_start() -> None:
    """As its changes will be: the tag does not become uncertain only once it moves."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 1, **DEFAULTS)
    one.seed(said(1.0, source_ms=NOW + 7_200_000), NOW)

    (reading,) = one.readings(0, NOW, NOW, None)

    assert reading[1:] == (NOW, 1.0, Quality.UNCERTAIN, "source time is 7200 s ahead of ours")


def test_what_a_look_saw_counts_until_it_is_reported() -> None:
    """The reading is the value seen, when it changed; of the reports that follow, those of other changes are kept."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 1, **DEFAULTS)
    one.seed(said(1.0, source_ms=NOW - 10), NOW)
    one.readings(0, NOW, NOW, None)
    is_news = one.glimpse(said(3.0, source_ms=NOW + 30))
    seen = one.readings(1, NOW + 5, NOW + 40, None)
    one.report(said(2.0, source_ms=NOW + 20), NOW + 50)
    one.report(said(3.0, source_ms=NOW + 30), NOW + 50)
    reported = one.readings(2, NOW + 50, NOW + 60, None)
    after = one.readings(3, NOW + 70, NOW + 80, None)

    assert is_news
    assert [(reading.ts_ms, reading.value) for reading in seen] == [(NOW + 30, 3.0)]
    assert [(reading.ts_ms, reading.value) for reading in reported] == [(NOW + 20, 2.0)]
    assert [reading.value for reading in after] == [3.0]
    assert not one.glimpse(said(3.0, source_ms=NOW + 30))


def test_times_of_a_slow_counter_ascend_although_a_look_sees_its_changes_first() -> None:
    """A report that comes after the look would be late by its source's time, and quality blame the meter for it."""
    one = item()
    one.seed(said(7.0, source_ms=NOW - 10), NOW)
    one.readings(0, NOW, NOW, None)
    one.glimpse(said(8.0, source_ms=NOW + 1_500))
    seen = one.readings(1, NOW, NOW + 2_000, None)
    unreported = one.readings(2, NOW, NOW + 4_000, None)
    one.report(said(8.0, source_ms=NOW + 1_500), NOW + 5_000)
    reported = one.readings(3, NOW + 5_500, NOW + 6_000, None)

    told = [(reading.ts_ms - NOW, reading.value) for reading in (*seen, *unreported, *reported)]
    assert told == [(1_500, 8.0), (4_000, 8.0), (5_500, 8.0)]
    assert [isinstance(reading, Sourced) for reading in (*seen, *unreported)] == [True, False]  # whose time it is


def test_a_look_that_sees_the_same_again_has_our_time_although_another_change_was_reported_between() -> None:
    """Twice at one instant, the second would be dropped as known, and the value between would stand."""
    one = item()
    one.seed(said(1.0, source_ms=NOW - 10), NOW)
    one.readings(0, NOW, NOW, None)
    told = []
    for tick, step in enumerate((30, 20, 30), 1):
        sample = said(step / 10, source_ms=NOW + step)
        if step == 20:
            one.report(sample, NOW + 50)
        else:
            one.glimpse(sample)
        told += one.readings(tick, NOW + 20 * tick, NOW + 20 + 20 * tick, None)

    assert [(reading.ts_ms - NOW, reading.value) for reading in told] == [(30, 3.0), (20, 2.0), (80, 3.0)]


@pytest.mark.parametrize(
    ("source_ms", "behind"), [(NOW - 5, 60.0), (NOW + 3_000, 60.0), (None, 60.0), (NOW + 900, 1.0)]
)
def test_what_a_look_saw_has_our_time_where_its_sources_would_not_come_next(
    source_ms: int | None, behind: float
) -> None:
    """Older than what stood since, ahead of us, none at all, or further behind than is believed."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 1, ahead=60.0, behind=behind)
    one.seed(said(7.0, source_ms=NOW - 10), NOW)
    one.readings(0, NOW, NOW, None)
    one.glimpse(said(8.0, source_ms=source_ms))

    assert [reading.ts_ms for reading in one.readings(1, NOW, NOW + 2_000, None)] == [NOW + 2_000]


def test_without_signs_of_life_a_value_is_doubted_before_it_is_given_up() -> None:
    """It stays beside its doubt; a value that was bad already does not become better by it."""
    one = Item(OpcuaTagSettings(name="t", node="ns=2;s=t"), 1, **DEFAULTS)
    one.seed(said(1.0), NOW)
    one.readings(0, NOW, NOW, None)

    doubted = one.readings(1, NOW, NOW + 1, (Quality.LAST_USABLE, "silence"))
    lost = one.readings(2, NOW, NOW + 2, (Quality.COMM_FAILURE, "long silence"))

    assert [reading[2:] for reading in doubted] == [(1.0, Quality.LAST_USABLE, "silence")]
    assert [reading[2:] for reading in lost] == [(None, Quality.COMM_FAILURE, "long silence")]
