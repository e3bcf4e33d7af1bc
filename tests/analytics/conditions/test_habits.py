"""What a header usually gives: unusual days are none, what stays becomes one, and a rising main shows by its curve."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest

from analytics.conditions.habits import Habits, Look
from analytics.hydraulics import Floats

MINUTES = 1_440
LEARNT = 14  # days; the next is a Monday
STEP = 3  # minutes between looks


def pattern(hour: Floats, late: float = 0.0) -> Floats:
    """m³/h of a town by the hour of its clocks."""
    peaks = ((340.0, 8.0 + late, 2.2), (160.0, 13.5, 3.5), (280.0, 19.0, 2.8))
    return np.asarray(270.0 + sum(high * np.exp(-(((hour - at) / wide) ** 2)) for high, at, wide in peaks))


def day(number: int, late: float | None = None, shift: float = 0.0) -> list[tuple[float, float]]:
    """Hours by the clock and m³/h; a weekend's morning is later, and *shift* hours are skipped at two."""
    rng = np.random.default_rng(number)
    hours = np.arange(0, MINUTES, STEP) / 60.0
    hours = hours[(hours < 2.0) | (hours >= 2.0 + shift)]
    whims = np.convolve(rng.normal(0.0, 0.05, len(hours) + 6), np.ones(7) / 7.0, "valid")
    own = 1.5 * (number % 7 >= 5) if late is None else late
    flows = pattern(hours, own + rng.normal(0.0, 0.1)) * np.exp(whims + rng.normal(0.0, 0.02))
    return list(zip(hours.tolist(), flows.tolist(), strict=True))


def lived(habits: Habits, number: int, seen: list[tuple[float, float]], pressure: float = 32.0) -> list[float]:
    """Hours of the day at which a burst was claimed."""
    start_ms, said = number * MINUTES * 60_000, list[float]()
    for place, (hour, flow) in enumerate(seen):
        look = Look(start_ms + place * STEP * 60_000 + 1, hour / 24.0, flow, pressure, is_weekend=number % 7 >= 5)
        if habits.is_burst(look):
            said.append(hour)
    return said


@cache
def fortnight() -> Habits:
    """Habits of two weeks; for copies."""
    habits = Habits()
    for number in range(LEARNT):
        lived(habits, number, day(number))
    return habits


def test_a_holiday_is_a_weekend_on_a_workday() -> None:
    """Late in the morning it draws what no Monday does."""
    assert lived(deepcopy(fortnight()), LEARNT, day(LEARNT, late=1.5)) == []


@pytest.mark.parametrize(("number", "late"), [(14, 0.7), (18, 0.5), (22, 0.7), (23, 0.6)])
def test_a_town_that_is_up_late_has_not_burst(number: int, late: float) -> None:
    """It draws a seventh less than on other workdays while they rise, and a tenth more for hours when they fall."""
    assert lived(deepcopy(fortnight()), number, day(number, late=late)) == []


@pytest.mark.parametrize("late", [-0.4, 0.0, 0.5])
def test_how_late_a_town_is_up_is_known_by_noon(late: float) -> None:
    """In hours, of days that are else alike; some of it is not believed yet."""
    habits, hours = Habits(), np.arange(0, MINUTES, STEP) / 60.0
    for number in range(4):
        lived(habits, number, list(zip(hours.tolist(), pattern(hours).tolist(), strict=True)))
    morning = hours[hours < 11.0]
    lived(habits, 4, list(zip(morning.tolist(), pattern(morning, late).tolist(), strict=True)))

    assert habits.today[False].late == pytest.approx(0.8 * late, rel=0.25, abs=0.04)


@pytest.mark.parametrize("number", [15, 17, 18])
def test_a_burst_shows_on_the_day_of_a_town_that_is_up_late(number: int) -> None:
    """Being late is no excuse for more by noon, when what was late is over."""
    burst = [(hour, flow + 170.0 * (hour >= 12.0)) for hour, flow in day(number, late=0.4)]

    assert 12.0 < min(lived(deepcopy(fortnight()), number, burst), default=24.0) < 12.9


