"""What is said to be saved in days and in all agrees with what each advice saved, over days of operation."""

from pathlib import Path
from typing import Any

import pytest

from agent.mqtt.payloads import RecommendationEvent
from agent.store.records import Record
from tests.agent.history import START_MS, History
from tests.agent.jobs.test_dispatch import MINUTE_MS, UNEVEN, learnt_station
from tests.agent.jobs.test_saving import EVEN, look, operate

HOURS = 9  # from one advice to the next
ADVICES = 3
NIGHT = {"price": 0.1, "start": "02:00", "end": "12:00"}  # of the station's day, which begins at 13:00 UTC
TARIFF = {"price": 0.3, "band": [NIGHT], "co2_factor": 0.4}
PARTS = ("hours", "withheld_hours", "baseline_kwh", "measured_kwh", "saving_kwh", "saved_money", "saved_co2_kg")
DOUBTS = ("saving_uncertainty_kwh", "saved_money_uncertainty", "saved_co2_uncertainty_kg")
ROUNDED = (0.21, 0.02)  # four figures to a tenth, or to a hundredth of an hour
Body = dict[str, Any]


def advised(past: History, name: str, minute: int) -> None:
    """Even instead of uneven speeds."""
    at_ms = START_MS + minute * MINUTE_MS
    entry = RecommendationEvent(
        id=name,
        ts=at_ms,
        station="test",
        event="issued",
        expires=at_ms + 15 * MINUTE_MS,
        former={pump: hertz / 50 for pump, hertz in UNEVEN.items()},
        proposed={pump: hertz / 50 for pump, hertz in EVEN.items()},
    )
    past.record([Record("recommendation_event", "", at_ms, entry.encode())])


def operated(past: History) -> tuple[Body, list[Body]]:
    """What is published, and verified, after 27 hours in which the same advice is given and followed three times.

    Ten minutes before each the pumps run as before; in the second the power of one is not measured for an hour.
    """
    events: list[Body] = []
    for advice in range(ADVICES):
        begin, end = 60 * HOURS * advice, 60 * HOURS * (advice + 1)
        operate(past, UNEVEN, begin, begin + 10)
        advised(past, f"advice-{advice}", begin + 9)
        operate(past, EVEN, begin + 10, begin + 200)
        operate(past, EVEN, begin + 200, begin + 260, shown={"b.power": float("inf")} if advice == 1 else None)
        operate(past, EVEN, begin + 260, end)
        for minute in (begin + 200, end - 60):
            body, found = look(past, minute)
            events += found
    operate(past, UNEVEN, 60 * HOURS * ADVICES, 60 * HOURS * ADVICES + 20)
    for _ in range(2):  # a run takes in six hours
        body, found = look(past, 60 * HOURS * ADVICES + 20)
        events += found
    return body, [event for event in events if event["event"] == "verified"]


def test_days_advices_and_the_total_say_the_same_and_no_error_is_averaged_away(tmp_path: Path) -> None:
    """Over two midnights and a price that changes: kWh, money, CO2 and hours add up to the last digit that is said.

    The same pumps are left at the same duty each time, so that whatever the curves are wrong by is wrong in every
    hour of it: the deviations add up too. As errors of their own, three advices would be known 1.7 times as well.
    """
    with learnt_station(tmp_path, station={"name": "test", "time_zone": "Pacific/Guadalcanal"}, tariff=TARIFF) as past:
        body, verified = operated(past)

    total, days = body["total"], body["days"]
    assert (len(days), len(verified), body["counting"]) == (3, ADVICES, [])
    assert total["hours"] > 24.0
    assert total["withheld_hours"] == pytest.approx(1.0, abs=0.1)
    for parts in (days, verified):
        for key in PARTS:
            assert sum(part[key] for part in parts) == pytest.approx(total[key], abs=ROUNDED["hours" in key]), key
        for key in DOUBTS:
            assert sum(part[key] for part in parts) == pytest.approx(total[key], rel=0.1), key
    for each in (*days, *verified, total):
        assert each["saving_kwh"] == pytest.approx(each["baseline_kwh"] - each["measured_kwh"], abs=0.11)
        assert each["saved_co2_kg"] == pytest.approx(0.4 * each["saving_kwh"], abs=0.05)
        assert each["saved_co2_uncertainty_kg"] == pytest.approx(0.4 * each["saving_uncertainty_kwh"], rel=0.1)
        assert 0.1 < each["saved_money"] / each["saving_kwh"] <= 0.32
        assert 0.1 < each["saved_money_uncertainty"] / each["saving_uncertainty_kwh"] <= 0.32
