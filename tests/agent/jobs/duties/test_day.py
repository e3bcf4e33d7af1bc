"""The figures of today: what they stand on, where the day begins, and what a wrong clock leaves of them."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.jobs import running
from tests.agent.history import History, history
from tests.agent.jobs.test_running import bodies

BAD = math.inf
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
TAGS: dict[str, dict[str, Any]] = {
    "p1.power": {"unit": "kW", "period": 60.0},
    "p1.speed": {"unit": "Hz", "period": 60.0},
    "p2.power": {"unit": "kW", "period": 60.0},
    "p2.speed": {"unit": "Hz", "period": 60.0},
    "pressure": {"unit": "bar", "period": 60.0},
    "flow": {"unit": "m3/h", "period": 60.0},
}
BOTH_RUN = {"p1.power": 100.0, "p1.speed": 50.0, "p2.power": 100.0, "p2.speed": 50.0, "pressure": 4.0, "flow": 1_000.0}
PUMPS: list[dict[str, Any]] = [
    {"id": pump, "header": "main", "power": f"{pump}.power", "speed": f"{pump}.speed", "rated_power": 120.0}
    for pump in ("p1", "p2")
]
BETWEEN = 9.0  # kW, of 120 rated: no stopped pump draws it, and no running one surely
NIGHT = {"price": 0.1, "start": "00:00", "end": "06:30"}


def at_ms(text: str, zone: str = "UTC") -> int:
    """An instant by the clock on the station's wall."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@contextmanager
def station(folder: Path, zone: str = "UTC", pumps: list[dict[str, Any]] = PUMPS) -> Iterator[History]:
    """Two pumps that may be metered each minute; a kWh costs 0.10 until half past six in the morning and 0.20 after."""
    plant = {
        "station": {"name": "test", "time_zone": zone},
        "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
        "tariff": {"price": 0.2, "currency": "EUR", "band": [NIGHT]},
    }
    with history(folder, TAGS, pump=pumps, **plant) as past:
        yield past