def test_summer_time_moves_the_town_with_its_clocks() -> None:
    assert lived(deepcopy(fortnight()), LEARNT, day(LEARNT, shift=1.0)) == []


def test_a_heat_wave_that_comes_over_days_is_none() -> None:
    """A fifth more on the third day, and back."""
    habits = deepcopy(fortnight())
    for number, more in enumerate((0.0, 0.1, 0.2, 0.2, 0.1), LEARNT):
        seen = [(hour, flow * (1.0 + more + 0.1 * hour / 24.0 * (number < LEARNT + 2))) for hour, flow in day(number)]

        assert lived(habits, number, seen) == [], number


def test_ten_minutes_of_filling_are_none() -> None:
    """A third of what the town draws, at an hour when little is."""
    filled = [(hour, flow + 150.0 * (3.0 <= hour < 3.16)) for hour, flow in day(LEARNT)]

    assert lived(deepcopy(fortnight()), LEARNT, filled) == []


@pytest.mark.parametrize("begin", [3.0, 7.0, 12.0, 18.0])
@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_what_is_added_at_once_or_within_two_hours_is_a_burst(begin: float, growth: float) -> None:
    """Not before it has begun. Had today's level followed it, a growing one would have been another day."""
    grown = [(hour, flow + 170.0 * min(max(hour - begin, 0.0) / (growth + 0.05), 1.0)) for hour, flow in day(LEARNT)]

    first = min(lived(deepcopy(fortnight()), LEARNT, grown), default=24.0)

    assert 0.0 < first - begin < (2.0 if growth else 0.9)


def test_a_burst_that_stays_becomes_a_habit() -> None:
    """The alarm holds all of the first hours, and is gone within a fortnight; mended, it is no burst either."""
    habits = deepcopy(fortnight())
    said = [lived(habits, number, [(hour, flow + 150.0) for hour, flow in day(number)]) for number in range(14, 28)]
    mended = lived(habits, 28, day(28))

    assert (len(said[0]) > 40, said[-1], mended) == (True, [], [])


def pressed(flow: float) -> float:
    """What a rising main needs, m."""
    return 20.0 + 10.0 * (flow / 300.0) ** 2


def test_a_rising_main_that_takes_more_than_its_pressure_presses_through_has_burst() -> None:
    """On the second day: wells run at any hour, nothing is known yet of the time of day, and the curve is."""
    rng, habits, said = np.random.default_rng(1), Habits(), list[int]()
    flow, begin = 300.0, 720  # looks: after a day and a half
    for look in range(begin + 40):
        flow = float(rng.choice([150.0, 220.0, 300.0, 360.0])) if look % 40 == 0 else flow
        shown = flow * rng.normal(1.0, 0.005) * (1.25 if look >= begin else 1.0)
        if habits.is_burst(Look(60_000 * STEP * look + 1, look % 480 / 480, shown, pressed(flow))):
            said.append(look - begin)

    assert said
    assert 0 < said[0] * STEP <= 60


