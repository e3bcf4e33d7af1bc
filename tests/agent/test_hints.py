"""What `pump-agent check` says of a configuration that is right and probably not meant."""

from typing import Any

import pytest

from agent.configuration.hints import hints
from agent.settings import AgentSettings


def told(about: str = "energy has no price", **keys: Any) -> list[str]:
    """Hints about money, or something else, of a station with one pump."""
    tags = [{"name": name, "address": f"holding:{at}"} for at, name in enumerate(("pressure", "flow", "power", "on"))]
    plant: dict[str, Any] = {
        "station": {"name": "test"},
        "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
        "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"], **keys.pop("main", {})}],
        "pump": [{"id": "p1", "header": "main", "power": "power", "drive": "fixed", **keys.pop("p1", {})}],
        **keys,
    }
    return [hint for hint in hints(AgentSettings.model_validate(plant)) if about in hint]


COSTS: dict[str, Any] = {
    "p1": {"start_cost": 2.0},
    "main": {"pressure_min": 3.0, "pressure_max": 5.0, "pressure_preferred": 4.0, "pressure_cost": 1.0},
    "advice": {"balance_cost": 1.0},
}


def test_costs_that_nothing_is_weighed_against_are_a_hint() -> None:
    """Each is money, and advice compares power: without a price they would silently count for nothing."""
    (hint,) = told(**COSTS)
    named = 'start_cost of pump "p1", pressure_cost of header "main", balance_cost of [advice]'
    assert hint == f"{named} count for nothing while energy has no price; add price to [tariff]"


@pytest.mark.parametrize("key", COSTS)
def test_each_of_them_alone_is_one(key: str) -> None:
    """None hides behind another."""
    (hint,) = told(**{key: COSTS[key]})
    assert " counts for nothing " in hint


def test_what_water_is_worth_is_one_too() -> None:
    """Without a price nothing more or less of it pays."""
    (hint,) = told(main={"flow_required": 100.0, "flow_tolerance": 0.05, "water_value": 0.1})
    assert hint.startswith('water_value of header "main" counts for nothing while energy has no price')


@pytest.mark.parametrize("is_planned", [True, False])
def test_a_level_to_hold_beside_a_plan_of_levels_is_a_hint(*, is_planned: bool) -> None:
    """The plan goes first, and it is made unless it is switched off."""
    tank = {"level": "flow", "area": 10.0, "level_min": 1.0, "level_max": 4.0}
    found = told(
        about="level_required", main={"level_required": 3.0}, tank=tank, jobs={"schedule": {"enabled": is_planned}}
    )

    remedy = "set enabled = false there, or leave it out"
    said = f'level_required of header "main" counts only while [jobs.schedule] has no plan; {remedy}'
    assert found == ([said] if is_planned else [])


def test_a_tank_beside_two_headers_wants_to_know_which_is_its_own() -> None:
    """Otherwise the schedule would be missing, and only its record on the broker would say why."""
    booster = {"id": "booster", "pressure": ["flow"], "flow": ["power"]}
    tank = {"level": "on", "area": 10.0, "level_min": 1.0, "level_max": 4.0}
    main = {"id": "main", "pressure": ["pressure"], "flow": ["flow"]}

    (hint,) = told(about="[tank] does not say", header=[main, booster], tank=tank)

    assert hint.endswith('so there is no schedule; add header = "main" or "booster"')
    assert told(about="[tank] does not say", header=[main, booster], tank={**tank, "header": "main"}) == []
    assert told(about="[tank] does not say", tank=tank) == []


def test_what_stored_water_is_worth_is_money_too() -> None:
    """Without a price the last level is asked for instead."""
    tank = {"level": "on", "area": 10.0, "level_min": 1.0, "level_max": 4.0, "water_value": 0.1}

    (hint,) = told(tank=tank)

    assert hint.startswith("water_value of [tank] counts for nothing while energy has no price")


@pytest.mark.parametrize("keys", [{}, {**COSTS, "tariff": {"price": 0.2}}])
def test_without_costs_or_with_a_price_there_is_none(keys: dict[str, Any]) -> None:
    """A hint that is always there is read by nobody."""
    assert told(**keys) == []


def test_words_for_alarms_that_the_station_does_not_have_are_a_hint() -> None:
    """A pump that was renamed would silently lose its priority."""
    said = ({"ids": ["condition.dry_run.p1", "silent.*"]}, {"ids": ["condition.dry_run.p2"], "priority": "urgent"})

    assert told(about="agent_alarm", agent_alarm=said) == [
        'agent_alarm: there is no alarm "condition.dry_run.p2" here; pump-agent alarms lists those there are'
    ]
