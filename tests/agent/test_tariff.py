"""The station's days and what a kilowatt-hour costs in them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import ValidationError

from agent import tariff
from agent.settings import AgentSettings
from agent.tariff_settings import Day, TariffBand, TariffSettings

HOUR_MS = 3_600_000
BERLIN = ZoneInfo("Europe/Berlin")


def utc_ms(text: str) -> int:
    """An instant in UTC."""
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "begin", "end"),
    [
        ("UTC", "2026-03-10T00:00", "2026-03-11T00:00"),
        ("Asia/Kolkata", "2026-03-09T18:30", "2026-03-10T18:30"),
        ("America/New_York", "2026-01-10T05:00", "2026-01-11T05:00"),
        ("Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        ("Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25
        ("Australia/Lord_Howe", "2026-04-04T13:00", "2026-04-05T13:30"),  # 24 and a half
        ("America/Santiago", "2026-09-06T04:00", "2026-09-07T03:00"),  # its clocks never show 00:00
        ("America/Havana", "2026-11-01T04:00", "2026-11-02T05:00"),  # they show it twice
    ],
)
def test_a_day_is_from_midnight_to_midnight_by_the_clock_on_the_wall(zone: str, begin: str, end: str) -> None:
    """Every instant of a day finds the same two midnights, also in an hour that comes twice."""
    begin_ms, end_ms = utc_ms(begin), utc_ms(end)

    found = {tariff.midnights_ms(ts_ms, ZoneInfo(zone)) for ts_ms in range(begin_ms, end_ms, HOUR_MS // 4)}

    assert found | {tariff.midnights_ms(end_ms - 1, ZoneInfo(zone))} == {(begin_ms, end_ms)}
    assert tariff.midnights_ms(end_ms, ZoneInfo(zone))[0] == end_ms


@pytest.mark.parametrize(("begin", "hours"), [("2026-03-28T23:00", 5), ("2026-10-24T22:00", 7)])
def test_a_band_is_by_the_clock_on_the_wall(begin: str, hours: int) -> None:
    """The night until six has five or seven hours where clocks change; the next one has six again."""
    settings = TariffSettings.model_validate({"price": 0.2, "band": [{"price": 0.1, "end": "06:00"}]})
    times_ms = utc_ms(begin) + np.arange(30 * 60) * 60_000

    prices = tariff.prices(settings, times_ms, BERLIN)

    cheap = np.flatnonzero(prices == 0.1)
    assert len(cheap[cheap < 12 * 60]) == hours * 60
    assert cheap[hours * 60 - 1] == hours * 60 - 1
    assert cheap[hours * 60] == (18 + hours) * 60
    assert set(prices) == {0.1, 0.2}


def test_a_band_of_one_weekday_begins_at_the_stations_midnight() -> None:
    """Sunday in Berlin begins while it is still Saturday in UTC."""
    settings = TariffSettings.model_validate({"price": 0.2, "band": [{"price": 0.1, "days": ["sun"]}]})

    assert tariff.price(settings, utc_ms("2026-03-28T22:59"), BERLIN) == 0.2
    assert tariff.price(settings, utc_ms("2026-03-28T23:00"), BERLIN) == 0.1


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize(
    ("bands", "hole"),
    [
        ([(WEEK, "00:00", "24:00")], None),
        ([(WEEK, "06:00", "22:00"), (WEEK, "22:00", "24:00"), (WEEK, "00:00", "06:00")], None),
        ([(WEEK[:5], "00:00", "24:00")], "sat 00:00"),
        ([(WEEK, "00:00", "06:00"), (WEEK, "06:30", "24:00")], "mon 06:00"),
        ([(WEEK, "00:00", "23:59")], "mon 23:59"),
    ],
)
def test_bands_need_a_base_price_unless_they_cover_the_week(
    bands: list[tuple[tuple[Day, ...], str, str]], hole: str | None
) -> None:
    """Hours in which energy costs nothing are the hours in which advice would have every pump run."""
    found = tuple(TariffBand(price=0.2, days=days, start=start, end=end) for days, start, end in bands)
    if hole is None:
        assert TariffSettings(band=found).price == 0.0
        return
    with pytest.raises(ValidationError, match=f"no band sets a price from {hole}"):
        TariffSettings(band=found)
    assert TariffSettings(band=found, price=0.1).price == 0.1


def test_a_markets_prices_go_before_bands_as_far_as_they_are_listed() -> None:
    """Each holds until the next, the last for the usual spacing; after that the band counts again."""
    settings = TariffSettings.model_validate(
        {
            "price": 0.2,
            "band": [{"price": 0.1, "start": "00:00", "end": "06:00"}],
            "spot": [
                ["2026-03-10T01:00:00+01:00", 0.05],
                ["2026-03-10T02:00:00+01:00", -0.01],
            ],
        }
    )
    times_ms = utc_ms("2026-03-09T23:30") + np.arange(10) * HOUR_MS // 2

    prices = tariff.prices(settings, times_ms, BERLIN)

    assert prices.tolist() == [0.1, 0.05, 0.05, -0.01, -0.01, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert tariff.price(settings, int(times_ms[3]), BERLIN) == -0.01


def test_a_gap_in_a_market_list_has_the_usual_price() -> None:
    """A day that is missing is not paid by the last hour of the day before."""
    hours = (22, 23, 24 + 24, 24 + 25, 24 + 26)
    times_ms = utc_ms("2026-03-10T00:00") + np.array(hours) * HOUR_MS
    spot = [[datetime.fromtimestamp(ts_ms / 1000, UTC), -0.2] for ts_ms in times_ms.tolist()]
    settings = TariffSettings.model_validate({"price": 0.3, "spot": spot})

    looked_at_ms = utc_ms("2026-03-10T00:30") + np.arange(21, 53) * HOUR_MS
    prices = tariff.prices(settings, looked_at_ms, BERLIN)

    assert [hour for hour, price in zip(range(21, 53), prices, strict=True) if price < 0] == [*hours]


def berlin(spot: list[list[object]]) -> AgentSettings:
    """A station there."""
    station = {"name": "s", "time_zone": "Europe/Berlin"}
    tag = {"name": "flow", "address": "holding:0", "unit": "m3/h"}
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": [tag]}
    told = {"station": station, "device": [device], "tariff": {"price": 0.3, "spot": spot}}
    return AgentSettings.model_validate(told)


@pytest.mark.parametrize("time", ["2026-03-29T02:00", "2026-03-29T02:45", "2026-10-25T02:00", "2026-10-25T02:45"])
def test_times_that_clocks_skip_or_show_twice_need_an_offset(time: str) -> None:
    """Which instant is meant cannot be known."""
    with pytest.raises(ValidationError, match=f"has {time}, which the clocks of Europe/Berlin skip or show twice"):
        berlin([[time, 0.1]])

    assert berlin([[f"{time}+02:00", 0.1]])


def test_times_beside_a_change_of_clocks_are_clear() -> None:
    """Three follows one at once in March."""
    assert berlin([["2026-03-29T01:45", 0.1], ["2026-03-29T03:00", 0.1], ["2026-10-25T01:45", 0.1]])
    assert berlin([["2026-10-25T03:00", 0.1]])


def test_market_prices_without_an_offset_are_by_the_stations_clock() -> None:
    """Two in the night of Berlin is one o'clock UTC; a quarter of an hour lasts one."""
    spot = [["2026-03-10T02:00", 0.05], ["2026-03-10T02:15", 0.07]]
    settings = TariffSettings.model_validate({"price": 0.2, "spot": spot})
    times_ms = utc_ms("2026-03-10T00:45") + np.arange(5) * HOUR_MS // 4

    assert tariff.prices(settings, times_ms, BERLIN).tolist() == [0.2, 0.05, 0.07, 0.2, 0.2]


