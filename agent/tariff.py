"""What a kilowatt-hour costs at an instant, and which day and month of the station it belongs to."""

from datetime import UTC, datetime, timedelta
from statistics import median_low
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent.tariff_settings import Day, TariffSettings

_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000  # prices change on whole minutes


def local(ts_ms: int, zone: ZoneInfo) -> datetime:
    """The instant on the station's own clock."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(zone)


def midnights_ms(ts_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """When the station's day of an instant begins and ends; 23 to 25 hours apart where clocks are changed."""
    # the first of two midnights, where clocks are put back over it
    midnight = local(ts_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # the next midnight by date, not 24 hours on
    following = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return round(midnight.timestamp() * 1000), round(following.timestamp() * 1000)


def month_ms(ts_ms: int, zone: ZoneInfo) -> int:
    """When the station's calendar month of an instant began."""
    first = local(ts_ms, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round(first.timestamp() * 1000)


def instant_ms(when: datetime, zone: ZoneInfo) -> int:
    """What a person wrote; in the station's own time where there is no offset."""
    return round((when if when.tzinfo else when.replace(tzinfo=zone)).timestamp() * 1000)


def price(tariff: TariffSettings, ts_ms: int, zone: ZoneInfo) -> float:
    """Money per kWh at an instant."""
    return float(prices(tariff, np.array([ts_ms], np.int64), zone)[0])


def _usual(tariff: TariffSettings, ts_ms: int, zone: ZoneInfo) -> float:
    """The price by bands."""
    now = local(ts_ms, zone)
    day, time = _DAYS[now.weekday()], f"{now:%H:%M}"
    bands = (band for band in tariff.bands if day in band.days and band.start <= time < band.end)
    return next((band.price for band in bands), tariff.price)


def prices(tariff: TariffSettings, times_ms: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.float64]:
    """Money per kWh at each instant, shape (n,)."""
    found = np.full(len(times_ms), tariff.price)
    if tariff.bands:
        minutes, place = np.unique(times_ms // _MINUTE_MS, return_inverse=True)
        found = np.array([_usual(tariff, int(minute) * _MINUTE_MS, zone) for minute in minutes], np.float64)[place]
    if tariff.spot:
        place, holds = _listed(tariff, times_ms, zone)
        found = np.where(holds, np.array([each for _, each in tariff.spot])[place], found)
    return found


def is_listed(tariff: TariffSettings, times_ms: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.bool_]:
    """At which instants a price of the market holds, shape (n,)."""
    return _listed(tariff, times_ms, zone)[1] if tariff.spot else np.zeros(len(times_ms), np.bool_)


def _listed(
    tariff: TariffSettings, times_ms: NDArray[np.int64], zone: ZoneInfo
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The last price of the market before each instant, and whether it holds still."""
    starts_ms = np.array([instant_ms(begin, zone) for begin, _ in tariff.spot], np.int64)
    place = np.searchsorted(starts_ms, times_ms, side="right") - 1
    return place, (place >= 0) & (times_ms < starts_ms[place] + _spacing_ms(starts_ms))  # not over a gap in the list


def _spacing_ms(starts_ms: NDArray[np.int64]) -> int:
    """Usual length of a price."""
    return int(median_low(np.diff(starts_ms).tolist())) if len(starts_ms) > 1 else _HOUR_MS