def test_a_header_whose_days_have_nothing_in_common_is_not_known_before_eight_of_them() -> None:
    """What is beyond two or three of them is only what the fourth brings; one whose days are alike is known by then."""
    rng, wells, town = np.random.default_rng(5), Habits(), Habits()
    told: dict[str, list[float]] = {"wells": [], "town": []}  # days
    for number in range(10):
        drawn = rng.choice([150.0, 220.0, 300.0, 360.0], size=12)  # two hours each
        for minute in range(0, MINUTES, 2):
            at_ms, share = 60_000 * (MINUTES * number + minute) + 1, minute / MINUTES
            if wells.is_burst(Look(at_ms, share, float(drawn[minute // 120]), 30.0)) is not None:
                told["wells"].append(number + share)
            if town.is_burst(Look(at_ms, share, float(pattern(np.array(24.0 * share))), 30.0)) is not None:
                told["town"].append(number + share)

    assert 7.9 < min(told["wells"]) < 9.1  # half an hour of looks may be a hair less than one
    assert min(told["town"]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("standstill", "silent"), [(50, 0), (90, 15)])
def test_nothing_is_said_in_the_first_quarter_of_an_hour_after_an_hours_standstill(
    standstill: int, silent: int
) -> None:
    """Its tank may have emptied meanwhile: a lower level is no burst. Minutes; after less it goes on as it was."""
    rng, habits, looks = np.random.default_rng(1), Habits(), 720
    flow = 300.0
    for look in range(looks):
        flow = float(rng.choice([150.0, 220.0, 300.0, 360.0])) if look % 40 == 0 else flow
        habits.is_burst(Look(60_000 * STEP * look + 1, look % 480 / 480, flow, pressed(flow)))
    begin = STEP * looks + standstill
    stood = [habits.is_burst(Look(60_000 * minute, 0.5, 0.0, 20.0)) for minute in range(STEP * looks, begin)]
    said = [
        habits.is_burst(Look(60_000 * minute, minute % MINUTES / MINUTES, 300.0, pressed(300.0) - 2.0))
        for minute in range(begin, begin + 20)
    ]

    assert set(stood) == {None}
    assert [one is None for one in said].count(True) == pytest.approx(silent, abs=1)
    assert [one for one in said if one is None] == said[: said.count(None)]


def test_a_tanks_level_that_comes_and_goes_is_no_burst() -> None:
    """Three metres within days: the main's pressure follows the level, and a burst still shows."""
    rng, habits, said = np.random.default_rng(3), Habits(), list[int]()
    flow, looks = 300.0, 8 * 480
    level = 3.0 * np.sin(np.arange(looks + 40) / 240.0) * np.sin(np.arange(looks + 40) / 777.0)
    for look in range(looks + 40):
        flow = float(rng.choice([150.0, 220.0, 300.0, 360.0])) if look % 40 == 0 else flow
        shown = flow * rng.normal(1.0, 0.005) * (1.4 if look >= looks else 1.0)
        pressure = pressed(flow) + float(level[look])
        if habits.is_burst(Look(60_000 * STEP * look + 1, look % 480 / 480, shown, pressure)):
            said.append(look - looks)

    assert said
    assert 0 < said[0] * STEP <= 90


@pytest.mark.parametrize("seed", range(3))
def test_wells_that_run_at_any_hour_never_burst(seed: int) -> None:
    """From the first day on. One, two or none of them, and the pressure tells little of which."""
    rng, habits, said = np.random.default_rng(seed), Habits(), list[float]()
    flow, left = 200.0, 0
    for look in range(20 * 480):
        if left == 0:
            flow, left = float(rng.choice([0.0, 200.0, 350.0], p=[0.3, 0.45, 0.25])), int(rng.integers(10, 160))
        left -= 1
        shown, pressure = flow * rng.normal(1.0, 0.003), 20.0 + 2.0 * (flow / 350.0) ** 2 + rng.normal(0.0, 0.3)
        is_weekend = look // 480 % 7 >= 5
        if habits.is_burst(Look(60_000 * STEP * look + 1, look % 480 / 480, shown, pressure, is_weekend=is_weekend)):
            said.append(look / 480)

    assert said == []


def test_a_burst_widens_nothing_while_it_lasts() -> None:
    """One that is small beside the morning would else be usual before it has added up."""
    grown = [(hour, flow + 85.0 * min(max(hour - 5.5, 0.0) / 2.0, 1.0)) for hour, flow in day(LEARNT)]

    assert min(lived(deepcopy(fortnight()), LEARNT, grown), default=24.0) < 9.0
