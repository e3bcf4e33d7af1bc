"""Conditions put into a simulated station: found in time, by name, and nothing else; and nothing in clean days."""

from functools import cache

import pytest

from analytics.conditions.persistence import Persistence
from analytics.conditions.physics import claims
from analytics.conditions.sight import HeaderSight, PumpSight, Suspicion
from tests.analytics.conditions.injected import KNOWN, Past, followed, tried
from tests.analytics.conditions.station import DAY, LOOK_MS, NOTHING, Kind

SEEDS = range(2)  # `make bench-conditions` tries 20, and clean months


@cache
def past(seed: int) -> Past:
    return Past.of(seed, 2)


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [
        ("dry_run", 4.0),
        ("closed_valve", 15.0),
        ("reverse_flow", 4.0),
        ("blockage", 45.0),
        ("cavitation", 30.0),
        ("outside_por", 20.0),
        ("too_many_starts", 75.0),
        ("flow_meter_drift", 45.0),
        ("head_sensor_drift", 30.0),
    ],
)
def test_a_fault_is_found_in_time_by_its_name_and_alone(kind: Kind, minutes: float) -> None:
    """With other towns, meters and sizes each time; a wrong name sends the crew to a wrong pump."""
    for seed in SEEDS:
        found_after, others = tried(kind, past(seed), seed)

        assert (0 <= found_after <= minutes, others) == (True, {}), (seed, found_after)


def test_nothing_is_found_in_clean_days() -> None:
    """At most 0.2 false alarms in thirty days are allowed. The worn pump does leave its region at times."""
    for seed in SEEDS:
        found = followed(past(seed).seen(2, NOTHING, 0, 2 * DAY), LOOK_MS * KNOWN * DAY)

        assert [one for one in found if one.kind != "outside_por"] == []


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


@pytest.mark.parametrize(("kind", "holds"), [("burst", True), ("dry_run", False)])
def test_noise_around_a_limit_does_not_begin_a_long_wait_anew(kind: Kind, *, holds: bool) -> None:
    """Every third look is within it; what takes two minutes has to be so in each."""
    watch, suspicion = Persistence(), Suspicion(kind, "main")  # type: ignore[arg-type]  # none of ours is left out
    for look in range(32):
        watch.update({suspicion: look % 3 != 2}, 30_000 * look)

    assert (suspicion in watch.active) == holds


def test_two_minutes_within_the_limit_do_begin_it_anew() -> None:
    watch, burst = Persistence(), Suspicion("burst", "main")
    for look in range(40):
        watch.update({burst: look % 8 < 4}, 30_000 * look)

    assert watch.active == []


def test_one_minute_without_a_value_does_not_begin_the_wait_anew() -> None:
    """A gap in the flow is no sign that the valve has opened."""
    watch, shut = Persistence(), Suspicion("closed_valve", "p1")
    for minute, flow in enumerate((0.0, None, 0.0)):
        watch.update(claims(sight(flow, power=18.5)), minute * 60_000)

    assert shut in watch.active


def among(flow: float, *powers: float, expected: float | None = 150.0) -> HeaderSight:
    """Three pumps of 150 m³/h each at this head, by their curves, which draw these kW; the last one's flow is given."""
    flows = (150.0, 150.0, expected)
    facts = {"is_running": True, "expected_power": 30.0, "idle_power": 18.0, "best_flow": 200.0}
    pumps = [
        PumpSight(f"p{place}", power=power, expected_flow=own, **facts)  # type: ignore[arg-type]
        for place, (power, own) in enumerate(zip(powers, flows, strict=True), 1)
    ]
    return HeaderSight("main", flow, 4.0, tuple(pumps))


@pytest.mark.parametrize(
    ("flow", "powers", "holds"),
    [
        (415.0, (30.0, 30.2, 32.0), True),  # p3 lacks 35 of 150, the header 7.8 %
        (425.0, (30.0, 30.2, 32.0), False),  # 25 of 150
        (435.0, (30.0, 30.2, 32.0), False),  # the meter may be as far off
        (415.0, (30.0, 31.0, 32.0), False),  # another power is off too
        (415.0, (30.0, 30.2, 31.0), False),  # nobody's power is
        (410.0, (30.0, 31.0, 32.0), True),  # 8.9 %: that much counts whatever the others draw
    ],
)
def test_a_clogged_pump_is_told_among_many_by_what_it_lacks_itself(
    flow: float, powers: tuple[float, ...], *, holds: bool
) -> None:
    """A third of one pump is hardly more of a header than its meter may be off."""
    said = claims(among(flow, *powers))

    assert [said[Suspicion("blockage", pump)] for pump in ("p1", "p2", "p3")] == [False, False, holds]


@pytest.mark.parametrize(
    ("flow", "holds"), [(360.0, True), (432.0, True), (437.0, False), (545.0, False), (560.0, True)]
)
def test_a_pump_beyond_its_curve_has_what_the_others_leave(flow: float, *, holds: bool) -> None:
    """Where a third pump runs for nothing, its head is above all its curve knows. By 3 % of its best flow it may."""
    said = claims(among(flow, 30.0, 30.0, 20.0, expected=None))

    assert said[Suspicion("outside_por", "p3")] == holds
    assert claims(among(flow, 30.0, 30.0, 20.0))[Suspicion("outside_por", "p3")] is False


def test_two_pumps_beyond_their_curves_have_nobody_knows_how_much_each() -> None:
    one = among(360.0, 30.0, 30.0, 20.0, expected=None)
    both = HeaderSight(
        "main", 360.0, None, (one.pumps[0], PumpSight("p2", is_running=True, best_flow=200.0), one.pumps[2])
    )

    assert claims(both)[Suspicion("outside_por", "p3")] is None