@pytest.mark.parametrize(
    ("spot", "said"),
    [
        ([["2026-03-10T02:00", 0.05], ["2026-03-10T01:00", 0.07]], "must rise in time"),
        ([["2026-03-10T02:00", 0.05], ["2026-03-10T02:00", 0.07]], "must rise in time"),
        ([["2026-03-10T02:00", 0.05], ["2026-03-10T03:00Z", 0.07]], "times with an offset and times without"),
    ],
)
def test_a_market_list_that_cannot_be_read_in_one_way_is_refused(spot: list[list[object]], said: str) -> None:
    """A price that counts twice, or never, would be advised by."""
    with pytest.raises(ValidationError, match=said):
        TariffSettings.model_validate({"price": 0.2, "spot": spot})


def test_a_market_list_does_not_stand_alone() -> None:
    """It ends some day; what energy costs then has to be there, or it would seem to cost nothing."""
    with pytest.raises(ValidationError, match="no band sets a price"):
        TariffSettings.model_validate({"spot": [["2026-03-10T02:00", 0.05]]})


def test_a_month_begins_at_the_stations_midnight() -> None:
    """The demand meter of Berlin begins March an hour before that of Greenwich."""
    assert tariff.month_ms(utc_ms("2026-02-28T23:30"), BERLIN) == utc_ms("2026-02-28T23:00")
    assert tariff.month_ms(utc_ms("2026-02-28T22:30"), BERLIN) == utc_ms("2026-01-31T23:00")
