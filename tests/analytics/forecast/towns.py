"""The demand of a simulated town: days, weekends, weather that lasts, noise."""

import numpy as np

from analytics.dispatch.pump import Array
from analytics.forecast.series import DAY_MS, Calendar, Series

MONDAY_MS = 4 * DAY_MS  # 5 January 1970


def demand(seed: int, days: int, per_day: int = 48) -> tuple[Array, Calendar]:
    """Flows, m³/h, and their local times."""
    rng = np.random.default_rng(seed)
    count = days * per_day
    calendar = Calendar(MONDAY_MS + np.arange(count, dtype=np.int64) * (DAY_MS // per_day))
    hours = 24 * calendar.day_share
    late = np.where(calendar.is_weekend, 2.0, 0.0)
    shape = 1 - 0.4 * np.cos(2 * np.pi * (hours - 3) / 24) + 0.25 * np.cos(4 * np.pi * (hours - 8 - late) / 24)
    weather = np.empty(count)
    level = 0.0
    for step in range(count):
        level = 0.995 * level + rng.normal(0.0, 0.01)
        weather[step] = level
    return 400 * shape * (1 + weather) * (1 + 0.03 * rng.normal(size=count)), calendar


def series(values: Array, calendar: Calendar, end: int, per_day: int = 48) -> Series:
    """What is known at step *end*."""
    return Series(values[:end], Calendar(calendar.local_ms[:end]), DAY_MS // per_day)
