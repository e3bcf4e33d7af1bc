"""Conditions put into a simulated header: found in time, by name, and nothing else; and nothing in clean hours."""

import pytest

from analytics.conditions.persistence import Persistence
from analytics.conditions.physics import claims
from analytics.conditions.sight import HeaderSight, PumpSight, Suspicion
from tests.analytics.conditions.injected import Fault, sights

BEGIN_MS = 600_000
SEEDS = range(5)  # 20, and a clean day each, hold too, and take a minute


def found(seed: int, minutes: float, fault: Fault | None) -> dict[Suspicion, float]:
    """What became active, and how many minutes after the fault had begun."""
    watch, seen = Persistence(), dict[Suspicion, float]()
    for at_ms, sight in sights(seed, minutes, fault):
        watch.update(claims(sight), at_ms)
        for suspicion in watch.active:
            seen.setdefault(suspicion, (at_ms - BEGIN_MS) / 60_000)
    return seen


@pytest.mark.parametrize(
    ("kind", "pump", "suspect", "minutes"),
    [
        ("dry_run", 0, "p1", 2.5),
        ("dry_run", 2, "p3", 2.5),
        ("closed_valve", 0, "p1", 2.5),
        ("closed_valve", 2, "p3", 2.5),
        ("blockage", 0, "p1", 45.0),
        ("blockage", 2, "p3", 45.0),
        ("reverse_flow", 1, "main", 2.5),
        ("flow_meter_drift", 1, "main", 45.0),
        ("head_sensor_drift", 1, "main", 30.0),
        ("too_many_starts", 2, "p3", 0.5),
    ],
)
def test_a_fault_is_found_in_time_by_its_name_and_alone(kind: str, pump: int, suspect: str, minutes: float) -> None:
    """With other demands, noise and errors of the curves each time; a wrong name sends the crew to a wrong pump."""
    for seed in SEEDS:
        seen = found(seed, 30, Fault(kind, pump, BEGIN_MS))

        assert [(one.kind, one.suspect) for one in seen if one.kind != "outside_por"] == [(kind, suspect)], seed
        assert 0 <= min(seen.values()) <= minutes


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_clean_hours(seed: int) -> None:
    """At most 0.2 false alarms in thirty days are allowed."""
    assert found(seed, 4 * 60, None) == {}


def sight(flow: float | None, **pump: object) -> HeaderSight:
    facts = {"power": 30.0, "expected_flow": 200.0, "expected_power": 30.0, "idle_power": 18.0, "best_flow": 220.0}
    one = PumpSight("p1", **{"is_running": True, **facts, **pump})  # type: ignore[arg-type]
    return HeaderSight("main", flow, 2.0, (one,))


def test_what_is_not_known_claims_nothing() -> None:
    """Without a flow, a power, a curve or a running state there is no physics."""
    for unknown in (sight(None), sight(0.0, power=None), sight(0.0, expected_flow=None), sight(0.0, is_running=None)):
        said = claims(unknown)

        assert not any(is_so for suspicion, is_so in said.items() if suspicion.kind in ("closed_valve", "blockage"))


def test_a_pump_off_its_preferred_region_is_told_after_a_quarter_of_an_hour() -> None:
    watch, off = Persistence(), Suspicion("outside_por", "p1")
    for minute in range(16):
        watch.update(claims(sight(100.0, expected_flow=100.0)), minute * 60_000)
        assert (off in watch.active) == (minute >= 15)


@pytest.mark.parametrize(("available", "holds"), [(3.51, True), (3.53, False), (None, False)])
def test_too_little_pressure_at_the_inlet_is_told_after_five_minutes(available: float | None, *, holds: bool) -> None:
    """3.2 m are required, and a tenth more should be there; without a gauge nobody knows."""
    watch = Persistence()
    for minute in range(6):
        watch.update(claims(sight(200.0, npsh_available=available, npsh_required=3.2)), minute * 60_000)
        assert watch.active == ([Suspicion("cavitation", "p1")] if holds and minute >= 5 else [])


def test_a_stop_ends_what_was_wrong_with_running() -> None:
    """Two minutes later: a pump that stands does not run dry."""
    watch, dry = Persistence(), Suspicion("dry_run", "p1")
    for minute in range(4):
        watch.update(claims(sight(0.0, power=5.0)), minute * 60_000)
    assert dry in watch.active

    for minute in range(4, 7):
        watch.update(claims(sight(0.0, is_running=False)), minute * 60_000)

    assert watch.active == []


def test_one_minute_without_a_value_does_not_begin_the_wait_anew() -> None:
    """A gap in the flow is no sign that the valve has opened."""
    watch, shut = Persistence(), Suspicion("closed_valve", "p1")
    for minute, flow in enumerate((0.0, None, 0.0)):
        watch.update(claims(sight(flow, power=18.5)), minute * 60_000)

    assert shut in watch.active
