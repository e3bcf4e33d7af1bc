"""The station's days and what a kilowatt-hour costs in them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import ValidationError

from agent import tariff
from agent.plant import Day, TariffBand, TariffSettings

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