def run_both(past: History, start_ms: int, end_ms: int, **other: float) -> None:
    """Both pumps draw 100 kW and deliver 1,000 m³/h together, but for *other* (`_` is the dot of its tag)."""
    shown = BOTH_RUN | {tag.replace("_", "."): value for tag, value in other.items()}
    for tag, value in shown.items():
        past.series(tag, [value] * ((end_ms - start_ms) // MINUTE_MS), start_ms=start_ms, step_ms=MINUTE_MS)


def told(past: History, now_ms: int) -> dict[str, Any]:
    """What the station says at *now_ms*."""
    found: dict[str, Any] = bodies(past.perform("running", running.run, now_ms))["station"]
    return found


def today(past: History, now_ms: int) -> tuple[float, float, float]:
    """Energy, kWh, cost and volume, m³, at *now_ms*."""
    body = told(past, now_ms)
    return tuple(round(body[key], 3) for key in ("energy_today_kwh", "cost_today", "volume_today_m3"))


def test_a_day_that_was_measured_is_covered_and_good(tmp_path: Path) -> None:
    """Two hours since midnight, all of them seen."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + 2 * HOUR_MS)

        body = told(past, midnight + 2 * HOUR_MS)

    assert (body["energy_today_kwh"], body["volume_today_m3"]) == pytest.approx((400.0, 2_000.0))
    assert (body["today_covered"], body["volume_today_covered"], body["quality"]) == (1.0, 1.0, "good")


def test_a_bad_power_meter_shows_in_what_is_covered(tmp_path: Path) -> None:
    """Its pump runs and used 50 kWh that nobody saw: 150 is the least it can be, and not told as whole."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + HOUR_MS // 2)
        run_both(past, midnight + HOUR_MS // 2, midnight + HOUR_MS, p2_power=BAD)

        body = told(past, midnight + HOUR_MS)

    assert (body["energy_today_kwh"], body["cost_today"]) == pytest.approx((150.0, 15.0))
    assert (body["today_covered"], body["volume_today_covered"], body["quality"]) == (0.5, 1.0, "uncertain")


def test_a_bad_meter_of_a_stopped_pump_hides_nothing(tmp_path: Path) -> None:
    """Its drive stands, so it draws nothing, whatever its meter does not say."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + HOUR_MS, p2_power=BAD, p2_speed=0.0)

        body = told(past, midnight + HOUR_MS)

    assert (body["energy_today_kwh"], body["today_covered"], body["quality"]) == (pytest.approx(100.0), 1.0, "good")


def test_a_flow_meter_that_failed_for_a_while_shows(tmp_path: Path) -> None:
    """Volume is short by the half hour, energy is not."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + HOUR_MS // 2, flow=BAD)
        run_both(past, midnight + HOUR_MS // 2, midnight + HOUR_MS)

        body = told(past, midnight + HOUR_MS)

    assert body["volume_today_m3"] == pytest.approx(500.0)
    assert (body["today_covered"], body["volume_today_covered"], body["quality"]) == (1.0, 0.5, "uncertain")


@pytest.mark.parametrize("pumps", [[PUMPS[0], {"id": "p2", "header": "main", "speed": "p2.speed"}], []])
def test_without_a_power_meter_there_is_no_energy(tmp_path: Path, pumps: list[dict[str, Any]]) -> None:
    """Half of the energy would be worse than none; the volume is still true."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path, pumps=pumps) as past:
        run_both(past, midnight, midnight + HOUR_MS)

        body = told(past, midnight + HOUR_MS)

    assert not {"energy_today_kwh", "cost_today", "currency", "today_covered"} & set(body)
    assert (body["volume_today_m3"], body["quality"]) == (pytest.approx(1_000.0), "good")


def test_what_was_never_measured_today_is_no_zero(tmp_path: Path) -> None:
    """Neither volume without a flow meter that speaks, nor energy of pumps that nobody sees."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        past.series("pressure", [4.0] * 60, start_ms=midnight, step_ms=MINUTE_MS)

        body = told(past, midnight + HOUR_MS)

    assert not {"energy_today_kwh", "cost_today", "volume_today_m3"} & set(body)
    assert (body["today_covered"], body["volume_today_covered"]) == (0.0, 0.0)


@pytest.mark.parametrize("hours", [2, 8])
def test_hours_in_which_the_agent_was_down_are_missing_aloud(tmp_path: Path, hours: int) -> None:
    """Shorter or longer than what one run takes in."""
    midnight = at_ms("2026-03-10")
    down_ms, up_ms = midnight + 2 * HOUR_MS, midnight + (2 + hours) * HOUR_MS
    with station(tmp_path) as past:
        run_both(past, midnight, down_ms)
        told(past, down_ms)
        run_both(past, up_ms, up_ms + 2 * HOUR_MS)

        body = told(past, up_ms + 2 * HOUR_MS)

    # a reading may stand for the three minutes after it
    assert body["energy_today_kwh"] == pytest.approx(800.0, abs=11.0)
    assert body["today_covered"] == pytest.approx(4 / (4 + hours), abs=0.01)
    assert body["quality"] == "uncertain"


@pytest.mark.parametrize("wrong", ["2026-03-11T01:05", "2026-03-10T23:59", "2027-06-01T12:00", "1970-01-01T00:01"])
def test_the_day_survives_an_excursion_of_the_clock(tmp_path: Path, wrong: str) -> None:
    """Over midnight, within the day, by a year, or to where a clock without a battery begins."""
    midnight, now = at_ms("2026-03-10"), at_ms("2026-03-10T23:05")
    with station(tmp_path) as past:
        run_both(past, midnight, now)
        for hour in (6, 12, 18):
            told(past, midnight + hour * HOUR_MS)
        told(past, now)
        run_both(past, at_ms(wrong), at_ms(wrong) + 2 * MINUTE_MS)
        told(past, at_ms(wrong) + 2 * MINUTE_MS)
        run_both(past, now + 2 * MINUTE_MS, now + 30 * MINUTE_MS)

        energy, cost, volume = today(past, now + 30 * MINUTE_MS)

    # two minutes went to the wrong time, and a reading may stand for them
    whole = 23 * 60 + 35
    assert energy == pytest.approx(200.0 * whole / 60, abs=7.0)
    assert cost == pytest.approx(0.1 * 1_300 + 0.2 * (energy - 1_300), abs=0.01)
    assert volume == pytest.approx(1_000.0 * whole / 60, abs=35.0)


def test_what_a_wrong_clock_left_in_tomorrow_is_gone_when_tomorrow_comes(tmp_path: Path) -> None:
    """The hour is counted anew from its beginning, by the readings that bear its time."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight - HOUR_MS, midnight)
        told(past, midnight - HOUR_MS // 2)
        run_both(past, midnight + 70 * MINUTE_MS, midnight + 72 * MINUTE_MS)
        told(past, midnight + 72 * MINUTE_MS)
        told(past, midnight)
        run_both(past, midnight, midnight + 2 * HOUR_MS)

        assert today(past, midnight + HOUR_MS) == (200.0, 20.0, 1_000.0)
        assert today(past, midnight + 2 * HOUR_MS) == (400.0, 40.0, 2_000.0)


def test_an_hour_that_comes_twice_counts_once(tmp_path: Path) -> None:
    """Whoever puts the agent's clock back by an hour does not use its energy twice."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + 3 * HOUR_MS)
        for minute in range(10, 181, 10):
            told(past, midnight + minute * MINUTE_MS)

        for minute in range(130, 180, 10):
            told(past, midnight + minute * MINUTE_MS)

        assert today(past, midnight + 3 * HOUR_MS) == (600.0, 60.0, 3_000.0)


def test_today_begins_at_the_stations_midnight(tmp_path: Path) -> None:
    """In Kolkata that is 18:30 UTC, in the middle of one run of the job; what was before is yesterday's."""
    midnight = at_ms("2026-03-10", "Asia/Kolkata")
    assert datetime.fromtimestamp(midnight / 1000, UTC).hour == 18
    with station(tmp_path, "Asia/Kolkata") as past:
        run_both(past, midnight - 2 * HOUR_MS, midnight + HOUR_MS)

        body = told(past, midnight + HOUR_MS)

    assert (body["energy_today_kwh"], body["volume_today_m3"]) == pytest.approx((200.0, 1_000.0))
    assert (body["cost_today"], body["today_covered"]) == (pytest.approx(20.0), 1.0)


@pytest.mark.parametrize(
    ("day", "following", "hours", "night"),
    [("2026-03-29", "2026-03-30", 23, 5.5), ("2026-10-25", "2026-10-26", 25, 7.5)],
)
def test_a_day_on_which_clocks_change_has_all_its_hours(
    tmp_path: Path, day: str, following: str, hours: int, night: float
) -> None:
    """23 or 25 of them; the night's price holds for an hour less or more. The job restarts on the way."""
    begin, end = at_ms(day, "Europe/Berlin"), at_ms(following, "Europe/Berlin")
    with station(tmp_path, "Europe/Berlin") as past:
        run_both(past, begin - HOUR_MS, end + HOUR_MS)
        for hour in (5, 10, 15, 20):
            told(past, begin + hour * HOUR_MS)

        whole = told(past, end)
        after = told(past, end + HOUR_MS)

    assert end - begin == hours * HOUR_MS
    assert whole["energy_today_kwh"] == pytest.approx(200.0 * hours)
    assert whole["cost_today"] == pytest.approx(200.0 * (0.1 * night + 0.2 * (hours - night)))
    assert (whole["today_covered"], whole["volume_today_covered"]) == (1.0, 1.0)
    assert (after["energy_today_kwh"], after["today_covered"]) == (pytest.approx(200.0), 1.0)


def test_a_day_that_ends_within_an_hour_keeps_to_itself(tmp_path: Path) -> None:
    """Lord Howe's clocks go back by half an hour: the last of its 24.5 hours is a half one."""
    midnight = at_ms("2026-04-06", "Australia/Lord_Howe")
    with station(tmp_path, "Australia/Lord_Howe") as past:
        run_both(past, midnight - HOUR_MS, midnight + HOUR_MS)

        assert today(past, midnight + HOUR_MS) == (200.0, 20.0, 1_000.0)


def test_days_in_a_wrong_future_do_not_crowd_out_today(tmp_path: Path) -> None:
    """What was counted longest ago is forgotten, not what bears the oldest date."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, midnight, midnight + 3 * HOUR_MS)
        told(past, midnight + HOUR_MS)
        past.series("pressure", [4.0] * 91, start_ms=at_ms("2027-03-10"), step_ms=HOUR_MS)
        for hour in range(1, 91, 5):
            told(past, at_ms("2027-03-10") + hour * HOUR_MS)

        told(past, midnight + 2 * HOUR_MS)

        assert today(past, midnight + 3 * HOUR_MS) == (400.0, 40.0, 2_000.0)  # its first hour lies 90 hours back


def test_a_pump_that_says_nothing_new_still_uses_energy(tmp_path: Path) -> None:
    """Its power alone tells that it runs; between both thresholds it does as before, also in the job's next run."""
    midnight = at_ms("2026-03-10")
    with station(tmp_path, pumps=[{"id": "p1", "header": "main", "power": "p1.power", "rated_power": 120.0}]) as past:
        run_both(past, midnight, midnight + HOUR_MS)
        told(past, midnight + HOUR_MS)
        run_both(past, midnight + HOUR_MS, midnight + HOUR_MS + 6 * MINUTE_MS, p1_power=BETWEEN)

        body = told(past, midnight + HOUR_MS + 6 * MINUTE_MS)

    assert body["energy_today_kwh"] == pytest.approx(100.0 + 0.1 * BETWEEN)
    assert body["today_covered"] == 1.0


def test_the_jobs_state_keeps_the_hours_of_two_days(tmp_path: Path) -> None:
    """Written and read again they are the same; more than three days are not carried along.

    Slow, as three days are written first.
    """
    begin = at_ms("2026-03-10")
    with station(tmp_path) as past:
        run_both(past, begin, begin + 78 * HOUR_MS)
        for hour in range(6, 79, 6):
            state = past.perform("running", running.run, begin + hour * HOUR_MS).state

    hours = running.restored(state).hours
    assert list(hours) == [begin + hour * HOUR_MS for hour in range(6, 78)]
    assert {round(hour.energy_kwh, 6) for hour in hours.values()} == {200.0}
